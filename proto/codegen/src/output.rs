//! The generated files in memory: compared with a folder, or written to it.

use std::{collections::BTreeMap, fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result};

/// Generated files by name.
#[derive(Debug, Default)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// The files that lie in `dir`; none where `dir` does not exist.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let entries = match fs::read_dir(dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries.with_context(|| format!("list {}", dir.display()))?,
        };
        let mut files = BTreeMap::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, fs::read(entry.path()).with_context(|| format!("read {}", entry.path().display()))?);
        }
        Ok(Self(files))
    }

    pub(crate) fn add(&mut self, name: &str, bytes: Vec<u8>) {
        self.0.insert(name.to_owned(), bytes);
    }

    /// How many files there are.
    #[allow(clippy::len_without_is_empty, reason = "the generator always makes some")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Names of the files that are missing from `dir`, differ there, or lie there without being generated.
    ///
    /// # Errors
    /// `dir` exists and cannot be read.
    pub fn differences(&self, dir: &Path) -> Result<Vec<String>> {
        let found = Self::read(dir)?;
        let changed = self.0.iter().filter(|(name, bytes)| found.0.get(*name) != Some(*bytes)).map(|(name, _)| name);
        let foreign = found.0.keys().filter(|name| !self.0.contains_key(*name));
        Ok(changed.chain(foreign).cloned().collect())
    }

    /// Makes `dir` hold exactly these files. What is the same already is not touched, so that cargo does not rebuild for it.
    ///
    /// # Errors
    /// `dir` cannot be read or written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        for name in self.differences(dir)? {
            let path = dir.join(&name);
            match self.0.get(&name) {
                Some(bytes) => fs::write(&path, bytes),
                None => fs::remove_file(&path),
            }
            .with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }
}
