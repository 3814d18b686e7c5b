//! The disk under a home: how much is free, and whether it takes writes.
use std::{fs, io, io::Write, path::Path};

/// Space of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes in all.
    pub size: u64,
}

impl Space {
    /// Of the disk that holds `path`.
    ///
    /// # Errors
    /// If the system does not tell, for one because nothing is there.
    pub fn of(path: &Path) -> io::Result<Self> {
        let disk = rustix::fs::statvfs(path)?;
        Ok(Self { free: disk.f_bavail.saturating_mul(disk.f_frsize), size: disk.f_blocks.saturating_mul(disk.f_frsize) })
    }

    /// Free parts of a hundred, rounded down.
    #[must_use]
    pub fn percent_free(self) -> u64 {
        u128::from(self.free).saturating_mul(100).checked_div(self.size.into()).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
    }
}

/// Writes, synchronises and removes a small file in `folder`: a disk that is full or mounted for reading only says so here.
///
/// # Errors
/// If the disk refuses.
pub fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join("probe");
    let mut file = fs::File::create(&path)?;
    file.write_all(&[0; 512])?;
    file.sync_all()?;
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_tells_its_space() {
        let space = Space::of(Path::new("/")).unwrap();
        assert!(space.free <= space.size && space.size > 0 && space.percent_free() <= 100);
        assert!(Space::of(Path::new("/nowhere/at/all")).is_err());
        assert_eq!(Space { free: 999, size: 10_000 }.percent_free(), 9);
        assert_eq!(Space { free: u64::MAX, size: u64::MAX }.percent_free(), 100);
        assert_eq!(Space { free: 0, size: 0 }.percent_free(), 0);
    }

    #[test]
    fn a_probe_leaves_nothing_and_fails_where_nothing_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        probe(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(probe(&folder.path().join("none")).is_err());
    }
}
