//! The gRPC door, and gRPC-web through the REST port.
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response},
};
use cairn_proto::cosmos::bank::v1beta1 as bank;
use prost::Message;

use super::{
    doors, known, nowhere,
    rest::{get, send, text},
};
use crate::api::{grpc, rest};

fn router() -> Router {
    grpc::router(&doors(&nowhere()), 1 << 16)
}

/// A message with gRPC's prefix: not compressed, and its length.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// The messages of a body.
fn unframed(mut body: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((head, rest)) = body.split_at_checked(5) {
        let length = usize::try_from(u32::from_be_bytes(head[1..].try_into().unwrap())).unwrap();
        if head[0] == 0 {
            messages.push(rest[..length].to_vec());
        }
        body = &rest[length..];
    }
    messages
}

fn call(path: &str, message: &[u8]) -> Request<Body> {
    Request::post(path).header("content-type", "application/grpc").header("te", "trailers").body(Body::from(framed(message))).unwrap()
}

async fn messages(response: Response<Body>) -> Vec<Vec<u8>> {
    assert_eq!(response.headers().get("grpc-status"), None);
    unframed(&to_bytes(response.into_body(), 1 << 20).await.unwrap())
}

/// Status and text of a refusal.
fn refused(response: &Response<Body>) -> (&str, String) {
    let text = response.headers().get("grpc-message").map_or("", |m| m.to_str().unwrap());
    (response.headers()["grpc-status"].to_str().unwrap(), text.replace("%20", " "))
}

#[tokio::test]
async fn bytes_go_to_the_router_and_back() {
    let asked = bank::QueryBalanceRequest { address: known().to_string(), denom: "ucairn".into() }.encode_to_vec();
    let response = send(&router(), call("/cosmos.bank.v1beta1.Query/Balance", &asked)).await;
    assert_eq!(response.headers()["x-cosmos-block-height"], "42");
    let found = messages(response).await;
    let balance = bank::QueryBalanceResponse::decode(found[0].as_slice()).unwrap().balance.unwrap();
    assert_eq!((balance.denom.as_str(), balance.amount.as_str()), ("ucairn", "5"));
}

#[tokio::test]
async fn metadata_chooses_the_height() {
    let at = |height: &str| {
        let mut request = call("/cosmos.bank.v1beta1.Query/Params", &[]);
        request.headers_mut().insert("x-cosmos-block-height", height.parse().unwrap());
        request
    };
    assert_eq!(send(&router(), at("7")).await.headers()["x-cosmos-block-height"], "7");
    let future = send(&router(), at("43")).await;
    assert_eq!(refused(&future), ("11", "cannot query with height 43".into()));
    assert_eq!(refused(&send(&router(), at("-1")).await).0, "3");
}

#[tokio::test]
async fn refusals_carry_their_status() {
    let nobody = cairn_kernel::Address::module("nobody");
    let asked = bank::QueryBalanceRequest { address: nobody.to_string(), denom: String::new() }.encode_to_vec();
    let missing = send(&router(), call("/cosmos.auth.v1beta1.Query/Account", &asked[..asked.len()])).await;
    assert_eq!(refused(&missing), ("5", format!("account {nobody} not found")));
    let unknown = send(&router(), call("/cosmos.staking.v1beta1.Query/Params", &[])).await;
    assert_eq!(refused(&unknown), ("12", "unknown method /cosmos.staking.v1beta1.Query/Params".into()));
    let no_comet = send(&router(), call("/cosmos.base.tendermint.v1beta1.Service/GetSyncing", &[])).await;
    assert_eq!(refused(&no_comet), ("14", "CometBFT does not answer".into()));
    let garbage = send(&router(), call("/cosmos.tx.v1beta1.Service/GetTx", &[0xff])).await;
    assert_eq!(refused(&garbage).0, "3");
    let large = send(&router(), call("/cosmos.bank.v1beta1.Query/Balance", &vec![0; 70_000])).await;
    assert_eq!(refused(&large).0, "11", "tonic's status for a message over the limit");
}

#[tokio::test]
async fn tells_its_health() {
    let response = send(&router(), call("/grpc.health.v1.Health/Check", &[])).await;
    assert_eq!(messages(response).await, [vec![0x08, 0x01]]);
}

#[tokio::test]
async fn gives_all_descriptors_at_once() {
    let response = send(&router(), call("/cosmos.reflection.v1.ReflectionService/FileDescriptors", &[])).await;
    let body = to_bytes(response.into_body(), 1 << 24).await.unwrap();
    assert!(unframed(&body)[0] == cairn_proto::DESCRIPTORS);
}

#[tokio::test]
async fn reflects_in_both_versions() {
    // list_services: "*"
    let asked = [0x3a, 0x01, b'*'];
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let found = messages(send(&router(), call(&path, &asked)).await).await;
        let names = String::from_utf8_lossy(&found[0]).into_owned();
        assert!(names.contains("cosmos.bank.v1beta1.Query") && names.contains("cosmos.tx.v1beta1.Service"), "{names}");
        assert!(!names.contains("cosmos.staking"), "not served here");
    }
}

#[tokio::test]
async fn browsers_reach_it_through_the_rest_port() {
    let asked = bank::QueryBalanceRequest { address: known().to_string(), denom: "ucairn".into() }.encode_to_vec();
    let request = Request::post("/cosmos.bank.v1beta1.Query/Balance")
        .header("content-type", "application/grpc-web+proto")
        .header("origin", "https://a.example")
        .body(Body::from(framed(&asked)))
        .unwrap();
    let response = send(&rest::router(&doors(&nowhere()), 1 << 16), request).await;
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers()["content-type"], "application/grpc-web+proto");
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    assert_eq!(unframed(&body).len(), 1);
    assert!(String::from_utf8_lossy(&body).contains("grpc-status:0"));
}

#[tokio::test]
async fn what_is_no_grpc_is_sent_away() {
    let response = send(&router(), get("/")).await;
    assert_eq!(response.status(), 415);
    assert!(text(response).await.contains("gRPC"));
}
