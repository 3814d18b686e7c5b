//! Devices against the reference. wgpu needs an adapter: where there is no graphics processor, `localnet/tools.sh test` installs a driver that computes on
//! the processor.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and what was found is a report"
)]
mod conformance;
mod faults;
mod floats;
mod large;
mod limits;
