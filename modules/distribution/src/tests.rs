//! Distribution message by message, block by block, and beside an unmodified SDK.
#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod coins;
mod genesis;
mod lives;
mod messages;
mod queries;
mod schedules;
mod world;

pub(crate) use world::*;
