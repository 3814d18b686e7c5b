//! A device that lies, for tests and for showing what becomes of a provider that does.
use cairn_device::{DeviceInfo, Error, Executor, Job, Watch};
use cairn_program::Tensor;

/// A device that falsifies one value of one node in the last run of each job.
pub struct Liar {
    honest: Box<dyn Executor>,
    node: usize,
}

impl Liar {
    /// Over a device; `node` counts from 0, a program without it is run honestly.
    #[must_use]
    pub fn new(honest: Box<dyn Executor>, node: usize) -> Self {
        Self { honest, node }
    }
}

impl Executor for Liar {
    fn device(&self) -> &DeviceInfo {
        self.honest.device()
    }
    fn reproducible(&self) -> bool {
        true
    }
    fn execute(&self, job: Job<'_>, watch: &mut Watch<'_>) -> Result<Vec<Vec<Tensor>>, Error> {
        let mut outputs = self.honest.execute(job, watch)?;
        let tensor = outputs.last_mut().and_then(|nodes| nodes.get_mut(self.node));
        if let Some(values) = tensor.map(|tensor| &mut tensor.values) {
            let place = values.len() / 2;
            values[place] ^= 1; // stays within its kind
        }
        Ok(outputs)
    }
}
