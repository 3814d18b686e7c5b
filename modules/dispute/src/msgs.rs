//! Messages of `cairn.dispute.v1`.
use cairn_auth as auth;
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{
    MsgAppealVerdict, MsgAppealVerdictResponse, MsgCommitVote, MsgCommitVoteResponse, MsgDissect, MsgDissectResponse, MsgJoinJury,
    MsgJoinJuryResponse, MsgLeaveJury, MsgLeaveJuryResponse, MsgProveLeaf, MsgProveLeafResponse, MsgRevealVote, MsgRevealVoteResponse,
    MsgServer, MsgUpdateParams, MsgUpdateParamsResponse,
};

use crate::{Dispute, Error, appeal, bisection, complaint::check_skill, jurors, rules, state::PARAMS, votes};

impl MsgServer for Dispute {
    fn join_jury(&self, ctx: &mut Ctx, m: MsgJoinJury) -> Result<MsgJoinJuryResponse> {
        let juror = Address::parse(&m.juror)?;
        check_skill(&m.skill)?;
        Ok(MsgJoinJuryResponse { number: jurors::join(ctx, &juror, &m.skill)? })
    }

    fn leave_jury(&self, ctx: &mut Ctx, m: MsgLeaveJury) -> Result<MsgLeaveJuryResponse> {
        let juror = Address::parse(&m.juror)?;
        check_skill(&m.skill)?;
        Ok(MsgLeaveJuryResponse { leaves: jurors::ask_to_leave(ctx, &juror, &m.skill)? })
    }

    fn commit_vote(&self, ctx: &mut Ctx, m: MsgCommitVote) -> Result<MsgCommitVoteResponse> {
        let juror = Address::parse(&m.juror)?;
        votes::commit(ctx, &juror, m.case_id, m.commitment)?;
        Ok(MsgCommitVoteResponse {})
    }

    fn reveal_vote(&self, ctx: &mut Ctx, m: MsgRevealVote) -> Result<MsgRevealVoteResponse> {
        let juror = Address::parse(&m.juror)?;
        votes::reveal(ctx, &juror, m.case_id, m.choice, &m.salt)?;
        Ok(MsgRevealVoteResponse {})
    }

    fn appeal_verdict(&self, ctx: &mut Ctx, m: MsgAppealVerdict) -> Result<MsgAppealVerdictResponse> {
        let appellant = Address::parse(&m.appellant)?;
        appeal::appeal(ctx, &appellant, m.case_id, m.statement.unwrap_or_default())?;
        Ok(MsgAppealVerdictResponse {})
    }

    fn dissect(&self, ctx: &mut Ctx, m: MsgDissect) -> Result<MsgDissectResponse> {
        Ok(MsgDissectResponse { stage: bisection::dissect(ctx, m)?.into() })
    }

    fn prove_leaf(&self, ctx: &mut Ctx, m: MsgProveLeaf) -> Result<MsgProveLeafResponse> {
        bisection::prove(ctx, m)
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        auth::require_authority(&m.authority)?;
        let params = m.params.ok_or(Error::NoParams)?;
        rules::check_params(&params)?;

        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }
}
