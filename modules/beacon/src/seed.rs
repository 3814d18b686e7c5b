//! Seeds: which beacon a draw starts from. Inputs of the draw must be closed at the height `asked`.
use std::collections::BTreeSet;

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::beacon::v1::Beacon;

use crate::{
    Error, chain, params, power,
    state::{BEACONS, LATEST},
};

/// Fresh heights that a quick seed needs after the question.
const QUICK_FRESH: u64 = 2;

/// What a draw starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// The seed: the beacon after the block of [`Seed::height`].
    pub bytes: [u8; 32],
    /// From where it was taken.
    pub height: u64,
    /// Whether the wait ran out, so that fewer proposers than the rule asks for stand behind it. The draw shows the mark.
    pub weak: bool,
}

/// For leases: the beacon at the first height, at least the quick lag after `asked`, that has two fresh heights behind it. `None`: not yet.
/// Neighbouring proposers in collusion know it beforehand and can choose among few values by losing blocks.
///
/// # Errors
/// [`Error::Pruned`] if `asked` is older than what is kept.
pub fn quick(ctx: &Ctx, asked: u64) -> Result<Option<Seed>> {
    let Some(span) = Span::of(ctx, asked)? else { return Ok(None) };
    let fresh_until = |height| get(ctx, height).map(|beacon| beacon.fresh_heights);
    let wanted = fresh_until(asked)?.saturating_add(QUICK_FRESH);
    let mut low = asked.saturating_add(params(ctx)?.quick_lag);
    if low > span.last || fresh_until(span.last)? < wanted {
        return span.weak(ctx);
    }
    // The count never falls, so the first height that reaches it is found by halving.
    let mut high = span.last;
    while low < high {
        let middle = low.midpoint(high);
        if fresh_until(middle)? < wanted { low = middle.saturating_add(1) } else { high = middle }
    }
    seed(ctx, high, false).map(Some)
}

/// For whatever money hangs on: the beacon at the first height after `asked` at which the proposers of fresh heights since held more than a
/// third of the power at `asked`. Holds a value of a proposer outside any third of the power, which nobody in it knew. `None`: not yet.
///
/// # Errors
/// [`Error::Pruned`] if the heights after `asked` are older than what is kept.
pub fn strong(ctx: &Ctx, asked: u64) -> Result<Option<Seed>> {
    let Some(span) = Span::of(ctx, asked)? else { return Ok(None) };
    let powers = power::at(ctx, asked)?;
    let total = powers.values().fold(0_u128, |sum, power| sum.saturating_add(*power));
    let (mut seen, mut held) = (BTreeSet::new(), 0_u128);
    for height in asked.saturating_add(1)..=span.last {
        let Beacon { fresh, proposer, .. } = get(ctx, height)?;
        if !fresh || seen.contains(&proposer) {
            continue;
        }
        held = held.saturating_add(powers.get(&proposer).copied().unwrap_or(0));
        seen.insert(proposer);
        if held.saturating_mul(3) > total {
            return seed(ctx, height, false).map(Some);
        }
    }
    span.weak(ctx)
}

/// The heights that may answer a question.
struct Span {
    /// The newest one so far.
    last: u64,
    /// The one at which waiting ends.
    end: u64,
}

impl Span {
    /// `None` if no block after `asked` has been observed.
    fn of(ctx: &Ctx, asked: u64) -> Result<Option<Self>> {
        let Some(latest) = LATEST.get(ctx)?.filter(|latest| asked < *latest) else { return Ok(None) };
        let end = asked.saturating_add(params(ctx)?.weak_after);
        Ok(Some(Self { last: latest.min(end), end }))
    }
    /// The seed of a question that its rule has not answered: none before the end of the wait, then whatever is there.
    fn weak(&self, ctx: &Ctx) -> Result<Option<Seed>> {
        if self.last < self.end { Ok(None) } else { seed(ctx, self.end, true).map(Some) }
    }
}

fn seed(ctx: &Ctx, height: u64, weak: bool) -> Result<Seed> {
    Ok(Seed { bytes: chain::value(&get(ctx, height)?)?, height, weak })
}

/// The beacon of a height at or before the newest one.
pub(crate) fn get(ctx: &Ctx, height: u64) -> Result<Beacon> {
    if let Some(beacon) = BEACONS.get(ctx, &height)? {
        return Ok(beacon);
    }
    let oldest = BEACONS.range(ctx, &[]).next().transpose()?.map_or(0, |(oldest, _)| oldest);
    Err(Error::Pruned { asked: height, oldest }.into())
}
