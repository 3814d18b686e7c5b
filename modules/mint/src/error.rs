//! Why mint refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Mint;

/// Codes are consensus: add at the end, never renumber. The Cosmos SDK has none of its own here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A parameter outside of its bounds.
    #[error("parameter {0}")]
    Params(&'static str),
    /// A genesis file that contradicts itself.
    #[error("{0}")]
    Genesis(&'static str),
    /// A part of the provision was set aside that is more than all of it.
    #[error("more is set aside than a block provides")]
    SetAside,
}

impl Coded for Error {
    const CODESPACE: &'static str = Mint::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::Params(_) => 60,
            Self::Genesis(_) => 61,
            Self::SetAside => 62,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::Params(_) | Self::Genesis(_) => Status::InvalidArgument,
            Self::SetAside => Status::Internal,
        }
    }
}
