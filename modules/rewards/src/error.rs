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
    /// The arena's number is unknown.
    #[error("no arena {0}")]
    NoArena(u64),
    /// Only the owner may do that.
    #[error("arena {arena} is owned by {owner}")]
    NotOwner {
        /// Which arena.
        arena: u64,
        /// Who owns it.
        owner: String,
    },
    /// A rule outside its bounds.
    #[error("arena rules: {name} must be {least} to {most}, found {found}")]
    Rule {
        /// Which rule.
        name: &'static str,
        /// The least allowed.
        least: u128,
        /// The most allowed.
        most: u128,
        /// What was found.
        found: u128,
    },
    /// The message carries no rules.
    #[error("arena rules are missing")]
    NoRules,
    /// Rules that say not who may score.
    #[error("arena rules: scorer admission {0} is unknown")]
    Admission(i32),
    /// Rules with too many denominations, or one that is none, stands twice or is `ucairn`.
    #[error("arena rules: at most 7 different denominations besides ucairn, found {0}")]
    Denoms(String),
    /// A text that is too long, or a title that is empty.
    #[error("{field} must have at most {most} bytes and a title at least one, found {found}")]
    Text {
        /// Which text.
        field: &'static str,
        /// The most bytes.
        most: usize,
        /// The bytes found.
        found: usize,
    },
    /// A hash, a salt or a commitment of another length.
    #[error("{field} must have 32 bytes, found {found}")]
    Bytes32 {
        /// Which field.
        field: &'static str,
        /// The bytes found.
        found: usize,
    },
    /// Too many accounts in one message.
    #[error("at most {most} accounts are listed or struck off by one message, found {found}")]
    Accounts {
        /// The most allowed.
        most: usize,
        /// How many were found.
        found: usize,
    },
    /// The account takes part already.
    #[error("{account} is registration {registration} of arena {arena} already")]
    Registered {
        /// Whose.
        account: String,
        /// Which.
        registration: u64,
        /// Where.
        arena: u64,
    },
    /// No participant can be evicted yet.
    #[error("arena {arena} is full: its {most} participants are all immune")]
    Full {
        /// Which arena.
        arena: u64,
        /// Its cap.
        most: u32,
    },
    /// No such registration.
    #[error("arena {arena} has no registration {registration}")]
    NoParticipant {
        /// Which arena.
        arena: u64,
        /// Which registration.
        registration: u64,
    },
    /// Bonds are in the base denomination.
    #[error("a scorer's bond is in ucairn and positive, found {0}")]
    Bond(String),
    /// Too small a bond.
    #[error("a scorer bonds at least {least}ucairn here, it would be {found}ucairn")]
    LeastBond {
        /// The arena's least bond.
        least: u128,
        /// What it would be.
        found: u128,
    },
    /// The owner has not admitted the account.
    #[error("{0} is not on the owner's list of scorers")]
    NotAdmitted(String),
    /// Every seat is held by a larger bond, or by one that has committed.
    #[error("the {most} scorers' seats of arena {arena} are held by larger bonds, or by scorers that have committed")]
    SeatsTaken {
        /// Which arena.
        arena: u64,
        /// Its number of seats.
        most: u32,
    },
    /// The account has no bond here.
    #[error("{account} is no scorer of arena {arena}")]
    NoScorer {
        /// Who.
        account: String,
        /// Where.
        arena: u64,
    },
    /// A scorer without weight in the running epoch.
    #[error("{0} has no weight in this epoch: it has no seat, or its bond counts from the next epoch on")]
    NoWeight(String),
    /// Another epoch than the running one.
    #[error("arena {arena} runs epoch {running}, not {named}")]
    WrongEpoch {
        /// Which arena.
        arena: u64,
        /// Its running epoch.
        running: u64,
        /// The one that was named.
        named: u64,
    },
    /// Outside of the window.
    #[error("{what} count at heights {from} to {until}, this is {height}")]
    Window {
        /// Commitments or reveals.
        what: &'static str,
        /// First height.
        from: u64,
        /// Last height.
        until: u64,
        /// This height.
        height: u64,
    },
    /// The first commitment is final.
    #[error("{0} has committed in this epoch already")]
    Committed(String),
    /// There is nothing to reveal.
    #[error("{0} has not committed in this epoch")]
    NotCommitted(String),
    /// It was revealed before.
    #[error("{0} has revealed in this epoch already")]
    Revealed(String),
    /// Salt and scores are not those of the commitment.
    #[error("scores and salt are not those that were committed")]
    Opening,
    /// Scores out of order, too many, or too large.
    #[error("scores must name at most 256 registrations, ascending, with 0 to 65,535 each")]
    Scores,
    /// No coins leave a bond between its commitment and the epoch's end.
    #[error("the bond of {0} stands for its commitment until the epoch ends")]
    BondLocked(String),
    /// More than there is.
    #[error("the bond is {held}ucairn, {wanted}ucairn are wanted")]
    BondExceeded {
        /// What is bonded.
        held: u128,
        /// What is wanted.
        wanted: u128,
    },
    /// Nothing of a bond is released.
    #[error("no part of {0}'s bond is released")]
    NothingReleased(String),
    /// The arena is not paid in it.
    #[error("arena {arena} is not funded in {denom}")]
    ArenaDenom {
        /// Which arena.
        arena: u64,
        /// Which denomination.
        denom: String,
    },
    /// Too many pots.
    #[error("arena {0} has 8 pots already")]
    Pots(u64),
    /// No coins.
    #[error("no coins are named")]
    NoCoins,
    /// The account earned nothing here, or claimed it.
    #[error("{account} has nothing to claim in arena {arena}")]
    NoArenaReward {
        /// Who.
        account: String,
        /// Where.
        arena: u64,
    },
    /// The end of an epoch failed.
    #[error("arena {arena} is stopped: {fault}")]
    Stopped {
        /// Which arena.
        arena: u64,
        /// Why.
        fault: String,
    },
    /// Nothing to retry.
    #[error("arena {0} is not stopped")]
    NotStopped(u64),
    /// No epoch runs.
    #[error("no epoch of arena {0} runs")]
    Dormant(u64),
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
            Self::NoArena(_) => 14,
            Self::NotOwner { .. } => 15,
            Self::Rule { .. } => 16,
            Self::NoRules => 17,
            Self::Admission(_) => 18,
            Self::Denoms(_) => 19,
            Self::Text { .. } => 20,
            Self::Bytes32 { .. } => 21,
            Self::Accounts { .. } => 22,
            Self::Registered { .. } => 23,
            Self::Full { .. } => 24,
            Self::NoParticipant { .. } => 25,
            Self::Bond(_) => 26,
            Self::LeastBond { .. } => 27,
            Self::NotAdmitted(_) => 28,
            Self::SeatsTaken { .. } => 29,
            Self::NoScorer { .. } => 30,
            Self::NoWeight(_) => 31,
            Self::WrongEpoch { .. } => 32,
            Self::Window { .. } => 33,
            Self::Committed(_) => 34,
            Self::NotCommitted(_) => 35,
            Self::Revealed(_) => 36,
            Self::Opening => 37,
            Self::Scores => 38,
            Self::BondLocked(_) => 39,
            Self::BondExceeded { .. } => 40,
            Self::NothingReleased(_) => 41,
            Self::ArenaDenom { .. } => 42,
            Self::Pots(_) => 43,
            Self::NoCoins => 44,
            Self::NoArenaReward { .. } => 45,
            Self::Stopped { .. } => 46,
            Self::NotStopped(_) => 47,
            Self::Dormant(_) => 48,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NothingToClaim(_)
            | Self::Full { .. }
            | Self::SeatsTaken { .. }
            | Self::NoWeight(_)
            | Self::WrongEpoch { .. }
            | Self::Window { .. }
            | Self::NotCommitted(_)
            | Self::BondLocked(_)
            | Self::BondExceeded { .. }
            | Self::NothingReleased(_)
            | Self::Pots(_)
            | Self::NoArenaReward { .. }
            | Self::Stopped { .. }
            | Self::NotStopped(_)
            | Self::Dormant(_) => Status::FailedPrecondition,
            Self::NoEpoch(_) | Self::NoArena(_) | Self::NoParticipant { .. } | Self::NoScorer { .. } => Status::NotFound,
            Self::NotOwner { .. } | Self::NotAdmitted(_) => Status::PermissionDenied,
            Self::Registered { .. } | Self::Committed(_) | Self::Revealed(_) => Status::AlreadyExists,
            Self::BadAmount | Self::Pool { .. } => Status::Internal,
            _ => Status::InvalidArgument,
        }
    }
}
