//! The job description, `job.toml`: what a requester asks for, under which terms.
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use cairn_annotation::{rules, types};
use cairn_formats::{
    ItemKind, JobKind, Media,
    import::{self, Progress, Source},
};
use cairn_kernel::Coin;
use cairn_proto::cairn::annotation::v1 as chain;
use serde::Deserialize;

use super::{
    access::Access,
    pairs::PairPlan,
    plan::{self, Item, Items, LULL, MAX_ITEM},
    truth,
};
use crate::cli::{genesis::parse_coin, reply};

/// The job description.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// Name for people.
    pub(crate) title: String,
    /// Instructions for annotators.
    #[serde(default)]
    pub(crate) description: String,
    /// What annotators are asked for: `classify`, `multi-label`, `verify`, `pairwise`, `box`, `polygon`, `span`, `text`, `audio`.
    #[serde(default = "classify", rename = "type")]
    kind: String,
    /// Names of the classes; not needed where the type names them (`verify`, `pairwise`) or has none (`text`, `audio`).
    #[serde(default)]
    classes: Vec<String>,
    /// `image`, `text` or `audio`; of a `pairwise` job, what is compared. Without it `text` in `span` jobs, else `image`.
    #[serde(default)]
    item_kind: String,
    /// `private` or `public`.
    #[serde(default = "private")]
    pub(crate) visibility: String,
    /// Such as `image/png`; what most items are without it. An item of another one is then refused.
    #[serde(default)]
    pub(crate) media_type: String,
    /// The list of items (JSON Lines, CSV, Label Studio's JSON or COCO), relative to this file.
    #[serde(default)]
    list: Option<PathBuf>,
    /// Price of one label or draft, such as `20000ucairn`.
    price: String,
    /// Labels a task: 5 without it. Drafts a task: 3 without it.
    #[serde(default)]
    overlap: Option<u32>,
    /// Most labels a task, where a bound asks for more of those below it; `overlap` without it.
    #[serde(default)]
    overlap_max: Option<u32>,
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
    /// Who is compared with whom, in `pairwise` jobs.
    #[serde(default)]
    pairs: Option<PairPlan>,
    /// How drafts are verified, in `box`, `polygon`, `span`, `text` and `audio` jobs.
    #[serde(default)]
    verification: Option<VerificationPlan>,
    /// Items whose answer is known, relative to this file: CSV `item,class` (`item,boxes` and so on with JSON in the cells;
    /// `left,right,class` in `pairwise` jobs) or JSON Lines. Not needed where the list of items tells enough of them.
    #[serde(default)]
    gold: Option<PathBuf>,
}

/// The table `[verification]`: everything in it may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct VerificationPlan {
    /// Price of one verdict; a fifth of the draft's without it, at least the least price of a label.
    price: Option<String>,
    /// Verdicts a draft; 3 without it.
    verdicts: Option<u32>,
    /// Most verdicts a draft, where a bound asks for more of those below it; `verdicts` without it.
    verdicts_max: Option<u32>,
    /// Drafts of which less than this is known after the blind verdicts get more of them, in basis points; none does without it.
    posterior_bound_bps: Option<u32>,
    /// Blocks from the opening of the stage to its commit deadline; that of the job without it.
    duration: Option<u64>,
    /// Least probability of being good with which a draft is accepted, in basis points; 7,500 without it.
    accept_bps: Option<u32>,
    /// `box`, `polygon`, `span`: least agreement (intersection over union) of a draft with the truth of a gold task with which it is to be
    /// accepted, in basis points; 7,000 without it.
    iou_bps: Option<u32>,
}

fn classify() -> String {
    "classify".into()
}
fn private() -> String {
    "private".into()
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

/// A type as descriptions name it.
fn word(kind: JobKind) -> String {
    kind.name().to_lowercase().replace('_', "-")
}

impl Description {
    /// Reads the file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is no job description", path.display()))
    }
    /// What annotators are asked for.
    pub(crate) fn kind(&self) -> Result<JobKind> {
        JobKind::ALL
            .into_iter()
            .find(|kind| word(*kind) == self.kind)
            .with_context(|| format!("type is one of {}; found {:?}", JobKind::ALL.map(word).join(", "), self.kind))
    }
    /// What the items in the folder are.
    pub(crate) fn item_kind(&self) -> Result<ItemKind> {
        let known = [ItemKind::Image, ItemKind::Text, ItemKind::Audio];
        let default = if self.kind()? == JobKind::Span { ItemKind::Text } else { ItemKind::Image };
        if self.item_kind.is_empty() {
            return Ok(default);
        }
        let found = known.into_iter().find(|k| k.word() == self.item_kind);
        found.with_context(|| format!("item_kind is 'image', 'text' or 'audio', found {:?}", self.item_kind))
    }
    /// Names of the classes; those of the type where it names them.
    pub(crate) fn classes(&self) -> Result<Vec<String>> {
        let names = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Ok(match self.kind()? {
            JobKind::Verify if self.classes.is_empty() => names(&types::VERDICTS),
            JobKind::Pairwise if self.classes.is_empty() => names(&types::PREFERENCES),
            JobKind::Text | JobKind::Audio if !self.classes.is_empty() => bail!("{} jobs have no classes; leave them out", self.kind),
            JobKind::Text | JobKind::Audio => Vec::new(),
            _ if self.classes.is_empty() => bail!("{} jobs need classes = [..]", self.kind),
            _ => self.classes.clone(),
        })
    }
    /// Price of a label or draft.
    pub(crate) fn price(&self) -> Result<Coin> {
        parse_coin(&self.price).context("price")
    }
    /// Labels or drafts a task in the blind round.
    pub(crate) fn overlap(&self) -> Result<u32> {
        Ok(self.overlap.unwrap_or(if reply::produces(self.kind()?) { 3 } else { 5 }))
    }
    /// Most labels a task that are paid for.
    pub(crate) fn overlap_max(&self) -> Result<u32> {
        self.overlap_max.map_or_else(|| self.overlap(), Ok)
    }
    /// Gold tasks that the items must hold in each bucket: none where the gold is of the drafts.
    pub(crate) fn gold_of_items(&self) -> Result<u32> {
        Ok(if self.has_early_gold()? { self.gold_per_bucket } else { 0 })
    }
    /// Whether the gold is known when the job is posted.
    pub(crate) fn has_early_gold(&self) -> Result<bool> {
        Ok(!matches!(self.kind()?, JobKind::Text | JobKind::Audio))
    }
    /// Who is compared with whom; the defaults where nothing is told. None in other jobs.
    pub(crate) fn pairs(&self) -> Result<Option<PairPlan>> {
        match (self.kind()?, &self.pairs) {
            (JobKind::Pairwise, plan) => Ok(Some(plan.clone().unwrap_or_default())),
            (_, None) => Ok(None),
            (_, Some(_)) => bail!("[pairs] belongs to pairwise jobs, this one is of type {}", self.kind),
        }
    }
    /// How drafts are verified. None in jobs without drafts.
    pub(crate) fn verification(&self) -> Result<Option<chain::Verification>> {
        let kind = self.kind()?;
        if !reply::produces(kind) {
            if self.verification.is_some() {
                bail!("[verification] belongs to jobs whose annotators make drafts, this one is of type {}", self.kind);
            }
            return Ok(None);
        }
        let plan = self.verification.clone().unwrap_or_default();
        let (price, draws) = (self.price()?, reply::draws(kind).is_some());
        if plan.iou_bps.is_some() && !draws {
            bail!("iou_bps belongs to box, polygon and span jobs, this one is of type {}", self.kind);
        }
        let fifth = price.amount.checked_div(5).unwrap_or(0).max(rules::PRICE_MIN);
        let verdict = plan.price.as_deref().map(parse_coin).transpose().context("verification.price")?;
        Ok(Some(chain::Verification {
            price: Some((&verdict.unwrap_or_else(|| Coin::new(price.denom.clone(), fifth))).into()),
            overlap: plan.verdicts.unwrap_or(3),
            overlap_max: plan.verdicts_max.unwrap_or(0),
            posterior_bound_bps: plan.posterior_bound_bps.unwrap_or(0),
            duration: plan.duration.unwrap_or(self.duration),
            accept_bps: plan.accept_bps.unwrap_or(7_500),
            iou_bps: if draws { plan.iou_bps.unwrap_or(7_000) } else { 0 },
            ..chain::Verification::default()
        }))
    }
    /// The gold's file; `file` is this description.
    pub(crate) fn gold(&self, file: &Path) -> Result<Option<PathBuf>> {
        let gold = self.gold.as_ref().map(|gold| beside(file).join(gold));
        if gold.is_some() && !self.has_early_gold()? {
            bail!("{} jobs take their gold when the drafts are in, by 'cairnd job judge': leave gold out", self.kind);
        }
        Ok(gold)
    }
    /// Finds, checks and hashes the items of `folder`; `file` is this description, beside which its list and its gold lie.
    pub(crate) fn items(&self, folder: &Path, list: Option<&Path>, file: &Path) -> Result<Items> {
        let (kind, item_kind, classes, gold) = (self.kind()?, self.item_kind()?, self.classes()?, self.gold(file)?);
        let pairs = self.pairs()?;
        let own = self.list.as_ref().map(|l| beside(file).join(l));
        let listed = pairs.as_ref().and_then(|plan| plan.file(file));
        let apart: Vec<PathBuf> = gold.iter().cloned().chain(listed).chain([file.to_owned()]).collect();
        let list = list.or(own.as_deref());
        let source = Source { folder, list, apart: &apart, item_kind, job_kind: kind, classes: &classes, item_bytes: MAX_ITEM };
        let mut told = Instant::now();
        let found = import::import(&source, &mut |Progress { items, of, bytes }| {
            if told.elapsed() >= LULL {
                eprintln!("hashed {items} of {of} items, {} MB", bytes / 1_000_000);
                told = Instant::now();
            }
        })?;
        found.notes.iter().for_each(|note| eprintln!("{note}"));
        let spool = found.spool;
        let items = found.items.into_iter().map(|listed| plan::item(listed, kind)).collect::<Result<Vec<_>>>()?;
        if let Some(pairs) = pairs {
            let text_type = self.media_type(&items)?;
            return pairs.compare((items, spool), (folder, file), gold.as_deref(), (&classes, &text_type));
        }
        let mut items = Items { items, spool, contestants: Vec::new() };
        if let Some(gold) = &gold {
            truth::mark(&mut items.items, gold, kind, &classes)?;
        }
        items.check_gold(folder, kind)?;
        Ok(items)
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

fn beside(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
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

#[cfg(test)]
mod tests;
