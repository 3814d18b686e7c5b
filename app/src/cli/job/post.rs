//! `cairnd job post`: from a folder of items to a posted job.
use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use cairn_proto::{
    cairn::annotation::v1::{MsgPostJobResponse, QueryParamsRequest, QueryParamsResponse},
    pack,
};
use clap::Args;
use prost::Message;
use serde_json::json;

use super::{Sender, description::Description, prepare::prepare};
use crate::cli::{
    gateway::Gateway,
    home::Home,
    output::Output,
    rpc::Rpc,
    sign::{Signer, answers, rehearse},
};

/// Hash, commit and upload items, pay the escrow and post the job.
///
/// The description is TOML. Needed: title, type, price (of a label or draft, such as "20000ucairn"), duration (blocks until the commit
/// deadline) and, but for verify, pairwise, text and audio, classes = ["cat", "dog"].
///
/// type: classify, multi-label, verify; pairwise (items compared in pairs and ranked); box, polygon, span, text, audio (drafts by some,
/// accepted or rejected by others).
///
/// May be left out: description, item_kind (image, text, audio), visibility (private, public), media_type, list, gold, overlap (5 labels or
/// 3 drafts a task), overlap_max, posterior_bound_bps, bucket_size (20), gold_per_bucket (1), kappa_target_bps (6000), gate_bits (-2),
/// publish (true), requester_share_bps (7000), skill.
///
/// [pairs], of pairwise jobs: list (CSV left,right or left,right,class), or each (6: how often each item is compared); rank (true).
///
/// [verification], of drafts: price of a verdict (a fifth of the draft's), verdicts (3 a draft), verdicts_max and posterior_bound_bps
/// (more verdicts for drafts that are still unsure), duration (the job's), accept_bps (7500: least probability of being good), iou_bps
/// (7000; box, polygon, span: least agreement with the truth of a gold task).
///
/// [access]: list, standing, exam, seats_bps, partner_reward, partner.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
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
        let mut message = prepared.message(&description, &entry.address, &self.gateway)?;
        let exam = description.access.apply(&file, &prepared.record.chain_id, &mut message)?;
        let message = pack(&message);
        eprint!("{}", prepared.estimate(&description, &params)?);
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
