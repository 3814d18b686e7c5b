//! Folders of an export, names of files in them, contents copied into them.
use std::{
    collections::HashSet,
    fs::{self, File},
    hash::{BuildHasher, RandomState},
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::Out;
use crate::{
    error::{Error, Result},
    form::composed,
    model::Item,
};

/// Longest file name that is made, in bytes; file systems take 255 with what endings add.
const MAX_NAME: usize = 200;

/// A folder that is written beside its final name (`.NAME.part`) and gets that name when it is complete. What a killed run left is removed
/// by the next.
pub(super) struct Folder {
    part: PathBuf,
    path: PathBuf,
    complete: bool,
}

impl Folder {
    /// Begins one; an existing folder with something in it is refused, since files of two exports would mix.
    pub(super) fn open(out: Out) -> Result<Self> {
        let Out::Path(path) = out else { return Err(Error::Refused("the format is a folder of files and cannot be streamed".into())) };
        let name =
            path.file_name().and_then(|n| n.to_str()).ok_or_else(|| Error::Refused(format!("{} names no folder", path.display())))?;
        let part = path.with_file_name(format!(".{name}.part"));
        if fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) || path.is_file() {
            return Err(Error::Refused(format!("{} is there already; name another folder or remove it", path.display())));
        }
        if part.exists() {
            fs::remove_dir_all(&part).map_err(Error::io("remove", &part))?;
        }
        fs::create_dir_all(&part).map_err(Error::io("create", &part))?;
        Ok(Self { part, path, complete: false })
    }
    /// Where a file of the folder is written; folders above it are made.
    pub(super) fn place(&self, file: &str) -> Result<PathBuf> {
        let path = self.part.join(file);
        let above = path.parent().unwrap_or(&self.part);
        fs::create_dir_all(above).map_err(Error::io("create", above))?;
        Ok(path)
    }
    /// Makes a folder in it.
    pub(super) fn make(&self, folder: &str) -> Result<()> {
        let path = self.part.join(folder);
        fs::create_dir_all(&path).map_err(Error::io("create", &path))
    }
    /// Writes a small file.
    pub(super) fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.place(file)?;
        fs::write(&path, text).map_err(Error::io("write", &path))
    }
    /// Opens a long text file.
    pub(super) fn create(&self, file: &str) -> Result<TextFile> {
        let path = self.place(file)?;
        let file = File::create(&path).map_err(Error::io("write", &path))?;
        Ok(TextFile { writer: BufWriter::new(file), path })
    }
    /// Copies an item's content, if it still is what was posted.
    pub(super) fn copy(&self, item: &Item, from: &Path, file: &str) -> Result<()> {
        let to = self.place(file)?;
        let mut source = File::open(from).map_err(Error::io("read", from))?;
        let mut copy = File::create(&to).map_err(Error::io("write", &to))?;
        let (mut hasher, mut chunk) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            let read = source.read(&mut chunk).map_err(Error::io("read", from))?;
            let Some(part) = chunk.get(..read).filter(|p| !p.is_empty()) else { break };
            hasher.update(part);
            copy.write_all(part).map_err(Error::io("write", &to))?;
        }
        if item.sha256.as_ref().is_some_and(|hash| *hash != hex::encode(hasher.finalize())) {
            return Err(Error::Refused(format!("{} was changed since the job was posted", from.display())));
        }
        Ok(())
    }
    /// Gives it its name.
    pub(super) fn finish(mut self) -> Result<PathBuf> {
        if self.path.exists() {
            fs::remove_dir(&self.path).map_err(Error::io("replace", &self.path))?; // it is empty, or this fails
        }
        fs::rename(&self.part, &self.path).map_err(Error::io("write", &self.path))?;
        self.complete = true;
        Ok(self.path.clone())
    }
}

impl Drop for Folder {
    /// Given up: what was written so far goes. That it cannot is no new failure.
    fn drop(&mut self) {
        if !self.complete {
            drop(fs::remove_dir_all(&self.part));
        }
    }
}

/// A long text file in a folder.
pub(super) struct TextFile {
    writer: BufWriter<File>,
    path: PathBuf,
}

impl TextFile {
    pub(super) fn write(&mut self, text: &str) -> Result<()> {
        self.writer.write_all(text.as_bytes()).map_err(Error::io("write", &self.path))
    }
    pub(super) fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(Error::io("write", &self.path))
    }
}

/// Names that were given, as hashes: eight bytes each, so that a million of them fit.
#[derive(Default)]
pub(super) struct Names {
    given: HashSet<u64>,
    state: RandomState,
}

impl Names {
    /// A name like `wanted` that no file system refuses and that was not given before, with case and Unicode's forms ignored. `number` makes it another one.
    pub(super) fn give(&mut self, wanted: &str, number: u32) -> String {
        let plain = plain(wanted);
        if self.take(&plain) {
            return plain;
        }
        let mut name = format!("{plain}-{number}");
        while !self.take(&name) {
            name.push('_');
        }
        name
    }
    fn take(&mut self, name: &str) -> bool {
        self.given.insert(self.state.hash_one(composed(&name.to_lowercase())))
    }
}

/// A name without what paths, shells and other systems' file systems take amiss.
pub(super) fn plain(name: &str) -> String {
    let safe = |c: char| if c.is_control() || r#"/\:*?"<>|"#.contains(c) { '_' } else { c };
    let mut out: String = name.chars().map(safe).collect();
    while out.len() > MAX_NAME {
        out.pop();
    }
    let trimmed = out.trim_end_matches(['.', ' ']).trim_start_matches(' ');
    let dotted = trimmed.strip_prefix('.').map(|rest| format!("_{rest}"));
    let out = dotted.unwrap_or_else(|| trimmed.to_owned());
    if out.is_empty() { "_".into() } else { out }
}

/// `name` and `png` of `name.png`.
pub(super) fn stem_and_ending(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && (1..=5).contains(&ending.len()) && !ending.contains(['/', ' ']) => (stem, ending),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_safe_whatever_the_items_are_called() {
        let mut names = Names::default();
        let long = "\u{fc}".repeat(300);
        let given: Vec<String> = ["a/b", "a_b", "A_B", "a_b-1", ".hidden", "..", "", " . ", "con:1", &long, &long]
            .iter()
            .zip(0..)
            .map(|(name, n)| names.give(name, n))
            .collect();
        assert_eq!(given[..5], ["a_b", "a_b-1", "A_B-2", "a_b-1-3", "_hidden"]);
        for name in &given {
            assert!(!name.is_empty() && !name.starts_with('.') && !name.contains('/') && name.len() <= 220, "{name}");
        }
        assert_eq!([names.give("e\u{301}", 7), names.give("\u{c9}", 8)], ["e\u{301}", "\u{c9}-8"]);
        let lower: HashSet<String> = given.iter().map(|n| n.to_lowercase()).collect();
        assert_eq!(lower.len(), given.len());
        assert_eq!(stem_and_ending("a.b.png"), ("a.b", "png"));
        assert_eq!([stem_and_ending("a"), stem_and_ending(".png"), stem_and_ending("a.b/c")], [("a", ""), (".png", ""), ("a.b/c", "")]);
    }

    #[test]
    fn a_folder_is_there_when_it_is_complete_and_is_never_mixed_with_another() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("out");
        let entries = || fs::read_dir(above.path()).unwrap().count();
        let given_up = Folder::open(Out::Path(path.clone())).unwrap();
        given_up.write("a", "x").unwrap();
        drop(given_up);
        assert_eq!(entries(), 0);
        let folder = Folder::open(Out::Path(path.clone())).unwrap();
        folder.write("sub/a", "x").unwrap();
        assert!(!path.exists());
        assert_eq!(folder.finish().unwrap(), path);
        assert_eq!((fs::read_to_string(path.join("sub/a")).unwrap().as_str(), entries()), ("x", 1));
        assert!(Folder::open(Out::Path(path)).err().unwrap().to_string().contains("is there already"));
    }
}
