//! What must hold of contests after every block.
use cairn_kernel::{Ctx, Result, report};
use cairn_proto::cairn::dispute::v1::{Case, CaseState, Contest, Fall, Match};

use super::{clocks, store};
use crate::{
    Error, cases,
    state::{CONTESTS, MATCH_DUE, MATCHES},
};

/// The bonds of a case that the module holds: of an open contest, those of backers that were not struck.
pub(crate) fn bonds(ctx: &Ctx, case: &Case) -> Result<u128> {
    let mut sum = 0_u128;
    for claim in store::claims(ctx, case.id)? {
        for backer in claim.backers.iter().filter(|backer| !backer.struck) {
            sum = sum.checked_add(store::bond(backer)?).ok_or(Error::Overflow)?;
        }
    }
    Ok(sum)
}

/// Running matches stand in the queue at the height they show, and nothing else does; that height is a clock of theirs that has not been looked at.
pub(crate) fn queue(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut running = 0_usize;
        for entry in MATCHES.range(ctx, &[]) {
            let ((case, number), game) = entry?;
            if !store::is_running(&game) {
                continue;
            }
            running = running.saturating_add(1);
            if game.clock == 0 || !MATCH_DUE.has(ctx, &(game.clock, case, number))? || clocks::next(&game)? != game.clock {
                return Ok(Some(format!("match {number} of case {case} has no clock, or another one")));
            }
        }
        let queued = MATCH_DUE.range(ctx, &[]).count();
        Ok((queued != running).then(|| format!("{queued} matches are queued, {running} run")))
    })())
}

/// A contest plays as many matches as it counts, each between two claims that have lost none; the sides of a match differ; a case in play has a
/// match that runs or a clock.
pub(crate) fn matches(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        for entry in CONTESTS.range(ctx, &[]) {
            let (id, contest) = entry?;
            let case = cases::load(ctx, id)?;
            let games = store::games(ctx, id)?;
            let running: Vec<_> = games.iter().filter(|game| store::is_running(game)).collect();
            if let Some(fault) = count_fault(&case, &contest, &running, games.len()) {
                return Ok(Some(format!("case {id}: {fault}")));
            }
            for game in running {
                if let Some(fault) = side_fault(ctx, game)? {
                    return Ok(Some(format!("match {} of case {id}: {fault}", game.number)));
                }
            }
        }
        Ok(None)
    })())
}

fn count_fault(case: &Case, contest: &Contest, running: &[&Match], all: usize) -> Option<&'static str> {
    let counted = usize::try_from(contest.playing) == Ok(running.len()) && usize::try_from(contest.matches) == Ok(all);
    let clock = match case.state() {
        CaseState::Entry => case.clock > 0 && running.is_empty(),
        CaseState::Play => (case.clock > 0) == running.is_empty(),
        _ => case.clock == 0 && running.is_empty(),
    };
    if !counted {
        Some("matches are counted wrongly")
    } else if !clock {
        Some("nothing lets it go on, or two things do")
    } else {
        None
    }
}

fn side_fault(ctx: &Ctx, game: &Match) -> Result<Option<&'static str>> {
    let (left, right) = store::sides(game)?;
    if left.hash == right.hash {
        return Ok(Some("its sides agree"));
    }
    for side in [left, right] {
        if store::claim(ctx, game.case_id, side.claim)?.fall() != Fall::Unspecified {
            return Ok(Some("a claim plays that has lost"));
        }
        if side.late && side.owes {
            return Ok(Some("a late side owes a move"));
        }
    }
    Ok(None)
}
