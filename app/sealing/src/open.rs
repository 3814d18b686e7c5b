//! From sealed items, wherever they lie, back to files.
use std::{
    fs,
    io::{self, BufWriter, Read, Write},
    ops::Range,
    path::Path,
};

use anyhow::{Context, Result, bail};
use cairn_content::{ContentKey, SEALED_CHUNK, open_stream, plain_bytes};
use sha2::{Digest, Sha256};

use crate::{
    PART, Progress,
    item::Hashing,
    listing::{self, File, items_of},
    manifest::{Entry, Manifest},
};

/// Sealed bytes asked for at once: 16 chunks, 1 MiB.
const WINDOW: u64 = (SEALED_CHUNK as u64).saturating_mul(16);

/// Where sealed items come from, a part at a time.
pub trait Sealed {
    /// Exactly these bytes of an item.
    ///
    /// # Errors
    /// What the place says.
    fn read(&self, index: u32, range: Range<u64>) -> Result<Vec<u8>>;
}

/// What was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Files in the folder.
    pub files: usize,
    /// Of these, there already and right, from an opening that was interrupted.
    pub kept: usize,
    /// Their size together.
    pub bytes: u64,
}

/// Opens everything into the folder `out`. Every sealed item is checked against the manifest, every file against the listing; a file has its
/// name only when all of it is right. Memory holds a window of 1 MiB and the names.
///
/// # Errors
/// A key that does not open the items, items that are not those of the manifest, a listing that does not fit them, files that cannot be
/// written or are there with another content.
pub fn open_folder(key: &ContentKey, manifest: &Manifest, sealed: &dyn Sealed, out: &Path, progress: &mut Progress) -> Result<Opened> {
    let listing = listing_of(key, manifest, sealed)?;
    let expected = listing.iter().fold(1_u64, |sum, file| sum.saturating_add(items_of(file.bytes)));
    if expected != manifest.entries.len() as u64 {
        bail!("the listing names {expected} items, the manifest has {}", manifest.entries.len());
    }
    let total = listing.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
    let mut opened = Opened { files: listing.len(), kept: 0, bytes: 0 };
    let mut next = 1_u64;
    for file in &listing {
        let items = next..next.saturating_add(items_of(file.bytes));
        next = items.end;
        if is_there(&out.join(&file.name), file)? {
            opened.kept = opened.kept.saturating_add(1);
        } else {
            write_file(key, manifest, sealed, out, file, items)?;
        }
        opened.bytes = opened.bytes.saturating_add(file.bytes);
        progress(opened.bytes, total);
    }
    Ok(opened)
}

fn listing_of(key: &ContentKey, manifest: &Manifest, sealed: &dyn Sealed) -> Result<Vec<File>> {
    let mut listing = Vec::new();
    item(key, manifest, sealed, 0, &mut listing).context("opening the listing of the files")?;
    listing::read(&listing)
}

/// Whether a file was opened before; a different one of that name is an error and not overwritten.
fn is_there(path: &Path, file: &File) -> Result<bool> {
    let mut found = match fs::File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let mut hash = Sha256::new();
    io::copy(&mut found, &mut hash)?;
    if <[u8; 32]>::from(hash.finalize()) != file.sha256 {
        bail!("{} is there with another content; open into another folder", path.display());
    }
    Ok(true)
}

fn write_file(key: &ContentKey, manifest: &Manifest, sealed: &dyn Sealed, out: &Path, file: &File, items: Range<u64>) -> Result<()> {
    let path = out.join(&file.name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    }
    let part = out.join(format!("{}.part", file.name));
    let write = || -> Result<()> {
        let mut plain = Hashing::new(BufWriter::new(fs::File::create(&part)?));
        for index in items {
            item(key, manifest, sealed, u32::try_from(index)?, &mut plain)?;
        }
        plain.flush()?;
        let (_, sha256, bytes) = plain.finish();
        if (sha256, bytes) != (file.sha256, file.bytes) {
            bail!("it opens to {bytes} bytes with another hash than the listing says");
        }
        Ok(fs::rename(&part, &path)?)
    };
    write().with_context(|| format!("opening {}", file.name))
}

/// Opens one item, checking what is read against the manifest.
fn item(key: &ContentKey, manifest: &Manifest, sealed: &dyn Sealed, index: u32, out: &mut impl Write) -> Result<()> {
    let entry = manifest.entries.get(usize::try_from(index)?).context("the manifest has no such item")?;
    if plain_bytes(entry.bytes).is_none_or(|plain| plain > PART) {
        bail!("item {index} of {} bytes is none that was sealed", entry.bytes);
    }
    let mut source = Hashing::new(Windows { sealed, index, entry, at: 0, window: Vec::new(), taken: 0 });
    open_stream(&key.item(index), &mut source, out).with_context(|| format!("item {index}"))?;
    let (_, sha256, _) = source.finish();
    if sha256 != entry.sha256 {
        bail!("item {index} is not the one in the manifest");
    }
    Ok(())
}

/// Reads an item window by window.
struct Windows<'a> {
    sealed: &'a dyn Sealed,
    index: u32,
    entry: &'a Entry,
    at: u64,
    window: Vec<u8>,
    taken: usize,
}

impl Windows<'_> {
    fn fill(&mut self) -> Result<()> {
        let end = self.at.saturating_add(WINDOW).min(self.entry.bytes);
        self.window = self.sealed.read(self.index, self.at..end)?;
        if self.window.len() as u64 != end.saturating_sub(self.at) {
            bail!("{} bytes were asked for, {} came", end.saturating_sub(self.at), self.window.len());
        }
        (self.at, self.taken) = (end, 0);
        Ok(())
    }
}

impl Read for Windows<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.window.len() && self.at < self.entry.bytes {
            self.fill().map_err(io::Error::other)?;
        }
        let mut rest = self.window.get(self.taken..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.taken = self.taken.saturating_add(read);
        Ok(read)
    }
}
