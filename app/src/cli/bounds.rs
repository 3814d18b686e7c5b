//! Shapes stay within what they are drawn or marked on: checked where a requester tells gold and where an annotator commits.
use std::io::Cursor;

use anyhow::{Context, Result, bail};
use cairn_formats::{Answer, Size, picture_size, sniff};

/// Refuses shapes that leave their item. A picture whose header does not tell its size refuses none.
///
/// # Errors
/// If a shape leaves the item, or the item of passages is no text.
pub(crate) fn check(answer: &Answer, content: &[u8]) -> Result<()> {
    if matches!(answer, Answer::Spans(_)) {
        return in_text(answer, content);
    }
    let size = sniff(content).map(|media| picture_size(Cursor::new(content), media)).transpose()?.flatten();
    size.map_or(Ok(()), |size| in_picture(answer, size))
}

/// Refuses passages that end behind their text, whose unit is characters.
///
/// # Errors
/// If one does, or the item is no text.
pub(crate) fn in_text(answer: &Answer, content: &[u8]) -> Result<()> {
    let Answer::Spans(spans) = answer else { return Ok(()) };
    let length = std::str::from_utf8(content).context("the item is no text")?.chars().count();
    let end = spans.iter().map(|s| s.end).max().unwrap_or(0);
    if u64::from(end) > u64::try_from(length)? {
        bail!("a passage ends at {end}, but the text has {length} characters");
    }
    Ok(())
}

/// Refuses boxes and polygons that leave their picture.
///
/// # Errors
/// If one does.
pub(crate) fn in_picture(answer: &Answer, size: Size) -> Result<()> {
    match farthest(answer) {
        Some((x, y)) if x > size.width || y > size.height => {
            bail!("a shape reaches to ({x}, {y}), but the picture has {} by {} pixels", size.width, size.height)
        }
        _ => Ok(()),
    }
}

/// The right and lower edge of all shapes.
fn farthest(answer: &Answer) -> Option<(u32, u32)> {
    let corners: Vec<(u32, u32)> = match answer {
        Answer::Boxes(boxes) => boxes.iter().map(|b| (b.x.saturating_add(b.width), b.y.saturating_add(b.height))).collect(),
        Answer::Polygons(polygons) => polygons.iter().flat_map(|p| p.points.iter().copied()).collect(),
        _ => Vec::new(),
    };
    let most = |of: fn(&(u32, u32)) -> u32| corners.iter().map(of).max();
    most(|c| c.0).zip(most(|c| c.1))
}
