//! Drafts of TEXT and AUDIO jobs, for those who verify them, their producers and the requester; after the settlement the results for licensees.
use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};

use super::{account, number};
use crate::{
    delivery::{self, Sent},
    gateway::Gateway,
    refusal::Refusal,
};

/// What a draft is said to be: the container that names its producer, the content and its media type.
const MEDIA_TYPE: &str = "application/vnd.cairn.draft";

/// A draft as its producer uploaded it.
pub(super) async fn draft(
    State(gateway): State<Arc<Gateway>>,
    Path((job, task, payload)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (job, task, payload) = (number("job", &job)?, number("task", &task)?, payload.parse()?);
    let account = account(&gateway, &headers)?;
    let producers = gateway.admission.draft(job, task, &payload, account.as_ref()).await?;
    let bytes = gateway.serving_alone(&payload, &producers, &format!("job {job} task {task}")).await?;
    let bytes = bytes.ok_or_else(|| Refusal::DraftNotServed(payload.to_string()))?;
    delivery::send(&gateway, &Sent { content: payload, bytes, media_type: MEDIA_TYPE, blind: None }, &headers).await
}
