//! From a folder of files to a folder of sealed items.
use std::{
    fs,
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_content::{ContentKey, seal_stream};

use crate::{
    PART, Progress,
    item::Hashing,
    listing::{self, File},
    manifest::{Entry, MANIFEST, Manifest},
};

/// What a folder was sealed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The manifest, which lies in the sealed folder, too.
    pub manifest: Manifest,
    /// Files sealed.
    pub files: usize,
    /// Their plain size together.
    pub bytes: u64,
}

/// Where sealed item `index` lies in its folder.
#[must_use]
pub fn item_path(sealed: &Path, index: usize) -> PathBuf {
    sealed.join(format!("{index:010}.sealed"))
}

/// Seals every file below `folder` into the new folder `sealed`, in the order of their names. Memory holds a chunk of 64 KiB and the names.
///
/// # Errors
/// Files that cannot be read or are neither file nor folder, names that are no plain UTF-8 paths, an empty folder, a `sealed` that is there.
pub fn seal_folder(key: &ContentKey, folder: &Path, sealed: &Path, progress: &mut Progress) -> Result<Summary> {
    let mut found = Vec::new();
    walk(folder, "", &mut found)?;
    found.sort();
    if found.is_empty() {
        bail!("{} holds no files", folder.display());
    }
    let total = found.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
    fs::create_dir(sealed).with_context(|| format!("cannot create {}; seal into a new folder", sealed.display()))?;
    let mut sealing = Sealing { key, sealed, entries: vec![Entry::new([0; 32], 0)], done: 0, total, progress };
    let mut files = Vec::with_capacity(found.len());
    for (name, _) in found {
        files.push(sealing.file(folder, name)?);
    }
    let listing = listing::write(&files)?;
    let first = sealing.item(0, &mut listing.as_slice())?.0;
    let Sealing { mut entries, done, .. } = sealing;
    if let Some(entry) = entries.first_mut() {
        *entry = first;
    }
    let manifest = Manifest { entries };
    fs::write(sealed.join(MANIFEST), manifest.to_lines()?)?;
    Ok(Summary { manifest, files: files.len(), bytes: done })
}

struct Sealing<'a, 'p> {
    key: &'a ContentKey,
    sealed: &'a Path,
    entries: Vec<Entry>,
    done: u64,
    total: u64,
    progress: &'a mut Progress<'p>,
}

impl Sealing<'_, '_> {
    /// Seals one file into as many items as it takes.
    fn file(&mut self, folder: &Path, name: String) -> Result<File> {
        let path = folder.join(&name);
        let opened = fs::File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut plain = Hashing::new(opened);
        let mut bytes = 0_u64;
        loop {
            let index = self.entries.len();
            let (entry, read) =
                self.item(index, &mut Read::take(&mut plain, PART)).with_context(|| format!("sealing {}", path.display()))?;
            if read == 0 && bytes > 0 {
                // The file ended with the item before.
                fs::remove_file(item_path(self.sealed, index))?;
                break;
            }
            self.entries.push(entry);
            bytes = bytes.saturating_add(read);
            self.done = self.done.saturating_add(read);
            (self.progress)(self.done, self.total);
            if read < PART {
                break;
            }
        }
        let (_, sha256, _) = plain.finish();
        Ok(File { name, bytes, sha256 })
    }
    /// Seals one item. Gives its place in the manifest and its plain size.
    fn item(&self, index: usize, plain: &mut impl Read) -> Result<(Entry, u64)> {
        let number = u32::try_from(index).context("too many items")?;
        let path = item_path(self.sealed, index);
        let file = fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut out = Hashing::new(BufWriter::new(file));
        let read = seal_stream(&self.key.item(number), plain, &mut out)?;
        out.flush()?;
        let (_, sha256, bytes) = out.finish();
        Ok((Entry::new(sha256, bytes), read))
    }
}

/// Every file below a folder with its size.
fn walk(folder: &Path, prefix: &str, found: &mut Vec<(String, u64)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name().into_string().ok().with_context(|| format!("{} has no UTF-8 name", path.display()))?;
        let name = format!("{prefix}{name}");
        listing::check_name(&name)?;
        if kind.is_dir() {
            walk(&path, &format!("{name}/"), found)?;
        } else if kind.is_file() {
            found.push((name, entry.metadata()?.len()));
        } else {
            bail!("{} is neither a file nor a folder", path.display());
        }
    }
    Ok(())
}
