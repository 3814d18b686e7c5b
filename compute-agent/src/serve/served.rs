//! How many calls of each session were served, on the disk before each is.
use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};

use crate::cli::files::{self, For};

/// A file of counts.
#[derive(Debug)]
pub(super) struct Served(PathBuf);

impl Served {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Another file beside it.
    pub(super) fn beside(&self, extension: &str) -> PathBuf {
        self.0.with_extension(extension)
    }

    /// Counts one call more of a session; whether there was one left of those that are paid for.
    pub(super) fn take(&self, session: u64, paid: u64) -> Result<bool> {
        let mut served = self.read()?;
        let count = served.entry(session).or_default();
        if *count >= paid {
            return Ok(false);
        }
        *count = count.saturating_add(1);
        self.write(&served)?;
        Ok(true)
    }

    /// Counts a call of a session as not served, because it has no answer.
    pub(super) fn give_back(&self, session: u64) -> Result<()> {
        let mut served = self.read()?;
        if let Some(count) = served.get_mut(&session) {
            *count = count.saturating_sub(1);
        }
        self.write(&served)
    }

    fn write(&self, served: &BTreeMap<u64, u64>) -> Result<()> {
        let text = serde_json::to_vec(served)?;
        files::replace(&self.0, For::Owner, |out: &mut dyn Write| Ok(out.write_all(&text)?))
    }

    fn read(&self) -> Result<BTreeMap<u64, u64>> {
        match fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", self.0.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", self.0.display())),
        }
    }
}
