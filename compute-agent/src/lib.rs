//! The compute agent: bids for jobs, runs programs, proves, and contests wrong results.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "runs where results are computed, never on a validator; sizes are bounded where they come in"
)]
pub mod cli;
pub mod liar;
pub mod proofs;
pub mod run;
pub mod serve;
