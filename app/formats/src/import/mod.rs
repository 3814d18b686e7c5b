//! From a folder, with or without a list of its items, to hashed and checked items.
mod coco;
mod csv;
mod files;
mod jsonl;
mod label_studio;
mod seq;
mod spool;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    answer::Fields,
    error::{Error, Problems, Result},
    form::composed,
    model::{Answer, ItemKind, JobKind, Size},
    sniff::Media,
};

pub use files::MAX_NAME;
pub use spool::Spool;

/// What is to be imported, and what it must be.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// The folder of items.
    pub folder: &'a Path,
    /// The list of items; without one the folder's `items.jsonl`, `items.csv`, `items.tsv` or `items.json` is taken if it has one of them,
    /// else every file is an item.
    pub list: Option<&'a Path>,
    /// Files of the folder that are neither items nor the list, such as the description of the job.
    pub apart: &'a [PathBuf],
    /// What the items are.
    pub item_kind: ItemKind,
    /// What is asked about them.
    pub job_kind: JobKind,
    /// Names of the classes.
    pub classes: &'a [String],
    /// Largest item in bytes.
    pub item_bytes: u64,
}

/// Where an item's content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// In the file of the item's name below the folder.
    File,
    /// In the spool: a list held the text itself.
    Spooled {
        /// Where it begins.
        offset: u64,
    },
}

/// An item that was found, hashed and checked. About 150 bytes of memory each, whatever its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Path below the folder with `/`, or the name that a list gave.
    pub name: Box<str>,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
    /// Size of the content.
    pub bytes: u64,
    /// What it is.
    pub media: Media,
    /// Of a picture.
    pub size: Option<Size>,
    /// Where it is.
    pub content: Content,
    /// The answer that is known already.
    pub answer: Option<Box<Answer>>,
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Items hashed.
    pub items: usize,
    /// Of so many.
    pub of: usize,
    /// Bytes hashed.
    pub bytes: u64,
}

/// What an import found.
#[derive(Debug)]
pub struct Found {
    /// By name.
    pub items: Vec<Listed>,
    /// Texts that stood in the list itself.
    pub spool: Spool,
    /// What a person should know: files that were passed over, columns that mean nothing.
    pub notes: Vec<String>,
}

/// An item as a list names it.
#[derive(Debug, Default, PartialEq)]
struct Entry {
    name: Option<String>,
    text: Option<String>,
    answer: Option<Answer>,
}

/// What reads of a list end in.
struct List {
    entries: Vec<Named>,
    notes: Vec<String>,
}

/// An entry whose text, if it had one, is in the spool.
struct Named {
    name: Box<str>,
    spooled: Option<u64>,
    answer: Option<Box<Answer>>,
}

/// Finds, checks and hashes the items. `progress` is told after each of them.
///
/// # Errors
/// A folder or list that cannot be read; a list with a fault, by its line; items that cannot be taken (missing, empty, too large, of
/// another kind than the job's, twice), the first twenty of them by name.
pub fn import(source: &Source<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Found> {
    check_classes(source.classes)?;
    let mut spool = Spool::new()?;
    let list = source.list.map(Path::to_owned).or_else(|| standard_list(source.folder));
    let apart: Vec<&Path> = source.apart.iter().map(PathBuf::as_path).chain(list.as_deref()).collect();
    let mut walked = files::walk(source.folder, &apart)?;
    let mut notes = std::mem::take(&mut walked.notes);
    let entries = match &list {
        None => walked.files.into_iter().map(|name| Named { name: name.into(), spooled: None, answer: None }).collect(),
        Some(path) => {
            let read = read_list(source, path, &walked.files, &mut spool)?;
            notes.extend(read.notes);
            let used: HashSet<&str> = read.entries.iter().map(|e| &*e.name).collect();
            let unused = walked.files.iter().filter(|f| !used.contains(f.as_str())).count();
            if unused > 0 {
                notes.push(format!("{unused} files in {} are not named by {}", source.folder.display(), path.display()));
            }
            read.entries
        }
    };
    if entries.is_empty() {
        return Err(Error::Refused(format!("{} holds no items", list.as_deref().unwrap_or(source.folder).display())));
    }
    let items = files::hash(source, entries, &mut spool, progress)?;
    Ok(Found { items, spool, notes })
}

/// Refuses classes of which two are one name: an answer could mean either.
fn check_classes(classes: &[String]) -> Result<()> {
    for (n, class) in classes.iter().enumerate() {
        if let Some(other) = classes.iter().take(n).find(|other| composed(other) == composed(class)) {
            return Err(Error::Refused(format!("the classes {other:?} and {class:?} are one name (in two Unicode forms); leave one out")));
        }
    }
    Ok(())
}

/// The list that a folder brings along.
fn standard_list(folder: &Path) -> Option<PathBuf> {
    ["items.jsonl", "items.csv", "items.tsv", "items.json"].iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Reads a list by its ending, a `.json` by what stands in it.
fn read_list(source: &Source<'_>, path: &Path, files: &[String], spool: &mut Spool) -> Result<List> {
    let mut collector = Collector {
        source,
        path,
        names: Names::new(files),
        spool,
        entries: Vec::new(),
        lines: HashMap::new(),
        problems: Problems::default(),
    };
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let notes = match ending.as_str() {
        "jsonl" | "ndjson" => jsonl::read(path, &mut collector)?,
        "csv" | "tsv" => csv::read(path, ending == "tsv", &mut collector)?,
        "json" => match first_sign(path)? {
            b'[' => label_studio::read(path, &mut collector)?,
            b'{' => coco::read(path, &mut collector)?,
            _ => return Err(Error::list(path, "line 1", "expected Label Studio's list of tasks ('[') or a COCO object ('{')")),
        },
        _ => return Err(Error::Refused(format!("{} is no list: expected .jsonl, .csv, .tsv or .json", path.display()))),
    };
    let Collector { entries, problems, .. } = collector;
    problems.none()?;
    Ok(List { entries, notes })
}

/// The first byte that is neither a blank nor part of a byte order mark.
fn first_sign(path: &Path) -> Result<u8> {
    let mut head = Vec::new();
    fs::File::open(path).and_then(|f| f.take(4096).read_to_end(&mut head)).map_err(Error::io("read", path))?;
    Ok(head.iter().copied().find(|b| !b.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(b)).unwrap_or(b' '))
}

/// Takes what readers of lists find, checks names and keeps texts out of memory.
struct Collector<'a> {
    source: &'a Source<'a>,
    path: &'a Path,
    names: Names<'a>,
    spool: &'a mut Spool,
    entries: Vec<Named>,
    /// Where each name stood, to tell of the second.
    lines: HashMap<Box<str>, u64>,
    problems: Problems,
}

impl Collector<'_> {
    /// An entry at a place, such as `("line", 7)`.
    fn add(&mut self, (unit, at): (&'static str, u64), entry: Entry) -> Result<()> {
        let place = format!("{} {unit} {at}", self.path.display());
        let name = match (&entry.name, &entry.text) {
            (None, None) => return self.fault(format!("{place}: neither an item nor a text")),
            (Some(name), None) => match self.names.find(name) {
                Ok(name) => name.to_owned(),
                Err(why) => return self.fault(format!("{place}: {why}")),
            },
            // A text of the list itself: its name is free, or its place.
            (Some(name), Some(_)) => name.clone(),
            (None, Some(_)) => format!("{unit}-{at}"),
        };
        if let Err(why) = files::check_name(&name) {
            return self.fault(format!("{place}: {why}"));
        }
        let name: Box<str> = name.into();
        if let Some(before) = self.lines.insert(composed(&name).into(), at) {
            return self.fault(format!("{place}: {name} stands there already ({unit} {before})"));
        }
        let spooled = match entry.text {
            Some(_) if self.source.item_kind != ItemKind::Text => {
                return self.fault(format!("{place}: a text in a list of {}s", self.source.item_kind.word()));
            }
            Some(text) => Some(self.spool.push(text.as_bytes())?),
            None => None,
        };
        self.entries.push(Named { name, spooled, answer: entry.answer.map(Box::new) });
        Ok(())
    }
    /// A fault that does not stop the reading.
    fn fault(&mut self, text: String) -> Result<()> {
        self.problems.add(text);
        Ok(())
    }
    /// The answer of fields, or a fault told.
    fn answer(&mut self, at: (&'static str, u64), fields: &Fields) -> Option<Answer> {
        match fields.answer(self.source.job_kind, self.source.classes) {
            Ok(answer) => answer,
            Err(why) => {
                self.problems.add(format!("{} {} {}: {why}", self.path.display(), at.0, at.1));
                None
            }
        }
    }
}

/// Finds files by the names that lists of other tools give them.
struct Names<'a> {
    whole: HashSet<&'a str>,
    /// By what follows the last `/`; none where two files share it.
    last: HashMap<&'a str, Option<&'a str>>,
    /// Files whose names are not in the composed form, by that form of the whole name and of its last part.
    composed: HashMap<String, Option<&'a str>>,
}

impl<'a> Names<'a> {
    fn new(files: &'a [String]) -> Self {
        let mut last: HashMap<&str, Option<&str>> = HashMap::with_capacity(files.len());
        for file in files {
            last.entry(base(file)).and_modify(|one| *one = None).or_insert(Some(file));
        }
        let mut forms: HashMap<String, Option<&str>> = HashMap::new();
        for file in files {
            if let Cow::Owned(form) = composed(file) {
                forms.entry(base(&form).to_owned()).and_modify(|one| *one = None).or_insert(Some(file));
                forms.insert(form, Some(file));
            }
        }
        Self { whole: files.iter().map(String::as_str).collect(), last, composed: forms }
    }
    /// The file that `name` means: as it is, below `./`, without the address of Label Studio's storage, by its last part alone, without
    /// the eight digits that Label Studio puts before uploaded files; and each of these in another Unicode form.
    fn find(&self, name: &str) -> std::result::Result<&'a str, String> {
        let plain = name.strip_prefix("./").unwrap_or(name);
        let stored = plain.rsplit_once("?d=").map_or(plain, |(_, path)| path);
        let decoded = percent_decoded(stored);
        let form = composed(&decoded);
        for whole in [plain, &decoded, &form] {
            if let Some(found) = self.whole.get(whole).or_else(|| self.composed.get(whole)?.as_ref()) {
                return Ok(found);
            }
        }
        for last in [base(plain), base(&decoded), base(&form), without_prefix(base(&decoded)), without_prefix(base(&form))] {
            match self.last.get(last).or_else(|| self.composed.get(last)) {
                Some(Some(found)) => return Ok(found),
                Some(None) => return Err(format!("there are several files {last:?}; give their paths below the folder")),
                None => {}
            }
        }
        Err(format!("there is no file {name:?} in the folder"))
    }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `1b2c3d4e-name.png` as `name.png`.
fn without_prefix(name: &str) -> &str {
    match name.split_once('-') {
        Some((digits, rest)) if digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => rest,
        _ => name,
    }
}

/// `%20` as a blank; what is not valid stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|d| std::str::from_utf8(d).ok());
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_under_the_names_that_other_tools_give_them() {
        let files = ["a b.png".to_owned(), "sub/c.png".to_owned(), "one/d.png".to_owned(), "two/d.png".to_owned(), "%41.png".to_owned()];
        let names = Names::new(&files);
        for (given, found) in [
            ("a b.png", "a b.png"),
            ("./sub/c.png", "sub/c.png"),
            ("c.png", "sub/c.png"),
            ("/data/upload/3/0a1b2c3d-c.png", "sub/c.png"),
            ("/data/local-files/?d=photos/a%20b.png", "a b.png"),
            ("s3://bucket/set/a%20b.png", "a b.png"),
            ("one/d.png", "one/d.png"),
            ("%41.png", "%41.png"),
        ] {
            assert_eq!(names.find(given), Ok(found), "{given}");
        }
        let files = ["gru\u{308}n.png".to_owned(), "sub/r\u{e9}.png".to_owned()];
        let names = Names::new(&files);
        for (given, found) in [
            ("gr\u{fc}n.png", 0),
            ("gru\u{308}n.png", 0),
            ("gr%C3%BCn.png", 0),
            ("sub/re\u{301}.png", 1),
            ("re\u{301}.png", 1),
            ("0a1b2c3d-re\u{301}.png", 1),
        ] {
            assert_eq!(names.find(given), Ok(files[found].as_str()), "{given}");
        }
        let files = ["a b.png".to_owned(), "sub/c.png".to_owned(), "one/d.png".to_owned(), "two/d.png".to_owned()];
        let names = Names::new(&files);
        assert!(names.find("d.png").unwrap_err().contains("several"));
        assert!(names.find("e.png").unwrap_err().contains("no file"));
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%ff"), "%ff");
    }
}
