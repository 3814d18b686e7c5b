//! Shapes stay within what they are drawn or marked on: checked where a requester tells gold and where an annotator commits.
use std::io::Cursor;

use anyhow::{Context, Result, bail};
use cairn_formats::{Answer, picture_size, sniff};

/// Refuses shapes that leave their item. A picture whose header does not tell its size refuses none.
///
/// # Errors
/// If a shape leaves the item, or the item of passages is no text.
pub(crate) fn check(answer: &Answer, content: &[u8]) -> Result<()> {
    match answer {
        Answer::Spans(spans) => {
            let length = std::str::from_utf8(content).context("the item is no text")?.chars().count();
            let end = spans.iter().map(|s| s.end).max().unwrap_or(0);
            if u64::from(end) > u64::try_from(length)? {
                bail!("a passage ends at {end}, but the text has {length} characters");
            }
        }
        Answer::Boxes(_) | Answer::Polygons(_) => {
            let size = sniff(content).map(|media| picture_size(Cursor::new(content), media)).transpose()?.flatten();
            if let (Some(size), Some((x, y))) = (size, farthest(answer))
                && (x > size.width || y > size.height)
            {
                bail!("a shape reaches to ({x}, {y}), but the picture has {} by {} pixels", size.width, size.height);
            }
        }
        Answer::Class(_) | Answer::Set(_) | Answer::Text(_) => {}
    }
    Ok(())
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
