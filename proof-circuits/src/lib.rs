//! Circuits and the prover of small quantised networks: Groth16 over BN254. Specification: `README.md`; what the chain checks is
//! in `cairn-verifier`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "field arithmetic cannot overflow; sizes are bounded by `Shape`; nothing here runs on a validator"
)]
pub mod ceremony;
mod circuit;
mod commit;
mod cs;
mod gadgets;
mod key_file;
mod msm;
mod network;
mod program;
mod prove;
mod prover;
mod random;
mod shape;
#[cfg(test)]
mod tests;
mod verify;

pub use circuit::{Circuit, Input, Job, Kind};
pub use commit::{input_commitment, output_commitment, weights_commitment};
pub use network::{Answer, Layer, Network, NetworkError};
pub use program::{BridgeError, network_of, program_of};
pub use prover::{ProveError, Prover};
pub use random::Random;
pub use shape::{Head, LayerShape, MAX_LAYERS, MAX_WIDTH, Shape};
pub use verify::verify_all;
