//! `MsgFundPartner`: a partner pays its reward in.
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{EventPartnerFunded, JobState, MsgFundPartner, MsgFundPartnerResponse};

use crate::{
    Error, PartnerRefusal,
    job::Running,
    partner::{self, Partner},
};

pub(super) fn fund_partner(ctx: &mut Ctx, msg: &MsgFundPartner) -> Result<MsgFundPartnerResponse> {
    let sender = Address::parse(&msg.partner)?;
    let amount = Coin::try_from(msg.amount.as_ref().ok_or(Error::Missing("amount"))?)?;
    let mut run = Running::load(ctx, msg.job)?;
    run.require(JobState::Open)?;
    let partner = run.partner.as_ref().ok_or(PartnerRefusal::NoReward(run.id))?;
    let missing = check(&run, partner, &sender, &amount)?;
    partner::pay_in(ctx, &mut run, amount.amount)?;
    run.save(ctx)?;
    let missing = missing.saturating_sub(amount.amount).to_string();
    ctx.emit(&EventPartnerFunded { job: run.id, partner: msg.partner.clone(), amount: Some(amount.into()) });
    Ok(MsgFundPartnerResponse { missing })
}

/// Refuses money of anybody else, of another denomination, too little or too much. Gives what is missing.
fn check(run: &Running, partner: &Partner, sender: &Address, amount: &Coin) -> Result<u128> {
    if *sender != partner.account {
        let (expected, found) = (partner.account.to_string(), sender.to_string());
        return Err(PartnerRefusal::NotPartner { job: run.id, expected, found }.into());
    }
    if amount.denom != partner.denom {
        return Err(Error::Denomination { expected: partner.denom.clone(), found: amount.denom.clone() }.into());
    }
    if amount.amount < partner.reward {
        return Err(Error::FundTooLittle { least: partner.reward, found: amount.amount }.into());
    }
    let missing = partner.missing(&run.job)?;
    if amount.amount > missing {
        return Err(PartnerRefusal::TooMuch { missing, found: amount.amount }.into());
    }
    Ok(missing)
}
