//! Operators: types of results, ranges, cost, and the meaning of one element.
mod arith;
mod cost;
mod data;
mod dense;
mod infer;
mod range;
mod rows;

use arith::{div, rem};
pub(crate) use cost::{Reads, reads};
pub(crate) use infer::infer;
pub(crate) use range::{Interval, full, range};

use crate::{Op, Source, TensorType};

/// An operator with the types of its operands and of its result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Typed<'a> {
    pub(crate) op: &'a Op,
    pub(crate) operands: &'a [TensorType],
    pub(crate) output: &'a TensorType,
}

impl Typed<'_> {
    /// A dimension of an operand, 1 where it has none there.
    fn dim(&self, operand: usize, axis: usize) -> usize {
        self.operands.get(operand).map_or(1, |t| dim(t, axis))
    }
    /// The last dimension of an operand.
    fn last(&self, operand: usize) -> usize {
        self.operands.get(operand).map_or(1, |t| size(t.last()))
    }
    fn has(&self, operand: usize) -> bool {
        operand < self.operands.len()
    }
}

/// A dimension of a tensor, 1 where it has none there.
fn dim(of: &TensorType, axis: usize) -> usize {
    of.dims.get(axis).map_or(1, |d| size(*d))
}

/// What was computed of the last row, which the next element may be of, too.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    row: Option<usize>,
    /// Largest of a row, or sum of it.
    first: i64,
    /// Sum of a row's weights, or deviation of it.
    second: i64,
}

/// Computes the elements `from..to` of the output, appending them; `None` where an operand's element is not there. Total otherwise: there are no
/// values for which it fails or overflows in a checked program.
pub(crate) fn compute<S: Source>(typed: Typed<'_>, from: usize, to: usize, source: &mut S, out: &mut Vec<i32>) -> Option<()> {
    let mut row = Row::default();
    for index in from..to {
        out.push(element(typed, index, source, &mut row)?);
    }
    Some(())
}

fn element<S: Source>(typed: Typed<'_>, index: usize, source: &mut S, row: &mut Row) -> Option<i32> {
    match typed.op {
        Op::Linear => dense::linear(typed, index, source),
        Op::MatMul { right } => dense::matmul(typed, *right, index, source),
        Op::Conv2d { stride, padding } => dense::conv(typed, *stride, *padding, index, source),
        Op::MaxPool { window, stride } => dense::pool(typed, *window, *stride, index, source, true),
        Op::SumPool { window, stride } => dense::pool(typed, *window, *stride, index, source, false),
        Op::Add => Some(source.get(0, index)?.wrapping_add(source.get(1, index)?)),
        Op::Relu => Some(source.get(0, index)?.max(0)),
        Op::Requantise { multiplier, shift } => Some(requantise(source.get(0, index)?, *multiplier, *shift)),
        Op::Embed => data::embed(typed, index, source),
        Op::Table => {
            let entry = source.get(0, index)?.wrapping_add(128);
            source.get(1, usize::try_from(entry).ok()?)
        }
        Op::Softmax { causal } => rows::softmax(typed, *causal, index, source, row),
        Op::LayerNorm => rows::layer_norm(typed, index, source, row),
        Op::Argmax => rows::argmax(typed, index, source),
        Op::Transpose { perm } => source.get(0, data::transposed(typed, perm, index)),
        Op::Reshape { .. } => source.get(0, index),
        Op::Slice { axis, start, len } => source.get(0, data::sliced(typed, size((*axis).into()), size(*start), size(*len), index)),
        Op::Concat { axis } => {
            let (operand, at) = data::joined(typed, size((*axis).into()), index);
            source.get(operand, at)
        }
        Op::Sealed { .. } => None,
    }
}

/// floor(x * multiplier / 2^shift), cut to i8.
fn requantise(x: i32, multiplier: i32, shift: u8) -> i32 {
    // At most 2^31 * 2^15; an arithmetic shift rounds down. Shifts above 46 are refused.
    let scaled = i64::from(x).wrapping_mul(multiplier.into()).wrapping_shr(shift.into());
    cut(scaled)
}

/// Cut to i8.
fn cut(x: i64) -> i32 {
    i32::try_from(x.clamp(-128, 127)).unwrap_or(0)
}

/// As an index; a program is refused where that would not fit.
fn size(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Row and column of an element among rows of `width`.
fn cell(index: usize, width: usize) -> (usize, usize) {
    (div(index, width), rem(index, width))
}
