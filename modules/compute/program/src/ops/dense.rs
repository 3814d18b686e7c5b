//! Sums of products, and windows.
use super::{
    Typed,
    arith::{add, at, mul},
    cell, dim, size,
};
use crate::{Orientation, Source};

/// A bias counts within these bounds, so that no sum overflows.
const BIAS: i32 = 1 << 30;

fn bias<S: Source>(typed: Typed<'_>, sum: i32, channel: usize, source: &mut S) -> Option<i32> {
    if !typed.has(2) {
        return Some(sum);
    }
    Some(sum.wrapping_add(source.get(2, channel)?.clamp(-BIAS, BIAS)))
}

pub(super) fn linear<S: Source>(typed: Typed<'_>, index: usize, source: &mut S) -> Option<i32> {
    let (depth, (row, m)) = (typed.last(0), cell(index, size(typed.output.last())));
    let mut sum = 0_i32;
    for k in 0..depth {
        let product = source.get(0, at(row, depth, k))?.wrapping_mul(source.get(1, at(m, depth, k))?);
        sum = sum.wrapping_add(product);
    }
    bias(typed, sum, m, source)
}

pub(super) fn matmul<S: Source>(typed: Typed<'_>, right: Orientation, index: usize, source: &mut S) -> Option<i32> {
    let (depth, width) = (typed.last(0), size(typed.output.last()));
    let (row, m) = cell(index, width);
    let (batch, _) = cell(row, typed.dim(0, 1));
    let mut sum = 0_i32;
    for k in 0..depth {
        let place = match right {
            Orientation::Transposed => at(at(batch, width, m), depth, k),
            Orientation::Plain => at(at(batch, depth, k), width, m),
        };
        sum = sum.wrapping_add(source.get(0, at(row, depth, k))?.wrapping_mul(source.get(1, place)?));
    }
    Some(sum)
}

pub(super) fn conv<S: Source>(typed: Typed<'_>, stride: [u16; 2], padding: [u16; 2], index: usize, source: &mut S) -> Option<i32> {
    let (height, width, channels) = (typed.dim(0, 0), typed.dim(0, 1), typed.dim(0, 2));
    let (kh, kw) = (typed.dim(1, 1), typed.dim(1, 2));
    let (place, o) = cell(index, dim(typed.output, 2));
    let (top, left) = corner(typed, place, stride);
    let mut sum = 0_i32;
    for i in 0..kh {
        let Some(y) = add(top, i).checked_sub(padding[0].into()).filter(|y| *y < height) else { continue };
        for j in 0..kw {
            let Some(x) = add(left, j).checked_sub(padding[1].into()).filter(|x| *x < width) else { continue };
            let (from, weight) = (mul(at(y, width, x), channels), mul(at(at(o, kh, i), kw, j), channels));
            for c in 0..channels {
                let product = source.get(0, add(from, c))?.wrapping_mul(source.get(1, add(weight, c))?);
                sum = sum.wrapping_add(product);
            }
        }
    }
    bias(typed, sum, o, source)
}

/// The upper left corner of the window of an output's place.
fn corner(typed: Typed<'_>, place: usize, stride: [u16; 2]) -> (usize, usize) {
    let (y, x) = cell(place, dim(typed.output, 1));
    (mul(y, stride[0].into()), mul(x, stride[1].into()))
}

pub(super) fn pool<S: Source>(
    typed: Typed<'_>,
    window: [u16; 2],
    stride: [u16; 2],
    index: usize,
    source: &mut S,
    largest: bool,
) -> Option<i32> {
    let (width, channels) = (typed.dim(0, 1), typed.dim(0, 2));
    let (place, c) = cell(index, channels);
    let (top, left) = corner(typed, place, stride);
    let (mut sum, mut most) = (0_i32, i32::MIN);
    for i in 0..usize::from(window[0]) {
        for j in 0..usize::from(window[1]) {
            let value = source.get(0, at(at(add(top, i), width, add(left, j)), channels, c))?;
            sum = sum.wrapping_add(value);
            most = most.max(value);
        }
    }
    Some(if largest { most } else { sum })
}
