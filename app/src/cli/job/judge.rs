//! `cairnd job judge`: the requester of a TEXT or AUDIO job looks at drafts and says which are good. What it says is the gold on which
//! those who verify are measured.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_annotation::types::VERDICTS;
use cairn_formats::JobKind;
use cairn_proto::cairn::annotation::v1::{DraftResult, Job, JobStatus, SettleStep};
use clap::Args;

use super::{
    Sender,
    verdicts::{Layout, VerdictRecord, drafts},
    watch,
};
use crate::cli::{
    annotate::{
        fetch_item,
        table::{self, Said},
        write_draft, write_item,
    },
    gateway::Gateway,
    home::Home,
    reply::Reply,
    rpc::Rpc,
};

/// Say which drafts of a text or audio job are good, before they are verified. First with --out: drafts are fetched, as many of each bucket
/// as become gold, and a table verdicts.csv is written. Then with that folder: what is filled in is committed. Not done in time, the gold
/// bond is lost; 'job watch' tells when.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// The job.
    job: u64,
    /// The table task,class with reject or accept, or the folder that holds verdicts.csv.
    #[arg(required_unless_present = "out", conflicts_with = "out")]
    verdicts: Option<PathBuf>,
    /// Fetch drafts with their items into this folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Fetch all drafts, not only as many as become gold.
    #[arg(long)]
    all: bool,
    /// The gateway; without it, the first that the job names.
    #[arg(long, env = "CAIRN_GATEWAY")]
    gateway: Option<String>,
    #[command(flatten)]
    sender: Sender,
}

impl JudgeArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, rpc: &Rpc) -> Result<()> {
        let (job, status) = watch::job(rpc, self.job)?;
        self.check(&job, &status)?;
        let layout = Layout::new(&job, &status)?;
        let found = drafts(rpc, job.id)?;
        let tasks: BTreeSet<u32> = found.keys().copied().collect();
        match (&self.verdicts, &self.out) {
            (Some(verdicts), _) => self.commit(home, rpc, &job, (&layout, &tasks), verdicts),
            (None, Some(out)) => {
                let sample = layout.sample(&tasks, self.all, &mut rand::rngs::OsRng);
                self.fetch(home, (&job, &status), out, found.iter().filter(|(task, _)| sample.contains(task)))
            }
            (None, None) => bail!("give the folder to write with --out, or the filled table"),
        }
    }
    /// Refuses where there is nothing to judge now.
    fn check(&self, job: &Job, status: &JobStatus) -> Result<()> {
        let step = status.settlement.as_ref().map_or(SettleStep::Unspecified, |settlement| settlement.step());
        if step == SettleStep::AwaitVerdictGold {
            return Ok(());
        }
        if status.stage > 0 {
            bail!("the drafts of job {} are verified already, in job {}", job.id, status.stage);
        }
        bail!("job {} has no drafts to judge: text and audio jobs do, when all of them are in", job.id)
    }
    fn fetch<'d>(
        &self,
        home: &Home,
        (job, status): (&Job, &JobStatus),
        out: &Path,
        drafts: impl Iterator<Item = (&'d u32, &'d DraftResult)>,
    ) -> Result<()> {
        let (key, _) = self.sender.open(home)?;
        let url = self.gateway.clone().or_else(|| job.content_addresses.first().cloned()).context("the job names no gateway")?;
        let gateway = Gateway::sign_in(&url, &key)?;
        fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
        let (mut tasks, mut known) = (Vec::new(), BTreeMap::new());
        for (task, draft) in drafts {
            let content = fetch_item(&gateway, job, draft.draft.as_ref().context("the chain tells no draft")?.task)?;
            let item = write_item(out, *task, &job.media_type, &content)?;
            if let Some(why) = write_draft(out, *task, (job, draft), (&item, &content), &gateway)? {
                println!("draft {task} cannot be accepted: {why}");
                let _none = known.insert(*task, "reject");
            }
            tasks.push(*task);
        }
        let path = out.join("verdicts.csv");
        if path.exists() {
            bail!("{} exists; the drafts to judge were drawn before: fill it in, or give another folder", path.display());
        }
        fs::write(&path, table::template(JobKind::Verify, &tasks, &known).1)?;
        println!("{} drafts in {}: say in {} of each whether it is good, reject or accept", tasks.len(), out.display(), path.display());
        println!("until block {}: cairnd job judge {} {} --from {}", status.gold_deadline, job.id, out.display(), self.sender.name());
        Ok(())
    }
    fn commit(&self, home: &Home, rpc: &Rpc, job: &Job, (layout, tasks): (&Layout, &BTreeSet<u32>), path: &Path) -> Result<()> {
        let path = if path.is_dir() { path.join("verdicts.csv") } else { path.to_owned() };
        let verdicts = table::read(&path, tasks, JobKind::Verify, &VERDICTS.map(str::to_owned))?;
        let judged = verdicts.into_iter().filter_map(|(task, said)| match said {
            Said::Reply(Reply::Class(class)) => Some((task, class)),
            _ => None,
        });
        let (key, options) = self.sender.open(home)?;
        let chain_id = rpc.chain_id()?;
        let record = match VerdictRecord::find(home, &chain_id, job)? {
            // An attempt that may still arrive opens with the same seed.
            Some(record) => record,
            None => {
                let chosen = layout.choose(tasks, &judged.collect(), &mut rand::rngs::OsRng)?;
                VerdictRecord::make(home, &chain_id, job, layout, chosen)?
            }
        };
        let stage = record.commit(rpc, home, &key, &options)?;
        println!("committed; job {stage} verifies the drafts. Keep 'cairnd job watch {} --from {}' running", job.id, self.sender.name());
        Ok(())
    }
}
