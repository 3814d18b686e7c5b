//! Counts and logs each request: its path, never its query, headers or body, where tokens and signatures are.
use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};

use crate::{gateway::Gateway, refusal::Code};

pub(super) async fn observe(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let _going = gateway.metrics.in_flight();
    let began = Instant::now();
    // Both are labels of counters: only words from a bounded set.
    let method = standard(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let code = response.extensions().get::<Code>().map(|code| code.0);
    gateway.metrics.request(method, &route, status);
    if let Some(code) = code {
        gateway.metrics.refusal(code);
    }
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(method, path, status, code, millis, "answered");
    response
}

fn standard(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
