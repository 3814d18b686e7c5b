//! Why a job's type refuses. The codes go on after those of the module's own errors.
use cairn_kernel::{Coded, Module, Status};

use crate::Annotation;

/// Codes are consensus: from 110 on, add at the end, never renumber. 159 was used and is not used again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say what each value is")]
pub enum Error {
    /// A type of job that is about other items.
    #[error("the items of a {job_type} job are {expected}, found item kind {found}")]
    Items { job_type: &'static str, expected: &'static str, found: i32 },
    /// A type of job that has its own classes.
    #[error("the classes of a {job_type} job are {expected}, in this order, found {found:?}")]
    Classes { job_type: &'static str, expected: String, found: String },
    /// A ranking in a job that compares nothing.
    #[error("only a PAIRWISE job is ranked")]
    Ranking,
    /// Too few or too many contestants.
    #[error("a ranking has {least} to {most} contestants, found {found}")]
    Contestants { least: u32, most: u32, found: u32 },
    /// The job has no ranking.
    #[error("job {0} was posted without a ranking")]
    NotRanked(u64),
    /// Not one pair for each task.
    #[error("chunk {chunk} has {expected} tasks, found {found} pairs")]
    PairCount { chunk: u32, expected: usize, found: usize },
    /// A pair of unknown or equal contestants.
    #[error("task {task} must compare two different contestants below {contestants}, found {left} and {right}")]
    Pair { task: u32, contestants: u32, left: u32, right: u32 },
    /// The pairs of a chunk were opened before.
    #[error("the pairs of chunk {0} were opened before")]
    PairsOpened(u32),
    /// Seed, pairs and path do not lead to the root.
    #[error("seed, pairs and path of chunk {chunk} do not lead to the root of pairs {expected}; the chunk hashes to {found}")]
    PairsRoot { chunk: u32, expected: String, found: String },
    /// A label of another type.
    #[error("the label of task {task} must be {expected}")]
    NotOfType { task: u32, expected: &'static str },
    /// A verification in a job without drafts.
    #[error("only a job with drafts has them verified")]
    Verification,
    /// The threshold for accepting a draft is out of range.
    #[error("a draft is accepted from a probability of {least} to {most} basis points on, found {found}")]
    Accept { least: u32, most: u32, found: u32 },
    /// Too many drafts in all.
    #[error("tasks times drafts a task must be at most {most}, found {found}")]
    Drafts { most: u32, found: u64 },
    /// Gold where it cannot be known yet.
    #[error("the gold of such a job is committed to when the drafts are in, found a root of {found} bytes")]
    EarlyGold { found: usize },
    /// A message that is for the jobs of requesters.
    #[error("job {job} is the verification stage of job {parent}, which decides")]
    IsStage { job: u64, parent: u64 },
    /// No verdict gold is waited for.
    #[error("job {0} does not wait for verdict gold")]
    VerdictGold(u64),
    /// The stage runs without gold.
    #[error("no gold was committed to for stage {0}")]
    NoGold(u64),
    /// A set that the job does not have.
    #[error("the set of task {task} must hold bits of the job's {labels} labels, one byte for 8, found {found:?}")]
    Set { task: u32, labels: usize, found: String },
    /// A draft that is none.
    #[error("the draft of task {task}: {reason}")]
    Shapes { task: u32, reason: String },
    /// An appeal about the gold of a job whose labels are no classes.
    #[error("the gold of a job of {0} is not appealed by itself: appeal the decision on your labels")]
    GoldAppeal(&'static str),
    /// The threshold for agreement with gold is out of range.
    #[error("the agreement with gold must be {least} to {most} basis points, found {found}")]
    Iou { least: u32, most: u32, found: u32 },
    /// An exam where answers are drafts told by their hashes.
    #[error("an exam asks for answers that the chain can compare, which drafts of TEXT and AUDIO are not; their verifiers may have one")]
    Exam,
}

impl Coded for Error {
    const CODESPACE: &'static str = Annotation::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::Items { .. } => 110,
            Self::Classes { .. } => 111,
            Self::Ranking => 112,
            Self::Contestants { .. } => 113,
            Self::NotRanked(_) => 114,
            Self::PairCount { .. } => 115,
            Self::Pair { .. } => 116,
            Self::PairsOpened(_) => 117,
            Self::PairsRoot { .. } => 118,
            Self::NotOfType { .. } => 150,
            Self::Verification => 151,
            Self::Accept { .. } => 152,
            Self::Drafts { .. } => 153,
            Self::EarlyGold { .. } => 154,
            Self::IsStage { .. } => 155,
            Self::VerdictGold(_) => 156,
            Self::NoGold(_) => 157,
            Self::Set { .. } => 158,
            Self::Exam => 119,
            Self::Shapes { .. } => 145,
            Self::Iou { .. } => 146,
            Self::GoldAppeal(_) => 201,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NotRanked(_) | Self::IsStage { .. } | Self::VerdictGold(_) | Self::NoGold(_) => Status::FailedPrecondition,
            Self::PairsOpened(_) => Status::AlreadyExists,
            _ => Status::InvalidArgument,
        }
    }
}
