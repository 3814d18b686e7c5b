//! What a lease's holder says of a task: read from a message, committed to as a payload (`README.md`, Formats), accepted by its type.
use cairn_kernel::Result;
use cairn_proto::cairn::annotation::v1::{JobType, Label};
use cairn_truth::{Draft, DraftKind};

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
    /// A draft in the clear, in its canonical encoding.
    Shapes(Vec<u8>),
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
            return read_draft(run, label);
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
            Self::Shapes(bytes) => formats::shapes_payload(bytes).to_vec(),
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

/// A draft or a truth in the clear, whose classes the job has.
pub(crate) fn shapes(run: &Running, kind: DraftKind, label: &Label) -> Result<Vec<u8>> {
    let task = label.task;
    let draft = Draft::decode(kind, &label.draft).map_err(|error| types::Error::Shapes { task, reason: error.to_string() })?;
    let classes = run.job.classes.len();
    if let Some(class) = draft.largest_class().filter(|class| usize::from(*class) >= classes) {
        return Err(Error::Class { task, classes, found: class.into() }.into());
    }
    Ok(label.draft.clone())
}

fn read_draft(run: &Running, label: &Label) -> Result<Answer> {
    if label.class != 0 {
        return Err(types::Error::NotOfType { task: label.task, expected: types::answer(JobType::Text) }.into());
    }
    if label.draft.is_empty() {
        return Ok(Answer::Skipped);
    }
    if let Some(kind) = types::draws(run.job.r#type()) {
        return Ok(Answer::Shapes(shapes(run, kind, label)?));
    }
    let hash = <[u8; 32]>::try_from(label.draft.as_slice());
    Ok(Answer::Draft(hash.map_err(|_| Error::HashLength { what: "draft", found: label.draft.len() })?))
}
