//! Deposits: what they must be, and what becomes of them.
use cairn_kernel::{Address, Coin, Coins, Ctx, Dec, Result, key_prefix};
use cairn_proto::{
    cairn::gov::v1::Fate,
    coin,
    cosmos::gov::v1::{Deposit, Params, Proposal, ProposalStatus},
};

use crate::{
    ACCOUNT, Error,
    params::{decimal, min_deposit, params},
    proposals::{activate, find, is_open},
    state::{DEPOSITS, PROPOSALS},
    work::Work,
};

/// Adds to the deposit of a proposal. Gives whether the vote begins with that.
pub(crate) fn add(ctx: &mut Ctx, id: u64, depositor: &Address, amount: &Coins) -> Result<bool> {
    let mut proposal = find(ctx, id)?;
    if !is_open(ctx, &proposal)? {
        return Err(Error::Inactive(id).into());
    }
    let params = params(ctx)?;
    check_denom(&params, amount)?;
    check_ratio(&params, &proposal, amount)?;

    cairn_bank::send(ctx, depositor, &ACCOUNT.address(), &amount.to_vec())?;
    let mut total = coin::coins(&proposal.total_deposit)?;
    amount.iter().try_for_each(|coin| total.add(&coin))?;
    proposal.total_deposit = coin::to_proto(&total);
    let enough = total.checked_sub(&min_deposit(&params, proposal.expedited)?).is_some();
    let begins = enough && proposal.status == i32::from(ProposalStatus::DepositPeriod);
    if begins {
        activate(ctx, proposal, &params)?;
    } else {
        PROPOSALS.set(ctx, &id, &proposal)?;
    }

    let key = (id, *depositor);
    let mut sum = coin::coins(&DEPOSITS.get(ctx, &key)?.unwrap_or_default().amount)?;
    amount.iter().try_for_each(|coin| sum.add(&coin))?;
    let (who, id_text) = (depositor.to_string(), id.to_string());
    ctx.emit_raw("proposal_deposit", &[("depositor", &who), ("amount", &amount.to_string()), ("proposal_id", &id_text)]);
    DEPOSITS.set(ctx, &key, &Deposit { proposal_id: id, depositor: who, amount: coin::to_proto(&sum) })?;
    Ok(begins)
}

/// Refuses coins that are not among those of the least deposit.
pub(crate) fn check_denom(params: &Params, amount: &Coins) -> Result<()> {
    let taken = min_deposit(params, false)?;
    if amount.iter().all(|coin| taken.amount_of(&coin.denom) > 0) {
        return Ok(());
    }
    let denoms: Vec<String> = taken.iter().map(|coin| coin.denom).collect();
    Err(Error::DepositDenom(format!("deposited {amount}, but gov accepts only the following denom(s): {denoms:?}")).into())
}

/// What comes with a proposal must be this part of the least deposit.
pub(crate) fn check_initial(params: &Params, amount: &Coins, expedited: bool) -> Result<()> {
    let ratio = decimal(&params.min_initial_deposit_ratio)?;
    let mut least = Coins::default();
    for Coin { denom, amount } in min_deposit(params, expedited)?.iter() {
        least.add(&Coin::new(denom, Dec::from_int(amount).mul(&ratio)?.round()?))?;
    }
    match amount.checked_sub(&least) {
        Some(_) => Ok(()),
        None => Err(Error::DepositTooSmall(format!("was ({amount}), need ({least})")).into()),
    }
}

/// Each deposit must be a part of the least one in one coin, so that nobody fills the list with crumbs.
fn check_ratio(params: &Params, proposal: &Proposal, amount: &Coins) -> Result<()> {
    let ratio = decimal(&params.min_deposit_ratio)?;
    if ratio.is_zero() {
        return Ok(());
    }
    let mut thresholds = Vec::new();
    for Coin { denom, amount: least } in min_deposit(params, proposal.expedited)?.iter() {
        let threshold = Dec::from_int(least).mul(&ratio)?.truncate()?;
        let deposited = amount.amount_of(&denom);
        if deposited > 0 && deposited >= threshold {
            return Ok(());
        }
        thresholds.push(Coin::new(denom, threshold).to_string());
    }
    let text = format!("received {amount} but need at least one of the following: {}", thresholds.join(","));
    Err(Error::DepositTooSmall(text).into())
}

/// Sends deposits where they belong as long as there is work left; gives whether these were all. What is burnt or charged goes at once.
pub(crate) fn settle(ctx: &mut Ctx, id: u64, fate: Fate, work: &mut Work) -> Result<bool> {
    let params = params(ctx)?;
    let deposits: Vec<_> = DEPOSITS.range(ctx, &key_prefix(&id)).take(work.left()).collect::<Result<_>>()?;
    work.spend(deposits.len());
    let mut kept = Coins::default();
    for (key, deposit) in deposits {
        let amount = coin::coins(&deposit.amount)?;
        let price = match fate {
            Fate::Refund | Fate::Unspecified => Coins::default(),
            Fate::Burn => amount.clone(),
            Fate::Charge => price(&params, &amount)?,
        };
        price.iter().try_for_each(|coin| kept.add(&coin))?;
        let rest = amount.checked_sub(&price).unwrap_or_default();
        cairn_bank::send(ctx, &ACCOUNT.address(), &key.1, &rest.to_vec())?;
        DEPOSITS.remove(ctx, &key)?;
    }
    if !kept.is_empty() {
        match (fate, params.proposal_cancel_dest.as_str()) {
            (Fate::Charge, to) if !to.is_empty() => cairn_bank::send(ctx, &ACCOUNT.address(), &Address::parse(to)?, &kept.to_vec())?,
            _ => cairn_bank::burn(ctx, &ACCOUNT, &kept.to_vec())?,
        }
    }
    Ok(!work.is_done() || DEPOSITS.range(ctx, &key_prefix(&id)).next().is_none())
}

/// What cancelling takes off a deposit.
fn price(params: &Params, amount: &Coins) -> Result<Coins> {
    let (ratio, mut price) = (decimal(&params.proposal_cancel_ratio)?, Coins::default());
    for Coin { denom, amount } in amount.iter() {
        price.add(&Coin::new(denom, Dec::from_int(amount).mul(&ratio)?.truncate()?))?;
    }
    Ok(price)
}
