//! The mathematics of an arena's epoch, without state: scores and bonds in, consensus, incentives and dividends out.
//!
//! Everything is an integer in 32.32 fixed point ([`ONE`] is one), rounded down, so that every machine finds the same bits. The rule is
//! Yuma consensus as Opentensor published it, with two differences that the README reasons for: a participant earns by the consensus itself
//! and not by the sum of clipped scores, and a scorer that is silent counts as one that scored nothing.
use crate::{Error, amount};

/// One, in 32.32 fixed point.
pub(crate) const ONE: u64 = 1 << 32;
/// The part of a bond that one epoch replaces is 1/10 (the moving average's factor of 0.1).
const BOND_EPOCHS: u128 = 10;

/// What one scorer brings into an epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ballot {
    /// Its weight, in whatever unit all ballots share.
    pub(crate) weight: u128,
    /// One score a participant, if it revealed any: only their proportions count. `None`: silent.
    pub(crate) scores: Option<Vec<u16>>,
    /// Its bond in each participant from the epochs before, at most [`ONE`].
    pub(crate) bonds: Vec<u64>,
}

/// What an epoch found, in [`ONE`]s; one entry a participant, or a ballot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The score of each participant that ballots of more than half of all weight gave it or exceeded.
    pub(crate) consensus: Vec<u64>,
    /// Each participant's share of the consensus; together at most one, and zero where there is no consensus.
    pub(crate) incentives: Vec<u64>,
    /// Of each ballot: what of its scores, which add up to one, the consensus left standing.
    pub(crate) trust: Vec<u64>,
    /// Of each ballot: its bonds after this epoch.
    pub(crate) bonds: Vec<Vec<u64>>,
    /// Of each ballot: its share of the dividends; together at most one.
    pub(crate) dividends: Vec<u64>,
}

/// Works out an epoch.
///
/// # Errors
/// [`Error::Overflow`] where weights do not add up within 128 bits, or a ballot has not one entry a participant.
pub(crate) fn work_out(participants: usize, ballots: &[Ballot]) -> Result<Outcome, Error> {
    let total = ballots.iter().try_fold(0_u128, |sum, b| sum.checked_add(b.weight)).ok_or(Error::Overflow)?;
    let rows = ballots.iter().map(|b| normalised(b, participants)).collect::<Result<Vec<_>, _>>()?;
    let weights: Vec<u128> = ballots.iter().map(|b| b.weight).collect();
    let consensus = (0..participants).map(|j| majority_score(&column(&rows, j)?, &weights, total)).collect::<Result<Vec<_>, _>>()?;
    let clipped: Vec<Vec<u64>> = rows.iter().map(|row| row.iter().zip(&consensus).map(|(own, all)| *own.min(all)).collect()).collect();
    let trust = clipped.iter().map(|row| sum(row)).collect::<Result<Vec<_>, _>>()?;
    let incentives = shares(&consensus)?;
    let bonds = moved_bonds(participants, ballots, &clipped, total)?;
    let earned = ballots.iter().zip(&bonds).map(|(ballot, row)| earnings(ballot, row, &incentives)).collect::<Result<Vec<_>, _>>()?;
    Ok(Outcome { consensus, incentives, trust, bonds, dividends: shares(&earned)? })
}

/// A ballot's scores with a sum of at most one; nothing but zeros for a silent or an empty one.
fn normalised(ballot: &Ballot, participants: usize) -> Result<Vec<u64>, Error> {
    let Some(scores) = &ballot.scores else { return Ok(vec![0; participants]) };
    if scores.len() != participants {
        return Err(Error::Overflow);
    }
    let scores: Vec<u64> = scores.iter().map(|s| u64::from(*s)).collect();
    shares(&scores)
}

/// The entries of all rows for one participant.
fn column(rows: &[Vec<u64>], j: usize) -> Result<Vec<u64>, Error> {
    rows.iter().map(|row| row.get(j).copied()).collect::<Option<_>>().ok_or(Error::Overflow)
}

/// The weighted median at kappa = 1/2: the largest score that more than half of the weight gave or exceeded, zero if there is none.
fn majority_score(scores: &[u64], weights: &[u128], total: u128) -> Result<u64, Error> {
    let mut votes: Vec<(u64, u128)> = scores.iter().copied().zip(weights.iter().copied()).collect();
    votes.sort_unstable_by(|a, b| b.cmp(a));
    let mut heard = 0_u128;
    for (score, weight) in votes {
        heard = heard.checked_add(weight).ok_or(Error::Overflow)?;
        if heard > total.checked_sub(heard).ok_or(Error::Overflow)? {
            return Ok(score);
        }
    }
    Ok(0)
}

/// The bonds after an epoch: nine tenths of what they were and one tenth of each ballot's share of the clipped scores, by weight.
fn moved_bonds(participants: usize, ballots: &[Ballot], clipped: &[Vec<u64>], total: u128) -> Result<Vec<Vec<u64>>, Error> {
    let mut bonds = vec![Vec::with_capacity(participants); ballots.len()];
    let stakes = ballots
        .iter()
        .map(|b| if total == 0 { Ok(0) } else { amount::share(ONE.into(), b.weight, total) })
        .collect::<Result<Vec<u128>, _>>()?;
    for j in 0..participants {
        let bought = column(clipped, j)?
            .into_iter()
            .zip(&stakes)
            .map(|(score, stake)| stake.checked_mul(score.into()).ok_or(Error::Overflow))
            .collect::<Result<Vec<u128>, _>>()?;
        let all = bought.iter().try_fold(0_u128, |sum, b| sum.checked_add(*b)).ok_or(Error::Overflow)?;
        for ((ballot, row), bought) in ballots.iter().zip(&mut bonds).zip(bought) {
            let before = if ballot.bonds.is_empty() { 0 } else { *ballot.bonds.get(j).ok_or(Error::Overflow)? };
            let now = if all == 0 { 0 } else { amount::share(ONE.into(), bought, all)? };
            row.push(average(before, now)?);
        }
    }
    Ok(bonds)
}

/// (9 before + now) / 10.
pub(crate) fn average(before: u64, now: u128) -> Result<u64, Error> {
    let kept = u128::from(before).checked_mul(BOND_EPOCHS.saturating_sub(1)).ok_or(Error::Overflow)?;
    let sum = kept.checked_add(now).ok_or(Error::Overflow)?;
    u64::try_from(sum / BOND_EPOCHS).map_err(|_| Error::Overflow)
}

/// What a ballot's bonds earn of the participants' incentives; nothing for a silent one.
fn earnings(ballot: &Ballot, bonds: &[u64], incentives: &[u64]) -> Result<u64, Error> {
    if ballot.scores.is_none() {
        return Ok(0);
    }
    let mut products = bonds.iter().zip(incentives).map(|(bond, incentive)| u128::from(*bond).checked_mul(u128::from(*incentive)));
    let earned = products.try_fold(0_u128, |sum, product| sum.checked_add(product?)).ok_or(Error::Overflow)?;
    u64::try_from(earned >> 32).map_err(|_| Error::Overflow)
}

fn sum(parts: &[u64]) -> Result<u64, Error> {
    parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part)).ok_or(Error::Overflow)
}

/// Each part of the whole that they make up, in [`ONE`]s; zeros where they make up nothing.
fn shares(parts: &[u64]) -> Result<Vec<u64>, Error> {
    let whole = sum(parts)?;
    if whole == 0 {
        return Ok(vec![0; parts.len()]);
    }
    let share = |part: &u64| u64::try_from(amount::share(ONE.into(), (*part).into(), whole.into())?).map_err(|_| Error::Overflow);
    parts.iter().map(share).collect()
}

/// Divides `budget` by `shares`: floors, so that the parts never exceed it. Zeros where no share is positive.
///
/// # Errors
/// [`Error::Overflow`] where the shares do not add up within 64 bits.
pub(crate) fn divide(budget: u128, shares: &[u64]) -> Result<Vec<u128>, Error> {
    let whole = sum(shares)?;
    if whole == 0 {
        return Ok(vec![0; shares.len()]);
    }
    shares.iter().map(|share| amount::share(budget, (*share).into(), whole.into())).collect()
}
