//! The draw of a jury: uniform among the jurors of the skill that were registered when the draw was asked for, without whom it must not seat.
//!
//! It is among the *numbers* given until then, which nobody can change afterwards: whoever knows the seed early can neither join nor leave its
//! way into another jury. A number whose juror is not eligible is passed over.
use std::collections::BTreeMap;

use cairn_beacon::{Draw, Seed};
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Case, CaseState, EventJuryDrawn, EventJuryFailed, Juror, JurorState, Seat};

use crate::{
    Error, Subject, cases, clock, close, hooks, jurors,
    rules::MAX_TRIES,
    state::{BY_APPELLANT, BY_JUROR, DRAWS, JURORS, SEATS},
};

/// Purpose of the draw in the beacon's streams.
const PURPOSE: u8 = 2;

/// Draws the jury of the running round. Gives the work done.
pub(crate) fn seat(ctx: &mut Ctx, case: &mut Case, seed: &Seed) -> Result<u32> {
    let params = cases::params(case)?.clone();
    let round = cases::round_mut(case)?;
    (round.seed_height, round.weak) = (seed.height, seed.weak);
    let needed = if round.second { params.second_size } else { params.jury_size };
    let (asked, pool, number) = (round.asked, round.pool, round.number);
    DRAWS.remove(ctx, &(asked, case.id))?;

    let (drawn, mut spent) = pick(ctx, case, Urn::new(seed, case.id, pool), asked, needed)?;
    let found = u32::try_from(drawn.len()).map_err(|_| Error::Overflow)?;
    if found < needed {
        ctx.emit(&EventJuryFailed { case_id: case.id, round: number, found, needed });
        spent = spent.saturating_add(again(ctx, case, params.commit_blocks)?);
        return Ok(spent);
    }
    let commit_until = cases::after(ctx, params.commit_blocks)?;
    let reveal_until = commit_until.checked_add(params.reveal_blocks).ok_or(Error::Overflow)?;
    let names = drawn.iter().map(|(account, _)| account.to_string()).collect();
    for (account, juror) in drawn {
        jurors::take_seat(ctx, juror)?;
        BY_JUROR.insert(ctx, &(account, case.id))?;
        let seat = Seat { case_id: case.id, round: number, juror: account.to_string(), ..Seat::default() };
        SEATS.set(ctx, &(case.id, number, account), &seat)?;
    }
    let round = cases::round_mut(case)?;
    (round.seats, round.commit_until, round.reveal_until) = (found, commit_until, reveal_until);
    case.set_state(CaseState::Commit);
    cases::set_clock(ctx, case, commit_until)?;
    let Seed { height: seed_height, weak, .. } = *seed;
    ctx.emit(&EventJuryDrawn { case_id: case.id, round: number, jurors: names, seed_height, weak, commit_until, reveal_until });
    Ok(spent.saturating_add(needed))
}

/// After a jury that did not come together: one more draw, asked for after `blocks`; after that the case ends without it. Gives the work done.
pub(crate) fn again(ctx: &mut Ctx, case: &mut Case, blocks: u64) -> Result<u32> {
    let second = cases::round(case)?.second;
    if case.rounds.iter().filter(|round| round.second == second).count() > 1 {
        return close::no_quorum(ctx, case, true);
    }
    if blocks > 0 { clock::wait(ctx, case, blocks) } else { clock::ask(ctx, case) }.map(|()| 1)
}

/// Picks up to `needed` eligible jurors. Gives how many numbers it looked at, too.
fn pick(ctx: &mut Ctx, case: &Case, mut urn: Urn, asked: u64, needed: u32) -> Result<(Vec<(Address, Juror)>, u32)> {
    let needed = usize::try_from(needed).map_err(|_| Error::Overflow)?;
    let subject = case.subject.clone().ok_or(Error::Broken("a case without a subject"))?;
    let (mut picked, mut tries) = (Vec::with_capacity(needed), 0_u32);
    while picked.len() < needed && tries < MAX_TRIES {
        let Some(place) = urn.draw()? else { break };
        tries = tries.saturating_add(1);
        let number = place.checked_add(1).ok_or(Error::Overflow)?;
        let juror = JURORS.get(ctx, &(case.skill.clone(), number))?.ok_or(Error::Broken("a juror's number is missing"))?;
        let account = Address::parse(&juror.account)?;
        if stands(&juror, asked)? && is_apart(ctx, case.id, &subject, &account)? {
            picked.push((account, juror));
        }
    }
    Ok((picked, tries))
}

/// Whether the juror was one when the draw was asked for, and has a bond for one more seat.
fn stands(juror: &Juror, asked: u64) -> Result<bool> {
    let in_office = match juror.state() {
        JurorState::Active => true,
        JurorState::Leaving => juror.left > asked,
        JurorState::Left | JurorState::Unspecified => false,
    };
    Ok(in_office && juror.joined <= asked && jurors::can_sit(juror)?)
}

/// Whether the account has nothing to do with the case and had no seat in it.
fn is_apart(ctx: &mut Ctx, case: u64, subject: &Subject, account: &Address) -> Result<bool> {
    let key = (*account, case);
    if BY_JUROR.has(ctx, &key)? || BY_APPELLANT.has(ctx, &key)? {
        return Ok(false);
    }
    Ok(!hooks::court(ctx, &subject.module)?.is_party(ctx, subject, account)?)
}

/// Numbers from 0 that are drawn without putting back, in memory proportional to the draws (a sparse Fisher-Yates shuffle).
struct Urn {
    draw: Draw,
    left: u64,
    /// Where another number than its own lies.
    moved: BTreeMap<u64, u64>,
}

impl Urn {
    /// The numbers below `count`, in an order that the seed and the case fix.
    fn new(seed: &Seed, case: u64, count: u64) -> Self {
        Self { draw: Draw::new(&seed.bytes, PURPOSE, case), left: count, moved: BTreeMap::new() }
    }
    /// Draws one number; `None` where nothing is left.
    fn draw(&mut self) -> Result<Option<u64>> {
        let Some(last) = self.left.checked_sub(1) else { return Ok(None) };
        let place = self.draw.below(self.left)?;
        let number = self.moved.get(&place).copied().unwrap_or(place);
        let moved = self.moved.remove(&last).unwrap_or(last);
        if place != last {
            self.moved.insert(place, moved);
        }
        self.left = last;
        Ok(Some(number))
    }
}
