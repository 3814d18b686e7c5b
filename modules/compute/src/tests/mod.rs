//! Compute through its messages, blocks and genesis, with dispute below it.
#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]
mod auctions;
mod contests;
mod genesis;
mod jobs;
mod refusals;
mod world;
