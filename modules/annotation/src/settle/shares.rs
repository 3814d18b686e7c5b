//! SHARES: the annotators' part of the data set's shares. Up to 499 of them get theirs at once; of more, or where they are to be looked for
//! among too many who earned nothing, all stand under a Merkle root and claim them from the data set.
use cairn_asset as asset;
use cairn_kernel::{Address, Ctx, Result, bps};
use cairn_proto::cairn::{annotation::v1::SettleStep, asset::v1::ClaimTree};

use super::record::frontier;
use crate::{Error, escrow, job::Running, rules, state::WORKERS};

/// Workers passed in one step.
const WORKERS_STEP: u32 = 256;
/// Label visits of passing one.
const WORKER_VISITS: u64 = 1_000;

/// Passes some workers, if their shares need a tree.
pub(super) fn step(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let publishes = run.job.publication.is_some_and(|rule| rule.publish);
    let workers_paid = run.settlement()?.workers_paid;
    let inline = workers_paid <= rules::INLINE_HOLDERS && run.status.workers <= rules::INLINE_WORKERS;
    if inline || !publishes {
        super::go_on(run, SettleStep::Publish)?;
        return Ok(0);
    }
    let first = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a worker's number is too large"))?;
    let end = first.saturating_add(WORKERS_STEP).min(run.status.workers);
    for number in first..end {
        if let Some((account, shares)) = next_part(ctx, run, number)? {
            let settlement = run.settlement()?;
            let mut tree = frontier(&settlement.frontier)?;
            let index = u32::try_from(tree.size()).map_err(|_| Error::Overflow)?;
            tree.push(asset::claim_leaf(index, &account, shares));
            settlement.frontier = tree.to_bytes();
        }
    }
    run.settlement()?.position = end.into();
    if end >= run.status.workers {
        let settlement = run.settlement()?;
        settlement.claims_root = frontier(&settlement.frontier)?.root().to_vec();
        super::go_on(run, SettleStep::Publish)?;
    }
    Ok(u64::from(end.saturating_sub(first)).saturating_mul(WORKER_VISITS))
}

/// The account and shares of a paid worker; `None` for one without pay. Workers must be passed in the order of their numbers: with P the
/// pay so far, a worker gets floor(T * P / all) less what those before it got, so that the parts add up to T exactly.
fn next_part(ctx: &Ctx, run: &mut Running, number: u32) -> Result<Option<(Address, u64)>> {
    let worker = WORKERS.get(ctx, &(run.id, number))?.ok_or(Error::Broken("a worker is missing"))?;
    let pay = match &worker.result {
        Some(result) => escrow::add(escrow::number(result.pay.as_ref().map_or("", |pay| &pay.amount))?, escrow::number(&result.late_pay)?)?,
        None => 0,
    };
    if pay == 0 {
        return Ok(None);
    }
    let whole = annotators_shares(run)?;
    let settlement = run.settlement()?;
    let (all, before) = (escrow::number(&settlement.paid)?, escrow::number(&settlement.shared)?);
    let after = escrow::add(before, pay)?;
    settlement.shared = after.to_string();
    let shares = part(whole, after, all)?.checked_sub(part(whole, before, all)?).ok_or(Error::Overflow)?;
    Ok(Some((Address::parse(&worker.annotator)?, shares)))
}

/// floor(whole * some / all), both cut to 64 bits alike.
fn part(whole: u64, some: u128, all: u128) -> Result<u64> {
    let cut = 64_u32.saturating_sub(all.leading_zeros().min(64));
    let (some, all) = (some >> cut, all >> cut);
    let part = some.checked_mul(whole.into()).and_then(|product| product.checked_div(all)).ok_or(Error::Overflow)?;
    Ok(u64::try_from(part).map_err(|_| Error::Overflow)?)
}

/// The annotators' part of the supply; none where what they earned is less than a unit of money.
pub(super) fn annotators_shares(run: &Running) -> Result<u64> {
    if escrow::number(run.status.settlement.as_ref().map_or("", |settlement| &settlement.paid))? == 0 {
        return Ok(0);
    }
    let requester = run.job.publication.map_or(0, |rule| rule.requester_bps);
    let theirs = bps(rules::SHARE_SUPPLY.into(), cairn_kernel::BPS.saturating_sub(requester)).ok_or(Error::Overflow)?;
    Ok(u64::try_from(theirs).map_err(|_| Error::Overflow)?)
}

/// Who gets shares at once, and the tree that the others claim from.
pub(super) struct Allotment {
    /// With weights that are the shares themselves.
    pub(super) holders: Vec<(Address, u64)>,
    pub(super) claims: Option<ClaimTree>,
}

/// How the data set's shares are divided.
pub(super) fn allotment(ctx: &Ctx, run: &mut Running) -> Result<Allotment> {
    let theirs = annotators_shares(run)?;
    let mut holders = vec![(run.requester, rules::SHARE_SUPPLY.saturating_sub(theirs))];
    let settlement = run.settlement()?;
    if !settlement.claims_root.is_empty() {
        let leaves = settlement.workers_paid;
        let tree = ClaimTree { root: settlement.claims_root.clone(), leaves, weight: theirs };
        return Ok(Allotment { holders, claims: (theirs > 0).then_some(tree) });
    }
    run.settlement()?.shared = "0".into();
    for number in 0..run.status.workers {
        holders.extend(next_part(ctx, run, number)?);
    }
    Ok(Allotment { holders, claims: None })
}
