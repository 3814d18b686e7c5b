//! Agents on a real chain (its application, block by block): killed at every call, lied to at every operator, in every kind of job.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panics; their numbers are small"
)]
mod auctions;
mod audits;
mod cast;
mod liars;
mod place;
mod proven;
mod providers;
mod redundant;
mod seat;
#[allow(dead_code, unreachable_pub, reason = "what the tests of the application share; not all of it is used here")]
#[path = "../../../app/tests/it/support.rs"]
mod support;
