//! The score of a worker that is scored by its gold answers, after some of them were found void.

use crate::{
    Error, Params,
    exact::add,
    fixed::ONE,
    ledger::Sums,
    pay::{Agreement, half_target},
};

/// The gold answers of a worker that still count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoldAnswers<'a> {
    /// Right ones.
    pub right: u64,
    /// What the worker answered, by class.
    pub answers: &'a [u64],
    /// What was true, by class.
    pub truths: &'a [u64],
}

/// The share s_w in Q32 of a worker with so many scored labels by its gold answers, as [`crate::Basis::Gold`] has it. Without any, or with
/// truths of less than two classes, gold cannot tell: kappa is half the target.
///
/// # Errors
/// [`Error::Inconsistent`] where right answers, answers and truths cannot be those of one worker; numbers beyond those of a job.
pub fn gold_share(params: &Params, scored: u32, gold: Option<GoldAnswers<'_>>) -> Result<u64, Error> {
    let kappa = match gold.filter(|gold| gold.truths.iter().filter(|&&truths| truths > 0).count() > 1) {
        None => half_target(params.target_bps)?,
        Some(gold) => kappa(gold)?,
    };
    params.share(scored.into(), kappa)
}

fn kappa(GoldAnswers { right, answers, truths }: GoldAnswers<'_>) -> Result<i64, Error> {
    let all = |counts: &[u64]| counts.iter().try_fold(0, |sum, &count| add(sum, count));
    let seen = all(truths)?;
    if answers.len() != truths.len() || all(answers)? != seen || right > seen {
        return Err(Error::Inconsistent);
    }
    let Agreement { gain, room, .. } = Agreement::of(&Sums { labels: seen, hits: right, answers, truths }, 1)?;
    let (scaled, room) = (gain.checked_mul(ONE.into()), i128::try_from(room).map_err(|_| Error::Overflow)?);
    let kappa = scaled.and_then(|scaled| scaled.checked_div_euclid(room)).ok_or(Error::Overflow)?;
    i64::try_from(kappa).map_err(|_| Error::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gold;

    fn share(right: u64, answers: [u64; 2], truths: [u64; 2]) -> Result<u64, Error> {
        gold_share(&Params::new(100, 2, 1, Gold::Opened), 90, Some(GoldAnswers { right, answers: &answers, truths: &truths }))
    }

    #[test]
    fn the_share_is_that_of_gold_kappa() {
        // All right: kappa 1, 90 / 100 / 0.6 > 1. Always the same answer: kappa 0.
        assert_eq!((share(10, [8, 2], [8, 2]), share(8, [10, 0], [8, 2])), (Ok(ONE), Ok(0)));
        // 9 of 10: (0.9 - 0.74) / 0.26 = 0.615; one answer fewer that was wrong: kappa 1.
        assert!(share(9, [9, 1], [8, 2]).unwrap() < ONE && share(9, [8, 1], [8, 1]) == Ok(ONE));
    }

    #[test]
    fn where_gold_cannot_tell_kappa_is_half_the_target() {
        let half = ONE * 45 / 100;
        for found in [share(8, [8, 0], [8, 0]), share(0, [0, 0], [0, 0]), gold_share(&Params::new(9, 2, 1, Gold::Opened), 90, None)] {
            assert!(found.unwrap().abs_diff(half) <= 2);
        }
    }

    #[test]
    fn answers_that_cannot_be_are_refused() {
        assert_eq!(share(3, [1, 1], [1, 1]), Err(Error::Inconsistent));
        assert_eq!(share(1, [1, 2], [1, 1]), Err(Error::Inconsistent));
        let uneven = GoldAnswers { right: 1, answers: &[2], truths: &[1, 1] };
        assert_eq!(gold_share(&Params::new(9, 2, 1, Gold::Opened), 9, Some(uneven)), Err(Error::Inconsistent));
    }
}
