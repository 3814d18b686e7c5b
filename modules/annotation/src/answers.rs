//! What a lease's holder says of a task: read from a message, committed to as a payload (`README.md`, Formats), accepted by its type.
use cairn_kernel::Result;
use cairn_proto::cairn::annotation::v1::{JobType, Label};

use crate::{
    Error,
    formats::{self, SKIPPED},
    job::Running,
    types,
};

/// An answer to one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// None.
    Skipped,
    /// One class of the job.
    Class(u16),
    /// The hash of a draft.
    Draft([u8; 32]),
}

impl Answer {
    /// Reads a label of a job of this type.
    pub(crate) fn read(run: &Running, label: &Label) -> Result<Self> {
        if types::produces(run.job.r#type()) { read_draft(label) } else { read_class(run, label) }
    }
    /// What is committed to and hashed.
    pub(crate) fn payload(&self, job_type: JobType) -> Vec<u8> {
        match self {
            Self::Skipped if types::produces(job_type) => Vec::new(),
            Self::Skipped => formats::class_payload(SKIPPED).to_vec(),
            Self::Class(class) => formats::class_payload(*class).to_vec(),
            Self::Draft(hash) => hash.to_vec(),
        }
    }
}

fn read_class(run: &Running, label: &Label) -> Result<Answer> {
    let (task, classes) = (label.task, run.job.classes.len());
    if !label.draft.is_empty() {
        return Err(types::Error::NotOfType { task, expected: "a class and no draft" }.into());
    }
    match u16::try_from(label.class) {
        Ok(SKIPPED) => Ok(Answer::Skipped),
        Ok(class) if usize::from(class) < classes => Ok(Answer::Class(class)),
        _ => Err(Error::Class { task, classes, found: label.class }.into()),
    }
}

fn read_draft(label: &Label) -> Result<Answer> {
    if label.class != 0 {
        return Err(types::Error::NotOfType { task: label.task, expected: "a draft and no class" }.into());
    }
    if label.draft.is_empty() {
        return Ok(Answer::Skipped);
    }
    let hash = <[u8; 32]>::try_from(label.draft.as_slice());
    Ok(Answer::Draft(hash.map_err(|_| Error::HashLength { what: "draft", found: label.draft.len() })?))
}
