//! The test of a device when it is opened: every operator on fixed and extreme values against the reference.
use std::{fmt, ops::ControlFlow};

use cairn_program::{Tensor, compute};

use crate::{DeviceInfo, Error, Executor, Job, Sample, Watch, ops::operator, samples::samples};

/// Where a device first gave another value than the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The program.
    pub sample: String,
    /// The operator.
    pub operator: &'static str,
    /// The run.
    pub run: usize,
    /// The node.
    pub node: usize,
    /// The element; behind the last one where the tensor is of another type.
    pub element: usize,
    /// What the reference gives.
    pub expected: Option<i32>,
    /// What the device gives.
    pub found: Option<i32>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: Option<i32>| value.map_or_else(|| "nothing".into(), |value| value.to_string());
        let (expected, found) = (text(self.expected), text(self.found));
        let Self { sample, operator, run, node, element, .. } = self;
        write!(f, "{operator} in '{sample}', run {run}, node {node}, element {element}: {found}, where the reference gives {expected}")
    }
}

/// Runs a sample on a device and on the reference; the first difference.
///
/// # Errors
/// As [`Executor::execute`]; [`Error::Mismatch`] where the sample's parts do not fit together.
pub fn compare(executor: &dyn Executor, sample: &Sample) -> Result<Option<Difference>, Error> {
    let Sample { program, weights, inputs, .. } = sample;
    let found = executor.run(program, weights, inputs, &mut |_| ControlFlow::Continue(()))?;
    for (run, input) in inputs.tensors().iter().enumerate() {
        let mut expected: Vec<Tensor> = Vec::new();
        for (number, node) in (0..).zip(&program.graph().nodes) {
            let right = compute(program, weights, input, number, &expected, &|_, _| None).ok_or(Error::Mismatch { node: number })?;
            let place = expected.len();
            if let Some((element, left, right)) = differs(found.get(run).and_then(|nodes| nodes.get(place)), &right) {
                let (sample, operator) = (sample.name.clone(), operator(&node.op));
                return Ok(Some(Difference { sample, operator, run, node: place, element, expected: right, found: left }));
            }
            expected.push(right);
        }
    }
    Ok(None)
}

/// The first element in which a tensor is not the right one.
fn differs(found: Option<&Tensor>, right: &Tensor) -> Option<(usize, Option<i32>, Option<i32>)> {
    if found == Some(right) {
        return None;
    }
    let values = found.map_or([].as_slice(), |tensor| &tensor.values);
    let place = (0..right.values.len()).find(|place| values.get(*place) != right.values.get(*place)).unwrap_or(right.values.len());
    Some((place, values.get(place).copied(), right.values.get(place).copied()))
}

/// Every operator on fixed and extreme values; the first difference from the reference. Takes seconds on a device that compiles its kernels first.
///
/// # Errors
/// As [`Executor::execute`].
pub fn self_test(executor: &dyn Executor) -> Result<Option<Difference>, Error> {
    for sample in samples()? {
        if let Some(difference) = compare(executor, &sample)? {
            return Ok(Some(difference));
        }
    }
    Ok(None)
}

/// An executor with what came of its test.
#[derive(Debug)]
pub(crate) struct Tested<E> {
    inner: E,
    difference: Option<Difference>,
}

impl<E: Executor> Tested<E> {
    /// Tests it.
    pub(crate) fn new(inner: E) -> Result<Self, Error> {
        let difference = self_test(&inner)?;
        Ok(Self { inner, difference })
    }
}

impl<E: Executor> Executor for Tested<E> {
    fn device(&self) -> &DeviceInfo {
        self.inner.device()
    }

    fn reproducible(&self) -> bool {
        self.difference.is_none()
    }

    fn difference(&self) -> Option<&Difference> {
        self.difference.as_ref()
    }

    fn execute(&self, job: Job<'_>, watch: &mut Watch<'_>) -> Result<Vec<Vec<Tensor>>, Error> {
        self.inner.execute(job, watch)
    }
}
