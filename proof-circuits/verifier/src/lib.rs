//! Groth16 over BN254 as the chain checks it: keys, statements, single and batched proofs. Specification: `README.md`.
//!
//! No floats, clocks or randomness: two nodes always reach the same verdict. Every input is bounded before it is parsed, and
//! nothing here panics, whatever the bytes.
mod batch;
mod cache;
mod circuit;
pub mod commit;
mod error;
pub mod gas;
mod key;
mod miller;
mod multiples;
pub mod poseidon;
mod proof;
mod provenance;
mod record;
mod seal_file;
mod statement;
mod subgroup;
#[cfg(test)]
mod testing;
mod verify;

pub use ark_bn254::Fr;
pub use batch::{Batch, Decoded, Part};
pub use cache::KeyCache;
pub use circuit::{CircuitKind, LayerSizes, Sizes};
pub use error::{KeyError, ProofError};
pub use key::{KeyId, KeyRecord, MAX_INPUTS, VerifyingKey};
pub use proof::{PROOF_BYTES, Proof};
pub use provenance::{PROVENANCE_BYTES, Provenance};
pub use record::{RecordError, RecordFile, Serves};
pub use seal_file::SealFile;
pub use statement::{Context, Element, MAX_RUNS, Run, Statement};
pub use verify::{Claim, PreparedKey};
