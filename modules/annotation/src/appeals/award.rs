//! What a won appeal is worth: the annotator's unearned money, from held money and the gold bond, in part where there is too little.
use cairn_kernel::{Address, Ctx, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{EventAppealAwarded, SettleStep, Worker};

use super::{court::count_void, voided};
use crate::{
    Error,
    escrow::{self, shift},
    job::Running,
    partner,
    settle::go_on,
    state::{VOIDED, WON, WORKERS},
};

/// Voided answers counted and winners paid in one step, and their label visits.
const VOIDED_STEP: usize = 8;
const WON_STEP: usize = 256;
const VOIDED_VISITS: u64 = 20_000;
const WON_VISITS: u64 = 8_000;

/// What the labels of a worker did not earn of the price: what an appeal can win of it at the most.
pub(crate) fn unearned(worker: &Worker) -> Result<u128> {
    let Some(result) = worker.result.as_ref() else { return Ok(0) };
    let blind = escrow::number(result.unearned.as_ref().map_or("", |coin| &coin.amount))?;
    escrow::add(blind, escrow::number(&result.late_unearned)?)
}

/// What a worker has won of price and partner reward: what its labels earn by the share that appeals gave it, above what they were paid.
fn claims(run: &Running, worker: &Worker) -> Result<(u128, u128)> {
    let Some(result) = worker.result.as_ref().filter(|result| result.won_share_q32 > 0) else { return Ok((0, 0)) };
    let share = result.won_share_q32;
    let paid = escrow::number(result.pay.as_ref().map_or("", |coin| &coin.amount))?;
    let blind = partner::earned(run.price, worker.labels, share)?.saturating_sub(paid);
    let late = match result.late_pay.as_str() {
        "" => 0,
        paid => partner::earned(run.price, worker.late_labels, share)?.saturating_sub(escrow::number(paid)?),
    };
    Ok((escrow::add(blind, late)?, partner::missed(run, worker, share)?))
}

/// A worker changed: what all winners are to get is counted anew for it.
pub(crate) fn recount(run: &mut Running, before: &Worker, after: &Worker) -> Result<()> {
    let (before, after) = (claims(run, before)?, claims(run, after)?);
    let status = &mut run.status;
    for (sum, before, after) in [(&mut status.appeals_won, before.0, after.0), (&mut status.partner_appeals_won, before.1, after.1)] {
        if before != after {
            let others = escrow::number(sum)?.checked_sub(before).ok_or(Error::Broken("what appeals won is miscounted"))?;
            *sum = escrow::add(others, after)?.to_string();
        }
    }
    Ok(())
}

/// From now on a worker is owed what `share` earns. Nothing happens where an appeal won everything before.
pub(super) fn owe(ctx: &mut Ctx, run: &mut Running, worker: &mut Worker, share: u64) -> Result<()> {
    let before = worker.clone();
    let Some(result) = worker.result.as_mut().filter(|result| !result.appeal_won) else { return Ok(()) };
    result.won_share_q32 = share;
    recount(run, &before, worker)?;
    WON.insert(ctx, &(run.id, worker.number))
}

/// A worker's appeal is won: it is owed everything.
pub(super) fn win(ctx: &mut Ctx, run: &mut Running, number: u32) -> Result<()> {
    let mut worker = WORKERS.get(ctx, &(run.id, number))?.ok_or(Error::Broken("a worker is missing"))?;
    owe(ctx, run, &mut worker, cairn_truth::ONE)?;
    if let Some(result) = worker.result.as_mut() {
        result.appeal_won = true;
    }
    WORKERS.set(ctx, &(run.id, number), &worker)
}

/// A jury voided a gold answer. Whom it had kept out is looked up when the last case has ended.
pub(super) fn void(ctx: &mut Ctx, run: &mut Running, task: u32) -> Result<()> {
    count_void(run)?;
    VOIDED.insert(ctx, &(run.id, task))
}

/// AWARD: first the annotators that voided gold had kept out or scored too low are found, then everybody who won is credited.
pub(crate) fn award(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let voided = VOIDED.range(ctx, &key_prefix(&run.id)).take(VOIDED_STEP).collect::<Result<Vec<_>>>()?;
    for (_, task) in &voided {
        VOIDED.remove(ctx, &(run.id, *task))?;
        voided::clear(ctx, run, *task)?;
    }
    if !voided.is_empty() {
        return cost(voided.len(), VOIDED_VISITS);
    }
    if run.status.appeals_pot.is_empty() {
        run.status.appeals_pot = escrow::add(run.money.held, run.money.gold_bond)?.to_string();
        if run.partner.is_some() {
            run.status.partner_appeals_pot = partner::pot(run)?.to_string();
        }
    }
    let won = WON.range(ctx, &key_prefix(&run.id)).take(WON_STEP).collect::<Result<Vec<_>>>()?;
    for (_, number) in &won {
        WON.remove(ctx, &(run.id, *number))?;
        pay(ctx, run, *number)?;
    }
    if won.len() < WON_STEP {
        go_on(run, SettleStep::Close)?;
    }
    cost(won.len(), WON_VISITS)
}

fn cost(items: usize, visits: u64) -> Result<u64> {
    Ok(u64::try_from(items).map_err(|_| Error::Overflow)?.saturating_mul(visits))
}

/// Credits one winner: all it has won, or its part of what there is, of price and partner reward alike.
fn pay(ctx: &mut Ctx, run: &mut Running, number: u32) -> Result<()> {
    let mut worker = WORKERS.get(ctx, &(run.id, number))?.ok_or(Error::Broken("a worker is missing"))?;
    let (claim, reward) = claims(run, &worker)?;
    let (pot, all) = (escrow::number(&run.status.appeals_pot)?, escrow::number(&run.status.appeals_won)?);
    let amount = part(claim, pot, all)?;
    let from_held = amount.min(run.money.held);
    let from_bond = amount.checked_sub(from_held).ok_or(Error::Overflow)?;
    shift(&mut run.money.held, &mut run.money.claimable, from_held, "held")?;
    shift(&mut run.money.gold_bond, &mut run.money.claimable, from_bond, "gold_bond")?;
    escrow::credit(ctx, &Address::parse(&worker.annotator)?, &run.denom, amount)?;
    let (pot, all) = (escrow::number(&run.status.partner_appeals_pot)?, escrow::number(&run.status.partner_appeals_won)?);
    let partner_amount = partner::award(ctx, run, &worker, part(reward, pot, all)?)?;
    if let Some(result) = worker.result.as_mut() {
        result.awarded = amount.to_string();
        result.partner_awarded = partner_amount.as_ref().map_or_else(String::new, |coin| coin.amount.clone());
    }
    WORKERS.set(ctx, &(run.id, number), &worker)?;
    if claim == 0 && reward == 0 {
        return Ok(()); // another voided answer took away what the first one gave
    }
    ctx.emit(&EventAppealAwarded { job: run.id, annotator: worker.annotator, amount: Some(run.coin(amount)), partner_amount });
    Ok(())
}

/// `claim` where the pot covers all claims, else floor(claim * pot / all), all of them cut to 63 bits alike.
fn part(claim: u128, pot: u128, all: u128) -> Result<u128> {
    if all <= pot {
        return Ok(claim);
    }
    let cut = 65_u32.saturating_sub(all.leading_zeros());
    let share = (claim >> cut).checked_mul(pot >> cut).and_then(|product| product.checked_div(all >> cut));
    Ok(share.ok_or(Error::Overflow)? << cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_paid_in_full_or_in_part_and_never_above_the_pot() {
        assert_eq!(part(700, 1_000, 1_000).unwrap(), 700);
        assert_eq!(part(700, 500, 1_000).unwrap(), 350);
        assert_eq!(part(0, 0, 1).unwrap(), 0);
        let all = u128::MAX / 4;
        for claim in [all, all / 2, 7] {
            let paid = part(claim, all / 3, all).unwrap();
            assert!(paid <= claim / 3);
            assert!(claim < 1_000 || paid > claim / 4);
        }
    }
}
