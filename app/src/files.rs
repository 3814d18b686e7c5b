//! Files that are written whole or not at all.
use std::{
    fs,
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result};

/// Writes a file so that a reader, also one after a crash, finds all of it or the one before. `mode` is that of a new file.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    stream_atomically(path, |file| Ok(file.write_all(bytes)?), mode)
}

/// As [`write_atomically`]; `content` writes what may be too long for the memory.
pub(crate) fn stream_atomically(path: &Path, content: impl FnOnce(&mut dyn Write) -> Result<()>, mode: u32) -> Result<()> {
    let folder = path.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let part = path.with_extension("part");
    let write = || -> Result<()> {
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&part)?;
        let mut writer = BufWriter::new(file);
        content(&mut writer)?;
        writer.into_inner().map_err(|e| e.into_error())?.sync_all()?;
        Ok(fs::rename(&part, path)?)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
