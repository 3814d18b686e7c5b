//! Models: files, quantisation, conversion, training.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "runs where models are made, never on a validator; what comes from outside is bounded where it is read"
)]
mod file;

pub use file::{Card, FileError, MAX_FILE_BYTES, ModelFile, Quantised};
