//! What computing some consecutive elements reads and multiplies, at most.
use super::{
    Typed,
    arith::{add, div, mul},
    dim, size,
};
use crate::{Op, Orientation};

/// Elements of one operand that are read: so many of them in so many pieces of consecutive ones, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) pieces: usize,
    pub(crate) elements: usize,
}

/// Multiplications, or steps of about their cost, and what is read of each operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) macs: usize,
    pub(crate) spans: Vec<Span>,
}

fn span(pieces: usize, elements: usize) -> Span {
    Span { pieces, elements }
}

/// Groups of `width` that `count` consecutive elements can touch.
fn groups(count: usize, width: usize) -> usize {
    add(div(count, width), 2)
}

/// For `count` consecutive elements of the output.
pub(crate) fn reads(typed: Typed<'_>, count: usize) -> Reads {
    let one = span(1, count);
    let (macs, spans) = match typed.op {
        Op::Linear => linear(typed, count),
        Op::MatMul { right } => matmul(typed, *right, count),
        Op::Conv2d { .. } => conv(typed, count),
        Op::MaxPool { window, .. } | Op::SumPool { window, .. } => pool(typed, *window, count),
        Op::Add => (count, vec![one, one]),
        Op::Relu | Op::Requantise { .. } | Op::Reshape { .. } => (count, vec![one]),
        Op::Embed => {
            let rows = groups(count, typed.last(1));
            (count, vec![span(1, rows), span(rows, count)])
        }
        Op::Table => (count, vec![one, span(1, 256)]),
        Op::Softmax { .. } => {
            let rows = mul(groups(count, typed.last(0)), typed.last(0));
            (mul(rows, 3), vec![span(1, rows), span(1, 256)])
        }
        Op::LayerNorm => {
            let (width, rows) = (typed.last(0), groups(count, typed.last(0)));
            (mul(mul(rows, width), 3), vec![span(1, mul(rows, width)), span(1, width), span(1, width)])
        }
        Op::Argmax => (mul(count, typed.last(0)), vec![span(1, mul(count, typed.last(0)))]),
        Op::Transpose { .. } => (mul(count, 4), vec![span(count, count)]),
        Op::Slice { axis, .. } => (count, vec![span(groups(count, block(typed, *axis, None)), count)]),
        Op::Concat { axis } => {
            let part = |operand| span(groups(count, block(typed, *axis, Some(operand))), count);
            (count, vec![part(0), part(1)])
        }
        Op::Sealed { .. } => (count, vec![span(1, typed.operands.first().and_then(|t| t.elements().ok()).map_or(0, size))]),
    };
    Reads { macs, spans }
}

/// Consecutive elements of the output, or of an operand, at one place before an axis.
fn block(typed: Typed<'_>, axis: u8, operand: Option<usize>) -> usize {
    let of = operand.and_then(|operand| typed.operands.get(operand)).unwrap_or(typed.output);
    of.dims.iter().skip(usize::from(axis)).fold(1, |n, d| mul(n, size(*d)))
}

fn with_bias(typed: Typed<'_>, mut spans: Vec<Span>, channels: usize) -> Vec<Span> {
    if typed.has(2) {
        spans.push(span(2, channels));
    }
    spans
}

fn linear(typed: Typed<'_>, count: usize) -> (usize, Vec<Span>) {
    let (depth, width) = (typed.last(0), size(typed.output.last()));
    let (rows, channels) = (groups(count, width), count.min(width));
    let spans = vec![span(1, mul(rows, depth)), span(2, mul(channels, depth))];
    (mul(count, depth), with_bias(typed, spans, channels))
}

fn matmul(typed: Typed<'_>, right: Orientation, count: usize) -> (usize, Vec<Span>) {
    let (depth, width) = (typed.last(0), size(typed.output.last()));
    let (rows, batches) = (groups(count, width), groups(count, mul(width, typed.dim(0, 1))));
    let columns = mul(batches, count.min(width));
    let factor = match right {
        Orientation::Transposed => span(mul(batches, 2), mul(columns, depth)),
        Orientation::Plain => span(mul(mul(batches, 2), depth), mul(columns, depth)),
    };
    (mul(count, depth), vec![span(1, mul(rows, depth)), factor])
}

fn conv(typed: Typed<'_>, count: usize) -> (usize, Vec<Span>) {
    let (height, row) = (typed.dim(1, 1), mul(typed.dim(1, 2), typed.dim(1, 3)));
    let (depth, width) = (mul(height, row), dim(typed.output, 2));
    let (places, channels) = (groups(count, width), count.min(width));
    let spans = vec![span(mul(places, height), mul(places, depth)), span(2, mul(channels, depth))];
    (mul(count, depth), with_bias(typed, spans, channels))
}

fn pool(typed: Typed<'_>, window: [u16; 2], count: usize) -> (usize, Vec<Span>) {
    let (area, channels) = (mul(window[0].into(), window[1].into()), typed.dim(0, 2));
    let cells = mul(groups(count, channels), area);
    (mul(count, area), vec![span(cells, mul(cells, channels.min(count)))])
}
