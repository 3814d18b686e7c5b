//! Operators that move elements.
use super::{
    Typed,
    arith::{add, at, div, mul, rem},
    cell, dim, size,
};
use crate::{Kind, Source, TensorType};

pub(super) fn embed<S: Source>(typed: Typed<'_>, index: usize, source: &mut S) -> Option<i32> {
    let width = typed.last(1);
    let (place, d) = cell(index, width);
    let said = source.get(0, place)?;
    let bytes = typed.operands.first().is_some_and(|t| t.kind == Kind::I8);
    let row = if bytes { said & 0xff } else { said };
    match usize::try_from(row).ok().filter(|row| *row < typed.dim(1, 0)) {
        Some(row) => source.get(1, at(row, width, d)),
        None => Some(0),
    }
}

/// Elements behind one place of a dimension.
fn inner(of: &TensorType, axis: usize) -> usize {
    of.dims.iter().skip(add(axis, 1)).fold(1, |n, d| mul(n, size(*d)))
}

/// Where the element of a transposed tensor comes from.
pub(super) fn transposed(typed: Typed<'_>, perm: &[u8], index: usize) -> usize {
    let Some(input) = typed.operands.first() else { return 0 };
    let places = perm.iter().enumerate().map(|(axis, from)| {
        let place = rem(div(index, inner(typed.output, axis)), dim(typed.output, axis));
        mul(place, inner(input, usize::from(*from)))
    });
    places.fold(0, add)
}

/// Where the element of a part comes from.
pub(super) fn sliced(typed: Typed<'_>, axis: usize, start: usize, len: usize, index: usize) -> usize {
    let Some(input) = typed.operands.first() else { return 0 };
    let behind = inner(input, axis);
    let (outer, within) = cell(index, mul(len, behind));
    add(mul(outer, mul(dim(input, axis), behind)), add(mul(start, behind), within))
}

/// Which operand the element of a joined tensor comes from, and its place there.
pub(super) fn joined(typed: Typed<'_>, axis: usize, index: usize) -> (usize, usize) {
    let behind = inner(typed.output, axis);
    let (first, second) = (mul(typed.dim(0, axis), behind), mul(typed.dim(1, axis), behind));
    let (outer, within) = cell(index, add(first, second));
    match within.checked_sub(first) {
        None => (0, at(outer, first, within)),
        Some(within) => (1, at(outer, second, within)),
    }
}
