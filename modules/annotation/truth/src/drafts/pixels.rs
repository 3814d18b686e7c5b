//! Pixels of polygons and of what two polygons share, counted without looking at one.
//!
//! Under an edge lie, in each column of pixels that it spans, the pixels whose centres are below it. A polygon is the sum of what lies
//! under its edges, positive for edges above and negative for edges below it, so what two polygons share is the sum over all pairs of
//! edges of what lies under both: under one edge left of where they cross, under the other one right of it. What lies under one edge
//! in a run of columns is a sum of floor((a i + b) / m), which Euclid's algorithm adds up in O(log m).

use super::{DraftError, polygon::edges};

/// An edge from left to right, over the columns `from` to `to`.
struct Edge {
    from: i64,
    to: i64,
    /// Height of the edge over the centre of column i: (rise * (i - from) + start) / run.
    rise: i64,
    start: i64,
    run: i64,
    /// 1 where the polygon lies below it, -1 where it lies above.
    side: i128,
}

impl Edge {
    /// Nothing for an upright edge: no centre of a column lies on it.
    fn new((a, b): ((u32, u32), (u32, u32))) -> Option<Edge> {
        let ((left, right), side) = if a.0 < b.0 { ((a, b), -1) } else { ((b, a), 1) };
        let (from, to) = (i64::from(left.0), i64::from(right.0));
        let (run, rise) = (to.checked_sub(from)?, i64::from(right.1).checked_sub(left.1.into())?);
        // Twice everything: centres lie at halves.
        let start = i64::from(left.1).checked_mul(run)?.checked_mul(2)?.checked_add(rise)?;
        (run > 0).then_some(Edge { from, to, rise: rise.checked_mul(2)?, start, run: run.checked_mul(2)?, side })
    }

    /// The numerator of the height over a column.
    fn at(&self, column: i64) -> Option<i64> {
        self.rise.checked_mul(column.checked_sub(self.from)?)?.checked_add(self.start)
    }

    /// Pixels under the edge in the columns from <= c < to: those with centre + 1/2 below it, ceil(height - 1/2) in each.
    fn below(&self, from: i64, to: i64) -> Option<u64> {
        let columns = to.checked_sub(from)?;
        if columns <= 0 {
            return Some(0);
        }
        // A falling edge is a rising one from the right.
        let start = if self.rise < 0 { self.at(to.checked_sub(1)?)? } else { self.at(from)? };
        // ceil((p - run / 2) / run) = floor((p + run / 2 - 1) / run)
        let start = start.checked_add(self.run / 2)?.checked_sub(1)?;
        floor_sum(u64::try_from(columns).ok()?, u64::try_from(self.run).ok()?, self.rise.unsigned_abs(), u64::try_from(start).ok()?)
    }
}

/// Sum of floor((a i + b) / m) for 0 <= i < n.
fn floor_sum(mut n: u64, mut m: u64, mut a: u64, mut b: u64) -> Option<u64> {
    let mut sum = 0u64;
    loop {
        let pairs = n.checked_mul(n.checked_sub(1)?)? / 2;
        sum = sum.checked_add(pairs.checked_mul(a.checked_div(m)?)?)?.checked_add(n.checked_mul(b.checked_div(m)?)?)?;
        (a, b) = (a.checked_rem(m)?, b.checked_rem(m)?);
        let top = a.checked_mul(n)?.checked_add(b)?;
        if top < m {
            return Some(sum);
        }
        // The same lattice points, counted along the other axis.
        (n, b) = (top.checked_div(m)?, top.checked_rem(m)?);
        (m, a) = (a, m);
    }
}

/// Pixels under both edges.
fn below_both(e: &Edge, f: &Edge) -> Option<u64> {
    let (from, to) = (e.from.max(f.from), e.to.min(f.to));
    let Some(last) = to.checked_sub(1).filter(|last| *last >= from) else { return Some(0) };
    // Height of e over f, times both runs: linear in the column.
    let over = |column: i64| {
        let cross = |edge: &Edge, run: i64| i128::from(edge.at(column)?).checked_mul(run.into());
        cross(e, f.run)?.checked_sub(cross(f, e.run)?)
    };
    let (first_over, last_over) = (over(from)?, over(last)?);
    if first_over <= 0 && last_over <= 0 {
        return e.below(from, to);
    }
    if first_over >= 0 && last_over >= 0 {
        return f.below(from, to);
    }
    let slope = i128::from(e.rise).checked_mul(f.run.into())?.checked_sub(i128::from(f.rise).checked_mul(e.run.into())?)?;
    // Columns before the one in which the lower edge is another: the last over which both are level belongs to either.
    let (lower, upper) = if first_over < 0 { (e, f) } else { (f, e) };
    let before = i64::try_from(first_over.unsigned_abs().checked_div(slope.unsigned_abs())?).ok()?.checked_add(1)?;
    let turn = from.checked_add(before)?;
    lower.below(from, turn)?.checked_add(upper.below(turn, to)?)
}

/// Pixels of a polygon whose corners run with a positive area.
pub(super) fn area(corners: &[(u32, u32)]) -> Result<u64, DraftError> {
    let signed = |edge: Edge| edge.side.checked_mul(edge.below(edge.from, edge.to)?.into());
    let sum = edges(corners).filter_map(Edge::new).try_fold(0i128, |sum, edge| sum.checked_add(signed(edge)?));
    sum.and_then(|sum| u64::try_from(sum).ok()).ok_or(DraftError::Overflow)
}

/// Pixels that two such polygons share.
pub(super) fn shared(one: &[(u32, u32)], other: &[(u32, u32)]) -> Result<u64, DraftError> {
    let others: Vec<Edge> = edges(other).filter_map(Edge::new).collect();
    let mut sum = 0i128;
    for edge in edges(one).filter_map(Edge::new) {
        for other in &others {
            let pixels = below_both(&edge, other).ok_or(DraftError::Overflow)?;
            let signed = edge.side.checked_mul(other.side).and_then(|side| side.checked_mul(pixels.into()));
            sum = signed.and_then(|signed| sum.checked_add(signed)).ok_or(DraftError::Overflow)?;
        }
    }
    u64::try_from(sum).map_err(|_| DraftError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Stream;

    #[test]
    fn euclid_adds_up_floors() {
        let mut stream = Stream::new(61);
        for _ in 0..5_000 {
            let (n, m, a, b) = (1 + stream.below(40), 1 + stream.below(50), stream.below(200), stream.below(200));
            assert_eq!(floor_sum(n, m, a, b), Some((0..n).map(|i| (a * i + b) / m).sum()), "{n} {m} {a} {b}");
        }
        assert_eq!(floor_sum(1 << 24, 1 << 25, 1 << 25, 1 << 49), Some((1 << 47) - (1 << 23) + (1 << 48)));
    }
}
