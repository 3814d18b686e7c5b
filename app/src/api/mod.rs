//! The front doors: gRPC and REST over the chain's one query router. They translate and decide nothing.
//!
//! No service has code of its own, except those that only CometBFT can answer (`comet`). The README beside this file describes both doors.
mod comet;
mod connection;
mod doors;
mod grpc;
pub mod json;
mod openapi;
mod pages;
mod params;
mod reflection;
mod rest;
mod server;
mod templates;

#[cfg(test)]
mod tests;

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

pub(crate) use comet::COSMOS_SDK_VERSION;
pub use comet::Services;

use cairn_kernel::Error;
use tokio::{net::TcpListener, sync::watch};

use crate::config::Public;

/// What the chain answers to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The encoded response message.
    pub value: Vec<u8>,
    /// The height of the state that was read.
    pub height: u64,
}

/// What the front doors need of the application. All but [`Chain::query`] and [`Chain::simulate`] return at once.
pub trait Chain: Send + Sync + 'static {
    /// The chain id of genesis; empty before it.
    fn chain_id(&self) -> String;

    /// The last committed height; 0 before the first.
    fn height(&self) -> u64;

    /// The oldest height that queries can still ask for.
    fn earliest_height(&self) -> u64;

    /// Fees below this are refused by this node, as coins: `0.001ucairn`. Empty if it asks none.
    fn minimum_gas_price(&self) -> String;

    /// Every query path that [`Chain::query`] answers: `/cosmos.bank.v1beta1.Query/Balance`. REST offers these and no others.
    fn query_paths(&self) -> Vec<String>;

    /// The type URL of every message that a transaction may hold: `/cosmos.bank.v1beta1.MsgSend`.
    fn message_urls(&self) -> Vec<String>;

    /// Answers one query from the state after `height`, or the last one; `/cosmos.tx.v1beta1.Service/Simulate` is one of them. Blocks, and
    /// may run beside others.
    ///
    /// # Errors
    /// As the handler; `sdk/26` for a height that is not kept.
    fn query(&self, path: &str, data: &[u8], height: Option<u64>) -> Result<Answer, Error>;

    /// Runs a transaction (`TxRaw`) on the last state and drops what it wrote. The answer is an encoded
    /// `cosmos.tx.v1beta1.SimulateResponse`.
    ///
    /// # Errors
    /// If the transaction would fail; the log ends in `with gas used: '<n>'`, which clients show.
    fn simulate(&self, tx: &[u8]) -> Result<Vec<u8>, Error>;
}

/// Where the doors listen and how much they bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// gRPC, with reflection and health.
    pub grpc: SocketAddr,
    /// REST, gRPC-web, OpenAPI and the page at `/`.
    pub rest: SocketAddr,
    /// What wallets and registries are told of this node, no address empty.
    pub public: Public,
    /// Bytes of the largest request.
    pub max_body: usize,
    /// Connections at once on each door; more wait, unless one that asked nothing yet gives way.
    pub max_connections: usize,
    /// Of these, connections of one IP address; more are closed at once, unless one that asked nothing yet gives way.
    pub max_per_peer: usize,
    /// Requests at once that are held in memory, over both doors; more are refused. As many may be on their way in.
    pub max_pending: usize,
    /// Bytes of answers that clients have not taken yet, over both doors; requests whose answer would be more are refused.
    pub max_unsent: usize,
    /// Requests at once that are worked on, over both doors; more wait.
    pub max_running: usize,
    /// How long a request may wait, and may be worked on, before it is refused.
    pub timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            grpc: SocketAddr::from(([127, 0, 0, 1], 9090)),
            rest: SocketAddr::from(([127, 0, 0, 1], 1317)),
            public: Public::default(),
            max_body: 2 << 20,
            max_connections: 512,
            max_per_peer: 128,
            max_pending: 256,
            max_unsent: 256 << 20,
            max_running: 64,
            timeout: Duration::from_secs(20),
        }
    }
}

/// Both doors, bound to their ports and not yet open.
pub struct Front {
    grpc: (TcpListener, axum::Router),
    rest: (TcpListener, axum::Router),
    limits: server::Limits,
}

impl Front {
    /// Binds the ports. `comet_rpc` is CometBFT's RPC, `http://127.0.0.1:26657`.
    ///
    /// # Errors
    /// If a port cannot be bound; the text names it.
    pub async fn bind(config: &Config, chain: Arc<dyn Chain>, comet_rpc: &str) -> io::Result<Self> {
        Self::bind_with(config, chain, comet_rpc, None).await
    }

    /// As [`Front::bind`], with `own` pages on the REST port in place of `/healthz` and `/version`.
    ///
    /// # Errors
    /// As [`Front::bind`].
    pub async fn bind_with(config: &Config, chain: Arc<dyn Chain>, comet_rpc: &str, own: Option<axum::Router>) -> io::Result<Self> {
        let doors = Arc::new(doors::Doors::new(config, chain, comet_rpc));
        let bind = async |address: SocketAddr| {
            let named = |e: io::Error| io::Error::new(e.kind(), format!("cannot listen on {address}: {e}"));
            TcpListener::bind(address).await.map_err(named)
        };
        Ok(Self {
            grpc: (bind(config.grpc).await?, grpc::router(&doors, config.max_body)),
            rest: (bind(config.rest).await?, rest::router_with(&doors, config.max_body, own)),
            limits: server::Limits { connections: config.max_connections, per_peer: config.max_per_peer },
        })
    }

    /// The addresses of gRPC and REST, with the ports the system chose where the configuration says 0.
    ///
    /// # Errors
    /// If the system no longer knows them.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.grpc.0.local_addr()?, self.rest.0.local_addr()?))
    }

    /// Opens both doors until `shutdown`, and lets running requests end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let until = |mut stopped: watch::Receiver<bool>| async move {
            // An error means that the sender is gone, which is a stop as well.
            drop(stopped.wait_for(|stop| *stop).await.map(|_| ()));
        };
        let ((grpc_port, grpc), (rest_port, rest)) = (self.grpc, self.rest);
        tokio::join!(
            server::serve(grpc_port, grpc, self.limits, until(stopped.clone())),
            server::serve(rest_port, rest, self.limits, until(stopped)),
            async move {
                shutdown.await;
                stop.send_replace(true);
            }
        );
    }
}

/// Connections at once on a port of its own, and of one address.
const PORT_LIMITS: server::Limits = server::Limits { connections: 64, per_peer: 32 };

/// Serves `router` on a port of its own until `shutdown`, and lets running requests end.
pub(crate) async fn serve_port(listener: TcpListener, router: axum::Router, shutdown: impl Future<Output = ()>) {
    server::serve(listener, router, PORT_LIMITS, shutdown).await;
}

/// Binds both doors and keeps them open until `shutdown`. Queries run on threads of their own and never hold up the caller's runtime.
///
/// # Errors
/// As [`Front::bind`].
pub async fn serve(config: &Config, chain: Arc<dyn Chain>, comet_rpc: &str, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let front = Front::bind(config, chain, comet_rpc).await?;
    let (grpc, rest) = front.addresses()?;
    tracing::info!(target: "api", %grpc, %rest, "the front doors are open");
    front.run(shutdown).await;
    Ok(())
}
