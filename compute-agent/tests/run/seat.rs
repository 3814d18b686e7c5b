//! An agent's view of the chain, which may end at any call.
use cairn_agent::run::{Need, World, WorldError};
use cairn_app::api::Chain;
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
};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::{place::Shared, support::CHAIN_ID};

pub(crate) struct Seat {
    pub(crate) place: Shared,
    pub(crate) who: usize,
    /// Calls that it made; a message counts twice: before it is in a block, and after.
    pub(crate) made: usize,
    /// The calls by which it sent messages.
    pub(crate) sent: Vec<usize>,
    /// The call at which it is killed.
    pub(crate) kill: usize,
}

impl Seat {
    pub(crate) fn is_dead(&self) -> bool {
        self.made > self.kill
    }
    fn call(&mut self) -> Result<(), WorldError> {
        self.made += 1;
        if self.is_dead() { Err(WorldError::Away("killed".to_owned())) } else { Ok(()) }
    }
    fn ask<Q: Message, R: Message + Default>(&mut self, path: &str, query: &Q) -> Result<R, WorldError> {
        self.call()?;
        let answer = self.place.borrow().net.app.query(path, &query.encode_to_vec(), None);
        let answer = answer.map_err(|error| WorldError::Refused { codespace: String::new(), code: 1, log: format!("{error:?}") })?;
        Ok(R::decode(&*answer.value).expect("an answer"))
    }
}

impl World for Seat {
    fn height(&mut self) -> Result<u64, WorldError> {
        self.call()?;
        Ok(self.place.borrow().net.app.height())
    }
    fn chain_id(&self) -> String {
        CHAIN_ID.to_owned()
    }
    fn account(&self) -> String {
        self.place.borrow().name(self.who)
    }
    fn secret(&self, purpose: &str) -> Result<[u8; 32], WorldError> {
        Ok(Sha256::digest(format!("{} {purpose}", self.who)).into())
    }
    fn provider(&mut self) -> Result<Option<Provider>, WorldError> {
        let request = QueryProviderRequest { account: self.account() };
        match self.ask::<_, QueryProviderResponse>("/cairn.compute.v1.Query/Provider", &request) {
            Ok(found) => Ok(found.provider),
            Err(WorldError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn jobs(&mut self, state: JobState) -> Result<Vec<Job>, WorldError> {
        let request = QueryJobsRequest { state: state.into(), ..QueryJobsRequest::default() };
        self.ask::<_, QueryJobsResponse>("/cairn.compute.v1.Query/Jobs", &request).map(|found| found.jobs)
    }
    fn job(&mut self, id: u64) -> Result<Job, WorldError> {
        self.ask::<_, QueryJobResponse>("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id: id }).map(|found| found.job.expect("one"))
    }
    fn audits(&mut self) -> Result<Vec<Audit>, WorldError> {
        self.ask::<_, QueryAuditsResponse>("/cairn.compute.v1.Query/Audits", &QueryAuditsRequest::default()).map(|found| found.audits)
    }
    fn class(&mut self, id: u64) -> Result<QueryClassResponse, WorldError> {
        self.ask("/cairn.compute.v1.Query/Class", &QueryClassRequest { class_id: id })
    }
    fn offers(&mut self, class: u64) -> Result<Vec<Offer>, WorldError> {
        let request = QueryOffersRequest { class_id: class, ..QueryOffersRequest::default() };
        self.ask::<_, QueryOffersResponse>("/cairn.compute.v1.Query/Offers", &request).map(|found| found.offers)
    }
    fn program(&mut self, id: &[u8]) -> Result<Program, WorldError> {
        let request = QueryProgramRequest { program_id: hex::encode(id) };
        self.ask::<_, QueryProgramResponse>("/cairn.compute.v1.Query/Program", &request).map(|found| found.program.expect("one"))
    }
    fn circuit(&mut self, program: &[u8], key: &[u8]) -> Result<Circuit, WorldError> {
        let request = QueryCircuitRequest { key_id: hex::encode(key), program_id: hex::encode(program) };
        self.ask::<_, QueryCircuitResponse>("/cairn.compute.v1.Query/Circuit", &request).map(|found| found.circuit.expect("one"))
    }
    fn contest(&mut self, case_id: u64) -> Result<QueryContestResponse, WorldError> {
        self.ask("/cairn.dispute.v1.Query/Contest", &QueryContestRequest { case_id })
    }
    fn game(&mut self, case_id: u64, number: u32) -> Result<QueryMatchResponse, WorldError> {
        self.ask("/cairn.dispute.v1.Query/Match", &QueryMatchRequest { case_id, match_number: number })
    }
    fn send(&mut self, message: Any) -> Result<(), WorldError> {
        self.call()?;
        self.sent.push(self.made);
        let sent = self.place.borrow_mut().send(self.who, message);
        self.call()?;
        sent
    }
    fn fetch(&mut self, uri: &str, most: u64, _: Need) -> Result<Vec<u8>, WorldError> {
        self.call()?;
        if uri == "gone" {
            return Err(WorldError::Away("nobody answers".to_owned()));
        }
        let place = self.place.borrow();
        let found = if uri == "model" { &place.model } else { &place.inputs };
        assert!(found.len() as u64 <= most);
        Ok(found.clone())
    }
    fn inputs(&mut self, job: &Job, most: u64, need: Need) -> Result<Vec<u8>, WorldError> {
        if job.provider == self.account() || job.uri.ends_with("?public") {
            return self.fetch("inputs", most, need);
        }
        self.place.borrow_mut().denied += 1;
        Err(WorldError::Away("the gateway refused (403)".to_owned()))
    }
}
