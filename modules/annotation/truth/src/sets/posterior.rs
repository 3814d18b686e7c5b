//! What was found for the tasks of a chunk and for the workers of a sheet.

use super::{
    SetParams,
    view::{LabelPages, flat, number},
};
use crate::{Error, Failure, Model, Posteriors, ReadPages, WorkerResult, read_posteriors, read_result, read_results};

/// The posteriors of the labels of a chunk's tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPosteriors(Vec<Posteriors>);

impl SetPosteriors {
    /// The inferred set of a task by its number in the chunk: the labels that are more likely on than off.
    pub fn set(&self, task: u16) -> u64 {
        self.0.iter().rev().fold(0, |set, label| (set << 1) | u64::from(label.label(task) == 1))
    }

    /// For each label the probability that it is on, in units of 1/65,535; empty for an unknown task.
    pub fn task(&self, task: u16) -> Vec<u16> {
        self.0.iter().filter_map(|label| label.task(task).get(1).copied()).collect()
    }
}

/// The posteriors of a chunk under the models of its labels ([`super::SetOutcome::models`]); reads a page for each label.
///
/// # Errors
/// [`Error::Damaged`] where a page is missing or does not follow its format, [`Error::Inconsistent`] where the models are not as many
/// as the labels.
pub fn read_set_posteriors<P: ReadPages>(
    pages: &P,
    params: &SetParams,
    models: &[Model],
    chunk: u32,
) -> Result<SetPosteriors, Failure<P::Error>> {
    if models.len() != usize::from(params.labels) {
        return Err(Error::Inconsistent.into());
    }
    let mut labels = vec![];
    for (label, &model) in models.iter().enumerate() {
        let view = LabelPages::new(pages, *params, number(label)?);
        labels.push(read_posteriors(&view, &params.of_label(), model, chunk).map_err(flat)?);
    }
    Ok(SetPosteriors(labels))
}

/// The results of the workers on a sheet, in the order of their numbers; `labels` counts sets.
///
/// # Errors
/// As [`read_results`].
pub fn read_set_results<P: ReadPages>(pages: &P, params: &SetParams, sheet: u32) -> Result<Vec<WorkerResult>, Failure<P::Error>> {
    read_results(pages, &params.of_label(), sheet)
}

/// The result of one worker; reads one page.
///
/// # Errors
/// As [`read_result`].
pub fn read_set_result<P: ReadPages>(pages: &P, params: &SetParams, worker: u32) -> Result<WorkerResult, Failure<P::Error>> {
    read_result(pages, &params.of_label(), worker)
}
