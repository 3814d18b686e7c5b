//! The items that a requester posts, where their contents are, and the order in which they become tasks.
use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use cairn_annotation::formats::{self, Side};
use cairn_formats::{
    JobKind, Media, Size,
    import::{Content, Listed, Spool},
};
use cairn_truth::Draft;
use rand::{Rng, seq::SliceRandom};

use crate::cli::{
    bounds,
    reply::{self, Reply},
};

/// Largest item that is read, as large as gateways take by default.
pub(super) const MAX_ITEM: u64 = 64 << 20;
/// Between two lines about how far a long piece of work is.
pub(super) const LULL: Duration = Duration::from_secs(2);

/// Where an item's content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the file of its name, or in the list of items.
    Own(Content),
    /// In two contestants, by their numbers.
    Pair {
        /// The left one.
        left: u32,
        /// The right one.
        right: u32,
    },
}

/// One item of the job; its place in the list is its task's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its name in the folder or list; of a pair, both names.
    pub(crate) name: Box<str>,
    /// SHA-256 of the content.
    pub(crate) sha256: [u8; 32],
    /// Size.
    pub(crate) bytes: u64,
    /// What it is; of a pair, what its left item is.
    pub(crate) media: Media,
    /// Of a picture.
    pub(crate) size: Option<Size>,
    /// Where its content is.
    pub(crate) place: Place,
    /// The requester's answer, where it is known; once arranged, where the task is gold.
    pub(crate) gold: Option<Reply>,
}

/// The items as they were found, and the texts that the list itself held.
pub(crate) struct Items {
    /// By name; the pairs, where items are compared.
    pub(crate) items: Vec<Item>,
    /// Texts of the list.
    pub(crate) spool: Spool,
    /// The items that are compared, by their numbers; empty in other jobs.
    pub(crate) contestants: Vec<Item>,
}

impl Items {
    /// Refuses gold whose shapes leave their item: no annotator could agree with it.
    pub(super) fn check_gold(&mut self, folder: &Path, kind: JobKind) -> Result<()> {
        let Some(kind) = reply::draws(kind) else { return Ok(()) };
        let mut contents = Contents { folder, spool: &mut self.spool, contestants: &self.contestants, text_type: "" };
        for item in &self.items {
            let Some(Reply::Shapes(bytes)) = &item.gold else { continue };
            let draft = Draft::decode(kind, bytes).map_err(|e| anyhow!("{e}"))?;
            let answer = reply::answer_of(&draft);
            let checked = match item.size {
                Some(size) => bounds::in_picture(&answer, size),
                None => contents.read(item).and_then(|content| bounds::in_text(&answer, &content)),
            };
            checked.with_context(|| format!("gold of {}", item.name))?;
        }
        Ok(())
    }
}

/// Reads contents.
pub(crate) struct Contents<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) spool: &'a mut Spool,
    pub(crate) contestants: &'a [Item],
    /// The media type of texts, whose bytes do not tell it.
    pub(crate) text_type: &'a str,
}

impl<'a> Contents<'a> {
    /// The content of an item.
    pub(crate) fn read(&mut self, item: &Item) -> Result<Vec<u8>> {
        match item.place {
            Place::Own(Content::File) => {
                let path = self.folder.join(&*item.name);
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
            }
            Place::Own(Content::Spooled { offset }) => Ok(self.spool.text(offset)?),
            Place::Pair { left, right } => {
                let (left, right) = (self.side(left)?, self.side(right)?);
                let pair = formats::pair(&Side { media_type: left.0, content: &left.1 }, &Side { media_type: right.0, content: &right.1 });
                pair.context("a media type has at most 255 bytes")
            }
        }
    }
    fn side(&mut self, number: u32) -> Result<(&'a str, Vec<u8>)> {
        let (contestants, text_type) = (self.contestants, self.text_type);
        let item = contestants.get(usize::try_from(number)?).context("there is no such contestant")?;
        let content = self.read(item)?;
        Ok((media_type(item, text_type), content))
    }
}

/// A text may be of a kind that its bytes do not tell, such as Markdown.
pub(crate) fn media_type<'a>(item: &Item, text_type: &'a str) -> &'a str {
    match item.place {
        Place::Pair { .. } => formats::PAIR_MEDIA_TYPE,
        Place::Own(_) if item.media == Media::Text => text_type,
        Place::Own(_) => item.media.media_type(),
    }
}

/// An item as an import found it.
pub(crate) fn item(listed: Listed, kind: JobKind) -> Result<Item> {
    let Listed { name, sha256, bytes, media, size, content, answer } = listed;
    let gold = match (answer.map(|a| *a), kind) {
        (None, _) => None,
        (Some(_), JobKind::Pairwise) => bail!("{name}: one item has no answer in a pairwise job; known comparisons stand in the gold file"),
        // Known texts are no gold: verdicts on drafts are.
        (Some(_), JobKind::Text | JobKind::Audio) => None,
        (Some(answer), _) => Some(Reply::of(&answer).with_context(|| format!("the answer for {name}"))?),
    };
    Ok(Item { name, sha256, bytes, media, size, place: Place::Own(content), gold })
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
pub(super) mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    /// So many items, the first ones with a known class.
    pub(in super::super) fn items(n: usize, gold: usize) -> Vec<Item> {
        let item = |i: usize| Item {
            name: format!("{i}").into(),
            sha256: [0; 32],
            bytes: 1,
            media: Media::Png,
            size: None,
            place: Place::Own(Content::File),
            gold: (i < gold).then_some(Reply::Class(3)),
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
}
