//! Why feegrant refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Feegrant;

/// Codes are consensus: add at the end, never renumber. They are those of the Cosmos SDK's feegrant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The fee is above what may be spent. Carries which limit.
    #[error("{0}: fee limit exceeded")]
    LimitExceeded(&'static str),
    /// The allowance has ended. Carries which limit.
    #[error("{0}: fee allowance expired")]
    Expired(&'static str),
    /// A time or duration that makes no sense.
    #[error("{0}: invalid duration")]
    InvalidDuration(&'static str),
    /// An allowance that holds none.
    #[error("allowance should not be empty: no allowance")]
    NoAllowance,
    /// An allowance for no message.
    #[error("allowed messages shouldn't be empty: allowed messages are empty")]
    NoMessages,
    /// The transaction holds a message for which the allowance is not.
    #[error("message does not exist in allowed messages: message not allowed")]
    MessageNotAllowed,
}

impl Coded for Error {
    const CODESPACE: &'static str = Feegrant::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::LimitExceeded(_) => 2,
            Self::Expired(_) => 3,
            Self::InvalidDuration(_) => 4,
            Self::NoAllowance => 5,
            Self::NoMessages => 6,
            Self::MessageNotAllowed => 7,
        }
    }
    fn status(&self) -> Status {
        Status::InvalidArgument
    }
}
