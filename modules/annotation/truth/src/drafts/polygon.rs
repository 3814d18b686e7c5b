//! Simple polygons on whole pixels, brought into one form.

use super::{DraftError, MAX_COORDINATE, limited, pixels};

/// Most vertices of a polygon.
pub const MAX_VERTICES: usize = 256;

type Point = (u32, u32);

/// A polygon that neither touches nor crosses itself, with corners at whole pixels: it holds the pixels whose centres it holds, at
/// least one. Its corners start at the smallest (x, then y) and run so that the sum of x_i y_i+1 - x_i+1 y_i is positive; none lies
/// straight between its neighbours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Polygon {
    corners: Vec<Point>,
    area: u64,
}

impl Polygon {
    /// The polygon through some vertices, given in either direction from anywhere. Vertices that repeat the one before or lie straight
    /// between their neighbours are left out.
    ///
    /// # Errors
    /// More than 256 vertices, a coordinate above 2^24, fewer than three corners, a polygon that touches or crosses itself or covers the
    /// centre of no pixel.
    pub fn new(mut vertices: Vec<Point>) -> Result<Polygon, DraftError> {
        limited("vertices", vertices.len(), MAX_VERTICES)?;
        if let Some(&(x, y)) = vertices.iter().find(|(x, y)| x.max(y) > &MAX_COORDINATE) {
            return Err(DraftError::Coordinate { found: x.max(y) });
        }
        vertices.dedup();
        if vertices.len() > 1 && vertices.first() == vertices.last() {
            vertices.pop();
        }
        let mut corners = corners(&vertices)?;
        if corners.len() < 3 {
            return Err(DraftError::Corners { found: corners.len() });
        }
        if !is_simple(&corners) {
            return Err(DraftError::NotSimple);
        }
        if twice_area(&corners) < 0 {
            corners.reverse();
        }
        let first = corners.iter().zip(0..).min().map_or(0, |(_, place)| place);
        corners.rotate_left(first);
        let area = pixels::area(&corners)?;
        if area == 0 { Err(DraftError::Nothing) } else { Ok(Polygon { corners, area }) }
    }

    /// Its corners.
    pub fn corners(&self) -> &[Point] {
        &self.corners
    }

    /// Its pixels: at most 2^48.
    pub fn area(&self) -> u64 {
        self.area
    }

    /// The pixels that lie in both.
    ///
    /// # Errors
    /// Never for polygons that could be made.
    pub fn shared(&self, other: &Polygon) -> Result<u64, DraftError> {
        if self.is_apart(other) { Ok(0) } else { pixels::shared(&self.corners, &other.corners) }
    }

    /// Whether a straight line along an axis divides them.
    pub(super) fn is_apart(&self, other: &Polygon) -> bool {
        let ends = |of: &Polygon, axis: fn(&Point) -> u32| {
            let values = of.corners.iter().map(axis);
            (values.clone().min().unwrap_or(0), values.max().unwrap_or(0))
        };
        let axes: [fn(&Point) -> u32; 2] = [|corner| corner.0, |corner| corner.1];
        axes.into_iter().any(|axis| {
            let ((low, high), (other_low, other_high)) = (ends(self, axis), ends(other, axis));
            high <= other_low || other_high <= low
        })
    }
}

/// Twice the area of the triangle a, b, c, positive where c lies to the left of a -> b (with y upwards). At most 2^50.
fn turn(a: Point, b: Point, c: Point) -> i64 {
    let by = |from: u32, to: u32| i64::from(to).saturating_sub(from.into());
    let (left, right) = (by(a.0, b.0).saturating_mul(by(a.1, c.1)), by(a.1, b.1).saturating_mul(by(a.0, c.0)));
    left.saturating_sub(right)
}

/// Each point with the one after it, the last with the first.
pub(super) fn edges(corners: &[Point]) -> impl Iterator<Item = (Point, Point)> + Clone {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

/// The vertices that do not lie straight between their neighbours.
fn corners(vertices: &[Point]) -> Result<Vec<Point>, DraftError> {
    let mut found = vec![];
    let before = vertices.iter().cycle().skip(vertices.len().saturating_sub(1));
    let after = vertices.iter().cycle().skip(1);
    for ((&vertex, &before), &after) in vertices.iter().zip(before).zip(after) {
        if turn(before, vertex, after) != 0 {
            found.push(vertex);
        } else if !is_between(before, vertex, after) {
            // It runs back on itself.
            return Err(DraftError::NotSimple);
        }
    }
    Ok(found)
}

/// Whether a point of the line through two others lies between them.
fn is_between(a: Point, point: Point, b: Point) -> bool {
    let within = |a: u32, middle: u32, b: u32| (a.min(b)..=a.max(b)).contains(&middle);
    within(a.0, point.0, b.0) && within(a.1, point.1, b.1)
}

fn twice_area(corners: &[Point]) -> i64 {
    edges(corners).fold(0, |sum: i64, (a, b)| sum.saturating_add(turn((0, 0), a, b)))
}

/// Whether no two edges meet but neighbours in their common corner. Neighbours that lie on each other are ruled out before.
fn is_simple(corners: &[Point]) -> bool {
    let last = corners.len().saturating_sub(1);
    edges(corners).zip(0..).all(|(edge, place)| {
        // The neighbours of an edge are the next one and, for the first, the last.
        let others = edges(corners).zip(0..).skip(usize::saturating_add(place, 2));
        others.filter(|(_, other)| place != 0 || *other != last).all(|(other, _)| !do_meet(edge, other))
    })
}

/// Whether two segments have a point in common.
fn do_meet((a, b): (Point, Point), (c, d): (Point, Point)) -> bool {
    let sides = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)].map(i64::signum);
    let [c_side, d_side, a_side, b_side] = sides;
    (c_side != d_side && a_side != b_side && !sides.contains(&0))
        || (c_side == 0 && is_between(a, c, b))
        || (d_side == 0 && is_between(a, d, b))
        || (a_side == 0 && is_between(c, a, d))
        || (b_side == 0 && is_between(c, b, d))
}
