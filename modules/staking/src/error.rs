//! Why staking refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Staking;

/// Codes are consensus and, up to 45, those of the Cosmos SDK: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody validates under this operator.
    #[error("validator does not exist")]
    NoValidator,
    /// The operator has a validator already.
    #[error("validator already exist for this operator address; must use new validator operator address")]
    OperatorTaken,
    /// Another validator has the consensus key.
    #[error("validator already exist for this pubkey; must use new validator pubkey")]
    KeyTaken,
    /// Not an Ed25519 key.
    #[error("got: {0}, expected: [ed25519]: validator pubkey type is not supported")]
    KeyType(String),
    /// The validator is jailed.
    #[error("validator for this address is currently jailed")]
    Jailed,
    /// A commission below zero.
    #[error("commission must be positive")]
    CommissionNegative,
    /// A highest commission above one.
    #[error("commission cannot be more than 100%")]
    CommissionHuge,
    /// A commission above its validator's highest.
    #[error("commission cannot be more than the max rate")]
    CommissionAboveMax,
    /// The commission was changed less than a day ago.
    #[error("commission cannot be changed more than once in 24h")]
    CommissionTooSoon,
    /// A step of the commission below zero.
    #[error("commission change rate must be positive")]
    ChangeNegative,
    /// A step of the commission above the highest commission.
    #[error("commission change rate cannot be more than the max rate")]
    ChangeAboveMax,
    /// A change above the step that the validator promised.
    #[error("commission cannot be changed more than max change rate")]
    CommissionStep,
    /// The operator holds less than the validator promised.
    #[error("validator's self delegation must be greater than their minimum self delegation")]
    SelfDelegation,
    /// The promise of self-delegation can only be raised.
    #[error("minimum self delegation cannot be decrease")]
    MinSelfDelegation,
    /// There is no such delegation.
    #[error("no delegation for (address, validator) tuple")]
    NoDelegation,
    /// The delegator has nothing there.
    #[error("delegator does not contain delegation")]
    NoDelegator,
    /// The validator has no tokens to count shares by.
    #[error("insufficient delegation shares")]
    NoTokens,
    /// Fewer shares than asked for.
    #[error("{0}: not enough delegation shares")]
    NotEnoughShares(String),
    /// Too many entries on their way out.
    #[error("too many unbonding delegation entries for (delegator, validator) tuple")]
    TooManyUnbondings,
    /// Source and destination are the same.
    #[error("cannot redelegate to the same validator")]
    SelfRedelegation,
    /// What would move is worth nothing.
    #[error("too few tokens to redelegate (truncates to zero tokens)")]
    TinyRedelegation,
    /// The destination does not exist.
    #[error("redelegation destination validator not found")]
    NoDestination,
    /// What just moved cannot move on.
    #[error(
        "redelegation to this validator already in progress; first redelegation to this validator must complete before next redelegation"
    )]
    Transitive,
    /// Too many entries on their way.
    #[error("too many redelegation entries for (delegator, src-validator, dst-validator) tuple")]
    TooManyRedelegations,
    /// Slashed to nothing: shares without tokens have no price.
    #[error("cannot delegate to validators with invalid (zero) ex-rate")]
    Worthless,
    /// Below the lowest commission of the chain.
    #[error("cannot set validator commission to less than minimum rate of {0}: commission cannot be less than min rate")]
    CommissionBelowMin(String),
    /// The source does not exist.
    #[error("redelegation source validator not found")]
    NoSource,
    /// A parameter outside of its bounds.
    #[error("parameter {0}")]
    Params(&'static str),
    /// A genesis file that contradicts itself.
    #[error("{0}")]
    Genesis(String),
    /// More than consensus can count, or a sum beyond 2^128-1.
    #[error("more than {} tokens cannot be staked", crate::MAX_STAKED)]
    TooMuch,
    /// A slash that cannot be.
    #[error("cannot slash: {0}")]
    Slash(&'static str),
    /// Jailed already, or not jailed.
    #[error("validator {operator} is {}", if *.jailed { "jailed already" } else { "not jailed" })]
    JailState {
        /// The validator.
        operator: String,
        /// As it is.
        jailed: bool,
    },
    /// Stored state that cannot be read.
    #[error("stored staking state is damaged: {0}")]
    Corrupt(&'static str),
}

impl Coded for Error {
    const CODESPACE: &'static str = Staking::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NoValidator => 3,
            Self::OperatorTaken => 4,
            Self::KeyTaken => 5,
            Self::KeyType(_) => 6,
            Self::Jailed => 7,
            Self::CommissionNegative => 9,
            Self::CommissionHuge => 10,
            Self::CommissionAboveMax => 11,
            Self::CommissionTooSoon => 12,
            Self::ChangeNegative => 13,
            Self::ChangeAboveMax => 14,
            Self::CommissionStep => 15,
            Self::SelfDelegation => 16,
            Self::MinSelfDelegation => 17,
            Self::NoDelegation => 19,
            Self::NoDelegator => 21,
            Self::NoTokens => 22,
            Self::NotEnoughShares(_) => 24,
            Self::TooManyUnbondings => 27,
            Self::SelfRedelegation => 29,
            Self::TinyRedelegation => 30,
            Self::NoDestination => 31,
            Self::Transitive => 32,
            Self::TooManyRedelegations => 33,
            Self::Worthless => 34,
            Self::CommissionBelowMin(_) => 40,
            Self::NoSource => 44,
            Self::Params(_) => 60,
            Self::Genesis(_) => 61,
            Self::TooMuch => 62,
            Self::Slash(_) => 63,
            Self::JailState { .. } => 64,
            Self::Corrupt(_) => 65,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NoValidator | Self::NoDelegation | Self::NoDelegator | Self::NoDestination | Self::NoSource => Status::NotFound,
            Self::OperatorTaken | Self::KeyTaken => Status::AlreadyExists,
            Self::Jailed | Self::CommissionTooSoon | Self::Transitive | Self::Worthless | Self::NoTokens | Self::JailState { .. } => {
                Status::FailedPrecondition
            }
            Self::TooManyUnbondings | Self::TooManyRedelegations => Status::ResourceExhausted,
            Self::Corrupt(_) => Status::Internal,
            _ => Status::InvalidArgument,
        }
    }
}
