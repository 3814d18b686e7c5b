//! Intervals of values: proof that nothing leaves i32.
use crate::{Kind, Op, TensorType};

/// Least and largest value.
pub(crate) type Interval = (i64, i64);

/// All values of a kind.
pub(crate) fn full(kind: Kind) -> Interval {
    match kind {
        Kind::I8 => (i8::MIN.into(), i8::MAX.into()),
        Kind::I32 => (i32::MIN.into(), i32::MAX.into()),
    }
}

/// The interval of an operator's result; `None` where it is not within i32.
pub(crate) fn range(op: &Op, operands: &[TensorType], ranges: &[Interval], output: &TensorType) -> Option<Interval> {
    let first = ranges.first().copied()?;
    let found = match op {
        Op::Linear | Op::MatMul { .. } => products(operands.first().map_or(0, |t| t.last().into()), first, ranges),
        Op::Conv2d { .. } => {
            let depth = operands.get(1).map_or(0, |w| w.dims.iter().skip(1).fold(1, |n: i64, d| n.saturating_mul((*d).into())));
            products(depth, first, ranges)
        }
        Op::Add => {
            let second = ranges.get(1).copied()?;
            (first.0.saturating_add(second.0), first.1.saturating_add(second.1))
        }
        Op::SumPool { window, .. } => {
            let area = i64::from(window[0]).saturating_mul(window[1].into());
            (first.0.saturating_mul(area), first.1.saturating_mul(area))
        }
        Op::Relu => (first.0.max(0), first.1.max(0)),
        Op::Concat { .. } => {
            let second = ranges.get(1).copied()?;
            (first.0.min(second.0), first.1.max(second.1))
        }
        Op::MaxPool { .. } | Op::Transpose { .. } | Op::Reshape { .. } | Op::Slice { .. } => first,
        Op::Argmax => (0, operands.first().map_or(0, |t| i64::from(t.last()))),
        Op::Softmax { .. } => (0, 127),
        Op::Requantise { .. } | Op::Embed | Op::Table | Op::LayerNorm | Op::Sealed { .. } => full(output.kind),
    };
    let whole = full(Kind::I32);
    (found.0 >= whole.0 && found.1 <= whole.1).then_some(found)
}

/// Of sums of so many products of values of the first two intervals, with a bias where there is a third.
fn products(depth: i64, first: Interval, ranges: &[Interval]) -> Interval {
    let second = ranges.get(1).copied().unwrap_or((0, 0));
    let ends = [(first.0, second.0), (first.0, second.1), (first.1, second.0), (first.1, second.1)].map(|(a, b)| a.saturating_mul(b));
    let bias = if ranges.len() > 2 { 1_i64 << 30 } else { 0 };
    let (least, most) = ends.iter().fold((0, 0), |(least, most): Interval, end| (least.min(*end), most.max(*end)));
    (least.saturating_mul(depth).saturating_sub(bias), most.saturating_mul(depth).saturating_add(bias))
}
