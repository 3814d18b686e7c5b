//! What a requester posts: the description in TOML, the items in a folder, the gold in a CSV; and the order in which they become tasks.
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use cairn_formats::{
    ItemKind, JobKind, Media, Size,
    import::{self, Content, Listed, Progress, Source, Spool},
};
use rand::{Rng, seq::SliceRandom};
use serde::Deserialize;

use super::{
    access::Access,
    truth::{self, Truth},
};

/// Largest item that is read, as large as gateways take by default.
const MAX_ITEM: u64 = 64 << 20;
/// Between two lines about how far a long piece of work is.
pub(super) const LULL: Duration = Duration::from_secs(2);

/// The job description, `job.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// Name for people.
    pub(crate) title: String,
    /// Instructions for annotators.
    #[serde(default)]
    pub(crate) description: String,
    /// What annotators are asked for: `classify`, `multi-label`, `verify`.
    #[serde(default = "classify", rename = "type")]
    pub(crate) kind: String,
    /// Names of the classes.
    pub(crate) classes: Vec<String>,
    /// `image`, `text` or `audio`.
    #[serde(default = "image")]
    pub(crate) item_kind: String,
    /// `private` or `public`.
    #[serde(default = "private")]
    pub(crate) visibility: String,
    /// Such as `image/png`; what most items are without it. An item of another one is then refused.
    #[serde(default)]
    pub(crate) media_type: String,
    /// The list of items (JSON Lines, CSV, Label Studio's JSON or COCO), relative to this file.
    #[serde(default)]
    pub(crate) list: Option<PathBuf>,
    /// Price of one label, such as `20000ucairn`.
    pub(crate) price: String,
    /// Labels a task.
    #[serde(default = "five")]
    pub(crate) overlap: u32,
    /// Most labels a task, where a bound asks for more of those below it; `overlap` without it.
    #[serde(default)]
    pub(crate) overlap_max: Option<u32>,
    /// Tasks whose most probable class is below it after the blind round get more labels, in basis points; 0: none does.
    #[serde(default)]
    pub(crate) posterior_bound_bps: u32,
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
    /// Who may lease in it, and what is paid beside the price.
    #[serde(default)]
    pub(crate) access: Access,
    /// Bonds lent to newcomers for their first lease in the job, paid beside the price of labels.
    #[serde(default)]
    pub(crate) lent_bonds: u32,
    /// CSV `item,class` (`item,classes` with JSON lists for sets) of items whose answer is known, relative to this file. Not needed where the list of items tells enough of them.
    #[serde(default)]
    pub(crate) gold: Option<PathBuf>,
}

fn classify() -> String {
    "classify".into()
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

/// One item of the job; its place in the list is its task's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its name in the folder or list.
    pub(crate) name: Box<str>,
    /// SHA-256 of the content.
    pub(crate) sha256: [u8; 32],
    /// Size.
    pub(crate) bytes: u64,
    /// What it is.
    pub(crate) media: Media,
    /// Of a picture.
    pub(crate) size: Option<Size>,
    /// Where its content is.
    pub(crate) content: Content,
    /// The requester's answer, where it is known; once arranged, where the task is gold.
    pub(crate) gold: Option<Truth>,
}

/// The items as they were found, and the texts that the list itself held.
pub(crate) struct Items {
    /// By name.
    pub(crate) items: Vec<Item>,
    /// Texts of the list.
    pub(crate) spool: Spool,
}

impl Description {
    /// Most labels a task that are paid for.
    pub(crate) fn overlap_max(&self) -> u32 {
        self.overlap_max.unwrap_or(self.overlap)
    }
    /// Reads the file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is no job description", path.display()))
    }
    /// What the items are.
    pub(crate) fn item_kind(&self) -> Result<ItemKind> {
        let known = [ItemKind::Image, ItemKind::Text, ItemKind::Audio];
        let found = known.into_iter().find(|k| k.word() == self.item_kind);
        found.with_context(|| format!("item_kind is 'image', 'text' or 'audio', found {:?}", self.item_kind))
    }
    /// What annotators are asked for.
    pub(crate) fn kind(&self) -> Result<JobKind> {
        match self.kind.as_str() {
            "classify" => Ok(JobKind::Classify),
            "multi-label" => Ok(JobKind::MultiLabel),
            "verify" => Ok(JobKind::Verify),
            other => bail!("type is 'classify', 'multi-label' or 'verify', found {other:?}"),
        }
    }
    /// Finds, checks and hashes the items of `folder`; `file` is this description, beside which its list and its gold lie.
    pub(crate) fn items(&self, folder: &Path, list: Option<&Path>, file: &Path) -> Result<Items> {
        let beside = file.parent().unwrap_or(Path::new("."));
        let own = self.list.as_ref().map(|l| beside.join(l));
        let gold = self.gold.as_ref().map(|g| beside.join(g));
        let apart: Vec<PathBuf> = gold.iter().cloned().chain([file.to_owned()]).collect();
        let (kind, item_kind) = (self.kind()?, self.item_kind()?);
        let list = list.or(own.as_deref());
        let source = Source { folder, list, apart: &apart, item_kind, job_kind: kind, classes: &self.classes, item_bytes: MAX_ITEM };
        let mut told = Instant::now();
        let found = import::import(&source, &mut |Progress { items, of, bytes }| {
            if told.elapsed() >= LULL {
                eprintln!("hashed {items} of {of} items, {} MB", bytes / 1_000_000);
                told = Instant::now();
            }
        })?;
        found.notes.iter().for_each(|note| eprintln!("{note}"));
        let mut items = found.items.into_iter().map(item).collect::<Result<Vec<_>>>()?;
        if let Some(gold) = &gold {
            truth::mark(&mut items, gold, kind, &self.classes)?;
        }
        Ok(Items { items, spool: found.spool })
    }
    /// The media type of the job: the one that is named, which all items must then have, or that of most items.
    pub(crate) fn media_type(&self, items: &[Item]) -> Result<String> {
        if !self.media_type.is_empty() {
            let other = items.iter().find(|i| !is_media(&self.media_type, i.media));
            return match other {
                Some(item) => bail!("{} is {}, but media_type is {}", item.name, item.media.media_type(), self.media_type),
                None => Ok(self.media_type.clone()),
            };
        }
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for item in items {
            let count = counts.entry(item.media.media_type()).or_default();
            *count = count.saturating_add(1);
        }
        let most = counts.into_iter().max_by_key(|(name, count)| (*count, *name)).context("there are no items")?;
        Ok(most.0.to_owned())
    }
}

/// Whether a media type that people write names what was found.
fn is_media(written: &str, found: Media) -> bool {
    match found {
        Media::Text => written.starts_with("text/") || written.starts_with("application/"),
        Media::Wav => matches!(written, "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave"),
        Media::Mp3 => matches!(written, "audio/mpeg" | "audio/mp3"),
        Media::Jpeg => matches!(written, "image/jpeg" | "image/jpg"),
        Media::Bmp => matches!(written, "image/bmp" | "image/x-ms-bmp"),
        other => written == other.media_type(),
    }
}

fn item(listed: Listed) -> Result<Item> {
    let Listed { name, sha256, bytes, media, size, content, answer } = listed;
    let gold = match answer.map(|a| *a) {
        None => None,
        Some(answer) => Some(Truth::of(&answer).with_context(|| format!("{name}: answers of this type cannot be gold"))?),
    };
    Ok(Item { name, sha256, bytes, media, size, content, gold })
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
        bail!("{buckets} buckets with {per_bucket} gold tasks each need {needed} gold items; known are {}", gold.len());
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
        let item = |i: usize| Item {
            name: format!("{i}").into(),
            sha256: [0; 32],
            bytes: 1,
            media: Media::Png,
            size: None,
            content: Content::File,
            gold: (i < gold).then_some(Truth::Class(3)),
        };
        (0..n).map(item).collect()
    }

    #[test]
    fn every_bucket_gets_exactly_its_gold_and_no_item_is_lost() {
        let mut rng = StdRng::seed_from_u64(1);
        for (n, size, per) in [(1_797, 20, 1), (100, 20, 2), (10, 10, 5), (23, 10, 1)] {
            let buckets = (n as u64).div_ceil(u64::from(size));
            let arranged = arrange(items(n, n / 2), size, per, &mut rng).unwrap();
            assert_eq!(arranged.len(), n);
            let mut names: Vec<&str> = arranged.iter().map(|i| &*i.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), n);
            for b in 0..buckets {
                let (from, to) = (bucket_start(b, buckets, n as u64).unwrap(), bucket_start(b + 1, buckets, n as u64).unwrap());
                assert_eq!(arranged[from..to].iter().filter(|i| i.gold.is_some()).count(), per as usize);
            }
        }
        assert!(arrange(items(100, 4), 20, 1, &mut rng).unwrap_err().to_string().contains("need 5 gold items; known are 4"));
    }

    fn description(more: &str) -> Description {
        toml::from_str(&format!("title = 'x'\nclasses = ['cat', 'dog']\nitem_kind = 'text'\nprice = '1ucairn'\nduration = 1\n{more}"))
            .unwrap()
    }

    #[test]
    fn items_and_gold_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let items = folder.path().join("items");
        fs::create_dir(&items).unwrap();
        fs::write(items.join("a"), "1").unwrap();
        fs::write(items.join("b"), "2").unwrap();
        let find = |gold: &str| {
            fs::write(folder.path().join("gold.csv"), gold).unwrap();
            description("gold = 'gold.csv'").items(&items, None, &folder.path().join("job.toml")).map(|found| found.items)
        };
        for (text, why) in
            [("item,class\nc,cat\n", "no item"), ("item,class\na,cow\n", "none of the classes"), ("item,class\na,cat\na,cat\n", "twice")]
        {
            let err = find(text).unwrap_err();
            assert!(format!("{err:#}").contains(why), "{err:#}");
        }
        let found = find("item,class\nb,dog\n").unwrap();
        assert_eq!(found.iter().map(|i| i.gold).collect::<Vec<_>>(), [None, Some(Truth::Class(1))]);
        assert_eq!(description("").media_type(&found).unwrap(), "text/plain");
        assert_eq!(description("media_type = 'text/markdown'").media_type(&found).unwrap(), "text/markdown");
        assert!(description("media_type = 'image/png'").media_type(&found).unwrap_err().to_string().contains("a is text/plain"));
    }

    #[test]
    fn a_list_brings_items_and_gold() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("items.jsonl"), "{\"text\":\"one\",\"class\":\"dog\"}\n{\"text\":\"two\"}\n").unwrap();
        let found = description("").items(folder.path(), None, &folder.path().join("job.toml")).unwrap();
        assert_eq!(
            found.items.iter().map(|i| (&*i.name, i.gold)).collect::<Vec<_>>(),
            [("line-1", Some(Truth::Class(1))), ("line-2", None)]
        );
    }
}
