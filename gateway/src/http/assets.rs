//! Items of published versions, for the owner and for holders of a licence.
use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};

use super::{manifests::listing, number, proven, signed_in};
use crate::{admission::Published, delivery, gateway::Gateway, refusal::Refusal, store::ManifestKey};

type Place = (String, String, String);

/// The list of a version's items.
pub(super) async fn manifest(
    State(gateway): State<Arc<Gateway>>,
    Path((asset, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let (_, key) = admitted(&gateway, &asset, &version, &headers).await?;
    listing(&gateway, &key).await
}

/// The content of an item.
pub(super) async fn item(State(gateway): State<Arc<Gateway>>, Path(place): Path<Place>, headers: HeaderMap) -> Result<Response, Refusal> {
    let (asset, version, index) = place;
    let index = number("index", &index)?;
    let (_, key) = admitted(&gateway, &asset, &version, &headers).await?;
    delivery::item(&gateway, &key, index, &headers).await
}

/// What leads from the content of an item to the root on the chain.
pub(super) async fn proof(State(gateway): State<Arc<Gateway>>, Path(place): Path<Place>, headers: HeaderMap) -> Result<Response, Refusal> {
    let (asset, version, index) = place;
    let index = number("index", &index)?;
    let (published, key) = admitted(&gateway, &asset, &version, &headers).await?;
    let gone = || Refusal::NotServed(published.root.to_string());
    let frame = gateway.manifests.frame(&key).await?.ok_or_else(gone)?;
    let proof = gateway.manifests.proof(&key, &frame, index).await?.ok_or_else(gone)?;
    Ok(proven("index", index, &proof, &published.root))
}

async fn admitted(gateway: &Gateway, asset: &str, version: &str, headers: &HeaderMap) -> Result<(Arc<Published>, ManifestKey), Refusal> {
    let (asset, version) = (number("asset", asset)?, number("version", version)?);
    let account = signed_in(gateway, headers)?;
    let published = gateway.admission.version(asset, version, &account).await?;
    let by = format!("asset {} version {}", published.asset, published.number);
    let key = gateway.serving(&published.root, &published.owner, &by).await?;
    Ok((published, key))
}
