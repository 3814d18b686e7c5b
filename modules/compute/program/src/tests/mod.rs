//! Programs: operators, trees, referees, bounds.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and what chunks cost is a report"
)]
mod bounds;
mod formulas;
mod referee;
mod timing;
mod trees;

use crate::{Inputs, Program, Trace, Weights, testing};

/// A program with random weights and inputs, and the trace of its runs.
pub(super) struct Done {
    pub(super) program: Program,
    pub(super) weights: Weights,
    pub(super) inputs: Inputs,
    pub(super) trace: Trace,
}

pub(super) fn done(program: Program, runs: u32, seed: u64) -> Done {
    let mut dice = testing::Dice::new(seed);
    let weights = testing::weights(&program, &mut dice).unwrap();
    let inputs = testing::inputs(&program, runs, &mut dice).unwrap();
    let trace = Trace::execute(&program, &weights, &inputs, &|_, _| None).unwrap();
    Done { program, weights, inputs, trace }
}
