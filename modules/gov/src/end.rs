//! The end of blocks: proposals without enough deposit are dropped, votes that are over are counted and carried out.
use cairn_kernel::{Address, Ctx, Gas, Instant, Result, Set};
use cairn_proto::{
    cosmos::gov::v1::{Params, Proposal, ProposalStatus},
    time,
};

use crate::{
    deposits,
    params::{params, period},
    proposals,
    state::{ACTIVE, INACTIVE, PROPOSALS},
    tally::{Tally, tally},
};

/// Proposals that end in one block at the most, of each of the two kinds. Later ones wait for the next block.
const ENDED_A_BLOCK: usize = 20;
/// Gas that the messages of one proposal may use together.
const EXECUTION_GAS: u64 = 100_000_000;
/// The longest reason that is kept.
const MAX_REASON: usize = 1_000;

/// Ends what is over. A proposal that cannot be ended fails alone and keeps nothing else from going on.
pub(crate) fn end_block(ctx: &mut Ctx) -> Result<()> {
    let params = params(ctx)?;
    for (end, id) in over(ctx, &INACTIVE)? {
        if let Err(error) = ctx.atomic(|ctx| drop_unpaid(ctx, id, &params)) {
            INACTIVE.remove(ctx, &(end, id))?;
            fail(ctx, id, &error.log)?;
        }
    }
    for (end, id) in over(ctx, &ACTIVE)? {
        if let Err(error) = ctx.atomic(|ctx| conclude(ctx, (end, id), &params)) {
            ACTIVE.remove(ctx, &(end, id))?;
            fail(ctx, id, &error.log)?;
        }
    }
    Ok(())
}

fn over(ctx: &Ctx, queue: &Set<(Instant, u64)>) -> Result<Vec<(Instant, u64)>> {
    let now = ctx.block().instant();
    let over = |entry: &Result<(Instant, u64)>| entry.as_ref().map_or(true, |(end, _)| *end <= now);
    queue.range(ctx, &[]).take_while(over).take(ENDED_A_BLOCK).collect()
}

/// Deletes a proposal whose deposit was not complete in time.
fn drop_unpaid(ctx: &mut Ctx, id: u64, params: &Params) -> Result<()> {
    let proposal = proposals::find(ctx, id)?;
    proposals::delete(ctx, &proposal)?;
    if params.burn_proposal_deposit_prevote {
        deposits::burn(ctx, id)?;
    } else {
        deposits::refund(ctx, id)?;
    }
    ctx.emit_raw("inactive_proposal", &[("proposal_id", &id.to_string()), ("proposal_result", "proposal_dropped")]);
    Ok(())
}

/// Counts the votes and does what they say.
fn conclude(ctx: &mut Ctx, (end, id): (Instant, u64), params: &Params) -> Result<()> {
    let mut proposal = proposals::find(ctx, id)?;
    let Tally { passes, burns, result } = tally(ctx, &proposal, params)?;
    proposals::delete_votes(ctx, id)?;
    ACTIVE.remove(ctx, &(end, id))?;
    // What was expedited and did not pass goes on as an ordinary proposal, with its deposits.
    let goes_on = proposal.expedited && !passes;
    match (goes_on, burns) {
        (true, _) => {}
        (false, true) => deposits::burn(ctx, id)?,
        (false, false) => deposits::refund(ctx, id)?,
    }

    proposal.final_tally_result = Some(result);
    let (outcome, log) = match (passes, goes_on) {
        (true, _) => carry_out(ctx, &mut proposal),
        (false, true) => slow_down(ctx, &mut proposal, params)?,
        (false, false) => {
            proposal.status = ProposalStatus::Rejected.into();
            proposal.failed_reason = "proposal did not get enough votes to pass".to_owned();
            ("proposal_rejected", "rejected".to_owned())
        }
    };
    PROPOSALS.set(ctx, &id, &proposal)?;
    ctx.emit_raw("active_proposal", &[("proposal_id", &id.to_string()), ("proposal_result", outcome), ("proposal_log", &log)]);
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
fn slow_down(ctx: &mut Ctx, proposal: &mut Proposal, params: &Params) -> Result<(&'static str, String)> {
    proposal.expedited = false;
    let start = proposal.voting_start_time.as_ref().map(time::instant).transpose()?.unwrap_or_default();
    let end = start.checked_add(period(params.voting_period.as_ref())?).unwrap_or(start);
    proposal.voting_end_time = Some(time::timestamp(end));
    ACTIVE.insert(ctx, &(end, proposal.id))?;
    Ok(("expedited_proposal_rejected", "expedited proposal converted to regular".to_owned()))
}

/// Notes that a proposal could not be ended. Its deposits stay with governance, which may give them back.
fn fail(ctx: &mut Ctx, id: u64, reason: &str) -> Result<()> {
    let Some(mut proposal) = PROPOSALS.get(ctx, &id)? else { return Ok(()) };
    proposal.status = ProposalStatus::Failed.into();
    proposal.failed_reason = reason.chars().take(MAX_REASON).collect();
    PROPOSALS.set(ctx, &id, &proposal)?;
    ctx.emit_raw("active_proposal", &[("proposal_id", &id.to_string()), ("proposal_result", "proposal_failed"), ("proposal_log", reason)]);
    Ok(())
}
