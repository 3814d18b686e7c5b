//! Files that are read within bounds, and written whole or not at all.
use std::{
    fs,
    io::{BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result, ensure};

/// Most bytes of a file of settings or of a key.
pub(crate) const MAX_SETTINGS: u64 = 1 << 20;
/// Most bytes of a file of JSON that is held in memory whole: a genesis file of many accounts.
pub(crate) const MAX_JSON: u64 = 4 << 30;

/// The text of a file. What is none is refused before it is opened: of a pipe nothing might ever come, and a device has no end.
pub(crate) fn read_text(path: &Path, most: u64) -> Result<String> {
    let cannot = || format!("cannot read {}", path.display());
    let found = fs::metadata(path).with_context(cannot)?;
    ensure!(found.is_file(), "{} is no file", path.display());
    ensure!(found.len() <= most, "{} has {} bytes, of which there are at most {most}", path.display(), found.len());
    let mut text = String::new();
    fs::File::open(path).and_then(|file| file.take(most).read_to_string(&mut text)).with_context(cannot)?;
    Ok(text)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_or_too_large_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "1234").unwrap();
        assert_eq!(read_text(&path, 4).unwrap(), "1234");
        assert!(read_text(&path, 3).unwrap_err().to_string().contains("has 4 bytes, of which there are at most 3"));
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(read_text(&path, MAX_JSON).unwrap_err().to_string().contains("at most"));
        let pipe = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
        assert!(pipe.success());
        for none in [folder.path().join("pipe"), folder.path().to_owned(), "/dev/zero".into()] {
            assert!(read_text(&none, 9).unwrap_err().to_string().contains("is no file"), "{}", none.display());
        }
        assert!(read_text(&folder.path().join("none"), 9).unwrap_err().to_string().contains("cannot read"));
    }
}
