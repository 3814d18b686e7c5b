//! Encryption of licensed content: one key for all items of a version, committed to on chain, wrapped for each licensee.
//!
//! Nothing here draws random numbers or keeps state: keys and ephemeral secrets come from the caller, so the chain opens a disputed key by
//! the same code as a licensee does.
mod hpke;
mod item;
mod key;
mod public;

pub use hpke::{WRAPPED_BYTES, open, wrap};
pub use item::{CHUNK, ItemCipher, SEALED_CHUNK, open_stream, plain_bytes, seal_stream, sealed_bytes, sealed_range};
pub use key::ContentKey;
pub use public::{PublicKey, public_key};

/// Why something is not what it should be. A cipher never says more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A public key that no honest licensee would have.
    #[error("not an X25519 public key of 32 canonical bytes and full order")]
    PublicKey,
    /// A wrapped key that does not open.
    #[error("the wrapped key does not open under this private key, for this license and version")]
    Wrapped,
    /// A chunk that was cut, changed, moved or sealed under another key.
    #[error("chunk {0} is damaged or sealed under another key")]
    Chunk(u32),
    /// A content beyond 2^32 chunks.
    #[error("a content has at most 2^32 - 1 chunks of 65,536 bytes")]
    TooLong,
}
