//! Manifests, put by requesters before they post a job and by owners before they publish a version.
use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use object_store::GetOptions;
use serde::Deserialize;
use serde_json::json;

use super::{content_length, signed_in};
use crate::{
    gateway::Gateway,
    hash::Hash,
    intake::{Intake, paced},
    manifest::{Accepted, accept},
    refusal::Refusal,
    store::{ManifestKey, PartKind},
};

/// Takes a manifest in.
pub(super) async fn put(
    State(gateway): State<Arc<Gateway>>,
    Path(root): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let account = signed_in(&gateway, &headers)?;
    let key = ManifestKey { root: root.parse()?, account };
    let limits = &gateway.config.limits;
    let declared = content_length(&headers);
    let body = Intake::new(body, declared, limits.manifest_bytes, gateway.pace(), &gateway.metrics)?;
    gateway.admission.uploader(&account).await?;
    let _turn = gateway.turns.take(&account).await?;
    let place = gateway.place(&account, declared.unwrap_or(0)).await?;
    let Accepted { new, items } = accept(&gateway.manifests, &key, limits.manifest_items, body, place).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(json!({ "root": key.root.to_string(), "items": items }))).into_response())
}

/// What else may give a right to a manifest.
#[derive(Deserialize)]
pub(super) struct By {
    /// A job of the account that names the root.
    job: Option<u64>,
}

/// The list of items, as its uploader put it: for the uploader, and for the requester of a job that names the root.
pub(super) async fn get(
    State(gateway): State<Arc<Gateway>>,
    Path(root): Path<String>,
    by: Result<Query<By>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let account = signed_in(&gateway, &headers)?;
    let root: Hash = root.parse()?;
    let Query(by) = by.map_err(|e| Refusal::BadRequest(e.body_text()))?;
    let Some(job) = by.job else { return listing(&gateway, &ManifestKey { root, account }).await };
    let job = gateway.admission.job(job).await?;
    if job.requester != account.to_string() || job.root != root {
        return Err(Refusal::UnknownManifest(root.to_string()));
    }
    let key = gateway.serving(&root, &job.requester, &format!("job {}", job.id)).await?;
    listing(&gateway, &key).await
}

/// A manifest's items as JSON lines.
pub(super) async fn listing(gateway: &Arc<Gateway>, key: &ManifestKey) -> Result<Response, Refusal> {
    let unknown = || Refusal::UnknownManifest(key.root.to_string());
    if !gateway.store.has_part(key, PartKind::Index).await? {
        return Err(unknown());
    }
    let found = gateway.store.read_part(key, PartKind::Items, GetOptions::default()).await?.ok_or_else(unknown)?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (header::CONTENT_LENGTH, found.meta.size.to_string()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    let counted = Arc::clone(gateway);
    Ok((headers, paced(found.into_stream(), gateway.pace(), move |bytes| counted.metrics.sent(bytes))).into_response())
}
