//! The other side: a node whose `abci_query` answers from what a test sets.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_proto::{
    cairn::{
        annotation::v1::{
            self as annotation, Draft, DraftResult, DraftState, Job, JobStatus, JobType, Lease, QueryAccessRequest, QueryAccessResponse,
            QueryDraftsRequest, QueryDraftsResponse, QueryJobRequest, QueryJobResponse, QueryJobsRequest, QueryJobsResponse,
            QueryLeaseResponse, QueryLeasesRequest, QueryLeasesResponse, Visibility,
        },
        asset::v1::{
            self as asset, Asset, QueryAssetRequest, QueryAssetResponse, QueryAssetsRequest, QueryAssetsResponse, QueryVersionRequest,
            QueryVersionResponse, QueryVersionsRequest, QueryVersionsResponse, Version, VersionContent,
        },
        compute::v1::{
            self as compute, Audit, QueryAuditRequest, QueryAuditResponse, QueryJobRequest as QueryOrderedRequest,
            QueryJobResponse as QueryOrderedResponse, QueryJobsResponse as QueryAllOrderedResponse,
        },
        dispute::v1::{QueryContestRequest, QueryContestResponse},
        licensing::v1::{Access, QueryCheckAccessRequest, QueryCheckAccessResponse},
    },
    cosmos::{
        bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse},
        base::{
            query::v1beta1::{PageRequest, PageResponse},
            v1beta1::Coin,
        },
    },
};
use prost::Message;
use serde_json::{Value, json};

/// What the chain says.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) height: u64,
    /// No answers at all.
    pub(crate) down: bool,
    pub(crate) jobs: BTreeMap<u64, Job>,
    pub(crate) statuses: BTreeMap<u64, JobStatus>,
    /// Of each job, by task.
    pub(crate) drafts: BTreeMap<u64, Vec<DraftResult>>,
    pub(crate) versions: BTreeMap<(u64, u64), Version>,
    pub(crate) assets: BTreeMap<u64, Asset>,
    /// Job, task and account, with the height up to which it lasts.
    pub(crate) leases: BTreeMap<(u64, u32, String), u64>,
    /// Asset and account, with the height at which it ends.
    pub(crate) licenses: BTreeMap<(u64, String), u64>,
    /// Jobs of computation.
    pub(crate) ordered: BTreeMap<u64, compute::Job>,
    pub(crate) audits: BTreeMap<u64, Audit>,
    pub(crate) contests: BTreeMap<u64, QueryContestResponse>,
    pub(crate) poor: BTreeSet<String>,
    /// How often each query was asked.
    pub(crate) asked: BTreeMap<String, u32>,
}

#[derive(Clone, Default)]
pub(crate) struct Node(Arc<Mutex<Facts>>);

impl Node {
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap()
    }
    /// Answers from now on; returns the URL.
    pub(crate) async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }
    pub(crate) fn post_job(&self, id: u64, requester: &str, root: [u8; 32], tasks: u32, visibility: Visibility) {
        let job = Job {
            id,
            requester: requester.to_owned(),
            manifest_root: root.to_vec(),
            tasks,
            visibility: visibility.into(),
            ..Job::default()
        };
        self.facts().jobs.insert(id, job);
    }
    /// A job becomes one whose annotators write texts.
    pub(crate) fn produces(&self, id: u64) {
        self.facts().jobs.get_mut(&id).unwrap().set_type(JobType::Text);
    }
    /// A draft is revealed; its place in a stage is that of `stage_task`.
    pub(crate) fn reveal(&self, job: u64, task: u32, producer: &str, payload: [u8; 32], stage_task: u32) {
        let draft = Some(Draft { task, payload: payload.to_vec(), ..Draft::default() });
        let found = DraftResult { draft, annotator: producer.to_owned(), stage_task };
        let mut facts = self.facts();
        let drafts = facts.drafts.entry(job).or_default();
        drafts.push(found);
        drafts.sort_by_key(|found| found.draft.as_ref().unwrap().task);
    }
    /// Changes a job's drafts.
    pub(crate) fn settle(&self, job: u64, mut change: impl FnMut(&mut Draft)) {
        self.facts().drafts.get_mut(&job).unwrap().iter_mut().for_each(|found| change(found.draft.as_mut().unwrap()));
    }
    /// A copy is found out.
    pub(crate) fn copied(&self, job: u64, copier: &str) {
        let mut facts = self.facts();
        let copies = facts.drafts.get_mut(&job).unwrap().iter_mut().filter(|found| found.annotator == copier);
        copies.for_each(|found| found.draft.as_mut().unwrap().set_state(DraftState::Copied));
    }
    /// Where a job stands.
    pub(crate) fn status(&self, job: u64, status: JobStatus) {
        self.facts().statuses.insert(job, status);
    }
    pub(crate) fn publish(&self, asset_id: u64, number: u64, owner: &str, root: [u8; 32]) {
        let content = VersionContent { manifest_root: root.to_vec(), ..VersionContent::default() };
        let mut facts = self.facts();
        facts.versions.insert((asset_id, number), Version { asset_id, number, content: Some(content), ..Version::default() });
        let asset = Asset { id: asset_id, owner: owner.to_owned(), versions: number, ..Asset::default() };
        facts.assets.insert(asset_id, asset);
    }
    pub(crate) fn lease(&self, job: u64, task: u32, account: &str, until: u64) {
        self.facts().leases.insert((job, task, account.to_owned()), until);
    }
    pub(crate) fn asked(&self, query: &str) -> u32 {
        self.facts().asked.get(query).copied().unwrap_or(0)
    }
}

async fn answer(State(node): State<Node>, Json(call): Json<Value>) -> (StatusCode, Json<Value>) {
    let mut facts = node.facts();
    if facts.down {
        return (StatusCode::BAD_GATEWAY, Json(json!("down")));
    }
    let height = facts.height.to_string();
    if call["method"] == "status" {
        return (StatusCode::OK, Json(json!({ "result": { "sync_info": { "latest_block_height": height } } })));
    }
    assert_eq!(call["method"], "abci_query");
    let path = call["params"]["path"].as_str().unwrap().to_owned();
    let request = hex::decode(call["params"]["data"].as_str().unwrap()).unwrap();
    *facts.asked.entry(path.rsplit('/').next().unwrap().to_owned()).or_default() += 1;
    let response = match query(&facts, &path, &request) {
        Ok(value) => json!({ "code": 0, "log": "", "value": BASE64.encode(value), "height": height, "codespace": "" }),
        Err(log) => json!({ "code": 22, "log": log, "value": null, "height": "0", "codespace": "sdk" }),
    };
    (StatusCode::OK, Json(json!({ "jsonrpc": "2.0", "id": 1, "result": { "response": response } })))
}

fn read<M: Message + Default>(request: &[u8]) -> M {
    M::decode(request).unwrap()
}

type Found = Result<Vec<u8>, String>;

fn query(facts: &Facts, path: &str, request: &[u8]) -> Found {
    match path {
        "/cairn.annotation.v1.Query/Job" => {
            let job = facts.jobs.get(&read::<QueryJobRequest>(request).job).ok_or("no such job")?;
            Ok(QueryJobResponse { job: Some(job.clone()), status: Some(facts.statuses.get(&job.id).cloned().unwrap_or_default()) }
                .encode_to_vec())
        }
        "/cairn.annotation.v1.Query/Jobs" => {
            let asked: QueryJobsRequest = read(request);
            let jobs = facts.jobs.values().filter(|j| asked.requester.is_empty() || asked.requester == j.requester).cloned();
            let (jobs, pagination) = page(jobs.collect(), asked.pagination);
            let jobs = jobs.into_iter().map(|job| QueryJobResponse { job: Some(job), status: None }).collect();
            Ok(QueryJobsResponse { jobs, pagination }.encode_to_vec())
        }
        "/cairn.annotation.v1.Query/Drafts" => Ok(drafts(facts, &read(request)).encode_to_vec()),
        "/cairn.annotation.v1.Query/Leases" => Ok(leases(facts, read(request)).encode_to_vec()),
        "/cairn.annotation.v1.Query/Access" => {
            let asked: QueryAccessRequest = read(request);
            Ok(access(facts, &asked).encode_to_vec())
        }
        "/cairn.licensing.v1.Query/CheckAccess" => {
            let asked: QueryCheckAccessRequest = read(request);
            Ok(license(facts, &asked).encode_to_vec())
        }
        "/cosmos.bank.v1beta1.Query/Balance" => {
            let asked: QueryBalanceRequest = read(request);
            let amount = if facts.poor.contains(&asked.address) { "99999" } else { "100000" }.to_owned();
            Ok(QueryBalanceResponse { balance: Some(Coin { denom: asked.denom, amount }) }.encode_to_vec())
        }
        _ if path.starts_with("/cairn.asset.") => assets(facts, path, request),
        _ => computations(facts, path, request),
    }
}

fn computations(facts: &Facts, path: &str, request: &[u8]) -> Found {
    match path {
        "/cairn.compute.v1.Query/Job" => {
            let job = facts.ordered.get(&read::<QueryOrderedRequest>(request).job_id).cloned().ok_or("no such job")?;
            Ok(QueryOrderedResponse { job: Some(job) }.encode_to_vec())
        }
        "/cairn.compute.v1.Query/Jobs" => {
            let (jobs, pagination) = page(facts.ordered.values().cloned().collect(), read::<compute::QueryJobsRequest>(request).pagination);
            Ok(QueryAllOrderedResponse { jobs, pagination }.encode_to_vec())
        }
        "/cairn.compute.v1.Query/Audit" => {
            let audit = facts.audits.get(&read::<QueryAuditRequest>(request).job_id).cloned().ok_or("no such audit")?;
            Ok(QueryAuditResponse { audit: Some(audit) }.encode_to_vec())
        }
        "/cairn.dispute.v1.Query/Contest" => {
            let contest = facts.contests.get(&read::<QueryContestRequest>(request).case_id).ok_or("no such contest")?;
            Ok(contest.encode_to_vec())
        }
        _ => Err(format!("unknown query path {path}")),
    }
}

fn assets(facts: &Facts, path: &str, request: &[u8]) -> Found {
    match path {
        "/cairn.asset.v1.Query/Asset" => {
            let asset = facts.assets.get(&read::<QueryAssetRequest>(request).asset_id).cloned().ok_or("no such asset")?;
            Ok(QueryAssetResponse { asset: Some(asset) }.encode_to_vec())
        }
        "/cairn.asset.v1.Query/Assets" => {
            let asked: QueryAssetsRequest = read(request);
            let found = facts.assets.values().filter(|a| asked.owner.is_empty() || asked.owner == a.owner).cloned();
            let (assets, pagination) = page(found.collect(), asked.pagination);
            Ok(QueryAssetsResponse { assets, pagination }.encode_to_vec())
        }
        "/cairn.asset.v1.Query/Version" => {
            let asked: QueryVersionRequest = read(request);
            let of_asset = || facts.versions.range((asked.asset_id, 0)..=(asked.asset_id, u64::MAX));
            let version =
                if asked.number == 0 { of_asset().last().map(|v| v.1) } else { facts.versions.get(&(asked.asset_id, asked.number)) };
            Ok(QueryVersionResponse { version: Some(version.ok_or("no such version")?.clone()) }.encode_to_vec())
        }
        "/cairn.asset.v1.Query/Versions" => {
            let asked: QueryVersionsRequest = read(request);
            let found = facts.versions.values().filter(|v| v.asset_id == asked.asset_id).cloned();
            let (versions, pagination) = page(found.collect(), asked.pagination);
            Ok(QueryVersionsResponse { versions, pagination }.encode_to_vec())
        }
        _ => Err(format!("unknown query path {path}")),
    }
}

/// Two entries a page, so that walks have to turn pages.
fn page<T>(all: Vec<T>, asked: Option<PageRequest>) -> (Vec<T>, Option<PageResponse>) {
    let key = asked.unwrap_or_default().key;
    let from = <[u8; 8]>::try_from(key).map_or(0, usize::from_be_bytes);
    let next_key = if all.len() > from + 2 { (from + 2).to_be_bytes().to_vec() } else { Vec::new() };
    (all.into_iter().skip(from).take(2).collect(), Some(PageResponse { next_key, total: 0 }))
}

/// At most two tasks at once, so that walks have to go on.
fn drafts(facts: &Facts, asked: &QueryDraftsRequest) -> QueryDraftsResponse {
    let end = asked.from + asked.limit.min(2);
    let span = asked.from..end;
    let of_job = facts.drafts.get(&asked.job).cloned().unwrap_or_default();
    let tasks = facts.jobs.get(&asked.job).map_or(0, |job| job.tasks);
    let drafts = of_job.into_iter().filter(|found| span.contains(&found.draft.as_ref().unwrap().task)).collect();
    QueryDraftsResponse { drafts, next: if end < tasks { end } else { 0 } }
}

/// A lease in each job.
fn leases(facts: &Facts, asked: QueryLeasesRequest) -> QueryLeasesResponse {
    let lease = |job: &u64| Lease { job: *job, annotator: asked.annotator.clone(), ..Lease::default() };
    let all = facts.jobs.keys().map(|job| QueryLeaseResponse { lease: Some(lease(job)), ..QueryLeaseResponse::default() }).collect();
    let (leases, pagination) = page(all, asked.pagination);
    QueryLeasesResponse { leases, pagination }
}

fn access(facts: &Facts, asked: &QueryAccessRequest) -> QueryAccessResponse {
    let requester = facts.jobs.get(&asked.job).is_some_and(|job| job.requester == asked.account);
    let until = facts.leases.get(&(asked.job, asked.task, asked.account.clone())).copied();
    let live = until.filter(|until| *until >= facts.height);
    annotation::QueryAccessResponse { allowed: requester || live.is_some(), lease: u64::from(live.is_some()), until: live.unwrap_or(0) }
}

fn license(facts: &Facts, asked: &QueryCheckAccessRequest) -> QueryCheckAccessResponse {
    let owner = facts.assets.get(&asked.asset_id).map(|a: &asset::Asset| a.owner.clone());
    let licensed = facts.licenses.get(&(asked.asset_id, asked.address.clone())).filter(|ends| **ends == 0 || **ends > facts.height);
    let (access, expires) = match (owner, licensed) {
        (Some(owner), _) if owner == asked.address => (Access::Owner, 0),
        (_, Some(ends)) => (Access::License, *ends),
        _ => (Access::None, 0),
    };
    QueryCheckAccessResponse { access: access.into(), license_id: 0, expires }
}
