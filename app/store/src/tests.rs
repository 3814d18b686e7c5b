//! What the parts do together. The reference for hashes and proofs is the `jmt` crate, for contents a `BTreeMap`.
mod chain;
pub(crate) mod crash;
mod folder;
mod genesis;
mod history;
mod proofs;
mod pruning;
mod readers;
mod reference;
mod rollback;
mod snapshots;
mod trees;
