//! What the doors share: one way to ask, with limits, whichever protocol a request came by.
use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use cairn_kernel::{Error, Status};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{Answer, Chain, Config, comet, comet::Node, json::Dialect};

/// Why a request is refused, in the terms of gRPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: Status,
    pub(super) text: String,
    /// Whether the chain's router refused. The SDK shows such texts over REST as they pass through ABCI.
    from_chain: bool,
}

impl Refusal {
    pub(super) fn new(status: Status, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), from_chain: false }
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
    /// `rpc error: code = NotFound desc = ...` for what the chain refused, else the text alone. A failed simulation has no status and is shown
    /// alone as well.
    pub(super) fn rest_text(&self) -> String {
        if self.from_chain && self.status != Status::Unknown {
            format!("rpc error: code = {} desc = {}", self.status.name(), self.text)
        } else {
            self.text.clone()
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { status: error.status, text: error.log, from_chain: true }
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
    node: Node,
    pending: Arc<Semaphore>,
    running: Arc<Semaphore>,
    timeout: Duration,
}

impl Doors {
    pub(super) fn new(config: &Config, chain: Arc<dyn Chain>, comet_rpc: &str) -> Self {
        let served = chain.query_paths().into_iter().chain(comet::CALLS.iter().map(|(path, _)| (*path).to_owned())).collect();
        let node = Node::new(Arc::clone(&chain), comet_rpc, config.timeout);
        let (pending, running) = (Arc::new(Semaphore::new(config.max_pending)), Arc::new(Semaphore::new(config.max_running)));
        Self { chain, dialect: Dialect::cairn(), served, node, pending, running, timeout: config.timeout }
    }

    /// Answers one path. Blocks.
    pub(super) fn answer(&self, path: &str, data: &[u8], height: Option<u64>) -> Result<Answer, Refusal> {
        if let Some((_, call)) = comet::CALLS.iter().find(|(p, _)| *p == path) {
            return Ok(Answer { value: call(&self.node, data)?, height: height.unwrap_or_else(|| self.chain.height()) });
        }
        Ok(self.chain.query(path, data, height)?)
    }

    /// A place in memory for one more request, as long as it is kept.
    pub(super) fn admit(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.pending).try_acquire_owned().map_err(|_| Refusal::new(Status::ResourceExhausted, "too many requests at once"))
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
                tracing::error!(%panicked, "a request made its handler panic");
                Err(Refusal::internal("internal error"))
            }
            Err(_) => Err(Refusal::unavailable(format!("no answer within {:?}", self.timeout))),
        }
    }

    /// How long a request may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }
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
