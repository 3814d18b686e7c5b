//! What an inference runs under, fixed when it opens.

use crate::{CHUNK, Error};

/// Most tasks of one inference.
pub const MAX_TASKS: u32 = 4_194_304;
/// Most classes.
pub const MAX_CLASSES: u16 = 64;
/// Most workers of one inference.
pub const MAX_WORKERS: u32 = 1_048_576;
/// A sheet holds as many workers as this many bytes of confusion counts, between 1 and [`SHEET_WORKERS`].
const SHEET_BYTES: u32 = 65_536;
/// Most workers on a sheet.
const SHEET_WORKERS: u32 = 256;

/// What is known of the gold answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gold {
    /// The job has none: no gate, pay by kappa.
    None,
    /// Opened in time; pages of kind `Gold` hold the answers.
    Opened,
    /// Promised and not opened in time: no gate, and whoever has a kappa above zero is paid in full.
    Unopened,
}

impl Gold {
    pub(crate) fn number(self) -> u8 {
        match self {
            Gold::None => 0,
            Gold::Opened => 1,
            Gold::Unopened => 2,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Gold> {
        [Gold::None, Gold::Opened, Gold::Unopened].into_iter().find(|gold| gold.number() == number)
    }
}

/// What an inference runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    /// Tasks, numbered from 0: 1 to [`MAX_TASKS`].
    pub tasks: u32,
    /// Classes, numbered from 0: 2 to [`MAX_CLASSES`].
    pub classes: u16,
    /// Workers, numbered from 0: at most [`MAX_WORKERS`].
    pub workers: u32,
    /// The kappa from which a worker is paid in full, in 1/10,000: 4,000 to 8,000.
    pub target_bps: u32,
    /// A worker whose gold answers lie below this many bits is left out: -64 to 0.
    pub gate_bits: i32,
    /// What is known of the gold answers.
    pub gold: Gold,
}

impl Params {
    /// Parameters with the default target (0.6) and gate (-2 bits).
    pub fn new(tasks: u32, classes: u16, workers: u32, gold: Gold) -> Params {
        Params { tasks, classes, workers, target_bps: 6_000, gate_bits: -2, gold }
    }

    /// # Errors
    /// [`Error::Parameter`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        shape(self.tasks, self.classes)?;
        within("number of workers", self.workers, 0, MAX_WORKERS)?;
        within("target", self.target_bps, 4_000, 8_000)?;
        within("gate", self.gate_bits, -64, 0)
    }

    /// Chunks of the job.
    pub fn chunks(&self) -> u32 {
        self.tasks.div_ceil(CHUNK)
    }

    /// Tasks in a chunk, zero beyond the last.
    pub fn tasks_in(&self, chunk: u32) -> u32 {
        self.tasks.saturating_sub(chunk.saturating_mul(CHUNK)).min(CHUNK)
    }

    /// Workers on a sheet: 256 up to five classes, fewer where their matrices are larger.
    pub fn sheet_workers(&self) -> u32 {
        let matrix = u32::from(self.classes).saturating_pow(2).saturating_mul(8);
        SHEET_BYTES.checked_div(matrix).unwrap_or(1).clamp(1, SHEET_WORKERS)
    }

    /// Sheets of the job.
    pub fn sheets(&self) -> u32 {
        self.workers.div_ceil(self.sheet_workers())
    }

    /// Workers on a sheet of this job, zero beyond the last.
    pub fn workers_on(&self, sheet: u32) -> u32 {
        self.workers.saturating_sub(sheet.saturating_mul(self.sheet_workers())).min(self.sheet_workers())
    }

    /// The sheet of a worker and the place on it.
    pub(crate) fn place(&self, worker: u32) -> Result<(u32, usize), Error> {
        if worker >= self.workers {
            return Err(Error::NoSuchWorker { worker, workers: self.workers });
        }
        let sheet = worker.checked_div(self.sheet_workers()).ok_or(Error::Overflow)?;
        let place = worker.checked_rem(self.sheet_workers()).ok_or(Error::Overflow)?;
        Ok((sheet, usize::try_from(place).map_err(|_| Error::Overflow)?))
    }
}

/// Checks the two numbers that labels are checked against.
pub(crate) fn shape(tasks: u32, classes: u16) -> Result<(), Error> {
    within("number of tasks", tasks, 1, MAX_TASKS)?;
    within("number of classes", classes, 2, MAX_CLASSES)
}

pub(crate) fn within<N: Copy + Into<i64>>(what: &'static str, found: N, least: N, most: N) -> Result<(), Error> {
    let (found, least, most) = (found.into(), least.into(), most.into());
    if (least..=most).contains(&found) { Ok(()) } else { Err(Error::Parameter { what, found, least, most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_has_a_range() {
        let good = Params::new(1, 2, 0, Gold::None);
        assert_eq!(good.validate(), Ok(()));
        let bad = |params: Params, what| match params.validate() {
            Err(Error::Parameter { what: named, .. }) => assert_eq!(named, what),
            other => panic!("{other:?}"),
        };
        bad(Params { tasks: 0, ..good }, "number of tasks");
        bad(Params { tasks: MAX_TASKS + 1, ..good }, "number of tasks");
        bad(Params { classes: 1, ..good }, "number of classes");
        bad(Params { classes: 65, ..good }, "number of classes");
        bad(Params { workers: MAX_WORKERS + 1, ..good }, "number of workers");
        bad(Params { target_bps: 3_999, ..good }, "target");
        bad(Params { target_bps: 8_001, ..good }, "target");
        bad(Params { gate_bits: 1, ..good }, "gate");
        let largest = Params { tasks: MAX_TASKS, classes: 64, workers: MAX_WORKERS, target_bps: 8_000, gate_bits: -64, gold: Gold::Opened };
        assert_eq!(largest.validate(), Ok(()));
    }

    #[test]
    fn chunks_and_sheets_cover_everything_once() {
        let params = Params::new(2_049, 4, 70_000, Gold::None);
        assert_eq!((params.chunks(), params.tasks_in(0), params.tasks_in(2), params.tasks_in(3)), (3, 1_024, 1, 0));
        assert_eq!(params.sheet_workers(), 256);
        assert_eq!((params.sheets(), params.workers_on(273), params.workers_on(274)), (274, 112, 0));
        assert_eq!(params.place(65_536), Ok((256, 0)));
        assert_eq!(params.place(70_000), Err(Error::NoSuchWorker { worker: 70_000, workers: 70_000 }));
        assert_eq!(Params { classes: 10, ..params }.sheet_workers(), 81);
        assert_eq!(Params { classes: 64, ..params }.sheet_workers(), 2);
    }
}
