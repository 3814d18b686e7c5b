//! Why distribution refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Distribution;

/// Codes are consensus and, up to 13, those of the Cosmos SDK: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The account delegates nothing to this validator.
    #[error("no delegation distribution info")]
    NoDelegation,
    /// There is no such validator.
    #[error("no validator distribution info")]
    NoValidatorInfo,
    /// The validator earned no commission that was not withdrawn.
    #[error("no validator commission to withdraw")]
    NoCommission,
    /// Governance does not let withdraw addresses change.
    #[error("set withdraw address disabled")]
    WithdrawAddressDisabled,
    /// More than the community pool has.
    #[error("community pool does not have sufficient coins to distribute")]
    Pool,
    /// There is no such validator, in an answer to a query or a deposit.
    #[error("{0}: validator does not exist")]
    NoValidator(String),
    /// There is no such delegation, in an answer to a query.
    #[error("delegation does not exist")]
    NoSuchDelegation,
    /// A parameter outside of its bounds.
    #[error("parameter {0}")]
    Params(&'static str),
    /// A genesis file that contradicts itself.
    #[error("{0}")]
    Genesis(String),
    /// Rewards are paid in the staked coin and the coin of fees only.
    #[error("validators are not rewarded in {0}")]
    Denom(String),
    /// Stored state that cannot be read.
    #[error("stored distribution state is damaged: {0}")]
    Corrupt(&'static str),
}

impl Coded for Error {
    const CODESPACE: &'static str = Distribution::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NoDelegation => 5,
            Self::NoValidatorInfo => 6,
            Self::NoCommission => 7,
            Self::WithdrawAddressDisabled => 8,
            Self::Pool => 9,
            Self::NoValidator(_) => 12,
            Self::NoSuchDelegation => 13,
            Self::Params(_) => 60,
            Self::Genesis(_) => 61,
            Self::Denom(_) => 62,
            Self::Corrupt(_) => 63,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NoDelegation | Self::NoValidatorInfo | Self::NoValidator(_) | Self::NoSuchDelegation => Status::NotFound,
            Self::NoCommission | Self::WithdrawAddressDisabled | Self::Pool => Status::FailedPrecondition,
            Self::Params(_) | Self::Genesis(_) | Self::Denom(_) => Status::InvalidArgument,
            Self::Corrupt(_) => Status::Internal,
        }
    }
}
