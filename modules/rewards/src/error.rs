//! Why rewards refuses.
use cairn_kernel::{Coded, Module, Status};

/// Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No closed epoch with contributions of the account is left.
    #[error("{0} has no reward to claim")]
    NothingToClaim(String),
    /// The epoch's number is unknown.
    #[error("no epoch {0}")]
    NoEpoch(u64),
    /// No such kind of contribution.
    #[error("contribution kind {0} is unknown")]
    Kind(i32),
    /// Burnt weight that nobody is named for.
    #[error("a fee needs contributors with a positive weight")]
    NoContributors,
    /// A part that exceeds the whole.
    #[error("{name} must be at most {most} basis points, found {found}")]
    Rate {
        /// Which parameter or argument.
        name: &'static str,
        /// The most allowed.
        most: u32,
        /// What was found.
        found: u32,
    },
    /// An epoch without blocks, or without end.
    #[error("an epoch must have 1 to 10,000,000 blocks, found {0}")]
    EpochBlocks(u64),
    /// A parameter that is no amount.
    #[error("parameter {0} must be an integer from 0 to 2^128-1")]
    Amount(&'static str),
    /// The message carries no parameters.
    #[error("parameters are missing")]
    NoParams,
    /// A sum exceeds its integer.
    #[error("an amount exceeds the range of integers")]
    Overflow,
    /// The pool's book says less than is to be taken from it.
    #[error("the pool holds {held}{denom}, {wanted}{denom} are wanted")]
    Pool {
        /// The denomination.
        denom: String,
        /// What the pool holds.
        held: u128,
        /// What was wanted.
        wanted: u128,
    },
    /// Stored text that is no amount.
    #[error("an amount of state is malformed")]
    BadAmount,
    /// A genesis file that contradicts itself.
    #[error("rewards genesis: {0}")]
    Genesis(String),
}

impl Coded for Error {
    const CODESPACE: &'static str = crate::Rewards::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NothingToClaim(_) => 2,
            Self::NoEpoch(_) => 3,
            Self::Kind(_) => 4,
            Self::NoContributors => 5,
            Self::Rate { .. } => 6,
            Self::EpochBlocks(_) => 7,
            Self::Amount(_) => 8,
            Self::NoParams => 9,
            Self::Overflow => 10,
            Self::Pool { .. } => 11,
            Self::BadAmount => 12,
            Self::Genesis(_) => 13,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NothingToClaim(_) => Status::FailedPrecondition,
            Self::NoEpoch(_) => Status::NotFound,
            Self::BadAmount | Self::Pool { .. } => Status::Internal,
            _ => Status::InvalidArgument,
        }
    }
}
