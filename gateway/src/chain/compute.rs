//! Questions about computation that was ordered: whose inputs lie here, and who has to do with them.
use std::collections::BTreeSet;

use cairn_proto::cairn::{
    compute::v1::{
        Job, QueryAuditRequest, QueryAuditResponse, QueryJobRequest, QueryJobResponse, QueryJobsRequest, QueryJobsResponse, Verification,
    },
    dispute::v1::{QueryContestRequest, QueryContestResponse},
};

use super::{Answer, Chain, Error, after, if_found, page};
use crate::hash::Hash;

/// What a job's URI begins with where its inputs lie on gateways.
const SCHEME: &str = "cairn:content/";
/// What it ends with where anybody may have them.
const PUBLIC: &str = "?public";

/// A job of computation whose inputs lie on gateways.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) content: Hash,
    /// Whether anybody may have them: never those of a proven job, which have salts in them.
    pub(crate) public: bool,
    pub(crate) job: Job,
}

impl Ordered {
    /// `None` where the inputs lie elsewhere.
    fn of(job: Job) -> Option<Self> {
        let named = job.uri.strip_prefix(SCHEME)?;
        let (hash, public) = named.strip_suffix(PUBLIC).map_or((named, false), |hash| (hash, true));
        let content = hash.parse().ok()?;
        let public = public && !is_proven(&job);
        Some(Self { content, public, job })
    }
}

fn is_proven(job: &Job) -> bool {
    job.verification() == Verification::Groth16
}

impl Chain {
    /// A job of computation; `None` where there is none. Within: `None` where its inputs do not lie on gateways.
    pub(crate) async fn ordered(&self, job_id: u64) -> Result<Option<Option<Ordered>>, Error> {
        let asked = self.rpc.ask("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id }).await;
        let found: Option<QueryJobResponse> = if_found(asked)?;
        Ok(found.and_then(|found| found.job).map(Ordered::of))
    }
    /// Whether `account` has to do with a job now: its requester and whoever provides it; where others may check it, who is drawn to audit it and who stands
    /// behind a claim in its contest, too.
    pub(crate) async fn concerns(&self, job: &Job, account: &str) -> Result<bool, Error> {
        if account == job.requester || account == job.provider || job.members.iter().any(|member| member.provider == account) {
            return Ok(true);
        }
        Ok(!is_proven(job) && (self.audits(job.id, account).await? || self.contests(job.case_id, account).await?))
    }
    async fn audits(&self, job_id: u64, account: &str) -> Result<bool, Error> {
        let asked = self.rpc.ask("/cairn.compute.v1.Query/Audit", &QueryAuditRequest { job_id }).await;
        let found: Option<QueryAuditResponse> = if_found(asked)?;
        Ok(found.and_then(|found| found.audit).is_some_and(|audit| audit.auditor == account))
    }
    async fn contests(&self, case_id: u64, account: &str) -> Result<bool, Error> {
        if case_id == 0 {
            return Ok(false);
        }
        let asked = self.rpc.ask("/cairn.dispute.v1.Query/Contest", &QueryContestRequest { case_id }).await;
        let found: Option<QueryContestResponse> = if_found(asked)?;
        let backers = found.into_iter().flat_map(|found| found.claims).flat_map(|claim| claim.backers);
        Ok(backers.into_iter().any(|backer| backer.account == account))
    }
    /// Requester, content and number of each job on a page whose inputs lie on gateways, and the key of the next page. A page begins with an empty key.
    pub(crate) async fn inputs(&self, key: Vec<u8>) -> Result<(BTreeSet<(String, Hash, u64)>, Option<Vec<u8>>), Error> {
        let request = QueryJobsRequest { pagination: Some(page(key)), ..QueryJobsRequest::default() };
        let found: Answer<QueryJobsResponse> = self.rpc.ask("/cairn.compute.v1.Query/Jobs", &request).await?;
        let ordered = found.value.jobs.into_iter().filter_map(Ordered::of);
        let named = ordered.map(|ordered| (ordered.job.requester, ordered.content, ordered.job.id));
        Ok((named.collect(), after(found.value.pagination)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(uri: &str, verification: Verification) -> Option<(Hash, bool)> {
        let mut job = Job { uri: uri.to_owned(), ..Job::default() };
        job.set_verification(verification);
        Ordered::of(job).map(|ordered| (ordered.content, ordered.public))
    }

    #[test]
    fn only_hashes_name_inputs_and_salts_are_never_public() {
        let (hash, hex) = (Hash([0xab; 32]), "ab".repeat(32));
        let (inputs, public) = (format!("cairn:content/{hex}"), format!("cairn:content/{hex}?public"));
        assert_eq!(ordered(&inputs, Verification::Refereed), Some((hash, false)));
        assert_eq!(ordered(&public, Verification::Redundant), Some((hash, true)));
        assert_eq!(ordered(&public, Verification::Groth16), Some((hash, false)));
        let upper = format!("cairn:content/{}", "AB".repeat(32));
        for other in ["", "cairn:content/", "https://a/b", &hex, &upper, &format!("{public}x"), &format!("{inputs}?private"), &inputs[..77]]
        {
            assert_eq!(ordered(other, Verification::Refereed), None, "{other}");
        }
    }
}
