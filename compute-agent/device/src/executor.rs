//! What every device does: run a program and give the outputs of all its nodes.
use std::ops::ControlFlow;

use cairn_program::{Inputs, Program, Seal, Tensor, Weights};

use crate::{DeviceInfo, Difference, Error};

/// How far a run of a program is; steps are nodes of runs, in the order in which the device takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The run that is next.
    pub run: u32,
    /// The node that is next.
    pub node: u32,
    /// Steps that are done or handed to the device.
    pub done: u64,
    /// All steps: runs times nodes.
    pub all: u64,
}

/// Is told of each step before it is taken, and may end the run there.
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// What is to be run.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The program.
    pub program: &'a Program,
    /// Its weights.
    pub weights: &'a Weights,
    /// An input a run.
    pub inputs: &'a Inputs,
    /// What computes sealed nodes, where their owner runs them; `None` from it, or none of it, makes them [`Error::NotPublic`].
    pub seal: Option<Seal<'a>>,
}

impl<'a> Job<'a> {
    /// Of a program whose weights are all public.
    #[must_use]
    pub fn new(program: &'a Program, weights: &'a Weights, inputs: &'a Inputs) -> Self {
        Self { program, weights, inputs, seal: None }
    }
    /// With what computes sealed nodes.
    #[must_use]
    pub fn sealed_by(self, seal: Seal<'a>) -> Self {
        Self { seal: Some(seal), ..self }
    }
}

/// A device that runs programs.
pub trait Executor: Send + Sync {
    /// The device, by name and driver.
    fn device(&self) -> &DeviceInfo;

    /// Whether it computes every operator as the reference does, as far as it was tested when it was opened. Results of a device that does not must never be
    /// submitted or disputed with.
    fn reproducible(&self) -> bool;

    /// The first value in which it differed from the reference when it was tested.
    fn difference(&self) -> Option<&Difference> {
        None
    }

    /// The outputs of all nodes by run and node, which is what [`cairn_program::Trace::of`] takes.
    ///
    /// # Errors
    /// [`Error::Cancelled`], [`Error::NotPublic`], [`Error::Mismatch`], [`Error::Memory`], [`Error::Device`].
    fn execute(&self, job: Job<'_>, watch: &mut Watch<'_>) -> Result<Vec<Vec<Tensor>>, Error>;

    /// The name under which it was opened.
    fn name(&self) -> &str {
        &self.device().name
    }

    /// [`Executor::execute`] without sealed nodes.
    ///
    /// # Errors
    /// As [`Executor::execute`].
    fn run(&self, program: &Program, weights: &Weights, inputs: &Inputs, watch: &mut Watch<'_>) -> Result<Vec<Vec<Tensor>>, Error> {
        self.execute(Job::new(program, weights, inputs), watch)
    }
}
