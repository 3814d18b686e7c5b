//! Boxes.

use super::{DraftError, MAX_COORDINATE};

/// A box of the pixels x0 <= x < x1, y0 <= y < y1. At least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rect {
    pub(super) x0: u32,
    pub(super) y0: u32,
    pub(super) x1: u32,
    pub(super) y1: u32,
}

impl Rect {
    /// The box between two corners.
    ///
    /// # Errors
    /// A coordinate above 2^24, a box without a pixel.
    pub fn new(x0: u32, y0: u32, x1: u32, y1: u32) -> Result<Rect, DraftError> {
        if let Some(found) = [x0, y0, x1, y1].into_iter().find(|&coordinate| coordinate > MAX_COORDINATE) {
            return Err(DraftError::Coordinate { found });
        }
        if x0 < x1 && y0 < y1 { Ok(Rect { x0, y0, x1, y1 }) } else { Err(DraftError::Nothing) }
    }

    /// Its corners: x0, y0, x1, y1.
    pub fn corners(&self) -> [u32; 4] {
        [self.x0, self.y0, self.x1, self.y1]
    }

    /// Its pixels: at most 2^48.
    pub fn area(&self) -> u64 {
        let side = |from: u32, to: u32| u64::from(to.saturating_sub(from));
        side(self.x0, self.x1).saturating_mul(side(self.y0, self.y1))
    }

    /// The pixels that lie in both.
    pub fn shared(&self, other: &Rect) -> u64 {
        let (x0, y0) = (self.x0.max(other.x0), self.y0.max(other.y0));
        Rect { x0, y0, x1: self.x1.min(other.x1), y1: self.y1.min(other.y1) }.area()
    }
}
