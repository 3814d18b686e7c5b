//! What the REST port shows of itself: a page of all endpoints and their OpenAPI document. Health and version are here for chains that bring
//! no pages of their own.
use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{doors::Doors, json::to_go_string, openapi, templates::Routes};
use crate::chain_info::{ChainInfo, LOGO, LOGO_PATH};

/// Nothing but this origin: the page needs no other.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `/`, `/openapi.json`, what is below `/cairn/chain-info/`, and `own`, else `/healthz` and `/version`.
pub(super) fn router(doors: &Arc<Doors>, routes: &Routes, own: Option<Router>) -> Router {
    let openapi = Bytes::from(to_go_string(&openapi::document(doors.dialect, routes)));
    let own = own.unwrap_or_else(|| {
        let version = Bytes::from(to_go_string(&crate::version::document(None)));
        Router::new()
            .route("/version", get(async move || asset("application/json", version)))
            .route("/healthz", get(health))
            .with_state(Arc::clone(doors))
    });
    Router::new()
        .route("/", get(|| async { asset("text/html; charset=utf-8", include_str!("page/index.html")) }))
        .route("/page.js", get(|| async { asset("text/javascript; charset=utf-8", include_str!("page/page.js")) }))
        .route("/page.css", get(|| async { asset("text/css; charset=utf-8", include_str!("page/page.css")) }))
        .route("/openapi.json", get(async move || asset("application/json", openapi)))
        .route(LOGO_PATH, get(|| async { asset("image/svg+xml", LOGO) }))
        .route("/cairn/chain-info/keplr.json", get(async |doors| told(&doors, ChainInfo::keplr)))
        .route("/cairn/chain-info/chain.json", get(async |doors| told(&doors, ChainInfo::chain)))
        .route("/cairn/chain-info/assetlist.json", get(async |doors| told(&doors, ChainInfo::assets)))
        .with_state(Arc::clone(doors))
        .merge(own)
}

fn asset(kind: &'static str, content: impl IntoResponse) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("content-security-policy"), HeaderValue::from_static(POLICY));
    response
}

/// Answers as long as the node does; whether heights grow, the asker sees by asking twice.
async fn health(State(doors): State<Arc<Doors>>) -> Response {
    let body = json!({"status": "ok", "chain_id": doors.chain.chain_id(), "height": doors.chain.height().to_string()});
    let mut response = asset("application/json", to_go_string(&body));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What wallets and registries ask of a chain, in the form that `form` gives it.
fn told(State(doors): &State<Arc<Doors>>, form: fn(&ChainInfo) -> Value) -> Response {
    let price = doors.chain.minimum_gas_price().parse().unwrap_or_default();
    let info = ChainInfo::new(&doors.chain.chain_id(), &doors.public, price, |path| doors.served.contains(path));
    asset("application/json", to_go_string(&form(&info)))
}
