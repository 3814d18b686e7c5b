//! From the description and the items to what is committed, kept, uploaded and posted.
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use cairn_annotation::{
    formats::{self, Buckets, GoldTree, Quote, lease_bond},
    types,
};
use cairn_formats::import::Content;
use cairn_kernel::{Coin, merkle};
use cairn_proto::cairn::annotation::v1::{ItemKind, JobType, MsgPostJob, Params, Publication, Visibility};
use rand::RngCore;
use serde_json::json;

use super::{
    description::Description,
    pairs,
    plan::{self, Contents, Item, Items, LULL, Place},
    record::{Kept, Record},
};
use crate::cli::{gateway::Gateway, home::Home};

/// Everything that follows from the description, the items and fresh seeds.
pub(crate) struct Prepared {
    pub(crate) record: Record,
    pub(crate) root: merkle::Hash,
    pub(crate) tasks: u32,
    items: Items,
    /// Of the job, as the chain is told.
    media_type: String,
    /// Of items that are texts.
    text_type: String,
    visibility: Visibility,
    /// Absent where the gold is of the drafts.
    gold_root: Option<merkle::Hash>,
    /// Absent where nothing is ranked.
    pairs_root: Option<merkle::Hash>,
    bytes: u64,
}

/// Arranges, hashes and commits.
pub(crate) fn prepare(description: &Description, mut found: Items, chain_id: &str) -> Result<Prepared> {
    let visibility = visibility(description)?;
    let compared = if found.contestants.is_empty() { &found.items } else { &found.contestants };
    let text_type = description.media_type(compared)?;
    let media_type = if found.contestants.is_empty() { text_type.clone() } else { formats::PAIR_MEDIA_TYPE.to_owned() };
    let mut rng = rand::rngs::OsRng;
    found.items = plan::arrange(found.items, description.bucket_size, description.gold_of_items()?, &mut rng)?;
    let items = &found.items;
    let tasks = u32::try_from(items.len()).context("too many items")?;
    let (mut gold_seed, mut item_seed) = ([0; 32], [0; 32]);
    rng.fill_bytes(&mut gold_seed);
    rng.fill_bytes(&mut item_seed);

    let leaf = |(i, item): (u32, &Item)| Ok(formats::item_leaf(i, &item.sha256, item.bytes, &blind(visibility, &item_seed, i)?));
    let leaves = (0_u32..).zip(items).map(leaf).collect::<Result<Vec<_>>>()?;
    let root = merkle::root(&leaves);
    let classes = description.classes()?;
    let known = (0_u32..).zip(items).filter_map(|(i, item)| Some((i, item.gold.as_ref()?)));
    let truths = known.map(|(i, truth)| Ok((i, truth.payload(classes.len())?))).collect::<Result<BTreeMap<_, _>>>()?;
    let gold = || GoldTree::of_payloads(chain_id, &root, &gold_seed, tasks, &truths).root();
    let gold_root = description.has_early_gold()?.then(gold);
    let is_ranked = description.pairs()?.is_some_and(|pairs| pairs.rank);
    let pairs_root = is_ranked.then(|| pairs::tree(chain_id, &root, &gold_seed, items).context("an item is no pair")).transpose()?;
    let bytes = items.iter().try_fold(0_u64, |sum, i| sum.checked_add(i.bytes)).context("the items are too large")?;
    let record = Record {
        chain_id: chain_id.to_owned(),
        manifest_root: hex::encode(root),
        gold_seed: hex::encode(gold_seed),
        item_seed: hex::encode(item_seed),
        classes,
        tasks,
        contestants: found.contestants.iter().map(|item| item.name.to_string()).collect(),
    };
    let pairs_root = pairs_root.map(|tree| tree.root());
    Ok(Prepared { record, root, tasks, items: found, media_type, text_type, visibility, gold_root, pairs_root, bytes })
}

/// Hides what a private item is from whoever sees its leaf.
fn blind(visibility: Visibility, seed: &[u8; 32], task: u32) -> Result<merkle::Hash> {
    Ok(if visibility == Visibility::Private { formats::item_blind(seed, task) } else { [0; 32] })
}

fn visibility(description: &Description) -> Result<Visibility> {
    match description.visibility.as_str() {
        "private" => Ok(Visibility::Private),
        "public" => Ok(Visibility::Public),
        other => bail!("visibility is 'private' or 'public', found {other:?}"),
    }
}

impl Prepared {
    /// Keeps the record in the home.
    pub(crate) fn save(&mut self, home: &Home) -> Result<()> {
        let Items { items, spool, .. } = &mut self.items;
        let mut kept = |item: &Item| match item.place {
            Place::Own(Content::Spooled { offset }) => Ok(Kept::new(item, Some(String::from_utf8(spool.text(offset)?)?))),
            Place::Own(Content::File) | Place::Pair { .. } => Ok(Kept::new(item, None)),
        };
        self.record.save(home, items.iter().map(&mut kept))
    }
    /// Hands in contents, then the manifest.
    pub(crate) fn upload(&mut self, gateway: &Gateway, folder: &Path) -> Result<()> {
        let mut told = Instant::now();
        let Items { items, spool, contestants } = &mut self.items;
        let mut contents = Contents { folder, spool, contestants, text_type: &self.text_type };
        let all = items.len();
        for (done, item) in (1_usize..).zip(&*items) {
            let content = contents.read(item)?;
            gateway.put_item(&hex::encode(item.sha256), &content).with_context(|| format!("uploading {}", item.name))?;
            if told.elapsed() >= LULL || done == all {
                eprintln!("uploaded {done} of {all} items");
                told = Instant::now();
            }
        }
        gateway.put_manifest(&self.record.manifest_root, &self.manifest()?)
    }
    /// The manifest as JSON lines, in a file without a name.
    fn manifest(&self) -> Result<File> {
        let mut file = BufWriter::new(tempfile::tempfile()?);
        let seed = Record::seed(&self.record.item_seed)?;
        for (task, item) in (0_u32..).zip(&self.items.items) {
            let (sha256, blind) = (hex::encode(item.sha256), hex::encode(blind(self.visibility, &seed, task)?));
            let media_type = plan::media_type(item, &self.text_type);
            writeln!(file, "{}", json!({ "sha256": sha256, "bytes": item.bytes, "blind": blind, "media_type": media_type }))?;
        }
        Ok(file.into_inner().map_err(|e| e.into_error())?)
    }
    /// What posts the job, but for who may lease in it.
    pub(crate) fn message(&self, description: &Description, requester: &str, gateway: &str) -> Result<MsgPostJob> {
        let contestants = if self.pairs_root.is_some() { u32::try_from(self.record.contestants.len())? } else { 0 };
        Ok(MsgPostJob {
            requester: requester.to_owned(),
            title: description.title.clone(),
            description: description.description.clone(),
            r#type: self.job_type(description)?.into(),
            item_kind: self.item_kind(description)?.into(),
            visibility: self.visibility.into(),
            classes: self.record.classes.clone(),
            manifest_root: self.root.to_vec(),
            tasks: self.tasks,
            bytes: self.bytes,
            media_type: self.media_type.clone(),
            content_addresses: vec![gateway.to_owned()],
            price: Some((&description.price()?).into()),
            overlap_min: description.overlap()?,
            overlap_max: description.overlap_max()?,
            posterior_bound_bps: description.posterior_bound_bps,
            bucket_size: description.bucket_size,
            gold_per_bucket: description.gold_per_bucket,
            gold_root: self.gold_root.map_or_else(Vec::new, Vec::from),
            kappa_target_bps: description.kappa_target_bps,
            gate_bits: description.gate_bits,
            publication: Some(Publication { publish: description.publish, requester_bps: description.requester_share_bps }),
            duration: description.duration,
            skill: description.skill.clone(),
            lent_bonds: description.lent_bonds,
            contestants,
            pairs_root: self.pairs_root.map_or_else(Vec::new, Vec::from),
            verification: description.verification()?,
            ..MsgPostJob::default()
        })
    }
    fn job_type(&self, description: &Description) -> Result<JobType> {
        let kind = description.kind()?;
        JobType::from_str_name(&format!("JOB_TYPE_{kind}")).with_context(|| format!("the chain knows no {kind} jobs"))
    }
    fn item_kind(&self, description: &Description) -> Result<ItemKind> {
        if !self.items.contestants.is_empty() {
            return Ok(ItemKind::Pair);
        }
        Ok(match description.item_kind()? {
            cairn_formats::ItemKind::Image => ItemKind::Image,
            cairn_formats::ItemKind::Text => ItemKind::Text,
            cairn_formats::ItemKind::Audio => ItemKind::Audio,
            cairn_formats::ItemKind::Pair => ItemKind::Pair,
        })
    }
    /// What it costs, for the person who is about to pay.
    pub(crate) fn estimate(&self, description: &Description, params: &Params) -> Result<String> {
        let dear = "the job is too dear to count";
        let (rules, price) = (params.rules.as_ref().context("the parameters hold no rules")?, description.price()?);
        let coin = |amount: u128| Coin::new(price.denom.clone(), amount).to_string();
        let buckets = Buckets::new(self.tasks, description.bucket_size).context("the job has no tasks")?;
        let posting = params.posting_fee.as_ref().map_or_else(String::new, |c| format!("{}{}", c.amount, c.denom));
        let each = u128::from(description.overlap_max()?);
        let labels = each.checked_mul(self.tasks.into()).context(dear)?;
        let paid = labels.checked_mul(price.amount).context(dear)?;
        let (mut all, mut stage) = (paid, String::new());
        if let Some(verification) = description.verification()? {
            let verdict = Coin::try_from(verification.price.as_ref().context("a verdict has a price")?)?;
            let most = verification.overlap.max(verification.overlap_max);
            let verdicts = labels.checked_mul(most.into()).and_then(|n| n.checked_mul(verdict.amount)).context(dear)?;
            all = all.checked_add(verdicts).context(dear)?;
            stage = format!("  verdicts     {:>20}   {} for each draft at {verdict}; for those who verify\n", coin(verdicts), most);
        }
        let quote = Quote::of_labels(all, rules.fee_bps, rules.gold_bond_bps).context(dear)?;
        let (label, of) = if stage.is_empty() { ("labels", self.record.classes.len()) } else { ("drafts", self.record.classes.len()) };
        let loans = loans(description, params, buckets.largest(), &price)?;
        let lease = rules.lease_blocks.saturating_mul(types::lease_factor(self.job_type(description)?));
        let of = if of == 0 { String::new() } else { format!(" of {of} classes") };
        Ok(format!(
            "{}: {} tasks{of} in {} buckets, {each} {label} each at {price}\n\
             \x20 {label}       {:>20}   the most that annotators can earn; what they do not earn comes back in part\n\
             {stage}\
             \x20 fee          {:>20}   on what is paid; the rest comes back\n\
             \x20 gold bond    {:>20}   comes back if the gold is right and opened in time\n\
             \x20 escrow       {:>20}\n\
             \x20 posting fee  {posting:>20}   burnt\n{loans}\
             \x20 time         {:>20}   a lease lasts {lease}; none is granted in the last {lease} of them\n",
            description.title,
            self.tasks,
            buckets.count(),
            coin(paid),
            coin(quote.fee),
            coin(quote.gold_bond),
            coin(quote.total().context(dear)?),
            format!("{} blocks", description.duration),
        ))
    }
}

/// The line about bonds that are lent, where any are; they are paid beside the escrow.
fn loans(description: &Description, params: &Params, bucket: u32, price: &Coin) -> Result<String> {
    if description.lent_bonds == 0 {
        return Ok(String::new());
    }
    let bps = params.rules.as_ref().context("the parameters hold no rules")?.lease_bond_bps;
    let bond = lease_bond(bucket, price.amount, bps).and_then(|bond| bond.checked_mul(description.lent_bonds.into()));
    let all = Coin::new(price.denom.clone(), bond.context("the lent bonds are too dear to count")?).to_string();
    Ok(format!("  lent bonds   {all:>20}   for first leases of newcomers; what they do not lose comes back\n"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cairn_annotation::rules::test_params;

    use super::*;
    use crate::cli::output::print;

    /// A job of that type over these files, prepared.
    fn prepared(files: &[(&str, Vec<u8>)], more: &str) -> (Prepared, Description, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let file = folder.path().join("job.toml");
        fs::write(&file, format!("title = 'x'\nprice = '10000ucairn'\nduration = 700\n{more}")).unwrap();
        let description = Description::load(&file).unwrap();
        let items = description.items(folder.path(), None, &file).unwrap();
        (prepare(&description, items, "cairn-test-1").unwrap(), description, folder)
    }

    fn texts(n: u8) -> Vec<(String, Vec<u8>)> {
        (0..n).map(|n| (format!("{n}.txt"), format!("text {n}").into_bytes())).collect()
    }

    #[test]
    fn pairs_are_committed_kept_and_uploaded() {
        let gold: String = (0..8).map(|n| format!("{n}.txt,{}.txt,left\n", n + 1)).chain(["9.txt,0.txt,tie\n".into()]).collect();
        let owned = texts(10);
        let mut files: Vec<(&str, Vec<u8>)> = owned.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        files.push(("gold.csv", format!("left,right,class\n{gold}").into_bytes()));
        let more = "type = 'pairwise'\nitem_kind = 'text'\ngold = 'gold.csv'\nmedia_type = 'text/markdown'\nbucket_size = 30\n\
                    gold_per_bucket = 4\n[pairs]\neach = 4\n";
        let (mut prepared, description, folder) = prepared(&files, more);
        let message = prepared.message(&description, "cairn1x", "http://gateway").unwrap();
        assert_eq!((message.contestants, message.pairs_root.len(), message.gold_root.len()), (10, 32, 32));
        assert_eq!((message.item_kind(), message.media_type.as_str()), (ItemKind::Pair, formats::PAIR_MEDIA_TYPE));
        assert!(message.tasks >= 20 && message.verification.is_none());
        let home = Home::new(folder.path().join("home"));
        prepared.save(&home).unwrap();
        let (record, mut kept) = Record::need(&home, "cairn-test-1", &prepared.root).unwrap();
        assert_eq!(record.contestants[3], "3.txt");
        let mut pairs = Vec::new();
        let Items { items, spool, contestants } = &mut prepared.items;
        let mut contents = Contents { folder: folder.path(), spool, contestants, text_type: "text/markdown" };
        for item in &*items {
            let (left, right) = kept.next().unwrap().unwrap().pair.unwrap();
            pairs.push((left, right));
            let content = contents.read(item).unwrap();
            let (l, r) = formats::read_pair(&content).unwrap();
            assert_eq!((l.media_type, l.content), ("text/markdown", format!("text {left}").as_bytes()));
            assert_eq!(r.content, format!("text {right}").as_bytes());
        }
        let tree = formats::PairsTree::new("cairn-test-1", &prepared.root, &Record::seed(&record.gold_seed).unwrap(), &pairs);
        assert_eq!(tree.root().to_vec(), message.pairs_root);
    }

    #[test]
    fn drafts_cost_their_verdicts_too() {
        let owned = texts(20);
        let files: Vec<(&str, Vec<u8>)> = owned.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        let more = "type = 'text'\nitem_kind = 'text'\ngold_per_bucket = 10\n";
        let (prepared, description, _folder) = prepared(&files, more);
        let message = prepared.message(&description, "cairn1x", "http://gateway").unwrap();
        assert!(message.gold_root.is_empty() && message.classes.is_empty() && message.pairs_root.is_empty());
        // 60 drafts at 10,000 and 180 verdicts at 2,000; fee 2 %, gold bond 10 % of both.
        let estimate = prepared.estimate(&description, &test_params()).unwrap();
        print(&estimate).unwrap();
        for amount in ["600000ucairn", "360000ucairn", "19200ucairn", "96000ucairn", "1075200ucairn"] {
            assert!(estimate.contains(amount), "{amount} is not in\n{estimate}");
        }
        assert!(estimate.contains("20 tasks in 1 buckets, 3 drafts each at 10000ucairn"), "{estimate}");
        assert!(estimate.contains("700 blocks   a lease lasts 900; none is granted in the last 900 of them"), "{estimate}");
    }

    #[test]
    fn known_spans_become_gold() {
        let mut list = String::new();
        for n in 0..20 {
            list.push_str(&format!("{{\"text\":\"Ann met Bob {n}\",\"spans\":[{{\"class\":\"PER\",\"start\":0,\"end\":3}}]}}\n"));
        }
        let more = "type = 'span'\nclasses = ['PER', 'LOC']\ngold_per_bucket = 10\n[verification]\niou_bps = 5000\nverdicts_max = 5\nposterior_bound_bps = 9500\n";
        let (prepared, description, _folder) = prepared(&[("items.jsonl", list.into_bytes())], more);
        let message = prepared.message(&description, "cairn1x", "http://gateway").unwrap();
        let verification = message.verification.unwrap();
        assert_eq!((verification.iou_bps, message.gold_root.len()), (5_000, 32));
        assert_eq!((verification.overlap, verification.overlap_max, verification.posterior_bound_bps), (3, 5, 9_500));
        assert_eq!(prepared.items.items.iter().filter(|i| i.gold.is_some()).count(), 10);
    }
}
