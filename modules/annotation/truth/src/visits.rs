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

impl Work {
    /// Weights measured on one core of a server: a class of a posterior costs four additions (a power and a division), one of a
    /// column two (a logarithm), a number of a sheet one (it is read, written and hashed).
    pub(crate) fn visits(self, classes: u16) -> Result<u64, Error> {
        let classes = u64::from(classes);
        let by_class = [(self.labels, 1), (self.posteriors, 4), (self.columns, 2), (self.matrices, classes)];
        let mut additions = self.cells;
        for (items, weight) in by_class {
            additions = add(additions, mul(mul(items, weight)?, classes)?)?;
        }
        Ok(additions.div_ceil(4))
    }
}
