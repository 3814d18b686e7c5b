//! Compute through its messages, blocks and genesis, with dispute below it.
#![allow(clippy::arithmetic_side_effects, clippy::print_stdout, reason = "a test may panic, and figures of attacks are a report")]
mod auctions;
mod audits;
mod contests;
mod enclaves;
mod genesis;
mod jobs;
mod maker;
mod proofs;
mod redundant;
mod refusals;
mod sealed;
mod world;
