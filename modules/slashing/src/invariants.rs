//! What must hold of slashing after every block.
use std::collections::BTreeSet;

use cairn_kernel::{Ctx, Result};

use crate::{
    liveness::count,
    state::{INFOS, MISSED},
    window,
};

/// Each count of missed blocks is that of its bits, and bits belong to somebody.
pub(crate) fn counts(ctx: &Ctx) -> Result<(), String> {
    let mut known = BTreeSet::new();
    for entry in INFOS.range(ctx, &[]) {
        let (address, info) = entry.map_err(|e| e.to_string())?;
        let missed = window::missed(ctx, &address).map_err(|e| e.to_string())?.len();
        let counted = count(info.missed_blocks_counter).map_err(|e| e.to_string())?;
        if u64::try_from(missed).ok() != Some(counted) {
            return Err(format!("{} missed {missed} blocks, but {counted} are counted", info.address));
        }
        known.insert(address);
    }
    let owners = MISSED.range(ctx, &[]).map(|e| e.map(|((address, _), _)| address)).collect::<Result<BTreeSet<_>>>();
    match owners.map_err(|e| e.to_string())?.difference(&known).next() {
        Some(unknown) => Err(format!("missed blocks of {unknown}, whom nobody knows")),
        None => Ok(()),
    }
}

/// Everybody in the set has a window.
pub(crate) fn infos(ctx: &Ctx) -> Result<(), String> {
    for power in cairn_staking::powers(ctx).map_err(|e| e.to_string())? {
        if !INFOS.has(ctx, &power.consensus).map_err(|e| e.to_string())? {
            return Err(format!("{} validates without signing info", power.consensus));
        }
    }
    Ok(())
}
