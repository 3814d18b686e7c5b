//! Ordered bytes: the interface of what holds state, a store in memory, and writes held back over a parent.
use std::{collections::BTreeMap, ops::Bound};

/// Writes by key, `None` deletes.
pub type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Ordered bytes. Object safe, so that no module is generic over its backend.
pub trait Store {
    /// The value at `key`.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Writes, or deletes when `value` is `None`.
    fn put(&mut self, key: &[u8], value: Option<Vec<u8>>);
    /// The first entry at or after `from` that lies below `to`.
    fn next(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)>;
    /// The last entry at or after `from` that lies below `to`.
    fn prev(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)>;
}

/// A store in memory, for tests and tools.
#[derive(Debug, Default, Clone)]
pub struct MemStore(BTreeMap<Vec<u8>, Vec<u8>>);

impl MemStore {
    /// Every entry, in key order.
    #[must_use]
    pub fn entries(&self) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        &self.0
    }
}

/// Both ends of a range of keys.
type Span<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// From `from` on, below `to`; `None` where that is nothing.
fn span<'a>(from: &'a [u8], to: &'a [u8]) -> Option<Span<'a>> {
    (from < to).then_some((Bound::Included(from), Bound::Excluded(to)))
}

impl Store for MemStore {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }
    fn put(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        match value {
            Some(v) => drop(self.0.insert(key.to_vec(), v)),
            None => drop(self.0.remove(key)),
        }
    }
    fn next(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        self.0.range::<[u8], _>(span(from, to)?).next().map(|(k, v)| (k.clone(), v.clone()))
    }
    fn prev(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        self.0.range::<[u8], _>(span(from, to)?).next_back().map(|(k, v)| (k.clone(), v.clone()))
    }
}

/// Writes held back over a parent store: dropped on failure, applied on success.
pub struct Overlay<'a> {
    parent: &'a dyn Store,
    writes: Writes,
}

impl<'a> Overlay<'a> {
    /// An empty overlay.
    #[must_use]
    pub fn new(parent: &'a dyn Store) -> Self {
        Self::with(parent, Writes::new())
    }
    /// An overlay that goes on from earlier writes.
    #[must_use]
    pub fn with(parent: &'a dyn Store, writes: Writes) -> Self {
        Self { parent, writes }
    }
    /// The held-back writes, for the parent.
    #[must_use]
    pub fn into_writes(self) -> Writes {
        self.writes
    }
}

impl Store for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self.writes.get(key) {
            Some(v) => v.clone(),
            None => self.parent.get(key),
        }
    }
    fn put(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        self.writes.insert(key.to_vec(), value);
    }
    fn next(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut from = from.to_vec();
        // The parent is asked again only when its answer was used up by a deletion above it.
        let mut below = self.parent.next(&from, to);
        loop {
            let above = self.writes.range::<[u8], _>(span(&from, to)?).next();
            match (&below, above) {
                (Some((k, _)), Some((k2, _))) if k < k2 => return below,
                (_, Some((k, Some(v)))) => return Some((k.clone(), v.clone())),
                (b, Some((k, None))) => {
                    let used = b.as_ref().is_some_and(|(bk, _)| bk == k);
                    from.clone_from(k);
                    from.push(0);
                    if used {
                        below = self.parent.next(&from, to);
                    }
                }
                (_, None) => return below,
            }
        }
    }
    fn prev(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut to = to.to_vec();
        let mut below = self.parent.prev(from, &to);
        loop {
            let above = self.writes.range::<[u8], _>(span(from, &to)?).next_back();
            match (&below, above) {
                (Some((k, _)), Some((k2, _))) if k > k2 => return below,
                (_, Some((k, Some(v)))) => return Some((k.clone(), v.clone())),
                (b, Some((k, None))) => {
                    let used = b.as_ref().is_some_and(|(bk, _)| bk == k);
                    to.clone_from(k);
                    if used {
                        below = self.parent.prev(from, &to);
                    }
                }
                (_, None) => return below,
            }
        }
    }
}
