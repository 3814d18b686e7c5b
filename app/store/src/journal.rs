//! What each height superseded: the list that pruning and rolling back go by, so that neither searches.
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{Result, error::corrupt};

/// Entries in one row: bounds what pruning reads at once.
pub(crate) const CHUNK: usize = 1024;

/// One row of the journal of a height.
#[derive(Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Chunk {
    /// State keys that the height changed.
    Keys(Vec<ChangedKey>),
    /// Tree nodes of a store that the height left behind, by version and path.
    Nodes(String, Vec<(u64, Vec<u8>)>),
}

/// A state key that a height changed.
#[derive(Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct ChangedKey {
    pub(crate) key: Vec<u8>,
    /// The key had a value before, which lies in `history`.
    pub(crate) had: bool,
    /// The key has a value after.
    pub(crate) has: bool,
}

impl Chunk {
    /// How many entries the row has.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Keys(keys) => keys.len(),
            Self::Nodes(_, nodes) => nodes.len(),
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        borsh::to_vec(self).map_err(|e| corrupt(e.to_string()))
    }

    pub(crate) fn decode(row: &[u8]) -> Result<Self> {
        borsh::from_slice(row).map_err(|e| corrupt(format!("a row of column journal: {e}")))
    }
}
