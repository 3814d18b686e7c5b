//! Runs the main job as its users would: a requester with `cairnd job`, fourteen annotators with keys of their own, a buyer.
//!
//! Everything goes through the doors that people use: signed transactions over CometBFT's RPC and items from the gateway. Only this crate
//! knows the true labels; the annotators err by a seeded table.
#![allow(clippy::float_arithmetic, reason = "skills and shares are shown to people; nothing here is consensus")]

pub mod accounts;
pub mod annotator;
pub mod compute;
pub mod crew;
pub mod digits;
pub mod gateway;
pub mod ledger;
pub mod license;
pub mod report;
pub mod run;
pub mod skill;

pub use cairn_client as chain;
