//! Programs of integers on wgpu and CPU devices, bit for bit as the referee computes them.
//!
//! [`open`] gives an [`Executor`] by the name of its device; [`list`] says which devices there are.
mod devices;
mod error;
mod executor;
mod reference;

pub use devices::{DeviceInfo, Hardware, REFERENCE, list, open};
pub use error::Error;
pub use executor::{Executor, Job, Progress, Watch};
pub use reference::Reference;
