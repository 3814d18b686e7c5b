//! The HTTP interface: which path does what. The README specifies it.
mod assets;
mod compute;
mod contents;
mod drafts;
mod jobs;
mod manifests;
mod observe;
mod sessions;
mod status;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use cairn_kernel::Address;
use serde_json::json;
use tower_http::cors::{Any, CorsLayer};

use crate::{
    delivery::{BLIND, CONTENT_HASH},
    gateway::{Gateway, now},
    hash::Hash,
    manifest::Proof,
    refusal::Refusal,
};

/// A request that sends no body is answered, or begun to be, within this time.
const ANSWER: Duration = Duration::from_secs(30);

/// Everything that the gateway answers.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    // Uploads are bounded by their size and pace instead.
    let uploads = Router::new()
        .route("/v1/content/{sha256}", put(contents::put).head(contents::head).fallback(wrong_method))
        .route("/v1/manifests/{root}", put(manifests::put).get(manifests::get).fallback(wrong_method));
    let questions = Router::new()
        .route("/healthz", get(status::health).fallback(wrong_method))
        .route("/version", get(status::version).fallback(wrong_method))
        .route("/metrics", get(status::metrics).fallback(wrong_method))
        .route("/v1/auth/challenge", get(sessions::challenge).fallback(wrong_method))
        .route("/v1/auth/login", post(sessions::login).fallback(wrong_method))
        .route("/v1/jobs/{job}/tasks/{task}", get(jobs::item).fallback(wrong_method))
        .route("/v1/jobs/{job}/tasks/{task}/proof", get(jobs::proof).fallback(wrong_method))
        .route("/v1/jobs/{job}/tasks/{task}/drafts/{sha256}", get(drafts::draft).fallback(wrong_method))
        .route("/v1/compute/jobs/{job}/inputs", get(compute::inputs).fallback(wrong_method))
        .route("/v1/assets/{asset}/versions/{version}/manifest", get(assets::manifest).fallback(wrong_method))
        .route("/v1/assets/{asset}/versions/{version}/items/{index}", get(assets::item).fallback(wrong_method))
        .route("/v1/assets/{asset}/versions/{version}/items/{index}/proof", get(assets::proof).fallback(wrong_method))
        .layer(middleware::from_fn(in_time));
    uploads
        .merge(questions)
        .fallback(unknown_path)
        .layer(cors())
        .layer(middleware::from_fn_with_state(Arc::clone(&gateway), observe::observe))
        .with_state(gateway)
}

/// Any page may ask: what it may have depends on the token that it holds, and browsers send none by themselves.
fn cors() -> CorsLayer {
    let exposed = [header::ETAG, header::CONTENT_RANGE, header::ACCEPT_RANGES, header::RETRY_AFTER];
    let own = [CONTENT_HASH, BLIND].map(HeaderName::from_static);
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::PUT, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::RANGE, header::IF_NONE_MATCH, header::IF_RANGE])
        .expose_headers(exposed.into_iter().chain(own).collect::<Vec<_>>())
        .max_age(Duration::from_secs(3_600))
}

async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(ANSWER, next.run(request)).await.unwrap_or_else(|_| Refusal::TimedOut.into_response())
}

async fn unknown_path(request: Request) -> Refusal {
    Refusal::UnknownPath(request.uri().path().chars().take(200).collect())
}

async fn wrong_method() -> Refusal {
    Refusal::MethodNotAllowed
}

/// Who asks, if the request says so.
fn account(gateway: &Gateway, headers: &HeaderMap) -> Result<Option<Address>, Refusal> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let (scheme, token) = value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or(Refusal::TokenInvalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::TokenInvalid);
    }
    gateway.sign_ins.check(token.trim(), now()).map(Some)
}

/// Who asks.
fn signed_in(gateway: &Gateway, headers: &HeaderMap) -> Result<Address, Refusal> {
    account(gateway, headers)?.ok_or(Refusal::SignInRequired)
}

/// A number in a path.
fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Refusal> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let parsed = text.parse().ok().filter(|_| digits);
    parsed.ok_or_else(|| Refusal::BadRequest(format!("{name}: expected a number, found {:?}", text.chars().take(40).collect::<String>())))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A proof as clients check it.
fn proven(name: &str, index: u64, proof: &Proof, root: &Hash) -> Response {
    let body = json!({
        name: index,
        "sha256": Hash(proof.item.content).to_string(),
        "bytes": proof.item.bytes,
        "blind": hex::encode(proof.item.blind),
        "leaf": hex::encode(proof.leaf),
        "path": proof.path.iter().map(hex::encode).collect::<Vec<_>>(),
        "items": proof.items,
        "root": root.to_string(),
    });
    let mut response = axum::Json(body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}
