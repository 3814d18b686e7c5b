//! Why annotation refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Annotation;

/// Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say what each value is")]
pub enum Error {
    /// A field that a message needs is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The job's type is none that can be posted.
    #[error("no job can be posted of type {0}")]
    JobType(i32),
    /// The kind of items is unknown.
    #[error("item kind must be image (1), text (2), audio (3) or pair (4), found {0}")]
    ItemKind(i32),
    /// The visibility is unknown.
    #[error("visibility must be public (1) or private (2), found {0}")]
    Visibility(i32),
    /// A text is too short or too long.
    #[error("{what} must have {least} to {most} bytes, found {found}")]
    TextLength { what: &'static str, least: usize, most: usize, found: usize },
    /// A list is too short or too long.
    #[error("{what} must have {least} to {most} entries, found {found}")]
    ListLength { what: &'static str, least: usize, most: usize, found: usize },
    /// Two classes of one name.
    #[error("class names must differ, found {0:?} twice")]
    RepeatedClass(String),
    /// A hash, salt or seed of the wrong length.
    #[error("{what} must have 32 bytes, found {found}")]
    HashLength { what: &'static str, found: usize },
    /// Too few or too many tasks.
    #[error("a job has {least} to {most} tasks, found {found}")]
    TaskCount { least: u32, most: u32, found: u32 },
    /// The price of a label is below the least.
    #[error("the price of a label must be at least {least} base units, found {found}")]
    Price { least: u128, found: u128 },
    /// Least and most overlap differ without a bound that decides between them, or the least is the larger.
    #[error("without a posterior bound least and most overlap are equal, with one the most is not below the least: found {min} and {max}")]
    OverlapNotFixed { min: u32, max: u32 },
    /// The overlap is outside the parameters.
    #[error("overlap must be {least} to {most} labels a task, found {found}")]
    Overlap { least: u32, most: u32, found: u32 },
    /// The size of buckets is out of range.
    #[error("a bucket holds {least} to {most} tasks, found {found}")]
    BucketSize { least: u32, most: u32, found: u32 },
    /// The gold a bucket is out of range.
    #[error("a bucket holds {least} to {most} gold tasks, found {found}")]
    GoldPerBucket { least: u32, most: u32, found: u32 },
    /// The whole job has too little gold.
    #[error("a job needs at least {least} gold tasks, found {found}: gold per bucket times buckets")]
    TooLittleGold { least: u32, found: u64 },
    /// The gold root was used by a job before.
    #[error("a gold root is accepted once per chain, {0} was used before: draw another seed")]
    GoldRootUsed(String),
    /// The kappa target is out of range.
    #[error("the kappa target must be {least} to {most} basis points, found {found}")]
    KappaTarget { least: u32, most: u32, found: u32 },
    /// The gate is out of range.
    #[error("the gold gate must be {least} to {most} bits, found {found}")]
    Gate { least: i32, most: i32, found: i32 },
    /// The requester's part of the shares is above the whole.
    #[error("the requester's part of the shares must be at most 10000 basis points, found {0}")]
    RequesterShares(u32),
    /// The job is too short or too long.
    #[error("the commit deadline must be {least} to {most} blocks away, found {found}")]
    Duration { least: u64, most: u64, found: u64 },
    /// The requester has too many jobs that are neither closed nor cancelled.
    #[error("a requester has at most {most} open jobs")]
    TooManyJobs { most: u32 },
    /// A module's account cannot take part: it could not hold shares.
    #[error("{0} is a module's account, which cannot post or lease")]
    ModuleAccount(String),
    /// A number left its range.
    #[error("amounts exceed what can be counted")]
    Overflow,
    /// No such job.
    #[error("no job {0}")]
    NoJob(u64),
    /// The job is in another state than the message needs.
    #[error("job {job} must be {expected}, it is {found}")]
    JobState { job: u64, expected: &'static str, found: &'static str },
    /// Somebody else's job.
    #[error("job {job} is of {expected}, not of {found}")]
    NotRequester { job: u64, expected: String, found: String },
    /// The job is paid in another denomination.
    #[error("the job is paid in {expected}, found {found}")]
    Denomination { expected: String, found: String },
    /// The added money does not pay one label with its fee and bond.
    #[error("money added must pay at least one label with fee and bond, {least} base units, found {found}")]
    FundTooLittle { least: u128, found: u128 },
    /// The job cannot be cancelled any more.
    #[error("job {job} can be cancelled only before its first lease, it has had {leases}")]
    Leased { job: u64, leases: u64 },
    /// The job grants leases; there is nothing to resume.
    #[error("job {0} is not stopped")]
    NotStopped(u64),
    /// The job grants no leases: its content is not served.
    #[error("job {job} grants no leases since height {since}: its content was reported as not served")]
    Stopped { job: u64, since: u64 },
    /// The time for a retry is over.
    #[error("job {job} could be retried until height {deadline}, this is {height}")]
    RetryTooLate { job: u64, deadline: u64, height: u64 },
    /// A claim asks for no bucket or too many.
    #[error("a claim asks for 1 to {most} buckets, found {found}")]
    ClaimSize { most: u32, found: u32 },
    /// The claim's number is not above the last one's.
    #[error("the claim's nonce must be at least {least}, found {found}")]
    Nonce { least: u64, found: u64 },
    /// The annotator's claim of that job waits already.
    #[error("a claim of job {job} made at height {height} is still waiting")]
    ClaimWaiting { job: u64, height: u64 },
    /// The annotator let a lease expire or gave one back.
    #[error("no claim before height {until}, this is {height}: a lease expired or was given back")]
    Paused { until: u64, height: u64 },
    /// The annotator has skipped too many tasks of the job.
    #[error("the skip budget of {budget} tasks is used up: {used} skipped")]
    SkipBudgetSpent { budget: u32, used: u32 },
    /// The annotator holds as many seats as one account may.
    #[error("one account holds at most {most} bucket seats of this job")]
    SeatCap { most: u32 },
    /// Too many claims wait.
    #[error("at most {most} claims of a job wait at a time")]
    ClaimsFull { most: u32 },
    /// The requester cannot label its own job.
    #[error("the requester never leases in its own job")]
    OwnJob,
    /// An account of the requester's cluster cannot label the job.
    #[error("the account is in the requester's cluster (first funded by {0}), which never leases in its job")]
    RequestersCluster(String),
    /// A funder cannot label the job it paid for.
    #[error("a funder of the job never leases in it")]
    FunderOfJob,
    /// A lease would end after the commit deadline.
    #[error("a lease granted at {earliest} would end after the commit deadline {deadline}")]
    TooLate { earliest: u64, deadline: u64 },
    /// No such lease.
    #[error("no lease {0}")]
    NoLease(u64),
    /// Somebody else's lease.
    #[error("lease {lease} is of {expected}, not of {found}")]
    NotHolder { lease: u64, expected: String, found: String },
    /// The lease is in another state than the message needs.
    #[error("lease {lease} must be {expected}, it is {found}")]
    LeaseState { lease: u64, expected: &'static str, found: &'static str },
    /// The lease's last height is past.
    #[error("lease {lease} ended at height {end}, this is {height}")]
    LeaseEnded { lease: u64, end: u64, height: u64 },
    /// The lease was renewed before.
    #[error("lease {0} was renewed before; there is one renewal")]
    Renewed(u64),
    /// The renewal would pass the commit deadline.
    #[error("a renewed lease would end at {end}, after the commit deadline {deadline}")]
    RenewalTooLong { end: u64, deadline: u64 },
    /// The reason for giving back is unknown.
    #[error("skip reason must be unavailable (1) or declined (2), found {0}")]
    SkipReason(i32),
    /// The skip budget does not cover the lease.
    #[error("the skip budget has {left} tasks left, the lease has {wanted}")]
    SkipBudget { left: u32, wanted: u32 },
    /// The lease has a commitment.
    #[error("lease {0} is committed; the first commitment is final")]
    Committed(u64),
    /// The lease's reveals have not begun.
    #[error("lease {lease} may be revealed from height {from} on, this is {height}")]
    RevealTooEarly { lease: u64, from: u64, height: u64 },
    /// The lease's reveals are over.
    #[error("lease {lease} could be revealed until height {until}, this is {height}")]
    RevealTooLate { lease: u64, until: u64, height: u64 },
    /// The lease was revealed before.
    #[error("lease {0} was revealed before")]
    Revealed(u64),
    /// The lease waits for other leases of its buckets.
    #[error("lease {lease} waits until {waiting} of its buckets have no live lease and no free seat")]
    RevealWaits { lease: u64, waiting: u32 },
    /// Not one label for each task.
    #[error("lease has {expected} tasks, found {found} labels")]
    LabelCount { expected: usize, found: usize },
    /// A label of another task than the lease's next one.
    #[error("label {position} must be of task {expected}, found task {found}")]
    WrongTask { position: usize, expected: u32, found: u32 },
    /// A class that the job does not have.
    #[error("class of task {task} must be below {classes}, or 65535 for a skipped task, found {found}")]
    Class { task: u32, classes: usize, found: u32 },
    /// The opening does not match the commitment.
    #[error("labels and salt of lease {lease} hash to {found}, the commitment is {expected}")]
    RevealMismatch { lease: u64, expected: String, found: String },
    /// The commitment is another lease's.
    #[error("the commitment of lease {lease} was made for lease {original}: a commitment holds for its own lease and address only")]
    CopiedCommitment { lease: u64, original: u64 },
    /// The gold window is over.
    #[error("gold of job {job} could be opened until height {deadline}, this is {height}")]
    GoldTooLate { job: u64, deadline: u64, height: u64 },
    /// No such chunk.
    #[error("the job has {chunks} chunks of 1024 tasks, found chunk {found}")]
    NoChunk { chunks: u32, found: u32 },
    /// The chunk's gold was opened before.
    #[error("the gold of chunk {0} was opened before")]
    ChunkOpened(u32),
    /// Another seed than the first opening's.
    #[error("the gold seed must be the one of the first opening")]
    OtherSeed,
    /// Truths out of order.
    #[error("truths must ascend by task: task {found} after {last}")]
    TruthOrder { last: u32, found: u32 },
    /// A truth of another chunk.
    #[error("truths of chunk {chunk} are of tasks {first} to {last}, found task {found}")]
    TruthOutside { chunk: u32, first: u32, last: u32, found: u32 },
    /// A truth that is no class of the job.
    #[error("truth of task {task} must be below {classes}, found {found}")]
    TruthClass { task: u32, classes: usize, found: u32 },
    /// A bucket without exactly its gold.
    #[error("bucket {bucket} must hold {expected} gold tasks, found {found}")]
    GoldCount { bucket: u32, expected: u32, found: u32 },
    /// The path cannot be read.
    #[error("a path has at most 64 parts of 32 bytes, found {0} parts")]
    GoldPath(usize),
    /// Seed, truths and path do not lead to the root.
    #[error("seed, truths and path of chunk {chunk} do not lead to the gold root {expected}; the chunk hashes to {found}")]
    GoldRoot { chunk: u32, expected: String, found: String },
    /// Nothing to pay out.
    #[error("{0} has nothing to withdraw")]
    NothingClaimable(String),
    /// A parameter is out of range.
    #[error("parameter {what} must be {least} to {most}, found {found}")]
    Parameter { what: &'static str, least: u64, most: u64, found: u64 },
    /// Neither an annotator nor a job was named.
    #[error("leases are listed of an annotator, of a job or of both: name one")]
    LeasesOfNobody,
    /// A stored entry of a genesis file that is of no table, or of one that the file shows in words. Carries the key.
    #[error("genesis: entry {0} is of no table that is exported as it is stored")]
    StoredEntry(String),
    /// No such task.
    #[error("job {job} has {tasks} tasks, found task {found}")]
    NoTask { job: u64, tasks: u32, found: u32 },
    /// The account never held a lease in the job.
    #[error("{annotator} never held a lease in job {job}")]
    NoWorker { job: u64, annotator: String },
    /// An account listed twice in genesis.
    #[error("genesis lists account {0} twice")]
    RepeatedAccount(String),
    /// A text with characters that are not shown alike everywhere.
    #[error("{0} must not contain control characters or the separators U+2028 and U+2029")]
    TextControl(&'static str),
    /// Not the name of a skill.
    #[error("a skill is named by 1 to 32 of a-z, 0-9 and '-', found {0:?}")]
    Skill(String),
    /// The posterior bound is out of range.
    #[error("a posterior bound is {least} to {most} basis points, or 0 for none, found {found}")]
    PosteriorBound { least: u32, most: u32, found: u32 },
    /// The late round is for annotators that proved themselves in the blind one.
    #[error("the late round needs 20 blind labels in the job, past the gate, with a score of 1/2; found {labels} with {score}/2^32")]
    LateUnproved { labels: u64, score: u64 },
    /// As many late labels as the annotator may give are given or promised.
    #[error("late labels are at most a quarter of one's blind ones, {most}; {used} are given or promised")]
    LateQuota { most: u32, used: u32 },
    /// Appeals come after P, in the appeal window.
    #[error("decisions of job {job} may be appealed from height {from} to {until} (0: not paid yet), this is {height}")]
    AppealWindow { job: u64, from: u64, until: u64, height: u64 },
    /// The appellant was paid in full.
    #[error("job {job} withheld nothing from {annotator}")]
    NothingWithheld { job: u64, annotator: String },
    /// What an appeal is about is unknown.
    #[error("an appeal is about the annotator's own pay (1) or a gold answer (2), found {0}")]
    AppealSubject(i32),
    /// No standing gold answer.
    #[error("task {0} is no opened gold, or its answer is void")]
    NotGold(u32),
    /// The appellant has no label that the gold answer contradicts.
    #[error("{annotator} did not label task {task} otherwise than its gold answer")]
    NotContradicted { task: u32, annotator: String },
    /// The state contradicts itself. The failing step is contained.
    #[error("state is broken: {0}")]
    Broken(&'static str),
    /// The money of a job does not cover a move. The failing step is contained.
    #[error("escrow of the job does not cover a move out of {0}")]
    Escrow(&'static str),
    /// The inference refused. The failing step is contained.
    #[error("inference: {0}")]
    Truth(#[from] cairn_truth::Error),
}

impl Coded for Error {
    const CODESPACE: &'static str = Annotation::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::Missing(_) => 2,
            Self::JobType(_) => 3,
            Self::ItemKind(_) => 4,
            Self::Visibility(_) => 5,
            Self::TextLength { .. } => 6,
            Self::ListLength { .. } => 7,
            Self::RepeatedClass(_) => 8,
            Self::HashLength { .. } => 9,
            Self::TaskCount { .. } => 10,
            Self::Price { .. } => 11,
            Self::OverlapNotFixed { .. } => 12,
            Self::Overlap { .. } => 13,
            Self::BucketSize { .. } => 14,
            Self::GoldPerBucket { .. } => 15,
            Self::TooLittleGold { .. } => 16,
            Self::GoldRootUsed(_) => 17,
            Self::KappaTarget { .. } => 18,
            Self::Gate { .. } => 19,
            Self::RequesterShares(_) => 20,
            Self::Duration { .. } => 21,
            Self::TooManyJobs { .. } => 22,
            Self::ModuleAccount(_) => 23,
            Self::Overflow => 24,
            Self::NoJob(_) => 25,
            Self::JobState { .. } => 26,
            Self::NotRequester { .. } => 27,
            Self::Denomination { .. } => 28,
            Self::FundTooLittle { .. } => 29,
            Self::Leased { .. } => 30,
            Self::NotStopped(_) => 31,
            Self::Stopped { .. } => 32,
            Self::RetryTooLate { .. } => 33,
            Self::ClaimSize { .. } => 34,
            Self::Nonce { .. } => 35,
            Self::ClaimWaiting { .. } => 36,
            Self::Paused { .. } => 37,
            Self::SkipBudgetSpent { .. } => 38,
            Self::SeatCap { .. } => 39,
            Self::ClaimsFull { .. } => 40,
            Self::OwnJob => 41,
            Self::RequestersCluster(_) => 42,
            Self::FunderOfJob => 43,
            Self::TooLate { .. } => 44,
            Self::NoLease(_) => 45,
            Self::NotHolder { .. } => 46,
            Self::LeaseState { .. } => 47,
            Self::LeaseEnded { .. } => 48,
            Self::Renewed(_) => 49,
            Self::RenewalTooLong { .. } => 50,
            Self::SkipReason(_) => 51,
            Self::SkipBudget { .. } => 52,
            Self::Committed(_) => 53,
            Self::RevealTooEarly { .. } => 54,
            Self::RevealTooLate { .. } => 55,
            Self::Revealed(_) => 56,
            Self::RevealWaits { .. } => 57,
            Self::LabelCount { .. } => 58,
            Self::WrongTask { .. } => 59,
            Self::Class { .. } => 60,
            Self::RevealMismatch { .. } => 61,
            Self::CopiedCommitment { .. } => 62,
            Self::GoldTooLate { .. } => 63,
            Self::NoChunk { .. } => 64,
            Self::ChunkOpened(_) => 65,
            Self::OtherSeed => 66,
            Self::TruthOrder { .. } => 67,
            Self::TruthOutside { .. } => 68,
            Self::TruthClass { .. } => 69,
            Self::GoldCount { .. } => 70,
            Self::GoldPath(_) => 71,
            Self::GoldRoot { .. } => 72,
            Self::NothingClaimable(_) => 73,
            Self::Parameter { .. } => 74,
            Self::LeasesOfNobody => 75,
            // 76 and 77 were for exports that had to wait.
            Self::NoTask { .. } => 78,
            Self::NoWorker { .. } => 79,
            Self::RepeatedAccount(_) => 80,
            Self::Broken(_) => 81,
            Self::Escrow(_) => 82,
            Self::Truth(_) => 83,
            Self::TextControl(_) => 84,
            Self::Skill(_) => 120,
            Self::PosteriorBound { .. } => 160,
            Self::LateUnproved { .. } => 161,
            Self::LateQuota { .. } => 162,
            Self::AppealWindow { .. } => 163,
            Self::NothingWithheld { .. } => 164,
            Self::AppealSubject(_) => 165,
            Self::NotGold(_) => 166,
            Self::NotContradicted { .. } => 167,
            Self::StoredEntry(_) => 168,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NoJob(_) | Self::NoLease(_) | Self::NoTask { .. } | Self::NoWorker { .. } => Status::NotFound,
            Self::Broken(_) | Self::Escrow(_) | Self::Truth(_) => Status::Internal,
            _ => Status::InvalidArgument,
        }
    }
}
