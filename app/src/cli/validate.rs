//! `cairnd genesis validate`: everything that keeps a chain from starting with a genesis file.
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use super::{
    frame,
    home::{Home, read_json},
};
use crate::{App, Genesis, Settings};

/// Say everything that keeps a chain from starting with the genesis file. Nothing is changed.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// The file, instead of the home's.
    file: Option<std::path::PathBuf>,
}

impl ValidateArgs {
    /// Runs the command; fails if there is a fault.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let path = self.file.unwrap_or_else(|| home.config("genesis.json"));
        let genesis = read_json(&path)?;
        refuse(&faults(&genesis))?;
        println!("a chain can start from {}", path.display());
        Ok(())
    }
}

/// Tells the faults, each in its line, and fails; nothing where there is none.
pub(super) fn refuse(faults: &[String]) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    faults.iter().for_each(|fault| eprintln!("- {fault}"));
    bail!("no chain can start from the genesis file: {} faults", faults.len())
}

/// Everything that is wrong with a genesis file: CometBFT's frame first, then what the modules make of it.
pub(super) fn faults(file: &Value) -> Vec<String> {
    let (genesis, mut faults) = frame::read(file);
    match examine(&genesis) {
        Ok(found) => faults.extend(found),
        Err(e) => faults.push(format!("app_state cannot be examined: {e:#}")),
    }
    faults
}

fn examine(genesis: &Genesis) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().context("a temporary folder is needed")?;
    Ok(App::open(folder.path(), Settings::default())?.examine(genesis))
}
