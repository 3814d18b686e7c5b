//! Proposals from and to the genesis file.
use std::collections::BTreeSet;

use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::{
    cairn::gov::v1::{Cause, Ending, Stage},
    cosmos::gov::v1::{GenesisState, Proposal, ProposalStatus},
    time,
};

use crate::{
    Error,
    end::begin,
    params::{check, default_params, params},
    state::{ACTIVE, CONSTITUTION, DEPOSITS, ENDINGS, INACTIVE, NUMBERS, PARAMS, PROPOSALS, VOTES},
};

/// Fills an empty store. The account of governance must hold the deposits already.
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    let params = genesis.params.unwrap_or_else(default_params);
    check(&params)?;
    PARAMS.set(ctx, &params)?;
    CONSTITUTION.set(ctx, &genesis.constitution)?;
    let last = genesis.starting_proposal_id.saturating_sub(1);
    NUMBERS.set(ctx, last)?;
    for proposal in &genesis.proposals {
        if proposal.id == 0 || proposal.id > last || PROPOSALS.has(ctx, &proposal.id)? {
            return Err(Error::Genesis(format!("proposal {} is listed twice or not below the starting number", proposal.id)).into());
        }
        queue(ctx, proposal)?;
        PROPOSALS.set(ctx, &proposal.id, proposal)?;
    }
    for deposit in &genesis.deposits {
        known(ctx, deposit.proposal_id)?;
        DEPOSITS.set(ctx, &(deposit.proposal_id, Address::parse(&deposit.depositor)?), deposit)?;
        take_up(ctx, deposit.proposal_id)?;
    }
    for vote in &genesis.votes {
        known(ctx, vote.proposal_id)?;
        VOTES.set(ctx, &(vote.proposal_id, Address::parse(&vote.voter)?), vote)?;
    }
    Ok(())
}

/// Goes on with a cancellation that had not reached all deposits: else nothing that was rejected has any.
fn take_up(ctx: &mut Ctx, id: u64) -> Result<()> {
    let rejected = PROPOSALS.get(ctx, &id)?.is_some_and(|proposal| proposal.status == i32::from(ProposalStatus::Rejected));
    if rejected { ENDINGS.set(ctx, &id, &begin(Cause::Cancelled)) } else { Ok(()) }
}

fn known(ctx: &Ctx, id: u64) -> Result<()> {
    if PROPOSALS.has(ctx, &id)? { Ok(()) } else { Err(Error::Genesis(format!("there is no proposal {id}")).into()) }
}

fn queue(ctx: &mut Ctx, proposal: &Proposal) -> Result<()> {
    let missing = || Error::Genesis(format!("proposal {} lacks a time", proposal.id));
    match ProposalStatus::try_from(proposal.status) {
        Ok(ProposalStatus::DepositPeriod) => {
            let end = time::instant(proposal.deposit_end_time.as_ref().ok_or_else(missing)?)?;
            INACTIVE.insert(ctx, &(end, proposal.id))
        }
        Ok(ProposalStatus::VotingPeriod) => {
            let end = time::instant(proposal.voting_end_time.as_ref().ok_or_else(missing)?)?;
            ACTIVE.insert(ctx, &(end, proposal.id))
        }
        Ok(ProposalStatus::Passed | ProposalStatus::Rejected | ProposalStatus::Failed) => Ok(()),
        Ok(ProposalStatus::Unspecified) | Err(_) => Err(Error::Genesis(format!("proposal {} has no status", proposal.id)).into()),
    }
}

/// Everything. A vote that is being counted is counted anew where this is read, on the stakes that are found there.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    // What is voted on again has votes only from now on, and of what has ended none are needed.
    let over = |(id, ending): (u64, Ending)| (ending.stage() == Stage::Votes).then_some(id);
    let over: BTreeSet<u64> = ENDINGS.range(ctx, &[]).filter_map(|entry| entry.map(over).transpose()).collect::<Result<_>>()?;
    let votes = VOTES.range(ctx, &[]).filter(|entry| !entry.as_ref().is_ok_and(|((id, _), _)| over.contains(id)));
    Ok(GenesisState {
        starting_proposal_id: NUMBERS.last(ctx)?.saturating_add(1),
        deposits: DEPOSITS.range(ctx, &[]).map(|e| e.map(|(_, deposit)| deposit)).collect::<Result<_>>()?,
        votes: votes.map(|e| e.map(|(_, vote)| vote)).collect::<Result<_>>()?,
        proposals: PROPOSALS.range(ctx, &[]).map(|e| e.map(|(_, proposal)| proposal)).collect::<Result<_>>()?,
        params: Some(params(ctx)?),
        constitution: CONSTITUTION.get(ctx)?.unwrap_or_default(),
        ..GenesisState::default()
    })
}
