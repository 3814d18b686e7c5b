//! Messages of `cosmos.gov.v1`.
use cairn_auth::authority;
use cairn_kernel::{Address, Ctx, Result, sdk};
use cairn_proto::{
    coin,
    cosmos::gov::v1::{
        MsgCancelProposal, MsgCancelProposalResponse, MsgDeposit, MsgDepositResponse, MsgExecLegacyContent, MsgExecLegacyContentResponse,
        MsgServer, MsgSubmitProposal, MsgSubmitProposalResponse, MsgUpdateParams, MsgUpdateParamsResponse, MsgVote, MsgVoteResponse,
        MsgVoteWeighted, MsgVoteWeightedResponse,
    },
    time,
};

use crate::{Error, Gov, deposits, end, legacy, params, proposals, state::PARAMS, votes};

impl MsgServer for Gov {
    fn submit_proposal(&self, ctx: &mut Ctx, m: MsgSubmitProposal) -> Result<MsgSubmitProposalResponse> {
        let proposer = Address::parse(&m.proposer)?;
        if m.messages.is_empty() && m.metadata.is_empty() {
            return Err(Error::NoMessages.into());
        }
        let (deposit, params) = (coin::coins(&m.initial_deposit)?, params::params(ctx)?);
        deposits::check_initial(&params, &deposit, m.expedited)?;
        deposits::check_denom(&params, &deposit)?;

        let proposal_id = proposals::submit(ctx, &proposer, &m)?;
        if deposits::add(ctx, proposal_id, &proposer, &deposit)? {
            ctx.emit_raw("submit_proposal", &[("voting_period_start", &proposal_id.to_string())]);
        }
        Ok(MsgSubmitProposalResponse { proposal_id })
    }

    fn exec_legacy_content(&self, _: &mut Ctx, m: MsgExecLegacyContent) -> Result<MsgExecLegacyContentResponse> {
        require_authority(&m.authority)?;
        // A text has nothing to carry out: that it passed is its effect.
        legacy::check_content(m.content.as_ref())?;
        Ok(MsgExecLegacyContentResponse {})
    }

    fn vote(&self, ctx: &mut Ctx, m: MsgVote) -> Result<MsgVoteResponse> {
        let voter = Address::parse(&m.voter)?;
        votes::cast(ctx, m.proposal_id, &voter, votes::whole(m.option), m.metadata)?;
        Ok(MsgVoteResponse {})
    }

    fn vote_weighted(&self, ctx: &mut Ctx, m: MsgVoteWeighted) -> Result<MsgVoteWeightedResponse> {
        let voter = Address::parse(&m.voter)?;
        votes::cast(ctx, m.proposal_id, &voter, m.options, m.metadata)?;
        Ok(MsgVoteWeightedResponse {})
    }

    fn deposit(&self, ctx: &mut Ctx, m: MsgDeposit) -> Result<MsgDepositResponse> {
        let depositor = Address::parse(&m.depositor)?;
        let amount = coin::coins(&m.amount)?;
        if amount.is_empty() {
            return Err(sdk::invalid_coins("no coins"));
        }
        if deposits::add(ctx, m.proposal_id, &depositor, &amount)? {
            ctx.emit_raw("proposal_deposit", &[("voting_period_start", &m.proposal_id.to_string())]);
        }
        Ok(MsgDepositResponse {})
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        require_authority(&m.authority)?;
        let params = m.params.ok_or_else(|| sdk::invalid_request("parameters are missing"))?;
        params::check(&params)?;

        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }

    fn cancel_proposal(&self, ctx: &mut Ctx, m: MsgCancelProposal) -> Result<MsgCancelProposalResponse> {
        Address::parse(&m.proposer)?;
        let (proposal, now) = (proposals::find(ctx, m.proposal_id)?, ctx.block().instant());
        if proposal.proposer != m.proposer {
            return Err(Error::Proposer(m.proposer).into());
        }
        if !proposals::is_open(ctx, &proposal)? {
            return Err(Error::Proposal("proposal should be in the deposit or voting period".into()).into());
        }
        let end = proposal.voting_end_time.as_ref().map(time::instant).transpose()?;
        if end.is_some_and(|end| end < now) {
            return Err(Error::VotingEnded(proposal.id).into());
        }

        end::cancel(ctx, &proposal)?;
        ctx.emit_raw("cancel_proposal", &[("sender", &m.proposer), ("proposal_id", &proposal.id.to_string())]);
        let canceled_time = Some(time::timestamp(now));
        Ok(MsgCancelProposalResponse { proposal_id: proposal.id, canceled_time, canceled_height: ctx.block().height })
    }
}

fn require_authority(claimed: &str) -> Result<(), Error> {
    let expected = authority().to_string();
    if claimed == expected {
        return Ok(());
    }
    let claimed: String = claimed.chars().take(90).collect();
    Err(Error::Signer(format!("invalid authority; expected {expected}, got {claimed}")))
}
