//! Why the beacon refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::{Beacon, vrf};

/// Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A reveal came as a transaction's message.
    #[error("a beacon reveal is the first transaction of its proposer's block and never runs as a message")]
    NotAMessage,
    /// The proposer has an active key, but its block carries no reveal.
    #[error("proposer {0} has an active beacon key, but the block carries no reveal")]
    Missing(String),
    /// The block carries a reveal of a proposer that has no active key.
    #[error("proposer {0} has no active beacon key, but the block carries a reveal")]
    Foreign(String),
    /// The reveal is for another height.
    #[error("beacon reveal is for height {found}, expected {expected}")]
    Height {
        /// The block's height.
        expected: u64,
        /// The reveal's height.
        found: u64,
    },
    /// The proof is malformed or does not verify.
    #[error("beacon reveal of {proposer}: {reason}")]
    Proof {
        /// Consensus address of the proposer.
        proposer: String,
        /// What is wrong with it.
        reason: vrf::Invalid,
    },
    /// The node's key is not the one that its validator registered.
    #[error("this node's beacon key is {found}, but the chain knows {expected} for its validator")]
    OtherKey {
        /// The registered key.
        expected: String,
        /// The key at hand.
        found: String,
    },
    /// The height's beacon is not kept any more.
    #[error("beacon of height {asked} is no longer kept; the oldest one is of height {oldest}")]
    Pruned {
        /// What was asked for.
        asked: u64,
        /// What is left.
        oldest: u64,
    },
    /// The block does not follow the newest beacon.
    #[error("block of height {height} does not follow the newest beacon, of height {latest}")]
    Gap {
        /// The newest beacon's height.
        latest: u64,
        /// The block's height.
        height: u64,
    },
    /// A draw from no candidates.
    #[error("a draw needs at least one candidate")]
    NoCandidates,
    /// More numbers were drawn from one stream than it has.
    #[error("the stream of a draw is used up")]
    StreamEnded,
    /// A genesis file that contradicts itself.
    #[error("{0}")]
    Genesis(String),
    /// There is no such validator.
    #[error("there is no validator with consensus address {0:?}, in hexadecimal")]
    UnknownValidator(String),
    /// Somebody else's key.
    #[error("only the operator of validator {validator}, {operator:?}, may rotate its beacon key; found {found}")]
    NotOperator {
        /// Consensus address of the validator.
        validator: String,
        /// Who may; empty where genesis names nobody.
        operator: String,
        /// Who asked.
        found: String,
    },
    /// A rotation is final: one that could be taken back or replaced would be a choice made with knowledge.
    #[error("validator {validator} has a new beacon key already, which acts from height {active_from}; rotate again after it")]
    RotationPending {
        /// Consensus address of the validator.
        validator: String,
        /// When the earlier one takes effect.
        active_from: u64,
    },
    /// Two validators would have one key, or one the same key twice.
    #[error("beacon key {key} is taken: validator {validator} has it or is to have it")]
    KeyTaken {
        /// The key.
        key: String,
        /// Whose it is.
        validator: String,
    },
    /// The new key is not a key.
    #[error("new beacon key: {0}")]
    Key(vrf::Invalid),
    /// The operator does not show that it holds the new key.
    #[error("proof of possession of the new beacon key: {0}")]
    Possession(vrf::Invalid),
    /// A validator was to be created whose operator has named no key.
    #[error("{0} has registered no beacon key: MsgRegisterBeaconKey comes before MsgCreateValidator")]
    NoKey(String),
    /// The operator has a validator, whose key it can rotate.
    #[error("{0} has a validator already; rotate its key instead")]
    HasValidator(String),
    /// Stored state that cannot be read.
    #[error("stored beacon state is damaged: {0}")]
    Corrupt(&'static str),
}

impl Coded for Error {
    const CODESPACE: &'static str = Beacon::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NotAMessage => 2,
            Self::Missing(_) => 3,
            Self::Foreign(_) => 4,
            Self::Height { .. } => 5,
            Self::Proof { .. } => 6,
            Self::OtherKey { .. } => 7,
            Self::Pruned { .. } => 8,
            Self::Gap { .. } => 9,
            Self::NoCandidates => 10,
            Self::StreamEnded => 11,
            Self::Genesis(_) => 12,
            Self::Corrupt(_) => 13,
            Self::UnknownValidator(_) => 14,
            Self::NotOperator { .. } => 15,
            Self::RotationPending { .. } => 16,
            Self::KeyTaken { .. } => 17,
            Self::Key(_) => 18,
            Self::Possession(_) => 19,
            Self::NoKey(_) => 20,
            Self::HasValidator(_) => 21,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NotAMessage | Self::NotOperator { .. } => Status::PermissionDenied,
            Self::UnknownValidator(_) => Status::NotFound,
            Self::KeyTaken { .. } => Status::AlreadyExists,
            Self::Pruned { .. } => Status::OutOfRange,
            Self::OtherKey { .. } | Self::Gap { .. } | Self::RotationPending { .. } | Self::NoKey(_) | Self::HasValidator(_) => {
                Status::FailedPrecondition
            }
            Self::Corrupt(_) => Status::Internal,
            Self::Missing(_)
            | Self::Foreign(_)
            | Self::Height { .. }
            | Self::Proof { .. }
            | Self::NoCandidates
            | Self::StreamEnded
            | Self::Genesis(_)
            | Self::Key(_)
            | Self::Possession(_) => Status::InvalidArgument,
        }
    }
}
