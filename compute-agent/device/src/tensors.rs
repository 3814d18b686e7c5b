//! The executor on burn's devices: tensors stay there between operators, runs go in batches, and the outputs of all nodes are read back in groups.
use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use burn::tensor::{Device, TensorData, Transaction};
use cairn_program::{Op, Operand, Tensor};

use crate::{
    DeviceInfo, Error, Executor, Job, Progress, Watch,
    memory::{Limits, Need},
    ops::{Step, Value, size, upload},
};

/// Elements that wait to be read before they are.
const WAITING_ELEMENTS: usize = 1 << 23;
/// Multiplications that wait for the device before it is waited for, so that progress is true and cancellation bites.
const WAITING_MACS: u64 = 1 << 31;

/// Runs what may panic in the driver of a device.
pub(crate) fn guard<T>(name: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, Error> {
    let found = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(text.unwrap_or("a panic without a text").into())
    });
    found.map_err(|what| Error::Device { name: name.into(), what })
}

/// Runs programs on a device through burn's tensors.
#[derive(Debug)]
pub(crate) struct Tensors {
    info: DeviceInfo,
    device: Device,
    limits: Limits,
}

impl Tensors {
    pub(crate) fn new(info: DeviceInfo, device: Device, limits: Limits) -> Self {
        Self { info, device, limits }
    }

    fn guard<T>(&self, work: impl FnOnce() -> Result<T, String>) -> Result<T, Error> {
        guard(&self.info.name, work)
    }
}

impl Executor for Tensors {
    fn device(&self) -> &DeviceInfo {
        &self.info
    }

    /// Nothing is known of a device before it is tested.
    fn reproducible(&self) -> bool {
        false
    }

    fn execute(&self, job: Job<'_>, watch: &mut Watch<'_>) -> Result<Vec<Vec<Tensor>>, Error> {
        let runs = job.inputs.runs();
        let at_once = Need::of(job.program, runs).at_once(self.limits, runs)?;
        let put = |tensor: &Tensor| Value { flat: upload(tensor.values.clone(), &self.device), each: false };
        let weights = self.guard(|| Ok(job.weights.tensors().iter().map(put).collect::<Vec<_>>()))?;
        let mut found = Vec::new();
        for inputs in job.inputs.tensors().chunks(at_once) {
            let batch = Batch::new(self, job, &weights, found.len(), inputs)?;
            found.extend(batch.finish(watch)?);
        }
        Ok(found)
    }
}

/// Some runs on their way through the nodes.
struct Batch<'a> {
    on: &'a Tensors,
    job: Job<'a>,
    weights: &'a [Value],
    input: Value,
    first: usize,
    runs: usize,
    /// The outputs of nodes that others still use.
    values: Vec<Option<Value>>,
    /// The last node that uses the output of each; itself where none does.
    last_use: Vec<usize>,
    waiting: Vec<(u32, Value)>,
    outputs: Vec<Vec<Tensor>>,
}

impl<'a> Batch<'a> {
    fn new(on: &'a Tensors, job: Job<'a>, weights: &'a [Value], first: usize, inputs: &[Tensor]) -> Result<Self, Error> {
        let all = inputs.iter().flat_map(|tensor| tensor.values.iter().copied()).collect();
        let input = on.guard(|| Ok(Value { flat: upload(all, &on.device), each: true }))?;
        let mut last_use: Vec<usize> = (0..job.program.graph().nodes.len()).collect();
        for (user, node) in job.program.graph().nodes.iter().enumerate() {
            for operand in &node.operands {
                if let Operand::Node(used) = operand {
                    last_use[size(*used)] = user;
                }
            }
        }
        let outputs = inputs.iter().map(|_| Vec::new()).collect();
        Ok(Self { on, job, weights, input, first, runs: inputs.len(), values: Vec::new(), last_use, waiting: Vec::new(), outputs })
    }

    /// Takes all nodes; their outputs by run.
    fn finish(mut self, watch: &mut Watch<'_>) -> Result<Vec<Vec<Tensor>>, Error> {
        let (nodes, mut elements, mut macs) = (self.job.program.nodes(), 0, 0_u64);
        for node in 0..nodes {
            self.report(node, watch)?;
            let value = self.step(node)?;
            elements += value.flat.dims()[0];
            macs = macs.saturating_add(self.macs(node));
            self.waiting.push((node, value.clone()));
            self.values.push(Some(value));
            for used in 0..=size(node) {
                if self.last_use[used] <= size(node) {
                    self.values[used] = None;
                }
            }
            if elements > WAITING_ELEMENTS || macs > WAITING_MACS {
                self.read()?;
                (elements, macs) = (0, 0);
            }
        }
        self.read()?;
        Ok(self.outputs)
    }

    fn report(&self, node: u32, watch: &mut Watch<'_>) -> Result<(), Error> {
        let (nodes, first) = (u64::from(self.job.program.nodes()), u32::try_from(self.first).unwrap_or(u32::MAX));
        let before = u64::from(first).saturating_mul(nodes);
        let within = u64::from(node).saturating_mul(u64::try_from(self.runs).unwrap_or(u64::MAX));
        let all = u64::from(self.job.inputs.runs()).saturating_mul(nodes);
        let progress = Progress { run: first, node, done: before.saturating_add(within), all };
        match watch(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Cancelled { run: first, node }),
        }
    }

    /// Multiplications of a node in these runs, at most.
    fn macs(&self, node: u32) -> u64 {
        let chunks = u64::from(self.job.program.chunks(Operand::Node(node)));
        let one = self.job.program.leaf_cost(node).map_or(0, |cost| cost.macs.saturating_mul(chunks));
        one.saturating_mul(u64::try_from(self.runs).unwrap_or(u64::MAX))
    }

    fn step(&self, node: u32) -> Result<Value, Error> {
        let mismatch = || Error::Mismatch { node };
        let what = self.job.program.graph().nodes.get(size(node)).ok_or_else(mismatch)?;
        let operands: Option<Vec<Value>> = what.operands.iter().map(|operand| self.value(*operand)).collect();
        let operands = operands.ok_or_else(mismatch)?;
        if let Op::Sealed { .. } = what.op {
            return self.sealed(node, operands.first().ok_or_else(mismatch)?);
        }
        let step = Step::new(self.job.program, node, &self.on.device).ok_or_else(mismatch)?;
        self.on.guard(|| step.apply(&operands, self.runs).ok_or_else(|| "an operator has another number of operands".into()))
    }

    fn value(&self, operand: Operand) -> Option<Value> {
        match operand {
            Operand::Input => Some(self.input.clone()),
            Operand::Weight(weight) => self.weights.get(size(weight)).cloned(),
            Operand::Node(node) => self.values.get(size(node)).cloned().flatten(),
        }
    }

    /// A sealed node is computed by whoever has its weights, on the host.
    fn sealed(&self, node: u32, input: &Value) -> Result<Value, Error> {
        let mut all = Vec::new();
        for run in 0..self.runs {
            let values = self.on.guard(|| read(input.of(run, self.runs).try_into_data()))?;
            let sealed = self.job.seal.and_then(|seal| seal(node, &values)).ok_or(Error::NotPublic { node })?;
            let shape = self.job.program.shape(Operand::Node(node)).ok_or(Error::Mismatch { node })?;
            all.extend(Tensor::new(shape.clone(), sealed).ok_or(Error::NotPublic { node })?.values);
        }
        self.on.guard(|| Ok(Value { flat: upload(all, &self.on.device), each: true }))
    }

    /// Reads what waits, in one exchange with the device.
    fn read(&mut self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        let asked = || waiting.iter().fold(Transaction::default(), |all, (_, value)| all.register(value.flat.clone()));
        let found = self.on.guard(|| asked().try_execute().map_err(|error| error.to_string()))?;
        for ((node, value), data) in waiting.iter().zip(found) {
            let values = self.on.guard(|| read::<String>(Ok(data)))?;
            self.keep(*node, value.each, &values)?;
        }
        Ok(())
    }

    /// Hands each run its part of a node's output.
    fn keep(&mut self, node: u32, each: bool, values: &[i32]) -> Result<(), Error> {
        let shape = self.job.program.shape(Operand::Node(node)).ok_or(Error::Mismatch { node })?;
        let one = values.len() / if each { self.runs } else { 1 };
        for (run, outputs) in self.outputs.iter_mut().enumerate() {
            let from = if each { run * one } else { 0 };
            let tensor = Tensor::new(shape.clone(), values[from..from + one].to_vec());
            let wrong = || Error::Device { name: self.on.info.name.clone(), what: format!("values of node {node} are not of its type") };
            outputs.push(tensor.ok_or_else(wrong)?);
        }
        Ok(())
    }
}

/// Elements out of what a device gave.
fn read<E: std::fmt::Display>(found: Result<TensorData, E>) -> Result<Vec<i32>, String> {
    found.map_err(|error| error.to_string())?.try_into_vec::<i32>().map_err(|error| format!("{error:?}"))
}
