//! Contents, put by those who will list them in a manifest.
use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{content_length, signed_in};
use crate::{gateway::Gateway, hash::Hash, refusal::Refusal, upload::upload};

/// Takes a content in.
pub(super) async fn put(
    State(gateway): State<Arc<Gateway>>,
    Path(content): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let account = signed_in(&gateway, &headers)?;
    let content: Hash = content.parse()?;
    let (new, bytes) = upload(&gateway, &account, &content, content_length(&headers), body).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(json!({ "sha256": content.to_string(), "bytes": bytes }))).into_response())
}

/// Whether the account uploaded a content that waits for its manifest to be on the chain. Of others' uploads it says nothing.
pub(super) async fn head(
    State(gateway): State<Arc<Gateway>>,
    Path(content): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let account = signed_in(&gateway, &headers)?;
    let content: Hash = content.parse()?;
    let bytes = gateway.store.content_bytes(&content).await?.ok_or(Refusal::UnknownContent)?;
    if !gateway.store.is_marked(&account, &content, bytes).await? {
        return Err(Refusal::UnknownContent);
    }
    Ok((StatusCode::OK, [(header::CONTENT_LENGTH, bytes.to_string())]).into_response())
}
