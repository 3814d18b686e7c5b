//! What a lease's holder says of a task: read from a message, committed to as a payload (`README.md`, Formats), accepted by its type.
use cairn_kernel::Result;
use cairn_proto::cairn::annotation::v1::{JobType, Label};

use crate::{
    Error,
    formats::{self, SKIPPED},
    gold,
    job::Running,
    sets, types,
};

/// An answer to one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// None.
    Skipped,
    /// One class of the job.
    Class(u16),
    /// A set of labels: bit l tells whether label l is on.
    Set(u64),
    /// The hash of a draft.
    Draft([u8; 32]),
}

impl Answer {
    /// Reads a label of a job of this type.
    pub(crate) fn read(run: &Running, label: &Label) -> Result<Self> {
        let job_type = run.job.r#type();
        let found = [(!label.draft.is_empty(), types::produces(job_type)), (!label.set.is_empty(), types::gives_sets(job_type))];
        if found.into_iter().any(|(there, expected)| there && !expected) {
            return Err(types::Error::NotOfType { task: label.task, expected: types::answer(job_type) }.into());
        }
        if types::produces(job_type) {
            return read_draft(label);
        }
        if types::gives_sets(job_type) { read_set(run, label) } else { read_class(run, label) }
    }
    /// What is committed to and hashed.
    pub(crate) fn payload(&self, run: &Running) -> Result<Vec<u8>> {
        let job_type = run.job.r#type();
        Ok(match self {
            Self::Skipped if types::produces(job_type) || types::gives_sets(job_type) => Vec::new(),
            Self::Skipped => formats::class_payload(SKIPPED).to_vec(),
            Self::Class(class) => formats::class_payload(*class).to_vec(),
            Self::Set(set) => sets::bytes(run, *set)?,
            Self::Draft(hash) => hash.to_vec(),
        })
    }
}

fn read_class(run: &Running, label: &Label) -> Result<Answer> {
    let (task, classes) = (label.task, run.job.classes.len());
    match u16::try_from(label.class) {
        Ok(SKIPPED) => Ok(Answer::Skipped),
        Ok(class) if usize::from(class) < classes => Ok(Answer::Class(class)),
        _ => Err(Error::Class { task, classes, found: label.class }.into()),
    }
}

fn read_set(run: &Running, label: &Label) -> Result<Answer> {
    if label.class != 0 {
        return Err(types::Error::NotOfType { task: label.task, expected: types::answer(JobType::MultiLabel) }.into());
    }
    if label.set.is_empty() {
        return Ok(Answer::Skipped);
    }
    Ok(Answer::Set(set(run, label)?))
}

/// The set of a label or of a truth.
pub(crate) fn set(run: &Running, label: &Label) -> Result<u64> {
    let set = cairn_truth::set_from_bytes(run.classes()?, &label.set);
    Ok(set.map_err(|_| types::Error::Set { task: label.task, labels: run.job.classes.len(), found: gold::hex(&label.set) })?)
}

fn read_draft(label: &Label) -> Result<Answer> {
    if label.class != 0 {
        return Err(types::Error::NotOfType { task: label.task, expected: types::answer(JobType::Text) }.into());
    }
    if label.draft.is_empty() {
        return Ok(Answer::Skipped);
    }
    let hash = <[u8; 32]>::try_from(label.draft.as_slice());
    Ok(Answer::Draft(hash.map_err(|_| Error::HashLength { what: "draft", found: label.draft.len() })?))
}
