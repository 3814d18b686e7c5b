//! Accepts connections with limits that no client can stretch, and lets them finish when the node stops.
use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use axum::{Router, extract::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tower::util::MapRequestLayer;

use super::connection::{Connection, Patience};

/// A client has so long to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// It has as long to send the first one; then it has so long to take some of an answer.
const PATIENCE: Patience = Patience { first: HEAD_TIMEOUT, stall: Duration::from_secs(30) };
/// Between pings on an idle HTTP/2 connection, and until one must be answered.
const PING: Duration = Duration::from_secs(30);
/// Calls at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// Bytes of one HTTP/2 request's headers, and of an HTTP/1 head.
const MAX_HEAD: u32 = 32 << 10;
/// Bytes of one call's body, and of one connection's, that are taken in before they are read.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 256 << 10;
/// How long requests may take to end when the node stops.
const GRACE: Duration = Duration::from_secs(5);

/// How many connections there may be at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Of everybody; more wait, unless a silent one gives way.
    pub(super) connections: usize,
    /// Of one IP address; more are closed, unless a silent one gives way.
    pub(super) per_peer: usize,
}

/// Serves `router` on `listener`, HTTP/1 and HTTP/2 without TLS, within `limits`, until `shutdown`.
pub(super) async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let peers = Arc::new(Peers::default());
    let graceful = GracefulShutdown::new();
    let builder = builder();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places, &peers) => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: others must close before one more can be opened.
                tracing::warn!(target: "api", %error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(counted) = Peers::count(&peers, peer.ip(), limits.per_peer) else {
            tracing::debug!(target: "api", %peer, most = limits.per_peer, "one connection too many of one address");
            continue;
        };
        let connection = Arc::new(Connection::default());
        peers.all().silent.push_back((peer.ip(), Arc::downgrade(&connection)));
        let service = TowerToHyperService::new(router.clone().layer(of(&connection)));
        let served = graceful.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
        tokio::spawn(async move {
            let _place = (place, counted);
            tokio::select! {
                ended = served => if let Err(error) = ended {
                    tracing::debug!(target: "api", %error, "a connection broke off");
                },
                () = connection.overdue(PATIENCE) => tracing::debug!(target: "api", "a connection that only held its place was closed"),
            }
        });
    }
    drop(listener);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::debug!(target: "api", "requests were cut off");
    }
}

/// The next connection, once there is a place for it: where there is none, the connection that has been silent longest makes room. So clients
/// that only hold places keep nobody out who asks.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    peers: &Peers,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    if places.available_permits() == 0 {
        peers.all().make_room(None);
    }
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    Ok((stream, peer, place))
}

/// Connections by address.
#[derive(Default)]
struct Peers(Mutex<Open>);

#[derive(Default)]
struct Open {
    by_address: HashMap<IpAddr, usize>,
    /// Those that asked nothing yet, and some that did since or are closed, the oldest first.
    silent: VecDeque<(IpAddr, Weak<Connection>)>,
}

impl Open {
    /// Asks the connection that has been silent longest, of one address or of all, to close. Says whether there is one.
    fn make_room(&mut self, of: Option<IpAddr>) -> bool {
        self.silent.retain(|(_, connection)| connection.upgrade().is_some_and(|connection| connection.is_silent()));
        let oldest = self.silent.iter().position(|(address, _)| of.is_none_or(|of| of == *address));
        let oldest = oldest.and_then(|at| self.silent.remove(at)).and_then(|(_, connection)| connection.upgrade());
        oldest.inspect(|connection| connection.give_way()).is_some()
    }
}

/// One connection of an address, until it is dropped.
struct Counted {
    peers: Arc<Peers>,
    address: IpAddr,
}

impl Peers {
    /// Counts one more connection; `None` where there are `most` already and none of them is silent.
    fn count(peers: &Arc<Self>, address: IpAddr, most: usize) -> Option<Counted> {
        let mut all = peers.all();
        let open = all.by_address.get(&address).copied().unwrap_or_default();
        // What gives way is counted until it is gone, a moment later.
        if open >= most && !all.make_room(Some(address)) {
            return None;
        }
        all.by_address.insert(address, open.saturating_add(1));
        Some(Counted { peers: Arc::clone(peers), address })
    }
    fn all(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = self.peers.all();
        if let Some(open) = all.by_address.get_mut(&self.address) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                all.by_address.remove(&self.address);
            }
        }
    }
}

/// Tells each request which connection it came by.
fn of(connection: &Arc<Connection>) -> MapRequestLayer<impl Fn(Request) -> Request + Clone + use<>> {
    let connection = Arc::clone(connection);
    MapRequestLayer::new(move |mut request: Request| {
        connection.ask();
        request.extensions_mut().insert(Arc::clone(&connection));
        request
    })
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let head = usize::try_from(MAX_HEAD).unwrap_or(usize::MAX);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(head);
    let mut http2 = builder.http2();
    http2.timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS).max_header_list_size(MAX_HEAD);
    http2.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW);
    http2.keep_alive_interval(PING).keep_alive_timeout(PING);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_silent_connection_makes_room() {
        let mut open = Open::default();
        let [a, b] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let all: Vec<_> = [a, b, a, b].into_iter().map(|address| (address, Arc::new(Connection::default()))).collect();
        open.silent.extend(all.iter().map(|(address, connection)| (*address, Arc::downgrade(connection))));
        all[0].1.ask();
        assert!(open.make_room(Some(a)) && !open.make_room(Some(a)), "one of them asked, the other goes");
        assert!(open.make_room(None));
        assert_eq!(open.silent.len(), 1);
        drop(all);
        assert!(!open.make_room(None) && open.silent.is_empty());
    }

    #[test]
    fn an_address_has_its_limit_and_others_have_theirs() {
        let peers = Arc::new(Peers::default());
        let [a, b] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let first = Peers::count(&peers, a, 2).unwrap();
        let second = Peers::count(&peers, a, 2).unwrap();
        assert!(Peers::count(&peers, a, 2).is_none());
        let other = Peers::count(&peers, b, 2).unwrap();
        drop(first);
        let third = Peers::count(&peers, a, 2).unwrap();
        drop((second, third, other));
        assert!(peers.all().by_address.is_empty());
    }
}
