//! A small transformer on bytes: trained with burn, and written as a program of integers, attention included.
mod integers;
mod training;

pub use training::{Learning, Transformer};

/// Symbols: the bytes of ASCII. Others count as none of them.
pub const SYMBOLS: usize = 128;

/// How large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes that it sees.
    pub places: usize,
    /// Values of a place.
    pub width: usize,
    /// Heads of attention, which share the width.
    pub heads: usize,
    /// Blocks of attention and a hidden layer.
    pub blocks: usize,
    /// Values of a hidden layer.
    pub hidden: usize,
}
