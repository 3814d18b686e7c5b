//! Keeps RocksDB from hanging on a damaged log.
//!
//! RocksDB (11.8 at least; facebook/rocksdb issue 13333) reads a log for ever, instead of stopping, once it meets a record of a type that only
//! recycled logs have in a log that is not recycled, and ours never are: one bad bit in a record's header, or what a power cut leaves at
//! the end of the file. Recovery ends at the first bad record anyway, so such a record is found before RocksDB sees it: in the newest log the
//! log ends there, anywhere else the store is damaged and says so.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{Error, Result, error::corrupt};

/// Records do not cross blocks of this size.
const BLOCK: u64 = 32 << 10;
/// Record types that only recycled logs have.
const RECYCLED: [u8; 6] = [5, 6, 7, 8, 11, 131];

/// Cuts the newest log of the folder before a record that cannot be, if it has one.
///
/// # Errors
/// [`Error::Corrupt`] if an older log or the manifest has one, [`Error::Io`] if a file cannot be read.
pub(crate) fn mend(folder: &Path) -> Result<()> {
    let (logs, manifest) = files(folder)?;
    for file in logs.iter().rev().skip(1).chain(&manifest) {
        if let Some(at) = impossible(file)? {
            return Err(corrupt(format!("{} has a bad record at byte {at}", file.display())));
        }
    }
    let Some(newest) = logs.last() else { return Ok(()) };
    if let Some(at) = impossible(newest)? {
        tracing::warn!(file = %newest.display(), at, "the log ends in a bad record, which is cut off");
        let cut = OpenOptions::new().write(true).open(newest).and_then(|file| file.set_len(at).and_then(|()| file.sync_all()));
        cut.map_err(|e| failed(newest, e))?;
    }
    Ok(())
}

/// The logs, oldest first, and the manifest in use.
fn files(folder: &Path) -> Result<(Vec<PathBuf>, Option<PathBuf>)> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), None)),
        entries => entries.map_err(|e| failed(folder, e))?,
    };
    let mut logs = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| failed(folder, e))?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if let (Some(number), true) = (number, path.extension().is_some_and(|e| e == "log")) {
            logs.push((number, path));
        }
    }
    logs.sort_unstable();
    let current = folder.join("CURRENT");
    let manifest = match fs::read_to_string(&current) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        name => Some(folder.join(name.map_err(|e| failed(&current, e))?.trim())),
    };
    Ok((logs.into_iter().map(|(_, path)| path).collect(), manifest))
}

/// Where the file's first record stands that cannot be.
fn impossible(path: &Path) -> Result<Option<u64>> {
    let mut file = File::open(path).map_err(|e| failed(path, e))?;
    let mut start = 0u64;
    loop {
        let mut block = Vec::new();
        file.by_ref().take(BLOCK).read_to_end(&mut block).map_err(|e| failed(path, e))?;
        if block.is_empty() {
            return Ok(None);
        }
        if let Some(at) = impossible_in(&block) {
            return Ok(Some(start.saturating_add(at)));
        }
        start = start.saturating_add(BLOCK);
    }
}

/// The same within a block. A record is a checksum (4 bytes), a length (2, little-endian), a type and so many bytes. A wrong length leads this
/// walk astray only behind a record whose checksum fails, where recovery ends.
fn impossible_in(block: &[u8]) -> Option<u64> {
    let mut rest = block;
    while let Some(([_, _, _, _, low, high, kind], body)) = rest.split_first_chunk::<7>() {
        if RECYCLED.contains(kind) {
            return u64::try_from(block.len().saturating_sub(rest.len())).ok();
        }
        rest = body.get(usize::from(u16::from_le_bytes([*low, *high]))..)?;
    }
    None
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A record with a body of `length` bytes.
    fn record(kind: u8, length: u16) -> Vec<u8> {
        [&[1, 2, 3, 4], length.to_le_bytes().as_slice(), &[kind], &vec![8; usize::from(length)]].concat()
    }

    #[test]
    fn only_a_record_of_a_recycled_log_is_found() {
        let good = [record(1, 9), record(2, 0), record(4, 300)].concat();
        assert_eq!(impossible_in(&good), None);
        assert_eq!(impossible_in(&good[..good.len() - 1]), None);
        for kind in RECYCLED {
            assert_eq!(impossible_in(&[good.clone(), record(kind, 1)].concat()), Some(good.len() as u64));
        }
        assert_eq!(impossible_in(&[record(1, 9), vec![8; 6]].concat()), None, "no whole header");
        assert_eq!(impossible_in(&[]), None);
    }

    #[test]
    fn the_newest_log_is_cut_and_others_are_refused() {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        mend(&path("absent")).unwrap();
        mend(folder.path()).unwrap();
        let first = record(1, u16::try_from(BLOCK - 7).unwrap());
        let bad = [first.clone(), record(1, 5), record(8, 5)].concat();
        for name in ["000009.log", "000010.log", "MANIFEST-000005", "notes.log"] {
            fs::write(path(name), &first).unwrap();
        }
        fs::write(path("CURRENT"), "MANIFEST-000005\n").unwrap();
        fs::write(path("000010.log"), &bad).unwrap();
        mend(folder.path()).unwrap();
        assert_eq!(fs::read(path("000010.log")).unwrap(), [first.clone(), record(1, 5)].concat());
        for name in ["000009.log", "MANIFEST-000005"] {
            fs::write(path(name), &bad).unwrap();
            assert!(mend(folder.path()).unwrap_err().to_string().ends_with("has a bad record at byte 32780"));
            fs::write(path(name), &first).unwrap();
        }
        fs::write(path("notes.log"), &bad).unwrap();
        mend(folder.path()).unwrap();
    }
}
