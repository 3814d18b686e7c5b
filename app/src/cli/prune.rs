//! `cairnd prune`: old heights of a node that is not running, forgotten at once.
use anyhow::{Context, Result};
use clap::Args;

use super::{home::Home, snapshots::open_with};
use crate::config::Config;

/// Forget old heights at once and give their space back. The node must not be running. A running node forgets by itself.
#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// 'default', 'nothing', 'everything', 'custom' or a number of heights; without it, what app.toml says.
    pruning: Option<String>,
    /// With 'custom': how many heights stay.
    #[arg(long, visible_alias = "keep-recent")]
    pruning_keep_recent: Option<u64>,
    /// Taken as the Cosmos SDK has it; here everything is forgotten at once.
    #[arg(long, visible_alias = "interval", default_value_t = 1)]
    pruning_interval: u64,
}

impl PruneArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let mut config: Config = home.load_config()?;
        if let Some(pruning) = self.pruning {
            config.pruning = pruning;
            config.pruning_interval = self.pruning_interval;
        }
        config.pruning_keep_recent = self.pruning_keep_recent.unwrap_or(config.pruning_keep_recent);
        let store = open_with(home, config.pruning()?)?;
        let newest = store.latest().context("there is no committed block yet")?.height;
        let before = store.oldest().unwrap_or(0);
        let oldest = store.prune_all()?;
        println!("forgot {} heights; those from {oldest} to {newest} answer", oldest.saturating_sub(before));
        Ok(())
    }
}
