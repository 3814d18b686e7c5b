//! What the doors share: one way to ask, with limits, whichever protocol a request came by.
use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use cairn_kernel::{Error, Status};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{Answer, Chain, Config, comet, comet::Node, json::Dialect};
use crate::config::Public;

/// Why a request is refused, in the terms of gRPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: Status,
    pub(super) text: String,
    /// The height of the state that was asked, where one was.
    pub(super) height: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: Status, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), height: None }
    }
    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::new(Status::InvalidArgument, text)
    }
    pub(super) fn internal(text: impl Into<String>) -> Self {
        Self::new(Status::Internal, text)
    }
    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Self::new(Status::Unavailable, text)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new(error.status, error.reason())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The chain, CometBFT and the limits on asking them.
pub(super) struct Doors {
    pub(super) chain: Arc<dyn Chain>,
    pub(super) dialect: &'static Dialect,
    /// Paths that are answered, whoever answers them.
    pub(super) served: BTreeSet<String>,
    /// What wallets and registries are told of this node.
    pub(super) public: Public,
    node: Node,
    arriving: Arc<Semaphore>,
    pending: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// Kibibytes of answers that clients have not taken.
    unsent: Arc<Semaphore>,
    max_unsent: u32,
    reflecting: Arc<Semaphore>,
    timeout: Duration,
}

/// A request's body has so long to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// Streams of questions about descriptors at once.
const MAX_REFLECTING: usize = 256;

impl Doors {
    pub(super) fn new(config: &Config, chain: Arc<dyn Chain>, comet_rpc: &str) -> Self {
        let served = chain.query_paths().into_iter().chain(comet::CALLS.iter().map(|(path, _)| (*path).to_owned())).collect();
        let node = Node::new(Arc::clone(&chain), comet_rpc, config.timeout);
        let places = |most: usize| Arc::new(Semaphore::new(most));
        let max_unsent = u32::try_from(config.max_unsent >> 10).unwrap_or(u32::MAX).max(1);
        Self {
            chain,
            dialect: Dialect::cairn(),
            served,
            public: config.public.clone(),
            node,
            arriving: places(config.max_pending),
            pending: places(config.max_pending),
            running: places(config.max_running),
            unsent: places(usize::try_from(max_unsent).unwrap_or(usize::MAX)),
            max_unsent,
            reflecting: places(MAX_REFLECTING),
            timeout: config.timeout,
        }
    }

    /// Answers one path. Blocks.
    pub(super) fn answer(&self, path: &str, data: &[u8], height: Option<u64>) -> Result<Answer, Refusal> {
        let at = || height.unwrap_or_else(|| self.chain.height());
        let answer = match comet::CALLS.iter().find(|(p, _)| *p == path) {
            Some((_, call)) => call(&self.node, data).map(|value| Answer { value, height: at() }),
            None => self.chain.query(path, data, height).map_err(Refusal::from),
        };
        answer.map_err(|refusal| Refusal { height: Some(at()), ..refusal })
    }

    /// A place in memory for one more request, as long as it is kept.
    pub(super) fn admit(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        place(&self.pending, 1, "too many requests at once")
    }

    /// A place in memory for one more request whose body is on its way. Those that never arrive keep no place from those that have.
    pub(super) fn await_body(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        place(&self.arriving, 1, "too many requests at once")
    }

    /// A place in memory for an answer of so many bytes, until the client has taken it. The largest may take all there is.
    pub(super) fn hold(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let kibibytes = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        place(&self.unsent, kibibytes.clamp(1, self.max_unsent), "too many answers wait to be taken")
    }

    /// A place for one more stream of questions about descriptors.
    pub(super) fn reflect(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        place(&self.reflecting, 1, "too many streams at once")
    }

    /// Runs blocking work off the asynchronous threads. As many run at once as the limit allows; a request that waits or takes longer than the
    /// time-out is refused. Work that was started ends, and holds its place until then.
    pub(super) async fn run<T, F>(self: &Arc<Self>, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Doors) -> Result<T, Refusal> + Send + 'static,
    {
        let permit = match timeout(self.timeout, Arc::clone(&self.running).acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Refusal::unavailable("the node is stopping")),
            Err(_) => return Err(Refusal::new(Status::ResourceExhausted, "the node is busy")),
        };
        let doors = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&doors)
        });
        match timeout(self.timeout, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(panicked)) => {
                tracing::error!(target: "api", %panicked, "a request made its handler panic");
                Err(Refusal::internal("internal error"))
            }
            Err(_) => Err(Refusal::unavailable(format!("no answer within {:?}", self.timeout))),
        }
    }

    /// How long a request's body may take to arrive.
    pub(super) fn arrival(&self) -> Duration {
        self.timeout.min(ARRIVAL)
    }
}

fn place(places: &Arc<Semaphore>, wanted: u32, none: &str) -> Result<OwnedSemaphorePermit, Refusal> {
    Arc::clone(places).try_acquire_many_owned(wanted).map_err(|_| Refusal::new(Status::ResourceExhausted, none))
}

/// The header in which clients choose the height of the state, over gRPC and REST.
pub(super) const HEIGHT: &str = "x-cosmos-block-height";

/// The height a client asks for; `None` for the last.
pub(super) fn parse_height(text: &str) -> Result<Option<u64>, Refusal> {
    match text.parse::<i64>() {
        Ok(0) => Ok(None),
        Ok(h) => u64::try_from(h).map(Some).map_err(|_| Refusal::invalid("cannot query with height < 0; please provide a valid height")),
        Err(e) => Err(Refusal::invalid(format!("invalid height header {HEIGHT:?}: {e}"))),
    }
}
