//! Programs of integers on wgpu and CPU devices, bit for bit as the referee computes them.
//!
//! [`open`] gives an [`Executor`] by the name of its device; [`list`] says which devices there are.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "floats are labelled so; operators of tensors look like arithmetic; sizes and indices come from a checked program, and a panic on a device is caught"
)]
mod adapters;
mod conformance;
mod devices;
mod error;
mod executor;
mod floats;
mod memory;
mod ops;
mod reference;
mod samples;
mod selftest;
mod tensors;
mod timing;

pub use conformance::{Report, conformance};
pub use devices::{DeviceInfo, FLEX, Hardware, REFERENCE, WGPU, list, open, open_within};
pub use error::Error;
pub use executor::{Executor, Job, Progress, Watch};
pub use floats::{Approximate, approximate};
pub use memory::{Limits, Need};
pub use ops::operator;
pub use reference::Reference;
pub use samples::Sample;
pub use selftest::{Difference, compare, self_test};
pub use timing::{Timing, time_operators};
