//! Why annotation refuses accounts: qualifications, exams and caps. The codes go on where those of `error.rs` are not.
use cairn_kernel::{Coded, Module, Status};

use crate::Annotation;

/// Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say what each value is")]
pub enum Unqualified {
    /// Not on the allow-list, or not yet proved to be.
    #[error("job {job} admits only accounts on its list; {annotator} is not on it{hint}")]
    NotListed { job: u64, annotator: String, hint: &'static str },
    /// Too little standing.
    #[error("job asks for {labels} settled labels with a mean kappa of {kappa_ppm} ppm in {skill:?}, found {found} with {found_ppm}")]
    Standing { skill: String, labels: u64, kappa_ppm: i64, found: u64, found_ppm: i64 },
    /// The exam was not taken.
    #[error("job {0} admits only who passed its exam: commit to answers with MsgQualify")]
    ExamNotTaken(u64),
    /// The exam is not judged.
    #[error("answers of batch {batch} wait for its truths, at the latest until height {until}; then send MsgAnswerExam")]
    ExamWaiting { batch: u32, until: u64 },
    /// The exam was failed.
    #[error("the exam needs {pass} right answers, found {right}")]
    ExamFailed { pass: u32, right: u32 },
    /// A job with a list and a root, or a root without leaves.
    #[error("a job has a list of accounts, or a root with the number of its leaves, or neither")]
    AllowList,
    /// An account listed twice.
    #[error("the list names {0} twice")]
    ListedTwice(String),
    /// A number of a qualification is out of range.
    #[error("{what} must be {least} to {most}, found {found}")]
    Range { what: &'static str, least: i64, most: i64, found: i64 },
    /// Nothing for a message to do.
    #[error("no message is needed to qualify for job {0}: claim tasks")]
    NothingToDo(u64),
    /// The path does not lead to the root.
    #[error("index and path do not lead from the account's leaf to the root of the allow-list")]
    AllowProof,
    /// Another batch takes answers now.
    #[error("answers are taken of batch {expected}, found {found}")]
    ExamBatch { expected: u32, found: u32 },
    /// No batch is left.
    #[error("all {0} batches of the exam are used up")]
    ExamOver(u32),
    /// One try an account.
    #[error("the account answered batch {0} before: there is one try")]
    ExamTaken(u32),
    /// The batch was never begun.
    #[error("batch {0} of the exam was not begun")]
    NoExamBatch(u32),
    /// Candidates may still commit.
    #[error("batch {batch} takes answers until height {closes}, this is {height}")]
    ExamAnswered { batch: u32, closes: u64, height: u64 },
    /// Too late to open the truths.
    #[error("truths of batch {batch} could be opened until height {until}, this is {height}: its candidates are admitted")]
    ExamTooLate { batch: u32, until: u64, height: u64 },
    /// Opened before.
    #[error("the truths of batch {0} were opened before")]
    ExamOpened(u32),
    /// Not one class an item.
    #[error("a batch has {expected} items with classes below {classes}, found {found:?}")]
    ExamClasses { expected: u32, classes: usize, found: Vec<u32> },
    /// Not one answer of the job's type an item.
    #[error("a batch has {expected} items, in order, the answer to each being {answer}, none skipped; found {found}")]
    ExamAnswers { expected: u32, answer: &'static str, found: usize },
    /// Salt, truths and path do not lead to the root.
    #[error("salt, truths and path of batch {0} do not lead to the exam's root")]
    ExamRoot(u32),
    /// The account is no candidate, or was judged.
    #[error("{0} has no answers that wait to be judged")]
    NoCandidate(String),
    /// The truths are not opened.
    #[error("the truths of batch {batch} are not opened, at the latest at height {until}")]
    ExamNotOpened { batch: u32, until: u64 },
    /// The answers are not those committed to.
    #[error("answers and salt do not hash to the commitment")]
    AnswerMismatch,
    /// The cap of a day.
    #[error("an account is leased at most {most} tasks a day, {used} were; the next day begins at height {next}")]
    DayCap { most: u64, used: u64, next: u64 },
    /// The account is in nobody's cluster.
    #[error("{0} is in no other account's cluster")]
    NotInCluster(String),
}

impl Coded for Unqualified {
    const CODESPACE: &'static str = Annotation::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NotListed { .. } => 121,
            Self::Standing { .. } => 122,
            Self::ExamNotTaken(_) => 123,
            Self::ExamWaiting { .. } => 124,
            Self::ExamFailed { .. } => 125,
            Self::AllowList => 126,
            Self::ListedTwice(_) => 127,
            Self::Range { .. } => 128,
            Self::NothingToDo(_) => 129,
            Self::AllowProof => 130,
            Self::ExamBatch { .. } => 131,
            Self::ExamOver(_) => 132,
            Self::ExamTaken(_) => 133,
            Self::NoExamBatch(_) => 134,
            Self::ExamAnswered { .. } => 135,
            Self::ExamTooLate { .. } => 136,
            Self::ExamOpened(_) => 137,
            Self::ExamClasses { .. } => 138,
            Self::ExamAnswers { .. } => 200,
            Self::ExamRoot(_) => 139,
            Self::NoCandidate(_) => 140,
            Self::ExamNotOpened { .. } => 141,
            Self::AnswerMismatch => 142,
            Self::DayCap { .. } => 143,
            Self::NotInCluster(_) => 144,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NoExamBatch(_) | Self::NoCandidate(_) => Status::NotFound,
            _ => Status::InvalidArgument,
        }
    }
}
