//! Why asset refuses.
use cairn_kernel::{Coded, Module, Status};

/// Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The asset's id is unknown.
    #[error("no asset {0}")]
    NoAsset(u64),
    /// Only the owner may do this.
    #[error("{signer} does not own asset {asset}")]
    NotOwner {
        /// The asset.
        asset: u64,
        /// Who tried.
        signer: String,
    },
    /// The asset takes nothing new.
    #[error("asset {0} is deprecated")]
    Deprecated(u64),
    /// No such kind of asset.
    #[error("kind {0} is none of DATASET (1), MODEL (2), AGENT (3), CODE (4)")]
    Kind(i32),
    /// A text is empty, too long or has control characters.
    #[error("{field} must have 1 to {max} bytes without control characters, found {found} bytes")]
    Text {
        /// Which text.
        field: &'static str,
        /// Most bytes.
        max: usize,
        /// Bytes found.
        found: usize,
    },
    /// A hash has not 32 bytes.
    #[error("{field} must have 32 bytes, found {found}")]
    Hash {
        /// Which hash.
        field: &'static str,
        /// Bytes found.
        found: usize,
    },
    /// Text that is no address of content.
    #[error("{0} must have 1 to 512 printable ASCII characters without spaces")]
    Uri(&'static str),
    /// More parents than the limit.
    #[error("an asset has at most {max} parents, found {found}")]
    TooManyParents {
        /// The limit.
        max: u32,
        /// Parents found.
        found: usize,
    },
    /// A parent is named twice.
    #[error("parent {0} is named twice")]
    RepeatedParent(u64),
    /// No such relation.
    #[error("relation {0} is unknown")]
    Relation(i32),
    /// More ancestors than the limit.
    #[error("an asset has at most {max} ancestors, found {found}")]
    StackTooLong {
        /// The limit.
        max: u32,
        /// Ancestors found.
        found: usize,
    },
    /// More royalty than the limit.
    #[error("royalties to ancestors are at most {max} basis points together, found {found}")]
    RoyaltyTooHigh {
        /// The limit.
        max: u32,
        /// The sum found.
        found: u64,
    },
    /// Shares cannot be income: who would settle the income of the income?
    #[error("{0} cannot be income of an asset")]
    ShareIncome(String),
    /// More income denominations than the limit.
    #[error("an asset accepts at most {max} income denominations")]
    TooManyDenoms {
        /// The limit.
        max: u32,
    },
    /// An ancestor could not take its royalty.
    #[error("ancestor {ancestor} does not accept {denom}")]
    AncestorDenom {
        /// The ancestor.
        ancestor: u64,
        /// The denomination.
        denom: String,
    },
    /// The asset does not accept the denomination.
    #[error("asset {asset} does not accept {denom} as income")]
    IncomeDenom {
        /// The asset.
        asset: u64,
        /// The denomination.
        denom: String,
    },
    /// A publication without content.
    #[error("the version's content is missing")]
    NoContent,
    /// A version without items.
    #[error("a version has at least one item")]
    NoItems,
    /// Text that is no media type.
    #[error("media type must be printable ASCII of the form type/subtype, at most 128 characters")]
    MediaType,
    /// More content addresses than the limit.
    #[error("a version has at most {max} content addresses, found {found}")]
    TooManyAddresses {
        /// The limit.
        max: usize,
        /// Addresses found.
        found: usize,
    },
    /// No such protection of items.
    #[error("encryption {0} is none of NONE (1), ENVELOPE (2)")]
    Encryption(i32),
    /// A key commitment on a version that is not encrypted.
    #[error("a version that is not encrypted has no key commitment")]
    KeyCommitment,
    /// Nothing was published yet.
    #[error("asset {0} has no version yet")]
    NotPublished(u64),
    /// Shares are minted once.
    #[error("asset {0} has shares already")]
    AlreadyTokenized(u64),
    /// A share supply outside its bounds.
    #[error("the share supply must be 10^6 to 10^15, found {0}")]
    Supply(u64),
    /// Too few or too many holders.
    #[error("shares go to at least one and at most {max} listed holders, found {found}; more go under a claim tree")]
    Holders {
        /// The limit.
        max: u32,
        /// Holders found.
        found: usize,
    },
    /// A holder is listed twice.
    #[error("holder {0} is listed twice")]
    RepeatedHolder(String),
    /// A weight of nothing.
    #[error("a weight must be at least 1")]
    ZeroWeight,
    /// An account of a module: the income would be nobody's.
    #[error("{0} belongs to a module and cannot hold shares")]
    ModuleHolder(String),
    /// No shares were set aside for claims.
    #[error("asset {0} has no claim tree")]
    NoClaimTree(u64),
    /// A claim tree without leaves.
    #[error("a claim tree has at least one leaf")]
    EmptyClaimTree,
    /// A leaf outside the tree.
    #[error("the claim tree has leaves 0 to {last}, found {found}")]
    ClaimIndex {
        /// The last leaf.
        last: u32,
        /// The index found.
        found: u32,
    },
    /// The leaf was handed out.
    #[error("leaf {0} was claimed already")]
    AlreadyClaimed(u32),
    /// The path does not lead to the root.
    #[error("the proof does not lead from the leaf to the claim tree's root")]
    ClaimProof,
    /// The leaf promises more than is left.
    #[error("the leaf claims {claimed} shares, {left} are left")]
    ClaimTooLarge {
        /// Shares of the leaf.
        claimed: u64,
        /// Shares left.
        left: u64,
    },
    /// No whole unit is owed.
    #[error("{holder} has no income of asset {asset} to withdraw")]
    NothingToWithdraw {
        /// The asset.
        asset: u64,
        /// Who tried.
        holder: String,
    },
    /// The ownership was not offered to the signer.
    #[error("asset {asset} was not offered to {signer}")]
    NotOffered {
        /// The asset.
        asset: u64,
        /// Who tried.
        signer: String,
    },
    /// The asset is the owner's already.
    #[error("{0} owns the asset already")]
    SameOwner(String),
    /// A successor that is the asset itself.
    #[error("asset {0} cannot succeed itself")]
    Successor(u64),
    /// A parameter outside its hard bound.
    #[error("parameter {name} must be {least} to {most}, found {found}")]
    Params {
        /// Which one.
        name: &'static str,
        /// The least allowed.
        least: u32,
        /// The most allowed.
        most: u32,
        /// What was found.
        found: u32,
    },
    /// The message carries no parameters.
    #[error("parameters are missing")]
    NoParams,
    /// A sum exceeds its integer.
    #[error("an amount exceeds the range of integers")]
    Overflow,
    /// The version's number is unknown.
    #[error("asset {asset} has no version {number}")]
    NoVersion {
        /// The asset.
        asset: u64,
        /// The number.
        number: u64,
    },
    /// A query with contradicting filters.
    #[error("at most one of owner, kind and parent may be asked for")]
    Filter,
    /// A genesis file that contradicts itself.
    #[error("asset genesis: {0}")]
    Genesis(String),
    /// Stored bytes that are no integer.
    #[error("an integer of state is malformed")]
    BadInteger,
    /// A path of a proof with parts of wrong size.
    #[error("a path has at most 64 parts of 32 bytes")]
    BadPath,
    /// A coin that carries an asset's denomination but is none of its shares.
    #[error("{0} are shares of no asset")]
    UnknownShare(String),
}

impl Coded for Error {
    const CODESPACE: &'static str = crate::Asset::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NoAsset(_) => 2,
            Self::NotOwner { .. } => 3,
            Self::Deprecated(_) => 4,
            Self::Kind(_) => 5,
            Self::Text { .. } => 6,
            Self::Hash { .. } => 7,
            Self::Uri(_) => 8,
            Self::TooManyParents { .. } => 9,
            Self::RepeatedParent(_) => 10,
            Self::Relation(_) => 11,
            Self::StackTooLong { .. } => 12,
            Self::RoyaltyTooHigh { .. } => 13,
            Self::ShareIncome(_) => 14,
            Self::TooManyDenoms { .. } => 15,
            Self::AncestorDenom { .. } => 16,
            Self::IncomeDenom { .. } => 17,
            Self::NoContent => 18,
            Self::NoItems => 19,
            Self::MediaType => 20,
            Self::TooManyAddresses { .. } => 21,
            Self::Encryption(_) => 22,
            Self::KeyCommitment => 23,
            Self::NotPublished(_) => 24,
            Self::AlreadyTokenized(_) => 25,
            Self::Supply(_) => 26,
            Self::Holders { .. } => 27,
            Self::RepeatedHolder(_) => 28,
            Self::ZeroWeight => 29,
            Self::ModuleHolder(_) => 30,
            Self::NoClaimTree(_) => 31,
            Self::EmptyClaimTree => 32,
            Self::ClaimIndex { .. } => 33,
            Self::AlreadyClaimed(_) => 34,
            Self::ClaimProof => 35,
            Self::ClaimTooLarge { .. } => 36,
            Self::NothingToWithdraw { .. } => 37,
            Self::NotOffered { .. } => 38,
            Self::SameOwner(_) => 39,
            Self::Successor(_) => 40,
            Self::Params { .. } => 41,
            Self::NoParams => 42,
            Self::Overflow => 43,
            Self::NoVersion { .. } => 44,
            Self::Filter => 45,
            Self::Genesis(_) => 46,
            Self::BadInteger => 47,
            Self::BadPath => 48,
            Self::UnknownShare(_) => 49,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NoAsset(_) | Self::NoVersion { .. } | Self::NoClaimTree(_) => Status::NotFound,
            Self::NotOwner { .. } | Self::NotOffered { .. } => Status::PermissionDenied,
            Self::Deprecated(_) | Self::NotPublished(_) | Self::NothingToWithdraw { .. } => Status::FailedPrecondition,
            Self::AlreadyTokenized(_) | Self::AlreadyClaimed(_) => Status::AlreadyExists,
            Self::BadInteger => Status::Internal,
            _ => Status::InvalidArgument,
        }
    }
}
