//! A node that is not ready says why, whoever asks.
use axum::{body::Body, http::Request, routing::get as on};
use tower::ServiceExt;

use super::*;
use crate::Settings;

/// A CometBFT whose peer works on the block after `peer`.
async fn comet(catching_up: bool, peer: u64) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let status = json!({"result": {"sync_info": {"catching_up": catching_up}, "node_info": {"version": "0.38.26"}}});
    let state = json!({"result": {"peers": [{"peer_state": {"round_state": {"height": peer.saturating_add(1).to_string()}}}, {"peer_state": null}]}});
    let router = Router::new()
        .route("/status", on(async move || status.to_string()))
        .route("/dump_consensus_state", on(async move || state.to_string()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn health(folder: &std::path::Path, comet: &str, limits: Ready) -> Router {
    let app = App::open(folder, Settings::default()).unwrap();
    let metrics = Metrics::new(&app, folder.to_owned());
    Health::new(&app, &metrics, folder.to_owned(), comet, limits).router()
}

async fn ask(router: &Router, path: &str) -> (u16, String, String) {
    let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, kind, String::from_utf8(body.to_vec()).unwrap())
}

fn failed(body: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body).unwrap();
    body["failed"].as_array().unwrap().iter().map(|f| f["check"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_node_that_is_not_ready_lives_and_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let lax = Ready { min_disk_percent: 0, ..Ready::default() };
    let router = health(folder.path(), &comet(true, 9).await, lax);
    let (status, _, body) = ask(&router, "/healthz").await;
    assert_eq!((status, failed(&body).len()), (200, 0), "{body}");
    let (status, kind, body) = ask(&router, "/readyz").await;
    assert_eq!((status, kind.as_str()), (503, "application/json"));
    assert_eq!(failed(&body), ["block", "sync", "lag"], "{body}");
    let (_, _, version) = ask(&router, "/version").await;
    let version: Value = serde_json::from_str(&version).unwrap();
    assert_eq!((&version["cometbft"], &version["store_schema"]), (&json!("0.38.26"), &json!(cairn_store::SCHEMA)));
}

#[tokio::test]
async fn limits_are_the_operators() {
    let folder = tempfile::tempdir().unwrap();
    let strict = Ready { min_disk_percent: 101, max_lag_blocks: 9, ..Ready::default() };
    let (_, _, body) = ask(&health(folder.path(), &comet(false, 9).await, strict), "/readyz").await;
    assert_eq!(failed(&body), ["space", "block"], "nine blocks behind are allowed: {body}");
    let other = tempfile::tempdir().unwrap();
    let (_, _, body) = ask(&health(other.path(), "http://127.0.0.1:1", Ready { min_disk_percent: 0, ..strict }), "/readyz").await;
    assert_eq!(failed(&body), ["block", "cometbft"], "{body}");
}

#[tokio::test]
async fn a_home_that_takes_no_writes_is_not_alive() {
    let folder = tempfile::tempdir().unwrap();
    let app = App::open(&folder.path().join("state"), Settings::default()).unwrap();
    let gone = folder.path().join("gone");
    let metrics = Metrics::new(&app, gone.clone());
    let router = Health::new(&app, &metrics, gone, "http://127.0.0.1:1", Ready::default()).router();
    let (status, _, body) = ask(&router, "/healthz").await;
    assert_eq!((status, failed(&body)), (503, vec!["disk".to_owned()]), "{body}");
}

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let router = health(folder.path(), "http://127.0.0.1:1", Ready::default());
    let (status, kind, text) = ask(&router, "/metrics?format=prometheus").await;
    assert_eq!((status, kind.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    assert!(text.contains("\ncairn_height 0\n") && text.contains("# TYPE cairn_txs_total counter\n") && !text.contains("# EOF"));
    let (_, kind, text) = ask(&router, "/metrics?format=openmetrics").await;
    assert!(kind.starts_with("application/openmetrics-text") && text.ends_with("# EOF\n"));
    assert_eq!(ask(&router, "/metrics?format=xml").await.0, 400);
}
