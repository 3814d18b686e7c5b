//! `MsgFundJob`: money is added to an open job.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventJobFunded, JobState, MsgFundJob, MsgFundJobResponse};

use crate::{Error, escrow::ACCOUNT, formats::Quote, job::Running, stage, state::FUNDERS};

pub(super) fn fund_job(ctx: &mut Ctx, msg: &MsgFundJob) -> Result<MsgFundJobResponse> {
    let funder = Address::parse(&msg.funder)?;
    let amount = Coin::try_from(msg.amount.as_ref().ok_or(Error::Missing("amount"))?)?;
    let mut run = Running::load(ctx, msg.job)?;
    run.require(JobState::Open)?;
    stage::refuse_stage(&run)?;
    if amount.denom != run.denom {
        return Err(Error::Denomination { expected: run.denom, found: amount.denom }.into());
    }
    let (fee, bond) = (run.rules.fee_bps, run.rules.gold_bond_bps);
    let least = Quote::new(1, 1, run.price, fee, bond).and_then(|quote| quote.total()).ok_or(Error::Overflow)?;
    if amount.amount < least {
        return Err(Error::FundTooLittle { least, found: amount.amount }.into());
    }
    let quote = Quote::of_amount(amount.amount, fee, bond).ok_or(Error::Overflow)?;
    bank::send(ctx, &funder, &ACCOUNT.address(), std::slice::from_ref(&amount))?;

    run.fund(&quote)?;
    run.save(ctx)?;
    FUNDERS.insert(ctx, &(run.id, funder))?;
    ctx.emit(&EventJobFunded { job: run.id, funder: funder.to_string(), amount: Some(amount.into()) });
    Ok(MsgFundJobResponse {})
}
