//! Sets of labels: as many inferences of two classes (off, on) as there are labels, over the same tasks and workers, and one result
//! for each worker.

mod answers;
mod inference;
mod late;
mod pool;
mod posterior;
mod record;
mod view;

pub use answers::{
    SetAnswer, Sets, add_all_late_sets, add_all_sets, add_sets, read_late_sets, read_sets, set_from_bytes, set_to_bytes, write_gold_sets,
};
pub use inference::{LabelOutcome, SetInference, SetOutcome};
pub use late::SetLateRound;
pub(crate) use pool::POOL_WIDTH;
pub use posterior::{SetPosteriors, read_set_posteriors, read_set_result, read_set_results};

use crate::{Error, Gold, Params, params::within};

/// Most labels of a set.
const MAX_LABELS: u16 = 64;

/// What an inference of sets runs under; the fields are those of [`Params`], with labels in place of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetParams {
    /// Tasks, numbered from 0: 1 to [`crate::MAX_TASKS`].
    pub tasks: u32,
    /// Labels, numbered from 0: 2 to 64.
    pub labels: u16,
    /// Workers, numbered from 0: at most [`crate::MAX_WORKERS`].
    pub workers: u32,
    /// The kappa from which a worker is paid in full, in 1/10,000: 4,000 to 8,000.
    pub target_bps: u32,
    /// A label of a worker whose gold answers lie below this many bits is left out: -64 to 0.
    pub gate_bits: i32,
    /// What is known of the gold answers.
    pub gold: Gold,
}

impl SetParams {
    /// Parameters with the default target (0.6) and gate (-2 bits).
    pub fn new(tasks: u32, labels: u16, workers: u32, gold: Gold) -> SetParams {
        let Params { target_bps, gate_bits, .. } = Params::new(tasks, 2, workers, gold);
        SetParams { tasks, labels, workers, target_bps, gate_bits, gold }
    }

    /// # Errors
    /// [`Error::Parameter`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        check_labels(self.labels)?;
        self.of_label().validate()
    }

    /// What the inference of each label runs under.
    pub fn of_label(&self) -> Params {
        let SetParams { tasks, workers, target_bps, gate_bits, gold, .. } = *self;
        Params { tasks, classes: 2, workers, target_bps, gate_bits, gold }
    }

    /// Chunks of the job.
    pub fn chunks(&self) -> u32 {
        self.of_label().chunks()
    }

    /// Tasks in a chunk, zero beyond the last.
    pub fn tasks_in(&self, chunk: u32) -> u32 {
        self.of_label().tasks_in(chunk)
    }

    /// Workers on a sheet.
    pub fn sheet_workers(&self) -> u32 {
        self.of_label().sheet_workers()
    }

    /// Sheets of the job.
    pub fn sheets(&self) -> u32 {
        self.of_label().sheets()
    }

    /// Workers on a sheet of this job, zero beyond the last.
    pub fn workers_on(&self, sheet: u32) -> u32 {
        self.of_label().workers_on(sheet)
    }
}

fn check_labels(labels: u16) -> Result<(), Error> {
    within("number of labels", labels, 2, MAX_LABELS)
}
