//! What the store knows about itself: layout, newest height, store roots by height.
use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    Error, Result,
    disk::{Column, Disk},
    error::corrupt,
    keys,
    node::{Hash, Slot},
    simple,
};

/// The layout on disk that this build reads and writes. Another one needs a migration, not a guess.
pub const SCHEMA: u32 = 1;

/// A committed state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The block after which the state stood; one below the initial height for genesis.
    pub height: u64,
    /// What the next block's header says about it.
    pub app_hash: [u8; 32],
}

/// The newest height and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Head {
    pub(crate) chain_id: String,
    pub(crate) initial_height: u64,
    /// The height of the newest state: one below `initial_height` after genesis.
    pub(crate) height: u64,
    pub(crate) app_hash: Hash,
    /// The oldest height that still answers.
    pub(crate) oldest: u64,
}

impl Head {
    pub(crate) fn version(&self) -> Version {
        Version { height: self.height, app_hash: self.app_hash }
    }

    /// Whether a block is committed, not genesis alone.
    pub(crate) fn has_blocks(&self) -> bool {
        self.height >= self.initial_height
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        borsh::to_vec(self).map_err(|e| corrupt(e.to_string()))
    }

    pub(crate) fn decode(row: &[u8]) -> Result<Self> {
        borsh::from_slice(row).map_err(|e| corrupt(format!("the newest height: {e}")))
    }
}

/// The roots of the stores that hold a key.
pub(crate) type Roots = BTreeMap<String, Slot>;

#[derive(BorshSerialize, BorshDeserialize)]
enum RootRow {
    Leaf { key: Hash, hash: Hash },
    Inner { version: u64, hash: Hash },
}

/// The row of `meta` for the roots at a height.
pub(crate) fn encode_roots(roots: &Roots) -> Result<Vec<u8>> {
    let rows: Vec<(&str, RootRow)> = roots
        .iter()
        .filter_map(|(name, slot)| match *slot {
            Slot::Empty => None,
            Slot::Leaf { key, hash } => Some((name.as_str(), RootRow::Leaf { key, hash })),
            Slot::Inner { version, hash } => Some((name.as_str(), RootRow::Inner { version, hash })),
        })
        .collect();
    borsh::to_vec(&rows).map_err(|e| corrupt(e.to_string()))
}

/// Reads what [`encode_roots`] wrote.
pub(crate) fn decode_roots(row: &[u8]) -> Result<Roots> {
    let rows: Vec<(String, RootRow)> = borsh::from_slice(row).map_err(|e| corrupt(format!("store roots: {e}")))?;
    let slot = |row| match row {
        RootRow::Leaf { key, hash } => Slot::Leaf { key, hash },
        RootRow::Inner { version, hash } => Slot::Inner { version, hash },
    };
    Ok(rows.into_iter().map(|(name, row)| (name, slot(row))).collect())
}

/// Store names and hashes, as the top commitment takes them.
pub(crate) fn leaves(roots: &Roots) -> Vec<(&str, Hash)> {
    roots.iter().map(|(name, slot)| (name.as_str(), slot.hash())).collect()
}

/// The app hash of these roots.
pub(crate) fn app_hash(roots: &Roots) -> Hash {
    simple::root(&leaves(roots))
}

/// The newest state as the disk has it.
pub(crate) fn load(disk: &Disk) -> Result<Option<(Head, Roots)>> {
    let Some(row) = disk.get(Column::Meta, keys::HEAD)? else { return Ok(None) };
    let head = Head::decode(&row)?;
    let row = disk.get(Column::Meta, &keys::roots(head.height))?;
    let roots = decode_roots(&row.ok_or_else(|| corrupt(format!("no store roots at height {}", head.height)))?)?;
    if app_hash(&roots) != head.app_hash {
        return Err(corrupt(format!("the store roots at height {} do not give the app hash", head.height)));
    }
    Ok(Some((head, roots)))
}

/// Refuses a folder of another layout; marks a new one.
pub(crate) fn check_schema(disk: &Disk) -> Result<()> {
    if let Some(row) = disk.get(Column::Meta, keys::SCHEMA)? {
        let found = row.first_chunk::<4>().filter(|_| row.len() == 4).ok_or_else(|| corrupt("the layout version"))?;
        let found = u32::from_be_bytes(*found);
        return if found == SCHEMA { Ok(()) } else { Err(Error::Schema { found, expected: SCHEMA }) };
    }
    if disk.get(Column::Meta, keys::HEAD)?.is_some() {
        return Err(corrupt("no layout version"));
    }
    let mut batch = disk.batch();
    batch.put(Column::Meta, keys::SCHEMA, &SCHEMA.to_be_bytes())?;
    batch.commit()
}
