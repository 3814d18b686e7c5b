//! What the gateway asks the chain, through one node's CometBFT RPC (`abci_query`).
mod compute;
mod drafts;
mod rpc;

use std::collections::VecDeque;

use cairn_kernel::Address;
use cairn_proto::{
    cairn::{
        annotation::v1::{self as annotation, Job},
        asset::v1::{self as asset, Version},
        licensing::v1 as licensing,
    },
    cosmos::{
        bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse},
        base::query::v1beta1::{PageRequest, PageResponse},
    },
};
pub(crate) use drafts::Revealed;
pub(crate) use rpc::Rpc;

/// Entries of one page of jobs, assets or versions.
const PAGE: u64 = 100;

/// Why a question has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    /// The node does not answer, or not as a node does.
    #[error("no answer from the node: {0}")]
    Unreachable(String),
    /// The chain refused the question.
    #[error("the chain refused ({codespace}/{code}): {log}")]
    Refused {
        /// The refusal's number.
        code: u64,
        /// Who refused.
        codespace: String,
        /// Why.
        log: String,
    },
}

impl Error {
    /// Whether the chain says that what was asked for does not exist (`sdk/22` key not found, `sdk/38` not found).
    fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: 22 | 38, codespace, .. } if codespace == "sdk")
    }
}

/// An answer and the height of the state that it was made from.
#[derive(Debug, Clone)]
pub(crate) struct Answer<T> {
    pub(crate) height: u64,
    pub(crate) value: T,
}

/// A manifest root that the chain names, and who put it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) root: Vec<u8>,
    /// The requester of the job, or the owner of the asset.
    pub(crate) owner: String,
    /// `job 7`, `asset 3 version 1`.
    pub(crate) by: String,
}

/// Typed questions to one chain.
pub(crate) struct Chain {
    rpc: Rpc,
}

impl Chain {
    pub(crate) fn new(rpc: Rpc) -> Self {
        Self { rpc }
    }
    /// The height of the node's last block.
    pub(crate) async fn height(&self) -> Result<u64, Error> {
        self.rpc.height().await
    }
    /// A job, or `None` where there is none.
    pub(crate) async fn job(&self, job: u64) -> Result<Option<Job>, Error> {
        let asked = self.rpc.ask("/cairn.annotation.v1.Query/Job", &annotation::QueryJobRequest { job }).await;
        let found: Option<annotation::QueryJobResponse> = if_found(asked)?;
        Ok(found.and_then(|found| found.job))
    }
    /// Whether `account` may fetch a task's content.
    pub(crate) async fn access(&self, job: u64, task: u32, account: &Address) -> Result<Answer<annotation::QueryAccessResponse>, Error> {
        let request = annotation::QueryAccessRequest { job, task, account: account.to_string() };
        self.rpc.ask("/cairn.annotation.v1.Query/Access", &request).await
    }
    /// A version of an asset (0: the newest), or `None` where there is none.
    pub(crate) async fn version(&self, asset_id: u64, number: u64) -> Result<Option<Version>, Error> {
        let asked = self.rpc.ask("/cairn.asset.v1.Query/Version", &asset::QueryVersionRequest { asset_id, number }).await;
        let found: Option<asset::QueryVersionResponse> = if_found(asked)?;
        Ok(found.and_then(|found| found.version))
    }
    /// An asset, or `None` where there is none.
    pub(crate) async fn asset(&self, asset_id: u64) -> Result<Option<asset::Asset>, Error> {
        let asked = self.rpc.ask("/cairn.asset.v1.Query/Asset", &asset::QueryAssetRequest { asset_id }).await;
        let found: Option<asset::QueryAssetResponse> = if_found(asked)?;
        Ok(found.and_then(|found| found.asset))
    }
    /// Whether `account` may use a version of an asset, for whatever.
    pub(crate) async fn license(
        &self,
        asset_id: u64,
        version: u64,
        account: &Address,
    ) -> Result<Answer<licensing::QueryCheckAccessResponse>, Error> {
        let request = licensing::QueryCheckAccessRequest { asset_id, address: account.to_string(), version, scope: None };
        self.rpc.ask("/cairn.licensing.v1.Query/CheckAccess", &request).await
    }
    /// What an account holds of a denomination, in base units.
    pub(crate) async fn balance(&self, account: &Address, denom: &str) -> Result<u128, Error> {
        let request = QueryBalanceRequest { address: account.to_string(), denom: denom.to_owned() };
        let found: Answer<QueryBalanceResponse> = self.rpc.ask("/cosmos.bank.v1beta1.Query/Balance", &request).await?;
        let amount = found.value.balance.map_or_else(|| "0".to_owned(), |coin| coin.amount);
        amount.parse().map_err(|_| Error::Unreachable(format!("a balance is a number, found {amount:?}")))
    }
    /// Walks over every manifest root that the chain names. With a requester only over that account's jobs and assets.
    pub(crate) fn named(&self, only: Option<&Address>) -> Roots<'_> {
        Roots {
            chain: self,
            only: only.map(ToString::to_string).unwrap_or_default(),
            walk: Walk::Jobs(Vec::new()),
            found: VecDeque::new(),
            assets: VecDeque::new(),
        }
    }
}

/// Every manifest root that the chain names, page by page: jobs first, then the versions of assets.
pub(crate) struct Roots<'a> {
    chain: &'a Chain,
    only: String,
    walk: Walk,
    found: VecDeque<Named>,
    assets: VecDeque<(u64, String)>,
}

/// What is asked next; the bytes are the key of the next page.
enum Walk {
    Jobs(Vec<u8>),
    Assets(Vec<u8>),
    Done,
}

impl Roots<'_> {
    /// The next root; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Named>, Error> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Ok(Some(found));
            }
            if let Some((asset, owner)) = self.assets.pop_front() {
                self.versions(asset, &owner).await?;
                continue;
            }
            match std::mem::replace(&mut self.walk, Walk::Done) {
                Walk::Jobs(key) => self.jobs(key).await?,
                Walk::Assets(key) => self.some_assets(key).await?,
                Walk::Done => return Ok(None),
            }
        }
    }
    async fn jobs(&mut self, key: Vec<u8>) -> Result<(), Error> {
        let request = annotation::QueryJobsRequest { requester: self.only.clone(), pagination: Some(page(key)), ..Default::default() };
        let found: Answer<annotation::QueryJobsResponse> = self.chain.rpc.ask("/cairn.annotation.v1.Query/Jobs", &request).await?;
        for job in found.value.jobs.into_iter().filter_map(|j| j.job) {
            self.found.push_back(Named { root: job.manifest_root, owner: job.requester, by: format!("job {}", job.id) });
        }
        self.walk = after(found.value.pagination).map_or(Walk::Assets(Vec::new()), Walk::Jobs);
        Ok(())
    }
    async fn some_assets(&mut self, key: Vec<u8>) -> Result<(), Error> {
        let request = asset::QueryAssetsRequest { owner: self.only.clone(), pagination: Some(page(key)), ..Default::default() };
        let found: Answer<asset::QueryAssetsResponse> = self.chain.rpc.ask("/cairn.asset.v1.Query/Assets", &request).await?;
        self.assets.extend(found.value.assets.into_iter().filter(|a| a.versions > 0).map(|a| (a.id, a.owner)));
        self.walk = after(found.value.pagination).map_or(Walk::Done, Walk::Assets);
        Ok(())
    }
    async fn versions(&mut self, asset_id: u64, owner: &str) -> Result<(), Error> {
        let mut next = Some(Vec::new());
        while let Some(key) = next {
            let request = asset::QueryVersionsRequest { asset_id, pagination: Some(page(key)) };
            let found: Answer<asset::QueryVersionsResponse> = self.chain.rpc.ask("/cairn.asset.v1.Query/Versions", &request).await?;
            for version in found.value.versions {
                let by = format!("asset {asset_id} version {}", version.number);
                let root = version.content.map(|c| c.manifest_root).unwrap_or_default();
                self.found.push_back(Named { root, owner: owner.to_owned(), by });
            }
            next = after(found.value.pagination);
        }
        Ok(())
    }
}

fn page(key: Vec<u8>) -> PageRequest {
    PageRequest { key, limit: PAGE, ..Default::default() }
}

fn after(page: Option<PageResponse>) -> Option<Vec<u8>> {
    page.map(|p| p.next_key).filter(|key| !key.is_empty())
}

fn if_found<T>(asked: Result<Answer<T>, Error>) -> Result<Option<T>, Error> {
    match asked {
        Ok(answer) => Ok(Some(answer.value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
