//! A snapshot as one file, to carry it from node to node by hand: magic, format, height, then metadata and chunks, each after its length.
use std::io::{Read, Write};

use super::{MAX_CHUNK, MAX_METADATA, Snapshot, Snapshots};
use crate::{Error, Result};

/// What the file begins with.
const MAGIC: &[u8; 16] = b"cairn snapshot\0\x01";

/// Writes the snapshot of this height and format as one file. Every chunk is checked.
///
/// # Errors
/// [`Error::NoSnapshot`] if there is none, [`Error::Chunk`] if a chunk is damaged, [`Error::Archive`] if `out` refuses.
pub fn dump(snapshots: &Snapshots, height: u64, format: u32, out: &mut dyn Write) -> Result<Snapshot> {
    let snapshot = snapshots.get(height, format)?;
    put(out, MAGIC)?;
    put(out, &format.to_be_bytes())?;
    put(out, &height.to_be_bytes())?;
    put_sized(out, &snapshot.metadata())?;
    for index in 0..snapshot.chunks() {
        let chunk = snapshots.chunk(height, format, index)?.ok_or_else(|| Error::Chunk { index, why: "it is not there".to_owned() })?;
        snapshot.check(index, &chunk)?;
        put_sized(out, &chunk)?;
    }
    Ok(snapshot)
}

/// Takes a file that [`dump`] wrote among the snapshots. Nothing of it is listed before every chunk is there and checked.
///
/// # Errors
/// [`Error::Archive`] if it is no such file or ends early, [`Error::Format`], [`Error::Metadata`] or [`Error::Chunk`] if it is not whole.
pub fn load(snapshots: &Snapshots, from: &mut dyn Read) -> Result<Snapshot> {
    if take::<16>(from)? != *MAGIC {
        return Err(Error::Archive("it is no snapshot".to_owned()));
    }
    let (format, height) = (u32::from_be_bytes(take(from)?), u64::from_be_bytes(take(from)?));
    let snapshot = Snapshot::parse(height, format, &take_sized(from, MAX_METADATA)?)?;
    let mut part = snapshots.receive(&snapshot)?;
    for index in 0..snapshot.chunks() {
        let chunk = take_sized(from, MAX_CHUNK)?;
        snapshot.check(index, &chunk)?;
        part.push(&chunk)?;
    }
    part.finish(&snapshot)?;
    Ok(snapshot)
}

fn put(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    out.write_all(bytes).map_err(|e| Error::Archive(e.to_string()))
}

fn put_sized(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| Error::Archive("a part is too long".to_owned()))?;
    put(out, &length.to_be_bytes())?;
    put(out, bytes)
}

fn take<const N: usize>(from: &mut dyn Read) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(|e| Error::Archive(e.to_string()))?;
    Ok(bytes)
}

fn take_sized(from: &mut dyn Read, limit: usize) -> Result<Vec<u8>> {
    let length = u32::from_be_bytes(take(from)?);
    if usize::try_from(length).map_or(true, |length| length > limit) {
        return Err(Error::Archive(format!("expected at most {limit} bytes, found {length}")));
    }
    let mut bytes = Vec::new();
    let read = from.take(length.into()).read_to_end(&mut bytes).map_err(|e| Error::Archive(e.to_string()))?;
    if u32::try_from(read) != Ok(length) {
        return Err(Error::Archive("it ends early".to_owned()));
    }
    Ok(bytes)
}
