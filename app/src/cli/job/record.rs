//! What only the requester knows of a job: seeds, the order of items, the gold. Written before the job is posted, so that a crash loses nothing.
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_formats::Size;
use serde::{Deserialize, Serialize};

use super::plan::Place;
use crate::cli::{
    home::{Home, open_secret, stream_secret},
    reply::Reply,
};

/// One job's record, `jobs/<manifest root>.jsonl` below the home: this on the first line, then an item a line in the order of tasks, so
/// that a million items need no memory. It is found by the manifest root that the chain tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The chain it was made for.
    pub(crate) chain_id: String,
    /// Root of the manifest, hexadecimal.
    pub(crate) manifest_root: String,
    /// 32 bytes, hexadecimal: gold salts follow from it. Whoever knows it before the labels are in knows the gold.
    pub(crate) gold_seed: String,
    /// 32 bytes, hexadecimal: blinds of private items follow from it.
    pub(crate) item_seed: String,
    /// Names of the classes.
    pub(crate) classes: Vec<String>,
    /// Number of tasks.
    pub(crate) tasks: u32,
    /// PAIRWISE: the names of what is compared, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) contestants: Vec<String>,
}

/// An item of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Its name in the folder or list.
    pub(crate) name: String,
    /// SHA-256 of the content, hexadecimal.
    pub(crate) sha256: String,
    /// Size.
    pub(crate) bytes: u64,
    /// The requester's answer, where the task is gold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gold: Option<Reply>,
    /// Width of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// Height of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// The content, where it stood in the list of items and so is in no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// PAIRWISE: the contestants that are compared, left and right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pair: Option<(u32, u32)>,
}

impl Kept {
    /// What is kept of an item; `text` if no file has it.
    pub(crate) fn new(item: &super::plan::Item, text: Option<String>) -> Self {
        Self {
            name: item.name.to_string(),
            sha256: hex::encode(item.sha256),
            bytes: item.bytes,
            gold: item.gold.clone(),
            width: item.size.map(|s| s.width),
            height: item.size.map(|s| s.height),
            text,
            pair: match item.place {
                Place::Pair { left, right } => Some((left, right)),
                Place::Own(_) => None,
            },
        }
    }
    /// Size of a picture.
    pub(crate) fn size(&self) -> Option<Size> {
        self.width.zip(self.height).map(|(width, height)| Size { width, height })
    }
}

impl Record {
    fn path(home: &Home, root: &str) -> PathBuf {
        home.path().join("jobs").join(format!("{root}.jsonl"))
    }
    /// Writes it, readable by its owner only.
    pub(crate) fn save(&self, home: &Home, items: impl Iterator<Item = Result<Kept>>) -> Result<()> {
        let line = |to: &mut dyn Write, text: String| writeln!(to, "{text}");
        stream_secret(&Self::path(home, &self.manifest_root), |file| {
            line(file, serde_json::to_string(self)?)?;
            for item in items {
                line(file, serde_json::to_string(&item?)?)?;
            }
            Ok(())
        })
    }
    /// The record of the job with this manifest root and its items, if this home posted it.
    pub(crate) fn find(home: &Home, chain_id: &str, root: &[u8]) -> Result<Option<(Self, Items)>> {
        let path = Self::path(home, &hex::encode(root));
        if !path.exists() {
            return Ok(None);
        }
        let mut lines = BufReader::new(open_secret(&path)?).lines();
        let first = lines.next().with_context(|| format!("{} is empty", path.display()))??;
        let record: Self = serde_json::from_str(&first).with_context(|| format!("{} is no job record", path.display()))?;
        let items = Items { lines, left: record.tasks, path };
        Ok(Some((record, items)).filter(|(r, _)| r.chain_id == chain_id))
    }
    /// As [`Record::find`], or an error that says where it should be.
    pub(crate) fn need(home: &Home, chain_id: &str, root: &[u8]) -> Result<(Self, Items)> {
        Self::find(home, chain_id, root)?
            .with_context(|| format!("this home did not post that job: {} is not there", Self::path(home, &hex::encode(root)).display()))
    }
    /// A seed as bytes.
    pub(crate) fn seed(text: &str) -> Result<[u8; 32]> {
        hex::decode(text).ok().and_then(|b| b.try_into().ok()).context("the job record holds no valid seed")
    }
}

/// The items of a record, one after another.
pub(crate) struct Items {
    lines: Lines<BufReader<File>>,
    left: u32,
    path: PathBuf,
}

impl Items {
    /// The truths of the gold tasks among those not read yet, by task: of all, from a record just opened.
    pub(crate) fn truths(mut self) -> Result<BTreeMap<u32, Reply>> {
        let mut truths = BTreeMap::new();
        for task in 0_u32.. {
            match self.next()? {
                Some(item) => drop(item.gold.and_then(|truth| truths.insert(task, truth))),
                None => break,
            }
        }
        Ok(truths)
    }
    /// The next one; a record that was cut is an error.
    pub(crate) fn next(&mut self) -> Result<Option<Kept>> {
        let cut = |path: &Path| format!("{} is cut or damaged", path.display());
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let Some(line) = self.lines.next() else { bail!(cut(&self.path)) };
        Ok(Some(serde_json::from_str(&line?).with_context(|| cut(&self.path))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_by_its_root_even_if_the_chain_never_answered() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let mut record = Record {
            chain_id: "cairn-test-1".into(),
            manifest_root: hex::encode([7; 32]),
            gold_seed: hex::encode([1; 32]),
            item_seed: hex::encode([2; 32]),
            classes: vec!["a".into(), "b".into()],
            tasks: 2,
            contestants: vec![],
        };
        let item = |name: &str, text: Option<&str>| Kept {
            name: name.into(),
            sha256: String::new(),
            bytes: 1,
            gold: Some(Reply::Class(1)),
            width: Some(3),
            height: Some(2),
            text: text.map(str::to_owned),
            pair: text.map(|_| (3, 1)),
        };
        let items = [item("a\n\"b\"", None), item("c", Some("text\n"))];
        record.save(&home, items.iter().cloned().map(Ok)).unwrap();
        let (found, mut kept) = Record::find(&home, "cairn-test-1", &[7; 32]).unwrap().unwrap();
        assert_eq!(found.gold_seed, record.gold_seed);
        assert_eq!(
            [kept.next().unwrap(), kept.next().unwrap(), kept.next().unwrap()],
            [Some(items[0].clone()), Some(items[1].clone()), None]
        );
        // Another chain of another name, or a chain made anew under the same one, whose job has another root.
        assert!(Record::find(&home, "cairn-test-2", &[7; 32]).unwrap().is_none());
        assert!(Record::need(&home, "cairn-test-1", &[8; 32]).err().unwrap().to_string().contains("did not post"));
        record.tasks = 3;
        record.save(&home, items.into_iter().map(Ok)).unwrap();
        let (_, mut kept) = Record::need(&home, "cairn-test-1", &[7; 32]).unwrap();
        assert!(kept.next().is_ok() && kept.next().is_ok());
        assert!(kept.next().unwrap_err().to_string().contains("cut"));
    }
}
