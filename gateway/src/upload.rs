//! Takes a content in: hashed while it arrives, visible only when its hash is right.
use std::sync::Arc;

use axum::body::Body;
use cairn_kernel::Address;
use sha2::{Digest, Sha256};

use crate::{gateway::Gateway, hash::Hash, intake::Intake, refusal::Refusal, store::Writer};

/// Reads a body that must hash to `content`. Says whether the account had not uploaded it before, and its size.
pub(crate) async fn upload(
    gateway: &Arc<Gateway>,
    account: &Address,
    content: &Hash,
    declared: Option<u64>,
    body: Body,
) -> Result<(bool, u64), Refusal> {
    let mut intake = Intake::new(body, declared, gateway.config.limits.item_bytes, gateway.pace(), &gateway.metrics)?;
    gateway.admission.uploader(account).await?;
    let _turn = gateway.turns.take(account).await?;
    // What is here already is hashed again, as proof that the account has it, but not written again.
    let known = gateway.store.content_bytes(content).await?.filter(|bytes| Some(*bytes) == declared);
    let again = match known {
        Some(bytes) => gateway.store.is_marked(account, content, bytes).await?,
        None => false,
    };
    let mut place = if again { None } else { Some(gateway.place(account, declared.unwrap_or(0)).await?) };
    let mut writer = known.is_none().then(|| gateway.store.write_content(content));
    let mut hash = Sha256::new();
    let read = async {
        while let Some(bytes) = intake.next().await? {
            if let Some(place) = &mut place {
                place.hold(intake.taken())?;
            }
            hash.update(&bytes);
            if let Some(writer) = &mut writer {
                writer.push(&bytes).await?;
            }
        }
        let found = Hash(hash.finalize().into());
        if found == *content { Ok(()) } else { Err(Refusal::WrongHash { expected: content.to_string(), found: found.to_string() }) }
    };
    let read = read.await;
    if let Err(refusal) = read {
        if let Some(writer) = writer {
            writer.abort().await;
        }
        return Err(refusal);
    }
    let bytes = intake.taken();
    let new = keep(gateway, account, content, bytes, writer).await?;
    if let Some(place) = place.filter(|_| new) {
        place.keep(bytes);
    }
    Ok((new, bytes))
}

/// Makes a content appear and marks it as the account's, while nothing is collected.
async fn keep(gateway: &Arc<Gateway>, account: &Address, content: &Hash, bytes: u64, writer: Option<Writer>) -> Result<bool, Refusal> {
    let _guard = gateway.store.referencing().await?;
    match writer {
        Some(writer) => writer.finish().await?,
        // It was here when the upload began; collected meanwhile, it must be sent again.
        None if gateway.store.content_bytes(content).await? != Some(bytes) => return Err(Refusal::Busy),
        None => {}
    }
    Ok(gateway.store.mark(account, content, bytes).await?)
}
