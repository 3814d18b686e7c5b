//! Pairs: two items in one, and the commitment to who is compared in each task.
use cairn_kernel::{
    merkle::{self, Hash},
    tag,
};

use super::{chain32, chunk_tasks, chunks, seeded};

/// The media type of an item that is a pair.
pub const PAIR_MEDIA_TYPE: &str = "application/vnd.cairn.pair";

/// Content with its media type: one item of a pair, or a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side<'a> {
    /// Its media type, at most 255 bytes.
    pub media_type: &'a str,
    /// Its content.
    pub content: &'a [u8],
}

impl Side<'_> {
    /// u8 length | media type | u64 length | content.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Option<()> {
        out.push(u8::try_from(self.media_type.len()).ok()?);
        out.extend(self.media_type.as_bytes());
        out.extend(u64::try_from(self.content.len()).ok()?.to_be_bytes());
        out.extend(self.content);
        Some(())
    }
}

/// Two items as the one item of a task: `cairn.pair.v1` | left | right, each u8 length | media type | u64 length | content.
///
/// `None` where a media type has more than 255 bytes.
#[must_use]
pub fn pair(left: &Side<'_>, right: &Side<'_>) -> Option<Vec<u8>> {
    let mut out = tag("cairn.pair.v1").to_vec();
    left.write(&mut out)?;
    right.write(&mut out)?;
    Some(out)
}

/// The two items of a pair, left and right; `None` where the bytes are no pair to the last one.
#[must_use]
pub fn read_pair(bytes: &[u8]) -> Option<(Side<'_>, Side<'_>)> {
    let rest = bytes.strip_prefix(&tag("cairn.pair.v1"))?;
    let (left, rest) = read_side(rest)?;
    let (right, rest) = read_side(rest)?;
    rest.is_empty().then_some((left, right))
}

/// What [`Side::write`] wrote, and what follows it.
pub(super) fn read_side(bytes: &[u8]) -> Option<(Side<'_>, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (media_type, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_at_checked(8)?;
    let length = u64::from_be_bytes(length.try_into().ok()?);
    let (content, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((Side { media_type: std::str::from_utf8(media_type).ok()?, content }, rest))
}

/// The hash of a chunk's leaf in the tree of pairs, one (left, right) of contestants a task:
/// SHA-256(0x00 | `cairn.pairs.v1` | chain32 | manifest root | u32 chunk | salt | n * (u32 left | u32 right)) with
/// salt = SHA-256(`cairn.psalt.v1` | seed | u32 chunk).
#[must_use]
pub fn pairs_leaf(chain: &Hash, manifest_root: &Hash, seed: &Hash, chunk: u32, pairs: &[(u32, u32)]) -> Hash {
    let mut leaf = tag("cairn.pairs.v1").to_vec();
    leaf.extend(chain);
    leaf.extend(manifest_root);
    leaf.extend(chunk.to_be_bytes());
    leaf.extend(seeded("cairn.psalt.v1", seed, chunk));
    for (left, right) in pairs {
        leaf.extend(left.to_be_bytes());
        leaf.extend(right.to_be_bytes());
    }
    merkle::leaf_hash(&leaf)
}

/// What a requester commits with to who is compared in each task. Hidden until the labels are in, so that no annotator favours a contestant.
#[derive(Debug, Clone)]
pub struct PairsTree {
    leaves: Vec<Hash>,
}

impl PairsTree {
    /// The tree of all pairs of a job, one a task, under the seed of its gold.
    #[must_use]
    pub fn new(chain_id: &str, manifest_root: &Hash, seed: &Hash, pairs: &[(u32, u32)]) -> Self {
        let (chain, tasks) = (chain32(chain_id), u32::try_from(pairs.len()).unwrap_or(u32::MAX));
        let of = |chunk| {
            let range = chunk_tasks(tasks, chunk);
            let (start, end) = (usize::try_from(range.start).unwrap_or(0), usize::try_from(range.end).unwrap_or(0));
            pairs_leaf(&chain, manifest_root, seed, chunk, pairs.get(start..end).unwrap_or_default())
        };
        Self { leaves: (0..chunks(tasks)).map(of).collect() }
    }
    /// The root that `MsgPostJob` carries.
    #[must_use]
    pub fn root(&self) -> Hash {
        merkle::root(&self.leaves)
    }
    /// The path that `MsgOpenPairs` carries for a chunk; `None` where there is no such chunk.
    #[must_use]
    pub fn path(&self, chunk: u32) -> Option<Vec<Hash>> {
        merkle::path(&self.leaves, usize::try_from(chunk).ok()?)
    }
}
