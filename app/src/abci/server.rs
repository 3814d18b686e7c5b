//! The ABCI socket server: every connection on its own, replies coalesced, nothing from the socket trusted.
//!
//! CometBFT opens four connections (consensus, mempool, query, snapshot) and pipelines requests on each. A connection is a task; its calls run
//! outside of the async scheduler, so that a long block never delays a query. Replies are written when a Flush asks for
//! them, when all that has arrived is answered, or when [`REPLY_CHUNK`] bytes are waiting.
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use prost::Message;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{Request, Response, request::Value as Ask};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixListener, UnixStream},
    task::{JoinSet, block_in_place},
};

use super::{dispatch, frame::Frames};
use crate::Shutdown;

/// Replies of this many bytes are written though more requests are waiting.
const REPLY_CHUNK: usize = 64 * 1024;
/// How long a connection may take to write its last reply once the node stops.
const GRACE: Duration = Duration::from_secs(8);
/// Pause after the operating system refused a connection (no file descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where the server listens: `tcp://127.0.0.1:26658`, `127.0.0.1:26658` or `unix:///run/cairn.sock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Host and port.
    Tcp(String),
    /// Path of a socket file.
    Unix(PathBuf),
}

impl FromStr for Endpoint {
    type Err = io::Error;
    fn from_str(text: &str) -> io::Result<Self> {
        match (text.strip_prefix("unix://"), text.strip_prefix("tcp://").unwrap_or(text)) {
            (Some(path), _) if !path.is_empty() => Ok(Self::Unix(PathBuf::from(path))),
            (None, address) if address.contains(':') && !address.contains('/') => Ok(Self::Tcp(address.to_owned())),
            _ => Err(invalid(format!("expected tcp://HOST:PORT or unix://PATH, found {text:?}"))),
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// What a peer may take up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one request. CometBFT's largest block has 100 MiB, a genesis of a million accounts twice that.
    pub frame: usize,
    /// Connections at a time. CometBFT needs four.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame: 512 * 1024 * 1024, connections: 16 }
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A bound socket that serves an application.
pub struct Server {
    listener: Listener,
    limits: Limits,
}

impl Server {
    /// Binds `endpoint`. A socket file that nobody listens on any more is replaced; its new file is for the owner alone.
    ///
    /// # Errors
    /// If the address is taken or cannot be bound.
    pub async fn bind(endpoint: &Endpoint, limits: Limits) -> io::Result<Self> {
        let listener = match endpoint {
            Endpoint::Tcp(address) => Listener::Tcp(TcpListener::bind(address).await?),
            Endpoint::Unix(path) => Listener::Unix(bind_unix(path).await?),
        };
        Ok(Self { listener, limits })
    }

    /// The bound endpoint, with the port that the operating system chose where 0 was asked.
    ///
    /// # Errors
    /// If the operating system does not tell.
    pub fn endpoint(&self) -> io::Result<Endpoint> {
        match &self.listener {
            Listener::Tcp(l) => Ok(Endpoint::Tcp(l.local_addr()?.to_string())),
            Listener::Unix(l) => {
                let address = l.local_addr()?;
                address.as_pathname().map(|p| Endpoint::Unix(p.to_owned())).ok_or_else(|| invalid("the socket has no path"))
            }
        }
    }

    /// Serves until `shutdown`; then every connection finishes the call it is in, its reply is written, and this returns.
    /// Needs tokio's multi-thread runtime.
    pub async fn serve<A: Application>(self, app: A, shutdown: Shutdown) {
        let mut peers = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.requested() => break,
                Some(_) = peers.join_next() => continue,
                accepted = self.accept() => accepted,
            };
            match accepted {
                Ok(_) if peers.len() >= self.limits.connections => {
                    tracing::warn!(target: "abci", limit = self.limits.connections, "connection refused")
                }
                Ok(stream) => drop(peers.spawn(Peer::new(app.clone(), self.limits.frame, shutdown.clone()).run(stream))),
                Err(error) => {
                    tracing::error!(target: "abci", %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        let done = tokio::time::timeout(GRACE, async { while peers.join_next().await.is_some() {} }).await;
        if done.is_err() {
            tracing::warn!(target: "abci", "a connection did not take its last reply");
        }
    }

    async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match &self.listener {
            Listener::Tcp(l) => {
                let (stream, _) = l.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Listener::Unix(l) => Ok(Box::new(l.accept().await?.0)),
        }
    }
}

/// A connection, whatever its transport.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Binds a socket file for the owner alone. One that nobody listens on any more is replaced.
///
/// # Errors
/// If it is served by another process, or cannot be bound.
pub(crate) async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    if path.exists() {
        if UnixStream::connect(path).await.is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, format!("{} is served by another process", path.display())));
        }
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.into())
}

/// What to do after some requests were answered.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    /// Write, then go on with what has arrived.
    Continue,
    /// Write, then wait for more bytes.
    Read,
    /// Write, then close.
    Close,
}

/// One connection.
struct Peer<A> {
    app: A,
    frames: Frames,
    replies: Vec<u8>,
    shutdown: Shutdown,
}

impl<A: Application> Peer<A> {
    fn new(app: A, limit: usize, shutdown: Shutdown) -> Self {
        Self { app, frames: Frames::new(limit), replies: Vec::new(), shutdown }
    }

    async fn run(mut self, mut stream: Box<dyn Stream>) {
        if let Err(error) = self.talk(&mut stream).await {
            tracing::info!(target: "abci", %error, "connection lost");
        }
    }

    async fn talk(&mut self, stream: &mut Box<dyn Stream>) -> io::Result<()> {
        loop {
            let then = block_in_place(|| self.answer());
            stream.write_all(&self.replies).await?;
            self.replies.clear();
            match then {
                Then::Continue => continue,
                Then::Close => return stream.shutdown().await,
                Then::Read => {}
            }
            tokio::select! {
                () = self.shutdown.requested() => return stream.shutdown().await,
                read = stream.read_buf(self.frames.room()) => if read? == 0 { return Ok(()) },
            }
        }
    }

    /// Answers what has arrived, up to a Flush or a chunk of replies.
    fn answer(&mut self) -> Then {
        while self.replies.len() < REPLY_CHUNK {
            if self.shutdown.is_requested() && self.shutdown.fault().is_none() {
                return Then::Close;
            }
            let frame = match self.frames.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => return Then::Read,
                Err(error) => {
                    self.reply(&dispatch::exception(error.to_string()));
                    return Then::Close;
                }
            };
            let (response, flush) = self.call(frame);
            self.reply(&response);
            match (self.shutdown.fault(), flush) {
                (Some(_), _) => return Then::Close,
                (None, true) => return Then::Continue,
                (None, false) => {}
            }
        }
        Then::Continue
    }

    /// Runs one request; tells whether it was a Flush. A node that cannot go on answers with the reason.
    fn call(&self, frame: bytes::Bytes) -> (Response, bool) {
        let ask = match Request::decode(frame) {
            Ok(Request { value: Some(ask) }) => ask,
            Ok(Request { value: None }) => return (dispatch::exception("the request is empty or unknown"), false),
            Err(error) => return (dispatch::exception(format!("cannot decode the request: {error}")), false),
        };
        let flush = matches!(ask, Ask::Flush(_));
        if self.shutdown.fault().is_none() {
            match catch_unwind(AssertUnwindSafe(|| dispatch::dispatch(&self.app, ask))) {
                Ok(answer) if self.shutdown.fault().is_none() => return (Response { value: Some(answer) }, flush),
                Ok(_) => {}
                Err(payload) => self.shutdown.fail(format!("panic: {}", crate::panic_text(&*payload))),
            }
        }
        (dispatch::exception(self.shutdown.fault().unwrap_or_default()), flush)
    }

    fn reply(&mut self, response: &Response) {
        // A Vec grows: encoding into it cannot fail.
        self.replies.reserve(response.encoded_len().saturating_add(10));
        if let Err(error) = response.encode_length_delimited(&mut self.replies) {
            self.shutdown.fail(format!("cannot encode a reply: {error}"));
        }
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
