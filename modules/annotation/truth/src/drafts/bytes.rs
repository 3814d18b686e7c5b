//! The canonical bytes of a draft: the only ones for what it says, so that their SHA-256 names it.

use super::{Draft, DraftError, DraftKind, MAX_DRAFT_VERTICES, MAX_SHAPES, Rect, Shapes, Span, limited};
use crate::bytes::Reader;

/// Most bytes of a draft; looked at before anything else.
pub const MAX_DRAFT_BYTES: usize = 8_192;
/// Format.
const VERSION: u8 = 1;

const CUT_OFF: DraftError = DraftError::Damaged { reason: "it is cut off" };

impl Draft {
    /// Its bytes; the format is in the README.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.kind().number()];
        let count = |items: usize| u16::try_from(items).unwrap_or(u16::MAX).to_be_bytes();
        bytes.extend(count(self.len()));
        match &self.shapes {
            Shapes::Boxes(boxes) => {
                for (class, rect) in boxes {
                    bytes.extend(class.to_be_bytes());
                    bytes.extend(rect.corners().into_iter().flat_map(u32::to_be_bytes));
                }
            }
            Shapes::Polygons(polygons) => {
                for (class, polygon) in polygons {
                    bytes.extend(class.to_be_bytes());
                    bytes.extend(count(polygon.corners().len()));
                    bytes.extend(polygon.corners().iter().flat_map(|&(x, y)| [x, y]).flat_map(u32::to_be_bytes));
                }
            }
            Shapes::Spans(spans) => {
                for span in spans {
                    bytes.extend(span.start.to_be_bytes());
                    bytes.extend(span.end.to_be_bytes());
                    bytes.extend(span.label.to_be_bytes());
                }
            }
        }
        bytes
    }

    /// The draft of a kind that bytes hold.
    ///
    /// # Errors
    /// Too many bytes, shapes or vertices, bytes that do not follow the format or are not the canonical ones, another kind, a shape that
    /// is refused.
    pub fn decode(kind: DraftKind, bytes: &[u8]) -> Result<Draft, DraftError> {
        limited("bytes", bytes.len(), MAX_DRAFT_BYTES)?;
        let mut reader = Reader(bytes);
        if reader.u8().ok_or(CUT_OFF)? != VERSION {
            return Err(DraftError::Damaged { reason: "unknown version" });
        }
        if reader.u8().ok_or(CUT_OFF)? != kind.number() {
            return Err(DraftError::OtherKind);
        }
        let count = reader.u16().ok_or(CUT_OFF)?;
        limited("shapes", count.into(), MAX_SHAPES)?;
        let draft = match kind {
            DraftKind::Boxes => Draft::boxes((0..count).map(|_| rect(&mut reader)).collect::<Result<_, _>>()?)?,
            DraftKind::Polygons => Draft::polygons(polygons(&mut reader, count)?)?,
            DraftKind::Spans => Draft::spans((0..count).map(|_| span(&mut reader)).collect::<Result<_, _>>()?)?,
        };
        if !reader.is_empty() {
            return Err(DraftError::Damaged { reason: "it goes on after its end" });
        }
        if draft.encode() == bytes { Ok(draft) } else { Err(DraftError::NotCanonical) }
    }
}

fn rect(reader: &mut Reader<'_>) -> Result<(u16, Rect), DraftError> {
    let class = reader.u16().ok_or(CUT_OFF)?;
    let mut corner = || reader.u32().ok_or(CUT_OFF);
    Ok((class, Rect::new(corner()?, corner()?, corner()?, corner()?)?))
}

fn span(reader: &mut Reader<'_>) -> Result<Span, DraftError> {
    let (start, end) = (reader.u32().ok_or(CUT_OFF)?, reader.u32().ok_or(CUT_OFF)?);
    Span::new(start, end, reader.u16().ok_or(CUT_OFF)?)
}

type Vertices = Vec<(u32, u32)>;

/// The vertices of polygons, no more of them than a draft may have.
fn polygons(reader: &mut Reader<'_>, count: u16) -> Result<Vec<(u16, Vertices)>, DraftError> {
    let (mut polygons, mut all) = (vec![], 0usize);
    for _ in 0..count {
        let (class, vertices) = (reader.u16().ok_or(CUT_OFF)?, reader.u16().ok_or(CUT_OFF)?);
        all = all.saturating_add(vertices.into());
        limited("vertices", all, MAX_DRAFT_VERTICES)?;
        let vertex = |reader: &mut Reader<'_>| Some((reader.u32()?, reader.u32()?));
        polygons.push((class, (0..vertices).map(|_| vertex(reader)).collect::<Option<_>>().ok_or(CUT_OFF)?));
    }
    Ok(polygons)
}
