//! `cairnd rollback`: one block back, in CometBFT and in the state.
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{comet, home::Home, snapshots::open_with};

/// Go back one block, for a node that a faulty build led astray: CometBFT's state, then the application's. Started again, the node runs the block
/// anew. The node must not be running.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Remove the block itself too: it is fetched from peers again, or decided anew.
    #[arg(long)]
    hard: bool,
}

impl RollbackArgs {
    /// Runs the command. Ended early, it may be run again, but with `--hard`, which then removes one more block.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let config = home.load_config()?;
        let store = open_with(home, config.pruning()?)?;
        let newest = store.latest().context("there is no committed block yet")?.height;
        if store.oldest().is_none_or(|oldest| oldest >= newest) {
            bail!("height {newest} is the only one in the state: nothing older is kept to go back to");
        }
        comet::version(&config.comet.binary)?;
        let mut command = Command::new(&config.comet.binary);
        command.arg("rollback").arg("--home").arg(home.path());
        if self.hard {
            command.arg("--hard");
        }
        let out = command.output().with_context(|| format!("cannot run {:?}", config.comet.binary))?;
        if !out.status.success() {
            bail!("CometBFT cannot go back: {}", String::from_utf8_lossy(&out.stderr).trim());
        }
        let said = String::from_utf8_lossy(&out.stdout);
        let height = height(&said).with_context(|| format!("CometBFT says no height: {}", said.trim()))?;
        match newest.checked_sub(height) {
            Some(0) => {}
            Some(1) => drop(store.rollback_one()?),
            _ => bail!("CometBFT went back to height {height}, the state is at {newest}: they are too far apart for a rollback"),
        }
        println!("went back to height {height}; start the node with 'cairnd start{}' to run the next block anew", home.flag());
        Ok(())
    }
}

/// The height in `Rolled back state to height 41 and hash AB..`.
fn height(said: &str) -> Option<u64> {
    said.split_once("to height ")?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_height_is_read_from_either_line() {
        assert_eq!(super::height("Rolled back state to height 41 and hash AB\n"), Some(41));
        assert_eq!(super::height("Rolled back both state and block to height 7 and hash AB\n"), Some(7));
        assert_eq!(super::height("panic"), None);
    }
}
