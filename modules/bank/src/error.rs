//! Why bank refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Bank;

/// Codes are consensus: add at the end, never renumber. Up to 9 they are those of the Cosmos SDK's bank.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// `MsgMultiSend` without a payer.
    #[error("no inputs to send transaction")]
    NoInputs,
    /// `MsgMultiSend` without a payee.
    #[error("no outputs to send transaction")]
    NoOutputs,
    /// `MsgMultiSend` that would create or lose coins.
    #[error("sum inputs != sum outputs: {inputs} != {outputs}")]
    Mismatch {
        /// What is taken.
        inputs: String,
        /// What is given.
        outputs: String,
    },
    /// Users may not send this denomination now.
    #[error("{0} transfers are currently disabled: send transactions are disabled")]
    SendDisabled(String),
    /// Something that must be listed once is listed twice.
    #[error("{0}: duplicate entry")]
    Duplicate(String),
    /// `MsgMultiSend` with more than one payer.
    #[error("multiple senders not allowed")]
    MultipleSenders,
    /// A module uses an account that it has not registered with the router.
    #[error("module account {0} is not registered")]
    NotRegistered(&'static str),
    /// A module account that was not declared to mint.
    #[error("module account {0} does not have permissions to mint tokens")]
    MayNotMint(&'static str),
    /// A module account that was not declared to burn.
    #[error("module account {0} does not have permissions to burn tokens")]
    MayNotBurn(&'static str),
    /// The supply would not fit 128 bits.
    #[error("supply of {denom} is {supply}, {minted} more exceed 2^128-1")]
    SupplyOverflow {
        /// Which coin.
        denom: String,
        /// How much there is.
        supply: u128,
        /// How much was to be added.
        minted: u128,
    },
    /// A denomination's description contradicts itself.
    #[error("metadata of {base:?}: {reason}")]
    Metadata {
        /// The denomination as described.
        base: String,
        /// What is wrong.
        reason: String,
    },
    /// Parameters that are missing or use the field that the Cosmos SDK has retired.
    #[error("{0}")]
    Params(&'static str),
    /// The genesis file's supply is not the sum of its balances.
    #[error("genesis supply is incorrect, expected {stated}, got {sum}")]
    Supply {
        /// What the file says.
        stated: String,
        /// What the balances add up to.
        sum: String,
    },
    /// A stored amount is not one.
    #[error("stored amount {0:?} cannot be read")]
    Corrupt(String),
}

impl Coded for Error {
    const CODESPACE: &'static str = Bank::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NoInputs => 2,
            Self::NoOutputs => 3,
            Self::Mismatch { .. } => 4,
            Self::SendDisabled(_) => 5,
            Self::Duplicate(_) => 8,
            Self::MultipleSenders => 9,
            Self::NotRegistered(_) => 10,
            Self::MayNotMint(_) => 11,
            Self::MayNotBurn(_) => 12,
            Self::SupplyOverflow { .. } => 13,
            Self::Metadata { .. } => 14,
            Self::Params(_) => 15,
            Self::Supply { .. } => 16,
            Self::Corrupt(_) => 17,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NotRegistered(_) | Self::MayNotMint(_) | Self::MayNotBurn(_) => Status::PermissionDenied,
            Self::SendDisabled(_) | Self::SupplyOverflow { .. } => Status::FailedPrecondition,
            Self::Corrupt(_) => Status::Internal,
            Self::NoInputs
            | Self::NoOutputs
            | Self::Mismatch { .. }
            | Self::Duplicate(_)
            | Self::MultipleSenders
            | Self::Metadata { .. }
            | Self::Params(_)
            | Self::Supply { .. } => Status::InvalidArgument,
        }
    }
}
