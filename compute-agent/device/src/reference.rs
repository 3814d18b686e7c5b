//! The reference executor: the referee's own code on one thread, with which all others are compared.
use std::ops::ControlFlow;

use cairn_program::{Tensor, compute};

use crate::{DeviceInfo, Error, Executor, Hardware, Job, Limits, Need, Progress, REFERENCE, Watch};

/// Runs programs as the referee does.
#[derive(Debug, Clone)]
pub struct Reference {
    device: DeviceInfo,
    limits: Limits,
}

impl Default for Reference {
    fn default() -> Self {
        Self::within(Limits::default())
    }
}

impl Reference {
    /// With limits of memory, of which those of a device do not concern it.
    #[must_use]
    pub fn within(limits: Limits) -> Self {
        Self { device: Self::info(), limits }
    }
    /// What [`crate::list`] says of it.
    pub(crate) fn info() -> DeviceInfo {
        DeviceInfo {
            name: REFERENCE.into(),
            adapter: "the referee's own code".into(),
            driver: concat!("cairn-program ", env!("CARGO_PKG_VERSION")).into(),
            hardware: Hardware::Cpu,
        }
    }
}

impl Executor for Reference {
    fn device(&self) -> &DeviceInfo {
        &self.device
    }

    fn reproducible(&self) -> bool {
        true
    }

    fn execute(&self, job: Job<'_>, watch: &mut Watch<'_>) -> Result<Vec<Vec<Tensor>>, Error> {
        Need::of(job.program, job.inputs.runs()).check_host(self.limits)?;
        let nodes = job.program.nodes();
        let all = u64::from(job.inputs.runs()).saturating_mul(nodes.into());
        let mut done = 0_u64;
        let mut runs = Vec::new();
        for (run, input) in (0..).zip(job.inputs.tensors()) {
            let mut outputs = Vec::new();
            for node in 0..nodes {
                if let ControlFlow::Break(()) = watch(Progress { run, node, done, all }) {
                    return Err(Error::Cancelled { run, node });
                }
                outputs.push(step(job, input, node, &outputs)?);
                done = done.saturating_add(1);
            }
            runs.push(outputs);
        }
        Ok(runs)
    }
}

/// The output of a node.
fn step(job: Job<'_>, input: &Tensor, node: u32, before: &[Tensor]) -> Result<Tensor, Error> {
    let seal = |node: u32, values: &[i32]| job.seal.and_then(|seal| seal(node, values));
    let found = compute(job.program, job.weights, input, node, before, &seal);
    found.ok_or_else(|| if job.program.is_sealed(node) { Error::NotPublic { node } } else { Error::Mismatch { node } })
}
