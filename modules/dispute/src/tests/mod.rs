//! Dispute through its public functions, messages, queries, blocks and genesis.
#![allow(clippy::arithmetic_side_effects, clippy::print_stdout, reason = "a test may panic, and figures of attacks are a report")]
mod appeals;
mod attacks;
mod complaints;
mod contained;
mod genesis;
mod jurors;
mod queries;
mod schedule;
mod votes;
mod world;
