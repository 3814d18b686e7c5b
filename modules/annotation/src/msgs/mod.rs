//! The messages, one file each.
mod appeal_decision;
mod cancel_job;
mod claim_tasks;
mod commit_labels;
mod commit_verdict_gold;
mod fund_job;
mod fund_partner;
mod leave_cluster;
mod open_gold;
mod open_pairs;
mod post_job;
mod qualify;
mod renew_lease;
mod resume_job;
mod reveal_labels;
mod skip_tasks;

use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{
    EventEarningsWithdrawn, EventParamsUpdated, MsgAnswerExam, MsgAnswerExamResponse, MsgAppealDecision, MsgAppealDecisionResponse,
    MsgCancelJob, MsgCancelJobResponse, MsgClaimTasks, MsgClaimTasksResponse, MsgCommitLabels, MsgCommitLabelsResponse,
    MsgCommitVerdictGold, MsgCommitVerdictGoldResponse, MsgFundJob, MsgFundJobResponse, MsgFundPartner, MsgFundPartnerResponse,
    MsgLeaveCluster, MsgLeaveClusterResponse, MsgOpenExam, MsgOpenExamResponse, MsgOpenGold, MsgOpenGoldResponse, MsgOpenPairs,
    MsgOpenPairsResponse, MsgPostJob, MsgPostJobResponse, MsgQualify, MsgQualifyResponse, MsgRenewLease, MsgRenewLeaseResponse,
    MsgResumeJob, MsgResumeJobResponse, MsgRetryQuarantined, MsgRetryQuarantinedResponse, MsgRevealLabels, MsgRevealLabelsResponse,
    MsgServer, MsgSkipTasks, MsgSkipTasksResponse, MsgUpdateParams, MsgUpdateParamsResponse, MsgWithdrawEarnings,
    MsgWithdrawEarningsResponse,
};

use crate::{Annotation, Error, escrow, quarantine, rules, state::PARAMS};

/// The one text that may have several lines.
const DESCRIPTION: &str = "description";

impl MsgServer for Annotation {
    fn post_job(&self, ctx: &mut Ctx, msg: MsgPostJob) -> Result<MsgPostJobResponse> {
        post_job::post_job(ctx, msg)
    }
    fn fund_job(&self, ctx: &mut Ctx, msg: MsgFundJob) -> Result<MsgFundJobResponse> {
        fund_job::fund_job(ctx, &msg)
    }
    fn cancel_job(&self, ctx: &mut Ctx, msg: MsgCancelJob) -> Result<MsgCancelJobResponse> {
        cancel_job::cancel_job(ctx, &msg)
    }
    fn claim_tasks(&self, ctx: &mut Ctx, msg: MsgClaimTasks) -> Result<MsgClaimTasksResponse> {
        claim_tasks::claim_tasks(ctx, &msg)
    }
    fn renew_lease(&self, ctx: &mut Ctx, msg: MsgRenewLease) -> Result<MsgRenewLeaseResponse> {
        renew_lease::renew_lease(ctx, &msg)
    }
    fn commit_labels(&self, ctx: &mut Ctx, msg: MsgCommitLabels) -> Result<MsgCommitLabelsResponse> {
        commit_labels::commit_labels(ctx, &msg)
    }
    fn reveal_labels(&self, ctx: &mut Ctx, msg: MsgRevealLabels) -> Result<MsgRevealLabelsResponse> {
        reveal_labels::reveal_labels(ctx, &msg)
    }
    fn skip_tasks(&self, ctx: &mut Ctx, msg: MsgSkipTasks) -> Result<MsgSkipTasksResponse> {
        skip_tasks::skip_tasks(ctx, &msg)
    }
    fn open_gold(&self, ctx: &mut Ctx, msg: MsgOpenGold) -> Result<MsgOpenGoldResponse> {
        open_gold::open_gold(ctx, &msg)
    }
    fn open_pairs(&self, ctx: &mut Ctx, msg: MsgOpenPairs) -> Result<MsgOpenPairsResponse> {
        open_pairs::open_pairs(ctx, &msg)
    }
    fn commit_verdict_gold(&self, ctx: &mut Ctx, msg: MsgCommitVerdictGold) -> Result<MsgCommitVerdictGoldResponse> {
        commit_verdict_gold::commit_verdict_gold(ctx, &msg)
    }
    fn resume_job(&self, ctx: &mut Ctx, msg: MsgResumeJob) -> Result<MsgResumeJobResponse> {
        resume_job::resume_job(ctx, &msg)
    }
    fn fund_partner(&self, ctx: &mut Ctx, msg: MsgFundPartner) -> Result<MsgFundPartnerResponse> {
        fund_partner::fund_partner(ctx, &msg)
    }
    fn qualify(&self, ctx: &mut Ctx, msg: MsgQualify) -> Result<MsgQualifyResponse> {
        qualify::qualify(ctx, &msg)
    }
    fn open_exam(&self, ctx: &mut Ctx, msg: MsgOpenExam) -> Result<MsgOpenExamResponse> {
        qualify::open_exam(ctx, &msg)
    }
    fn answer_exam(&self, ctx: &mut Ctx, msg: MsgAnswerExam) -> Result<MsgAnswerExamResponse> {
        qualify::answer_exam(ctx, &msg)
    }
    fn leave_cluster(&self, ctx: &mut Ctx, msg: MsgLeaveCluster) -> Result<MsgLeaveClusterResponse> {
        leave_cluster::leave_cluster(ctx, &msg)
    }
    fn appeal_decision(&self, ctx: &mut Ctx, msg: MsgAppealDecision) -> Result<MsgAppealDecisionResponse> {
        appeal_decision::appeal_decision(ctx, msg)
    }
    fn retry_quarantined(&self, ctx: &mut Ctx, msg: MsgRetryQuarantined) -> Result<MsgRetryQuarantinedResponse> {
        let sender = Address::parse(&msg.sender)?;
        quarantine::retry(ctx, msg.job, sender.to_string())?;
        Ok(MsgRetryQuarantinedResponse {})
    }
    fn withdraw_earnings(&self, ctx: &mut Ctx, msg: MsgWithdrawEarnings) -> Result<MsgWithdrawEarningsResponse> {
        let account = Address::parse(&msg.account)?;
        check_list("denominations", msg.denoms.len(), 0, rules::WITHDRAW_MAX)?;
        msg.denoms.iter().try_for_each(|denom| cairn_kernel::check_denom(denom))?;
        let paid = escrow::withdraw(ctx, &account, &msg.denoms, rules::WITHDRAW_MAX)?;
        let amount: Vec<_> = paid.iter().map(Into::into).collect();
        ctx.emit(&EventEarningsWithdrawn { account: account.to_string(), amount: amount.clone() });
        Ok(MsgWithdrawEarningsResponse { amount })
    }
    fn update_params(&self, ctx: &mut Ctx, msg: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        cairn_auth::require_authority(&msg.authority)?;
        let params = msg.params.ok_or(Error::Missing("params"))?;
        rules::check_params(&params)?;
        PARAMS.set(ctx, &params)?;
        ctx.emit(&EventParamsUpdated { params: Some(params) });
        Ok(MsgUpdateParamsResponse {})
    }
}

/// Refuses a text of the wrong length or with characters that are not shown.
fn check_text(what: &'static str, text: &str, least: usize, most: usize) -> Result<(), Error> {
    let found = text.len();
    if !(least..=most).contains(&found) {
        return Err(Error::TextLength { what, least, most, found });
    }
    let shown = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    // Instructions may have lines and columns.
    let clean = text.chars().all(|c| shown(c) || (what == DESCRIPTION && matches!(c, '\n' | '\t')));
    if clean { Ok(()) } else { Err(Error::TextControl(what)) }
}

/// Refuses a list of the wrong length.
fn check_list(what: &'static str, found: usize, least: usize, most: usize) -> Result<(), Error> {
    if (least..=most).contains(&found) { Ok(()) } else { Err(Error::ListLength { what, least, most, found }) }
}

/// 32 bytes of a message.
fn hash(what: &'static str, bytes: &[u8]) -> Result<[u8; 32], Error> {
    <[u8; 32]>::try_from(bytes).map_err(|_| Error::HashLength { what, found: bytes.len() })
}
