//! What annotation stores.
use cairn_kernel::{Address, Ctx, Item, Map, Result, Sequence, Set};
use cairn_proto::cairn::annotation::v1::{
    Annotator, Bucket, Candidate, Claim, DayCount, DraftPage, ExamBatch, GoldChunk, Job, JobStatus, Lease, PairsChunk, Params, Standing,
    Worker,
};

use crate::rules;

cairn_kernel::state! { "annotation";
    /// What new jobs are posted under; absent: a test network's.
    PARAMS: Item<Params> = 1;
    /// Numbers jobs.
    JOB_IDS: Sequence = 2;
    /// Jobs as posted, by number.
    JOBS: Map<u64, Job> = 3;
    /// What changes of a job, by number.
    STATUS: Map<u64, JobStatus> = 4;
    /// Jobs by state.
    JOBS_BY_STATE: Set<(u8, u64)> = 5;
    /// Jobs by requester.
    JOBS_BY_REQUESTER: Set<(Address, u64)> = 6;
    /// How many jobs of a requester are neither closed nor cancelled.
    OPEN_JOBS: Map<Address, u32> = 7;
    /// Gold roots used so far.
    GOLD_ROOTS: Set<[u8; 32]> = 8;
    /// Accounts that added money to a job.
    FUNDERS: Set<(u64, Address)> = 9;
    /// Opened buckets by job and number.
    BUCKETS: Map<(u64, u32), Bucket> = 10;
    /// The list of a job's buckets with free seats: place, from 1, to bucket.
    FREE_BUCKETS: Map<(u64, u32), u32> = 11;
    /// The place of a bucket in that list.
    FREE_PLACES: Map<(u64, u32), u32> = 12;
    /// Numbers leases.
    LEASE_IDS: Sequence = 13;
    /// Leases by number.
    LEASES: Map<u64, Lease> = 14;
    /// Leases by job.
    LEASES_BY_JOB: Set<(u64, u64)> = 15;
    /// Leases by annotator and job.
    LEASES_BY_ANNOTATOR: Set<(Address, u64, u64)> = 16;
    /// The first lease of a job that was committed with a hash.
    COMMITMENTS: Map<(u64, [u8; 32]), u64> = 17;
    /// Annotators of a job by number.
    WORKERS: Map<(u64, u32), Worker> = 18;
    /// The number of an annotator in a job.
    WORKER_NUMBERS: Map<(u64, Address), u32> = 19;
    /// The number under which buckets remember an account or the head of a cluster.
    PARTIES: Map<(u64, Address), u32> = 20;
    /// Reports of content not served: job, height, worker.
    REPORTS: Set<(u64, u64, u32)> = 21;
    /// Waiting claims by job and annotator.
    CLAIMS: Map<(u64, Address), Claim> = 22;
    /// Who claimed: job, height, place from 0.
    CLAIMANTS: Map<(u64, u64, u32), Vec<u8>> = 23;
    /// How many claims of a job wait from a height.
    CLAIM_GROUPS: Map<(u64, u64), u32> = 24;
    /// The job whose claims were drawn last.
    DRAW_CURSOR: Item<u64> = 25;
    /// What falls due: height, kind, job, item.
    DUE: Set<(u64, u8, u64, u64)> = 26;
    /// What a job put off until it recalls it: job, kind, item.
    PUT_OFF: Set<(u64, u8, u64)> = 38;
    /// Buckets to be looked at for their R at the end of the block: job, bucket.
    CHECKS: Set<(u64, u32)> = 27;
    /// Revealed labels by job and bucket, until they are packed (borsh, see `labels.rs`).
    STAGED: Map<(u64, u32), Vec<u8>> = 28;
    /// Pages of the inference: job, kind, model, index.
    PAGES: Map<(u64, u8, u8, u32), Vec<u8>> = 29;
    /// The inference under way of a job.
    INFERENCES: Map<u64, Vec<u8>> = 30;
    /// Opened gold by job and chunk.
    GOLD: Map<(u64, u32), GoldChunk> = 31;
    /// Jobs that the settlement works on.
    SETTLING: Set<u64> = 32;
    /// The job that the settlement worked on last.
    SETTLE_CURSOR: Item<u64> = 33;
    /// What an account can withdraw in a denomination, as a decimal number.
    CLAIMABLE: Map<(Address, String), String> = 34;
    /// The head of an account's cluster.
    CLUSTERS: Map<Address, Vec<u8>> = 35;
    /// Annotators over all jobs.
    ANNOTATORS: Map<Address, Annotator> = 36;
    /// Cases about a job that are not decided: job, case.
    APPEALS: Set<(u64, u64)> = 81;
    /// Workers of a job that won an appeal and are not credited: job, worker.
    WON: Set<(u64, u32)> = 82;
    /// Gold answers that a jury voided and that are not counted: job, task.
    VOIDED: Set<(u64, u32)> = 83;
    /// The second inference of a job, of its late labels.
    LATE_INFERENCES: Map<u64, Vec<u8>> = 80;
    /// Accounts with numbers up to this one stand in the genesis file.
    GENESIS_ACCOUNTS: Item<u64> = 37;
    /// Standings by account and skill.
    STANDINGS: Map<(Address, String), Standing> = 60;
    /// Opened pairs of a ranked job by job and chunk.
    PAIRS: Map<(u64, u32), PairsChunk> = 40;
    /// Accounts known to be on a job's allow-list.
    ALLOWED: Set<(u64, Address)> = 61;
    /// Batches of exams that were begun: job, number.
    EXAM_BATCHES: Map<(u64, u32), ExamBatch> = 62;
    /// Candidates of exams by job and account.
    CANDIDATES: Map<(u64, Address), Candidate> = 63;
    /// Tasks leased to an account on its last day of work.
    DAYS: Map<Address, DayCount> = 64;
    /// Drafts of a producing job by job and bucket.
    DRAFTS: Map<(u64, u32), DraftPage> = 41;
    /// Drafts in the clear by job, bucket and producer.
    SHAPES: Map<(u64, u32, u32), DraftPage> = 43;
    /// The ranking under way of a job.
    RANKINGS: Map<u64, Vec<u8>> = 44;
    /// Revealed sets of a MULTI_LABEL job by job and bucket, until they are packed (borsh, see `sets.rs`).
    STAGED_SETS: Map<(u64, u32), Vec<u8>> = 42;
}

/// The parameters in force.
pub(crate) fn params(ctx: &Ctx) -> Result<Params> {
    Ok(PARAMS.get(ctx)?.unwrap_or_else(rules::test_params))
}
