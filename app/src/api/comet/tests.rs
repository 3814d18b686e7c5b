//! What is asked of CometBFT, and what becomes of strange answers.
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, routing::post};
use cairn_kernel::Status;
use cairn_proto::cosmos::{
    base::{query::v1beta1::PageRequest, tendermint::v1beta1 as cmt},
    tx::v1beta1 as tx,
};
use prost::Message;
use serde_json::{Value, json};

use super::{CALLS, Node, Services, page};
use crate::api::{
    doors::Refusal,
    json::Dialect,
    tests::{FakeChain, RECORDED},
};

/// A CometBFT that gives one answer to everything and remembers what it was asked.
struct Stub {
    url: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

async fn stub(answer: String) -> Stub {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let note = async |State((asked, answer)): State<(Arc<Mutex<Vec<Value>>>, String)>, call: String| {
        asked.lock().unwrap().push(serde_json::from_str(&call).unwrap());
        answer
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(note)).with_state((Arc::clone(&asked), answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Stub { url, asked }
}

async fn call<R: Message + Default>(stub: &Stub, path: &str, request: &impl Message) -> Result<R, Refusal> {
    let (_, call) = CALLS.iter().find(|(p, _)| *p == path).unwrap();
    let (url, data, call) = (stub.url.clone(), request.encode_to_vec(), *call);
    let work = move || call(&Node::new(Arc::new(FakeChain::default()), &url, Duration::from_secs(30)), &data);
    Ok(R::decode(tokio::task::spawn_blocking(work).await.unwrap()?.as_slice()).unwrap())
}

fn recorded(name: &str) -> String {
    serde_json::from_str::<Value>(RECORDED).unwrap()[name].to_string()
}

const SEARCH: &str = "/cosmos.tx.v1beta1.Service/GetTxsEvent";

async fn search_params(request: tx::GetTxsEventRequest) -> Value {
    let none = json!({"result": {"txs": [], "total_count": "0"}}).to_string();
    let stub = stub(none).await;
    call::<tx::GetTxsEventResponse>(&stub, SEARCH, &request).await.unwrap();
    let asked = stub.asked.lock().unwrap();
    asked[0]["params"].clone()
}

#[tokio::test]
async fn a_search_is_asked_in_pages_of_at_most_a_hundred() {
    let asked = search_params(tx::GetTxsEventRequest { query: "a='b'".into(), ..Default::default() }).await;
    assert_eq!(asked, json!({"page": "1", "per_page": "100", "query": "a='b'", "prove": false, "order_by": "asc"}));
    let order_by = tx::OrderBy::Desc.into();
    let asked = search_params(tx::GetTxsEventRequest { query: "q=1".into(), page: 3, limit: 5000, order_by, ..Default::default() }).await;
    assert_eq!((&asked["page"], &asked["per_page"], &asked["order_by"]), (&json!("3"), &json!("100"), &json!("desc")));
    #[allow(deprecated, reason = "what older explorers send")]
    let old = tx::GetTxsEventRequest {
        events: vec!["a='1'".into(), "b='2'".into()],
        pagination: Some(PageRequest { offset: 40, limit: 20, ..Default::default() }),
        ..Default::default()
    };
    let asked = search_params(old).await;
    assert_eq!((&asked["page"], &asked["per_page"], &asked["query"]), (&json!("3"), &json!("20"), &json!("a='1' AND b='2'")));
}

#[test]
fn pages_are_counted_from_one_without_overflow() {
    assert_eq!((page(0, 0), page(99, 100), page(100, 100)), ((1, 100), (1, 100), (2, 100)));
    assert_eq!(page(u64::MAX, 1), (u64::MAX, 1));
}

#[tokio::test]
async fn queries_are_asked_with_hexadecimal_data_and_height() {
    let stub = stub(recorded("abci_query")).await;
    let request = cmt::AbciQueryRequest { data: vec![0xab], path: "/store/bank/key".into(), height: 5, prove: true };
    call::<cmt::AbciQueryResponse>(&stub, "/cosmos.base.tendermint.v1beta1.Service/ABCIQuery", &request).await.unwrap();
    let asked = stub.asked.lock().unwrap()[0]["params"].clone();
    assert_eq!(asked, json!({"path": "/store/bank/key", "data": "ab", "height": "5", "prove": true}));
}

#[tokio::test]
async fn why_the_mempool_took_no_notice_has_the_codes_of_the_sdk() {
    let path = "/cosmos.tx.v1beta1.Service/BroadcastTx";
    let request = tx::BroadcastTxRequest { tx_bytes: vec![1], mode: tx::BroadcastMode::Sync.into() };
    for (data, code) in [
        ("tx already exists in cache", 19),
        ("mempool is full: number of txs 5000 (max: 5000)", 20),
        ("Tx too large. Max size is 1, but got 2", 21),
    ] {
        let stub = stub(json!({"error": {"code": -32603, "message": "Internal error", "data": data}}).to_string()).await;
        let sent = call::<tx::BroadcastTxResponse>(&stub, path, &request).await.unwrap().tx_response.unwrap();
        assert_eq!((sent.code, sent.codespace.as_str()), (code, "sdk"));
        assert_eq!(sent.txhash, "4BF5122F344554C53BDE2EBB8CD2B7E3D1600AD631C385A5D7CCE23C7785459A");
    }
    let other = stub(json!({"error": {"code": -32603, "message": "Internal error"}}).to_string()).await;
    let refused = call::<tx::BroadcastTxResponse>(&other, path, &request).await.unwrap_err();
    assert_eq!(refused, Refusal::new(Status::Unknown, "Internal error"));
}

#[tokio::test]
async fn strange_answers_are_an_unavailable_node() {
    for answer in ["", "{}", "null", "[]", "<html>", r#"{"result":{}}"#, r#"{"result":{"node_info":1}}"#] {
        let stub = stub(answer.to_owned()).await;
        let path = "/cosmos.base.tendermint.v1beta1.Service/GetSyncing";
        let refused = call::<cmt::GetSyncingResponse>(&stub, path, &cmt::GetSyncingRequest {}).await.unwrap_err();
        assert_eq!(refused.status, Status::Unavailable, "{answer}");
    }
}

#[tokio::test]
async fn what_is_asked_by_abci_query_is_answered_alike_but_for_its_own_door() {
    let nothing = stub(json!({"error": {"code": -32603, "message": "Internal error", "data": "tx (AB) not found"}}).to_string()).await;
    let services = Services::new(Arc::new(FakeChain::default()), &nothing.url);
    let asked = tokio::task::spawn_blocking(move || {
        let hash = "AB".repeat(32);
        let get = services.answer("/cosmos.tx.v1beta1.Service/GetTx", &tx::GetTxRequest { hash }.encode_to_vec());
        let own = services.answer("/cosmos.base.tendermint.v1beta1.Service/ABCIQuery", &[]);
        (get, own.is_none(), services.answer("/cosmos.bank.v1beta1.Query/Params", &[]).is_none())
    });
    let (get, own, of_state) = asked.await.unwrap();
    let refused = get.unwrap().unwrap_err();
    assert_eq!((refused.status, refused.log), (Status::NotFound, format!("tx not found: {}", "AB".repeat(32))));
    assert!(own && of_state);
}

#[test]
fn every_call_is_a_method_of_its_service() {
    for (path, _) in CALLS {
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap();
        let service = Dialect::cairn().pool().get_service_by_name(service).unwrap();
        assert!(service.methods().any(|m| m.name() == method), "{path}");
    }
}
