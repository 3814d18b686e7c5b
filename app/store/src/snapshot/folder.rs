//! The folder of snapshots: `HEIGHT-FORMAT/` with `metadata` and the chunks `0`, `1`, ..
use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    FORMAT, MAX_CHUNK, MAX_METADATA, Part, Snapshot,
    chunk::Packer,
    part::{UNFINISHED, failed, remove},
};
use crate::{Error, Result, View, disk::crash_point, node::sha256};

/// The file of the metadata.
pub(super) const METADATA: &str = "metadata";

/// The folder of one snapshot.
pub(super) fn name(height: u64, format: u32) -> String {
    format!("{height}-{format}")
}

/// Snapshots in a folder. Whole ones are listed, others never.
#[derive(Debug, Clone)]
pub struct Snapshots {
    folder: PathBuf,
}

impl Snapshots {
    /// Those in `folder`, which is made when the first is written.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Bytes of a whole snapshot on disk, and when it was finished.
    ///
    /// # Errors
    /// [`Error::Io`] if its folder cannot be read.
    pub fn size(&self, height: u64, format: u32) -> Result<(u64, SystemTime)> {
        let folder = self.folder.join(name(height, format));
        let mut bytes = 0_u64;
        for entry in fs::read_dir(&folder).map_err(|e| failed(&folder, e))? {
            let entry = entry.map_err(|e| failed(&folder, e))?;
            bytes = bytes.saturating_add(entry.metadata().map_err(|e| failed(&entry.path(), e))?.len());
        }
        let finished = fs::metadata(&folder).and_then(|m| m.modified()).map_err(|e| failed(&folder, e))?;
        Ok((bytes, finished))
    }

    /// Removes what a crash left unfinished. For the node alone, before it writes any itself.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk refuses.
    pub fn clean(&self) -> Result<()> {
        for name in self.names()?.into_iter().filter(|name| name.ends_with(UNFINISHED)) {
            remove(&self.folder.join(name))?;
        }
        Ok(())
    }

    /// All that are whole, the newest first. One whose metadata cannot be read is left out, with a warning in the log.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Snapshot>> {
        let mut found: Vec<Snapshot> = Vec::new();
        for name in self.names()? {
            let Some((height, format)) = parse_name(&name) else { continue };
            match self.get(height, format) {
                Ok(snapshot) => found.push(snapshot),
                Err(error) => tracing::warn!(%error, name, "a snapshot cannot be read"),
            }
        }
        found.sort_unstable_by_key(|snapshot| std::cmp::Reverse((snapshot.height, snapshot.format)));
        Ok(found)
    }

    /// The heights of those that are whole, the oldest first, without reading them.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read.
    pub fn heights(&self) -> Result<Vec<u64>> {
        let mut heights: Vec<u64> = self.names()?.iter().filter_map(|name| parse_name(name)).map(|(height, _)| height).collect();
        heights.sort_unstable();
        Ok(heights)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`] if there is none, [`Error::Format`] or [`Error::Metadata`] if this build cannot read it.
    pub fn get(&self, height: u64, format: u32) -> Result<Snapshot> {
        let path = self.folder.join(name(height, format)).join(METADATA);
        let metadata = read(&path, MAX_METADATA)?.ok_or(Error::NoSnapshot { height, format })?;
        Snapshot::parse(height, format, &metadata)
    }

    /// A chunk as it lies on the disk; `None` if there is no such one. It is for who receives it to check it.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk refuses.
    pub fn chunk(&self, height: u64, format: u32, index: u32) -> Result<Option<Vec<u8>>> {
        read(&self.folder.join(name(height, format)).join(index.to_string()), MAX_CHUNK)
    }

    /// Writes a snapshot of what `view` shows, while blocks go on. One of the same height that is there already stays.
    ///
    /// # Errors
    /// [`Error::Empty`] before genesis, [`Error::Io`] or [`Error::Database`] if the disk refuses.
    pub fn create(&self, view: &View, chain_id: &str) -> Result<Snapshot> {
        self.create_while(view, chain_id, || true)
    }

    /// As [`Snapshots::create`], as long as `proceed` says so before each chunk.
    ///
    /// # Errors
    /// As [`Snapshots::create`]; [`Error::GivenUp`] once `proceed` says no, and nothing of it stays.
    pub fn create_while(&self, view: &View, chain_id: &str, proceed: impl Fn() -> bool) -> Result<Snapshot> {
        let version = view.version()?.ok_or(Error::Empty)?;
        let mut part = Part::begin(&self.folder, version.height, FORMAT)?;
        let mut chunk_hashes = Vec::new();
        let mut packer = Packer::default();
        let mut keep = |part: &mut Part, chunk: Vec<u8>| {
            if !proceed() {
                return Err(Error::GivenUp);
            }
            chunk_hashes.push(sha256(&chunk));
            part.push(&chunk)
        };
        view.entries(|key, value| match packer.push(key, value)? {
            Some(chunk) => keep(&mut part, chunk),
            None => Ok(()),
        })?;
        keep(&mut part, packer.finish()?)?;
        let snapshot =
            Snapshot { height: version.height, format: FORMAT, chain_id: chain_id.to_owned(), app_hash: version.app_hash, chunk_hashes };
        part.finish(&snapshot)?;
        Ok(snapshot)
    }

    /// Begins to write a snapshot whose chunks come from elsewhere.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk refuses.
    pub fn receive(&self, snapshot: &Snapshot) -> Result<Part> {
        Part::begin(&self.folder, snapshot.height, snapshot.format)
    }

    /// Deletes one.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`] if there is none, [`Error::Io`] if the disk refuses.
    pub fn delete(&self, height: u64, format: u32) -> Result<()> {
        let place = self.folder.join(name(height, format));
        // Under another name first: a snapshot that is deleted in part is not listed.
        let gone = self.folder.join(format!("{}.gone{UNFINISHED}", name(height, format)));
        remove(&gone)?;
        match fs::rename(&place, &gone) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Err(Error::NoSnapshot { height, format }),
            moved => moved.map_err(|e| failed(&place, e))?,
        }
        crash_point();
        remove(&gone)
    }

    /// Deletes all but the newest `recent`; 0 keeps all.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk refuses.
    pub fn keep(&self, recent: u32) -> Result<()> {
        let recent = usize::try_from(recent).unwrap_or(usize::MAX);
        if recent == 0 {
            return Ok(());
        }
        for old in self.list()?.iter().skip(recent) {
            self.delete(old.height, old.format)?;
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| failed(&self.folder, e))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|e| failed(&self.folder, e))?.file_name();
            names.extend(name.into_string());
        }
        Ok(names)
    }
}

fn parse_name(name: &str) -> Option<(u64, u32)> {
    let (height, format) = name.split_once('-')?;
    Some((height.parse().ok()?, format.parse().ok()?))
}

/// A file of at most `limit` bytes; `None` if it is not there.
fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|e| failed(path, e))?,
    };
    let mut bytes = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX);
    file.take(bound).read_to_end(&mut bytes).map_err(|e| failed(path, e))?;
    Ok(Some(bytes))
}
