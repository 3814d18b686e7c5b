//! Files and folders that appear under their names only when they are complete.
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use super::Out;
use crate::error::{Error, Result};

/// A stream, or a file written beside its final name (`.NAME.part`). What a killed run left of such a file is written over by the next.
pub struct Sink {
    writer: Option<BufWriter<Box<dyn Write>>>,
    /// Where it is written and what it will be called.
    names: Option<(PathBuf, PathBuf)>,
}

impl Sink {
    /// Begins.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn open(out: Out) -> Result<Self> {
        match out {
            Out::Stream(stream) => Ok(Self { writer: Some(BufWriter::new(stream)), names: None }),
            Out::Path(path) => {
                let part = part_of(&path)?;
                let file: Box<dyn Write> = Box::new(File::create(&part).map_err(Error::io("write", &part))?);
                Ok(Self { writer: Some(BufWriter::with_capacity(1 << 18, file)), names: Some((part, path)) })
            }
        }
    }
    /// Writes on.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(writer) = self.writer.as_mut() else { return Ok(()) };
        writer.write_all(bytes).map_err(|e| Error::io("write", self.names.as_ref().map_or(Path::new("the output"), |n| &n.1))(e))
    }
    /// JSON and a line end.
    pub(super) fn line(&mut self, value: &impl serde::Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(value).map_err(|e| Error::Refused(e.to_string()))?;
        text.push(b'\n');
        self.write(&text)
    }
    /// Brings it to the disk, gives it its name and tells that; a stream has none.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn finish(mut self) -> Result<Option<PathBuf>> {
        let Some(mut writer) = self.writer.take() else { return Ok(None) };
        let name = self.names.as_ref().map_or(Path::new("the output"), |n| &n.1).to_owned();
        writer.flush().map_err(Error::io("write", &name))?;
        drop(writer);
        let Some((part, path)) = self.names.take() else { return Ok(None) };
        File::open(&part).and_then(|f| f.sync_all()).and_then(|()| fs::rename(&part, &path)).map_err(Error::io("write", &path))?;
        Ok(Some(path))
    }
}

impl Drop for Sink {
    /// Given up: what was written so far goes. That it cannot is no new failure.
    fn drop(&mut self) {
        self.writer = None;
        if let Some((part, _)) = &self.names {
            drop(fs::remove_file(part));
        }
    }
}

/// `dir/.name.part` of `dir/name`.
fn part_of(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().and_then(|n| n.to_str()).ok_or_else(|| Error::Refused(format!("{} names no file", path.display())))?;
    Ok(path.with_file_name(format!(".{name}.part")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_when_it_is_complete_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let mut given_up = Sink::open(Out::Path(path.clone())).unwrap();
        given_up.write(b"half").unwrap();
        drop(given_up);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut sink = Sink::open(Out::Path(path.clone())).unwrap();
        sink.write(b"whole").unwrap();
        assert!(!path.exists());
        assert_eq!(sink.finish().unwrap(), Some(path.clone()));
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
