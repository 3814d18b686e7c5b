//! Folders there and back, and whatever may go wrong between.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]
use std::{cell::Cell, fs, ops::Range, path::Path};

use cairn_content::ContentKey;
use tempfile::tempdir;

use super::*;

/// A sealed folder on this machine, which counts what is asked of it.
struct Folder<'a>(&'a Path, Cell<u64>);

impl Sealed for Folder<'_> {
    fn read(&self, index: u32, range: Range<u64>) -> anyhow::Result<Vec<u8>> {
        self.1.set(self.1.get() + 1);
        assert!(range.end - range.start <= 16 * 65_552, "bounded windows");
        Ok(fs::read(item_path(self.0, index as usize))?[range.start as usize..range.end as usize].to_vec())
    }
}

fn key() -> ContentKey {
    ContentKey::new([8; 32])
}

/// Files of odd sizes and names; one of more than an item.
fn content(folder: &Path) {
    fs::create_dir_all(folder.join("deep/er")).unwrap();
    fs::write(folder.join("empty"), []).unwrap();
    fs::write(folder.join("a b \u{e9}.txt"), "hello").unwrap();
    fs::write(folder.join("deep/er/chunk"), vec![7; 65_536]).unwrap();
    fs::write(folder.join("deep/large"), [vec![5; PART as usize], (0..70_000_u32).map(|i| i as u8).collect()].concat()).unwrap();
    fs::write(folder.join("exact"), vec![1; PART as usize]).unwrap();
}

fn same(a: &Path, b: &Path) -> bool {
    ["empty", "a b \u{e9}.txt", "deep/er/chunk", "deep/large", "exact"]
        .iter()
        .all(|name| fs::read(a.join(name)).unwrap() == fs::read(b.join(name)).unwrap())
}

fn quiet() -> impl FnMut(u64, u64) {
    |_, _| ()
}

#[test]
fn a_folder_comes_back_and_an_interrupted_opening_goes_on() {
    let home = tempdir().unwrap();
    let (plain, sealed, out) = (home.path().join("plain"), home.path().join("sealed"), home.path().join("out"));
    content(&plain);
    let mut told = (0, 0);
    let summary = seal_folder(&key(), &plain, &sealed, &mut |done, total| told = (done, total)).unwrap();
    assert_eq!((summary.files, summary.manifest.entries.len()), (5, 7));
    assert_eq!(told, (summary.bytes, summary.bytes));
    let manifest = Manifest::parse(&fs::read(sealed.join(MANIFEST)).unwrap()).unwrap();
    assert_eq!((manifest.root(), &manifest), (summary.manifest.root(), &summary.manifest));
    for (i, entry) in manifest.entries.iter().enumerate() {
        let bytes = fs::read(item_path(&sealed, i)).unwrap();
        assert_eq!(bytes.len() as u64, entry.bytes);
        assert!(!bytes.windows(5).take(1_000).any(|w| w == b"hello"));
    }
    assert!(!item_path(&sealed, 7).exists());

    let source = Folder(&sealed, Cell::new(0));
    let opened = open_folder(&key(), &manifest, &source, &out, &mut quiet()).unwrap();
    assert_eq!(opened, Opened { files: 5, kept: 0, bytes: summary.bytes });
    assert!(same(&plain, &out));
    fs::remove_file(out.join("empty")).unwrap();
    source.1.set(0);
    assert_eq!(open_folder(&key(), &manifest, &source, &out, &mut quiet()).unwrap().kept, 4);
    assert_eq!(source.1.get(), 2, "the listing and what was missing");
    assert!(same(&plain, &out));
    fs::write(out.join("empty"), "mine").unwrap();
    let error = open_folder(&key(), &manifest, &source, &out, &mut quiet()).unwrap_err();
    assert!(error.to_string().contains("another content"), "{error:#}");
}

#[test]
fn another_key_changed_items_and_another_manifest_are_refused() {
    let home = tempdir().unwrap();
    let (plain, sealed) = (home.path().join("plain"), home.path().join("sealed"));
    fs::create_dir(&plain).unwrap();
    fs::write(plain.join("a"), vec![3; 70_000]).unwrap();
    fs::write(plain.join("b"), "b").unwrap();
    let manifest = seal_folder(&key(), &plain, &sealed, &mut quiet()).unwrap().manifest;
    let source = Folder(&sealed, Cell::new(0));
    let open = |key: &ContentKey, manifest: &Manifest, out: &str| open_folder(key, manifest, &source, &home.path().join(out), &mut quiet());
    assert!(open(&ContentKey::new([9; 32]), &manifest, "1").is_err());
    // Items sealed under the right key, but swapped, or others than the manifest's.
    let mut swapped = manifest.clone();
    swapped.entries.swap(1, 2);
    assert!(open(&key(), &swapped, "2").is_err());
    let mut foreign = manifest.clone();
    foreign.entries[2].sha256 = [0; 32];
    assert!(format!("{:#}", open(&key(), &foreign, "3").unwrap_err()).contains("not the one in the manifest"));
    assert!(!home.path().join("3/b").exists(), "nothing has its name that is not right");
    let mut short = manifest.clone();
    short.entries.pop();
    assert!(open(&key(), &short, "4").is_err());
    let path = item_path(&sealed, 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[66_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(format!("{:#}", open(&key(), &manifest, "5").unwrap_err()).contains("chunk 1 is damaged"));
}

#[test]
fn names_stay_within_their_folder() {
    for bad in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/.", "a\nb", "a\\b"] {
        assert!(listing::check_name(bad).is_err(), "{bad:?}");
        let line = serde_json::json!({ "name": bad, "bytes": 1, "sha256": "00".repeat(32) }).to_string();
        assert!(listing::read(line.as_bytes()).is_err(), "{bad:?}");
    }
    let line = serde_json::json!({ "name": "a/b..c", "bytes": 1, "sha256": "00".repeat(32) }).to_string();
    assert_eq!(listing::read(line.as_bytes()).unwrap().len(), 1);
    assert!(listing::read(format!("{line}\n{line}").as_bytes()).is_err(), "twice");
    assert!(listing::read(b"{}").is_err());
}

#[test]
fn what_cannot_be_sealed_is_told() {
    let home = tempdir().unwrap();
    let (plain, sealed) = (home.path().join("plain"), home.path().join("sealed"));
    fs::create_dir(&plain).unwrap();
    assert!(seal_folder(&key(), &plain, &sealed, &mut quiet()).unwrap_err().to_string().contains("holds no files"));
    assert!(seal_folder(&key(), &home.path().join("nowhere"), &sealed, &mut quiet()).is_err());
    std::os::unix::fs::symlink("/etc/passwd", plain.join("link")).unwrap();
    assert!(seal_folder(&key(), &plain, &sealed, &mut quiet()).unwrap_err().to_string().contains("neither a file nor a folder"));
    fs::remove_file(plain.join("link")).unwrap();
    fs::write(plain.join("a"), "a").unwrap();
    fs::create_dir(&sealed).unwrap();
    assert!(seal_folder(&key(), &plain, &sealed, &mut quiet()).unwrap_err().to_string().contains("new folder"));
    assert!(Manifest::parse(b"").is_err() && Manifest::parse(b"{}").is_err());
}
