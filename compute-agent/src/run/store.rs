//! Models and inputs on the disk: what the owner put there, and what was fetched, which has a bound.
use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io::Result,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What a content is: the folder that it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The file of a model, by its program's id.
    Model,
    /// The inputs of a job, by their root.
    Inputs,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Model, Self::Inputs];

    /// As folders and errors call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Inputs => "inputs",
        }
    }
}

/// Folders `models` and `inputs`, which are the owner's and never touched, and the same below `fetched`, which together hold at most so many bytes.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    most: u64,
    held: BTreeSet<String>,
}

impl Store {
    /// Over a folder, in which fetched contents take at most `most` bytes.
    ///
    /// # Errors
    /// A folder that cannot be made or read.
    pub(super) fn open(folder: &Path, most: u64) -> Result<Self> {
        let store = Self { folder: folder.to_owned(), most, held: BTreeSet::new() };
        for kind in Kind::ALL {
            for folder in [store.folder.join(kind.name()), store.fetched(kind)] {
                fs::create_dir_all(folder)?;
            }
        }
        // Inputs of proven jobs, with their salts, are for requester and provider alone.
        for private in [store.folder.join(Kind::Inputs.name()), store.fetched(Kind::Inputs)] {
            fs::set_permissions(private, Permissions::from_mode(0o700))?;
        }
        for (path, ..) in store.files()? {
            if path.extension().is_some() {
                fs::remove_file(path)?; // what an agent that was stopped wrote half
            }
        }
        Ok(store)
    }

    fn fetched(&self, kind: Kind) -> PathBuf {
        self.folder.join("fetched").join(kind.name())
    }

    fn places(&self, kind: Kind, name: &str) -> [PathBuf; 2] {
        [self.folder.join(kind.name()).join(name), self.fetched(kind).join(name)]
    }

    /// Whether a content is there.
    pub(super) fn has(&self, kind: Kind, name: &str) -> bool {
        self.places(kind, name).iter().any(|path| path.exists())
    }

    /// A content; `None`: it is not there, or cannot be read.
    pub(super) fn read(&self, kind: Kind, name: &str) -> Option<Vec<u8>> {
        let [own, fetched] = self.places(kind, name);
        if let Ok(bytes) = fs::read(own) {
            return Some(bytes);
        }
        let bytes = fs::read(&fetched).ok()?;
        // The order in which contents go is all that hangs on it.
        let _noted = File::options().append(true).open(fetched).and_then(|file| file.set_modified(SystemTime::now()));
        Some(bytes)
    }

    /// Names whose contents stay, however full it is: of jobs that cost something where they are gone.
    pub(super) fn hold(&mut self, names: BTreeSet<String>) {
        self.held = names;
    }

    /// Keeps a content that was fetched, in place of those that were longest not read.
    ///
    /// # Errors
    /// It cannot be written, or takes more room than there is.
    pub(super) fn keep(&self, kind: Kind, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, size) = (self.fetched(kind).join(name), bytes.len() as u64);
        if !self.held.contains(name) && size > self.most {
            return Err(std::io::Error::other(format!("it has {size} bytes, at most {} are kept", self.most)));
        }
        self.make_room(size)?;
        let part = path.with_extension("part");
        fs::write(&part, bytes)?;
        fs::rename(part, path)
    }

    /// Removes contents until there is room, or none is left but those that are held.
    fn make_room(&self, size: u64) -> Result<()> {
        let mut files = self.files()?;
        files.sort_by(|(one, _, read), (other, _, later)| (read, one).cmp(&(later, other)));
        let mut all = files.iter().fold(size, |all, (_, size, _)| all.saturating_add(*size));
        for (path, size, _) in files {
            if all <= self.most {
                break;
            }
            let held = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| self.held.contains(name));
            if !held {
                tracing::debug!(path = %path.display(), size, "makes room");
                fs::remove_file(path)?;
                all = all.saturating_sub(size);
            }
        }
        Ok(())
    }

    /// Fetched contents: where they lie, their bytes, and when they were last read.
    fn files(&self) -> Result<Vec<(PathBuf, u64, SystemTime)>> {
        let mut found = Vec::new();
        for kind in Kind::ALL {
            for entry in fs::read_dir(self.fetched(kind))? {
                let entry = entry?;
                let known = entry.metadata()?;
                found.push((entry.path(), known.len(), known.modified()?));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn store(most: u64) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), most).unwrap();
        (folder, store)
    }

    /// Files by name that were last read in this order, an hour apart.
    fn age(store: &Store, names: &[(Kind, &str)]) {
        for (place, (kind, name)) in names.iter().enumerate() {
            let file = File::options().append(true).open(store.fetched(*kind).join(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(3_600 * place as u64)).unwrap();
        }
    }

    #[test]
    fn what_was_longest_not_read_makes_room() {
        let (_folder, store) = store(30);
        for (kind, name) in [(Kind::Model, "a"), (Kind::Inputs, "b"), (Kind::Inputs, "c")] {
            store.keep(kind, name, &[7; 10]).unwrap();
        }
        age(&store, &[(Kind::Model, "a"), (Kind::Inputs, "b"), (Kind::Inputs, "c")]);
        assert_eq!(store.read(Kind::Model, "a").unwrap(), [7; 10]);
        store.keep(Kind::Model, "d", &[8; 15]).unwrap();
        let there =
            [(Kind::Model, "a"), (Kind::Inputs, "b"), (Kind::Inputs, "c"), (Kind::Model, "d")].map(|(kind, name)| store.has(kind, name));
        assert_eq!(there, [true, false, false, true]);
    }

    #[test]
    fn what_is_held_stays_and_comes_in_however_full_it_is() {
        let (_folder, mut store) = store(20);
        store.keep(Kind::Model, "a", &[7; 10]).unwrap();
        store.keep(Kind::Model, "b", &[7; 10]).unwrap();
        age(&store, &[(Kind::Model, "a"), (Kind::Model, "b")]);
        store.hold(["a", "c"].map(str::to_owned).into());
        store.keep(Kind::Inputs, "c", &[7; 21]).unwrap();
        assert!(store.has(Kind::Model, "a") && !store.has(Kind::Model, "b") && store.has(Kind::Inputs, "c"));
        assert!(store.keep(Kind::Inputs, "d", &[7; 21]).is_err());
        assert!(store.keep(Kind::Inputs, "d", &[7; 20]).is_ok());
    }

    #[test]
    fn what_the_owner_put_there_stays_and_comes_first_and_what_is_half_goes() {
        let (folder, store) = store(10);
        fs::write(folder.path().join("models/a"), [1; 100]).unwrap();
        fs::write(folder.path().join("fetched/inputs/b.part"), [1; 100]).unwrap();
        store.keep(Kind::Model, "a", &[2; 10]).unwrap();
        store.keep(Kind::Model, "b", &[2; 10]).unwrap();
        assert_eq!(store.read(Kind::Model, "a").unwrap(), [1; 100]);
        drop(store);
        let store = Store::open(folder.path(), 10).unwrap();
        assert!(!folder.path().join("fetched/inputs/b.part").exists());
        assert!(store.has(Kind::Model, "b") && store.read(Kind::Inputs, "b").is_none());
        let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode("inputs"), mode("fetched/inputs")], [0o700; 2]);
    }
}
