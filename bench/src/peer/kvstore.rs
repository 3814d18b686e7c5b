//! CometBFT with its own key-value app, in one process.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{Peer, Programs, comet, version};
use crate::{account::Account, genesis, process::output, send::Format, throughput::Plan};

/// The upper bound: consensus, RPC, mempool and index, and next to no application.
pub(super) struct Kvstore {
    program: PathBuf,
}

impl Kvstore {
    pub(super) fn new(programs: &Programs) -> Self {
        Self { program: programs.cometbft.clone() }
    }
}

impl Peer for Kvstore {
    fn label(&self) -> Result<String> {
        Ok(format!("kvstore (CometBFT {})", version(&self.program, "version")?))
    }
    fn create(&self, home: &Path, base_port: u16, _: &[Account], plan: &Plan) -> Result<()> {
        output(Command::new(&self.program).arg("init").arg("--home").arg(home))?;
        comet::configure(home, base_port, plan)?;
        let path = home.join("config/genesis.json");
        let mut doc = genesis::read(&path)?;
        *doc.pointer_mut("/consensus_params/block").context("genesis has no consensus_params.block")? = comet::block_params(plan);
        Ok(fs::write(path, doc.to_string())?)
    }
    fn commands(&self, home: &Path) -> Vec<(&'static str, Command)> {
        let mut command = Command::new(&self.program);
        command.args(["start", "--proxy_app", "kvstore", "--log_level", "error", "--home"]).arg(home);
        vec![("cometbft", command)]
    }
    fn format(&self) -> Option<Format> {
        None
    }
}
