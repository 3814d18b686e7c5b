//! Devices by name.
use std::fmt;

use burn::tensor::Device;

use crate::{Error, Executor, Limits, Reference, adapters::adapters, selftest::Tested, tensors::Tensors};

/// The name of the referee's own code.
pub const REFERENCE: &str = "reference";
/// The name of the kernels of burn for processors.
pub const FLEX: &str = "flex";
/// The name of the first adapter of wgpu; with `:0`, `:1` and so on, of each.
pub const WGPU: &str = "wgpu";

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

/// The devices of this machine, the reference first. A name is good on this machine until it restarts.
#[must_use]
pub fn list() -> Vec<DeviceInfo> {
    let mut all = vec![Reference::info(), flex()];
    all.extend(adapters().iter().map(|adapter| adapter.info.clone()));
    all
}

/// Opens a device by a name of [`list`]; `wgpu` is the first adapter. Any device but the reference is tested first, which takes seconds where it compiles
/// its kernels: one that differs in one value opens, but says that it is not reproducible, and where it differed first.
///
/// # Errors
/// [`Error::NoDevice`]; [`Error::Device`] where it fails in the test.
pub fn open(name: &str) -> Result<Box<dyn Executor>, Error> {
    open_within(name, Limits::default())
}

/// [`open`] with other limits of memory.
///
/// # Errors
/// As [`open`].
pub fn open_within(name: &str, limits: Limits) -> Result<Box<dyn Executor>, Error> {
    if name == REFERENCE {
        return Ok(Box::new(Reference::within(limits)));
    }
    let (info, device) = find(name)?;
    Ok(Box::new(Tested::new(Tensors::new(info, device, limits))?))
}

/// A device of burn by its name.
///
/// # Errors
/// [`Error::NoDevice`].
pub(crate) fn find(name: &str) -> Result<(DeviceInfo, Device), Error> {
    if name == FLEX {
        return Ok((flex(), Device::flex()));
    }
    let place = if name == WGPU { Some("0") } else { name.strip_prefix(WGPU).and_then(|rest| rest.strip_prefix(':')) };
    let found = place.and_then(|place| place.parse::<usize>().ok()).and_then(|place| adapters().get(place));
    match found {
        Some(adapter) => Ok((adapter.info.clone(), Device::wgpu(adapter.kind.clone()))),
        None => {
            let found: Vec<String> = list().into_iter().map(|device| device.name).collect();
            Err(Error::NoDevice { name: name.into(), found: found.join(", ") })
        }
    }
}

fn flex() -> DeviceInfo {
    DeviceInfo {
        name: FLEX.into(),
        adapter: "vector instructions of the processor".into(),
        driver: "burn-flex".into(),
        hardware: Hardware::Cpu,
    }
}
