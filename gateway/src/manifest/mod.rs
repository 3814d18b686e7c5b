//! Manifests: the ordered items of a job or a version, found by their root.
mod accept;
mod format;
mod parse;

use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use cairn_kernel::{Address, merkle};
use futures::{Stream, TryStreamExt, stream};
use object_store::{GetOptions, GetRange};

use self::format::{CHUNK, HEAD, RECORD};
pub(crate) use self::{
    accept::{Accepted, accept},
    format::{Frame, Item},
};
use crate::{
    hash::Hash,
    refusal::Refusal,
    store::{ManifestKey, PartKind, Store},
};

/// Frames kept in memory; each takes 32 bytes for every 1,024 items.
const MAX_FRAMES: usize = 512;

/// An item with what leads from its leaf to the root.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) item: Item,
    pub(crate) leaf: merkle::Hash,
    /// Lowest first, as `cairn_kernel::merkle::verify` takes it.
    pub(crate) path: Vec<merkle::Hash>,
    /// Number of leaves in all.
    pub(crate) items: u64,
}

/// Reads manifests from the store.
pub(crate) struct Manifests {
    store: Store,
    frames: Mutex<HashMap<ManifestKey, Arc<Frame>>>,
}

impl Manifests {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, frames: Mutex::default() }
    }
    /// The manifest to serve for something that `owner` put on the chain: the owner's own upload, else the oldest by anybody.
    pub(crate) async fn choose(&self, root: &Hash, owner: &str) -> Result<Option<ManifestKey>, Refusal> {
        if let Ok(account) = Address::parse(owner) {
            let own = ManifestKey { root: *root, account };
            if self.store.has_part(&own, PartKind::Index).await? {
                return Ok(Some(own));
            }
        }
        let indexes = self.store.parts(Some(root)).try_filter(|part| std::future::ready(part.kind == PartKind::Index));
        let found: Vec<_> = indexes.try_collect().await?;
        Ok(found.into_iter().min_by_key(|part| (part.at, part.key)).map(|part| part.key))
    }
    /// The frame of a manifest; `None` where it is not there.
    pub(crate) async fn frame(&self, key: &ManifestKey) -> Result<Option<Arc<Frame>>, Refusal> {
        let known = self.frames.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(frame) = self.load(key).await? else { return Ok(None) };
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if frames.len() >= MAX_FRAMES {
            frames.clear();
        }
        frames.insert(*key, Arc::clone(&frame));
        Ok(Some(frame))
    }
    /// Forgets a frame, because the manifest was written again or is gone.
    pub(crate) fn forget(&self, key: &ManifestKey) {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
    async fn load(&self, key: &ManifestKey) -> Result<Option<Arc<Frame>>, Refusal> {
        let options = GetOptions { range: Some(GetRange::Bounded(0..HEAD as u64)), ..GetOptions::default() };
        let Some(head) = self.store.read_part(key, PartKind::Index, options).await? else { return Ok(None) };
        let size = head.meta.size;
        let (items, bytes) = Frame::read_items(&head.bytes().await?).ok_or(Refusal::Damaged)?;
        let at = Frame::tail(items).filter(|at| *at < size).ok_or(Refusal::Damaged)?;
        let Some(tail) = self.records(key, at..size).await? else { return Ok(None) };
        let frame = Frame::decode(items, bytes, &tail).ok_or(Refusal::Damaged)?;
        Ok(Some(Arc::new(frame)))
    }
    /// One item; `None` where the manifest has been removed.
    pub(crate) async fn item(&self, key: &ManifestKey, frame: &Frame, index: u64) -> Result<Option<Item>, Refusal> {
        if index >= frame.items {
            return Err(Refusal::UnknownItem { index, items: frame.items });
        }
        let Some(record) = self.records(key, range(index, 1)?).await? else { return Ok(None) };
        Item::decode(&record).ok_or(Refusal::Damaged).map(Some)
    }
    /// One item with its proof; `None` where the manifest has been removed.
    pub(crate) async fn proof(&self, key: &ManifestKey, frame: &Frame, index: u64) -> Result<Option<Proof>, Refusal> {
        if index >= frame.items {
            return Err(Refusal::UnknownItem { index, items: frame.items });
        }
        let (chunk, within) = split(index)?;
        let Some(items) = self.chunk(key, frame, chunk).await? else { return Ok(None) };
        let item = *items.get(within).ok_or(Refusal::Damaged)?;
        let first = index.saturating_sub(within as u64);
        let leaves: Option<Vec<merkle::Hash>> =
            items.iter().zip(first..).map(|(item, at)| Some(item.leaf(u32::try_from(at).ok()?))).collect();
        let leaves = leaves.ok_or(Refusal::Damaged)?;
        let mut path = merkle::path(&leaves, within).ok_or(Refusal::Damaged)?;
        path.extend(merkle::path(&frame.chunks, chunk).ok_or(Refusal::Damaged)?);
        let leaf = *leaves.get(within).ok_or(Refusal::Damaged)?;
        Ok(Some(Proof { item, leaf, path, items: frame.items }))
    }
    /// All items in order, a chunk at a time; ends early where the manifest has been removed.
    pub(crate) fn chunks<'a>(&'a self, key: &'a ManifestKey, frame: &'a Frame) -> impl Stream<Item = Result<Vec<Item>, Refusal>> + 'a {
        stream::try_unfold(0, move |chunk| async move {
            if chunk >= frame.chunks.len() {
                return Ok(None);
            }
            let items = self.chunk(key, frame, chunk).await?;
            Ok(items.map(|items| (items, chunk.saturating_add(1))))
        })
    }
    async fn chunk(&self, key: &ManifestKey, frame: &Frame, chunk: usize) -> Result<Option<Vec<Item>>, Refusal> {
        let first = (chunk as u64).saturating_mul(CHUNK as u64);
        let many = frame.items.saturating_sub(first).min(CHUNK as u64);
        let Some(records) = self.records(key, range(first, many)?).await? else { return Ok(None) };
        let items: Option<Vec<Item>> = records.chunks(RECORD).map(Item::decode).collect();
        items.ok_or(Refusal::Damaged).map(Some)
    }
    async fn records(&self, key: &ManifestKey, range: Range<u64>) -> Result<Option<Bytes>, Refusal> {
        let expected = range.end.saturating_sub(range.start);
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let Some(found) = self.store.read_part(key, PartKind::Index, options).await? else {
            self.forget(key);
            return Ok(None);
        };
        let bytes = found.bytes().await?;
        if bytes.len() as u64 == expected { Ok(Some(bytes)) } else { Err(Refusal::Damaged) }
    }
}

/// Where records lie in an index.
fn range(first: u64, many: u64) -> Result<Range<u64>, Refusal> {
    let start = Frame::tail(first).ok_or(Refusal::Damaged)?;
    let end = first.checked_add(many).and_then(Frame::tail).ok_or(Refusal::Damaged)?;
    Ok(start..end)
}

/// The chunk of an item and its place in it.
fn split(index: u64) -> Result<(usize, usize), Refusal> {
    let index = usize::try_from(index).map_err(|_| Refusal::Damaged)?;
    Ok((index / CHUNK, index % CHUNK))
}
