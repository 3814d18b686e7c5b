//! The numbers and statuses of refusals.
use cairn_kernel::{Coded, Module, Status};

use super::Error;

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
            Self::NoSession(_) => 42,
            Self::NotPerCall(_) => 43,
            Self::Provider(_) => 44,
            Self::Providers => 45,
            Self::Deposit(_) => 46,
            Self::TooManySessions { .. } => 47,
            Self::SessionBlocks { .. } => 48,
            Self::NotParty { .. } => 49,
            Self::SessionState { .. } => 50,
            Self::OpenSessions(_) => 51,
            Self::NoVoucher => 52,
            Self::ForeignVoucher(_) => 53,
            Self::VoucherAmount(_) => 54,
            Self::ReceiptsRoot(_) => 55,
            Self::OldVoucher { .. } => 56,
            Self::VoucherBounds { .. } => 57,
            Self::VoucherSignature(_) => 58,
            Self::SigningKey => 59,
            Self::PublicKey => 60,
            Self::PrivateKey => 61,
            Self::KeyBond { .. } => 62,
            Self::KeyDeposit { .. } => 63,
            Self::BondDenom(_) => 64,
            Self::NoKeyDue(_) => 65,
            Self::WrappedKey(_) => 66,
            Self::Disputed { .. } => 67,
            Self::NoStatement => 68,
            Self::VersionKeyNotDue { .. } => 69,
            Self::KeysMissing { .. } => 70,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NoTerms(_) | Self::NoLicense(_) | Self::NoSession(_) => Status::NotFound,
            Self::NotOwner { .. } | Self::NotLicensee { .. } | Self::NotParty { .. } => Status::PermissionDenied,
            Self::Deprecated(_)
            | Self::NotPublished(_)
            | Self::Encrypted(_)
            | Self::Retired(_)
            | Self::Expired { .. }
            | Self::State { .. }
            | Self::SessionState { .. }
            | Self::OpenSessions(_)
            | Self::Disputed { .. }
            | Self::VersionKeyNotDue { .. }
            | Self::KeysMissing { .. }
            | Self::KeyDeposit { .. } => Status::FailedPrecondition,
            Self::TermsExist(_) => Status::AlreadyExists,
            _ => Status::InvalidArgument,
        }
    }
}
