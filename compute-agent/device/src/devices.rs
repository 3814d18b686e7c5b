//! Devices by name.
use std::fmt;

use crate::{Error, Executor, Reference};

/// The name of the referee's own code.
pub const REFERENCE: &str = "reference";

/// What a device is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hardware {
    /// A graphics processor.
    Gpu,
    /// The processor, or a driver that computes on it.
    Cpu,
}

/// What is known of a device before it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The name by which it is opened.
    pub name: String,
    /// The adapter, as its driver calls it.
    pub adapter: String,
    /// The driver with its version.
    pub driver: String,
    /// What it is made of.
    pub hardware: Hardware,
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
        })
    }
}

impl fmt::Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {}, {})", self.name, self.adapter, self.driver, self.hardware)
    }
}

/// The devices of this machine, the reference first.
#[must_use]
pub fn list() -> Vec<DeviceInfo> {
    vec![Reference::info()]
}

/// Opens a device by a name of [`list`].
///
/// # Errors
/// [`Error::NoDevice`].
pub fn open(name: &str) -> Result<Box<dyn Executor>, Error> {
    match name {
        REFERENCE => Ok(Box::new(Reference::default())),
        _ => {
            let found: Vec<String> = list().into_iter().map(|device| device.name).collect();
            Err(Error::NoDevice { name: name.into(), found: found.join(", ") })
        }
    }
}
