//! Drafts of boxes, polygons and spans: canonical bytes, exact agreement, the draft that agrees most with all others.

mod agreement;
mod bytes;
mod error;
mod pixels;
mod polygon;
mod ratio;
mod rect;
mod span;
#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may panic")]
mod tests;

pub use agreement::{MAX_DRAFTS, agreement, agrees, cost, medoid, span_f1};
pub use bytes::MAX_DRAFT_BYTES;
pub use error::DraftError;
pub use polygon::{MAX_VERTICES, Polygon};
pub use ratio::Ratio;
pub use rect::Rect;
pub use span::Span;

/// Most shapes of a draft.
pub const MAX_SHAPES: usize = 256;
/// Most vertices of all polygons of a draft.
pub const MAX_DRAFT_VERTICES: usize = 512;
/// Largest coordinate of a box or polygon, in pixels.
pub const MAX_COORDINATE: u32 = 1 << 24;

/// What a draft consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftKind {
    /// Boxes with a class each.
    Boxes,
    /// Simple polygons with a class each.
    Polygons,
    /// Spans of text with a label each.
    Spans,
}

impl DraftKind {
    /// Its number in formats.
    pub fn number(self) -> u8 {
        match self {
            DraftKind::Boxes => 1,
            DraftKind::Polygons => 2,
            DraftKind::Spans => 3,
        }
    }
}

/// The shapes of a draft, ascending, none twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shapes {
    /// Boxes with a class each.
    Boxes(Vec<(u16, Rect)>),
    /// Polygons with a class each.
    Polygons(Vec<(u16, Polygon)>),
    /// Spans, which carry their label.
    Spans(Vec<Span>),
}

/// What a producer found in an item: any number of shapes of one kind, in the one order that makes its bytes unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    shapes: Shapes,
}

impl Draft {
    /// A draft of boxes with their classes, in any order.
    ///
    /// # Errors
    /// More than 256 of them, one twice.
    pub fn boxes(boxes: Vec<(u16, Rect)>) -> Result<Draft, DraftError> {
        Ok(Draft { shapes: Shapes::Boxes(ascending(boxes)?) })
    }

    /// A draft of polygons with their classes, in any order; vertices as [`Polygon::new`] takes them.
    ///
    /// # Errors
    /// More than 256 of them or 512 vertices, one twice, or as [`Polygon::new`].
    pub fn polygons(polygons: Vec<(u16, Vec<(u32, u32)>)>) -> Result<Draft, DraftError> {
        let vertices = polygons.iter().map(|(_, vertices)| vertices.len()).fold(0, usize::saturating_add);
        limited("vertices", vertices, MAX_DRAFT_VERTICES)?;
        limited("shapes", polygons.len(), MAX_SHAPES)?;
        let polygons = polygons.into_iter().map(|(class, vertices)| Ok((class, Polygon::new(vertices)?)));
        Ok(Draft { shapes: Shapes::Polygons(ascending(polygons.collect::<Result<_, DraftError>>()?)?) })
    }

    /// A draft of spans, in any order.
    ///
    /// # Errors
    /// More than 256 of them, one twice.
    pub fn spans(spans: Vec<Span>) -> Result<Draft, DraftError> {
        Ok(Draft { shapes: Shapes::Spans(ascending(spans)?) })
    }

    /// Its shapes in their one order.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// What it consists of.
    pub fn kind(&self) -> DraftKind {
        match self.shapes {
            Shapes::Boxes(_) => DraftKind::Boxes,
            Shapes::Polygons(_) => DraftKind::Polygons,
            Shapes::Spans(_) => DraftKind::Spans,
        }
    }

    /// How many shapes it has.
    pub fn len(&self) -> usize {
        match &self.shapes {
            Shapes::Boxes(boxes) => boxes.len(),
            Shapes::Polygons(polygons) => polygons.len(),
            Shapes::Spans(spans) => spans.len(),
        }
    }

    /// Whether nothing was found in the item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The largest class it names, none where it is empty: to be compared with the classes of the job.
    pub fn largest_class(&self) -> Option<u16> {
        match &self.shapes {
            Shapes::Boxes(boxes) => boxes.iter().map(|(class, _)| *class).max(),
            Shapes::Polygons(polygons) => polygons.iter().map(|(class, _)| *class).max(),
            Shapes::Spans(spans) => spans.iter().map(Span::label).max(),
        }
    }
}

/// Sorts shapes; none may be there twice.
fn ascending<S: Ord>(mut shapes: Vec<S>) -> Result<Vec<S>, DraftError> {
    limited("shapes", shapes.len(), MAX_SHAPES)?;
    shapes.sort();
    if shapes.iter().zip(shapes.iter().skip(1)).any(|(a, b)| a == b) { Err(DraftError::Repeated) } else { Ok(shapes) }
}

fn limited(what: &'static str, found: usize, most: usize) -> Result<(), DraftError> {
    if found <= most { Ok(()) } else { Err(DraftError::TooMany { what, found, most }) }
}
