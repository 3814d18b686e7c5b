//! How the gateway does.
use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use crate::gateway::Gateway;

/// 200 while content can be stored and read. A node that does not answer is told, not failed: public content is served without it.
pub(super) async fn health(State(gateway): State<Arc<Gateway>>) -> (StatusCode, Json<Value>) {
    let health = gateway.health().await;
    let status = if health.store { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if health.store { "ok" } else { "failing" };
    (status, Json(json!({ "status": word, "store": health.store, "height": health.height })))
}

/// What runs here.
pub(super) async fn version(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    Json(json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION"), "domain": gateway.config.domain() }))
}

/// Counters for Prometheus.
pub(super) async fn metrics(State(gateway): State<Arc<Gateway>>) -> impl IntoResponse {
    const TEXT: (HeaderName, &str) = (header::CONTENT_TYPE, "text/plain; version=0.0.4");
    ([TEXT], gateway.metrics.render(gateway.quotas.total()))
}
