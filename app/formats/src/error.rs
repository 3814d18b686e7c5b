//! Every way in which files cannot be read or written.
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{export::Format, model::JobKind};

/// What functions of this crate answer.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an import or an export ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried, such as `read`.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A list of items cannot be read on from a line or an entry.
    #[error("{} {at}: {reason}", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// Where in it: `line 7` or `task 3`.
        at: String,
        /// What is wrong there.
        reason: String,
    },
    /// Items that cannot be taken, as many as are told at once.
    #[error("{0}")]
    Items(Problems),
    /// A format that has no place for the answers of such a job.
    #[error("{format} cannot hold the answers of {kind} jobs over these items; these formats can: {}", able.join(", "))]
    Unfit {
        /// The format.
        format: Format,
        /// What the job asked.
        kind: JobKind,
        /// Formats that can.
        able: Vec<&'static str>,
    },
    /// Something is missing or in the way.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
    /// A format that lacks something of the contents.
    pub(crate) fn lacks(what: &str) -> Self {
        Self::Refused(format!("{what}; name the folder of items with --items, or a key with --from to have them fetched"))
    }
    pub(crate) fn list(path: &Path, at: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self::List { path: path.to_owned(), at: at.to_string(), reason: reason.into() }
    }
}

/// Faults of items, told together so that a folder need not be mended one file at a time.
#[derive(Debug, Default)]
pub struct Problems {
    told: Vec<String>,
    more: usize,
}

impl Problems {
    /// How many are told; the others are counted.
    pub const TOLD: usize = 20;

    pub(crate) fn add(&mut self, text: String) {
        if self.told.len() < Self::TOLD {
            self.told.push(text);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
    /// An error if there is any.
    pub(crate) fn none(self) -> Result<()> {
        if self.told.is_empty() { Ok(()) } else { Err(Error::Items(self)) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told.join("\n"))?;
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}
