//! Inputs of ordered computations, for those who compute, check or ordered it.
use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use cairn_kernel::Address;

use super::{account, number};
use crate::{
    delivery::{self, Sent},
    gateway::Gateway,
    refusal::Refusal,
};

/// What inputs are said to be: tensors and salts are files of one format.
const MEDIA_TYPE: &str = "application/vnd.safetensors";

/// The inputs of a job as its requester uploaded them.
pub(super) async fn inputs(State(gateway): State<Arc<Gateway>>, Path(job): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let job = number("job", &job)?;
    let account = account(&gateway, &headers)?;
    let inputs = gateway.admission.inputs(job, account.as_ref()).await?;
    let requester = Address::parse(&inputs.requester).map_err(|error| Refusal::ChainRefused(error.log))?;
    let by = format!("compute job {job}");
    let bytes = gateway.serving_alone(&inputs.content, &[requester], &by).await?;
    let bytes = bytes.ok_or_else(|| Refusal::InputsNotServed { job, content: inputs.content.to_string() })?;
    delivery::send(&gateway, &Sent { content: inputs.content, bytes, media_type: MEDIA_TYPE, blind: None }, &headers).await
}
