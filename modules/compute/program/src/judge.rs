//! The referee: computes one chunk from opened operands.
use std::collections::BTreeMap;

use crate::{
    Hash, Kind, Op, Operand, Program, Source, TreeKind, chunk_hash, hash, open_chunk,
    tensor::{element, encode},
    tree::walk,
};

/// Most bytes of a witness.
pub const MAX_WITNESS_BYTES: usize = 131_072;
/// Most preimages of a witness.
pub const MAX_WITNESS_ENTRIES: usize = 512;

/// What both sides of a dispute agreed on before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roots {
    /// Of the weights.
    pub weights_root: Hash,
    /// Of the inputs of all runs.
    pub input_root: Hash,
    /// How many runs there are.
    pub runs: u32,
}

/// One chunk of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The run.
    pub run: u32,
    /// The node.
    pub node: u32,
    /// The chunk of its output.
    pub chunk: u32,
}

/// Opened nodes of trees and chunks, in any order. What is not needed does no harm; a needed one that is missing or wrong is not opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witness {
    /// What was hashed.
    pub preimages: Vec<Vec<u8>>,
}

/// What a referee found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The hash of the chunk as it must be.
    Computed(Hash),
    /// The operands are not opened, or the chain cannot compute the operator.
    Malformed,
}

/// A sealed operator's input and output, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Elements of its input.
    pub input: Vec<i32>,
    /// Elements of its output as a claim has it.
    pub output: Vec<i32>,
}

/// Computes the chunk at a spot. The operands are opened below the agreed roots and below `nodes_root`, a root over the run's nodes whose leaves before
/// the spot's node are agreed. Never fails otherwise than by [`Verdict::Malformed`].
#[must_use]
pub fn judge(program: &Program, roots: &Roots, spot: Spot, nodes_root: &Hash, witness: &Witness) -> Verdict {
    let computed = open(witness).and_then(|opened| {
        let mut source = Opened::new(program, roots, spot, nodes_root, &opened)?;
        let values = program.compute(spot.node, spot.chunk, &mut source)?;
        Some(chunk_hash(&encode(program.shape(Operand::Node(spot.node))?.kind, &values)))
    });
    computed.map_or(Verdict::Malformed, Verdict::Computed)
}

/// Opens the input of the sealed operator at a spot, and its output below `claimed`, the hash of the chunk that a claim has there. `None` where they are
/// not opened, or the operator is none.
#[must_use]
pub fn open_sealed(program: &Program, roots: &Roots, spot: Spot, nodes_root: &Hash, claimed: &Hash, witness: &Witness) -> Option<Opening> {
    let node = program.graph().nodes.get(usize::try_from(spot.node).ok()?)?;
    let (Op::Sealed { outputs, kind, .. }, Some(operand)) = (&node.op, node.operands.first()) else { return None };
    let opened = open(witness)?;
    let elements = program.shape(*operand)?.elements().ok()?;
    let mut source = Opened::new(program, roots, spot, nodes_root, &opened)?;
    let input = (0..usize::try_from(elements).ok()?).map(|index| source.get(0, index)).collect::<Option<_>>()?;
    let bytes = open_chunk(opened.get(claimed)?)?;
    let count = usize::try_from(*outputs).ok()?;
    let sized = Some(bytes.len()) == count.checked_mul(kind.bytes());
    let output = (0..count).filter(|_| sized).map(|index| element(*kind, bytes, index)).collect::<Option<Vec<_>>>()?;
    sized.then_some(Opening { input, output })
}

/// Preimages by their hashes; `None` where there are more than a witness may have.
fn open(witness: &Witness) -> Option<BTreeMap<Hash, &[u8]>> {
    let bytes = witness.preimages.iter().fold(0_usize, |sum, preimage| sum.saturating_add(preimage.len()));
    let bounded = bytes <= MAX_WITNESS_BYTES && witness.preimages.len() <= MAX_WITNESS_ENTRIES;
    bounded.then(|| witness.preimages.iter().map(|bytes| (hash(bytes), bytes.as_slice())).collect())
}

/// Operands of the node at a spot, as far as they are opened.
struct Opened<'a> {
    program: &'a Program,
    roots: &'a Roots,
    spot: Spot,
    nodes_root: &'a Hash,
    opened: &'a BTreeMap<Hash, &'a [u8]>,
    operands: Vec<Place<'a>>,
}

/// One operand.
struct Place<'a> {
    what: Operand,
    kind: Kind,
    /// Elements of a chunk.
    size: usize,
    /// The chunk that was read last: operators read on where they read before.
    last: Option<(usize, &'a [u8])>,
    /// Chunks that were read.
    chunks: BTreeMap<usize, &'a [u8]>,
}

impl<'a> Opened<'a> {
    fn new(program: &'a Program, roots: &'a Roots, spot: Spot, nodes_root: &'a Hash, opened: &'a BTreeMap<Hash, &'a [u8]>) -> Option<Self> {
        let node = program.graph().nodes.get(usize::try_from(spot.node).ok()?)?;
        let place = |what: &Operand| {
            let size = usize::try_from(program.chunk_elements(*what)).ok()?;
            Some(Place { what: *what, kind: program.shape(*what)?.kind, size, last: None, chunks: BTreeMap::new() })
        };
        let operands = node.operands.iter().map(place).collect::<Option<_>>()?;
        Some(Self { program, roots, spot, nodes_root, opened, operands })
    }
    fn chunk(&self, operand: Operand, chunk: usize) -> Option<&'a [u8]> {
        let root = match operand {
            Operand::Input => &self.roots.input_root,
            Operand::Weight(_) => &self.roots.weights_root,
            Operand::Node(_) => self.nodes_root,
        };
        let chunk = u32::try_from(chunk).ok()?;
        let (kind, leaves, place) = self.program.tree_place(operand, self.spot.run, self.roots.runs);
        let tensor = walk(kind, root, leaves, place, self.opened)?;
        let hash = walk(TreeKind::Tensor, &tensor, self.program.chunks(operand), chunk, self.opened)?;
        let bytes = open_chunk(self.opened.get(&hash)?)?;
        let (from, to) = self.program.chunk_range(operand, chunk)?;
        let size = to.checked_sub(from)?.checked_mul(self.program.shape(operand)?.kind.bytes())?;
        (bytes.len() == size).then_some(bytes)
    }
}

impl Source for Opened<'_> {
    fn get(&mut self, operand: usize, index: usize) -> Option<i32> {
        let place = self.operands.get(operand)?;
        let (chunk, within) = (index.checked_div(place.size)?, index.checked_rem(place.size)?);
        let kind = place.kind;
        let bytes = match place.last {
            Some((last, bytes)) if last == chunk => bytes,
            _ => {
                let bytes = match place.chunks.get(&chunk) {
                    Some(bytes) => bytes,
                    None => self.chunk(place.what, chunk)?,
                };
                let place = self.operands.get_mut(operand)?;
                place.chunks.insert(chunk, bytes);
                place.last = Some((chunk, bytes));
                bytes
            }
        };
        element(kind, bytes, within)
    }
}
