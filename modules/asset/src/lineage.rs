//! Where assets come from: parents, and the stack of royalties that they fix.
//!
//! A parent exists when its child is registered and an asset's parents never change: ids fall along every edge, so the graph has no cycle,
//! and a stack, once computed, stays right.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::asset::v1::{Params, Parent, Relation, Royalty};

use crate::{
    Error,
    state::{self, CHILDREN, DESCENDANTS},
};

/// Checks `parents` and adds their stacks up: own edges and the parents' stacks, an ancestor that comes twice once with the sum.
pub(crate) fn stack(ctx: &Ctx, params: &Params, parents: &[Parent]) -> Result<Vec<Royalty>> {
    let most = usize::try_from(params.max_parents).map_err(|_| Error::Overflow)?;
    if parents.len() > most {
        return Err(Error::TooManyParents { max: params.max_parents, found: parents.len() }.into());
    }
    let mut named = BTreeMap::new();
    let mut sums = BTreeMap::<u64, u64>::new();
    for parent in parents {
        if named.insert(parent.asset_id, ()).is_some() {
            return Err(Error::RepeatedParent(parent.asset_id).into());
        }
        if matches!(Relation::try_from(parent.relation), Ok(Relation::Unspecified) | Err(_)) {
            return Err(Error::Relation(parent.relation).into());
        }
        let above = state::asset(ctx, parent.asset_id)?;
        raise(&mut sums, parent.asset_id, parent.royalty_bps)?;
        above.stack.iter().try_for_each(|royalty| raise(&mut sums, royalty.asset_id, royalty.bps))?;
    }
    let total = sums.values().try_fold(0_u64, |sum, bps| sum.checked_add(*bps)).ok_or(Error::Overflow)?;
    if total > u64::from(params.max_royalty_bps) {
        return Err(Error::RoyaltyTooHigh { max: params.max_royalty_bps, found: total }.into());
    }
    if usize::try_from(params.max_stack).map_err(|_| Error::Overflow)? < sums.len() {
        return Err(Error::StackTooLong { max: params.max_stack, found: sums.len() }.into());
    }
    let entry = |(asset_id, bps)| Ok(Royalty { asset_id, bps: u32::try_from(bps).map_err(|_| Error::Overflow)? });
    sums.into_iter().map(entry).collect()
}

fn raise(sums: &mut BTreeMap<u64, u64>, asset: u64, bps: u32) -> Result<(), Error> {
    let sum = sums.entry(asset).or_insert(0);
    *sum = sum.checked_add(u64::from(bps)).ok_or(Error::Overflow)?;
    Ok(())
}

/// Enters a new asset's edges into the indexes.
pub(crate) fn index(ctx: &mut Ctx, id: u64, parents: &[Parent], stack: &[Royalty]) -> Result<()> {
    parents.iter().try_for_each(|parent| CHILDREN.insert(ctx, &(parent.asset_id, id)))?;
    stack.iter().try_for_each(|royalty| DESCENDANTS.set(ctx, &(royalty.asset_id, id), &royalty.bps))
}
