//! `cosmos.gov.v1beta1`, which older wallets and explorers speak: its messages as those of v1, its content as a message of v1.
use cairn_kernel::{Ctx, Dec, Result};
use cairn_proto::{
    Any,
    cosmos::gov::{
        v1::{
            Deposit, MsgDeposit as NewDeposit, MsgExecLegacyContent, MsgServer as NewServer, MsgSubmitProposal as NewProposal,
            MsgVote as NewVote, MsgVoteWeighted as NewVoteWeighted, Proposal, TallyResult, Vote, WeightedVoteOption,
        },
        v1beta1::{
            Deposit as OldDeposit, MsgDeposit, MsgDepositResponse, MsgServer, MsgSubmitProposal, MsgSubmitProposalResponse, MsgVote,
            MsgVoteResponse, MsgVoteWeighted, MsgVoteWeightedResponse, Proposal as OldProposal, TallyResult as OldTally, TextProposal,
            Vote as OldVote, WeightedVoteOption as OldOption,
        },
    },
    pack, unpack,
};
use prost::Name;

use crate::{Error, Gov, params::decimal};

/// Bytes of a title and of a description.
const MAX_TITLE: usize = 140;
const MAX_DESCRIPTION: usize = 10_000;

/// The text of a proposal of old; no other kind is carried out on this chain.
///
/// # Errors
/// [`Error::Content`], [`Error::ContentType`].
pub(crate) fn check_content(content: Option<&Any>) -> Result<TextProposal, Error> {
    let content = content.ok_or_else(|| Error::Content("missing content".into()))?;
    if content.type_url != TextProposal::type_url() {
        return Err(Error::ContentType(content.type_url.chars().take(128).collect()));
    }
    let text: TextProposal = unpack(content).map_err(|e| Error::Content(e.log))?;
    let refuse = |what: &str| Err(Error::Content(what.into()));
    match (text.title.trim().len(), text.description.len()) {
        (0, _) => refuse("proposal title cannot be blank"),
        (_, 0) => refuse("proposal description cannot be blank"),
        _ if text.title.len() > MAX_TITLE => refuse("proposal title is longer than max length of 140"),
        (_, n) if n > MAX_DESCRIPTION => refuse("proposal description is longer than max length of 10000"),
        _ => Ok(text),
    }
}

impl MsgServer for Gov {
    fn submit_proposal(&self, ctx: &mut Ctx, m: MsgSubmitProposal) -> Result<MsgSubmitProposalResponse> {
        let TextProposal { title, description } = check_content(m.content.as_ref())?;
        let message = MsgExecLegacyContent { content: m.content, authority: cairn_auth::authority().to_string() };
        let new = NewProposal {
            messages: vec![pack(&message)],
            initial_deposit: m.initial_deposit,
            proposer: m.proposer,
            title,
            summary: description,
            ..NewProposal::default()
        };
        Ok(MsgSubmitProposalResponse { proposal_id: NewServer::submit_proposal(self, ctx, new)?.proposal_id })
    }

    fn vote(&self, ctx: &mut Ctx, m: MsgVote) -> Result<MsgVoteResponse> {
        let new = NewVote { proposal_id: m.proposal_id, voter: m.voter, option: m.option, metadata: String::new() };
        NewServer::vote(self, ctx, new)?;
        Ok(MsgVoteResponse {})
    }

    fn vote_weighted(&self, ctx: &mut Ctx, m: MsgVoteWeighted) -> Result<MsgVoteWeightedResponse> {
        let options = m.options.iter().map(|o| Ok(WeightedVoteOption { option: o.option, weight: unscaled(&o.weight)? }));
        let options = options.collect::<Result<_, Error>>()?;
        let new = NewVoteWeighted { proposal_id: m.proposal_id, voter: m.voter, options, metadata: String::new() };
        NewServer::vote_weighted(self, ctx, new)?;
        Ok(MsgVoteWeightedResponse {})
    }

    fn deposit(&self, ctx: &mut Ctx, m: MsgDeposit) -> Result<MsgDepositResponse> {
        let new = NewDeposit { proposal_id: m.proposal_id, depositor: m.depositor, amount: m.amount };
        NewServer::deposit(self, ctx, new)?;
        Ok(MsgDepositResponse {})
    }
}

/// A weight as v1 writes it, from the scaled integer of v1beta1.
fn unscaled(weight: &str) -> Result<String, Error> {
    let shown = || weight.chars().take(60).collect::<String>();
    Dec::from_wire(weight).map(|w| w.to_string()).map_err(|_| Error::Vote(format!("invalid weight: {}", shown())))
}

/// A proposal as v1beta1 shows it; one of other messages has no content there.
pub(crate) fn proposal(p: Proposal) -> OldProposal {
    let content = p.messages.iter().find_map(|m| unpack::<MsgExecLegacyContent>(m).ok()?.content);
    OldProposal {
        proposal_id: p.id,
        content,
        status: p.status,
        final_tally_result: Some(tally(p.final_tally_result.unwrap_or_default())),
        submit_time: p.submit_time,
        deposit_end_time: p.deposit_end_time,
        total_deposit: p.total_deposit,
        voting_start_time: p.voting_start_time,
        voting_end_time: p.voting_end_time,
    }
}

/// A count as v1beta1 shows it.
pub(crate) fn tally(t: TallyResult) -> OldTally {
    OldTally { yes: t.yes_count, abstain: t.abstain_count, no: t.no_count, no_with_veto: t.no_with_veto_count }
}

/// A deposit as v1beta1 shows it.
pub(crate) fn deposit(d: Deposit) -> OldDeposit {
    OldDeposit { proposal_id: d.proposal_id, depositor: d.depositor, amount: d.amount }
}

/// A vote as v1beta1 shows it, with the one option beside the list if it has the whole weight.
#[expect(deprecated, reason = "older clients read the single option")]
pub(crate) fn vote(v: Vote) -> Result<OldVote> {
    let scaled =
        |o: &WeightedVoteOption| Ok::<_, cairn_kernel::Error>(OldOption { option: o.option, weight: decimal(&o.weight)?.to_wire() });
    let options: Vec<_> = v.options.iter().map(scaled).collect::<Result<_>>()?;
    let option = match options.as_slice() {
        [one] => one.option,
        _ => 0,
    };
    Ok(OldVote { proposal_id: v.proposal_id, voter: v.voter, option, options })
}
