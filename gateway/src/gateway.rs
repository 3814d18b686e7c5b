//! The gateway: its parts and what they do together.
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use cairn_kernel::Address;
use tokio::sync::Mutex;

use crate::{
    admission::Admission,
    chain::{Chain, Rpc},
    collect,
    config::Config,
    hash::Hash,
    intake::Pace,
    manifest::Manifests,
    metrics::Metrics,
    quota::{Place, Quotas},
    recent::Recent,
    refusal::Refusal,
    sign_in::SignIns,
    store::{ManifestKey, PartKind, Store},
    turns::Turns,
};

/// Which manifest serves a root is decided anew after this time.
const CHOICE: Duration = Duration::from_secs(30);
/// How the gateway does is found out at most so often.
const HEALTH: Duration = Duration::from_secs(2);
/// An account's quota is reckoned anew from chain and store at most so often when it meets its limit.
const RECKONING: Duration = Duration::from_secs(10);

/// How the gateway does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Health {
    /// Whether the store can be written and read.
    pub(crate) store: bool,
    /// The node's last block, if it answers.
    pub(crate) height: Option<u64>,
}

/// Serves the content of jobs and assets to those whom the chain admits.
pub struct Gateway {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) chain: Arc<Chain>,
    pub(crate) manifests: Manifests,
    pub(crate) admission: Admission,
    pub(crate) sign_ins: SignIns,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) turns: Arc<Turns>,
    served: Recent<(Hash, String), ManifestKey>,
    reckoning: Mutex<()>,
    reckoned: Recent<Address, ()>,
    health: Recent<(), Health>,
}

impl Gateway {
    /// Opens the store and reads from it what each account uses. The node need not be up.
    ///
    /// # Errors
    /// If a setting cannot work or the store cannot be used.
    pub async fn open(config: Config) -> Result<Arc<Self>> {
        config.validate()?;
        let store = Store::open(&config)?;
        store.probe().await.with_context(|| format!("store: cannot write to and read from {}", config.store))?;
        let metrics = Arc::new(Metrics::default());
        let rpc = Rpc::new(config.node_url(), Arc::clone(&metrics)).context("node: cannot make a client")?;
        let chain = Arc::new(Chain::new(rpc));
        let quotas = Arc::new(Quotas::new(&config.limits));
        quotas.load(&store).await.context("store: cannot be listed")?;
        Ok(Arc::new(Self {
            manifests: Manifests::new(store.clone()),
            admission: Admission::new(Arc::clone(&chain), config.least_balance()?),
            sign_ins: SignIns::new(config.domain(), config.sign_in.challenge, config.sign_in.token)?,
            turns: Arc::new(Turns::new(config.limits.uploads, config.limits.uploads_per_account)),
            served: Recent::new(CHOICE, 1 << 12),
            reckoning: Mutex::default(),
            reckoned: Recent::new(RECKONING, 1 << 12),
            health: Recent::new(HEALTH, 1),
            config,
            store,
            chain,
            quotas,
            metrics,
        }))
    }
    /// The height of the node's last block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn height(&self) -> Result<u64> {
        Ok(self.chain.height().await?)
    }
    /// How the gateway does, or did a moment ago.
    pub(crate) async fn health(&self) -> Health {
        if let Some(health) = self.health.get(&()) {
            return health;
        }
        let (store, height) = tokio::join!(self.store.probe(), self.chain.height());
        if let Err(error) = &store {
            tracing::error!(%error, "the store failed");
        }
        let health = Health { store: store.is_ok(), height: height.ok() };
        self.health.put((), health);
        health
    }
    /// How slow clients may be.
    pub(crate) fn pace(&self) -> Pace {
        Pace { stall: self.config.limits.stall, least_rate: self.config.limits.least_rate }
    }
    /// A place for an upload of at least `bytes`. Before it refuses, it asks the chain whether something is referenced by now.
    pub(crate) async fn place(self: &Arc<Self>, account: &Address, bytes: u64) -> Result<Place, Refusal> {
        let refusal = match self.quotas.place(account, bytes) {
            Ok(place) => return Ok(place),
            Err(refusal) => refusal,
        };
        // Others of the same account wait here for what the first finds out.
        let _turn = self.reckoning.lock().await;
        if self.reckoned.get(account).is_none() {
            self.reckoned.put(*account, ());
            if let Err(error) = collect::reckon(self, account).await {
                tracing::warn!(%error, %account, "a quota cannot be reckoned anew");
                return Err(refusal);
            }
        }
        self.quotas.place(account, bytes)
    }
    /// The manifest that serves what `owner` put on the chain, which from now on counts as referenced.
    pub(crate) async fn serving(&self, root: &Hash, owner: &str, by: &str) -> Result<ManifestKey, Refusal> {
        let asked = (*root, owner.to_owned());
        if let Some(key) = self.served.get(&asked) {
            return Ok(key);
        }
        let _guard = self.store.referencing().await?;
        let key = self.manifests.choose(root, owner).await?.ok_or_else(|| Refusal::NotServed(root.to_string()))?;
        if !self.store.has_part(&key, PartKind::Anchor).await? {
            self.store.anchor(&key, by).await?;
        }
        self.served.put(asked, key);
        Ok(key)
    }
    /// The size of a content that is in no manifest, a draft or a job's inputs, and that one of those who name it on the chain uploaded here; from now on it counts as
    /// referenced. `None` where none of them did: whoever names a hash must have had the content, or a hash alone would make the gateway give somebody else's away.
    pub(crate) async fn serving_alone(&self, content: &Hash, whose: &[Address], by: &str) -> Result<Option<u64>, Refusal> {
        let _guard = self.store.referencing().await?;
        let Some(bytes) = self.store.content_bytes(content).await? else { return Ok(None) };
        for account in whose {
            if self.store.is_alone(account, content).await? {
                return Ok(Some(bytes));
            }
            if self.store.is_marked(account, content, bytes).await? {
                self.store.anchor_alone(account, content, by).await?;
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

/// Unix seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
