//! The upgrades that this program knows: what each does to the state, in the order in which the chain goes through them.
//!
//! A change of what a module stores is a migration of an upgrade in this list. The list is also the only place that tells the version of a
//! module's state: it is 1 and one more for each migration of the module. Upgrades stay listed for good: a program without the last one
//! that its chain went through is refused that chain's state.
use std::collections::BTreeMap;

use cairn_kernel::{AnyModule, Ctx, Result};

/// An upgrade, by the name that its plan has.
#[derive(Debug, Clone)]
pub struct Upgrade {
    /// As governance names it.
    pub name: &'static str,
    /// What it does, in this order; nothing, where only rules change. Modules that the chain did not have begin afterwards with their defaults.
    pub migrations: Vec<Migration>,
}

/// One step of a module's state to its next version.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Whose state.
    pub module: &'static str,
    /// Rewrites it, at the beginning of the block of the plan's height. An error stops every node with the state as it was.
    pub run: fn(&mut Ctx) -> Result<()>,
}

/// Every upgrade, the oldest first.
#[must_use]
pub fn all() -> Vec<Upgrade> {
    vec![]
}

/// The version of each module's state in a program with these modules and upgrades.
pub(crate) fn versions(modules: &[Box<dyn AnyModule>], upgrades: &[Upgrade]) -> BTreeMap<String, u64> {
    modules.iter().map(|module| (module.name().to_owned(), version(module.name(), upgrades))).collect()
}

/// The version to which these upgrades bring a module.
pub(crate) fn version(module: &str, upgrades: &[Upgrade]) -> u64 {
    let steps = upgrades.iter().flat_map(|upgrade| &upgrade.migrations).filter(|migration| migration.module == module).count();
    u64::try_from(steps).unwrap_or(u64::MAX).saturating_add(1)
}
