//! Why auth refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Auth;

/// Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A parameter that must be positive is zero. Carries its name as the Cosmos SDK prints it.
    #[error("invalid {0}: 0")]
    ZeroParameter(&'static str),
    /// The message carries no parameters.
    #[error("parameters are missing")]
    NoParameters,
    /// A genesis account's type is not one that this chain has.
    #[error("genesis account of type {0:?}, expected a base, module or vesting account")]
    AccountType(String),
    /// A genesis account does not decode or lacks its base account.
    #[error("genesis account number {0} of the list cannot be read")]
    Unreadable(usize),
    /// Two genesis accounts with one address.
    #[error("genesis lists account {0} twice")]
    DuplicateAddress(String),
    /// Two genesis accounts with one number.
    #[error("genesis gives account number {0} twice")]
    DuplicateNumber(u64),
    /// A genesis account's public key is another address's.
    #[error("account {0} and its public key do not match")]
    KeyMismatch(String),
    /// A genesis module account that no module owns, or under another address than its name gives.
    #[error("{address} is not the account of a module named {name:?}")]
    NotAModule {
        /// The address in genesis.
        address: String,
        /// The name in genesis.
        name: String,
    },
    /// A schedule by which coins come free that makes no sense.
    #[error("{0}")]
    Schedule(&'static str),
}

impl Coded for Error {
    const CODESPACE: &'static str = Auth::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::ZeroParameter(_) => 2,
            Self::NoParameters => 3,
            Self::AccountType(_) => 4,
            Self::Unreadable(_) => 5,
            Self::DuplicateAddress(_) => 6,
            Self::DuplicateNumber(_) => 7,
            Self::KeyMismatch(_) => 8,
            Self::NotAModule { .. } => 9,
            Self::Schedule(_) => 10,
        }
    }
    fn status(&self) -> Status {
        Status::InvalidArgument
    }
}
