//! What a requester posts: the description in TOML, the items in a folder, the gold in a CSV; and the order in which they become tasks.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use rand::{Rng, seq::SliceRandom};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Largest item that is read, as large as gateways take by default.
const MAX_ITEM: u64 = 64 << 20;

/// The job description, `job.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// Name for people.
    pub(crate) title: String,
    /// Instructions for annotators.
    #[serde(default)]
    pub(crate) description: String,
    /// Names of the classes.
    pub(crate) classes: Vec<String>,
    /// `image`, `text` or `audio`.
    #[serde(default = "image")]
    pub(crate) item_kind: String,
    /// `private` or `public`.
    #[serde(default = "private")]
    pub(crate) visibility: String,
    /// Such as `image/png`.
    pub(crate) media_type: String,
    /// Price of one label, such as `20000ucairn`.
    pub(crate) price: String,
    /// Labels a task.
    #[serde(default = "five")]
    pub(crate) overlap: u32,
    /// Most tasks of a bucket.
    #[serde(default = "twenty")]
    pub(crate) bucket_size: u32,
    /// Gold tasks in each bucket.
    #[serde(default = "one")]
    pub(crate) gold_per_bucket: u32,
    /// Kappa that earns the full price, in basis points.
    #[serde(default = "target")]
    pub(crate) kappa_target_bps: u32,
    /// The gold gate in bits.
    #[serde(default = "gate")]
    pub(crate) gate_bits: i32,
    /// Blocks until the commit deadline.
    pub(crate) duration: u64,
    /// Whether the result becomes a data set asset.
    #[serde(default = "yes")]
    pub(crate) publish: bool,
    /// The requester's part of its shares, in basis points.
    #[serde(default = "seventy")]
    pub(crate) requester_share_bps: u32,
    /// The skill in which labels count for standing; empty for that of the job's type.
    #[serde(default)]
    pub(crate) skill: String,
    /// CSV `item,class` of items whose class is known, relative to this file.
    pub(crate) gold: PathBuf,
}

fn image() -> String {
    "image".into()
}
fn private() -> String {
    "private".into()
}
fn five() -> u32 {
    5
}
fn twenty() -> u32 {
    20
}
fn one() -> u32 {
    1
}
fn target() -> u32 {
    6_000
}
fn gate() -> i32 {
    -2
}
fn yes() -> bool {
    true
}
fn seventy() -> u32 {
    7_000
}

impl Description {
    /// Reads the file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is no job description", path.display()))
    }
}

/// One item of the job; its place in the list is its task's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    /// File name in the folder.
    pub(crate) name: String,
    /// SHA-256 of the content, hexadecimal.
    pub(crate) sha256: String,
    /// Size.
    pub(crate) bytes: u64,
    /// The requester's answer, where the task is gold.
    pub(crate) gold: Option<u16>,
}

impl Item {
    /// The hash as bytes.
    pub(crate) fn hash(&self) -> Result<[u8; 32]> {
        hex::decode(&self.sha256).ok().and_then(|b| b.try_into().ok()).with_context(|| format!("{} has no valid hash", self.name))
    }
}

/// Reads and hashes every file of `folder`, by name. Two equal files are refused: an annotator would label one twice.
pub(crate) fn scan(folder: &Path) -> Result<Vec<Item>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.push(entry.file_name().into_string().map_err(|n| anyhow::anyhow!("file name {n:?} is not UTF-8"))?);
        }
    }
    names.sort();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut items = Vec::with_capacity(names.len());
    for name in names {
        let path = folder.join(&name);
        let bytes = fs::metadata(&path)?.len();
        if bytes == 0 || bytes > MAX_ITEM {
            bail!("{} has {bytes} bytes; an item has 1 to {MAX_ITEM}", path.display());
        }
        let sha256 = hex::encode(Sha256::digest(fs::read(&path)?));
        if let Some(other) = seen.insert(sha256.clone(), name.clone()) {
            bail!("{name} and {other} have the same content; remove one of them");
        }
        items.push(Item { name, sha256, bytes, gold: None });
    }
    Ok(items)
}

/// Reads the gold, `item,class` with a heading, and marks the items.
pub(crate) fn mark_gold(items: &mut [Item], path: &Path, classes: &[String]) -> Result<()> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read the gold file {}", path.display()))?;
    let index: BTreeMap<String, usize> = items.iter().enumerate().map(|(i, item)| (item.name.clone(), i)).collect();
    for (line, row) in (2_u64..).zip(reader.records()) {
        let row = row.with_context(|| format!("{} line {line}", path.display()))?;
        let (Some(name), Some(class)) = (row.get(0), row.get(1)) else { bail!("{} line {line}: expected item,class", path.display()) };
        let class = classes
            .iter()
            .position(|c| c == class.trim())
            .with_context(|| format!("{} line {line}: {class:?} is none of the classes {}", path.display(), classes.join(", ")))?;
        let item = index.get(name.trim()).and_then(|i| items.get_mut(*i));
        let item = item.with_context(|| format!("{} line {line}: there is no item {name:?}", path.display()))?;
        if item.gold.is_some() {
            bail!("{} line {line}: {name} stands there twice", path.display());
        }
        item.gold = Some(u16::try_from(class)?);
    }
    Ok(())
}

/// The first task of bucket `b` of `buckets` over `tasks` tasks: floor(b*tasks/buckets), as the chain divides them.
fn bucket_start(b: u64, buckets: u64, tasks: u64) -> Result<usize> {
    let start = b.checked_mul(tasks).and_then(|n| n.checked_div(buckets)).context("too many tasks")?;
    Ok(usize::try_from(start)?)
}

/// Puts items into the order of tasks: everything at random, exactly `per_bucket` gold tasks in each bucket, their places uniform. Gold
/// beyond what is needed is used as ordinary items.
pub(crate) fn arrange(items: Vec<Item>, bucket_size: u32, per_bucket: u32, rng: &mut impl Rng) -> Result<Vec<Item>> {
    if bucket_size == 0 {
        bail!("bucket_size must be 10 to 50");
    }
    let (mut gold, mut plain): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|i| i.gold.is_some());
    let tasks = u64::try_from(gold.len().checked_add(plain.len()).context("too many items")?)?;
    let buckets = tasks.div_ceil(u64::from(bucket_size));
    let needed = usize::try_from(buckets.checked_mul(u64::from(per_bucket)).context("too many buckets")?)?;
    if gold.len() < needed {
        bail!("{buckets} buckets with {per_bucket} gold tasks each need {needed} gold items; the gold file names {}", gold.len());
    }
    gold.shuffle(rng);
    plain.extend(gold.split_off(needed).into_iter().map(|i| Item { gold: None, ..i }));
    plain.shuffle(rng);
    let mut out = Vec::with_capacity(usize::try_from(tasks)?);
    for b in 0..buckets {
        let size = bucket_start(b.saturating_add(1), buckets, tasks)?.saturating_sub(bucket_start(b, buckets, tasks)?);
        let ours = gold.split_off(gold.len().saturating_sub(usize::try_from(per_bucket)?));
        let others = size.checked_sub(ours.len()).context("a bucket is smaller than its gold")?;
        let mut bucket: Vec<Item> = plain.split_off(plain.len().saturating_sub(others));
        bucket.extend(ours);
        bucket.shuffle(rng);
        out.extend(bucket);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn items(n: usize, gold: usize) -> Vec<Item> {
        let item = |i: usize| Item { name: format!("{i}"), sha256: format!("{i:064x}"), bytes: 1, gold: (i < gold).then_some(3) };
        (0..n).map(item).collect()
    }

    #[test]
    fn every_bucket_gets_exactly_its_gold_and_no_item_is_lost() {
        let mut rng = StdRng::seed_from_u64(1);
        for (n, size, per) in [(1_797, 20, 1), (100, 20, 2), (10, 10, 5), (23, 10, 1)] {
            let buckets = (n as u64).div_ceil(u64::from(size));
            let arranged = arrange(items(n, n / 2), size, per, &mut rng).unwrap();
            assert_eq!(arranged.len(), n);
            let mut names: Vec<&str> = arranged.iter().map(|i| i.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), n);
            for b in 0..buckets {
                let (from, to) = (bucket_start(b, buckets, n as u64).unwrap(), bucket_start(b + 1, buckets, n as u64).unwrap());
                assert_eq!(arranged[from..to].iter().filter(|i| i.gold.is_some()).count(), per as usize);
            }
        }
        assert!(arrange(items(100, 4), 20, 1, &mut rng).unwrap_err().to_string().contains("need 5 gold items; the gold file names 4"));
    }

    #[test]
    fn items_and_gold_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("a", "1");
        write("b", "2");
        let mut items = scan(folder.path()).unwrap();
        assert_eq!(items.len(), 2);
        let gold = tempfile::NamedTempFile::new().unwrap();
        let classes = ["cat".to_owned(), "dog".to_owned()];
        for (text, why) in
            [("item,class\nc,cat\n", "no item"), ("item,class\na,cow\n", "none of the classes"), ("item,class\na,cat\na,cat\n", "twice")]
        {
            fs::write(gold.path(), text).unwrap();
            let err = mark_gold(&mut items.clone(), gold.path(), &classes).unwrap_err();
            assert!(format!("{err:#}").contains(why), "{err:#}");
        }
        fs::write(gold.path(), "item,class\nb,dog\n").unwrap();
        mark_gold(&mut items, gold.path(), &classes).unwrap();
        assert_eq!(items[1].gold, Some(1));
        write("c", "1");
        assert!(scan(folder.path()).unwrap_err().to_string().contains("same content"));
        write("c", "");
        assert!(scan(folder.path()).unwrap_err().to_string().contains("has 0 bytes"));
    }
}
