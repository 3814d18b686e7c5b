//! Deposits: what they must be, and what becomes of them.
use cairn_kernel::{Address, Coin, Coins, Ctx, Dec, Result, key_prefix};
use cairn_proto::{
    coin,
    cosmos::gov::v1::{Deposit, Params, Proposal, ProposalStatus},
};

use crate::{
    ACCOUNT, Error,
    params::{decimal, min_deposit, params},
    proposals::{activate, find},
    state::{DEPOSITS, PROPOSALS},
};

/// Adds to the deposit of a proposal. Gives whether the vote begins with that.
pub(crate) fn add(ctx: &mut Ctx, id: u64, depositor: &Address, amount: &Coins) -> Result<bool> {
    let mut proposal = find(ctx, id)?;
    if !is_open(&proposal) {
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

/// Whether it takes deposits and can be cancelled.
pub(crate) fn is_open(proposal: &Proposal) -> bool {
    [ProposalStatus::DepositPeriod, ProposalStatus::VotingPeriod].map(i32::from).contains(&proposal.status)
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

fn of_proposal(ctx: &Ctx, id: u64) -> Result<Vec<(Address, Coins)>> {
    let entries = DEPOSITS.range(ctx, &key_prefix(&id));
    entries.map(|entry| entry.and_then(|((_, depositor), deposit)| Ok((depositor, coin::coins(&deposit.amount)?)))).collect()
}

/// Gives every deposit back.
pub(crate) fn refund(ctx: &mut Ctx, id: u64) -> Result<()> {
    for (depositor, amount) in of_proposal(ctx, id)? {
        cairn_bank::send(ctx, &ACCOUNT.address(), &depositor, &amount.to_vec())?;
        DEPOSITS.remove(ctx, &(id, depositor))?;
    }
    Ok(())
}

/// Burns every deposit.
pub(crate) fn burn(ctx: &mut Ctx, id: u64) -> Result<()> {
    for (depositor, amount) in of_proposal(ctx, id)? {
        cairn_bank::burn(ctx, &ACCOUNT, &amount.to_vec())?;
        DEPOSITS.remove(ctx, &(id, depositor))?;
    }
    Ok(())
}

/// Takes the price of a cancellation off every deposit and gives the rest back. The price is burnt or goes to who is named for it.
pub(crate) fn charge(ctx: &mut Ctx, id: u64, params: &Params) -> Result<()> {
    let ratio = decimal(&params.proposal_cancel_ratio)?;
    let mut charged = Coins::default();
    for (depositor, amount) in of_proposal(ctx, id)? {
        let mut price = Coins::default();
        for Coin { denom, amount } in amount.iter() {
            price.add(&Coin::new(denom, Dec::from_int(amount).mul(&ratio)?.truncate()?))?;
        }
        price.iter().try_for_each(|coin| charged.add(&coin))?;
        let rest = amount.checked_sub(&price).unwrap_or_default();
        cairn_bank::send(ctx, &ACCOUNT.address(), &depositor, &rest.to_vec())?;
        DEPOSITS.remove(ctx, &(id, depositor))?;
    }
    if charged.is_empty() {
        return Ok(());
    }
    match params.proposal_cancel_dest.as_str() {
        "" => cairn_bank::burn(ctx, &ACCOUNT, &charged.to_vec()),
        to => cairn_bank::send(ctx, &ACCOUNT.address(), &Address::parse(to)?, &charged.to_vec()),
    }
}
