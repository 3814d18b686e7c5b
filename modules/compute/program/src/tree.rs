//! Trees over chunks, tensors, nodes, runs: 16 children a node, SHA-256, every hash with its domain.
//!
//! Leaves fill a tree from the left; their number is known from the program, so depth and shape are fixed and nothing is padded. A tree of one leaf
//! is that leaf.
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// Children of a full node.
pub const ARITY: u32 = 16;
/// Most runs of a trace.
pub const MAX_RUNS: u32 = 1_024;
/// Most runs times nodes of a trace.
pub const MAX_SPOTS: u64 = 1 << 20;

const CHUNK: [u8; 16] = tag(b"cairn.leaf.v1");
const TREE: [u8; 16] = tag(b"cairn.tree.v1");
const RUN: [u8; 16] = tag(b"cairn.run.v1");

/// A tag padded with zeros.
const fn tag(text: &[u8]) -> [u8; 16] {
    let mut tag = [0; 16];
    let (to, _) = tag.split_at_mut(text.len());
    to.copy_from_slice(text);
    tag
}

/// What a tree is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TreeKind {
    /// Chunks of a tensor.
    Tensor,
    /// Outputs of the nodes of a run.
    Nodes,
    /// Records of the runs.
    Runs,
    /// Weight tensors.
    Weights,
    /// Inputs of the runs.
    Inputs,
}

impl TreeKind {
    fn number(self) -> u8 {
        match self {
            Self::Tensor => 1,
            Self::Nodes => 2,
            Self::Runs => 3,
            Self::Weights => 4,
            Self::Inputs => 5,
        }
    }
}

/// SHA-256 of a preimage.
#[must_use]
pub fn hash(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// What hashes to a chunk's hash.
#[must_use]
pub fn chunk_bytes(elements: &[u8]) -> Vec<u8> {
    [CHUNK.as_slice(), elements].concat()
}

/// Hash of a chunk.
#[must_use]
pub fn chunk_hash(elements: &[u8]) -> Hash {
    hash(&chunk_bytes(elements))
}

/// The elements in the preimage of a chunk.
#[must_use]
pub fn open_chunk(preimage: &[u8]) -> Option<&[u8]> {
    preimage.strip_prefix(CHUNK.as_slice())
}

/// Levels above the leaves.
#[must_use]
pub fn depth(leaves: u32) -> u8 {
    let (mut levels, mut width) = (0_u8, 1_u64);
    while width < u64::from(leaves) {
        width = width.saturating_mul(ARITY.into());
        levels = levels.saturating_add(1);
    }
    levels
}

/// What hashes to the hash of a tree's node `level` levels above the leaves.
#[must_use]
pub fn inner_bytes(kind: TreeKind, level: u8, children: &[Hash]) -> Vec<u8> {
    let count = u8::try_from(children.len()).unwrap_or(u8::MAX);
    [TREE.as_slice(), &[kind.number(), level, count], &children.concat()].concat()
}

/// The children in the preimage of a tree's node, one after the other; `None` where it is not the preimage of `expected`, or of another node.
#[must_use]
pub fn inner(kind: TreeKind, level: u8, children: u8, preimage: &[u8], expected: &Hash) -> Option<Vec<u8>> {
    let body = preimage.strip_prefix(TREE.as_slice())?.strip_prefix(&[kind.number(), level, children])?;
    let sized = Some(body.len()) == usize::from(children).checked_mul(32);
    (sized && hash(preimage) == *expected).then(|| body.to_vec())
}

/// The record of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Root over its nodes' outputs.
    pub nodes_root: Hash,
    /// Root of its output, which is the last node's.
    pub output_root: Hash,
}

/// What hashes to the hash of a record.
#[must_use]
pub fn record_bytes(record: &Record) -> Vec<u8> {
    [RUN.as_slice(), &record.nodes_root, &record.output_root].concat()
}

/// The record in a preimage; `None` where it is not the preimage of `expected`.
#[must_use]
pub fn record(preimage: &[u8], expected: &Hash) -> Option<Record> {
    let body = preimage.strip_prefix(RUN.as_slice())?;
    let (nodes, output) = body.split_at_checked(32)?;
    let record = Record { nodes_root: nodes.try_into().ok()?, output_root: output.try_into().ok()? };
    (hash(preimage) == *expected).then_some(record)
}

/// How many children the node `index` of a level above the leaves has.
fn children(leaves: u32, level: u8, index: u64) -> Option<u8> {
    let width = u64::from(ARITY).checked_pow(u32::from(level.checked_sub(1)?))?;
    let below = u64::from(leaves).div_ceil(width);
    let left = below.checked_sub(index.checked_mul(ARITY.into())?)?;
    u8::try_from(left.min(ARITY.into())).ok()
}

/// The hash of leaf `index` below a root, by opened preimages; `None` where one is missing or wrong.
#[must_use]
pub fn walk(kind: TreeKind, root: &Hash, leaves: u32, index: u32, opened: &BTreeMap<Hash, &[u8]>) -> Option<Hash> {
    if index >= leaves {
        return None;
    }
    let (mut at, mut level) = (*root, depth(leaves));
    while level > 0 {
        let width = u64::from(ARITY).checked_pow(u32::from(level.checked_sub(1)?))?;
        let place = u64::from(index).checked_div(width)?;
        let node = place.checked_div(ARITY.into())?;
        let below = inner(kind, level, children(leaves, level, node)?, opened.get(&at)?, &at)?;
        let child = usize::try_from(place.checked_rem(ARITY.into())?).ok()?;
        at = below.chunks(32).nth(child)?.try_into().ok()?;
        level = level.checked_sub(1)?;
    }
    Some(at)
}

/// The root of the last node's output below the root over `nodes` of them, by the preimages on the way.
#[must_use]
pub fn last_leaf(nodes_root: &Hash, nodes: u32, path: &[Vec<u8>]) -> Option<Hash> {
    let opened = path.iter().map(|bytes| (hash(bytes), bytes.as_slice())).collect();
    walk(TreeKind::Nodes, nodes_root, nodes, nodes.checked_sub(1)?, &opened)
}

/// A tree with all its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    kind: TreeKind,
    /// From the leaves up.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Over these leaves.
    #[must_use]
    pub fn new(kind: TreeKind, leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        let (mut level, arity) = (0_u8, 16);
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            level = level.saturating_add(1);
            let above = below.chunks(arity).map(|children| hash(&inner_bytes(kind, level, children))).collect();
            levels.push(above);
        }
        Self { kind, levels }
    }
    /// Its root; of no leaves, zeros.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.levels.last().and_then(|top| top.first()).copied().unwrap_or_default()
    }
    /// The preimage of a node `level` levels above the leaves.
    #[must_use]
    pub fn preimage(&self, level: u8, index: usize) -> Option<Vec<u8>> {
        let below = self.levels.get(usize::from(level.checked_sub(1)?))?;
        below.chunks(16).nth(index).map(|children| inner_bytes(self.kind, level, children))
    }
    /// The preimages on the way from the root to a leaf.
    #[must_use]
    pub fn path(&self, leaf: usize) -> Vec<Vec<u8>> {
        let (mut path, mut index, mut level) = (Vec::new(), leaf, 0_u8);
        while usize::from(level.saturating_add(1)) < self.levels.len() {
            (index, level) = (index >> 4, level.saturating_add(1));
            path.extend(self.preimage(level, index));
        }
        path.reverse();
        path
    }
}
