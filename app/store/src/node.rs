//! Nodes of the Jellyfish Merkle trees: sixteen slots, their bytes on disk, and the hashes they stand for.
//!
//! The hash rules are those of the `jmt` crate with SHA-256 (the tests compare with it): a subtree without a leaf hashes to a fixed
//! placeholder, a subtree with one leaf to that leaf, every other one to the hash of its two halves.
use sha2::{Digest, Sha256};

use crate::{Result, error::corrupt};

/// A SHA-256 digest.
pub(crate) type Hash = [u8; 32];

/// Goes before the two halves of an inner hash.
pub(crate) const INNER_PREFIX: &[u8] = b"JMT::IntrnalNode";
/// Goes before key hash and value hash of a leaf.
pub(crate) const LEAF_PREFIX: &[u8] = b"JMT::LeafNode";
/// The hash of a subtree without a leaf.
pub(crate) const PLACEHOLDER: Hash = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The hash of a leaf.
pub(crate) fn leaf_hash(key: &Hash, value: &Hash) -> Hash {
    Sha256::new().chain_update(LEAF_PREFIX).chain_update(key).chain_update(value).finalize().into()
}

fn inner_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update(INNER_PREFIX).chain_update(left).chain_update(right).finalize().into()
}

/// What hangs at one place of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Slot {
    /// Nothing.
    #[default]
    Empty,
    /// One leaf, by the hash of its key and its own hash.
    Leaf { key: Hash, hash: Hash },
    /// A node with at least two leaves below it, by the height that wrote it and its hash.
    Inner { version: u64, hash: Hash },
}

impl Slot {
    /// What the slot contributes to the hash above it.
    pub(crate) fn hash(&self) -> Hash {
        match self {
            Self::Empty => PLACEHOLDER,
            Self::Leaf { hash, .. } | Self::Inner { hash, .. } => *hash,
        }
    }
}

/// What a range of slots amounts to.
pub(crate) enum Range {
    /// No leaf.
    Empty,
    /// One leaf, wherever it stands in the range; or the range is one slot wide.
    One(Slot),
    /// More than that.
    Many,
}

/// One node: four levels of the binary tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Node {
    /// By the next four bits of the key hash.
    pub(crate) slots: [Slot; 16],
}

impl Node {
    /// The hash of the node.
    pub(crate) fn hash(&self) -> Hash {
        fold(&self.slots)
    }

    /// What the whole node amounts to once slots were emptied: a node with fewer than two leaves is none.
    pub(crate) fn settled(&self) -> Range {
        range(&self.slots)
    }

    /// Goes down towards `nibble`, adds the hashes passed by (topmost first), and says where that ends: at the slot of the nibble,
    /// or before it at a leaf that stands alone, or at nothing.
    pub(crate) fn descend(&self, nibble: u8, siblings: &mut Vec<Hash>) -> Slot {
        let mut slots = self.slots.as_slice();
        let mut bit = 0b1000;
        loop {
            match range(slots) {
                Range::Empty => return Slot::Empty,
                Range::One(slot) => return slot,
                Range::Many => {
                    let (left, right) = slots.split_at(slots.len() / 2);
                    let (on, off) = if nibble & bit == 0 { (left, right) } else { (right, left) };
                    siblings.push(fold(off));
                    slots = on;
                    bit >>= 1;
                }
            }
        }
    }

    /// The slot of `nibble`.
    pub(crate) fn slot(&self, nibble: u8) -> Slot {
        self.slots.get(usize::from(nibble)).copied().unwrap_or_default()
    }

    /// The bytes on disk: a bit per used slot, a bit per leaf (both little-endian), then 64 bytes a leaf (key hash, hash) and
    /// 40 bytes an inner slot (version, hash).
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut used = 0u16;
        let mut leaves = 0u16;
        let mut row = vec![0; 4];
        row.reserve_exact(16 * 64);
        for (slot, bit) in self.slots.iter().zip((0..16).map(|n| 1u16 << n)) {
            match slot {
                Slot::Empty => {}
                Slot::Leaf { key, hash } => {
                    used |= bit;
                    leaves |= bit;
                    row.extend(key);
                    row.extend(hash);
                }
                Slot::Inner { version, hash } => {
                    used |= bit;
                    row.extend(version.to_be_bytes());
                    row.extend(hash);
                }
            }
        }
        let bits = used.to_le_bytes().into_iter().chain(leaves.to_le_bytes());
        row.iter_mut().zip(bits).for_each(|(byte, bits)| *byte = bits);
        row
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        Self::parse(bytes).ok_or_else(|| corrupt("a tree node"))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (used, bytes) = bytes.split_first_chunk::<2>()?;
        let (leaves, mut bytes) = bytes.split_first_chunk::<2>()?;
        let (used, leaves) = (u16::from_le_bytes(*used), u16::from_le_bytes(*leaves));
        let mut node = Self::default();
        for (slot, bit) in node.slots.iter_mut().zip((0..16).map(|n| 1u16 << n)) {
            if used & bit == 0 {
                continue;
            }
            if leaves & bit != 0 {
                *slot = Slot::Leaf { key: take(&mut bytes)?, hash: take(&mut bytes)? };
            } else {
                *slot = Slot::Inner { version: u64::from_be_bytes(take(&mut bytes)?), hash: take(&mut bytes)? };
            }
        }
        bytes.is_empty().then_some(node)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

fn range(slots: &[Slot]) -> Range {
    if let [slot] = slots {
        return if *slot == Slot::Empty { Range::Empty } else { Range::One(*slot) };
    }
    let mut used = slots.iter().filter(|slot| **slot != Slot::Empty);
    match (used.next(), used.next()) {
        (None, _) => Range::Empty,
        (Some(leaf @ Slot::Leaf { .. }), None) => Range::One(*leaf),
        _ => Range::Many,
    }
}

fn fold(slots: &[Slot]) -> Hash {
    match range(slots) {
        Range::Empty => PLACEHOLDER,
        Range::One(slot) => slot.hash(),
        Range::Many => {
            let (left, right) = slots.split_at(slots.len() / 2);
            inner_hash(&fold(left), &fold(right))
        }
    }
}

/// The `depth`-th four bits of a key hash.
pub(crate) fn nibble(key: &Hash, depth: usize) -> u8 {
    let byte = key.get(depth / 2).copied().unwrap_or_default();
    if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_reads_back_and_refuses_other_bytes() {
        let mut node = Node::default();
        node.slots[0] = Slot::Leaf { key: [1; 32], hash: [2; 32] };
        node.slots[7] = Slot::Inner { version: 9, hash: [3; 32] };
        node.slots[15] = Slot::Leaf { key: [4; 32], hash: [5; 32] };
        let bytes = node.encode();
        assert_eq!(bytes.len(), 4 + 64 + 40 + 64);
        assert_eq!(Node::decode(&bytes).unwrap(), node);
        assert!(Node::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(Node::decode(&[bytes, vec![0]].concat()).is_err());
        assert!(Node::decode(&[]).is_err());
    }

    #[test]
    fn nibbles_go_from_the_highest_bits_down() {
        let mut key = [0; 32];
        key[0] = 0xab;
        key[31] = 0xcd;
        assert_eq!((nibble(&key, 0), nibble(&key, 1), nibble(&key, 62), nibble(&key, 63)), (0xa, 0xb, 0xc, 0xd));
    }
}
