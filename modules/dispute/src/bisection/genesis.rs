//! Contests in the genesis file. Queues and indexes follow from them.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Claim, Contest, Genesis, Match, Side, Stage};

use super::{
    entry::{MAX_BACKERS, base_bond},
    position, store,
};
use crate::{
    Error, cases,
    state::{BY_APPELLANT, CASES, CLAIMS, CONTESTS, MATCHES},
};

/// Fills an empty store whose cases are there.
pub(crate) fn init(ctx: &mut Ctx, contests: &[Contest], claims: &[Claim], matches: Vec<Match>) -> Result<()> {
    contests.iter().try_for_each(|contest| init_contest(ctx, contest))?;
    claims.iter().try_for_each(|claim| init_claim(ctx, claim))?;
    matches.into_iter().try_for_each(|game| init_match(ctx, game))?;
    check_whole(ctx)
}

/// The inverse of [`init`].
pub(crate) fn export(ctx: &Ctx, genesis: &mut Genesis) -> Result<()> {
    genesis.contests = CONTESTS.range(ctx, &[]).map(|entry| entry.map(|(_, contest)| contest)).collect::<Result<_>>()?;
    genesis.claims = CLAIMS.range(ctx, &[]).map(|entry| entry.map(|(_, claim)| claim)).collect::<Result<_>>()?;
    genesis.matches = MATCHES.range(ctx, &[]).map(|entry| entry.map(|(_, game)| game)).collect::<Result<_>>()?;
    Ok(())
}

fn wrong(case: u64, fault: &str) -> cairn_kernel::Error {
    Error::Genesis(format!("case {case}: {fault}")).into()
}

fn init_contest(ctx: &mut Ctx, contest: &Contest) -> Result<()> {
    let id = contest.case_id;
    if CONTESTS.has(ctx, &id)? || !store::is_contest(&cases::load(ctx, id)?) {
        return Err(wrong(id, "its contest is there twice, or no bisection decides it"));
    }
    base_bond(contest)?;
    store::hash(&contest.weights_root)?;
    store::hash(&contest.input_root)?;
    if contest.runs == 0 || contest.nodes == 0 {
        return Err(wrong(id, "its trace has no runs, or its program no nodes"));
    }
    store::save_contest(ctx, contest)
}

fn init_claim(ctx: &mut Ctx, claim: &Claim) -> Result<()> {
    let (id, number) = (claim.case_id, claim.number);
    store::contest(ctx, id)?;
    let before = store::claims(ctx, id)?;
    store::hash(&claim.root)?;
    let twice = before.iter().any(|other| other.root == claim.root);
    if usize::try_from(number) != Ok(before.len()) || twice || claim.backers.len() > MAX_BACKERS {
        return Err(wrong(id, "a claim is there twice, out of order, or with too many backers"));
    }
    for backer in &claim.backers {
        store::bond(backer)?;
        BY_APPELLANT.insert(ctx, &(store::account(backer)?, id))?;
    }
    store::save_claim(ctx, claim)
}

fn init_match(ctx: &mut Ctx, mut game: Match) -> Result<()> {
    let (id, number) = (game.case_id, game.number);
    let before = store::games(ctx, id)?.len();
    if usize::try_from(number).ok() != before.checked_add(1) {
        return Err(wrong(id, "a match is there twice, or out of order"));
    }
    let running = store::is_running(&game);
    if game.stage() == Stage::Unspecified || running != (game.clock > 0) {
        return Err(wrong(id, "a match stands nowhere, or has the wrong clock"));
    }
    if running {
        position::goal(&game)?;
    }
    let (left, right) = store::sides(&game)?;
    for side in [left, right] {
        check_side(ctx, id, side)?;
    }
    let clock = std::mem::take(&mut game.clock);
    store::save_game(ctx, &mut game, clock)
}

fn check_side(ctx: &Ctx, id: u64, side: &Side) -> Result<()> {
    store::claim(ctx, id, side.claim).map_err(|_| wrong(id, "a match of a claim that is not there"))?;
    store::hash(&side.hash)?;
    if side.children.len() > 16 * 32 || !side.children.len().is_multiple_of(32) {
        return Err(wrong(id, "a side's children are no hashes"));
    }
    Ok(())
}

/// Every case of bisection has its contest, and that its claims.
fn check_whole(ctx: &Ctx) -> Result<()> {
    for entry in CASES.range(ctx, &[]) {
        let (id, case) = entry?;
        if !store::is_contest(&case) {
            continue;
        }
        let contest = CONTESTS.get(ctx, &id)?.ok_or_else(|| wrong(id, "its contest is missing"))?;
        if usize::try_from(contest.claims) != Ok(store::claims(ctx, id)?.len()) {
            return Err(wrong(id, "its claims are counted wrongly"));
        }
    }
    Ok(())
}
