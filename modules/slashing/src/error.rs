//! Why slashing refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Slashing;

/// Codes are consensus and, up to 9, those of the Cosmos SDK: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The time in jail is not over, or never will be.
    #[error("validator still jailed; cannot be unjailed")]
    Jailed,
    /// The validator is free.
    #[error("validator not jailed; cannot be unjailed")]
    NotJailed,
    /// The operator holds less than the validator promised.
    #[error("{found} less than {promised}: validator's self delegation less than minimum; cannot be unjailed")]
    SelfDelegation {
        /// What it holds, in base units.
        found: u128,
        /// What it promised.
        promised: String,
    },
    /// The consensus key was caught signing twice and never validates again.
    #[error("validator already tombstoned")]
    Tombstoned,
    /// A parameter outside of its bounds.
    #[error("parameter {0}")]
    Params(&'static str),
    /// A genesis file that contradicts itself.
    #[error("{0}")]
    Genesis(String),
    /// Stored state that cannot be read.
    #[error("stored slashing state is damaged: {0}")]
    Corrupt(&'static str),
}

impl Coded for Error {
    const CODESPACE: &'static str = Slashing::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::Jailed => 4,
            Self::NotJailed => 5,
            Self::SelfDelegation { .. } => 7,
            Self::Tombstoned => 9,
            Self::Params(_) => 60,
            Self::Genesis(_) => 61,
            Self::Corrupt(_) => 62,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::Jailed | Self::NotJailed | Self::SelfDelegation { .. } | Self::Tombstoned => Status::FailedPrecondition,
            Self::Params(_) | Self::Genesis(_) => Status::InvalidArgument,
            Self::Corrupt(_) => Status::Internal,
        }
    }
}
