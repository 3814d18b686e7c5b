//! Plan, past upgrades and versions from and to the genesis file.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result};
use cairn_proto::{
    cairn::upgrade::v1::{AppliedUpgrade, GenesisState},
    cosmos::upgrade::v1beta1::ModuleVersion,
};

use crate::{
    Error, applied, plan,
    state::{APPLIED, PLAN, VERSIONS},
    versions,
};

/// Fills an empty store.
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    let refuse = |text: String| Error::Genesis(text);
    for AppliedUpgrade { name, height } in &genesis.applied {
        plan::check_name(name)?;
        if APPLIED.has(ctx, name)? || *height == 0 {
            return Err(refuse(format!("upgrade {name} stands twice, or has no height")).into());
        }
        APPLIED.set(ctx, name, height)?;
    }
    for ModuleVersion { name, version } in &genesis.module_versions {
        if VERSIONS.has(ctx, name)? || *version == 0 {
            return Err(refuse(format!("module {name} stands twice, or has no version")).into());
        }
        VERSIONS.set(ctx, name, version)?;
    }
    let Some(plan) = genesis.plan else { return Ok(()) };
    let (height, last) = (plan::check(&plan)?, ctx.block().height);
    if height <= last || APPLIED.has(ctx, &plan.name)? {
        let first = last.saturating_add(1);
        return Err(refuse(format!("plan {} is for height {height}: before the first block, {first}, or done already", plan.name)).into());
    }
    PLAN.set(ctx, &plan::timeless(plan))
}

/// Everything.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    let applied = applied(ctx)?.into_iter().map(|(name, height)| AppliedUpgrade { name, height });
    let versions = versions(ctx)?.into_iter().map(|(name, version)| ModuleVersion { name, version });
    Ok(GenesisState { plan: PLAN.get(ctx)?, applied: applied.collect(), module_versions: versions.collect() })
}

/// Notes the versions of a chain that begins, once all modules have read the genesis file.
///
/// # Errors
/// [`Error::Genesis`] if the file holds state of other versions than the program's.
pub fn begin(ctx: &mut Ctx, program: &BTreeMap<String, u64>) -> Result<()> {
    let stated = versions(ctx)?;
    if stated.is_empty() {
        return program.iter().try_for_each(|(name, version)| VERSIONS.set(ctx, name, version));
    }
    if stated == *program {
        return Ok(());
    }
    let other = |(name, version): &(&String, &u64)| stated.get(*name) != Some(version);
    let name = program.iter().find(other).map(|(name, _)| name).or_else(|| stated.keys().find(|name| !program.contains_key(*name)));
    let (name, found) = (name.map_or("", String::as_str), name.and_then(|name| stated.get(name)).unwrap_or(&0));
    let expected = program.get(name).unwrap_or(&0);
    let text = format!(
        "module {name} is of version {found} in the file and {expected} in this program; start from it with the program that wrote it"
    );
    Err(Error::Genesis(text).into())
}
