//! What running a program takes of memory, known from its graph before anything is allocated.
use cairn_program::{MAX_ELEMENTS, Node, Op, Operand, Program};

use crate::{
    Error,
    ops::{BLOCK, ROWS, size},
};

/// Bytes of an element, in memory and on devices, whatever its kind.
const ELEMENT: u64 = 4;
/// Tensors of a node's size that an operator makes on its way, at most.
const SCRATCH: u64 = 6;
/// Digits that are tried at once for the root of each row of a layer norm.
const DIGITS: u64 = 15;
/// Bytes of a block of gathered cells, twice: as they are gathered and as they are multiplied.
const GATHERED: u64 = 2 * ELEMENT * BLOCK;
/// Most runs at once: progress and cancellation are by batch.
const MOST_RUNS: u64 = 256;

/// Most bytes that running a program may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of the machine's memory, for weights, inputs and the outputs of all nodes of all runs.
    pub host: u64,
    /// Of a device's memory.
    pub device: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { host: 4 << 30, device: 2 << 30 }
    }
}

/// What running a program takes, in bytes; an estimate from above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Of the machine's memory.
    pub host: u64,
    /// Of a device's memory, however many runs it takes at once: weights, and windows of images, which are gathered in blocks of a fixed size.
    pub fixed: u64,
    /// Of a device's memory, for each run that it takes at once: the outputs of its nodes, and what the widest operator makes on its way.
    pub run: u64,
    /// Elements of the largest tensor of a run.
    pub widest: u64,
}

impl Need {
    /// Of a program and so many runs.
    #[must_use]
    pub fn of(program: &Program, runs: u32) -> Self {
        let bytes = |operand| elements(program, operand).saturating_mul(ELEMENT);
        let sum = |all: u64, bytes: u64| all.saturating_add(bytes);
        let weights = (0_u32..).zip(&program.graph().weights).map(|(weight, _)| bytes(Operand::Weight(weight))).fold(0, sum);
        let each = (0..program.nodes()).map(|node| bytes(Operand::Node(node))).fold(bytes(Operand::Input), sum);
        let scratch = (0..program.nodes()).map(|node| scratch(program, node)).max().unwrap_or(0);
        let gathers = |node: &Node| matches!(node.op, Op::Conv2d { .. } | Op::MaxPool { .. } | Op::SumPool { .. });
        let gathered = if program.graph().nodes.iter().any(gathers) { GATHERED } else { 0 };
        let host = each.saturating_mul(runs.into()).saturating_add(weights);
        let largest = (0..program.nodes()).map(|node| widest(program, node)).max().unwrap_or(1);
        Self { host, fixed: weights.saturating_add(gathered), run: each.saturating_add(scratch), widest: largest }
    }

    /// Whether the machine can hold what comes of it.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub(crate) fn check_host(self, limits: Limits) -> Result<(), Error> {
        if self.host > limits.host {
            return Err(Error::Memory { whose: "the machine", need: self.host, limit: limits.host });
        }
        Ok(())
    }

    /// How many of so many runs a device takes at once: as many as fit, and no more than make tensors of the size of the largest that a program may have, which drivers
    /// bind in one piece.
    ///
    /// # Errors
    /// [`Error::Memory`] where the machine cannot hold what comes of it, or the device not even one run.
    pub(crate) fn at_once(self, limits: Limits, runs: u32) -> Result<usize, Error> {
        self.check_host(limits)?;
        let one = self.fixed.saturating_add(self.run);
        if one > limits.device {
            return Err(Error::Memory { whose: "the device", need: one, limit: limits.device });
        }
        let most = (limits.device - self.fixed)
            .checked_div(self.run)
            .unwrap_or(1)
            .min(u64::from(MAX_ELEMENTS) / self.widest.max(1))
            .clamp(1, MOST_RUNS);
        Ok(usize::try_from(most).unwrap_or(1).min(size(runs)))
    }
}

fn elements(program: &Program, operand: Operand) -> u64 {
    program.shape(operand).and_then(|shape| shape.elements().ok()).map_or(0, u64::from)
}

/// Elements of the largest of a node's operands and its output.
fn widest(program: &Program, node: u32) -> u64 {
    let operands = program.graph().nodes.get(size(node)).into_iter().flat_map(|what| &what.operands);
    operands.copied().chain([Operand::Node(node)]).map(|operand| elements(program, operand)).max().unwrap_or(0)
}

/// Bytes that an operator takes for one run beside its operands and its output.
fn scratch(program: &Program, node: u32) -> u64 {
    let widest = widest(program, node);
    let rows = match (program.graph().nodes.get(size(node)).map(|what| &what.op), program.shape(Operand::Node(node))) {
        (Some(Op::LayerNorm), Some(shape)) => widest.checked_div(shape.last().into()).unwrap_or(widest),
        _ => 0,
    };
    let candidates = rows.min(u64::try_from(ROWS).unwrap_or(u64::MAX)).saturating_mul(3 * DIGITS);
    widest.saturating_mul(SCRATCH).saturating_add(candidates).saturating_mul(ELEMENT)
}
