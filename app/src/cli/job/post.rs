//! `cairnd job post`: from a folder of items to a posted job.
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use cairn_annotation::formats::{self, Buckets, GoldTree, Quote, lease_bond};
use cairn_formats::{
    Media,
    import::{Content, Spool},
};
use cairn_kernel::{Coin, merkle};
use cairn_proto::{
    cairn::annotation::v1::{
        ItemKind, JobType, MsgPostJob, MsgPostJobResponse, Params, Publication, QueryParamsRequest, QueryParamsResponse, Visibility,
    },
    pack,
};
use clap::Args;
use prost::Message;
use rand::RngCore;
use serde_json::json;

use super::{
    Sender,
    plan::{self, Description, Item},
    record::{Kept, Record},
};
use crate::cli::{
    gateway::Gateway,
    genesis::parse_coin,
    home::Home,
    output::Output,
    rpc::Rpc,
    sign::{Signer, answers, rehearse},
};

/// Hash, commit and upload items, pay the escrow and post the job.
#[derive(Debug, Args)]
pub(crate) struct PostArgs {
    /// The job description (job.toml in the folder without it), then the folder of items: one file each, or with a list of them
    /// (items.jsonl, items.csv, items.json: JSON Lines, CSV, Label Studio or COCO).
    #[arg(num_args = 1..=2, required = true, value_names = ["JOB.TOML", "FOLDER"])]
    paths: Vec<PathBuf>,
    /// The list of items, where it lies elsewhere.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The gateway that keeps the items.
    #[arg(long, env = "CAIRN_GATEWAY", default_value = "http://127.0.0.1:8780")]
    gateway: String,
    #[command(flatten)]
    sender: Sender,
    /// Do not ask before paying.
    #[arg(long)]
    yes: bool,
    /// Say what it would cost and stop.
    #[arg(long)]
    dry_run: bool,
}

/// Everything that follows from the description, the items and fresh seeds.
struct Prepared {
    record: Record,
    root: merkle::Hash,
    items: Vec<Item>,
    spool: Spool,
    media_type: String,
    visibility: Visibility,
    gold_root: merkle::Hash,
    bytes: u64,
    tasks: u32,
}

impl PostArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, rpc: &Rpc, output: Output) -> Result<()> {
        let (file, folder) = self.paths()?;
        let description = Description::load(&file)?;
        let entry = self.sender.entry(home)?;
        let params: QueryParamsResponse = rpc.ask("/cairn.annotation.v1.Query/Params", &QueryParamsRequest {})?;
        let params = params.params.context("the chain tells no parameters")?;
        eprintln!("reading {} ...", folder.display());
        let items = description.items(&folder, self.list.as_deref(), &file)?;
        let mut prepared = prepare(&description, items, &rpc.chain_id()?)?;
        let mut message = message(&description, &prepared, &entry.address, &self.gateway)?;
        let exam = description.access.apply(&file, &prepared.record.chain_id, &mut message)?;
        let message = pack(&message);
        let quote = quote(&description, &params, &prepared)?;
        eprint!("{}", estimate(&description, &params, &prepared, &quote)?);
        // What the chain would refuse is found before anything is uploaded.
        rehearse(rpc, &entry.public()?, vec![message.clone()])?;
        if self.dry_run {
            eprintln!("the chain would take this job; nothing was posted");
            return Ok(());
        }
        if !self.yes && !confirmed()? {
            bail!("nothing was posted");
        }
        let (key, options) = self.sender.open(home)?;
        prepared.save(home)?;
        exam.map_or(Ok(()), |exam| exam.save(home))?;
        prepared.upload(&Gateway::sign_in(&self.gateway, &key)?, &folder)?;
        let done = Signer::new(rpc, &key)?.send(vec![message], &options)?;
        let answer = MsgPostJobResponse::decode(&*answers(&done)?.first().context("the transaction answers nothing")?.value)?;
        output.value(&json!({
            "job": answer.job, "hash": done.hash, "height": done.height, "tasks": prepared.tasks,
            "manifest_root": hex::encode(prepared.root), "commit_deadline": answer.commit_deadline,
        }))?;
        eprintln!("follow it, and open its gold in time, with 'cairnd job watch {} --from {}'", answer.job, self.sender.name());
        Ok(())
    }

    /// The description and the folder.
    fn paths(&self) -> Result<(PathBuf, PathBuf)> {
        match self.paths.as_slice() {
            [folder] => Ok((folder.join("job.toml"), folder.clone())),
            [description, folder] => Ok((description.clone(), folder.clone())),
            _ => bail!("expected a job description and a folder"),
        }
    }
}

impl Prepared {
    fn blind(&self, task: u32) -> Result<merkle::Hash> {
        blind(self.visibility, &Record::seed(&self.record.item_seed)?, task)
    }
    /// Keeps the record in the home.
    fn save(&mut self, home: &Home) -> Result<()> {
        let spool = &mut self.spool;
        let mut kept = |item: &Item| match item.content {
            Content::File => Ok(Kept::new(item, None)),
            Content::Spooled { offset } => Ok(Kept::new(item, Some(String::from_utf8(spool.text(offset)?)?))),
        };
        self.record.save(home, self.items.iter().map(&mut kept))
    }
    /// Hands in contents, then the manifest.
    fn upload(&mut self, gateway: &Gateway, folder: &Path) -> Result<()> {
        let mut told = Instant::now();
        let all = self.items.len();
        for (done, item) in (1_usize..).zip(&self.items) {
            let content = match item.content {
                Content::File => {
                    let path = folder.join(&*item.name);
                    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?
                }
                Content::Spooled { offset } => self.spool.text(offset)?,
            };
            gateway.put_item(&hex::encode(item.sha256), &content).with_context(|| format!("uploading {}", item.name))?;
            if told.elapsed() >= plan::LULL || done == all {
                eprintln!("uploaded {done} of {all} items");
                told = Instant::now();
            }
        }
        gateway.put_manifest(&self.record.manifest_root, &self.manifest()?)
    }
    /// The manifest as JSON lines, in a file without a name.
    fn manifest(&self) -> Result<File> {
        let mut file = BufWriter::new(tempfile::tempfile()?);
        for (task, item) in (0_u32..).zip(&self.items) {
            let (sha256, blind) = (hex::encode(item.sha256), hex::encode(self.blind(task)?));
            // A text may be of a kind that its bytes do not tell, such as Markdown.
            let media_type = if item.media == Media::Text { &*self.media_type } else { item.media.media_type() };
            writeln!(file, "{}", json!({ "sha256": sha256, "bytes": item.bytes, "blind": blind, "media_type": media_type }))?;
        }
        Ok(file.into_inner().map_err(|e| e.into_error())?)
    }
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

fn item_kind(description: &Description) -> Result<ItemKind> {
    Ok(match description.item_kind()? {
        cairn_formats::ItemKind::Image => ItemKind::Image,
        cairn_formats::ItemKind::Text => ItemKind::Text,
        cairn_formats::ItemKind::Audio => ItemKind::Audio,
        cairn_formats::ItemKind::Pair => ItemKind::Pair,
    })
}

fn job_type(description: &Description) -> Result<JobType> {
    let kind = description.kind()?;
    JobType::from_str_name(&format!("JOB_TYPE_{kind}")).with_context(|| format!("the chain knows no {kind} jobs"))
}

/// Arranges, hashes and commits.
fn prepare(description: &Description, found: plan::Items, chain_id: &str) -> Result<Prepared> {
    let (visibility, media_type) = (visibility(description)?, description.media_type(&found.items)?);
    let mut rng = rand::rngs::OsRng;
    let items = plan::arrange(found.items, description.bucket_size, description.gold_per_bucket, &mut rng)?;
    let tasks = u32::try_from(items.len()).context("too many items")?;
    let (mut gold_seed, mut item_seed) = ([0; 32], [0; 32]);
    rng.fill_bytes(&mut gold_seed);
    rng.fill_bytes(&mut item_seed);

    let leaf = |(i, item): (u32, &Item)| Ok(formats::item_leaf(i, &item.sha256, item.bytes, &blind(visibility, &item_seed, i)?));
    let leaves = (0_u32..).zip(&items).map(leaf).collect::<Result<Vec<_>>>()?;
    let root = merkle::root(&leaves);
    let classes = description.classes.len();
    let known = (0_u32..).zip(&items).filter_map(|(i, item)| Some((i, item.gold?)));
    let truths = known.map(|(i, truth)| Ok((i, truth.payload(classes)?))).collect::<Result<BTreeMap<_, _>>>()?;
    let gold_root = GoldTree::of_payloads(chain_id, &root, &gold_seed, tasks, &truths).root();
    let bytes = items.iter().try_fold(0_u64, |sum, i| sum.checked_add(i.bytes)).context("the items are too large")?;
    let record = Record {
        chain_id: chain_id.to_owned(),
        manifest_root: hex::encode(root),
        gold_seed: hex::encode(gold_seed),
        item_seed: hex::encode(item_seed),
        classes: description.classes.clone(),
        tasks,
    };
    Ok(Prepared { record, root, items, spool: found.spool, media_type, visibility, gold_root, bytes, tasks })
}

fn quote(description: &Description, params: &Params, prepared: &Prepared) -> Result<Quote> {
    let rules = params.rules.as_ref().context("the parameters hold no rules")?;
    let price = parse_coin(&description.price)?;
    Quote::new(prepared.tasks, description.overlap_max(), price.amount, rules.fee_bps, rules.gold_bond_bps)
        .context("the job is too dear to count")
}

/// What it costs, for the person who is about to pay.
fn estimate(description: &Description, params: &Params, prepared: &Prepared, quote: &Quote) -> Result<String> {
    let price = parse_coin(&description.price)?;
    let coin = |amount: u128| Coin::new(price.denom.clone(), amount).to_string();
    let buckets = Buckets::new(prepared.tasks, description.bucket_size).context("the job has no tasks")?;
    let posting = params.posting_fee.as_ref().map_or_else(String::new, |c| format!("{}{}", c.amount, c.denom));
    let total = quote.total().context("the job is too dear to count")?;
    let loans = loans(description, params, buckets.largest(), &price)?;
    Ok(format!(
        "{}: {} tasks of {} classes in {} buckets, {} labels each at {}\n\
         \x20 labels       {:>20}   the most that annotators can earn; what they do not earn comes back in part\n\
         \x20 fee          {:>20}   on what is paid; the rest comes back\n\
         \x20 gold bond    {:>20}   comes back if the gold is right and opened in time\n\
         \x20 escrow       {:>20}\n\
         \x20 posting fee  {posting:>20}   burnt\n{loans}",
        description.title,
        prepared.tasks,
        description.classes.len(),
        buckets.count(),
        description.overlap_max(),
        price,
        coin(quote.labels),
        coin(quote.fee),
        coin(quote.gold_bond),
        coin(total),
    ))
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

fn confirmed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("add --yes to pay without being asked");
    }
    eprint!("Post this job? [y/N] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().eq_ignore_ascii_case("y"))
}

fn message(description: &Description, prepared: &Prepared, requester: &str, gateway: &str) -> Result<MsgPostJob> {
    Ok(MsgPostJob {
        requester: requester.to_owned(),
        title: description.title.clone(),
        description: description.description.clone(),
        r#type: job_type(description)?.into(),
        item_kind: item_kind(description)?.into(),
        visibility: prepared.visibility.into(),
        classes: description.classes.clone(),
        manifest_root: prepared.root.to_vec(),
        tasks: prepared.tasks,
        bytes: prepared.bytes,
        media_type: prepared.media_type.clone(),
        content_addresses: vec![gateway.to_owned()],
        price: Some((&parse_coin(&description.price)?).into()),
        overlap_min: description.overlap,
        overlap_max: description.overlap_max(),
        posterior_bound_bps: description.posterior_bound_bps,
        bucket_size: description.bucket_size,
        gold_per_bucket: description.gold_per_bucket,
        gold_root: prepared.gold_root.to_vec(),
        kappa_target_bps: description.kappa_target_bps,
        gate_bits: description.gate_bits,
        publication: Some(Publication { publish: description.publish, requester_bps: description.requester_share_bps }),
        duration: description.duration,
        skill: description.skill.clone(),
        lent_bonds: description.lent_bonds,
        ..MsgPostJob::default()
    })
}
