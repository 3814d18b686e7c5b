//! The world as it is: a chain behind its nodes' RPC, content behind URIs.
use std::{sync::Arc, time::Duration};

use cairn_client::{Chain, Gateway, Refused, Signer, keys};
use cairn_proto::{
    Any,
    cairn::{
        compute::v1::{
            Audit, Circuit, Job, JobState, Offer, Program, Provider, QueryAuditsRequest, QueryAuditsResponse, QueryCircuitRequest,
            QueryCircuitResponse, QueryClassRequest, QueryClassResponse, QueryJobRequest, QueryJobResponse, QueryJobsRequest,
            QueryJobsResponse, QueryOffersRequest, QueryOffersResponse, QueryProgramRequest, QueryProgramResponse, QueryProviderRequest,
            QueryProviderResponse,
        },
        dispute::v1::{QueryContestRequest, QueryContestResponse, QueryMatchRequest, QueryMatchResponse},
    },
    cosmos::base::query::v1beta1::{PageRequest, PageResponse},
};
use prost::Message;
use tokio::runtime::Handle;

use super::{
    fetch::Fetches,
    world::{Need, World, WorldError},
};

/// Jobs of a page of a query.
const PAGE: u64 = 200;
/// Pages that are read of one list: of more jobs in a state than that, the first ones are served, and others when these are gone.
const PAGES: usize = 50;

/// A chain and the servers of content.
pub struct Node {
    runtime: Handle,
    chain: Chain,
    signer: Signer,
    http: ureq::Agent,
    files: bool,
    gateway: Option<Arc<Gateway>>,
    fetches: Fetches,
}

impl Node {
    /// Over a chain, and a gateway that has inputs of jobs. `files`: URIs may name files of this machine.
    #[must_use]
    pub fn new(runtime: Handle, chain: Chain, signer: Signer, gateway: Option<Gateway>, files: bool) -> Self {
        let gateway = gateway.map(Arc::new);
        let http = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).max_redirects(3).build().into();
        Self { runtime, chain, signer, http, files, gateway, fetches: Fetches::default() }
    }

    fn ask<R: Message + Default>(&self, path: &str, request: &impl Message) -> Result<R, WorldError> {
        self.runtime.block_on(self.chain.query(path, request)).map_err(explain)
    }

    /// A list that comes in pages.
    fn all<T>(&self, ask: impl Fn(&Self, Option<PageRequest>) -> Result<Page<T>, WorldError>) -> Result<Vec<T>, WorldError> {
        let (mut all, mut key) = (Vec::new(), Vec::new());
        for _ in 0..PAGES {
            let (entries, page) = ask(self, Some(PageRequest { key: std::mem::take(&mut key), limit: PAGE, ..PageRequest::default() }))?;
            all.extend(entries);
            key = page.map(|page| page.next_key).unwrap_or_default();
            if key.is_empty() {
                break;
            }
        }
        Ok(all)
    }
}

/// Entries, and where the next ones are.
type Page<T> = (Vec<T>, Option<PageResponse>);

/// A refusal of the chain, or that it does not answer.
fn explain(error: anyhow::Error) -> WorldError {
    match error.downcast::<Refused>() {
        Ok(Refused { codespace, code, log }) => WorldError::Refused { codespace, code, log },
        Err(other) => WorldError::Away(format!("{other:#}")),
    }
}

fn away(error: impl std::fmt::Display) -> WorldError {
    WorldError::Away(error.to_string())
}

impl World for Node {
    fn height(&mut self) -> Result<u64, WorldError> {
        self.runtime.block_on(self.chain.height()).map_err(explain)
    }
    fn chain_id(&self) -> String {
        self.chain.id().to_owned()
    }
    fn account(&self) -> String {
        self.signer.address().to_owned()
    }
    fn secret(&self, purpose: &str) -> Result<[u8; 32], WorldError> {
        keys::secret(self.signer.key(), purpose).map_err(explain)
    }
    fn provider(&mut self) -> Result<Option<Provider>, WorldError> {
        let request = QueryProviderRequest { account: self.account() };
        match self.ask::<QueryProviderResponse>("/cairn.compute.v1.Query/Provider", &request) {
            Ok(found) => Ok(found.provider),
            Err(WorldError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn jobs(&mut self, state: JobState) -> Result<Vec<Job>, WorldError> {
        self.all(|node, pagination| {
            let request = QueryJobsRequest { state: state.into(), pagination };
            let found: QueryJobsResponse = node.ask("/cairn.compute.v1.Query/Jobs", &request)?;
            Ok((found.jobs, found.pagination))
        })
    }
    fn job(&mut self, id: u64) -> Result<Job, WorldError> {
        let found: QueryJobResponse = self.ask("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id: id })?;
        found.job.ok_or_else(|| away("the job is empty"))
    }
    fn audits(&mut self) -> Result<Vec<Audit>, WorldError> {
        self.all(|node, pagination| {
            let found: QueryAuditsResponse = node.ask("/cairn.compute.v1.Query/Audits", &QueryAuditsRequest { pagination })?;
            Ok((found.audits, found.pagination))
        })
    }
    fn class(&mut self, id: u64) -> Result<QueryClassResponse, WorldError> {
        self.ask("/cairn.compute.v1.Query/Class", &QueryClassRequest { class_id: id })
    }
    fn offers(&mut self, class: u64) -> Result<Vec<Offer>, WorldError> {
        self.all(|node, pagination| {
            let request = QueryOffersRequest { class_id: class, pagination };
            let found: QueryOffersResponse = node.ask("/cairn.compute.v1.Query/Offers", &request)?;
            Ok((found.offers, found.pagination))
        })
    }
    fn program(&mut self, id: &[u8]) -> Result<Program, WorldError> {
        let request = QueryProgramRequest { program_id: hex::encode(id) };
        let found: QueryProgramResponse = self.ask("/cairn.compute.v1.Query/Program", &request)?;
        found.program.ok_or_else(|| away("the program is empty"))
    }
    fn circuit(&mut self, program: &[u8], key: &[u8]) -> Result<Circuit, WorldError> {
        let request = QueryCircuitRequest { key_id: hex::encode(key), program_id: hex::encode(program) };
        let found: QueryCircuitResponse = self.ask("/cairn.compute.v1.Query/Circuit", &request)?;
        found.circuit.ok_or_else(|| away("the circuit is empty"))
    }
    fn contest(&mut self, case_id: u64) -> Result<QueryContestResponse, WorldError> {
        self.ask("/cairn.dispute.v1.Query/Contest", &QueryContestRequest { case_id })
    }
    fn game(&mut self, case_id: u64, number: u32) -> Result<QueryMatchResponse, WorldError> {
        self.ask("/cairn.dispute.v1.Query/Match", &QueryMatchRequest { case_id, match_number: number })
    }
    fn send(&mut self, message: Any) -> Result<(), WorldError> {
        self.runtime.block_on(self.signer.send_any(message)).map(|_| ()).map_err(explain)
    }
    fn fetch(&mut self, uri: &str, most: u64, need: Need) -> Result<Vec<u8>, WorldError> {
        if let Some(path) = uri.strip_prefix("file://") {
            if !self.files {
                return Err(refused("files of this machine are not read; `--files` allows it"));
            }
            let size = std::fs::metadata(path).map_err(away)?.len();
            return if size > most { Err(refused("it is too large")) } else { std::fs::read(path).map_err(away) };
        }
        if !uri.starts_with("https://") && !uri.starts_with("http://") {
            return Err(refused(&format!("no way is known to {uri}")));
        }
        let (http, from) = (self.http.clone(), uri.to_owned());
        self.fetches.get(uri, need, move || {
            let mut answer = http.get(&from).call().map_err(away)?;
            answer.body_mut().with_config().limit(most).read_to_vec().map_err(away)
        })
    }
    fn inputs(&mut self, job: &Job, most: u64, need: Need) -> Result<Vec<u8>, WorldError> {
        let gateway = self.gateway.clone().ok_or_else(|| away("no gateway is named (--gateway)"))?;
        let path = format!("/v1/compute/jobs/{}/inputs", job.id);
        self.fetches.get(&format!("{} of job {}", job.uri, job.id), need, move || {
            gateway.get(&path, most).map_err(|error| away(format!("{error:#}")))
        })
    }
}

/// What asking again does not mend.
fn refused(why: &str) -> WorldError {
    WorldError::Refused { codespace: "agent".to_owned(), code: 1, log: why.to_owned() }
}
