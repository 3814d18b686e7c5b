//! Programs: graphs of integer operators whose results are the same bits everywhere, and whose runs can be checked piece by piece.
//!
//! What an operator computes is defined once, for one chunk of its output over a [`Source`] of operand values: whole tensors when a program is
//! run, opened chunks when a referee computes one of them.
mod check;
mod error;
mod graph;
mod judge;
mod ops;
mod run;
mod tensor;
pub mod testing;
#[cfg(test)]
mod tests;
mod tree;

pub use check::{LeafCost, MAX_LEAF_BYTES, MAX_LEAF_MACS, Program};
pub use error::Error;
pub use graph::{Graph, Kind, MAX_ELEMENTS, MAX_GRAPH_BYTES, MAX_NODES, MAX_RANK, Node, Op, Operand, Orientation, TensorType};
pub use judge::{MAX_WITNESS_BYTES, MAX_WITNESS_ENTRIES, Opening, Roots, Spot, Verdict, Witness, judge, open_sealed};
pub use run::{Claim, Inputs, Seal, Trace, Weights, compute};
pub use tensor::{Source, Tensor};
pub use tree::{
    ARITY, Hash, MAX_RUNS, MAX_SPOTS, Record, Tree, TreeKind, chunk_bytes, chunk_hash, depth, hash, inner, inner_bytes, last_leaf,
    open_chunk, record, record_bytes, walk,
};
