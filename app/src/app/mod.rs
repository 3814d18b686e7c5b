//! The state machine: genesis and blocks in, state and results out. ABCI, gRPC and REST are thin edges around [`App`].
mod block;
mod committed;
mod consensus;
mod events;
mod gate;
mod genesis;
mod mempool;
mod params;
mod proposal;
mod query;
mod retain;
mod run;
mod snapshots;
mod upgrade;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use cairn_kernel::{AnyModule, BlockInfo, Error, Infraction, Router, Table, Vote};
use cairn_proto::tendermint::types::ConsensusParams;
use cairn_store::StateStore;

pub use block::Finalized;
pub use events::{Emitted, Origin};
pub use genesis::{Elected, Exported, Genesis, Validator};
pub use proposal::Unacceptable;
pub use query::StoreAnswer;
pub use run::Outcome;
pub use snapshots::{Bad, Snapshotting};

use crate::{
    ante::{GasPrice, Verifier},
    api::{Answer, Chain, json::Dialect},
    beacon::BeaconKeys,
    modules,
    tx::Decoder,
    upgrades::{self, Upgrade},
};
use consensus::Limits;

/// Signatures remembered, 64 bytes each with the set around them. CometBFT checks its whole mempool again after each block: what
/// it holds must fit into half of this.
const SIGNATURES: usize = 1 << 19;
/// Gas that a query may use where nothing else is set.
const QUERY_GAS: u64 = 50_000_000;
/// Time that a query may take where nothing else is set.
const QUERY_TIME: Duration = Duration::from_secs(10);
/// The version of the state machine's rules, as `Info` and consensus parameters report it.
pub const APP_VERSION: u64 = 1;

/// What an operator may set. Nothing here is consensus but the upgrades.
pub struct Settings {
    /// How the state is kept.
    pub store: cairn_store::Options,
    /// What this node asks for a unit of gas before it takes a transaction into its mempool.
    pub minimum_gas_price: GasPrice,
    /// The keys of this validator's share in the beacon.
    pub beacon_keys: BeaconKeys,
    /// Gas that one query or simulation may use.
    pub query_gas: u64,
    /// The chain that this node is for, where that is known: snapshots of others are refused.
    pub chain_id: Option<String>,
    /// Where snapshots lie and when they are taken; none: nowhere and never.
    pub snapshots: Option<Snapshotting>,
    /// CometBFT keeps at least so many blocks, and more where evidence and snapshots need them; 0: all.
    pub min_retain_blocks: u64,
    /// How long one may wait and run.
    pub query_time: Duration,
    /// How many run at once; 0: one less than there are processors, at least two.
    pub queries_at_once: usize,
    /// The upgrades that this program can carry out: [`upgrades::all`] but in tests.
    pub upgrades: Vec<Upgrade>,
    /// Heights at which a planned upgrade is dropped. Unless more than two thirds of the power do the same, this node leaves the chain.
    pub skip_upgrades: BTreeSet<u64>,
    /// Where an upgrade is written down that needs another program.
    pub upgrade_info: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        let (store, minimum_gas_price) = (cairn_store::Options::default(), GasPrice::default());
        Self {
            store,
            minimum_gas_price,
            beacon_keys: BeaconKeys::default(),
            query_gas: QUERY_GAS,
            chain_id: None,
            snapshots: None,
            min_retain_blocks: 0,
            query_time: QUERY_TIME,
            queries_at_once: 0,
            upgrades: upgrades::all(),
            skip_upgrades: BTreeSet::new(),
            upgrade_info: None,
        }
    }
}

/// Why a node cannot go on. A transaction or a query is never the reason.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] cairn_store::Error),
    /// Consensus asks for another block than the next one.
    #[error("expected block {expected}, found {found}")]
    Height {
        /// One above the last committed height.
        expected: u64,
        /// What was asked.
        found: u64,
    },
    /// Consensus asks for a block before genesis.
    #[error("there is no state yet: genesis comes first")]
    NoGenesis,
    /// The genesis file is refused.
    #[error("genesis: {0}")]
    Genesis(String),
    /// Commit without a block.
    #[error("there is no finalized block to commit")]
    NothingToCommit,
    /// An invariant of a module does not hold.
    #[error("invariant broken: {0}")]
    Broken(String),
    /// What the core itself stores cannot be read, or the wiring is at fault.
    #[error("core state: {0}")]
    Core(#[from] Error),
    /// The chain goes on with another program. The text is what supervisors look for.
    #[error("UPGRADE \"{name}\" NEEDED at height: {height}: {info}")]
    UpgradeNeeded {
        /// The plan's name.
        name: String,
        /// The block that this program does not execute.
        height: i64,
        /// What the plan says beside.
        info: String,
    },
    /// This program is for later. Carries the planned upgrade's name.
    #[error("BINARY UPDATED BEFORE TRIGGER! UPGRADE \"{0}\" - in binary but not executed on chain. Downgrade your binary")]
    TooEarly(String),
    /// The state is of a program with other upgrades. Carries which.
    #[error("{0}")]
    OtherProgram(String),
    /// An upgrade cannot be carried out. The state is as before it.
    #[error("upgrade {upgrade}: the migration of {module} failed: {error}")]
    Migration {
        /// The plan's name.
        upgrade: String,
        /// Whose state.
        module: String,
        /// Why.
        error: Error,
    },
    /// The file that tells of an upgrade cannot be written. Carries why.
    #[error("cannot tell of the upgrade: {0}")]
    Announce(String),
}

/// A block, proposed or decided.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Height.
    pub height: u64,
    /// Seconds since the epoch.
    pub time: u64,
    /// Nanoseconds within that second.
    pub nanos: u32,
    /// Consensus address of the proposer.
    pub proposer: Vec<u8>,
    /// Its transactions.
    pub txs: Vec<Bytes>,
    /// Hash of the validators of the block after it.
    pub next_validators_hash: Vec<u8>,
    /// Who signed the block before it; known once it is decided.
    pub votes: Vec<Vote>,
    /// Misbehavior that it proves; known once it is decided.
    pub misbehavior: Vec<Infraction>,
}

/// The chain's state machine with its state. Clones are handles of one and the same.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    modules: Vec<Box<dyn AnyModule>>,
    router: Router,
    dialect: &'static Dialect,
    decoder: Decoder,
    verifier: Verifier,
    settings: Settings,
    store: StateStore,
    tip: RwLock<Option<Arc<Tip>>>,
    pending: Mutex<Option<block::Pending>>,
    mempool: Mutex<mempool::Mempool>,
    keeper: snapshots::Keeper,
    gate: gate::Gate,
}

/// What is known of the newest committed state; of genesis before the first block.
struct Tip {
    /// The block after which the state stands.
    block: BlockInfo,
    /// The hash of that state.
    app_hash: Vec<u8>,
    /// What a block may hold.
    limits: Limits,
    /// The parameters of consensus for the next block.
    params: ConsensusParams,
}

impl Tip {
    /// What the block after this state is, as far as it is known before there is a proposal.
    fn next(&self) -> BlockInfo {
        let BlockInfo { time, nanos, chain_id, .. } = &self.block;
        let height = self.block.height.saturating_add(1);
        let (app_hash, chain_id) = (self.app_hash.clone(), chain_id.clone());
        BlockInfo { height, time: *time, nanos: *nanos, chain_id, app_hash, ..BlockInfo::default() }
    }
    /// `block`, which must be the one after this state.
    fn follow(&self, block: &Block) -> Result<BlockInfo, Fault> {
        let next = self.next();
        if block.height != next.height {
            return Err(Fault::Height { expected: next.height, found: block.height });
        }
        Ok(BlockInfo {
            time: block.time,
            nanos: block.nanos,
            proposer: block.proposer.clone(),
            next_validators_hash: block.next_validators_hash.clone(),
            votes: block.votes.clone(),
            misbehavior: block.misbehavior.clone(),
            ..next
        })
    }
}

impl App {
    /// Opens the state in `folder`, or makes an empty one.
    ///
    /// # Errors
    /// If the state cannot be opened or read.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, Fault> {
        Self::with(modules::all(), folder, settings)
    }

    /// As [`App::open`], of other modules than the chain's: for tests of how modules are treated.
    ///
    /// # Errors
    /// If the state cannot be opened or read.
    pub fn with(modules: Vec<Box<dyn AnyModule>>, folder: &Path, settings: Settings) -> Result<Self, Fault> {
        let mut router = Router::default();
        modules.iter().for_each(|m| m.routes(&mut router));
        consensus::routes(&mut router);
        let dialect = Dialect::cairn();
        let inner = Inner {
            modules,
            router,
            dialect,
            decoder: Decoder::new(dialect.pool())?,
            verifier: Verifier::new(SIGNATURES),
            store: StateStore::open(folder, settings.store)?,
            keeper: snapshots::Keeper::new(settings.snapshots.as_ref())?,
            gate: gate::Gate::new(settings.queries_at_once, settings.query_time),
            settings,
            tip: RwLock::new(None),
            pending: Mutex::new(None),
            mempool: Mutex::default(),
        };
        let app = Self(Arc::new(inner));
        if app.0.store.base().is_some() {
            let tip = app.0.load_tip()?;
            app.0.set_tip(tip);
        }
        Ok(app)
    }

    /// The modules, lowest first.
    #[must_use]
    pub fn modules(&self) -> &[Box<dyn AnyModule>] {
        &self.0.modules
    }

    /// Every collection of state: the modules' and the core's own.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        self.0.modules.iter().flat_map(|m| m.tables()).chain(consensus::TABLES).copied().collect()
    }

    /// Every handler.
    #[must_use]
    pub fn router(&self) -> &Router {
        &self.0.router
    }

    /// The store, for proofs, snapshots and metrics.
    #[must_use]
    pub fn store(&self) -> &StateStore {
        &self.0.store
    }

    /// The places of queries, for metrics.
    pub(crate) fn queries(&self) -> &gate::Gate {
        &self.0.gate
    }

    /// The time of the newest state's block, in seconds since the epoch; genesis's before the first.
    #[must_use]
    pub fn block_time(&self) -> Option<u64> {
        self.0.tip().map(|tip| tip.block.time)
    }

    /// The last committed block's height and app hash; `None` before the first, so that consensus asks for genesis again.
    #[must_use]
    pub fn latest(&self) -> Option<cairn_store::Version> {
        self.0.store.latest()
    }
}

impl Inner {
    fn tip(&self) -> Option<Arc<Tip>> {
        self.tip.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn need_tip(&self) -> Result<Arc<Tip>, Fault> {
        self.tip().ok_or(Fault::NoGenesis)
    }
    fn clear_tip(&self) {
        *self.tip.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
    fn set_tip(&self, tip: Tip) {
        *self.tip.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(tip));
    }
    /// A lock whose content is replaced whole, so that a panic elsewhere leaves nothing half done.
    fn pending(&self) -> MutexGuard<'_, Option<block::Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chain for App {
    fn chain_id(&self) -> String {
        self.0.tip().map(|t| t.block.chain_id.clone()).unwrap_or_default()
    }
    fn height(&self) -> u64 {
        self.latest().map_or(0, |v| v.height)
    }
    fn earliest_height(&self) -> u64 {
        self.0.store.oldest().unwrap_or(0)
    }
    fn minimum_gas_price(&self) -> String {
        self.0.settings.minimum_gas_price.to_string()
    }
    fn query_paths(&self) -> Vec<String> {
        self.0.router.query_paths().map(str::to_owned).chain([query::SIMULATE.to_owned()]).collect()
    }
    fn message_urls(&self) -> Vec<String> {
        self.0.router.msg_urls().map(str::to_owned).collect()
    }
    fn query(&self, path: &str, data: &[u8], height: Option<u64>) -> Result<Answer, Error> {
        self.0.query(path, data, height)
    }
    fn simulate(&self, tx: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.simulate(tx)
    }
}
