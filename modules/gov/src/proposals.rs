//! The life of a proposal: submitted, voted on, ended, deleted.
use cairn_kernel::{Address, Ctx, Result, gas, key_prefix, sdk};
use cairn_proto::{
    Any,
    cosmos::gov::v1::{MsgExecLegacyContent, MsgSubmitProposal, Params, Proposal, ProposalStatus, TallyResult},
    time, unpack,
};
use prost::{Message, Name};

use crate::{
    Error, legacy,
    params::{params, period},
    state::{ACTIVE, ENDINGS, FROZEN, INACTIVE, NUMBERS, PROPOSALS, VOTES},
    work::Work,
};

/// Bytes of a title, of metadata, and of a vote's metadata.
pub(crate) const MAX_METADATA: usize = 255;
/// Bytes of a summary.
const MAX_SUMMARY: usize = 10_200;
/// Messages of a proposal.
const MAX_MESSAGES: usize = 64;

/// The proposal, which must exist.
pub(crate) fn find(ctx: &Ctx, id: u64) -> Result<Proposal> {
    PROPOSALS.get(ctx, &id)?.ok_or_else(|| sdk::not_found(format!("proposal {id} doesn't exist")))
}

/// Refuses a title or metadata that is too long.
pub(crate) fn check_length(what: &'static str, text: &str) -> Result<(), Error> {
    if text.len() > MAX_METADATA { Err(Error::TooLong { what, found: text.len() }) } else { Ok(()) }
}

/// Writes a new proposal, which then gathers deposits.
pub(crate) fn submit(ctx: &mut Ctx, proposer: &Address, m: &MsgSubmitProposal) -> Result<u64> {
    check_length("metadata", &m.metadata)?;
    if m.summary.len() > MAX_SUMMARY {
        return Err(Error::SummaryTooLong(m.summary.len()).into());
    }
    check_length("title", &m.title)?;
    if m.messages.len() > MAX_MESSAGES {
        return Err(sdk::invalid_request(format!("expected at most {MAX_MESSAGES} messages, found {}", m.messages.len())));
    }
    m.messages.iter().try_for_each(|message| check_message(ctx, message))?;
    let (id, now, params) = (NUMBERS.next(ctx)?, ctx.block().instant(), params(ctx)?);
    let end = now.checked_add(period(params.max_deposit_period.as_ref())?);
    let end = end.ok_or_else(|| sdk::invalid_request("the deposit period never ends"))?;

    let zero = || "0".to_owned();
    let proposal = Proposal {
        id,
        messages: m.messages.clone(),
        status: ProposalStatus::DepositPeriod.into(),
        final_tally_result: Some(TallyResult { yes_count: zero(), abstain_count: zero(), no_count: zero(), no_with_veto_count: zero() }),
        submit_time: Some(time::timestamp(now)),
        deposit_end_time: Some(time::timestamp(end)),
        metadata: m.metadata.clone(),
        title: m.title.clone(),
        summary: m.summary.clone(),
        proposer: proposer.to_string(),
        expedited: m.expedited,
        ..Proposal::default()
    };
    // The proposal is written again when it is paid for, begins and ends: the Cosmos SDK charges for that here.
    let bytes = u64::try_from(proposal.encoded_len()).unwrap_or(u64::MAX);
    ctx.gas().consume_at(bytes.saturating_mul(3).saturating_mul(gas::WRITE_BYTE), "submit proposal")?;
    PROPOSALS.set(ctx, &id, &proposal)?;
    INACTIVE.insert(ctx, &(end, id))?;
    let urls: String = m.messages.iter().map(|message| format!(",{}", message.type_url)).collect();
    let (number, who) = (id.to_string(), proposer.to_string());
    ctx.emit_raw("submit_proposal", &[("proposal_id", &number), ("proposal_proposer", &who), ("proposal_messages", &urls)]);
    Ok(id)
}

/// A message must have a handler and governance as its only signer; content of old proposals must be of a kind that is carried out.
fn check_message(ctx: &Ctx, message: &Any) -> Result<()> {
    if !ctx.handles(&message.type_url) {
        return Err(Error::Unroutable(message.type_url.chars().take(128).collect()).into());
    }
    let signers = ctx.signers(&message.type_url, &message.value)?;
    if signers.as_slice() != [cairn_auth::authority()] {
        let shown: Vec<String> = signers.iter().take(3).map(ToString::to_string).collect();
        return Err(Error::Signer(shown.join(",")).into());
    }
    if message.type_url == MsgExecLegacyContent::type_url() {
        legacy::check_content(unpack::<MsgExecLegacyContent>(message)?.content.as_ref())?;
    }
    Ok(())
}

/// Begins the vote on a proposal whose deposit is complete.
pub(crate) fn activate(ctx: &mut Ctx, proposal: Proposal, params: &Params) -> Result<()> {
    let span = if proposal.expedited { &params.expedited_voting_period } else { &params.voting_period };
    let start = ctx.block().instant();
    let end = start.checked_add(period(span.as_ref())?).ok_or_else(|| sdk::invalid_request("the voting period never ends"))?;
    if let Some(waited) = &proposal.deposit_end_time {
        INACTIVE.remove(ctx, &(time::instant(waited)?, proposal.id))?;
    }
    ACTIVE.insert(ctx, &(end, proposal.id))?;
    let active = Proposal {
        status: ProposalStatus::VotingPeriod.into(),
        voting_start_time: Some(time::timestamp(start)),
        voting_end_time: Some(time::timestamp(end)),
        ..proposal
    };
    PROPOSALS.set(ctx, &active.id, &active)
}

/// Whether it takes deposits and can be cancelled: nothing does while it is being ended.
pub(crate) fn is_open(ctx: &Ctx, proposal: &Proposal) -> Result<bool> {
    let open = [ProposalStatus::DepositPeriod, ProposalStatus::VotingPeriod].map(i32::from).contains(&proposal.status);
    Ok(open && !ENDINGS.has(ctx, &proposal.id)?)
}

/// Takes a proposal out of the queue of its state.
pub(crate) fn unqueue(ctx: &mut Ctx, proposal: &Proposal) -> Result<()> {
    if let Some(end) = &proposal.deposit_end_time {
        INACTIVE.remove(ctx, &(time::instant(end)?, proposal.id))?;
    }
    if let Some(end) = &proposal.voting_end_time {
        ACTIVE.remove(ctx, &(time::instant(end)?, proposal.id))?;
    }
    Ok(())
}

/// Deletes votes as long as there is work left; gives whether these were all.
pub(crate) fn delete_votes(ctx: &mut Ctx, id: u64, work: &mut Work) -> Result<bool> {
    let votes: Vec<_> = VOTES.range(ctx, &key_prefix(&id)).take(work.left()).collect::<Result<_>>()?;
    votes.iter().try_for_each(|(key, _)| VOTES.remove(ctx, key))?;
    work.spend(votes.len());
    let frozen: Vec<_> = FROZEN.range(ctx, &key_prefix(&id)).take(work.left()).collect::<Result<_>>()?;
    frozen.iter().try_for_each(|(key, _)| FROZEN.remove(ctx, key))?;
    work.spend(frozen.len());
    Ok(!work.is_done() || VOTES.range(ctx, &key_prefix(&id)).next().is_none() && FROZEN.range(ctx, &key_prefix(&id)).next().is_none())
}
