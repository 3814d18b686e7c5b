//! `MsgCancelJob`: a job nobody ever had a lease of is given up.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{JobState, MsgCancelJob, MsgCancelJobResponse};

use crate::{
    Error,
    escrow::{self, shift},
    job::Running,
    partner, stage,
};

pub(super) fn cancel_job(ctx: &mut Ctx, msg: &MsgCancelJob) -> Result<MsgCancelJobResponse> {
    let requester = Address::parse(&msg.requester)?;
    let mut run = Running::load(ctx, msg.job)?;
    run.require_requester(&requester)?;
    run.require(JobState::Open)?;
    stage::refuse_stage(&run)?;
    if run.status.leases > 0 {
        return Err(Error::Leased { job: run.id, leases: run.status.leases }.into());
    }
    let refund = run.money.buckets()?;
    let money = &mut run.money;
    for (bucket, what) in [
        (&mut money.free, "free"),
        (&mut money.fee_held, "fee_held"),
        (&mut money.gold_bond, "gold_bond"),
        (&mut money.lendable, "lendable"),
    ] {
        let amount = *bucket;
        shift(bucket, &mut money.refunded, amount, what)?;
    }
    escrow::credit(ctx, &requester, &run.denom, refund)?;
    partner::refund(ctx, &mut run)?;

    // Claims that wait get NO_SEAT and their bonds when their time is over.
    run.enter(ctx, JobState::Cancelled)?;
    run.save(ctx)?;
    Ok(MsgCancelJobResponse { refunded: Some(run.coin(refund)) })
}
