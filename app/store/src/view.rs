//! Views: the state at one height, as a reader keeps it while blocks go on.
use std::sync::Arc;

use cairn_kernel::Store;
use rocksdb::{DBRawIterator, ReadOptions, Snapshot};

use crate::{
    Error, Result, StateStore, Version,
    disk::Column,
    error::corrupt,
    keys,
    meta::{self, Head, Roots},
    node::{Hash, Node},
    tree::Nodes,
    value,
};

type Entry = (Vec<u8>, Vec<u8>);

/// Above every state key, which is ASCII up to its first slash.
const ABOVE: &[u8] = &[0xff];

/// The state at one height. Blocks that are committed later, and pruning, do not reach it; taking one costs two look-ups and waits for nobody.
/// It holds back the space of what it sees, so keep it for a query, not for an hour.
///
/// Reading through [`Store`] cannot report a failing disk, and a state machine that went on without an answer would leave consensus: it
/// panics. Tools that prefer an error use [`read`](Self::read), [`first`](Self::first) and [`last`](Self::last).
pub struct View<'a> {
    store: &'a StateStore,
    snapshot: Snapshot<'a>,
    /// None before genesis: what a genesis that never ended has left does not count.
    head: Option<Head>,
    /// The height, where it is older than the newest.
    past: Option<u64>,
}

impl StateStore {
    /// The newest committed state; an empty one before genesis.
    ///
    /// # Errors
    /// [`Error::Database`] or [`Error::Corrupt`] if the disk fails.
    pub fn view(&self) -> Result<View<'_>> {
        let snapshot = self.disk.db().snapshot();
        let row = snapshot.get_pinned_cf(self.disk.column(Column::Meta)?, keys::HEAD)?;
        let head = row.map(|row| Head::decode(&row)).transpose()?;
        Ok(View { store: self, snapshot, head, past: None })
    }

    /// The state after `height`.
    ///
    /// # Errors
    /// [`Error::Pruned`] below the kept heights, [`Error::Future`] above the newest, [`Error::Empty`] before genesis.
    pub fn view_at(&self, height: u64) -> Result<View<'_>> {
        let view = self.view()?;
        let head = view.head.as_ref().ok_or(Error::Empty)?;
        if height < head.oldest {
            return Err(Error::Pruned { height, oldest: head.oldest });
        }
        if height > head.height {
            return Err(Error::Future { height, latest: head.height });
        }
        let past = (height < head.height).then_some(height);
        Ok(View { past, ..view })
    }
}

impl View<'_> {
    /// The height and its app hash; none before genesis.
    ///
    /// # Errors
    /// [`Error::Database`] or [`Error::Corrupt`] if the disk fails.
    pub fn version(&self) -> Result<Option<Version>> {
        match (&self.head, self.past) {
            (Some(_), Some(height)) => Ok(Some(Version { height, app_hash: meta::app_hash(&self.slots()?) })),
            (head, _) => Ok(head.as_ref().map(Head::version)),
        }
    }

    /// The Merkle roots of all stores that hold a key, by name: what to compare when two nodes disagree about an app hash.
    ///
    /// # Errors
    /// [`Error::Database`] or [`Error::Corrupt`] if the disk fails.
    pub fn roots(&self) -> Result<Vec<(String, [u8; 32])>> {
        Ok(self.slots()?.iter().map(|(name, slot)| (name.clone(), slot.hash())).collect())
    }

    /// The value at `key`.
    ///
    /// # Errors
    /// [`Error::Database`] or [`Error::Corrupt`] if the disk fails.
    pub fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.head.is_none() {
            return Ok(None);
        }
        let row = self.snapshot.get_pinned_cf(self.store.disk.column(Column::Flat)?, key)?;
        let newest = row.as_deref().map(value::parse).transpose()?;
        match (newest, self.past) {
            (Some((since, value)), past) if past.is_none_or(|height| since <= height) => Ok(Some(value.to_vec())),
            (_, None) => Ok(None),
            (_, Some(height)) => self.superseded(key, height),
        }
    }

    /// The first entry at or after `from` that lies below `to`.
    ///
    /// # Errors
    /// [`Error::Database`] or [`Error::Corrupt`] if the disk fails.
    pub fn first(&self, from: &[u8], to: &[u8]) -> Result<Option<Entry>> {
        if from >= to || self.head.is_none() {
            return Ok(None);
        }
        let mut rows = self.rows(Column::Flat, from, to)?;
        rows.seek_to_first();
        let newest = self.visible(&mut rows, |rows| rows.next())?;
        let Some(height) = self.past else { return Ok(newest) };
        let mut rows = self.rows(Column::History, &keys::history_start(from), &keys::history_start(to))?;
        rows.seek_to_first();
        while let Some((key, _)) = history_key(&rows)? {
            if newest.as_ref().is_some_and(|(found, _)| *found < key) {
                break;
            }
            if let Some(value) = self.superseded(&key, height)? {
                return Ok(Some((key, value)));
            }
            rows.seek(keys::history_end(&key));
        }
        Ok(newest)
    }

    /// The last entry at or after `from` that lies below `to`.
    ///
    /// # Errors
    /// [`Error::Database`] or [`Error::Corrupt`] if the disk fails.
    pub fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Entry>> {
        if from >= to || self.head.is_none() {
            return Ok(None);
        }
        let mut rows = self.rows(Column::Flat, from, to)?;
        rows.seek_to_last();
        let newest = self.visible(&mut rows, |rows| rows.prev())?;
        let Some(height) = self.past else { return Ok(newest) };
        let mut rows = self.rows(Column::History, &keys::history_start(from), &keys::history_start(to))?;
        rows.seek_to_last();
        while let Some((key, _)) = history_key(&rows)? {
            if newest.as_ref().is_some_and(|(found, _)| *found > key) {
                break;
            }
            if let Some(value) = self.superseded(&key, height)? {
                return Ok(Some((key, value)));
            }
            rows.seek_for_prev(keys::history_start(&key));
        }
        Ok(newest)
    }

    /// Hands every entry to `take`, in the order of the keys, and stops at its first error.
    ///
    /// # Errors
    /// Those of `take`; [`Error::Database`] or [`Error::Corrupt`] if the disk fails.
    pub fn entries(&self, mut take: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        if self.head.is_none() {
            return Ok(());
        }
        if self.past.is_some() {
            let mut from = Vec::new();
            while let Some((key, value)) = self.first(&from, ABOVE)? {
                take(&key, &value)?;
                from = [key.as_slice(), &[0]].concat();
            }
            return Ok(());
        }
        let mut bounds = ReadOptions::default();
        bounds.fill_cache(false);
        bounds.set_readahead_size(2 << 20);
        let mut rows = self.snapshot.raw_iterator_cf_opt(self.store.disk.column(Column::Flat)?, bounds);
        rows.seek_to_first();
        while let Some((key, row)) = rows.item() {
            take(key, value::parse(row)?.1)?;
            rows.next();
        }
        Ok(rows.status()?)
    }

    /// The store roots of the view's height.
    pub(crate) fn slots(&self) -> Result<Roots> {
        let Some(head) = &self.head else { return Ok(Roots::new()) };
        let height = self.past.unwrap_or(head.height);
        let row = self.snapshot.get_pinned_cf(self.store.disk.column(Column::Meta)?, keys::roots(height))?;
        meta::decode_roots(&row.ok_or_else(|| corrupt(format!("no store roots at height {height}")))?)
    }

    /// The key inside `store` that hashes to `hash`.
    pub(crate) fn preimage(&self, store: &str, hash: &Hash) -> Result<Vec<u8>> {
        let row = self.snapshot.get_cf(self.store.disk.column(Column::Preimages)?, keys::preimage(store, hash))?;
        row.ok_or_else(|| corrupt(format!("no preimage of a key of {store}")))
    }

    /// What `key` was at the past height, where that is not what it is now.
    fn superseded(&self, key: &[u8], height: u64) -> Result<Option<Vec<u8>>> {
        let from = keys::history(key, height.saturating_add(1));
        let mut rows = self.rows(Column::History, &from, &keys::history_end(key))?;
        rows.seek_to_first();
        let Some((_, row)) = rows.item() else {
            rows.status()?;
            return Ok(None);
        };
        let (since, value) = value::parse(row)?;
        Ok((since <= height).then(|| value.to_vec()))
    }

    /// The first row of `flat`, going on by `step`, that stood at the view's height already.
    fn visible(&self, rows: &mut DBRawIterator<'_>, step: impl Fn(&mut DBRawIterator<'_>)) -> Result<Option<Entry>> {
        while let Some((key, row)) = rows.item() {
            let (since, value) = value::parse(row)?;
            if self.past.is_none_or(|height| since <= height) {
                return Ok(Some((key.to_vec(), value.to_vec())));
            }
            step(rows);
        }
        rows.status()?;
        Ok(None)
    }

    /// Calls `each` with the keys of the newest state that begin with `prefix`, in order, until it says no. For counting: one pass, no values.
    ///
    /// # Errors
    /// [`Error::Database`] if the disk fails.
    pub fn keys(&self, prefix: &[u8], mut each: impl FnMut(&[u8]) -> bool) -> Result<()> {
        if self.head.is_none() {
            return Ok(());
        }
        let mut bounds = ReadOptions::default();
        bounds.set_iterate_range(rocksdb::PrefixRange(prefix));
        let mut rows = self.snapshot.raw_iterator_cf_opt(self.store.disk.column(Column::Flat)?, bounds);
        rows.seek_to_first();
        while let Some(key) = rows.key() {
            if !each(key) {
                return Ok(());
            }
            rows.next();
        }
        Ok(rows.status()?)
    }

    fn rows(&self, column: Column, from: &[u8], to: &[u8]) -> Result<DBRawIterator<'_>> {
        let mut bounds = ReadOptions::default();
        bounds.set_iterate_range(from..to);
        Ok(self.snapshot.raw_iterator_cf_opt(self.store.disk.column(column)?, bounds))
    }
}

fn history_key(rows: &DBRawIterator<'_>) -> Result<Option<(Vec<u8>, u64)>> {
    match rows.key() {
        Some(row) => keys::parse_history(row).map(Some),
        None => Ok(rows.status().map(|()| None)?),
    }
}

impl Nodes for View<'_> {
    /// Past the cache, which is for the nodes that blocks need.
    fn node(&self, store: &str, version: u64, path: &[u8]) -> Result<Arc<Node>> {
        let row = self.snapshot.get_pinned_cf(self.store.disk.column(Column::Nodes)?, keys::node(version, store, path))?;
        let row = row.ok_or_else(|| corrupt(format!("no tree node of {store} at height {version}")))?;
        Ok(Arc::new(Node::decode(&row)?))
    }
}

impl Store for View<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.read(key).unwrap_or_else(|e| stop(&e))
    }

    /// # Panics
    /// Always: writes belong into a `cairn_kernel::Overlay`.
    #[expect(clippy::panic, reason = "a write that nobody would keep must not look like one")]
    fn put(&mut self, _key: &[u8], _value: Option<Vec<u8>>) {
        panic!("a view of the committed state is read only");
    }

    fn next(&self, from: &[u8], to: &[u8]) -> Option<Entry> {
        self.first(from, to).unwrap_or_else(|e| stop(&e))
    }

    fn prev(&self, from: &[u8], to: &[u8]) -> Option<Entry> {
        self.last(from, to).unwrap_or_else(|e| stop(&e))
    }
}

/// A state machine that cannot read its state must not go on as if the key were absent.
#[expect(clippy::panic, reason = "the store trait has no error, and going on would fork the chain")]
fn stop(error: &Error) -> ! {
    tracing::error!(%error, "the state cannot be read");
    panic!("the state cannot be read: {error}");
}
