//! Takes a manifest in: parsed as it arrives, its root recomputed, every content one that its uploader holds.
use std::collections::{HashMap, HashSet};

use cairn_kernel::Address;
use futures::TryStreamExt;

use super::{
    Item, Manifests,
    format::{Builder, MAX_MEDIA_TYPES},
    parse::{Entry, Reader},
};
use crate::{
    hash::Hash,
    intake::Intake,
    quota::Place,
    refusal::{MISSING_LISTED, Refusal},
    store::{ManifestKey, PartKind, Store, Writer},
};

/// A manifest that stands.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Whether this account had not put it before.
    pub(crate) new: bool,
    pub(crate) items: u64,
}

/// Reads a manifest and keeps it under `key`, if its root is the key's and its contents are the account's.
pub(crate) async fn accept(
    manifests: &Manifests,
    key: &ManifestKey,
    most: u64,
    mut body: Intake<'_>,
    mut place: Place,
) -> Result<Accepted, Refusal> {
    let store = &manifests.store;
    let mut items = store.write_part(key, PartKind::Items);
    let read = async {
        let mut builder = read(&mut body, &mut place, most, &mut items).await?;
        let root = Hash(builder.root());
        if root != key.root {
            return Err(Refusal::WrongRoot { expected: key.root.to_string(), found: root.to_string(), items: builder.items() });
        }
        let guard = store.referencing().await?;
        held(manifests, &key.account, &builder).await?;
        Ok((builder, guard))
    };
    // The guard lives until the manifest stands: what was found above is not collected meanwhile.
    let read = read.await;
    let (builder, _guard) = match read {
        Ok(read) => read,
        Err(refusal) => {
            items.abort().await;
            return Err(refusal);
        }
    };
    let new = !store.has_part(key, PartKind::Index).await?;
    let count = builder.items();
    let bytes = items.written().saturating_add(write(store, key, builder, items).await?);
    manifests.forget(key);
    if new {
        place.keep(bytes);
    }
    Ok(Accepted { new, items: count })
}

/// Writes the listing, then the mark of its account, then the index that makes it a manifest. Says how large the index is.
async fn write(store: &Store, key: &ManifestKey, builder: Builder, items: Writer) -> Result<u64, Refusal> {
    items.finish().await?;
    store.own(key).await?;
    let mut index = store.write_part(key, PartKind::Index);
    for part in builder.index() {
        index.push(&part).await?;
    }
    let bytes = index.written();
    index.finish().await?;
    Ok(bytes)
}

async fn read(body: &mut Intake<'_>, place: &mut Place, most: u64, items: &mut Writer) -> Result<Builder, Refusal> {
    let (mut reader, mut builder, mut entries) = (Reader::new(), Builder::default(), Vec::new());
    while let Some(chunk) = body.next().await? {
        place.hold(body.taken())?;
        reader.read(&chunk, &mut entries)?;
        let mut lines = Vec::new();
        for entry in entries.drain(..) {
            append(&mut builder, &entry, most)?;
            serde_json::to_writer(&mut lines, &entry).map_err(|e| bad(&builder, e.to_string()))?;
            lines.push(b'\n');
        }
        items.push(&lines).await?;
    }
    reader.finish()?;
    Ok(builder)
}

fn append(builder: &mut Builder, entry: &Entry, most: u64) -> Result<(), Refusal> {
    if builder.items() >= most {
        return Err(bad(builder, format!("expected at most {most} items")));
    }
    let media_type = builder.media_type(&entry.media_type);
    let media_type = media_type.ok_or_else(|| bad(builder, format!("expected at most {MAX_MEDIA_TYPES} different media types")))?;
    let item = Item { content: entry.sha256, bytes: entry.bytes, blind: entry.blind, media_type };
    builder.push(&item).ok_or_else(|| bad(builder, "the sizes are too large to add up".to_owned()))
}

fn bad(builder: &Builder, reason: String) -> Refusal {
    Refusal::BadManifest { index: builder.items(), reason }
}

/// Checks that `account` uploaded every content, now or for a manifest that it has, and that the sizes are right.
async fn held(manifests: &Manifests, account: &Address, builder: &Builder) -> Result<(), Refusal> {
    let mut known = HashMap::new();
    let mut uploads = manifests.store.uploads(Some(account));
    while let Some(upload) = uploads.try_next().await? {
        known.insert(upload.content, upload.bytes);
    }
    let mut missing: HashSet<Hash> =
        builder.entries().map(|item| Hash(item.content)).filter(|content| !known.contains_key(content)).collect();
    if !missing.is_empty() {
        search(manifests, account, &mut missing, &mut known).await?;
    }
    if !missing.is_empty() {
        let count = missing.len() as u64;
        let in_order = builder.entries().map(|item| Hash(item.content)).filter(|content| missing.remove(content));
        return Err(Refusal::MissingContents { missing: in_order.take(MISSING_LISTED).map(|c| c.to_string()).collect(), count });
    }
    let wrong = builder.entries().zip(0..).find_map(|(item, index)| {
        let found = known.get(&Hash(item.content)).copied().filter(|found| *found != item.bytes)?;
        Some(Refusal::WrongSize { index, expected: item.bytes, found })
    });
    wrong.map_or(Ok(()), Err)
}

/// Looks for missing contents in the manifests that the account has.
async fn search(
    manifests: &Manifests,
    account: &Address,
    missing: &mut HashSet<Hash>,
    known: &mut HashMap<Hash, u64>,
) -> Result<(), Refusal> {
    let roots: Vec<Hash> = manifests.store.roots(account).try_collect().await?;
    for root in roots {
        let key = ManifestKey { root, account: *account };
        let Some(frame) = manifests.frame(&key).await? else { continue };
        let mut chunks = std::pin::pin!(manifests.chunks(&key, &frame));
        while let Some(items) = chunks.try_next().await? {
            for item in items {
                if missing.remove(&Hash(item.content)) {
                    known.insert(Hash(item.content), item.bytes);
                }
            }
        }
        if missing.is_empty() {
            break;
        }
    }
    Ok(())
}
