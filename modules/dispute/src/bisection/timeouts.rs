//! Matches whose clocks run out, a bounded number a block; the rest carries over in order.
use cairn_kernel::{Ctx, Error as Refusal, Result};
use cairn_proto::cairn::dispute::v1::{Fall, Match};

use super::{bracket, clocks, store};
use crate::{Error, cases, clock::failed, rules::RETRY_BLOCKS, state::MATCH_DUE};

/// Most matches that are looked at in a block.
pub(crate) const MATCHES_A_BLOCK: u32 = 500;

/// Looks at the matches whose first clock has run out.
pub(crate) fn run(ctx: &mut Ctx, most: u32) -> Result<()> {
    for _ in 0..most {
        let first = MATCH_DUE.range(ctx, &[]).next().transpose()?;
        let Some((height, case, number)) = first.filter(|(height, ..)| *height <= ctx.block().height) else { return Ok(()) };
        if let Err(error) = ctx.atomic(|ctx| look(ctx, store::game(ctx, case, number)?)) {
            postpone(ctx, (height, case, number), &error)?;
        }
    }
    Ok(())
}

/// Ends a match whose side was late while the other owed nothing, or whose sides were both late; otherwise the other's clock goes on.
fn look(ctx: &mut Ctx, mut game: Match) -> Result<()> {
    // The block is over: what comes next has a height above this one.
    let next = cases::after(ctx, 1)?;
    let (left, right) = store::sides_mut(&mut game)?;
    for side in [&mut *left, &mut *right] {
        if clocks::is_late(side, next)? {
            (side.late, side.owes) = (true, false);
        }
    }
    let (left_late, right_late, awaited) = (left.late, right.late, left.owes || right.owes);
    if awaited {
        let clock = clocks::next(&game)?;
        return store::save_game(ctx, &mut game, clock);
    }
    let (left_fall, right_fall) = match (left_late, right_late) {
        (true, true) => (Fall::BothLate, Fall::BothLate),
        (true, false) => (Fall::Late, Fall::Unspecified),
        (false, true) => (Fall::Unspecified, Fall::Late),
        (false, false) => return Err(Error::Broken("a match that nobody owes a move").into()),
    };
    bracket::end(ctx, game, left_fall, right_fall).map(drop)
}

/// Looks at a match again some blocks later.
fn postpone(ctx: &mut Ctx, key: (u64, u64, u32), error: &Refusal) -> Result<()> {
    MATCH_DUE.remove(ctx, &key)?;
    let mut game = store::game(ctx, key.1, key.2)?;
    game.clock = 0;
    let clock = cases::after(ctx, RETRY_BLOCKS)?;
    store::save_game(ctx, &mut game, clock)?;
    ctx.emit(&failed(key.1, error, 0));
    Ok(())
}
