//! Files that commands write: whole or not at all, and never over what is there unless told so.
use std::{
    fs::OpenOptions,
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result, bail};
use cairn_models::{ModelFile, read_file};
use serde::de::DeserializeOwned;

/// The largest file of JSON that is read: a model's proof and what opens it are far below.
const MAX_JSON_BYTES: usize = 64 << 20;

/// A model's file.
pub(crate) fn model(path: &Path) -> Result<ModelFile> {
    ModelFile::open(path).with_context(|| format!("{} is no model", path.display()))
}

/// A file of JSON.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = read_file(path, MAX_JSON_BYTES).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not what it should be", path.display()))
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Whoever may read the folder.
    Everybody,
    /// Its owner alone.
    Owner,
}

/// Writes a file that is not there yet, beside its place first, and moves it there when it is whole and on the disk.
pub(crate) fn create(path: &Path, whom: For, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    is_free(path)?;
    replace(path, whom, write)
}

/// Refuses what is there already.
pub(crate) fn is_free(path: &Path) -> Result<()> {
    if path.exists() {
        bail!("{} is there already; name another file or move it away", path.display());
    }
    Ok(())
}

/// The same over what is there.
pub(crate) fn replace(path: &Path, whom: For, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut name = path.file_name().context("not a file name")?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let mode = if whom == For::Owner { 0o600 } else { 0o644 };
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&part);
    let file = opened.with_context(|| format!("cannot write {}", part.display()))?;
    let written = (|| {
        let mut buffered = BufWriter::new(&file);
        write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        file.sync_all()?;
        std::fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&part); // what failed is told; a part left over is not worth another error
    }
    written
}

/// Writes JSON for people.
pub(crate) fn json(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    Ok(writeln!(out)?)
}
