//! The server over real sockets: what CometBFT does, and what a hostile peer might.
use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;
use tendermint_proto::v0_38::abci::{
    RequestCheckTx, RequestCommit, RequestEcho, RequestFlush, RequestInfo, RequestProcessProposal, RequestQuery, ResponseCheckTx,
    ResponseCommit, ResponseInfo, ResponseQuery, response::Value as Answer,
};
use tokio::{net::TcpStream, task::JoinHandle};

use super::*;

/// Answers CheckTx with the transaction's first byte; `info` says that it began and waits for a word; `commit` reports a
/// fault; `query` panics on request.
#[derive(Clone)]
struct Probe {
    began: mpsc::Sender<()>,
    gate: Arc<Mutex<mpsc::Receiver<()>>>,
    shutdown: Shutdown,
}

impl Application for Probe {
    fn check_tx(&self, r: RequestCheckTx) -> ResponseCheckTx {
        ResponseCheckTx { code: r.tx.first().copied().unwrap_or(0).into(), ..Default::default() }
    }
    fn info(&self, _: RequestInfo) -> ResponseInfo {
        self.began.send(()).unwrap();
        self.gate.lock().unwrap().recv().unwrap();
        ResponseInfo { data: "late".into(), ..Default::default() }
    }
    fn query(&self, r: RequestQuery) -> ResponseQuery {
        assert!(r.path != "panic", "asked to");
        ResponseQuery { value: r.data, ..Default::default() }
    }
    fn commit(&self) -> ResponseCommit {
        self.shutdown.fail("disk full");
        ResponseCommit::default()
    }
}

struct Running {
    endpoint: Endpoint,
    began: mpsc::Receiver<()>,
    open: mpsc::Sender<()>,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

async fn start(endpoint: &str, limits: Limits) -> Running {
    let server = Server::bind(&endpoint.parse().unwrap(), limits).await.unwrap();
    let ((open, gate), (begin, began)) = (mpsc::channel(), mpsc::channel());
    let shutdown = Shutdown::default();
    let app = Probe { began: begin, gate: Arc::new(Mutex::new(gate)), shutdown: shutdown.clone() };
    let endpoint = server.endpoint().unwrap();
    Running { endpoint, began, open, shutdown: shutdown.clone(), serving: tokio::spawn(server.serve(app, shutdown)) }
}

async fn local() -> Running {
    start("tcp://127.0.0.1:0", Limits { frame: 1 << 20, connections: 4 }).await
}

struct Client {
    stream: Box<dyn Stream>,
    frames: Frames,
}

impl Client {
    async fn to(endpoint: &Endpoint) -> Self {
        let stream: Box<dyn Stream> = match endpoint {
            Endpoint::Tcp(a) => Box::new(TcpStream::connect(a).await.unwrap()),
            Endpoint::Unix(p) => Box::new(UnixStream::connect(p).await.unwrap()),
        };
        Self { stream, frames: Frames::new(usize::MAX) }
    }
    async fn send(&mut self, ask: impl Into<Option<Ask>>) {
        let bytes = Request { value: ask.into() }.encode_length_delimited_to_vec();
        self.stream.write_all(&bytes).await.unwrap();
    }
    /// The next reply; `None` once the server has closed.
    async fn next(&mut self) -> Option<Answer> {
        loop {
            if let Some(frame) = self.frames.next().unwrap() {
                return Response::decode(frame).unwrap().value;
            }
            if self.stream.read_buf(self.frames.room()).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }
    async fn ask(&mut self, ask: Ask) -> Option<Answer> {
        self.send(ask).await;
        self.next().await
    }
}

fn echo(text: &str) -> Ask {
    Ask::Echo(RequestEcho { message: text.into() })
}

fn check(first: u8) -> Ask {
    Ask::CheckTx(RequestCheckTx { tx: Bytes::from(vec![first; 40]), r#type: 0 })
}

fn is_exception(answer: Option<Answer>, part: &str) -> bool {
    matches!(answer, Some(Answer::Exception(e)) if e.error.contains(part))
}

fn is_echo(answer: Option<Answer>, text: &str) -> bool {
    matches!(answer, Some(Answer::Echo(e)) if e.message == text)
}

#[tokio::test(flavor = "multi_thread")]
async fn echo_and_flush_are_answered_on_both_transports() {
    let dir = tempfile::tempdir().unwrap();
    let unix = format!("unix://{}", dir.path().join("abci.sock").display());
    for endpoint in ["tcp://127.0.0.1:0", &unix] {
        let server = start(endpoint, Limits::default()).await;
        let mut client = Client::to(&server.endpoint).await;
        assert!(is_echo(client.ask(echo("hello")).await, "hello"));
        assert!(matches!(client.ask(Ask::Flush(RequestFlush {})).await, Some(Answer::Flush(_))));
        server.shutdown.request();
        server.serving.await.unwrap();
        assert_eq!(client.next().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_pipelined_calls_are_answered_in_order() {
    let server = local().await;
    let mut client = Client::to(&server.endpoint).await;
    let mut bytes = vec![];
    for i in 0..10_000_u32 {
        let ask = if i % 2 == 0 { check(u8::try_from(i % 250).unwrap()) } else { echo(&i.to_string()) };
        Request { value: Some(ask) }.encode_length_delimited(&mut bytes).unwrap();
    }
    Request { value: Some(Ask::Flush(RequestFlush {})) }.encode_length_delimited(&mut bytes).unwrap();
    let (mut read, mut write) = tokio::io::split(client.stream);
    let writing = tokio::spawn(async move {
        write.write_all(&bytes).await.unwrap();
        write
    });
    for i in 0..10_000_u32 {
        let answer = loop {
            if let Some(frame) = client.frames.next().unwrap() {
                break Response::decode(frame).unwrap().value;
            }
            assert!(read.read_buf(client.frames.room()).await.unwrap() > 0);
        };
        match answer {
            Some(Answer::CheckTx(r)) => assert_eq!(r.code, i % 250),
            other => assert!(is_echo(other, &i.to_string()), "{i}"),
        }
    }
    drop(writing.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_request_arrives_whole() {
    let server = start("tcp://127.0.0.1:0", Limits::default()).await;
    let mut client = Client::to(&server.endpoint).await;
    let txs = vec![Bytes::from(vec![5; 1 << 20]); 24];
    let ask = Ask::ProcessProposal(RequestProcessProposal { txs, ..Default::default() });
    assert!(matches!(client.ask(ask).await, Some(Answer::ProcessProposal(r)) if r.status == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_an_exception_and_the_connection_lives_on() {
    let server = local().await;
    let mut client = Client::to(&server.endpoint).await;
    client.send(None).await;
    assert!(is_exception(client.next().await, "empty"));
    client.stream.write_all(&[4, 0xff, 0xff, 0xff, 0xff]).await.unwrap();
    assert!(is_exception(client.next().await, "cannot decode"));
    assert!(is_echo(client.ask(echo("still here")).await, "still here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_framing_closes_that_connection_only() {
    let server = local().await;
    let mut other = Client::to(&server.endpoint).await;
    assert!(is_echo(other.ask(echo("a")).await, "a"));
    for (bytes, text) in [(&[0xff, 0xff, 0xff, 0xff, 0x7f][..], "at most 1048576"), (&[0xff; 5][..], "varint")] {
        let mut client = Client::to(&server.endpoint).await;
        client.stream.write_all(bytes).await.unwrap();
        assert!(is_exception(client.next().await, text));
        assert_eq!(client.next().await, None);
    }
    assert!(is_echo(other.ask(echo("b")).await, "b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_call_delays_no_other_connection() {
    let server = local().await;
    let (mut consensus, mut query) = (Client::to(&server.endpoint).await, Client::to(&server.endpoint).await);
    consensus.send(Ask::Info(RequestInfo::default())).await;
    server.began.recv().unwrap();
    for i in 0..100 {
        assert!(is_echo(query.ask(echo(&i.to_string())).await, &i.to_string()));
    }
    server.open.send(()).unwrap();
    assert!(matches!(consensus.next().await, Some(Answer::Info(r)) if r.data == "late"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_the_running_call_finish_and_its_reply_out() {
    let server = local().await;
    let (mut client, mut idle) = (Client::to(&server.endpoint).await, Client::to(&server.endpoint).await);
    assert!(is_echo(idle.ask(echo("here")).await, "here"));
    client.send(Ask::Info(RequestInfo::default())).await;
    client.send(echo("too late")).await;
    server.began.recv().unwrap();
    server.shutdown.request();
    assert_eq!(idle.next().await, None);
    server.open.send(()).unwrap();
    assert!(matches!(client.next().await, Some(Answer::Info(_))));
    assert_eq!(client.next().await, None);
    server.serving.await.unwrap();
    assert!(server.shutdown.fault().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_told_and_stops_the_node() {
    let server = local().await;
    let mut client = Client::to(&server.endpoint).await;
    assert!(is_exception(client.ask(Ask::Commit(RequestCommit {})).await, "disk full"));
    server.serving.await.unwrap();
    assert_eq!(server.shutdown.fault(), Some("disk full"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_application_is_a_fault() {
    let server = local().await;
    let mut client = Client::to(&server.endpoint).await;
    let ask = Ask::Query(RequestQuery { path: "panic".into(), ..Default::default() });
    assert!(is_exception(client.ask(ask).await, "panic: asked to"));
    server.serving.await.unwrap();
    assert_eq!(server.shutdown.fault(), Some("panic: asked to"));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited() {
    let server = start("tcp://127.0.0.1:0", Limits { frame: 1_000, connections: 2 }).await;
    let mut kept = vec![];
    for _ in 0..2 {
        let mut client = Client::to(&server.endpoint).await;
        assert!(is_echo(client.ask(echo("in")).await, "in"));
        kept.push(client);
    }
    assert_eq!(Client::to(&server.endpoint).await.next().await, None);
    assert!(is_echo(kept[0].ask(echo("in")).await, "in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_socket_file_is_replaced_and_a_live_one_respected() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::Unix(dir.path().join("abci.sock"));
    let first = Server::bind(&endpoint, Limits::default()).await.unwrap();
    assert_eq!(Server::bind(&endpoint, Limits::default()).await.err().unwrap().kind(), io::ErrorKind::AddrInUse);
    drop(first);
    assert!(Server::bind(&endpoint, Limits::default()).await.is_ok());
}

#[test]
fn endpoints_are_read_from_text() {
    assert_eq!("tcp://127.0.0.1:1".parse::<Endpoint>().unwrap(), Endpoint::Tcp("127.0.0.1:1".into()));
    assert_eq!("127.0.0.1:1".parse::<Endpoint>().unwrap(), Endpoint::Tcp("127.0.0.1:1".into()));
    for text in ["tcp://127.0.0.1:1", "unix:///a/b"] {
        assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
    }
    assert_eq!("unix:///a/b".parse::<Endpoint>().unwrap(), Endpoint::Unix("/a/b".into()));
    for bad in ["", "unix://", "http://x:1", "tcp://nowhere", "/a/b"] {
        assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
    }
}
