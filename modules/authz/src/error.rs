//! Why authz refuses.
use cairn_kernel::{Coded, Module, Status};

use crate::Authz;

/// Codes are consensus: add at the end, never renumber. They are those of the Cosmos SDK's authz.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The granter has not granted this to the grantee. Carries what was looked for.
    #[error("{0}: authorization not found")]
    NotFound(String),
    /// A grant that ends before it begins.
    #[error("expiration must be after the current block time: expiration time of authorization should be more than current time")]
    InvalidExpiration,
    /// A right to stake that does not say which.
    #[error("unknown authorization type")]
    UnknownType,
    /// The grant is over.
    #[error("authorization expired")]
    Expired,
    /// An account that grants something to itself.
    #[error("grantee and granter should be different")]
    GranteeIsGranter,
    /// A message of several signers, or of none.
    #[error("authorization can be given to msg with only one signer")]
    NumOfSigners,
}

impl Coded for Error {
    const CODESPACE: &'static str = Authz::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::NotFound(_) => 2,
            Self::InvalidExpiration => 3,
            Self::UnknownType => 4,
            Self::Expired => 6,
            Self::GranteeIsGranter => 7,
            Self::NumOfSigners => 9,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::NotFound(_) => Status::NotFound,
            Self::InvalidExpiration | Self::UnknownType | Self::Expired | Self::GranteeIsGranter | Self::NumOfSigners => {
                Status::InvalidArgument
            }
        }
    }
}
