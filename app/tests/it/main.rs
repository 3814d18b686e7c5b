//! The whole node core, by its public interface: signed transactions, blocks, queries, crashes.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails panics"
)]

mod abci;
mod beacon;
mod checks;
mod compute;
mod contained;
mod crash;
mod determinism;
mod dispute;
mod doors;
mod exports;
mod genesis;
mod grants;
mod hostile;
mod licensing;
mod parameters;
mod proofs;
mod proposals;
mod refusals;
mod signers;
mod signing;
mod simulate;
mod snapshots;
mod support;
mod transfers;
mod upgrade;
mod wiring;
