//! Operators on a device, as operations on whole tensors of 32-bit integers. None needs more than 32 bits, a division of negatives, a shift of 32 or
//! more, or a float: where the meaning of an operator does, the file says how it is computed without.
mod dense;
mod elements;
mod moves;
mod rows;
mod windows;

pub(crate) use rows::ROWS;
pub(crate) use windows::BLOCK;

use burn::tensor::{DType, Device, Int, Tensor as Burn, TensorCreationOptions, TensorData};
use cairn_program::{Op, Operand, Program, TensorType};

/// The elements of a tensor, of one run or of several one after the other.
pub(crate) type Flat = Burn<1, Int>;

/// What a node works on.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// The elements.
    pub(crate) flat: Flat,
    /// Whether each run has its own; weights, and what follows from weights alone, all runs have in common.
    pub(crate) each: bool,
}

/// A node with the types of its operands.
#[derive(Debug, Clone)]
pub(crate) struct Step<'a> {
    pub(crate) op: &'a Op,
    operands: Vec<&'a TensorType>,
    output: &'a TensorType,
    device: &'a Device,
}

/// The name of an operator.
#[must_use]
pub fn operator(op: &Op) -> &'static str {
    match op {
        Op::Linear => "linear",
        Op::MatMul { .. } => "matmul",
        Op::Conv2d { .. } => "conv2d",
        Op::MaxPool { .. } => "max pool",
        Op::SumPool { .. } => "sum pool",
        Op::Add => "add",
        Op::Relu => "relu",
        Op::Requantise { .. } => "requantise",
        Op::Embed => "embed",
        Op::Table => "table",
        Op::Softmax { .. } => "softmax",
        Op::LayerNorm => "layer norm",
        Op::Argmax => "argmax",
        Op::Transpose { .. } => "transpose",
        Op::Reshape { .. } => "reshape",
        Op::Slice { .. } => "slice",
        Op::Concat { .. } => "concat",
        Op::Sealed { .. } => "sealed",
    }
}

/// Puts elements on a device.
pub(crate) fn upload(values: Vec<i32>, device: &Device) -> Flat {
    let count = values.len();
    Flat::from_data(TensorData::new(values, [count]), (device, DType::I32))
}

impl<'a> Step<'a> {
    /// A node of a program; `None` where there is no such node.
    pub(crate) fn new(program: &'a Program, node: u32, device: &'a Device) -> Option<Self> {
        let what = program.graph().nodes.get(size(node))?;
        let operands = what.operands.iter().map(|operand| program.shape(*operand)).collect::<Option<_>>()?;
        Some(Self { op: &what.op, operands, output: program.shape(Operand::Node(node))?, device })
    }

    /// The output for so many runs; `None` for a sealed node, which no device computes.
    pub(crate) fn apply(&self, values: &[Value], runs: usize) -> Option<Value> {
        let each = values.iter().any(|value| value.each);
        let runs = if each { runs } else { 1 };
        // The operands behind these hold for all runs at once, as weights do. Where each run has its own, runs go one by one.
        let batched = match self.op {
            Op::Add | Op::MatMul { .. } | Op::Concat { .. } => 2,
            _ => 1,
        };
        let flat = if runs > 1 && values.iter().skip(batched).any(|value| value.each) {
            let one = |run| self.compute(&values.iter().map(|value| value.of(run, runs)).collect::<Vec<_>>(), 1);
            Flat::cat((0..runs).map(one).collect::<Option<Vec<_>>>()?, 0)
        } else {
            let spread = |(place, value): (usize, &Value)| {
                let flat = value.flat.clone();
                if place < batched && !value.each { flat.repeat_dim(0, runs) } else { flat }
            };
            self.compute(&values.iter().enumerate().map(spread).collect::<Vec<_>>(), runs)?
        };
        Some(Value { flat, each })
    }

    fn compute(&self, x: &[Flat], runs: usize) -> Option<Flat> {
        let first = x.first()?.clone();
        Some(match (self.op, x) {
            (Op::Linear, [x, w, bias @ ..]) => dense::linear(self, x, w, bias.first(), runs),
            (Op::MatMul { right }, [a, b]) => dense::matmul(self, *right, a, b, runs),
            (Op::Conv2d { stride, padding }, [x, w, bias @ ..]) => windows::conv(self, *stride, *padding, [x, w], bias.first(), runs),
            (Op::MaxPool { window, stride }, [x]) => windows::pool(self, *window, *stride, x, runs, true),
            (Op::SumPool { window, stride }, [x]) => windows::pool(self, *window, *stride, x, runs, false),
            (Op::Add, [a, b]) => a.clone() + b.clone(),
            (Op::Relu, _) => first.clamp_min(0),
            (Op::Requantise { multiplier, shift }, _) => elements::requantise(first, *multiplier, *shift),
            (Op::Embed, [indices, table]) => elements::embed(self, indices.clone(), table),
            (Op::Table, [x, table]) => table.clone().select(0, x.clone() + 128),
            (Op::Softmax { causal }, [x, weights]) => rows::softmax(self, *causal, x, weights, runs),
            (Op::LayerNorm, [x, gain, bias]) => rows::layer_norm(self, x, gain, bias, runs),
            (Op::Argmax, _) => rows::argmax(self, first, runs),
            (Op::Transpose { perm }, _) => moves::transpose(self, perm, first, runs),
            (Op::Reshape { .. }, _) => first,
            (Op::Slice { axis, start, len }, _) => moves::slice(self, (*axis).into(), size(*start), size(*len), first, runs),
            (Op::Concat { axis }, [a, b]) => moves::concat(self, (*axis).into(), a, b, runs),
            _ => return None,
        })
    }

    /// Where constants are made, and of what.
    fn options(&self) -> TensorCreationOptions {
        (self.device, DType::I32).into()
    }

    /// A dimension of an operand, 1 where it has none there.
    fn dim(&self, operand: usize, axis: usize) -> usize {
        self.operands.get(operand).and_then(|shape| shape.dims.get(axis)).map_or(1, |dim| size(*dim))
    }

    /// The last dimension of an operand.
    fn last(&self, operand: usize) -> usize {
        self.operands.get(operand).map_or(1, |shape| size(shape.last()))
    }

    /// Rows of an operand in so many runs, and how long they are.
    fn rows(&self, operand: usize, runs: usize) -> [usize; 2] {
        let all = self.operands.get(operand).and_then(|shape| shape.elements().ok()).map_or(1, size);
        [runs * (all / self.last(operand)), self.last(operand)]
    }
}

impl Value {
    /// What one of the runs has.
    pub(crate) fn of(&self, run: usize, runs: usize) -> Flat {
        let one = self.flat.dims()[0] / runs;
        if self.each { self.flat.clone().narrow(0, run * one, one) } else { self.flat.clone() }
    }
}

/// As an index.
pub(crate) fn size(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// 1 where something holds, else 0.
fn flag<const D: usize>(holds: Burn<D, burn::tensor::Bool>) -> Burn<D, Int> {
    // Devices differ in what they make of a bool.
    holds.int().cast(DType::I32)
}
