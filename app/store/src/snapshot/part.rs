//! A snapshot that is being written: in a folder beside its place, moved there when it is whole.
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use super::{Snapshot, folder};
use crate::{Error, Result, disk::crash_point};

/// What the folders of unfinished snapshots end with.
pub(super) const UNFINISHED: &str = ".part";

/// Chunks on their way to becoming a snapshot. Dropped before [`Part::finish`], nothing of it stays.
#[derive(Debug)]
pub struct Part {
    home: PathBuf,
    folder: PathBuf,
    chunks: u32,
}

impl Part {
    /// Begins one of this height and format in the folder of snapshots.
    pub(super) fn begin(home: &Path, height: u64, format: u32) -> Result<Self> {
        let folder = home.join(format!("{}.{}{UNFINISHED}", folder::name(height, format), std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|e| failed(&folder, e))?;
        }
        fs::create_dir_all(&folder).map_err(|e| failed(&folder, e))?;
        Ok(Self { home: home.to_owned(), folder, chunks: 0 })
    }

    /// Writes the next chunk.
    ///
    /// # Errors
    /// [`Error::Io`] if the disk refuses.
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        write(&self.folder.join(self.chunks.to_string()), chunk)?;
        self.chunks = self.chunks.saturating_add(1);
        Ok(())
    }

    /// Makes it a snapshot that is listed, if there is none of this height and format yet.
    ///
    /// # Errors
    /// [`Error::Metadata`] if other chunks were written than `snapshot` has, [`Error::Io`] if the disk refuses.
    pub fn finish(self, snapshot: &Snapshot) -> Result<()> {
        if self.chunks != snapshot.chunks() {
            return Err(Error::Metadata(format!("{} of {} chunks were written", self.chunks, snapshot.chunks())));
        }
        write(&self.folder.join(folder::METADATA), &snapshot.metadata())?;
        sync(&self.folder)?;
        let place = self.home.join(folder::name(snapshot.height, snapshot.format));
        if !place.exists() {
            crash_point();
            fs::rename(&self.folder, &place).map_err(|e| failed(&place, e))?;
            crash_point();
            sync(&self.home)?;
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder) {
            tracing::warn!(%error, "an unfinished snapshot stays until the next start");
        }
    }
}

/// Removes a folder that may not be there.
pub(super) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(failed(folder, e)),
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    crash_point();
    let written = File::create(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| failed(path, e))
}

fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| failed(folder, e))
}

pub(super) fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::Io { path: path.to_path_buf(), source }
}
