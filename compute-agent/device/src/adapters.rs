//! Adapters that wgpu finds on this machine, in the order and under the kinds by which burn opens them.
use std::{
    future::Future,
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
};

use burn::tensor::{
    DeviceKind,
    wgpu::wgpu::{AdapterInfo, Backend, DeviceType, Instance, InstanceDescriptor},
};

use crate::{DeviceInfo, Hardware, WGPU};

/// An adapter with what opens it.
#[derive(Debug, Clone)]
pub(crate) struct Adapter {
    pub(crate) info: DeviceInfo,
    pub(crate) kind: DeviceKind,
}

/// All of them. They are asked once: drivers crash where several threads ask at the same time, and what is plugged in later is found after a restart.
pub(crate) fn adapters() -> &'static [Adapter] {
    static FOUND: OnceLock<Vec<Adapter>> = OnceLock::new();
    FOUND.get_or_init(|| name(settle()))
}

/// The adapters of the first graphics API that has a graphics processor, else of the first that has any: the choice of burn's runtime.
fn settle() -> Vec<AdapterInfo> {
    let mut software = Vec::new();
    for api in [Backend::Vulkan, Backend::Metal, Backend::Dx12, Backend::Gl] {
        let found = ask(api);
        if found.iter().any(|adapter| adapter.device_type != DeviceType::Cpu) {
            return found;
        }
        if software.is_empty() {
            software = found;
        }
    }
    software
}

fn ask(api: Backend) -> Vec<AdapterInfo> {
    let instance = Instance::new(InstanceDescriptor { backends: api.into(), ..InstanceDescriptor::new_without_display_handle() });
    // Outside of browsers this is ready at once.
    let found = pin!(instance.enumerate_adapters(api.into())).poll(&mut Context::from_waker(Waker::noop()));
    match found {
        Poll::Ready(found) => found.iter().map(|adapter| adapter.get_info()).collect(),
        Poll::Pending => Vec::new(),
    }
}

/// Burn counts adapters of each kind by themselves, and knows one that is a processor.
fn name(found: Vec<AdapterInfo>) -> Vec<Adapter> {
    let (mut discrete, mut integrated, mut of_hosts, mut processors) = (0, 0, 0, 0);
    let next = |count: &mut usize| {
        *count += 1;
        *count - 1
    };
    let mut named = Vec::new();
    for adapter in found {
        let (kind, hardware) = match adapter.device_type {
            DeviceType::DiscreteGpu => (DeviceKind::DiscreteGpu(next(&mut discrete)), Hardware::Gpu),
            DeviceType::IntegratedGpu => (DeviceKind::IntegratedGpu(next(&mut integrated)), Hardware::Gpu),
            DeviceType::VirtualGpu => (DeviceKind::VirtualGpu(next(&mut of_hosts)), Hardware::Gpu),
            DeviceType::Cpu if next(&mut processors) == 0 => (DeviceKind::Cpu, Hardware::Cpu),
            DeviceType::Cpu | DeviceType::Other => continue,
        };
        let driver = format!("{:?} {} {}", adapter.backend, adapter.driver, adapter.driver_info);
        let info = DeviceInfo { name: format!("{WGPU}:{}", named.len()), adapter: adapter.name, driver, hardware };
        named.push(Adapter { info, kind });
    }
    named
}
