//! Chunks: entries of the state, one after the other, compressed. Each chunk can be read by itself.
//!
//! An entry is the length of its key and of its value (4 bytes each, big-endian), the key, the value. A chunk ends before the entry with which
//! its entries would have more than [`PAYLOAD`] bytes; an entry that has more by itself is a chunk of its own.
use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use crate::{Error, Result, error::corrupt};

/// Bytes of entries in a chunk, before compression; few in the tests, whose states are small.
const PAYLOAD: usize = if cfg!(test) { 2 << 10 } else { 1 << 20 };
/// The most bytes of one entry. A transaction has at most 1 MiB, so a value that it wrote has less.
const MAX_ENTRY: usize = 8 << 20;

/// Cuts a sequence of entries into chunks.
#[derive(Default)]
pub(super) struct Packer {
    payload: Vec<u8>,
}

impl Packer {
    /// Takes the next entry. Returns the chunk that ended before it, if one did.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an entry that no chunk can hold.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>> {
        let size = key.len().saturating_add(value.len()).saturating_add(8);
        if size > MAX_ENTRY {
            return Err(corrupt(format!("an entry of {size} bytes fits into no chunk: {}", key.escape_ascii())));
        }
        let full = !self.payload.is_empty() && self.payload.len().saturating_add(size) > PAYLOAD;
        let ended = if full { Some(self.pack()?) } else { None };
        for part in [key, value] {
            let length = u32::try_from(part.len()).map_err(|_| corrupt("the length of an entry"))?;
            self.payload.extend(length.to_be_bytes());
        }
        self.payload.extend(key);
        self.payload.extend(value);
        Ok(ended)
    }

    /// The last chunk; an empty one if there was no entry.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        self.pack()
    }

    fn pack(&mut self) -> Result<Vec<u8>> {
        let mut encoder = DeflateEncoder::new(Vec::with_capacity(self.payload.len() / 2), Compression::fast());
        let packed = encoder.write_all(&self.payload).and_then(|()| encoder.finish());
        self.payload.clear();
        packed.map_err(|e| corrupt(format!("a chunk cannot be compressed: {e}")))
    }
}

/// The bytes of a chunk's entries. What would unpack to more than a chunk can hold is refused before it is unpacked to that.
///
/// # Errors
/// [`Error::Forged`]: the chunk is what the metadata says, so whoever made the metadata made it wrong.
pub(super) fn unpack(chunk: &[u8]) -> Result<Vec<u8>> {
    let mut payload = Vec::new();
    let limit = u64::try_from(MAX_ENTRY).unwrap_or(u64::MAX).saturating_add(1);
    let read = DeflateDecoder::new(chunk).take(limit).read_to_end(&mut payload);
    read.map_err(|e| forged(format!("a chunk cannot be decompressed: {e}")))?;
    if payload.len() > MAX_ENTRY {
        return Err(forged(format!("a chunk has more than {MAX_ENTRY} bytes")));
    }
    Ok(payload)
}

/// The next entry of `payload`, which is moved on; `None` at its end.
pub(super) fn next<'a>(payload: &mut &'a [u8]) -> Result<Option<(&'a [u8], &'a [u8])>> {
    if payload.is_empty() {
        return Ok(None);
    }
    let lengths =
        payload.split_first_chunk::<4>().and_then(|(key, rest)| rest.split_first_chunk::<4>().map(|(value, rest)| (key, value, rest)));
    let (key, value, rest) = lengths.ok_or_else(|| forged("a chunk ends in an entry"))?;
    let length = |bytes: &[u8; 4]| usize::try_from(u32::from_be_bytes(*bytes)).unwrap_or(usize::MAX);
    let entry = rest
        .split_at_checked(length(key))
        .and_then(|(key, rest)| rest.split_at_checked(length(value)).map(|(value, rest)| (key, value, rest)));
    let (key, value, rest) = entry.ok_or_else(|| forged("a chunk ends in an entry"))?;
    *payload = rest;
    Ok(Some((key, value)))
}

pub(super) fn forged(why: impl Into<String>) -> Error {
    Error::Forged(why.into())
}
