//! Arenas through their messages, queries, blocks and genesis.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::print_stdout,
    reason = "a test may panic, the reference is in floats, and figures of attacks are a report"
)]
mod attacks;
mod consensus;
mod epochs;
mod money;
mod refusals;
mod seats;
mod world;
