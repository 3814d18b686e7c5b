//! The price of work, in label visits: reading one label once and adding what it says about four classes.

use crate::{
    Error,
    exact::{add, mul},
};

/// What an amount of work consists of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Work {
    /// Labels added to a task or to a worker.
    pub(crate) labels: u64,
    /// Posteriors normalised.
    pub(crate) posteriors: u64,
    /// Columns of logarithms.
    pub(crate) columns: u64,
    /// Matrices summed up.
    pub(crate) matrices: u64,
    /// Numbers read from and written to sheets.
    pub(crate) cells: u64,
}

/// Additions that a label costs beside one for each class.
const LABEL: u64 = 2;
/// Additions in a visit: a label at four classes.
const VISIT: u64 = 6;

impl Work {
    /// Weights measured on one core of a server, where a visit takes about 10 ns: a class of a posterior costs four additions (a
    /// power and a division), one of a column two (a logarithm), a number of a sheet one (it is read, written and hashed).
    pub(crate) fn visits(self, classes: u16) -> Result<u64, Error> {
        let classes = u64::from(classes);
        let by_class = [(self.labels, 1), (self.posteriors, 4), (self.columns, 2), (self.matrices, classes)];
        let mut additions = add(self.cells, mul(self.labels, LABEL)?)?;
        for (items, weight) in by_class {
            additions = add(additions, mul(mul(items, weight)?, classes)?)?;
        }
        Ok(additions.div_ceil(VISIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_at_four_classes_is_one_visit() {
        assert_eq!(Work { labels: 1_000, ..Work::default() }.visits(4), Ok(1_000));
        let one = Work { labels: 1, posteriors: 1, columns: 1, matrices: 1, cells: 1 };
        assert_eq!(one.visits(2), Ok((2 + 2 + 8 + 4 + 4 + 1u64).div_ceil(6)));
        assert_eq!(Work { labels: u64::MAX, ..one }.visits(2), Err(Error::Overflow));
    }
}
