//! The REST door: routes, parameters, heights, errors.
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{doors, known, nowhere, refusal};
use crate::api::rest;

pub(super) async fn send(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

pub(super) async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 22).await.unwrap().to_vec()).unwrap()
}

pub(super) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

pub(super) fn post(path: &str, body: &str) -> Request<Body> {
    Request::post(path).header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()
}

/// Status and JSON of the answer.
pub(super) async fn ask(router: &Router, request: Request<Body>) -> (u16, Value) {
    let response = send(router, request).await;
    let status = response.status().as_u16();
    let text = text(response).await;
    (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
}

fn router() -> Router {
    rest::router(&doors(&nowhere()), 1 << 16)
}

#[tokio::test]
async fn answers_a_query_at_the_last_height() {
    let path = format!("/cosmos/bank/v1beta1/balances/{}?pagination.limit=1000&pagination.key=-_8&cache=1", known());
    let response = send(&router(), get(&path)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["grpc-metadata-x-cosmos-block-height"], "42");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(text(response).await, r#"{"balances":[{"denom":"ucairn","amount":"5"}],"pagination":{"next_key":"+/8=","total":"1000"}}"#);
}

#[tokio::test]
async fn a_header_chooses_the_height() {
    let path = "/cosmos/auth/v1beta1/params";
    for header in ["x-cosmos-block-height", "Grpc-Metadata-X-Cosmos-Block-Height"] {
        for (asked, height) in [("7", "7"), ("0", "42")] {
            let request = Request::get(path).header(header, asked).body(Body::empty()).unwrap();
            assert_eq!(send(&router(), request).await.headers()["x-cosmos-block-height"], height);
        }
    }
    for (bad, message) in [
        ("-1", "cannot query with height < 0; please provide a valid height"),
        ("x", "invalid height header \"x-cosmos-block-height\": invalid digit found in string"),
        ("9223372036854775807", "cannot query with height 9223372036854775807"),
    ] {
        let request = Request::get(path).header("x-cosmos-block-height", bad).body(Body::empty()).unwrap();
        let (status, body) = ask(&router(), request).await;
        assert_eq!((status, body["message"].as_str().unwrap()), (400, message));
    }
}

#[tokio::test]
async fn a_missing_account_is_said_as_the_sdk_says_it() {
    let nobody = cairn_kernel::Address::module("nobody");
    let (status, body) = ask(&router(), get(&format!("/cosmos/auth/v1beta1/accounts/{nobody}"))).await;
    let message = format!("account {nobody} not found");
    assert_eq!((status, body), (404, refusal(5, &message)));
}

#[tokio::test]
async fn unknown_routes_and_verbs_are_not_implemented() {
    let plain = text(send(&router(), get("/feemarket/v1/params")).await).await;
    assert_eq!(plain, r#"{"code":12,"message":"Not Implemented","details":[]}"#);
    for path in ["/feemarket/v1/params", "/cosmwasm/wasm/v1/code", "/cosmos/bank/v1beta1/params/", "//", "/cosmos/staking/v1beta1/params"] {
        assert_eq!(ask(&router(), get(path)).await, (501, refusal(12, "Not Implemented")), "{path}");
    }
    assert_eq!(ask(&router(), post("/cosmos/bank/v1beta1/params", "{}")).await, (501, refusal(12, "Method Not Allowed")));
    assert_eq!(ask(&router(), get("/cosmos/tx/v1beta1/simulate")).await, (501, refusal(12, "Method Not Allowed")));
    assert_eq!(ask(&router(), get("/cosmos/auth/v1beta1/accounts/%zz")).await, (400, refusal(3, "malformed path")));
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_refused() {
    let balances = |query: &str| get(&format!("/cosmos/bank/v1beta1/balances/{}?{query}", known()));
    for (query, part) in [
        (
            "pagination.limit=x",
            "type mismatch, parameter: pagination.limit, error: expected a whole number of 64 bits, 0 or more, such as 100, found \"x\"",
        ),
        ("pagination.limit=-1", "pagination.limit"),
        ("pagination.key=%23", "expected base64"),
        ("pagination.reverse=maybe", "expected true or false"),
        ("pagination=1", "expected an object"),
    ] {
        let (status, body) = ask(&router(), balances(query)).await;
        assert_eq!((status, &body["code"]), (400, &json!(3)), "{query}");
        assert!(body["message"].as_str().unwrap().contains(part), "{body}");
    }
    let many = (0..200).map(|i| format!("a{i}=1")).collect::<Vec<_>>().join("&");
    assert_eq!(ask(&router(), balances(&many)).await.0, 400);
    for ignored in
        ["pagination.nothing.deeper=1", "a.b.c.d.e.f.g.h.i.j=1", "=", "&&", "pagination.limit=5&pagination.limit=6", "address=other"]
    {
        assert_eq!(ask(&router(), balances(ignored)).await.0, 200, "{ignored}");
    }
}

#[tokio::test]
async fn a_form_posted_to_what_can_be_got_is_a_query_string() {
    let path = format!("/cosmos/bank/v1beta1/balances/{}", known());
    let form = |body: &str| {
        let request = Request::post(&path).header("content-type", "application/x-www-form-urlencoded");
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let (status, body) = ask(&router(), form("pagination.limit=7&a=%20")).await;
    assert_eq!((status, &body["pagination"]["total"]), (200, &json!("7")));
    for bad in ["pagination.limit=x", "\u{0}", "é ä"] {
        assert_eq!(ask(&router(), form(bad)).await.0, 400, "{bad:?}");
    }
}

#[tokio::test]
async fn refusals_name_the_height_too() {
    let nobody = cairn_kernel::Address::module("nobody");
    let response = send(&router(), get(&format!("/cosmos/auth/v1beta1/accounts/{nobody}"))).await;
    assert_eq!((response.status().as_u16(), response.headers()["grpc-metadata-x-cosmos-block-height"].to_str().unwrap()), (404, "42"));
}

#[tokio::test]
async fn denominations_may_hold_slashes() {
    for path in ["/cosmos/bank/v1beta1/denoms_metadata/share/1", "/cosmos/bank/v1beta1/denoms_metadata/share%2F1"] {
        let plain = text(send(&router(), get(path)).await).await;
        assert!(plain.contains(r#""base":"share/1""#) && plain.contains(r#""description":"\u003cb\u003e""#), "{plain}");
    }
    let (_, body) = ask(&router(), get("/cosmos/bank/v1beta1/supply/by_denom?denom=share%2F1")).await;
    assert_eq!(body, json!({"amount": {"denom": "share/1", "amount": "5"}}));
}

#[tokio::test]
async fn bodies_are_read_as_json() {
    let simulate = |body: &str| post("/cosmos/tx/v1beta1/simulate", body);
    let (status, body) = ask(&router(), simulate(r#"{"tx_bytes":"AQI"}"#)).await;
    assert_eq!((status, body), (200, json!({"gas_info": {"gas_wanted": "0", "gas_used": "77"}, "result": null})));
    let (status, body) = ask(&router(), simulate(r#"{"txBytes":"YmFk"}"#)).await;
    assert_eq!((status, body), (500, refusal(2, "out of gas: out of gas with gas used: '9'")));
    for (bad, part) in
        [("{", "the body is no JSON"), ("[]", "expected an object"), (r#"{"tx_bytes":1}"#, "tx_bytes: expected base64, found 1")]
    {
        let (status, body) = ask(&router(), simulate(bad)).await;
        assert!(status == 400 && body["message"].as_str().unwrap().contains(part), "{bad}: {body}");
    }
    // What the request has no field for is passed over, but not within a transaction.
    assert_eq!(ask(&router(), simulate(r#"{"tx_bytes":"AQI","x":1}"#)).await.0, 200);
    let (status, body) = ask(&router(), post("/cosmos/tx/v1beta1/encode", r#"{"tx":{"body":{"x":1}}}"#)).await;
    assert!(status == 400 && body["message"].as_str().unwrap().contains("has no field"), "{body}");
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(ask(&router(), simulate(&deep)).await.0, 400);
}

#[tokio::test]
async fn head_is_a_get_and_any_origin_may_ask() {
    let request = Request::head("/cosmos/bank/v1beta1/params").header("origin", "https://a.example").body(Body::empty()).unwrap();
    let response = send(&router(), request).await;
    assert_eq!((response.status(), &response.headers()["access-control-allow-origin"]), (StatusCode::OK, &"*".parse().unwrap()));
    let preflight = Request::options("/cosmos/tx/v1beta1/txs")
        .header("origin", "https://a.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .body(Body::empty())
        .unwrap();
    let response = send(&router(), preflight).await;
    assert_eq!((response.status(), &response.headers()["access-control-allow-headers"]), (StatusCode::OK, &"*".parse().unwrap()));
}

#[tokio::test]
async fn shows_pages_health_version_and_openapi() {
    let (_, health) = ask(&router(), get("/healthz")).await;
    assert_eq!(health, json!({"status": "ok", "chain_id": "cairn-test-1", "height": "42"}));
    let (_, version) = ask(&router(), get("/version")).await;
    assert_eq!((&version["app_name"], &version["cosmos_sdk_version"]), (&json!("cairnd"), &json!("v0.50.9")));
    let (_, openapi) = ask(&router(), get("/openapi.json")).await;
    assert!(openapi["paths"]["/cosmos/bank/v1beta1/params"]["get"].is_object());
    assert!(openapi["paths"]["/cosmos/staking/v1beta1/params"].is_null(), "not served here");
    for (path, kind) in
        [("/", "text/html; charset=utf-8"), ("/page.js", "text/javascript; charset=utf-8"), ("/page.css", "text/css; charset=utf-8")]
    {
        let response = send(&router(), get(path)).await;
        assert_eq!(response.headers()["content-type"], kind);
        assert!(response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        let content = text(response).await;
        assert!(!content.contains("http://") && !content.contains("https://"), "{path} names another origin");
    }
}

#[tokio::test]
async fn without_cometbft_its_services_are_unavailable_and_the_others_answer() {
    let (status, body) = ask(&router(), get("/cosmos/base/tendermint/v1beta1/blocks/latest")).await;
    assert_eq!((status, body), (503, refusal(14, "CometBFT does not answer")));
    assert_eq!(ask(&router(), get("/cosmos/bank/v1beta1/params")).await.0, 200);
}
