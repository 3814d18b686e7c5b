//! The gateway over HTTP, against a node that answers what a test sets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod assets;
mod bucket;
mod collecting;
mod computations;
mod contents;
mod drafts;
mod jobs;
mod manifests;
mod node;
mod process;
mod sign_in;
mod status;
mod world;
