//! Spans of text.

use super::DraftError;

/// The characters start <= c < end, with a label. At least one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) label: u16,
}

impl Span {
    /// A span.
    ///
    /// # Errors
    /// A span without a character.
    pub fn new(start: u32, end: u32, label: u16) -> Result<Span, DraftError> {
        if start < end { Ok(Span { start, end, label }) } else { Err(DraftError::Nothing) }
    }

    /// The first character and the one after the last.
    pub fn bounds(&self) -> (u32, u32) {
        (self.start, self.end)
    }

    /// The label.
    pub fn label(&self) -> u16 {
        self.label
    }

    /// Its characters.
    pub fn length(&self) -> u64 {
        u64::from(self.end.saturating_sub(self.start))
    }

    /// The characters that lie in both.
    pub fn shared(&self, other: &Span) -> u64 {
        u64::from(self.end.min(other.end).saturating_sub(self.start.max(other.start)))
    }
}
