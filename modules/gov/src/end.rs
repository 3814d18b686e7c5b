//! The end of proposals: those without enough deposit are dropped, votes that are over are counted and carried out. What is too much for
//! one block goes on in the next ones.
use cairn_kernel::{Address, Ctx, Gas, Instant, Result, Set};
use cairn_proto::{
    cairn::gov::v1::{Cause, Ending, Fate, Stage},
    cosmos::gov::v1::{Proposal, ProposalStatus},
    time,
};

use crate::{
    deposits,
    params::{params, period},
    poll::Poll,
    proposals,
    state::{ACTIVE, ENDINGS, INACTIVE, POLLS, PROPOSALS},
    tally::Tally,
    work::Work,
};

/// Proposals that end in one block at the most, of each of the two kinds, and votes that are counted at a time. Later ones wait, and are
/// voted on meanwhile.
const ENDED_A_BLOCK: usize = 20;
/// Votes, delegations and deposits of ending proposals that one block works off.
const WORK_A_BLOCK: usize = 2_000;
/// Of these, what a cancellation does at once.
const WORK_A_CANCELLATION: usize = 100;
/// Gas that the messages of one proposal may use together.
const EXECUTION_GAS: u64 = 100_000_000;
/// The longest reason that is kept.
const MAX_REASON: usize = 1_000;

/// Goes on with what is being ended and begins with what is over. A proposal that cannot be ended fails alone and keeps nothing else from
/// going on.
pub(crate) fn end_block(ctx: &mut Ctx) -> Result<()> {
    let mut work = Work::of(WORK_A_BLOCK);
    let begun = ENDINGS.range(ctx, &[]).collect::<Result<Vec<_>>>()?;
    let counting = begun.iter().filter(|(_, ending)| ending.stage() == Stage::Count).count();
    for (id, ending) in begun {
        if !work.is_done() {
            advance(ctx, id, ending, &mut work)?;
        }
    }
    for (end, id) in over(ctx, &INACTIVE, ENDED_A_BLOCK)? {
        if !work.is_done() {
            INACTIVE.remove(ctx, &(end, id))?;
            advance(ctx, id, begin(Cause::Unpaid), &mut work)?;
        }
    }
    // The vote ends here for each of these, whether there is still work left or not.
    for (end, id) in over(ctx, &ACTIVE, ENDED_A_BLOCK.saturating_sub(counting))? {
        if !ENDINGS.has(ctx, &id)? {
            ACTIVE.remove(ctx, &(end, id))?;
            advance(ctx, id, begin(Cause::Vote), &mut work)?;
        }
    }
    Ok(())
}

/// Ends a proposal for its proposer, who pays for the first deposits; more of them go back in blocks to come.
pub(crate) fn cancel(ctx: &mut Ctx, proposal: &Proposal) -> Result<()> {
    proposals::unqueue(ctx, proposal)?;
    let status = ProposalStatus::Rejected.into();
    PROPOSALS.set(ctx, &proposal.id, &Proposal { status, failed_reason: "cancelled".into(), ..proposal.clone() })?;
    go_on(ctx, proposal.id, begin(Cause::Cancelled), &mut Work::of(WORK_A_CANCELLATION))
}

/// The first stage of what ends for this cause.
pub(crate) fn begin(cause: Cause) -> Ending {
    let (stage, deposits) = match cause {
        Cause::Cancelled => (Stage::Deposits, Fate::Charge),
        Cause::Unpaid => (Stage::Deposits, Fate::Unspecified),
        Cause::Vote | Cause::Unspecified => (Stage::Count, Fate::Unspecified),
    };
    Ending { cause: cause.into(), stage: stage.into(), deposits: deposits.into(), ..Ending::default() }
}

fn over(ctx: &Ctx, queue: &Set<(Instant, u64)>, most: usize) -> Result<Vec<(Instant, u64)>> {
    let now = ctx.block().instant();
    let over = |entry: &Result<(Instant, u64)>| entry.as_ref().map_or(true, |(end, _)| *end <= now);
    queue.range(ctx, &[]).take_while(over).take(most).collect()
}

/// Goes on with an ending; what is refused makes the proposal failed.
fn advance(ctx: &mut Ctx, id: u64, ending: Ending, work: &mut Work) -> Result<()> {
    match ctx.atomic(|ctx| go_on(ctx, id, ending, work)) {
        Ok(()) => Ok(()),
        Err(error) => fail(ctx, id, &error.log),
    }
}

/// Does what is next, stage by stage, as long as there is work left, and stores what is not done.
fn go_on(ctx: &mut Ctx, id: u64, mut ending: Ending, work: &mut Work) -> Result<()> {
    loop {
        let done = match ending.stage() {
            Stage::Count => count(ctx, id, &mut ending, work)?,
            Stage::Deposits => settle(ctx, id, &ending, work)?,
            Stage::Votes | Stage::Unspecified => proposals::delete_votes(ctx, id, work)?,
        };
        if !done {
            return ENDINGS.set(ctx, &id, &ending);
        }
        ending.stage = match ending.stage() {
            Stage::Count => Stage::Deposits.into(),
            Stage::Deposits => Stage::Votes.into(),
            Stage::Votes | Stage::Unspecified => return ENDINGS.remove(ctx, &id),
        };
    }
}

/// Counts votes; gives whether these were all.
fn count(ctx: &mut Ctx, id: u64, ending: &mut Ending, work: &mut Work) -> Result<bool> {
    let mut poll = Poll::resume(ctx, id)?;
    if !poll.advance(ctx, id, &mut ending.counted, work)? {
        POLLS.set(ctx, &id, &poll.to_wire())?;
        return Ok(false);
    }
    POLLS.remove(ctx, &id)?;
    let mut proposal = proposals::find(ctx, id)?;
    let Tally { passes, burns, result } = poll.verdict(proposal.expedited)?;
    ending.passes = passes;
    ending.deposits = if burns { Fate::Burn } else { Fate::Refund }.into();
    proposal.final_tally_result = Some(result);
    PROPOSALS.set(ctx, &id, &proposal)?;
    Ok(true)
}

/// Sends deposits where they belong and says what became of the proposal; gives whether that is done.
fn settle(ctx: &mut Ctx, id: u64, ending: &Ending, work: &mut Work) -> Result<bool> {
    let proposal = proposals::find(ctx, id)?;
    // What was expedited and did not pass goes on as an ordinary proposal, with its deposits.
    let goes_on = ending.cause() == Cause::Vote && proposal.expedited && !ending.passes;
    let fate = match ending.cause() {
        Cause::Unpaid if params(ctx)?.burn_proposal_deposit_prevote => Fate::Burn,
        _ => ending.deposits(),
    };
    if !goes_on && !deposits::settle(ctx, id, fate, work)? {
        return Ok(false);
    }
    match ending.cause() {
        Cause::Vote | Cause::Unspecified => conclude(ctx, proposal, ending.passes)?,
        Cause::Cancelled => PROPOSALS.remove(ctx, &id)?,
        Cause::Unpaid => {
            PROPOSALS.remove(ctx, &id)?;
            ctx.emit_raw("inactive_proposal", &[("proposal_id", &id.to_string()), ("proposal_result", "proposal_dropped")]);
        }
    }
    Ok(true)
}

/// Does what the vote says.
fn conclude(ctx: &mut Ctx, mut proposal: Proposal, passes: bool) -> Result<()> {
    let (outcome, log) = match (passes, proposal.expedited) {
        (true, _) => carry_out(ctx, &mut proposal),
        (false, true) => slow_down(ctx, &mut proposal)?,
        (false, false) => {
            proposal.status = ProposalStatus::Rejected.into();
            proposal.failed_reason = "proposal did not get enough votes to pass".to_owned();
            ("proposal_rejected", "rejected".to_owned())
        }
    };
    PROPOSALS.set(ctx, &proposal.id, &proposal)?;
    let number = proposal.id.to_string();
    ctx.emit_raw("active_proposal", &[("proposal_id", &number), ("proposal_result", outcome), ("proposal_log", &log)]);
    Ok(())
}

/// Runs the messages in the name of governance, all or none.
fn carry_out(ctx: &mut Ctx, proposal: &mut Proposal) -> (&'static str, String) {
    let (authority, gas): (Address, Gas) = (cairn_auth::authority(), Gas::new(EXECUTION_GAS));
    let mut place = 0_usize;
    let done = ctx.metered(&gas, |ctx| {
        for message in &proposal.messages {
            ctx.execute(&authority, &message.type_url, &message.value)?;
            place = place.saturating_add(1);
        }
        Ok(())
    });
    match done {
        Ok(()) => {
            proposal.status = ProposalStatus::Passed.into();
            ("proposal_passed", "passed".to_owned())
        }
        Err(error) => {
            proposal.status = ProposalStatus::Failed.into();
            proposal.failed_reason = error.log.chars().take(MAX_REASON).collect();
            let url = proposal.messages.get(place).map(|m| m.type_url.as_str()).unwrap_or_default();
            ("proposal_failed", format!("passed, but msg {place} ({url}) failed on execution: {}", proposal.failed_reason))
        }
    }
}

/// Gives an expedited proposal the ordinary time, counted from when its vote began.
fn slow_down(ctx: &mut Ctx, proposal: &mut Proposal) -> Result<(&'static str, String)> {
    proposal.expedited = false;
    let start = proposal.voting_start_time.as_ref().map(time::instant).transpose()?.unwrap_or_default();
    let end = start.checked_add(period(params(ctx)?.voting_period.as_ref())?).unwrap_or(start);
    proposal.voting_end_time = Some(time::timestamp(end));
    ACTIVE.insert(ctx, &(end, proposal.id))?;
    Ok(("expedited_proposal_rejected", "expedited proposal converted to regular".to_owned()))
}

/// Notes that a proposal could not be ended. The deposits that are left stay with governance, which may give them back.
fn fail(ctx: &mut Ctx, id: u64, reason: &str) -> Result<()> {
    POLLS.remove(ctx, &id)?;
    ENDINGS.set(ctx, &id, &Ending { stage: Stage::Votes.into(), ..Ending::default() })?;
    let Some(mut proposal) = PROPOSALS.get(ctx, &id)? else { return Ok(()) };
    proposal.status = ProposalStatus::Failed.into();
    proposal.failed_reason = reason.chars().take(MAX_REASON).collect();
    PROPOSALS.set(ctx, &id, &proposal)?;
    ctx.emit_raw("active_proposal", &[("proposal_id", &id.to_string()), ("proposal_result", "proposal_failed"), ("proposal_log", reason)]);
    Ok(())
}
