//! This chain: `cairnd` and the stock CometBFT, two processes over a unix socket, as `cairnd start` runs them.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use bech32::Hrp;
use cairn_kernel::{BASE_DENOM, PREFIX};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, value};

use super::{Peer, Programs, comet, version};
use crate::{account::Account, genesis, process::output, send::Format, throughput::Plan};

const CHAIN_ID: &str = "cairn-bench-1";

/// See the file.
pub(crate) struct Cairn {
    cairnd: PathBuf,
    cometbft: PathBuf,
    format: Format,
}

impl Cairn {
    pub(crate) fn new(programs: &Programs) -> Result<Self> {
        let format = Format { chain_id: CHAIN_ID.into(), prefix: Hrp::parse(PREFIX)?, denom: BASE_DENOM.into() };
        Ok(Self { cairnd: programs.cairnd.clone(), cometbft: programs.cometbft.clone(), format })
    }

    /// Writes the home of a single validator with a genesis file that funds nobody.
    pub(crate) fn testnet(&self, home: &Path, base_port: u16) -> Result<()> {
        let folder = home.with_extension("testnet");
        let mut command = Command::new(&self.cairnd);
        command.args(["testnet", "--validators", "1", "--chain-id", CHAIN_ID, "--base-port", &base_port.to_string()]);
        output(command.arg("--comet").arg(&self.cometbft).arg("--out").arg(&folder))?;
        fs::rename(folder.join("node0"), home)?;
        Ok(fs::remove_dir_all(folder)?)
    }
}

impl Peer for Cairn {
    fn label(&self) -> Result<String> {
        Ok(format!("{} (CometBFT {})", version(&self.cairnd, "--version")?, version(&self.cometbft, "version")?))
    }

    fn create(&self, home: &Path, base_port: u16, accounts: &[Account], plan: &Plan) -> Result<()> {
        self.testnet(home, base_port)?;
        comet::configure(home, base_port, plan)?;
        quiet(home)?;
        let path = home.join("config/genesis.json");
        let mut doc = genesis::read(&path)?;
        *doc.pointer_mut("/consensus_params/block").context("genesis has no consensus_params.block")? = comet::block_params(plan);
        let state = doc.get_mut("app_state").map(Value::take).context("genesis has no app_state")?;
        genesis::write(&path, doc, &genesis::funded(state, accounts, self.format.prefix, BASE_DENOM)?)
    }

    fn commands(&self, home: &Path) -> Vec<(&'static str, Command)> {
        let (mut app, mut comet) = (Command::new(&self.cairnd), Command::new(&self.cometbft));
        app.args(["start", "--external", "--home"]).arg(home);
        let socket = format!("unix://{}", home.join("data/abci.sock").display());
        comet.args(["start", "--proxy_app", &socket, "--log_level", "error", "--home"]).arg(home);
        vec![("cairnd", app), ("cometbft", comet)]
    }

    fn format(&self) -> Option<Format> {
        Some(self.format.clone())
    }

    /// The proposer's share in the beacon.
    fn own_txs(&self) -> u64 {
        1
    }
}

/// Logs no more than the others do.
fn quiet(home: &Path) -> Result<()> {
    let path = home.join("config/app.toml");
    let mut doc: DocumentMut = fs::read_to_string(&path)?.parse()?;
    let log = doc.get_mut("log").and_then(Item::as_table_like_mut).context("app.toml has no [log]")?;
    log.insert("level", value("error"));
    Ok(fs::write(path, doc.to_string())?)
}
