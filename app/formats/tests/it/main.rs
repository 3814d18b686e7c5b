//! The crate from outside: what is exported is imported again, and what cannot be taken is refused by its place.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]
mod generate;
mod imports;
mod readers;
mod round_trips;
mod slow;
