//! Arithmetic of indices. Sizes are bounded when a program is checked, so nothing saturates there.

pub(super) fn add(a: usize, b: usize) -> usize {
    a.saturating_add(b)
}

pub(super) fn mul(a: usize, b: usize) -> usize {
    a.saturating_mul(b)
}

pub(super) fn div(a: usize, b: usize) -> usize {
    a.checked_div(b).unwrap_or(0)
}

pub(super) fn rem(a: usize, b: usize) -> usize {
    a.checked_rem(b).unwrap_or(0)
}

/// a * b + c.
pub(super) fn at(a: usize, b: usize, c: usize) -> usize {
    add(mul(a, b), c)
}
