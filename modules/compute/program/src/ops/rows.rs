//! Operators on whole rows, in fixed point.
use super::{
    Row, Typed,
    arith::{add, at},
    cell, cut,
};
use crate::Source;

/// The largest weight of a distance in [`softmax`].
const MOST: i32 = 1 << 20;

/// 127 * weight / sum of the row's weights, rounded down; zero behind the diagonal, and where all weights are zero.
pub(super) fn softmax<S: Source>(typed: Typed<'_>, causal: bool, index: usize, source: &mut S, memo: &mut Row) -> Option<i32> {
    let width = typed.last(0);
    let (row, column) = cell(index, width);
    let seen = if causal { add(cell(row, height(typed)).1, 1).min(width) } else { width };
    if memo.row != Some(row) {
        let mut most = i32::MIN;
        for j in 0..seen {
            most = most.max(source.get(0, at(row, width, j))?);
        }
        let mut sum = 0_i64;
        for j in 0..seen {
            let score = source.get(0, at(row, width, j))?;
            sum = sum.wrapping_add(weight(most, score, source)?.into());
        }
        *memo = Row { row: Some(row), first: most.into(), second: sum };
    }
    if column >= seen {
        return Some(0);
    }
    let score = source.get(0, index)?;
    let part = weight(i32::try_from(memo.first).ok()?, score, source)?;
    Some(cut(i64::from(part).wrapping_mul(127).checked_div(memo.second).unwrap_or(0)))
}

/// Rows in a matrix of scores.
fn height(typed: Typed<'_>) -> usize {
    typed.operands.first().and_then(|t| t.dims.len().checked_sub(2)).map_or(1, |axis| typed.dim(0, axis))
}

/// Scores are 8 bits, so distances are 0 to 255.
fn weight<S: Source>(most: i32, score: i32, source: &mut S) -> Option<i32> {
    Some(source.get(1, usize::try_from(most.wrapping_sub(score)).ok()?)?.clamp(0, MOST))
}

/// floor(gain * (L x - sum) / max(1, floor(sqrt(mean of (L x - sum)^2)))) + bias, cut to i8, L the length of a row.
pub(super) fn layer_norm<S: Source>(typed: Typed<'_>, index: usize, source: &mut S, memo: &mut Row) -> Option<i32> {
    let width = typed.last(0);
    let length = i64::try_from(width).ok()?;
    let (row, column) = cell(index, width);
    if memo.row != Some(row) {
        let mut sum = 0_i64;
        for j in 0..width {
            sum = sum.wrapping_add(source.get(0, at(row, width, j))?.into());
        }
        let mut squares = 0_i64;
        for j in 0..width {
            let distance = length.wrapping_mul(source.get(0, at(row, width, j))?.into()).wrapping_sub(sum);
            squares = squares.wrapping_add(distance.wrapping_mul(distance));
        }
        let mean = u64::try_from(squares.checked_div(length)?).ok()?;
        *memo = Row { row: Some(row), first: sum, second: i64::try_from(mean.isqrt()).ok()?.max(1) };
    }
    let distance = length.wrapping_mul(source.get(0, index)?.into()).wrapping_sub(memo.first);
    let scaled = distance.wrapping_mul(source.get(1, column)?.into()).checked_div_euclid(memo.second)?;
    Some(cut(scaled.wrapping_add(source.get(2, column)?.into())))
}

/// The lowest index of a row's largest element.
pub(super) fn argmax<S: Source>(typed: Typed<'_>, row: usize, source: &mut S) -> Option<i32> {
    let width = typed.last(0);
    let (mut best, mut most) = (0_usize, None);
    for j in 0..width {
        let value = source.get(0, at(row, width, j))?;
        if most.is_none_or(|most| value > most) {
            (best, most) = (j, Some(value));
        }
    }
    i32::try_from(best).ok()
}
