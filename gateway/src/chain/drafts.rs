//! Questions about drafts that are told by their hashes: what producers uploaded and what verifiers judge.
use std::collections::BTreeSet;

use cairn_kernel::Address;
use cairn_proto::cairn::annotation::v1::{
    DraftResult, DraftState, JobStatus, JobType, QueryDraftsRequest, QueryDraftsResponse, QueryJobRequest, QueryJobResponse,
    QueryJobsRequest, QueryJobsResponse, QueryLeasesRequest, QueryLeasesResponse,
};

use super::{Answer, Chain, Error, after, if_found, page};

/// Tasks asked for at once.
const TASKS: u32 = 1_024;

/// A draft as the chain tells it since its reveal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revealed {
    pub(crate) task: u32,
    /// SHA-256 of what its producer uploaded.
    pub(crate) payload: Vec<u8>,
    pub(crate) producer: String,
    /// Its task in the verification stage, where there is one.
    pub(crate) stage_task: u32,
    /// Whether it is the task's result.
    pub(crate) chosen: bool,
    /// Whether another producer committed to the same before: it is not verified.
    pub(crate) copied: bool,
}

impl Revealed {
    fn of(found: DraftResult) -> Option<Self> {
        let draft = found.draft?;
        let copied = draft.state() == DraftState::Copied;
        let (producer, stage_task) = (found.annotator, found.stage_task);
        Some(Self { task: draft.task, payload: draft.payload, producer, stage_task, chosen: draft.chosen, copied })
    }
}

impl Chain {
    /// Where a job stands.
    pub(crate) async fn status(&self, job: u64) -> Result<Option<JobStatus>, Error> {
        let asked = self.rpc.ask("/cairn.annotation.v1.Query/Job", &QueryJobRequest { job }).await;
        let found: Option<QueryJobResponse> = if_found(asked)?;
        Ok(found.and_then(|found| found.status))
    }
    /// The drafts of one task, as far as they are revealed.
    pub(crate) async fn drafts_of(&self, job: u64, task: u32) -> Result<Vec<Revealed>, Error> {
        let (drafts, _) = self.some_drafts(job, task, 1).await?;
        Ok(drafts.into_iter().filter(|draft| draft.task == task).collect())
    }
    /// The revealed drafts of a job from a task on, and where to go on.
    pub(crate) async fn drafts(&self, job: u64, from: u32) -> Result<(Vec<Revealed>, Option<u32>), Error> {
        self.some_drafts(job, from, TASKS).await
    }
    async fn some_drafts(&self, job: u64, from: u32, limit: u32) -> Result<(Vec<Revealed>, Option<u32>), Error> {
        let request = QueryDraftsRequest { job, from, limit };
        let found: Answer<QueryDraftsResponse> = self.rpc.ask("/cairn.annotation.v1.Query/Drafts", &request).await?;
        let next = Some(found.value.next).filter(|next| *next > from);
        Ok((found.value.drafts.into_iter().filter_map(Revealed::of).collect(), next))
    }
    /// The jobs whose drafts are told by their hashes: those that `only` ever had a lease in, or all.
    pub(crate) async fn producing(&self, only: Option<&Address>) -> Result<BTreeSet<u64>, Error> {
        match only {
            Some(account) => self.leased(account).await,
            None => self.all_producing().await,
        }
    }
    async fn all_producing(&self) -> Result<BTreeSet<u64>, Error> {
        let (mut jobs, mut next) = (BTreeSet::new(), Some(Vec::new()));
        while let Some(key) = next {
            let request = QueryJobsRequest { pagination: Some(page(key)), ..Default::default() };
            let found: Answer<QueryJobsResponse> = self.rpc.ask("/cairn.annotation.v1.Query/Jobs", &request).await?;
            let posted = found.value.jobs.into_iter().filter_map(|job| job.job);
            jobs.extend(posted.filter(|job| is_told_by_hash(job.r#type())).map(|job| job.id));
            next = after(found.value.pagination);
        }
        Ok(jobs)
    }
    async fn leased(&self, account: &Address) -> Result<BTreeSet<u64>, Error> {
        let (mut seen, mut jobs, mut next) = (BTreeSet::new(), BTreeSet::new(), Some(Vec::new()));
        while let Some(key) = next {
            let request = QueryLeasesRequest { annotator: account.to_string(), pagination: Some(page(key)), ..Default::default() };
            let found: Answer<QueryLeasesResponse> = self.rpc.ask("/cairn.annotation.v1.Query/Leases", &request).await?;
            for lease in found.value.leases.into_iter().filter_map(|lease| lease.lease) {
                if seen.insert(lease.job) && self.job(lease.job).await?.is_some_and(|job| is_told_by_hash(job.r#type())) {
                    jobs.insert(lease.job);
                }
            }
            next = after(found.value.pagination);
        }
        Ok(jobs)
    }
}

/// Whether the chain holds no more of a job's drafts than their hashes.
fn is_told_by_hash(kind: JobType) -> bool {
    matches!(kind, JobType::Text | JobType::Audio)
}
