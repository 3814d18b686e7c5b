//! `cairnd check`: the state of a node that is not running, examined.
use anyhow::{Context, Result};
use clap::Args;

use super::home::Home;
use crate::{App, Settings};

pub(super) fn open(home: &Home) -> Result<App> {
    let folder = home.data("state");
    App::open(&folder, Settings::default())
        .with_context(|| format!("cannot open the state in {}; is the node still running?", folder.display()))
}

/// Whether the chain of a home has begun; an error if its node runs.
pub(super) fn has_blocks(home: &Home) -> Result<bool> {
    Ok(home.data("state").exists() && open(home)?.latest().is_some())
}

/// Hash the whole state anew and check every module's invariants. The node must not be running.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {}

impl CheckArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let app = open(home)?;
        let version = app.latest().context("there is no committed block yet")?;
        app.store().audit().context("the values do not give the app hash")?;
        println!("height {}: the values give the app hash {}", version.height, hex::encode(version.app_hash));
        app.check_invariants()?;
        println!("every invariant of {} modules holds", app.modules().len());
        Ok(())
    }
}
