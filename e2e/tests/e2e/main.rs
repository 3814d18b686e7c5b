//! What users do, on real networks.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]
mod calls;
mod clients;
mod cosmos_cli;
mod gov;
mod job;
mod operators;
mod readers;
mod recovery;
mod sealed;
mod simd;
mod staking;
mod statesync;
mod twins;
mod types;
mod upgrade;
mod wallets;
