//! Why licensing refuses.
use cairn_kernel::{Coded, Module, Status};

/// Codes are consensus: add at the end, never renumber.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The terms' id is unknown.
    #[error("no terms {0}")]
    NoTerms(String),
    /// The licence's id is unknown.
    #[error("no license {0}")]
    NoLicense(u64),
    /// Only the asset's owner may do this.
    #[error("{signer} does not own asset {asset}")]
    NotOwner {
        /// The asset.
        asset: u64,
        /// Who tried.
        signer: String,
    },
    /// Only the licensee may do this.
    #[error("{signer} does not hold license {license}")]
    NotLicensee {
        /// The licence.
        license: u64,
        /// Who tried.
        signer: String,
    },
    /// The asset takes nothing new.
    #[error("asset {0} is deprecated")]
    Deprecated(u64),
    /// There is nothing to license yet.
    #[error("asset {0} has no version yet")]
    NotPublished(u64),
    /// A version that the asset does not have.
    #[error("asset {asset} has versions 1 to {newest}, found {found}")]
    UnknownVersion {
        /// The asset.
        asset: u64,
        /// Its newest version.
        newest: u64,
        /// The number found.
        found: u64,
    },
    /// The terms cover a version whose key would have to be granted.
    #[error("the terms cover an encrypted version of asset {0}; key grants are not offered yet")]
    Encrypted(u64),
    /// A part of the design that this release does not have.
    #[error("{0} is not offered yet")]
    NotYetOffered(&'static str),
    /// The same content was offered before.
    #[error("terms {0} were offered before; another title makes other terms")]
    TermsExist(String),
    /// A title of wrong size or with control characters.
    #[error("title must have 1 to 128 bytes without control characters, found {0} bytes")]
    Title(usize),
    /// A list of versions out of order or too long.
    #[error("versions must be ascending and at most 64")]
    Versions,
    /// Terms that permit nothing.
    #[error("the scope permits no use")]
    Scope,
    /// No such pricing.
    #[error("pricing {0} is none of ONE_OFF (1), PERIOD (2), PER_CALL (3), REVENUE_SHARE (4)")]
    Pricing(i32),
    /// A price list that cannot stand.
    #[error("{0}")]
    Prices(&'static str),
    /// A term that does not fit its pricing.
    #[error("a term has at most 10^9 blocks, with PERIOD at least 1; found {0}")]
    TermBlocks(u64),
    /// Seats outside their bounds.
    #[error("a license has 1 to 1,000 seats, found {0}")]
    Seats(u32),
    /// A duty towards the asset that is too high, or without the right to derive.
    #[error("the derivative royalty is at most 5,000 basis points, and 0 without the right to derive; found {0}")]
    DerivativeRoyalty(u32),
    /// A binding text without place or hash.
    #[error("the legal text needs a uri of 1 to 512 printable ASCII characters without spaces, and a SHA-256 of 32 bytes")]
    LegalText,
    /// Terms are retired once.
    #[error("terms {0} are retired")]
    Retired(String),
    /// A payment that is not the price.
    #[error("the price is {expected}, found {found}")]
    Payment {
        /// The prices, each times the periods.
        expected: String,
        /// What was offered.
        found: String,
    },
    /// A number of periods outside its bounds.
    #[error("periods must be 1 to 1,000 with PERIOD and 1 with ONE_OFF, found {0}")]
    Periods(u32),
    /// More users than seats.
    #[error("the license has {seats} seats, the licensee's among them; found {users} further users")]
    TooManyUsers {
        /// The seats.
        seats: u32,
        /// Users found.
        users: usize,
    },
    /// A user who has a seat already.
    #[error("{0} is listed twice or is the licensee")]
    RepeatedUser(String),
    /// The licence ends once.
    #[error("license {0} is not renewable: it was paid once")]
    NotRenewable(u64),
    /// The terms bind the licence to its licensee.
    #[error("license {0} is not transferable")]
    NotTransferable(u64),
    /// The licence ended.
    #[error("license {license} expired at height {expires}")]
    Expired {
        /// The licence.
        license: u64,
        /// When.
        expires: u64,
    },
    /// The licence is the licensee's already.
    #[error("{0} holds the license already")]
    SameLicensee(String),
    /// A fee above its bound.
    #[error("fee_bps must be at most 2,000, found {0}")]
    Fee(u32),
    /// The message carries no parameters.
    #[error("parameters are missing")]
    NoParams,
    /// The message carries no terms.
    #[error("the terms' content is missing")]
    NoContent,
    /// A sum or height exceeds its integer.
    #[error("an amount or height exceeds the range of integers")]
    Overflow,
    /// A genesis file that contradicts itself.
    #[error("licensing genesis: {0}")]
    Genesis(String),
    /// The licence is in another state.
    #[error("license {license} must be {expected}, it is {found}")]
    State {
        /// The licence.
        license: u64,
        /// The state wanted.
        expected: &'static str,
        /// The state found.
        found: &'static str,
    },
    /// A window outside its bounds.
    #[error("{name} must be 1 to 10^7, found {found}")]
    Window {
        /// The parameter.
        name: &'static str,
        /// The blocks found.
        found: u64,
    },
    /// A share of revenue that does not fit the pricing.
    #[error("revenue_share_bps is 1 to 10,000 with REVENUE_SHARE and 0 otherwise, found {0}")]
    RevenueShare(u32),
    /// A report of revenue for a licence that is paid otherwise.
    #[error("license {0} is not paid by a share of revenue")]
    NotRevenueShare(u64),
    /// A licence on another asset than the parent that it is named for.
    #[error("license {license} is on asset {asset}, the parent is {expected}")]
    OtherAsset {
        /// The licence.
        license: u64,
        /// The asset it is on.
        asset: u64,
        /// The parent.
        expected: u64,
    },
    /// A licence that does not permit to derive.
    #[error("license {0} does not permit derived assets")]
    NoDerivation(u64),
    /// A royalty to a parent below what the licence asks for.
    #[error("the license asks for a royalty of at least {least} basis points to asset {parent}, found {found}")]
    RoyaltyTooLow {
        /// The parent.
        parent: u64,
        /// What the terms ask for.
        least: u32,
        /// What the edge gives.
        found: u32,
    },
}

impl Coded for Error {
    const CODESPACE: &'static str = crate::Licensing::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NoTerms(_) => 2,
            Self::NoLicense(_) => 3,
            Self::NotOwner { .. } => 4,
            Self::NotLicensee { .. } => 5,
            Self::Deprecated(_) => 6,
            Self::NotPublished(_) => 7,
            Self::UnknownVersion { .. } => 8,
            Self::Encrypted(_) => 9,
            Self::NotYetOffered(_) => 10,
            Self::TermsExist(_) => 11,
            Self::Title(_) => 12,
            Self::Versions => 13,
            Self::Scope => 14,
            Self::Pricing(_) => 15,
            Self::Prices(_) => 16,
            Self::TermBlocks(_) => 17,
            Self::Seats(_) => 18,
            Self::DerivativeRoyalty(_) => 19,
            Self::LegalText => 20,
            Self::Retired(_) => 21,
            Self::Payment { .. } => 22,
            Self::Periods(_) => 23,
            Self::TooManyUsers { .. } => 24,
            Self::RepeatedUser(_) => 25,
            Self::NotRenewable(_) => 26,
            Self::NotTransferable(_) => 27,
            Self::Expired { .. } => 28,
            Self::SameLicensee(_) => 29,
            Self::Fee(_) => 30,
            Self::NoParams => 31,
            Self::NoContent => 32,
            Self::Overflow => 33,
            Self::Genesis(_) => 34,
            Self::State { .. } => 35,
            Self::Window { .. } => 36,
            Self::RevenueShare(_) => 37,
            Self::NotRevenueShare(_) => 38,
            Self::OtherAsset { .. } => 39,
            Self::NoDerivation(_) => 40,
            Self::RoyaltyTooLow { .. } => 41,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NoTerms(_) | Self::NoLicense(_) => Status::NotFound,
            Self::NotOwner { .. } | Self::NotLicensee { .. } => Status::PermissionDenied,
            Self::Deprecated(_)
            | Self::NotPublished(_)
            | Self::Encrypted(_)
            | Self::Retired(_)
            | Self::Expired { .. }
            | Self::State { .. } => Status::FailedPrecondition,
            Self::NotYetOffered(_) => Status::Unimplemented,
            Self::TermsExist(_) => Status::AlreadyExists,
            _ => Status::InvalidArgument,
        }
    }
}
