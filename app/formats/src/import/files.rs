//! The folder: which files it has, what they are, and their hashes.
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{Content, Listed, Named, Progress, Source, Spool};
use crate::{
    error::{Error, Problems, Result},
    form::composed,
    model::{ItemKind, Size},
    sniff::{Media, picture_size, sniff},
};

/// Longest name of an item in bytes, as gateways take it.
pub const MAX_NAME: usize = 512;
/// How much of a file is in memory while it is hashed.
const CHUNK: usize = 64 << 10;
/// Folders within one another.
const DEPTH: usize = 32;

/// Files below a folder, by name, and what was passed over.
pub(super) struct Walked {
    pub(super) files: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Names all files below `folder` but those `apart`. Hidden files and what desktops leave behind are passed over, and told of.
pub(super) fn walk(folder: &Path, apart: &[&Path]) -> Result<Walked> {
    // What is not there is not among the files either.
    let apart: Vec<PathBuf> = apart.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let is_apart =
        |path: &Path| apart.iter().any(|a| a.file_name() == path.file_name()) && path.canonicalize().is_ok_and(|p| apart.contains(&p));
    let mut walked = Walked { files: Vec::new(), notes: Vec::new() };
    let (mut hidden, mut problems) = (0_usize, Problems::default());
    let mut open = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((path, below, depth)) = open.pop() {
        for entry in fs::read_dir(&path).map_err(Error::io("read the folder", &path))? {
            let entry = entry.map_err(Error::io("read the folder", &path))?;
            let Ok(name) = entry.file_name().into_string() else {
                problems.add(format!("{}: the name is not UTF-8", entry.path().display()));
                continue;
            };
            if is_hidden(&name) {
                hidden = hidden.saturating_add(1);
                continue;
            }
            let name = format!("{below}{name}");
            match kind(&entry.path())? {
                Kind::File if is_apart(&entry.path()) => {}
                Kind::File => match check_name(&name) {
                    Ok(()) => walked.files.push(name),
                    Err(why) => problems.add(why),
                },
                Kind::Folder if depth < DEPTH => open.push((entry.path(), format!("{name}/"), depth.saturating_add(1))),
                Kind::Folder => problems.add(format!("{name}: more than {DEPTH} folders within one another")),
                Kind::Other => problems.add(format!("{name} is neither a file nor a folder (a link to a folder, or to nothing)")),
            }
        }
    }
    walked.files.sort_unstable();
    for file in twice(&walked.files) {
        problems.add(format!("{file:?}: another file has the same name in another Unicode form; rename one of them"));
    }
    problems.none()?;
    if hidden > 0 {
        walked.notes.push(format!("{hidden} hidden files (such as .DS_Store) were passed over"));
    }
    Ok(walked)
}

/// Files whose names are those of others in another Unicode form; `files` are in order.
fn twice(files: &[String]) -> Vec<&str> {
    let mut forms = HashSet::new();
    let decomposed = files.iter().filter_map(|file| match composed(file) {
        Cow::Owned(form) => Some((file.as_str(), form)),
        Cow::Borrowed(_) => None,
    });
    decomposed.filter(|(_, form)| files.binary_search(form).is_ok() || !forms.insert(form.clone())).map(|(file, _)| file).collect()
}

enum Kind {
    File,
    Folder,
    Other,
}

/// Links to files are followed; links to folders could lead in circles.
fn kind(path: &Path) -> Result<Kind> {
    let own = fs::symlink_metadata(path).map_err(Error::io("read", path))?;
    let is_file = || fs::metadata(path).is_ok_and(|m| m.is_file());
    Ok(match () {
        () if own.is_dir() => Kind::Folder,
        () if own.is_file() || (own.is_symlink() && is_file()) => Kind::File,
        () => Kind::Other,
    })
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || matches!(name, "__MACOSX" | "Thumbs.db" | "desktop.ini")
}

/// Whether a name can stand in manifests and in other people's file systems.
pub(super) fn check_name(name: &str) -> std::result::Result<(), String> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(format!("{name:?}: a name has 1 to {MAX_NAME} bytes, found {}", name.len()));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("{name:?}: control characters in a name; rename it"));
    }
    if name.split('/').any(|part| part == "..") {
        return Err(format!("{name:?} leads out of the folder"));
    }
    Ok(())
}

/// Hashes and checks the items one after another, in bounded memory.
pub(super) fn hash(source: &Source<'_>, entries: Vec<Named>, spool: &mut Spool, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Listed>> {
    let of = entries.len();
    let (mut items, mut problems, mut total) = (Vec::with_capacity(of), Problems::default(), 0_u64);
    let mut seen: HashMap<[u8; 32], u32> = HashMap::with_capacity(of);
    let mut buffer = vec![0; CHUNK];
    for (done, entry) in entries.into_iter().enumerate() {
        let read = match entry.spooled {
            Some(offset) => spooled(source, spool, offset)?,
            None => file(source, &source.folder.join(&*entry.name), &mut buffer)?,
        };
        match read {
            Err(why) => problems.add(format!("{}: {why}", entry.name)),
            Ok(hashed) => {
                let number = u32::try_from(items.len()).map_err(|_| Error::Refused("too many items".into()))?;
                if let Some(other) = seen.insert(hashed.sha256, number) {
                    let other = usize::try_from(other).ok().and_then(|i| items.get(i)).map_or("another", |i: &Listed| &*i.name);
                    problems.add(format!("{} and {other} have the same content; remove one of them", entry.name));
                }
                total = total.saturating_add(hashed.bytes);
                let Hashed { sha256, bytes, media, size } = hashed;
                let content = entry.spooled.map_or(Content::File, |offset| Content::Spooled { offset });
                items.push(Listed { name: entry.name, sha256, bytes, media, size, content, answer: entry.answer });
            }
        }
        progress(Progress { items: done.saturating_add(1), of, bytes: total });
    }
    problems.none()?;
    Ok(items)
}

struct Hashed {
    sha256: [u8; 32],
    bytes: u64,
    media: Media,
    size: Option<Size>,
}

/// A fault of the item, as text.
type Checked = std::result::Result<Hashed, String>;

fn spooled(source: &Source<'_>, spool: &mut Spool, offset: u64) -> Result<Checked> {
    let text = spool.text(offset)?;
    let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
    Ok(check_length(bytes, source.item_bytes).and_then(|()| check_text(&text)).map(|()| Hashed {
        sha256: Sha256::digest(&text).into(),
        bytes,
        media: Media::Text,
        size: None,
    }))
}

fn check_length(bytes: u64, most: u64) -> std::result::Result<(), String> {
    if bytes == 0 || bytes > most { Err(format!("has {bytes} bytes; an item has 1 to {most}")) } else { Ok(()) }
}

fn check_text(text: &[u8]) -> std::result::Result<(), String> {
    match std::str::from_utf8(text) {
        Err(e) => Err(format!("is no UTF-8 text (byte {})", e.valid_up_to())),
        Ok(text) if text.contains('\0') => Err("is no text: it has bytes of zero".into()),
        Ok(_) => Ok(()),
    }
}

/// A text is read whole, being no longer than an item may be; anything else in chunks.
fn file(source: &Source<'_>, path: &PathBuf, buffer: &mut [u8]) -> Result<Checked> {
    let failed = |e| Error::io("read", path)(e);
    let mut file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    if let Err(why) = check_length(length, source.item_bytes) {
        return Ok(Err(why));
    }
    if source.item_kind == ItemKind::Text {
        let mut text = Vec::new();
        (&mut file).take(source.item_bytes).read_to_end(&mut text).map_err(failed)?;
        let hashed = || Hashed { sha256: Sha256::digest(&text).into(), bytes: text.len() as u64, media: Media::Text, size: None };
        return Ok(check_text(&text).map(|()| hashed()));
    }
    let (mut hasher, mut bytes, mut media) = (Sha256::new(), 0_u64, None);
    loop {
        let read = file.read(buffer).map_err(failed)?;
        let Some(part) = buffer.get(..read).filter(|p| !p.is_empty()) else { break };
        if bytes == 0 {
            media = sniff(part);
        }
        hasher.update(part);
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    if bytes != length {
        return Ok(Err(format!("changed while it was read ({length} bytes, then {bytes})")));
    }
    let media = match media {
        Some(media) if media.kind() == source.item_kind => media,
        Some(media) => return Ok(Err(format!("is {}, the job is about {}s", media.media_type(), source.item_kind.word()))),
        None => return Ok(Err(unknown(path, source.item_kind))),
    };
    let size = picture_size(&file, media).map_err(failed)?;
    Ok(Ok(Hashed { sha256: hasher.finalize().into(), bytes, media, size }))
}

/// What to say of a file that is no picture and no recording.
fn unknown(path: &Path, kind: ItemKind) -> String {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match (kind, ending.as_str()) {
        (_, "json" | "jsonl" | "ndjson" | "csv" | "tsv") => {
            "is no item: if it lists the items, name it with --list or call it items.jsonl, items.csv or items.json".into()
        }
        (ItemKind::Image, _) => "is no picture: expected PNG, JPEG, GIF, WebP, BMP or TIFF".into(),
        _ => "is no recording: expected WAV, FLAC, MP3, Ogg or M4A".into(),
    }
}
