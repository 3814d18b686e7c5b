//! Votes: committed, revealed, counted.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::dispute::v1::{
    Case, CaseState, Choice, EventJuryFailed, EventVerdictFound, EventVoteCommitted, EventVoteRevealed, Round, Seat,
};

use crate::{
    Error, Verdict, cases, close, draw,
    formats::{SALT_LEN, vote_commitment},
    jurors,
    state::SEATS,
};

/// Keeps a juror's commitment. Votes change their seat alone and are counted at the end, so that a vote costs the same in every case.
pub(crate) fn commit(ctx: &mut Ctx, juror: &Address, id: u64, commitment: Vec<u8>) -> Result<()> {
    let (round, mut seat) = find_seat(ctx, id, juror)?;
    in_time(ctx, id, "commitments", round.seed_height, round.commit_until)?;
    if commitment.len() != 32 {
        return Err(Error::Commitment(commitment.len()).into());
    }
    if !seat.commitment.is_empty() {
        return Err(Error::Committed.into());
    }

    seat.commitment = commitment;
    SEATS.set(ctx, &(id, round.number, *juror), &seat)?;
    ctx.emit(&EventVoteCommitted { case_id: id, round: round.number, juror: seat.juror });
    Ok(())
}

/// Opens a juror's commitment.
pub(crate) fn reveal(ctx: &mut Ctx, juror: &Address, id: u64, choice: i32, salt: &[u8]) -> Result<()> {
    let choice = Choice::try_from(choice).ok().filter(|c| *c != Choice::Unspecified).ok_or(Error::Choice(choice))?;
    let salt: [u8; SALT_LEN] = salt.try_into().map_err(|_| Error::Salt(salt.len()))?;
    let (round, mut seat) = find_seat(ctx, id, juror)?;
    in_time(ctx, id, "reveals", round.commit_until.saturating_add(1), round.reveal_until)?;
    if seat.commitment.is_empty() {
        return Err(Error::NothingCommitted.into());
    }
    if seat.choice() != Choice::Unspecified {
        return Err(Error::Revealed.into());
    }
    ctx.gas().hash(160)?;
    if seat.commitment != vote_commitment(&ctx.block().chain_id, id, round.number, juror, choice, &salt) {
        return Err(Error::Mismatch.into());
    }

    seat.set_choice(choice);
    SEATS.set(ctx, &(id, round.number, *juror), &seat)?;
    ctx.emit(&EventVoteRevealed { case_id: id, round: round.number, juror: seat.juror, choice: choice.into() });
    Ok(())
}

/// The running round and the juror's seat in it.
fn find_seat(ctx: &Ctx, id: u64, juror: &Address) -> Result<(Round, Seat)> {
    let case = cases::load(ctx, id)?;
    let none = || Error::NoSeat { case: id, account: juror.to_string() };
    if !matches!(case.state(), CaseState::Commit | CaseState::Reveal) {
        return Err(none().into());
    }
    let round = *cases::round(&case)?;
    let seat = SEATS.get(ctx, &(id, round.number, *juror))?.ok_or_else(none)?;
    Ok((round, seat))
}

/// Refuses what comes before `from` or after `until`.
pub(crate) fn in_time(ctx: &Ctx, case: u64, what: &'static str, from: u64, until: u64) -> Result<()> {
    let now = ctx.block().height;
    if (from..=until).contains(&now) { Ok(()) } else { Err(Error::NotTime { case, what, from, until, now }.into()) }
}

/// The seats of a round.
pub(crate) fn seats(ctx: &Ctx, case: u64, round: u32) -> Result<Vec<(Address, Seat)>> {
    let entries = SEATS.range(ctx, &key_prefix(&(case, round)));
    entries.map(|entry| entry.map(|((_, _, juror), seat)| (juror, seat))).collect()
}

/// Ends the running round: counts the votes, frees the seats, takes the penalty of who did not reveal, and finds. Gives the work done.
pub(crate) fn count(ctx: &mut Ctx, case: &mut Case, with_court: bool) -> Result<u32> {
    let number = cases::round(case)?.number;
    for (account, seat) in seats(ctx, case.id, number)? {
        tally(cases::round_mut(case)?, &seat)?;
        jurors::free_seat(ctx, case, &account, seat.choice() == Choice::Unspecified)?;
    }
    let round = *cases::round(case)?;
    let params = cases::params(case)?;
    let (needed, appeal_blocks) = (params.quorum, params.appeal_blocks);
    let votes = Votes { uphold: round.uphold, overturn: round.overturn, void_gold: round.void_gold };
    let found = votes.sum()?;
    if found < needed {
        ctx.emit(&EventJuryFailed { case_id: case.id, round: round.number, found, needed });
        let spent = if with_court { draw::again(ctx, case, 0)? } else { close::no_quorum(ctx, case, false)? };
        return Ok(spent.saturating_add(round.seats));
    }
    let verdict = votes.verdict()?;
    if round.second {
        return Ok(close::second_found(ctx, case, verdict, with_court)?.saturating_add(round.seats));
    }
    case.set_first(verdict.into());
    case.set_state(CaseState::Appeal);
    let appeal_until = cases::after(ctx, appeal_blocks)?;
    cases::set_clock(ctx, case, appeal_until)?;
    ctx.emit(&EventVerdictFound { case_id: case.id, outcome: case.first, appeal_until });
    Ok(round.seats)
}

/// Counts a seat's vote in its round.
fn tally(round: &mut Round, seat: &Seat) -> Result<(), Error> {
    if !seat.commitment.is_empty() {
        round.committed = round.committed.checked_add(1).ok_or(Error::Overflow)?;
    }
    let votes = match seat.choice() {
        Choice::Unspecified => return Ok(()),
        Choice::Uphold => &mut round.uphold,
        Choice::Overturn => &mut round.overturn,
        Choice::VoidGold => &mut round.void_gold,
    };
    *votes = votes.checked_add(1).ok_or(Error::Overflow)?;
    Ok(())
}

/// Revealed votes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Votes {
    pub(crate) uphold: u32,
    pub(crate) overturn: u32,
    pub(crate) void_gold: u32,
}

impl Votes {
    fn sum(self) -> Result<u32, Error> {
        self.against()?.checked_add(self.uphold).ok_or(Error::Overflow)
    }
    fn against(self) -> Result<u32, Error> {
        self.overturn.checked_add(self.void_gold).ok_or(Error::Overflow)
    }
    /// What they find, in two steps. The decision falls only if more votes are against it than for it: a tie upholds. Of what replaces it the
    /// choice with more votes; in a tie the one that touches less, [`Verdict::Overturned`].
    pub(crate) fn verdict(self) -> Result<Verdict, Error> {
        Ok(if self.against()? <= self.uphold {
            Verdict::Upheld
        } else if self.void_gold > self.overturn {
            Verdict::VoidGold
        } else {
            Verdict::Overturned
        })
    }
}
