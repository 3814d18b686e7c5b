//! Pages of a collection, with the meaning of `cosmos.base.query.v1beta1.PageRequest`.

/// Entries on a page when the asker names no limit.
pub const DEFAULT_LIMIT: u64 = 100;
/// Entries on a page at the most, whatever the asker names.
pub const MAX_LIMIT: u64 = 1_000;

/// Which page is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Where to go on: `next_key` of the page before. Excludes `offset`.
    pub key: Vec<u8>,
    /// Entries to pass over.
    pub offset: u64,
    /// Entries wanted; 0 means [`DEFAULT_LIMIT`].
    pub limit: u64,
    /// Whether to count all entries (not with `key`).
    pub count_total: bool,
    /// From the last entry to the first.
    pub reverse: bool,
}

impl PageRequest {
    /// The limit in force.
    #[must_use]
    pub fn bounded_limit(&self) -> u64 {
        if self.limit == 0 { DEFAULT_LIMIT } else { self.limit.min(MAX_LIMIT) }
    }
}

/// Where a page ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The key to go on from; empty at the end.
    pub next_key: Vec<u8>,
    /// All entries, if they were counted.
    pub total: u64,
}
