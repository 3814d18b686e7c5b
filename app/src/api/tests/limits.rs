//! What the doors bear: size, number and duration of requests, faults of handlers, and stopping.
use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    http::Request,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};
use tower::ServiceExt;

use super::{
    FakeChain, config, nowhere, refusal,
    rest::{ask, get, post},
};
use crate::api::{Config, Front, doors::Doors, rest};

fn before(chain: &Arc<FakeChain>, config: &Config) -> Router {
    rest::router(&Arc::new(Doors::new(config, Arc::clone(chain) as _, &nowhere())), config.max_body)
}

#[tokio::test]
async fn a_body_has_a_largest_size() {
    let router = before(&Arc::default(), &config());
    let large = format!(r#"{{"tx_bytes":"{}"}}"#, "A".repeat(70_000));
    let (status, body) = ask(&router, post("/cosmos/tx/v1beta1/simulate", &large)).await;
    assert_eq!((status, body), (413, refusal(8, "the body is larger than 65536 bytes")));
    let untold = futures_of(vec![vec![b' '; 40_000], vec![b' '; 40_000]]);
    let request = Request::post("/cosmos/tx/v1beta1/simulate").body(untold).unwrap();
    assert_eq!(ask(&router, request).await.0, 413);
}

#[tokio::test]
async fn requests_beyond_what_memory_holds_are_refused_at_once() {
    let router = before(&Arc::default(), &Config { max_pending: 1, ..config() });
    let endless = Body::from_stream(tokio_stream::pending::<Result<Bytes, std::io::Error>>());
    let first = ask(&router, Request::post("/cosmos/tx/v1beta1/simulate").body(endless).unwrap());
    let second = async {
        let second = ask(&router, post("/cosmos/tx/v1beta1/simulate", "{}")).await;
        assert_eq!(second, (429, refusal(8, "too many requests at once")));
        // Who sends no body waits for nobody's.
        assert_eq!(ask(&router, get("/cosmos/bank/v1beta1/params")).await.0, 200);
    };
    tokio::select! {
        biased;
        _ = first => panic!("an endless request ended"),
        () = second => {}
    }
    assert_eq!(ask(&router, get("/cosmos/bank/v1beta1/params")).await.0, 200);
}

#[tokio::test]
async fn a_request_in_hand_keeps_its_place_from_others() {
    let chain = Arc::new(FakeChain::default());
    let router = before(&chain, &Config { max_pending: 1, ..config() });
    let second = async {
        assert_eq!(ask(&router, get("/cosmos/bank/v1beta1/params")).await, (429, refusal(8, "too many requests at once")));
        chain.open_gate();
    };
    let (first, ()) = tokio::join!(ask(&router, get("/cosmos/bank/v1beta1/supply")), second);
    assert_eq!(first.0, 200);
}

#[tokio::test]
async fn answers_that_nobody_takes_are_bounded() {
    let router = before(&Arc::default(), &Config { max_unsent: 1 << 10, ..config() });
    let ask_for = || get("/cosmos/bank/v1beta1/params");
    let untaken = router.clone().oneshot(ask_for()).await.unwrap();
    assert_eq!(untaken.status(), 200);
    assert_eq!(ask(&router, ask_for()).await, (429, refusal(8, "too many answers wait to be taken")));
    drop(untaken);
    assert_eq!(ask(&router, ask_for()).await.0, 200);
}

/// A body in parts, of untold length.
fn futures_of(parts: Vec<Vec<u8>>) -> Body {
    Body::from_stream(tokio_stream::iter(parts.into_iter().map(|p| Ok::<_, std::io::Error>(Bytes::from(p)))))
}

#[tokio::test]
async fn a_request_that_never_ends_is_refused() {
    let router = before(&Arc::default(), &Config { timeout: Duration::from_millis(50), ..config() });
    let endless = Body::from_stream(tokio_stream::pending::<Result<Bytes, std::io::Error>>());
    let request = Request::post("/cosmos/tx/v1beta1/simulate").body(endless).unwrap();
    assert_eq!(ask(&router, request).await, (503, refusal(14, "no complete request within 50ms")));
}

#[tokio::test]
async fn slow_work_is_refused_and_keeps_its_place_until_it_ends() {
    let chain = Arc::new(FakeChain::default());
    let router = before(&chain, &Config { max_running: 1, timeout: Duration::from_millis(50), ..config() });
    let slow = || get("/cosmos/bank/v1beta1/supply");
    assert_eq!(ask(&router, slow()).await, (503, refusal(14, "no answer within 50ms")));
    assert_eq!(ask(&router, slow()).await, (429, refusal(8, "the node is busy")));
    assert_eq!(ask(&router, get("/healthz")).await.0, 200, "health needs no place");
    chain.open_gate();
    // The place comes free when the thread ends: soon, but not at once.
    while ask(&router, slow()).await.0 != 200 {}
}

#[tokio::test]
async fn a_fault_of_a_handler_ends_one_request() {
    let router = before(&Arc::default(), &Config { max_running: 1, ..config() });
    for _ in 0..3 {
        let faulty = get("/cosmos/bank/v1beta1/supply/by_denom?denom=panic");
        assert_eq!(ask(&router, faulty).await, (500, refusal(13, "internal error")));
    }
    assert_eq!(ask(&router, get("/cosmos/bank/v1beta1/supply/by_denom?denom=a")).await.0, 200);
}

#[tokio::test]
async fn serves_over_the_network_and_stops() {
    let front = Front::bind(&config(), Arc::new(FakeChain::default()), &nowhere()).await.unwrap();
    let (grpc, rest) = front.addresses().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(front.run(async move { stopped.await.unwrap_or_default() }));
    let fetch = move |url: String| {
        let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
        let mut response = agent.get(&url).call()?;
        Ok::<_, ureq::Error>((response.status().as_u16(), response.body_mut().read_to_string()?))
    };
    let health = tokio::task::spawn_blocking(move || fetch(format!("http://{rest}/healthz"))).await.unwrap().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&health.1).unwrap()["status"], json!("ok"));
    let plain = tokio::task::spawn_blocking(move || fetch(format!("http://{grpc}/"))).await.unwrap().unwrap();
    assert_eq!(plain.0, 415);
    stop.send(()).unwrap();
    running.await.unwrap();
    assert!(tokio::task::spawn_blocking(move || fetch(format!("http://{rest}/healthz"))).await.unwrap().is_err());
}

#[tokio::test]
async fn clients_that_only_hold_places_keep_nobody_out() {
    let front = Front::bind(&config(), Arc::new(FakeChain::default()), &nowhere()).await.unwrap();
    let (_, rest) = front.addresses().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(front.run(async move { stopped.await.unwrap_or_default() }));
    let mut kept = TcpStream::connect(rest).await.unwrap();
    assert!(healthy(&mut kept).await, "a connection that is in use");
    // Six times as many as there are places, from one address; some have begun a request.
    let mut silent = Vec::new();
    for n in 0..48 {
        let mut stream = TcpStream::connect(rest).await.unwrap();
        if n % 2 == 0 {
            stream.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
        }
        silent.push(stream);
        if n % 8 == 7 {
            assert!(healthy(&mut TcpStream::connect(rest).await.unwrap()).await, "after {n}");
        }
    }
    assert!(healthy(&mut kept).await, "what asked gives no way");
    stop.send(()).unwrap();
    drop(silent);
    drop(kept);
    running.await.unwrap();
}

/// Asks for the node's health.
async fn healthy(stream: &mut TcpStream) -> bool {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    // To its end, a JSON object, so that the connection can be used again.
    let (mut answer, mut part) = (Vec::new(), [0; 4_096]);
    while !answer.ends_with(b"}") {
        let read = stream.read(&mut part).await.unwrap();
        assert!(read > 0, "closed: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..read]);
    }
    answer.starts_with(b"HTTP/1.1 200 OK")
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = std::net::TcpListener::bind(taken).unwrap();
    let refused = Front::bind(&Config { rest: taken, ..config() }, Arc::new(FakeChain::default()), &nowhere()).await.err().unwrap();
    assert!(refused.to_string().contains(&taken.to_string()), "{refused}");
    drop(holder);
}
