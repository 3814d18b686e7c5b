//! Contests, claims and matches as they are stored.
use cairn_kernel::{Address, Coin, Ctx, Result, key_prefix};
use cairn_proto::cairn::dispute::v1::{Backer, Case, Claim, Contest, Game, Match, Side, Stage, Subject};

use crate::{
    Error,
    state::{CLAIMS, CONTESTS, MATCH_DUE, MATCHES},
};

/// The contest of a case.
pub(crate) fn contest(ctx: &Ctx, case: u64) -> Result<Contest> {
    Ok(CONTESTS.get(ctx, &case)?.ok_or(Error::NoContest(case))?)
}

/// Writes a contest.
pub(crate) fn save_contest(ctx: &mut Ctx, contest: &Contest) -> Result<()> {
    CONTESTS.set(ctx, &contest.case_id, contest)
}

/// One claim of a case.
pub(crate) fn claim(ctx: &Ctx, case: u64, number: u32) -> Result<Claim> {
    Ok(CLAIMS.get(ctx, &(case, number))?.ok_or(Error::Broken("a claim is missing"))?)
}

/// The claims of a case by number.
pub(crate) fn claims(ctx: &Ctx, case: u64) -> Result<Vec<Claim>> {
    CLAIMS.range(ctx, &key_prefix(&case)).map(|entry| entry.map(|(_, claim)| claim)).collect()
}

/// Writes a claim.
pub(crate) fn save_claim(ctx: &mut Ctx, claim: &Claim) -> Result<()> {
    CLAIMS.set(ctx, &(claim.case_id, claim.number), claim)
}

/// One match of a case.
pub(crate) fn game(ctx: &Ctx, case: u64, number: u32) -> Result<Match> {
    Ok(MATCHES.get(ctx, &(case, number))?.ok_or(Error::NoMatch { case, number })?)
}

/// The matches of a case by number.
pub(crate) fn games(ctx: &Ctx, case: u64) -> Result<Vec<Match>> {
    MATCHES.range(ctx, &key_prefix(&case)).map(|entry| entry.map(|(_, game)| game)).collect()
}

/// Writes a match with its place in the queue of clocks.
pub(crate) fn save_game(ctx: &mut Ctx, game: &mut Match, clock: u64) -> Result<()> {
    if game.clock != clock {
        if game.clock > 0 {
            MATCH_DUE.remove(ctx, &(game.clock, game.case_id, game.number))?;
        }
        if clock > 0 {
            MATCH_DUE.insert(ctx, &(clock, game.case_id, game.number))?;
        }
        game.clock = clock;
    }
    MATCHES.set(ctx, &(game.case_id, game.number), game)
}

/// Whether a match goes on.
pub(crate) fn is_running(game: &Match) -> bool {
    game.stage() != Stage::Closed
}

/// The two sides of a match.
pub(crate) fn sides(game: &Match) -> Result<(&Side, &Side), Error> {
    game.left.as_ref().zip(game.right.as_ref()).ok_or(Error::Broken("a match without a side"))
}

/// As [`sides`], to be changed.
pub(crate) fn sides_mut(game: &mut Match) -> Result<(&mut Side, &mut Side), Error> {
    game.left.as_mut().zip(game.right.as_mut()).ok_or(Error::Broken("a match without a side"))
}

/// What a case is about.
pub(crate) fn subject(case: &Case) -> Result<&Subject, Error> {
    case.subject.as_ref().ok_or(Error::Broken("a case without a subject"))
}

/// Whether bisection decides the case.
pub(crate) fn is_contest(case: &Case) -> bool {
    case.game() == Game::Bisection
}

/// 32 bytes, as hashes in state and messages are.
pub(crate) fn hash(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::Hash(bytes.len()))
}

/// What a backer put up.
pub(crate) fn bond(backer: &Backer) -> Result<u128> {
    Ok(Coin::try_from(backer.bond.as_ref().ok_or(Error::Broken("a backer without a bond"))?)?.amount)
}

/// The account of a backer.
pub(crate) fn account(backer: &Backer) -> Result<Address> {
    Address::parse(&backer.account)
}
