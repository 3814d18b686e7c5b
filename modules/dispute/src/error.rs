//! Why dispute refuses.
use cairn_kernel::{Coded, Module, Status};

/// Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The case's number is unknown.
    #[error("no case {0}")]
    NoCase(u64),
    /// No module of that name takes verdicts.
    #[error("module {0:?} has no disputes")]
    NoCourt(String),
    /// The subject's module has a name that is too long.
    #[error("a module's name has at most 64 bytes, found {0}")]
    Module(usize),
    /// A skill's name that is too long or not printable.
    #[error("a skill's name has at most 64 bytes of printable ASCII, found {0} bytes")]
    Skill(usize),
    /// A reference that is too long, or whose hash is not there.
    #[error("a statement has at most 512 bytes of address with a hash of 32 bytes, or neither, found {uri} and {hash} bytes")]
    Statement {
        /// Bytes of the address.
        uri: usize,
        /// Bytes of the hash.
        hash: usize,
    },
    /// Too many cases of one account are open.
    #[error("{account} has {most} open cases, which is the most")]
    TooManyOpen {
        /// Who complained.
        account: String,
        /// The most allowed.
        most: u32,
    },
    /// The account complained already.
    #[error("{account} is an appellant of case {case} already")]
    AlreadyAppellant {
        /// The case.
        case: u64,
        /// Who complained.
        account: String,
    },
    /// A first verdict about the subject stands.
    #[error("case {0} has a verdict on the same subject")]
    Decided(u64),
    /// The case is full.
    #[error("case {case} has {most} appellants, which is the most; its verdict holds for all")]
    TooManyAppellants {
        /// The case.
        case: u64,
        /// The most allowed.
        most: usize,
    },
    /// A juror of the case wants to be a party of it.
    #[error("{account} is a juror of case {case}")]
    Juror {
        /// The case.
        case: u64,
        /// Who complained or appealed.
        account: String,
    },
    /// The account judges in that skill already, or is about to leave.
    #[error("{account} is a juror of {skill:?} already")]
    AlreadyJuror {
        /// Who asked.
        account: String,
        /// The skill.
        skill: String,
    },
    /// Too little experience, or too little agreement.
    #[error(
        "a juror has {labels} settled blind labels and a mean kappa of {kappa} millionths in the skill, found {found_labels} and {found_kappa}"
    )]
    NotQualified {
        /// Labels needed.
        labels: u64,
        /// Kappa needed, in millionths.
        kappa: u32,
        /// Labels found.
        found_labels: u64,
        /// Kappa found, in millionths.
        found_kappa: i64,
    },
    /// The account is no active juror of that skill.
    #[error("{account} is no active juror of {skill:?}")]
    NotJuror {
        /// Who asked.
        account: String,
        /// The skill.
        skill: String,
    },
    /// The account has no seat in the running round.
    #[error("{account} has no seat in the running round of case {case}")]
    NoSeat {
        /// The case.
        case: u64,
        /// Who asked.
        account: String,
    },
    /// The case does not take this now.
    #[error("case {case} takes {what} from height {from} to {until}, now is {now}")]
    NotTime {
        /// The case.
        case: u64,
        /// What was sent.
        what: &'static str,
        /// First height.
        from: u64,
        /// Last height; 0: none is set.
        until: u64,
        /// The height.
        now: u64,
    },
    /// The first commitment is final.
    #[error("a vote is committed already")]
    Committed,
    /// A commitment of the wrong size.
    #[error("a commitment has 32 bytes, found {0}")]
    Commitment(usize),
    /// A reveal without a commitment.
    #[error("no vote is committed")]
    NothingCommitted,
    /// A second reveal.
    #[error("the vote is revealed already")]
    Revealed,
    /// What is revealed is not what was committed.
    #[error("choice and salt are not what was committed")]
    Mismatch,
    /// No such choice.
    #[error("choice {0} is unknown")]
    Choice(i32),
    /// A salt of the wrong size.
    #[error("a salt has 32 bytes, found {0}")]
    Salt(usize),
    /// Only the side that lost may appeal.
    #[error("{account} is not of the side that lost case {case}")]
    NotLoser {
        /// The case.
        case: u64,
        /// Who appealed.
        account: String,
    },
    /// The message carries no parameters.
    #[error("parameters are missing")]
    NoParams,
    /// A parameter outside its bounds.
    #[error("parameter {name} must be from {least} to {most}, found {found}")]
    Bounds {
        /// Which one.
        name: &'static str,
        /// The least allowed.
        least: u64,
        /// The most allowed.
        most: u64,
        /// What was found.
        found: u64,
    },
    /// A parameter that is no amount.
    #[error("parameter {0} must be an amount of at most 10^30 base units")]
    Amount(&'static str),
    /// A sum exceeds its integer.
    #[error("an amount exceeds the range of integers")]
    Overflow,
    /// A genesis file that contradicts itself.
    #[error("dispute genesis: {0}")]
    Genesis(String),
    /// State that contradicts itself.
    #[error("state of disputes is damaged: {0}")]
    Broken(&'static str),
    /// A court said that it moved what it did not move, or more than it was asked for.
    #[error("module {0} did not move what it said towards the jurors' fees")]
    CourtFee(String),
    /// Bisection does not decide the case, or there is none.
    #[error("no contest {0}")]
    NoContest(u64),
    /// The match's number is unknown.
    #[error("case {case} has no match {number}")]
    NoMatch {
        /// The case.
        case: u64,
        /// The match.
        number: u32,
    },
    /// Claims are entered and backed no more.
    #[error("case {case} takes claims until height {until}, now is {now}, or it is in play")]
    EntryOver {
        /// The case.
        case: u64,
        /// Last height.
        until: u64,
        /// The height.
        now: u64,
    },
    /// The bracket is full.
    #[error("case {case} has {most} claims, which is the most")]
    TooManyClaims {
        /// The case.
        case: u64,
        /// The most allowed.
        most: u32,
    },
    /// The claim's places are taken; anybody may move for it all the same.
    #[error("claim {claim} of case {case} has {most} backers, which is the most")]
    TooManyBackers {
        /// The case.
        case: u64,
        /// The claim.
        claim: u32,
        /// The most allowed.
        most: usize,
    },
    /// The account stands behind the claim already.
    #[error("{account} stands behind claim {claim} of case {case} already")]
    AlreadyBacker {
        /// The case.
        case: u64,
        /// The claim.
        claim: u32,
        /// Who wanted to back it.
        account: String,
    },
    /// No match could be played under these terms.
    #[error("terms of a contest: {0}")]
    Terms(&'static str),
    /// The first claim that is entered must differ from the committed result.
    #[error("this is the root that was committed")]
    SameRoot,
    /// No module of that name has its results contested, or proves operators with private weights.
    #[error("module {0:?} has no contests")]
    NoReferee(String),
    /// A hash of the wrong size.
    #[error("a hash has 32 bytes, found {0}")]
    Hash(usize),
    /// The root is of neither side.
    #[error("that root does not play in match {number} of case {case}")]
    NotPlaying {
        /// The case.
        case: u64,
        /// The match.
        number: u32,
    },
    /// The side has moved, or its clock has run out.
    #[error("match {number} of case {case} awaits no move of that root; its clock ran until height {until}, now is {now}")]
    NotOwed {
        /// The case.
        case: u64,
        /// The match.
        number: u32,
        /// Last height.
        until: u64,
        /// The height.
        now: u64,
    },
    /// The match is at another stage.
    #[error("match {number} of case {case} awaits another kind of move, or is over")]
    WrongMove {
        /// The case.
        case: u64,
        /// The match.
        number: u32,
    },
    /// The bytes do not hash to what the side has come down to.
    #[error("that is not what the root of match {number} of case {case} committed to here")]
    NotCommitted {
        /// The case.
        case: u64,
        /// The match.
        number: u32,
    },
    /// More than a move can need.
    #[error("a move is too large: {bytes} bytes, {nodes} nodes of trees")]
    MoveSize {
        /// Bytes found.
        bytes: usize,
        /// Nodes found.
        nodes: usize,
    },
    /// A leaf that cannot be computed, from an account that stands behind neither side.
    #[error("what was opened does not give the chunk of match {number} of case {case}")]
    LeafMalformed {
        /// The case.
        case: u64,
        /// The match.
        number: u32,
    },
    /// Another game decides the subject.
    #[error("case {0} is decided by another game")]
    OtherGame(u64),
}

impl Coded for Error {
    const CODESPACE: &'static str = crate::Dispute::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NoCase(_) => 2,
            Self::NoCourt(_) => 3,
            Self::Module(_) => 4,
            Self::Skill(_) => 5,
            Self::Statement { .. } => 6,
            Self::TooManyOpen { .. } => 7,
            Self::AlreadyAppellant { .. } => 8,
            Self::Decided(_) => 9,
            Self::TooManyAppellants { .. } => 10,
            Self::Juror { .. } => 11,
            Self::AlreadyJuror { .. } => 12,
            Self::NotQualified { .. } => 13,
            Self::NotJuror { .. } => 14,
            Self::NoSeat { .. } => 15,
            Self::NotTime { .. } => 16,
            Self::Committed => 17,
            Self::Commitment(_) => 18,
            Self::NothingCommitted => 19,
            Self::Revealed => 20,
            Self::Mismatch => 21,
            Self::Choice(_) => 22,
            Self::Salt(_) => 23,
            Self::NotLoser { .. } => 24,
            Self::NoParams => 25,
            Self::Bounds { .. } => 26,
            Self::Amount(_) => 27,
            Self::Overflow => 28,
            Self::Genesis(_) => 29,
            Self::Broken(_) => 30,
            Self::CourtFee(_) => 31,
            Self::NoContest(_) => 32,
            Self::NoMatch { .. } => 33,
            Self::EntryOver { .. } => 34,
            Self::TooManyClaims { .. } => 35,
            Self::TooManyBackers { .. } => 36,
            Self::AlreadyBacker { .. } => 37,
            Self::Terms(_) => 38,
            Self::SameRoot => 39,
            Self::NoReferee(_) => 40,
            Self::Hash(_) => 41,
            Self::NotPlaying { .. } => 42,
            Self::NotOwed { .. } => 43,
            Self::WrongMove { .. } => 44,
            Self::NotCommitted { .. } => 45,
            Self::MoveSize { .. } => 46,
            Self::LeafMalformed { .. } => 47,
            Self::OtherGame(_) => 48,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NoCase(_) | Self::NoContest(_) | Self::NoMatch { .. } => Status::NotFound,
            Self::TooManyOpen { .. } | Self::TooManyAppellants { .. } | Self::TooManyClaims { .. } | Self::TooManyBackers { .. } => {
                Status::ResourceExhausted
            }
            Self::AlreadyAppellant { .. } | Self::AlreadyJuror { .. } | Self::AlreadyBacker { .. } | Self::Committed | Self::Revealed => {
                Status::AlreadyExists
            }
            Self::NotQualified { .. } | Self::NotLoser { .. } | Self::NoSeat { .. } => Status::PermissionDenied,
            Self::Decided(_)
            | Self::Juror { .. }
            | Self::NotJuror { .. }
            | Self::NotTime { .. }
            | Self::NothingCommitted
            | Self::EntryOver { .. }
            | Self::NotPlaying { .. }
            | Self::NotOwed { .. }
            | Self::WrongMove { .. }
            | Self::OtherGame(_) => Status::FailedPrecondition,
            Self::Broken(_) | Self::CourtFee(_) => Status::Internal,
            _ => Status::InvalidArgument,
        }
    }
}
