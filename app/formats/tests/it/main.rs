//! The crate from outside: what is exported is imported again, and what cannot be taken is refused by its place.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]
mod generate;
mod imports;
mod round_trips;
