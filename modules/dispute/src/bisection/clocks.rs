//! Chess clocks in heights. A side's clock runs while it owes a move; a move at the height at which it runs out is in time, one later is not.
//!
//! Who is late follows from heights alone, so it does not matter in which block the queue comes to a match.
use cairn_kernel::Result;
use cairn_proto::cairn::dispute::v1::{Match, Side};

use super::store;
use crate::Error;

/// Last height at which a side that owes a move may make it.
pub(crate) fn until(side: &Side) -> Result<u64, Error> {
    side.since.checked_add(side.left).ok_or(Error::Overflow)
}

/// Whether a side still may make the move that it owes.
pub(crate) fn may_move(side: &Side, now: u64) -> Result<bool, Error> {
    Ok(side.owes && !side.late && now <= until(side)?)
}

/// Whether a side's clock has run out before height `now`.
pub(crate) fn is_late(side: &Side, now: u64) -> Result<bool, Error> {
    Ok(side.late || (side.owes && now > until(side)?))
}

/// A side owes a move from this height on.
pub(crate) fn start(side: &mut Side, now: u64) {
    (side.owes, side.since) = (true, now);
}

/// A side has moved.
pub(crate) fn stop(side: &mut Side, now: u64) -> Result<(), Error> {
    let spent = now.checked_sub(side.since).ok_or(Error::Broken("a clock that runs from the future"))?;
    side.left = side.left.checked_sub(spent).ok_or(Error::Broken("a move after its clock ran out"))?;
    (side.owes, side.since) = (false, now);
    Ok(())
}

/// The height at whose end the match is looked at: the first clock to run out. 0: none runs.
pub(crate) fn next(game: &Match) -> Result<u64> {
    let (left, right) = store::sides(game)?;
    let mut first = 0;
    for side in [left, right].into_iter().filter(|side| side.owes && !side.late) {
        let until = until(side)?;
        first = if first == 0 { until } else { until.min(first) };
    }
    Ok(first)
}
