//! Why gov refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Gov;

/// Codes are consensus: add at the end, never renumber. They are those of the Cosmos SDK's gov.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The proposal takes no deposits or votes (any more).
    #[error("{0}: inactive proposal")]
    Inactive(u64),
    /// Content that is missing or malformed.
    #[error("{0}: invalid proposal content")]
    Content(String),
    /// A kind of content that this chain does not take.
    #[error("{0}: invalid proposal type")]
    ContentType(String),
    /// A vote that is none.
    #[error("{0}: invalid vote option")]
    Vote(String),
    /// A genesis file that contradicts itself.
    #[error("{0}: invalid genesis state")]
    Genesis(String),
    /// A message without handler.
    #[error("{0}: proposal message not recognized by router")]
    Unroutable(String),
    /// A proposal of nothing.
    #[error("either metadata or Msgs length must be non-nil: no messages proposed")]
    NoMessages,
    /// A message that another than governance signs, or an authority that is not governance.
    #[error("{0}: expected gov account as only signer for proposal message")]
    Signer(String),
    /// A text above its limit.
    #[error("got {what} with length {found}: metadata too long")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// Its bytes.
        found: usize,
    },
    /// A deposit below what one must be.
    #[error("{0}: minimum deposit is too small")]
    DepositTooSmall(String),
    /// Another than the proposer cancels.
    #[error("invalid proposer {0}: invalid proposer")]
    Proposer(String),
    /// The vote is over.
    #[error("voting period is already ended for this proposal {0}: voting period already ended")]
    VotingEnded(u64),
    /// A proposal in a state that does not allow it.
    #[error("{0}: invalid proposal")]
    Proposal(String),
    /// A summary above its limit. Carries its bytes.
    #[error("got summary with length {0}: summary too long")]
    SummaryTooLong(usize),
    /// A deposit in a coin that is not taken.
    #[error("{0}: invalid deposit denom")]
    DepositDenom(String),
}

impl Coded for Error {
    const CODESPACE: &'static str = Gov::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::Inactive(_) => 3,
            Self::Content(_) => 5,
            Self::ContentType(_) => 6,
            Self::Vote(_) => 7,
            Self::Genesis(_) => 8,
            Self::Unroutable(_) => 10,
            Self::NoMessages => 11,
            Self::Signer(_) => 13,
            Self::TooLong { .. } => 15,
            Self::DepositTooSmall(_) => 16,
            Self::Proposer(_) => 18,
            Self::VotingEnded(_) => 20,
            Self::Proposal(_) => 21,
            Self::SummaryTooLong(_) => 22,
            Self::DepositDenom(_) => 23,
        }
    }
    fn status(&self) -> Status {
        Status::InvalidArgument
    }
}
