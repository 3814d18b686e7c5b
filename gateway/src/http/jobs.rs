//! Items of jobs, for the requester and for holders of a lease; those of a public job for anybody.
use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};

use super::{account, number, proven};
use crate::{admission::PostedJob, delivery, gateway::Gateway, refusal::Refusal, store::ManifestKey};

type Place = (String, String);

/// The content of a task.
pub(super) async fn item(State(gateway): State<Arc<Gateway>>, Path(place): Path<Place>, headers: HeaderMap) -> Result<Response, Refusal> {
    let (_, key, task) = admitted(&gateway, &place, &headers).await?;
    delivery::item(&gateway, &key, u64::from(task), &headers).await
}

/// What leads from the content of a task to the root on the chain.
pub(super) async fn proof(State(gateway): State<Arc<Gateway>>, Path(place): Path<Place>, headers: HeaderMap) -> Result<Response, Refusal> {
    let (job, key, task) = admitted(&gateway, &place, &headers).await?;
    let gone = || Refusal::NotServed(job.root.to_string());
    let frame = gateway.manifests.frame(&key).await?.ok_or_else(gone)?;
    let proof = gateway.manifests.proof(&key, &frame, u64::from(task)).await?.ok_or_else(gone)?;
    Ok(proven("task", u64::from(task), &proof, &job.root))
}

async fn admitted(gateway: &Gateway, (job, task): &Place, headers: &HeaderMap) -> Result<(Arc<PostedJob>, ManifestKey, u32), Refusal> {
    let (job, task) = (number("job", job)?, number("task", task)?);
    let account = account(gateway, headers)?;
    let job = gateway.admission.task(job, task, account.as_ref()).await?;
    let key = gateway.serving(&job.root, &job.requester, &format!("job {}", job.id)).await?;
    Ok((job, key, task))
}
