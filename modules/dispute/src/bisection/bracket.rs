//! The bracket: pairs of claims play in parallel, winners meet in the next round, one claim is left, or none.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Case, CaseState, Claim, Contest, EventMatchClosed, EventMatchOpened, Fall, Match, Side, Stage};

use super::{
    clocks, close, position,
    store::{self, save_contest, save_game},
};
use crate::{Error, cases};

/// Rounds of a full bracket of `MAX_CLAIMS`.
const ROUNDS: u64 = 3;

/// The longest that a contest lasts after its window, in blocks: both clocks in each round, and a result that is offered until it is given up.
pub(crate) fn longest(clock_blocks: u64) -> Result<u64, Error> {
    let retries = crate::rules::RETRY_BLOCKS.checked_mul(crate::rules::MAX_FAILURES.into());
    let play = clock_blocks.checked_mul(2).and_then(|both| both.checked_mul(ROUNDS));
    play.zip(retries).and_then(|(play, retries)| play.checked_add(retries)).ok_or(Error::Overflow)
}

/// A contest goes on at its case's clock: entries are over, or a round is. Gives the work done.
pub(crate) fn go_on(ctx: &mut Ctx, case: &mut Case, with_referee: bool) -> Result<u32> {
    let mut contest = store::contest(ctx, case.id)?;
    let claims = store::claims(ctx, case.id)?;
    let stands = |claim: &&Claim| claim.fall() == Fall::Unspecified;
    let left: Vec<u32> = claims.iter().filter(stands).map(|claim| claim.number).collect();
    cases::set_clock(ctx, case, 0)?;
    if left.len() <= 1 {
        return close::close(ctx, case, contest, &claims, with_referee);
    }
    case.set_state(CaseState::Play);
    contest.round = contest.round.checked_add(1).ok_or(Error::Overflow)?;
    for pair in left.chunks(2) {
        if let [a, b] = pair {
            open_match(ctx, case, &mut contest, find(&claims, *a)?, find(&claims, *b)?)?;
        }
    }
    let matches = contest.playing;
    contest.bracket = left;
    save_contest(ctx, &contest)?;
    Ok(matches)
}

fn find(claims: &[Claim], number: u32) -> Result<&Claim, Error> {
    claims.iter().find(|claim| claim.number == number).ok_or(Error::Broken("a claim is missing"))
}

fn open_match(ctx: &mut Ctx, case: &Case, contest: &mut Contest, left: &Claim, right: &Claim) -> Result<()> {
    let now = ctx.block().height;
    let blocks = cases::params(case)?.clock_blocks;
    contest.matches = contest.matches.checked_add(1).ok_or(Error::Overflow)?;
    contest.playing = contest.playing.checked_add(1).ok_or(Error::Overflow)?;
    let side = |claim: &Claim| {
        let mut side = Side { claim: claim.number, hash: claim.root.clone(), left: blocks, ..Side::default() };
        clocks::start(&mut side, now);
        side
    };
    let (number, round) = (contest.matches, contest.round);
    let mut game = Match { case_id: case.id, number, round, opened: now, ..Match::default() };
    (game.left, game.right) = (Some(side(left)), Some(side(right)));
    position::enter(&mut game, Stage::Runs, contest.runs);
    position::settle(&mut game, |_| Err(Error::Broken("a match that begins at a node").into()))?;
    let until = clocks::next(&game)?;
    save_game(ctx, &mut game, until)?;
    let (left_root, right_root) = (left.root.clone(), right.root.clone());
    ctx.emit(&EventMatchOpened { case_id: case.id, match_number: number, round, left_root, right_root, until });
    Ok(())
}

/// Ends a match with what made its sides lose; who did not lose wins. The last match of a round lets its case go on at the end of this block.
pub(crate) fn end(ctx: &mut Ctx, mut game: Match, left_fall: Fall, right_fall: Fall) -> Result<Match> {
    let (left, right) = store::sides(&game)?;
    let numbers = [(left.claim, left_fall), (right.claim, right_fall)];
    game.winner = 0;
    for (number, fall) in numbers {
        if fall == Fall::Unspecified {
            game.winner = number.checked_add(1).ok_or(Error::Overflow)?;
            continue;
        }
        let mut claim = store::claim(ctx, game.case_id, number)?;
        claim.set_fall(fall);
        store::save_claim(ctx, &claim)?;
    }
    game.set_stage(Stage::Closed);
    game.closed = ctx.block().height;
    save_game(ctx, &mut game, 0)?;
    let (case_id, match_number, winner) = (game.case_id, game.number, game.winner);
    ctx.emit(&EventMatchClosed { case_id, match_number, winner, left_fall: left_fall.into(), right_fall: right_fall.into() });

    let mut contest = store::contest(ctx, case_id)?;
    contest.playing = contest.playing.checked_sub(1).ok_or(Error::Broken("a match that was not counted"))?;
    save_contest(ctx, &contest)?;
    if contest.playing == 0 {
        let mut case = cases::load(ctx, case_id)?;
        let now = ctx.block().height;
        cases::set_clock(ctx, &mut case, now)?;
        cases::save(ctx, &case)?;
    }
    Ok(game)
}
