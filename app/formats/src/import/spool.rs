//! Texts that stand in a list itself: kept in a file without a name, so that a million of them need no memory.
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use crate::error::{Error, Result};

/// The texts of a list. Its file vanishes with it.
#[derive(Debug)]
pub struct Spool {
    file: File,
    end: u64,
    /// What was pushed and is not written yet.
    pending: Vec<u8>,
}

/// How much is written at once.
const CHUNK: usize = 1 << 20;

impl Spool {
    pub(super) fn new() -> Result<Self> {
        let file = tempfile::tempfile().map_err(Error::io("write a temporary file in", &std::env::temp_dir()))?;
        Ok(Self { file, end: 0, pending: Vec::new() })
    }
    /// Where the text begins. Its length is part of what the caller keeps.
    pub(super) fn push(&mut self, text: &[u8]) -> Result<u64> {
        let at = self.end;
        let length = u32::try_from(text.len()).map_err(|_| Error::Refused("a text of more than 4 GiB".into()))?;
        self.pending.extend(length.to_be_bytes());
        self.pending.extend(text);
        self.end = self.end.saturating_add(4).saturating_add(length.into());
        if self.pending.len() >= CHUNK {
            self.flush()?;
        }
        Ok(at)
    }
    fn flush(&mut self) -> Result<()> {
        let write = |file: &mut File, bytes: &[u8]| file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(bytes));
        write(&mut self.file, &self.pending).map_err(Error::io("write", Path::new("a temporary file")))?;
        self.pending.clear();
        Ok(())
    }
    /// The text at a place.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn text(&mut self, offset: u64) -> Result<Vec<u8>> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        let mut read = || {
            let mut length = [0; 4];
            self.file.seek(SeekFrom::Start(offset))?;
            self.file.read_exact(&mut length)?;
            let mut text = Vec::new();
            (&mut self.file).take(u32::from_be_bytes(length).into()).read_to_end(&mut text)?;
            Ok(text)
        };
        read().map_err(Error::io("read", Path::new("a temporary file")))
    }
}
