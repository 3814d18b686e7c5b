//! Conformance: that a device computes every operator and random programs as the reference does, said with the device's name and driver.
use std::{collections::BTreeMap, fmt, ops::Range};

use cairn_program::Operand;

use crate::{
    DeviceInfo, Difference, Error, Executor, Sample, compare,
    ops::operator,
    samples::{random, samples},
};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The device.
    pub device: DeviceInfo,
    /// Programs that were run.
    pub programs: usize,
    /// Values that were compared, by operator.
    pub values: BTreeMap<&'static str, u64>,
    /// The first difference; nothing was compared behind it.
    pub difference: Option<Difference>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.values.values().fold(0_u64, |all, count| all.saturating_add(*count));
        writeln!(f, "{}: {} programs, {all} values", self.device, self.programs)?;
        for (operator, count) in &self.values {
            writeln!(f, "  {operator:<11} {count:>9}")?;
        }
        match &self.difference {
            None => write!(f, "  all as the reference gives them"),
            Some(difference) => write!(f, "  not reproducible: {difference}"),
        }
    }
}

/// Runs the samples of the self-test, and random programs of these seeds.
///
/// # Errors
/// As [`Executor::execute`].
pub fn conformance(executor: &dyn Executor, seeds: Range<u64>) -> Result<Report, Error> {
    let mut report = Report { device: executor.device().clone(), programs: 0, values: BTreeMap::new(), difference: None };
    let mut all = samples()?;
    for seed in seeds {
        all.extend(random(seed)?);
    }
    for sample in all {
        report.difference = compare(executor, &sample)?;
        if report.difference.is_some() {
            break;
        }
        report.count(&sample);
    }
    Ok(report)
}

impl Report {
    fn count(&mut self, sample: &Sample) {
        self.programs += 1;
        for (number, node) in (0..).zip(&sample.program.graph().nodes) {
            let elements = sample.program.shape(Operand::Node(number)).and_then(|shape| shape.elements().ok()).unwrap_or(0);
            let count = self.values.entry(operator(&node.op)).or_default();
            *count += u64::from(elements) * u64::from(sample.inputs.runs());
        }
    }
}
