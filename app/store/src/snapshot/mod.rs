//! Snapshots: the state at one height as files of chunks that other nodes can check and restore.
//!
//! All nodes that take a snapshot of the same height get the same bytes, and so the same hashes: the entries go in the order of their keys, the
//! cuts depend on their sizes alone, and the compression has one setting. Change any of these and [`FORMAT`] must rise.
mod archive;
mod chunk;
mod folder;
mod part;
mod restore;

pub use archive::{dump, load};
pub use folder::Snapshots;
pub use part::Part;
pub use restore::Restore;

use prost::Message;

use crate::{
    Error, Result,
    node::{Hash, sha256},
};

/// The form of snapshots that this build writes and reads.
pub const FORMAT: u32 = 1;
/// The most bytes that a chunk has on disk and on the wire. CometBFT carries at most 16,000,000.
pub const MAX_CHUNK: usize = 10 << 20;
/// The most chunks of a snapshot: what CometBFT accepts by default.
pub const MAX_CHUNKS: usize = 100_000;
/// The most bytes of a snapshot's metadata: CometBFT carries at most 4,000,000 with what goes around it.
pub const MAX_METADATA: usize = 3_990_000;

/// What a snapshot is: where it stands and the hash of each chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The block after which the state stands.
    pub height: u64,
    /// The form of the chunks: [`FORMAT`].
    pub format: u32,
    /// The chain.
    pub chain_id: String,
    /// The app hash of the state: what the header of the next block must say.
    pub app_hash: [u8; 32],
    /// SHA-256 of each chunk.
    pub chunk_hashes: Vec<[u8; 32]>,
}

/// The metadata as it travels. The first field is the one of the Cosmos SDK's.
#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(bytes = "vec", repeated, tag = "1")]
    chunk_hashes: Vec<Vec<u8>>,
    #[prost(string, tag = "2")]
    chain_id: String,
    #[prost(uint64, tag = "3")]
    height: u64,
    #[prost(bytes = "vec", tag = "4")]
    app_hash: Vec<u8>,
}

impl Snapshot {
    /// How many chunks there are, at least one.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        u32::try_from(self.chunk_hashes.len()).unwrap_or(u32::MAX)
    }

    /// The metadata as protobuf: what goes beside the chunks and into ABCI's `Snapshot.metadata`.
    #[must_use]
    pub fn metadata(&self) -> Vec<u8> {
        let metadata = Metadata {
            chunk_hashes: self.chunk_hashes.iter().map(|hash| hash.to_vec()).collect(),
            chain_id: self.chain_id.clone(),
            height: self.height,
            app_hash: self.app_hash.to_vec(),
        };
        metadata.encode_to_vec()
    }

    /// SHA-256 of the metadata: two snapshots with the same hash are the same.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.metadata())
    }

    /// Reads what a peer offers, or a file says. Bounded before anything is parsed.
    ///
    /// # Errors
    /// [`Error::Format`] for another format, [`Error::Metadata`] with the reason for everything else.
    pub fn parse(height: u64, format: u32, metadata: &[u8]) -> Result<Self> {
        if format != FORMAT {
            return Err(Error::Format { found: format, expected: FORMAT });
        }
        if metadata.len() > MAX_METADATA {
            return Err(refuse(format!("expected at most {MAX_METADATA} bytes, found {}", metadata.len())));
        }
        let found = Metadata::decode(metadata).map_err(|e| refuse(e.to_string()))?;
        if found.height != height || height == 0 {
            return Err(refuse(format!("it is of height {}, not {height}", found.height)));
        }
        let count = found.chunk_hashes.len();
        if !(1..=MAX_CHUNKS).contains(&count) {
            return Err(refuse(format!("expected 1 to {MAX_CHUNKS} chunks, found {count}")));
        }
        if found.chain_id.len() > 50 {
            return Err(refuse("a chain's name has at most 50 bytes"));
        }
        let digest = |bytes: Vec<u8>| Hash::try_from(bytes).map_err(|_| refuse("a hash has 32 bytes"));
        Ok(Self {
            height,
            format,
            chain_id: found.chain_id,
            app_hash: digest(found.app_hash)?,
            chunk_hashes: found.chunk_hashes.into_iter().map(digest).collect::<Result<_>>()?,
        })
    }

    /// Whether `chunk` is the one with this number.
    ///
    /// # Errors
    /// [`Error::Chunk`] if it is not: whoever sent it did not send what was announced.
    pub(crate) fn check(&self, index: u32, chunk: &[u8]) -> Result<()> {
        let bad = |why: String| Error::Chunk { index, why };
        let place = usize::try_from(index).ok().and_then(|at| self.chunk_hashes.get(at));
        let expected = place.ok_or_else(|| bad(format!("there are {} chunks", self.chunks())))?;
        if chunk.len() > MAX_CHUNK {
            return Err(bad(format!("expected at most {MAX_CHUNK} bytes, found {}", chunk.len())));
        }
        if sha256(chunk) != *expected {
            return Err(bad("it has another hash than the metadata says".to_owned()));
        }
        Ok(())
    }
}

fn refuse(why: impl Into<String>) -> Error {
    Error::Metadata(why.into())
}
