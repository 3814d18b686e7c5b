//! How far two drafts agree, and which of many agrees most with the others.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{Draft, DraftError, Ratio, Shapes, limited};

/// Most drafts of an item.
pub const MAX_DRAFTS: usize = 64;
/// Label visits of a pair of shapes, and of a pair of edges.
const PAIR_VISITS: u64 = 8;
const EDGES_VISITS: u64 = 24;

/// A pair of shapes of one class that share something: their places in the drafts, what they share and what they cover together.
struct Pair {
    places: (usize, usize),
    shared: u64,
    united: u64,
}

impl Pair {
    /// shared / united against another pair's, larger first. Of equal ones that with the lower places is first; which of the two drafts
    /// is named first makes no difference.
    fn order(&self, other: &Pair) -> std::cmp::Ordering {
        let product = |a: u64, b: u64| u128::from(a).saturating_mul(b.into());
        let places = |pair: &Pair| (pair.places.0.max(pair.places.1), pair.places.0.min(pair.places.1), pair.places.0);
        let larger = Reverse(product(self.shared, other.united)).cmp(&Reverse(product(other.shared, self.united)));
        larger.then_with(|| places(self).cmp(&places(other)))
    }
}

/// All pairs of shapes of one class that share something.
fn pairs<S>(
    (one, other): (&[S], &[S]),
    class: impl Fn(&S) -> u16,
    size: impl Fn(&S) -> u64,
    shared: impl Fn(&S, &S) -> Result<u64, DraftError>,
) -> Result<Vec<Pair>, DraftError> {
    let mut pairs = vec![];
    for (i, a) in one.iter().enumerate() {
        for (j, b) in other.iter().enumerate().filter(|(_, b)| class(a) == class(b)) {
            let shared = shared(a, b)?;
            let united = size(a).checked_add(size(b)).and_then(|sum| sum.checked_sub(shared)).ok_or(DraftError::Overflow)?;
            if shared > 0 {
                pairs.push(Pair { places: (i, j), shared, united });
            }
        }
    }
    Ok(pairs)
}

fn pairs_of(a: &Draft, b: &Draft) -> Result<Vec<Pair>, DraftError> {
    match (&a.shapes, &b.shapes) {
        (Shapes::Boxes(a), Shapes::Boxes(b)) => pairs((a, b), |shape| shape.0, |shape| shape.1.area(), |a, b| Ok(a.1.shared(&b.1))),
        (Shapes::Polygons(a), Shapes::Polygons(b)) => pairs((a, b), |shape| shape.0, |shape| shape.1.area(), |a, b| a.1.shared(&b.1)),
        (Shapes::Spans(a), Shapes::Spans(b)) => pairs((a, b), |span| span.label, |span| span.length(), |a, b| Ok(a.shared(b))),
        _ => Err(DraftError::OtherKind),
    }
}

/// twice / (all shapes of both), where both are empty one.
fn dice(mut sum: Ratio, a: &Draft, b: &Draft) -> Result<Ratio, DraftError> {
    let shapes = u64::try_from(a.len().saturating_add(b.len())).map_err(|_| DraftError::Overflow)?;
    if shapes == 0 {
        return Ok(Ratio::new(1, 1));
    }
    sum.scale(2, shapes);
    Ok(sum)
}

/// How far two drafts of one kind agree, 0 to 1: 2 * sum of intersection / union over matched shapes / number of all shapes. Shapes
/// of one class are matched greedily, the largest intersection / union first, of equal ones those with the lower places. For two
/// drafts of one shape each that is intersection / union; two empty drafts agree.
///
/// # Errors
/// Drafts of different kinds.
pub fn agreement(a: &Draft, b: &Draft) -> Result<Ratio, DraftError> {
    let mut pairs = pairs_of(a, b)?;
    pairs.sort_by(Pair::order);
    let (mut of_a, mut of_b) = (BTreeSet::new(), BTreeSet::new());
    let mut sum = Ratio::new(0, 1);
    for pair in pairs {
        if !of_a.contains(&pair.places.0) && !of_b.contains(&pair.places.1) {
            of_a.insert(pair.places.0);
            of_b.insert(pair.places.1);
            sum.add(pair.shared, pair.united);
        }
    }
    dice(sum, a, b)
}

/// Whether two drafts agree by at least so many 1/10,000, exactly.
///
/// # Errors
/// As [`agreement`], or a threshold above 10,000.
pub fn agrees(a: &Draft, b: &Draft, threshold_bps: u32) -> Result<bool, DraftError> {
    if threshold_bps > 10_000 {
        return Err(DraftError::Threshold { found: threshold_bps });
    }
    Ok(agreement(a, b)?.is_at_least(threshold_bps))
}

/// F1 of spans that are the same to the character and the label: 2 * same / (spans of both); two drafts without spans have 1.
///
/// # Errors
/// Drafts that are not of spans.
pub fn span_f1(a: &Draft, b: &Draft) -> Result<Ratio, DraftError> {
    let (Shapes::Spans(of_a), Shapes::Spans(of_b)) = (&a.shapes, &b.shapes) else { return Err(DraftError::OtherKind) };
    let same = of_a.iter().filter(|span| of_b.binary_search(span).is_ok()).count();
    dice(Ratio::new(u64::try_from(same).map_err(|_| DraftError::Overflow)?, 1), a, b)
}

/// The draft with the highest sum of agreement with all others (each rounded down to 2^-64), by its place; of equal ones the first. None
/// of no drafts. List them in an order that no producer chooses.
///
/// # Errors
/// More than 64 drafts, drafts of different kinds.
pub fn medoid(drafts: &[Draft]) -> Result<Option<usize>, DraftError> {
    limited("drafts", drafts.len(), MAX_DRAFTS)?;
    let mut sums = vec![0u128; drafts.len()];
    for (i, a) in drafts.iter().enumerate() {
        for (j, b) in drafts.iter().enumerate().skip(i.saturating_add(1)) {
            let score = agreement(a, b)?.floor_q64();
            for place in [i, j] {
                let sum = sums.get_mut(place).ok_or(DraftError::Overflow)?;
                *sum = sum.checked_add(score).ok_or(DraftError::Overflow)?;
            }
        }
    }
    let best = sums.iter().zip(0..).min_by_key(|(sum, place)| (Reverse(**sum), *place));
    Ok(best.map(|(_, place)| place))
}

/// Label visits that a comparison of two drafts costs.
pub fn cost(a: &Draft, b: &Draft) -> u64 {
    let count = |items: usize| u64::try_from(items).unwrap_or(u64::MAX);
    let pairs = count(a.len()).saturating_mul(count(b.len())).saturating_mul(PAIR_VISITS);
    let (Shapes::Polygons(of_a), Shapes::Polygons(of_b)) = (&a.shapes, &b.shapes) else { return pairs.saturating_add(1) };
    let near =
        of_a.iter().flat_map(|(class, a)| of_b.iter().filter(move |(other, b)| class == other && !a.is_apart(b)).map(move |(_, b)| (a, b)));
    let edges = near.map(|(a, b)| count(a.corners().len()).saturating_mul(count(b.corners().len()))).fold(0, u64::saturating_add);
    edges.saturating_mul(EDGES_VISITS).saturating_add(pairs).saturating_add(1)
}
