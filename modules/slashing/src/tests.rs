//! Slashing block by block.
#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod doubles;
mod downtime;
mod genesis;
mod world;

use world::*;
