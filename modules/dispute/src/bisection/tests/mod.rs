//! Bisection through its public functions, messages, queries, blocks and genesis.
#![allow(clippy::arithmetic_side_effects, clippy::print_stdout, reason = "a test may panic, and figures of attacks are a report")]
mod attacks;
mod book;
mod brackets;
mod cheats;
mod genesis;
mod handlers;
mod rules;
mod schedule;
mod sealed;
mod world;
