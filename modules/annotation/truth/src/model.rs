//! The three models of a worker, and the logarithms of what each says about a label.

use crate::{
    Error,
    exact::{add, mul, raise, sub},
    fixed::log2,
    posterior::WHOLE,
};

/// How a worker errs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    /// A full confusion matrix for each worker (Dawid and Skene).
    DawidSkene,
    /// One number for each worker: how often it is right; errors fall on all other classes alike.
    OneCoin,
    /// As `OneCoin`, and every class is as frequent as the others.
    OneCoinFlat,
}

impl Model {
    /// All models in the order in which they are tried.
    pub const ALL: [Model; 3] = [Model::DawidSkene, Model::OneCoin, Model::OneCoinFlat];

    /// Its number in formats and digests.
    pub fn number(self) -> u8 {
        match self {
            Model::DawidSkene => 0,
            Model::OneCoin => 1,
            Model::OneCoinFlat => 2,
        }
    }

    /// The model with a number.
    pub fn from_number(number: u8) -> Option<Model> {
        Model::ALL.into_iter().find(|model| model.number() == number)
    }

    /// A short name for people.
    pub fn name(self) -> &'static str {
        match self {
            Model::DawidSkene => "dawid-skene",
            Model::OneCoin => "one-coin",
            Model::OneCoinFlat => "one-coin-flat",
        }
    }

    /// The model tried after this one.
    pub(crate) fn next(self) -> Option<Model> {
        Model::from_number(self.number().saturating_add(1))
    }

    /// Logarithms (Q16) of the class frequencies but for a common constant, from the sums of the stored posteriors.
    pub(crate) fn prior(self, sums: &[u64]) -> Vec<i64> {
        match self {
            Model::DawidSkene | Model::OneCoin => sums.iter().map(|&sum| log2(sum)).collect(),
            Model::OneCoinFlat => vec![0; sums.len()],
        }
    }
}

/// A pseudo-count of 1/2. Counts are taken twice, so that halves are whole numbers.
const HALF: u64 = WHOLE as u64;

/// What a worker's confusion counts say, prepared for one refresh.
pub(crate) enum Matrix<'a> {
    /// The counts (for each class labelled the K classes inferred), and the logarithm of each inferred class's total.
    Full { counts: &'a [u64], totals: Vec<i64> },
    /// Logarithms of the probability of the true class and of each wrong one.
    Coin { right: i64, wrong: i64 },
}

impl<'a> Matrix<'a> {
    /// Smoothing: 1/2 off the diagonal and 3/2 on it for a full matrix; 3 right and 1 wrong labels for a coin.
    pub(crate) fn new(model: Model, counts: &'a [u64], classes: usize) -> Result<Matrix<'a>, Error> {
        let rows = counts.chunks_exact(classes);
        match model {
            Model::DawidSkene => {
                let smoothing = mul(HALF, u64::try_from(classes).map_err(|_| Error::Overflow)?.saturating_add(2))?;
                let mut totals = vec![smoothing; classes];
                for row in rows {
                    for (total, &count) in totals.iter_mut().zip(row) {
                        raise(total, mul(count, 2)?)?;
                    }
                }
                Ok(Matrix::Full { counts, totals: totals.into_iter().map(log2).collect() })
            }
            Model::OneCoin | Model::OneCoinFlat => {
                let (mut right, mut wrong) = (mul(HALF, 6)?, mul(HALF, 2)?);
                for (labelled, row) in rows.enumerate() {
                    for (class, &count) in row.iter().enumerate() {
                        raise(if class == labelled { &mut right } else { &mut wrong }, mul(count, 2)?)?;
                    }
                }
                Matrix::weighted(right, wrong, classes)
            }
        }
    }

    /// A coin that was right so many times of so many (units of 1/65,535 answer; right at most all), smoothed.
    pub(crate) fn coin(right: u64, all: u64, classes: usize) -> Result<Matrix<'a>, Error> {
        let wrong = add(mul(sub(all, right)?, 2)?, mul(HALF, 2)?)?;
        Matrix::weighted(add(mul(right, 2)?, mul(HALF, 6)?)?, wrong, classes)
    }

    /// A coin from smoothed counts of right and wrong answers.
    fn weighted(right: u64, wrong: u64, classes: usize) -> Result<Matrix<'a>, Error> {
        let all = log2(add(right, wrong)?);
        let others = log2(u64::try_from(classes).map_err(|_| Error::Overflow)?.saturating_sub(1));
        let ratio = |part: u64, of: Option<i64>| of.and_then(|of| log2(part).checked_sub(of)).ok_or(Error::Overflow);
        Ok(Matrix::Coin { right: ratio(right, Some(all))?, wrong: ratio(wrong, all.checked_add(others))? })
    }

    /// Appends, for each true class, the logarithm of the probability that the worker answers `labelled`.
    pub(crate) fn column(&self, labelled: u16, classes: usize, column: &mut Vec<i64>) -> Result<(), Error> {
        let labelled = usize::from(labelled);
        match self {
            Matrix::Full { counts, totals } => {
                let row = counts.chunks_exact(classes).nth(labelled).ok_or(Error::Inconsistent)?;
                for (class, (&count, &total)) in row.iter().zip(totals).enumerate() {
                    let smoothing = if class == labelled { mul(HALF, 3)? } else { HALF };
                    column.push(log2(add(mul(count, 2)?, smoothing)?).checked_sub(total).ok_or(Error::Overflow)?);
                }
            }
            Matrix::Coin { right, wrong } => {
                column.extend((0..classes).map(|class| if class == labelled { *right } else { *wrong }));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(model: Model, counts: &[u64], labelled: u16) -> Vec<i64> {
        let mut column = vec![];
        Matrix::new(model, counts, 2).unwrap().column(labelled, 2, &mut column).unwrap();
        column
    }

    /// log2 of a fraction, Q16.
    fn log(numerator: u64, denominator: u64) -> i64 {
        log2(mul(numerator, HALF).unwrap()).checked_sub(log2(mul(denominator, HALF).unwrap())).unwrap()
    }

    #[test]
    fn a_full_matrix_is_smoothed_by_halves_and_three_halves() {
        assert_eq!(column(Model::DawidSkene, &[0; 4], 0), [log(3, 4), log(1, 4)]);
        // Labelled 0: 3 tasks of class 0, 1 of class 1; labelled 1: 2 tasks of class 1.
        let counts = [3, 1, 0, 2].map(|count: u64| count * 65_535);
        assert_eq!(column(Model::DawidSkene, &counts, 0), [log(9, 10), log(3, 10)]);
        assert_eq!(column(Model::DawidSkene, &counts, 1), [log(1, 10), log(7, 10)]);
    }

    #[test]
    fn a_coin_starts_from_three_right_and_one_wrong() {
        assert_eq!(column(Model::OneCoin, &[0; 4], 1), [log(2, 8), log(6, 8)]);
        let counts = [3, 1, 0, 2].map(|count: u64| count * 65_535);
        assert_eq!(column(Model::OneCoinFlat, &counts, 0), [log(16, 20), log(4, 20)]);
        let mut three = vec![];
        Matrix::new(Model::OneCoin, &[0; 9], 3).unwrap().column(2, 3, &mut three).unwrap();
        assert_eq!(three, [log(2, 8) - log2(2), log(2, 8) - log2(2), log(6, 8)]);
    }

    #[test]
    fn numbers_and_models_belong_together() {
        for (number, model) in (0..).zip(Model::ALL) {
            assert_eq!((model.number(), Model::from_number(number)), (number, Some(model)));
        }
        assert_eq!(Model::from_number(3), None);
        assert_eq!(Model::OneCoinFlat.next(), None);
        assert_eq!(Model::OneCoinFlat.prior(&[5, 0]), [0, 0]);
        assert_eq!(Model::DawidSkene.prior(&[4, 0]), [2 << 16, 0]);
    }
}
