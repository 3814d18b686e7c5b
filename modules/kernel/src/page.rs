//! Pages of a collection, with the meaning of `cosmos.base.query.v1beta1.PageRequest`.
use crate::{Result, sdk};

/// Entries on a page when the asker names no limit.
pub const DEFAULT_LIMIT: u64 = 100;
/// Entries on a page at the most, whatever the asker names.
pub const MAX_LIMIT: u64 = 1_000;
/// Entries that are counted for an asker that named no limit and did not ask for the total. Where there are more, no total is given.
pub const MAX_UNASKED_COUNT: u64 = MAX_LIMIT;

/// Which page is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Where to go on: `next_key` of the page before. Excludes `offset`.
    pub key: Vec<u8>,
    /// Entries to pass over.
    pub offset: u64,
    /// Entries wanted; 0 means [`DEFAULT_LIMIT`].
    pub limit: u64,
    /// Whether to count all entries (not with `key`). Without a limit they are counted in any case, as the Cosmos SDK does, up to
    /// [`MAX_UNASKED_COUNT`].
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
    /// How many entries are counted for the total; `None` where none is wanted.
    pub(crate) fn count(&self) -> Option<u64> {
        match (self.key.is_empty(), self.count_total, self.limit) {
            (true, true, _) => Some(u64::MAX),
            (true, false, 0) => Some(MAX_UNASKED_COUNT),
            _ => None,
        }
    }
    /// # Errors
    /// If both a key and an offset are given.
    pub(crate) fn validate(&self) -> Result<()> {
        if self.key.is_empty() || self.offset == 0 {
            return Ok(());
        }
        Err(sdk::invalid_request("invalid request, either offset or key is expected, got both"))
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
