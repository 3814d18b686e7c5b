//! `cairnd job post`: from a folder of items to a posted job.
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_annotation::formats::{self, Buckets, GoldTree, Quote};
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
use serde_json::{Value, json};

use super::{
    Sender,
    plan::{self, Description, Item},
    record::Record,
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
    /// The job description (TOML).
    description: PathBuf,
    /// The folder of items, one file each.
    items: PathBuf,
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
    leaves_blind: Vec<merkle::Hash>,
    gold_root: merkle::Hash,
    bytes: u64,
    tasks: u32,
}

impl PostArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, rpc: &Rpc, output: Output) -> Result<()> {
        let description = Description::load(&self.description)?;
        let entry = self.sender.entry(home)?;
        let params: QueryParamsResponse = rpc.ask("/cairn.annotation.v1.Query/Params", &QueryParamsRequest {})?;
        let params = params.params.context("the chain tells no parameters")?;
        eprintln!("reading {} ...", self.items.display());
        let prepared = prepare(&description, visibility(&description)?, &self.items, &self.gold(&description), &rpc.chain_id()?)?;
        let message = pack(&message(&description, &prepared, &entry.address, &self.gateway)?);
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
        prepared.record.save(home)?;
        self.upload(&Gateway::sign_in(&self.gateway, &key)?, &description, &prepared)?;
        let done = Signer::new(rpc, &key)?.send(vec![message], &options)?;
        let answer = MsgPostJobResponse::decode(&*answers(&done)?.first().context("the transaction answers nothing")?.value)?;
        Record { job: Some(answer.job), ..prepared.record }.save(home)?;
        output.value(&json!({
            "job": answer.job, "hash": done.hash, "height": done.height, "tasks": prepared.tasks,
            "manifest_root": hex::encode(prepared.root), "commit_deadline": answer.commit_deadline,
        }))?;
        eprintln!("follow it, and open its gold in time, with 'cairnd job watch {} --from {}'", answer.job, self.sender.name());
        Ok(())
    }

    /// The gold file lies beside the description unless it is named absolutely.
    fn gold(&self, description: &Description) -> PathBuf {
        self.description.parent().unwrap_or(Path::new(".")).join(&description.gold)
    }

    fn upload(&self, gateway: &Gateway, description: &Description, prepared: &Prepared) -> Result<()> {
        let items = &prepared.record.items;
        for (i, item) in items.iter().enumerate() {
            gateway.put_item(&item.sha256, &self.items.join(&item.name))?;
            if i.checked_rem(200) == Some(199) || i.saturating_add(1) == items.len() {
                eprintln!("uploaded {} of {} items", i.saturating_add(1), items.len());
            }
        }
        let entries = items.iter().zip(&prepared.leaves_blind);
        let manifest: Value = entries
            .map(|(i, blind)| json!({ "sha256": i.sha256, "bytes": i.bytes, "blind": hex::encode(blind), "media_type": description.media_type }))
            .collect();
        gateway.put_manifest(&hex::encode(prepared.root), &manifest)
    }
}

fn visibility(description: &Description) -> Result<Visibility> {
    match description.visibility.as_str() {
        "private" => Ok(Visibility::Private),
        "public" => Ok(Visibility::Public),
        other => bail!("visibility is 'private' or 'public', found {other:?}"),
    }
}

fn item_kind(description: &Description) -> Result<ItemKind> {
    match description.item_kind.as_str() {
        "image" => Ok(ItemKind::Image),
        "text" => Ok(ItemKind::Text),
        "audio" => Ok(ItemKind::Audio),
        other => bail!("item_kind is 'image', 'text' or 'audio', found {other:?}"),
    }
}

/// Scans, arranges, hashes and commits.
fn prepare(description: &Description, visibility: Visibility, folder: &Path, gold: &Path, chain_id: &str) -> Result<Prepared> {
    let mut items = plan::scan(folder)?;
    plan::mark_gold(&mut items, gold, &description.classes)?;
    let mut rng = rand::rngs::OsRng;
    let items = plan::arrange(items, description.bucket_size, description.gold_per_bucket, &mut rng)?;
    let tasks = u32::try_from(items.len()).context("too many items")?;
    let (mut gold_seed, mut item_seed) = ([0; 32], [0; 32]);
    rng.fill_bytes(&mut gold_seed);
    rng.fill_bytes(&mut item_seed);

    let blind = |i: u32| if visibility == Visibility::Private { formats::item_blind(&item_seed, i) } else { [0; 32] };
    let leaves_blind: Vec<merkle::Hash> = (0..tasks).map(blind).collect();
    let leaf = |((i, item), blind): ((u32, &Item), &merkle::Hash)| Ok(formats::item_leaf(i, &item.hash()?, item.bytes, blind));
    let leaves = (0_u32..).zip(&items).zip(&leaves_blind).map(leaf).collect::<Result<Vec<_>>>()?;
    let root = merkle::root(&leaves);
    let truths: BTreeMap<u32, u16> = (0_u32..).zip(&items).filter_map(|(i, item)| Some((i, item.gold?))).collect();
    let gold_root = GoldTree::new(chain_id, &root, &gold_seed, tasks, &truths).root();
    let bytes = items.iter().try_fold(0_u64, |sum, i| sum.checked_add(i.bytes)).context("the items are too large")?;
    let record = Record {
        job: None,
        chain_id: chain_id.to_owned(),
        manifest_root: hex::encode(root),
        gold_seed: hex::encode(gold_seed),
        item_seed: hex::encode(item_seed),
        classes: description.classes.clone(),
        items,
    };
    Ok(Prepared { record, root, leaves_blind, gold_root, bytes, tasks })
}

fn quote(description: &Description, params: &Params, prepared: &Prepared) -> Result<Quote> {
    let rules = params.rules.as_ref().context("the parameters hold no rules")?;
    let price = parse_coin(&description.price)?;
    Quote::new(prepared.tasks, description.overlap, price.amount, rules.fee_bps, rules.gold_bond_bps)
        .context("the job is too dear to count")
}

/// What it costs, for the person who is about to pay.
fn estimate(description: &Description, params: &Params, prepared: &Prepared, quote: &Quote) -> Result<String> {
    let price = parse_coin(&description.price)?;
    let coin = |amount: u128| Coin::new(price.denom.clone(), amount).to_string();
    let buckets = Buckets::new(prepared.tasks, description.bucket_size).context("the job has no tasks")?;
    let posting = params.posting_fee.as_ref().map_or_else(String::new, |c| format!("{}{}", c.amount, c.denom));
    let total = quote.total().context("the job is too dear to count")?;
    Ok(format!(
        "{}: {} tasks of {} classes in {} buckets, {} labels each at {}\n\
         \x20 labels       {:>20}   the most that annotators can earn; what they do not earn comes back in part\n\
         \x20 fee          {:>20}   on what is paid; the rest comes back\n\
         \x20 gold bond    {:>20}   comes back if the gold is right and opened in time\n\
         \x20 escrow       {:>20}\n\
         \x20 posting fee  {posting:>20}   burnt\n",
        description.title,
        prepared.tasks,
        description.classes.len(),
        buckets.count(),
        description.overlap,
        price,
        coin(quote.labels),
        coin(quote.fee),
        coin(quote.gold_bond),
        coin(total),
    ))
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
        r#type: JobType::Classify.into(),
        item_kind: item_kind(description)?.into(),
        visibility: visibility(description)?.into(),
        classes: description.classes.clone(),
        manifest_root: prepared.root.to_vec(),
        tasks: prepared.tasks,
        bytes: prepared.bytes,
        media_type: description.media_type.clone(),
        content_addresses: vec![gateway.to_owned()],
        price: Some((&parse_coin(&description.price)?).into()),
        overlap_min: description.overlap,
        overlap_max: description.overlap,
        bucket_size: description.bucket_size,
        gold_per_bucket: description.gold_per_bucket,
        gold_root: prepared.gold_root.to_vec(),
        kappa_target_bps: description.kappa_target_bps,
        gate_bits: description.gate_bits,
        publication: Some(Publication { publish: description.publish, requester_bps: description.requester_share_bps }),
        duration: description.duration,
        skill: description.skill.clone(),
        ..MsgPostJob::default()
    })
}
