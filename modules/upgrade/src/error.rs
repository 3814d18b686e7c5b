//! Why upgrade refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Upgrade;

/// Codes are consensus: add at the end, never renumber. Codes 2 to 5 of the Cosmos SDK's upgrade are not used: what they are for is answered
/// by an empty response or `sdk/38`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The genesis file's part makes no sense. Carries why.
    #[error("genesis: {0}")]
    Genesis(String),
    /// A name that cannot be a folder's and a line's.
    #[error("a name is 1 to {limit} letters, digits, '.', '_', '+', '-', beginning with a letter or digit; found {found:?}")]
    Name {
        /// Bytes allowed.
        limit: usize,
        /// What was given, at most so much of it.
        found: String,
    },
    /// More text than a plan may carry.
    #[error("info may have {limit} bytes, found {found}")]
    Info {
        /// Bytes allowed.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
}

impl Coded for Error {
    const CODESPACE: &'static str = Upgrade::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::Genesis(_) => 6,
            Self::Name { .. } => 7,
            Self::Info { .. } => 8,
        }
    }
    fn status(&self) -> Status {
        Status::InvalidArgument
    }
}
