//! Who signed the block before this one, and what missing too many costs.
use cairn_kernel::{Address, Ctx, Error as Refusal, Result, Vote};
use cairn_proto::cosmos::slashing::v1beta1::ValidatorSigningInfo;
use cairn_staking::{
    CONSENSUS_PREFIX,
    time::{now, timestamp},
};

use crate::{
    Error,
    params::{Rules, rules},
    state::INFOS,
    window,
};

/// Blocks between a set's election and its first commit that the next block shows.
const DELAY: i64 = 2;

/// Judges every vote of the last commit.
pub(crate) fn begin_block(ctx: &mut Ctx) -> Result<()> {
    let votes = &ctx.block().votes;
    if votes.is_empty() {
        return Ok(());
    }
    let rules = rules(ctx)?;
    for vote in votes {
        let validator = Address::new(&vote.validator)?;
        if let Err(error) = ctx.atomic(|ctx| judge(ctx, &rules, &validator, vote)) {
            failed(ctx, "liveness", &validator, &error);
        }
    }
    Ok(())
}

/// One validator that cannot be judged must not free the others: the block says so.
pub(crate) fn failed(ctx: &mut Ctx, what: &str, validator: &Address, error: &Refusal) {
    let (validator, code) = (validator.to_bech32(CONSENSUS_PREFIX), error.code.to_string());
    let pairs = [("hook", what), ("address", validator.as_str()), ("codespace", error.codespace), ("code", &code)];
    ctx.emit_raw("slashing_failed", &pairs);
}

fn judge(ctx: &mut Ctx, rules: &Rules, address: &Address, vote: &Vote) -> Result<()> {
    // Who is gone or jailed still stands in the commits of a few blocks.
    let Some(validator) = cairn_staking::by_consensus(ctx, address)? else { return Ok(()) };
    if validator.jailed {
        return Ok(());
    }
    let mut info = INFOS.get(ctx, address)?.ok_or(Error::Corrupt("a validator without signing info"))?;
    let offset = count(info.index_offset)?;
    let index = offset.checked_rem(rules.window).ok_or(Error::Corrupt("an empty window"))?;
    info.index_offset = info.index_offset.saturating_add(1);
    let missed = !vote.present;
    match (window::note(ctx, address, index, missed)?, missed) {
        (false, true) => info.missed_blocks_counter = info.missed_blocks_counter.saturating_add(1),
        (true, false) => info.missed_blocks_counter = info.missed_blocks_counter.saturating_sub(1),
        _ => {}
    }
    let height = height(ctx);
    if missed {
        let (text, counter, height) = (address.to_bech32(CONSENSUS_PREFIX), info.missed_blocks_counter.to_string(), height.to_string());
        ctx.emit_raw("liveness", &[("address", &text), ("missed_blocks", &counter), ("height", &height)]);
    }
    let window = i64::try_from(rules.window).unwrap_or(i64::MAX);
    if height > info.start_height.saturating_add(window) && count(info.missed_blocks_counter)? > rules.may_miss {
        punish(ctx, rules, address, vote.power, &mut info)?;
    }
    INFOS.set(ctx, address, &info)
}

/// Slashes and jails for downtime; the validator starts afresh when it comes back.
fn punish(ctx: &mut Ctx, rules: &Rules, address: &Address, power: u64, info: &mut ValidatorSigningInfo) -> Result<()> {
    let fault = height(ctx).saturating_sub(DELAY);
    let burnt = cairn_staking::slash(ctx, address, fault, power, &rules.downtime)?;
    let (text, power, burnt) = (address.to_bech32(CONSENSUS_PREFIX), power.to_string(), burnt.to_string());
    let pairs =
        [("address", text.as_str()), ("power", &power), ("reason", "missing_signature"), ("jailed", &text), ("burned_coins", &burnt)];
    ctx.emit_raw("slash", &pairs);
    cairn_staking::jail(ctx, address)?;
    info.jailed_until = Some(timestamp(now(ctx).saturating_add(rules.jail)));
    (info.missed_blocks_counter, info.index_offset) = (0, 0);
    window::clear(ctx, address)
}

/// A validator came into the set: its window starts here.
pub(crate) fn start(ctx: &mut Ctx, address: &Address) -> Result<()> {
    let info = INFOS.get(ctx, address)?.unwrap_or_else(|| ValidatorSigningInfo {
        address: address.to_bech32(CONSENSUS_PREFIX),
        jailed_until: Some(timestamp(0)),
        ..ValidatorSigningInfo::default()
    });
    let start_height = height(ctx);
    INFOS.set(ctx, address, &ValidatorSigningInfo { start_height, ..info })
}

/// Another window: everybody's count begins again, since the places of the old one mean nothing in it.
pub(crate) fn restart(ctx: &mut Ctx) -> Result<()> {
    let infos = INFOS.range(ctx, &[]).collect::<Result<Vec<_>>>()?;
    for (address, info) in infos {
        window::clear(ctx, &address)?;
        INFOS.set(ctx, &address, &ValidatorSigningInfo { index_offset: 0, missed_blocks_counter: 0, ..info })?;
    }
    Ok(())
}

/// The block's height as messages carry it.
pub(crate) fn height(ctx: &Ctx) -> i64 {
    i64::try_from(ctx.block().height).unwrap_or(i64::MAX)
}

/// A stored count.
pub(crate) fn count(stored: i64) -> Result<u64> {
    Ok(u64::try_from(stored).map_err(|_| Error::Corrupt("a count below zero"))?)
}
