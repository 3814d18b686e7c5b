//! The versioned state of a node: newest values in one look-up, old heights within a window, ICS-23 proofs against the app hash.
//!
//! The README beside this crate is its specification: layout on disk, hash rules, proof specs, pruning, crash model.
//!
//! A block goes through three steps. The app executes it over a [`View`] with a `cairn_kernel::Overlay` and ends with a set of writes;
//! [`StateStore::stage`] computes the app hash of these writes and touches nothing; [`StateStore::commit`] makes them the newest state in
//! one atomic batch. Readers hold views of their own and wait for nobody.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails, which is what it is for"))]

mod audit;
mod cache;
mod commit;
mod disk;
mod error;
mod genesis;
mod journal;
mod keys;
mod meta;
mod metrics;
mod node;
mod options;
mod proof;
mod prune;
mod rollback;
mod simple;
mod snapshot;
mod stage;
mod store;
mod tree;
mod value;
mod view;
mod wal;

#[cfg(test)]
mod tests;

pub use error::{Error, Result};
pub use meta::{SCHEMA, Version};
pub use metrics::Metric;
pub use options::{Options, Pruning};
pub use proof::{Proof, ProofOp, STORE_OP, TOP_OP, specs, verify};
pub use snapshot::{FORMAT, MAX_CHUNK, MAX_CHUNKS, MAX_METADATA, Part, Restore, Snapshot, Snapshots, dump, load};
pub use stage::Staged;
pub use store::StateStore;
pub use view::View;
