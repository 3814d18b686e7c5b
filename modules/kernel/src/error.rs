//! The one error that leaves a handler: a codespace, a stable code and a message.

/// Result of anything that runs inside the state machine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The gRPC status a query answers with when it refuses. Numbers are gRPC's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Nothing more precise is known.
    Unknown = 2,
    /// The request itself is wrong.
    InvalidArgument = 3,
    /// What was asked for does not exist.
    NotFound = 5,
    /// What was to be created exists.
    AlreadyExists = 6,
    /// The asker may not.
    PermissionDenied = 7,
    /// A limit was reached.
    ResourceExhausted = 8,
    /// The state does not allow it now.
    FailedPrecondition = 9,
    /// Outside of what is kept, e.g. a pruned height.
    OutOfRange = 11,
    /// Not offered by this node.
    Unimplemented = 12,
    /// Stored state could not be read.
    Internal = 13,
    /// Something the node depends on does not answer.
    Unavailable = 14,
    /// A credential is missing or wrong.
    Unauthenticated = 16,
}

impl Status {
    /// The name as gRPC libraries print it in `rpc error: code = <name>`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::InvalidArgument => "InvalidArgument",
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::PermissionDenied => "PermissionDenied",
            Self::ResourceExhausted => "ResourceExhausted",
            Self::FailedPrecondition => "FailedPrecondition",
            Self::OutOfRange => "OutOfRange",
            Self::Unimplemented => "Unimplemented",
            Self::Internal => "Internal",
            Self::Unavailable => "Unavailable",
            Self::Unauthenticated => "Unauthenticated",
        }
    }
}

/// A refusal, as ABCI reports it. `codespace` and `code` are consensus; `log` and `status` are not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{log}")]
pub struct Error {
    /// The module that refused, or `sdk` where clients expect the Cosmos SDK's own code.
    pub codespace: &'static str,
    /// Stable number within the codespace; never reused.
    pub code: u32,
    /// Text for people; may change at any time.
    pub log: String,
    /// How a query's front door answers.
    pub status: Status,
}

impl Error {
    /// The text without the name of its code, as a gRPC status says it: the Cosmos SDK names the code only where ABCI carries it.
    #[must_use]
    pub fn reason(&self) -> &str {
        let named = (self.codespace == "sdk").then(|| crate::sdk::description(self.code)).flatten();
        named.and_then(|name| self.log.strip_suffix(name)?.strip_suffix(": ")).unwrap_or(&self.log)
    }
}

/// Implemented by each module's own error enum; `?` then converts it.
pub trait Coded: std::fmt::Display {
    /// The module's name.
    const CODESPACE: &'static str;
    /// The variant's stable number, from 2.
    fn code(&self) -> u32;
    /// The gRPC status when the refusal answers a query.
    fn status(&self) -> Status {
        Status::InvalidArgument
    }
}

impl<E: Coded> From<E> for Error {
    fn from(e: E) -> Self {
        Self { codespace: E::CODESPACE, code: e.code(), log: e.to_string(), status: e.status() }
    }
}

/// Failures of the kernel itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Kernel {
    #[error("stored state cannot be decoded: {0}")]
    Corrupt(&'static str),
    #[error("sequence {0} is exhausted")]
    Exhausted(&'static str),
    #[error("messages are nested deeper than {0}")]
    Depth(u8),
    #[error("a decimal is malformed, below zero, divided by zero or too large")]
    Arithmetic,
}

impl Coded for Kernel {
    const CODESPACE: &'static str = "kernel";
    fn code(&self) -> u32 {
        match self {
            Self::Corrupt(_) => 2,
            Self::Exhausted(_) => 3,
            Self::Depth(_) => 4,
            Self::Arithmetic => 5,
        }
    }
    fn status(&self) -> Status {
        match self {
            Self::Arithmetic => Status::InvalidArgument,
            Self::Corrupt(_) | Self::Exhausted(_) | Self::Depth(_) => Status::Internal,
        }
    }
}
