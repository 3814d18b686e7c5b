//! Staking message by message and block by block.
#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod genesis;
mod lives;
mod messages;
mod queries;
mod schedules;
mod set;
mod slashes;
mod world;

pub(crate) use world::*;
