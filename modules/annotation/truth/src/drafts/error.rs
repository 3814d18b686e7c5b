//! Why a draft is refused.

/// Why a draft was refused or could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// More of something than a draft may have.
    #[error("{found} {what}, at most {most} are allowed")]
    TooMany {
        /// What was counted.
        what: &'static str,
        /// How many there were.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// The bytes do not follow the format.
    #[error("the bytes of the draft are damaged: {reason}")]
    Damaged {
        /// What is wrong with them.
        reason: &'static str,
    },
    /// The draft is not of the kind that the job asks for, or two drafts are of different kinds.
    #[error("a draft of another kind")]
    OtherKind,
    /// The bytes are not the only ones for what they say.
    #[error("the draft is not in its canonical form")]
    NotCanonical,
    /// A coordinate is too large.
    #[error("coordinate {found}, at most 16777216 is allowed")]
    Coordinate {
        /// The coordinate.
        found: u32,
    },
    /// A box without a side, a span without a character, a polygon that covers the centre of no pixel.
    #[error("a shape that covers nothing")]
    Nothing,
    /// A polygon with fewer than three corners.
    #[error("a polygon of {found} corners")]
    Corners {
        /// Corners found, repeated and straight ones left out.
        found: usize,
    },
    /// A polygon that touches or crosses itself.
    #[error("a polygon that touches or crosses itself")]
    NotSimple,
    /// A shape is there twice.
    #[error("a shape is there twice")]
    Repeated,
    /// A threshold above one.
    #[error("a threshold of {found}/10000")]
    Threshold {
        /// The threshold in 1/10,000.
        found: u32,
    },
    /// A number left its range.
    #[error("arithmetic overflow")]
    Overflow,
}
