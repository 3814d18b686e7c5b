//! `cairnd pre-upgrade`: whether this program can take over from the one that stopped for an upgrade.
use anyhow::{Context, Result, bail};
use clap::Args;

use super::home::{Home, read_json};
use crate::{App, Exit, Settings, upgrades::Upgrade};

/// Check that this program can carry out the upgrade for which the node stopped: supervisors run it between the old program and the new one.
/// It carries the upgrade out on the state and drops what that wrote.
#[derive(Debug, Args)]
pub(crate) struct PreUpgradeArgs {}

impl PreUpgradeArgs {
    /// Runs the command. Its exit codes are the supervisor's: 0 go on, 30 give up, 31 try again.
    pub(crate) fn run(self, home: &Home, upgrades: Vec<Upgrade>) -> Result<()> {
        rehearse(home, upgrades).map_err(|e| {
            let exit = if Exit::of(&e) == Exit::Locked { Exit::PreUpgradeAgain } else { Exit::PreUpgrade };
            e.context(exit)
        })
    }
}

fn rehearse(home: &Home, upgrades: Vec<Upgrade>) -> Result<()> {
    let path = home.upgrade_info();
    let plan = read_json(&path)?;
    let field = |name: &str| plan.get(name).with_context(|| format!("{} names no {name}", path.display()));
    let name = field("name")?.as_str().context("the upgrade's name is text")?;
    let height = field("height")?.as_i64().context("the upgrade's height is a number")?;
    if upgrades.iter().all(|known| known.name != name) {
        bail!("this program does not know upgrade {name:?}; install the one that does");
    }
    let app = App::open(&home.data("state"), Settings { upgrades, ..Settings::default() })?;
    match app.rehearse_upgrade()? {
        Some(due) if due == name => {
            println!("upgrade {name} at height {height}: this program carries it out");
            Ok(())
        }
        _ => bail!("the state does not wait for upgrade {name} now; delete {} if it is an old one", path.display()),
    }
}
