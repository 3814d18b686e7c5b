//! Headers and validators of past blocks, for light clients of this chain on others. The validators are kept once for as many
//! blocks as they did not change.
use std::cmp::Reverse;

use cairn_kernel::{Ctx, Result};
use cairn_proto::{cosmos::staking::v1beta1::HistoricalInfo, tendermint::types::Header};

use crate::{
    Stake, params, set,
    state::{HEADERS, VALSETS},
    time::{now, timestamp},
    validators::consensus_address,
};

/// Headers dropped a block at the most. One is added, so that two catch up when fewer are to be kept.
const DROPPED_A_BLOCK: usize = 2;

/// Notes this block before its transactions run, and forgets what is older than the parameters ask for.
pub(crate) fn begin_block(ctx: &mut Ctx) -> Result<()> {
    let (kept, height) = (u64::from(params(ctx)?.historical_entries), ctx.block().height);
    if kept > 0 {
        HEADERS.set(ctx, &height, &header(ctx))?;
        let valset = valset(ctx)?;
        if newest(ctx)? != Some(valset.clone()) {
            VALSETS.set(ctx, &height, &valset)?;
        }
    }
    forget(ctx, height.saturating_sub(kept).saturating_add(1))
}

/// What is kept of a height.
pub(crate) fn info(ctx: &Ctx, height: u64) -> Result<Option<HistoricalInfo>> {
    let Some(mut header) = HEADERS.get(ctx, &height)? else { return Ok(None) };
    // What the state machine does not know is there and empty: clients of Go's types take it for granted.
    header.version.get_or_insert_default();
    header.last_block_id.get_or_insert_default().part_set_header.get_or_insert_default();
    let mut valset = Vec::new();
    for entry in VALSETS.range_reverse(ctx, &[]) {
        let (first, kept) = entry?;
        if first <= height {
            valset = kept.valset;
            break;
        }
    }
    Ok(Some(HistoricalInfo { header: Some(header), valset }))
}

/// The header as far as the state machine knows it.
fn header(ctx: &Ctx) -> Header {
    let block = ctx.block();
    Header {
        chain_id: block.chain_id.clone(),
        height: crate::unbonding::height(ctx),
        time: Some(timestamp(now(ctx))),
        next_validators_hash: block.next_validators_hash.clone(),
        app_hash: block.app_hash.clone(),
        proposer_address: block.proposer.clone(),
        ..Header::default()
    }
}

/// The set by power, equals by consensus address.
fn valset(ctx: &Ctx) -> Result<HistoricalInfo> {
    let mut ranked = Vec::new();
    for (_, validator) in set::last_validators(ctx)? {
        ranked.push(((Reverse(Stake::of(&validator)?.power()), consensus_address(&validator)?), validator));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    Ok(HistoricalInfo { header: None, valset: ranked.into_iter().map(|(_, validator)| validator).collect() })
}

fn newest(ctx: &Ctx) -> Result<Option<HistoricalInfo>> {
    Ok(VALSETS.range_reverse(ctx, &[]).next().transpose()?.map(|(_, valset)| valset))
}

/// Drops headers below `oldest`, and sets that no header is left for.
fn forget(ctx: &mut Ctx, oldest: u64) -> Result<()> {
    let old = HEADERS.range(ctx, &[]).take(DROPPED_A_BLOCK).collect::<Result<Vec<_>>>()?;
    for (height, _) in old.into_iter().filter(|(height, _)| *height < oldest) {
        HEADERS.remove(ctx, &height)?;
    }
    let first = HEADERS.range(ctx, &[]).next().transpose()?.map(|(height, _)| height);
    let sets = VALSETS.range(ctx, &[]).take(DROPPED_A_BLOCK.saturating_add(1)).collect::<Result<Vec<_>>>()?;
    let followed = sets.iter().zip(sets.iter().skip(1).map(|(next, _)| Some(*next)).chain([None]));
    for ((height, _), next) in followed {
        // A set is over when the one after it covers all that is left.
        let over = match (first, next) {
            (None, _) => true,
            (Some(first), Some(next)) => next <= first,
            (Some(_), None) => false,
        };
        if over {
            VALSETS.remove(ctx, height)?;
        }
    }
    Ok(())
}
