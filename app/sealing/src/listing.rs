//! The listing: names, sizes and hashes of the files, itself sealed as item 0, so that a gateway learns neither.
use std::{
    collections::BTreeSet,
    path::{Component, Path},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::PART;

/// A file of the folder. Its items follow those of the files before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Path within the folder, with `/` between its parts.
    pub(crate) name: String,
    /// Plain size.
    pub(crate) bytes: u64,
    /// SHA-256 of the plain content.
    #[serde(with = "hex::serde")]
    pub(crate) sha256: [u8; 32],
}

/// How many items a file of that size takes: an empty one takes one.
pub(crate) fn items_of(bytes: u64) -> u64 {
    bytes.div_ceil(PART).max(1)
}

/// One line of JSON a file.
pub(crate) fn write(files: &[File]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for file in files {
        serde_json::to_writer(&mut out, file)?;
        out.push(b'\n');
    }
    if out.len() as u64 > PART {
        bail!("the names of {} files take {} bytes, more than one item holds; pack small files together", files.len(), out.len());
    }
    Ok(out)
}

/// The inverse of [`write`]. Refuses names that would leave the folder they are opened in, and names that come twice.
pub(crate) fn read(listing: &[u8]) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    for line in listing.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let file: File = serde_json::from_slice(line).context("the listing of the files is damaged")?;
        check_name(&file.name)?;
        if !names.insert(file.name.clone()) {
            bail!("{:?} is listed twice", file.name);
        }
        files.push(file);
    }
    Ok(files)
}

/// Refuses a name that is not a plain relative path.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let canonical = !name.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    if name.is_empty() || !plain || !canonical || name.chars().any(|c| c.is_control() || c == '\\') {
        bail!("{name:?} is no name of a file within a folder");
    }
    Ok(())
}
