//! What operators and browsers see.
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::World;

#[tokio::test]
async fn health_tells_of_store_and_node() {
    let world = World::new().await;
    let stranger = world.stranger();
    assert_eq!(stranger.get("/healthz").await.is(200).json(), serde_json::json!({ "status": "ok", "store": true, "height": 100 }));
    let version = stranger.get("/version").await.is(200).json();
    assert_eq!((version["name"].as_str(), version["domain"].as_str()), (Some("cairn-gateway"), Some("gateway.test")));
    let world = World::new().await;
    world.node.facts().down = true;
    assert_eq!(world.stranger().get("/healthz").await.is(200).json()["height"], serde_json::Value::Null);
    let world = World::new().await;
    std::fs::remove_dir_all(world.store()).unwrap();
    std::fs::write(world.store(), b"in the way").unwrap();
    world.stranger().get("/healthz").await.is(503);
}

#[tokio::test]
async fn requests_bytes_and_refusals_are_counted() {
    let world = World::new().await;
    let person = world.person(1).await;
    person.put_content(b"hello").await.is(201);
    person.put("/v1/content/nonsense", "x").await.is_refused(400, "bad_hash");
    person.send(person.request(Method::from_bytes(b"WHAT").unwrap(), "/nowhere/1")).await.is(404);
    let metrics = person.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    let text = String::from_utf8(metrics.body).unwrap();
    for line in [
        "cairn_gateway_requests_total{method=\"PUT\",route=\"/v1/content/{sha256}\",status=\"201\"} 1",
        "cairn_gateway_requests_total{method=\"OTHER\",route=\"unknown\",status=\"404\"} 1",
        "cairn_gateway_refusals_total{code=\"bad_hash\"} 1",
        "cairn_gateway_unreferenced_bytes 4096",
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
    }
    assert!(!text.contains(person.token.as_ref().unwrap()));
}

#[tokio::test]
async fn pages_of_any_origin_may_ask() {
    let world = World::new().await;
    let stranger = world.stranger();
    let request = stranger.request(Method::OPTIONS, "/v1/content/00").header("origin", "https://app.example");
    let request = request.header("access-control-request-method", "PUT").header("access-control-request-headers", "authorization");
    let preflight = stranger.send(request).await;
    assert_eq!(preflight.is(200).header("access-control-allow-origin"), "*");
    assert!(preflight.header("access-control-allow-methods").contains("PUT"));
    assert!(preflight.header("access-control-allow-headers").contains("authorization"));
    let refused = stranger.send(stranger.request(Method::GET, "/v1/jobs/1/tasks/0").header("origin", "https://app.example")).await;
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    assert!(refused.header("access-control-expose-headers").contains("x-cairn-sha256"));
}

#[tokio::test]
async fn a_stop_lets_a_request_end_and_takes_no_more() {
    let mut world = World::new().await;
    let person = world.person(1).await;
    let mut raw = TcpStream::connect(world.address).await.unwrap();
    let (token, hash) = (person.token.as_ref().unwrap(), crate::world::sha(b"ab"));
    let head = format!(
        "PUT /v1/content/{hash} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
    );
    raw.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    raw.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    let address = world.address;
    let rest = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        raw.write_all(b"ab").await.unwrap();
        let mut answer = String::new();
        raw.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let ((), answer) = tokio::join!(world.stop(), rest);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}
