//! `MsgCommitVerdictGold`: the requester commits to the right verdicts on some drafts, and the verification stage opens.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{JobState, MsgCommitVerdictGold, MsgCommitVerdictGoldResponse, SettleStep};

use super::hash;
use crate::{Error, job::Running, stage, types};

pub(super) fn commit_verdict_gold(ctx: &mut Ctx, msg: &MsgCommitVerdictGold) -> Result<MsgCommitVerdictGoldResponse> {
    let requester = Address::parse(&msg.requester)?;
    let root = hash("gold_root", &msg.gold_root)?;
    let mut run = Running::load(ctx, msg.job)?;
    run.require_requester(&requester)?;
    run.require(JobState::Verifying)?;
    if run.settlement()?.step() != SettleStep::AwaitVerdictGold {
        return Err(types::Error::VerdictGold(run.id).into());
    }
    let (deadline, height) = (run.status.gold_deadline, ctx.block().height);
    if height > deadline {
        return Err(Error::GoldTooLate { job: run.id, deadline, height }.into());
    }
    stage::check_gold_root(ctx, &root)?;

    let stage = stage::open(ctx, &mut run, Some(root))?;
    run.save(ctx)?;
    Ok(MsgCommitVerdictGoldResponse { stage })
}
