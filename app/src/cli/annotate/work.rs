//! What a lease is about: its tasks, their items, and where drafts are verified the drafts, as a folder of files to look at and one to
//! fill in.
use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use cairn_proto::cairn::annotation::v1::{DraftResult, DraftState, Job, Lease, QueryDraftsRequest, QueryDraftsResponse};

use super::{
    fetch_item, own,
    table::{example, template},
    write_draft, write_item,
};
use crate::cli::{gateway::Gateway, home::Home, job::Sender, reply::kind_of, rpc::Rpc};

/// A lease with the job that it is of, and for one of a verification stage, the job whose drafts are verified.
pub(super) struct Work {
    pub(super) lease: Lease,
    pub(super) tasks: Vec<u32>,
    until: u64,
    pub(super) job: Job,
    parent: Option<Job>,
}

impl Work {
    pub(super) fn load(rpc: &Rpc, number: u64) -> Result<Self> {
        let (lease, tasks, until) = super::lease(rpc, number)?;
        let job = super::job(rpc, lease.job)?;
        let parent = job.stage.map(|stage| super::job(rpc, stage.parent)).transpose()?;
        Ok(Self { lease, tasks, until, job, parent })
    }
    /// The draft that a task of a verification stage is about.
    fn draft(&self, rpc: &Rpc, parent: &Job, task: u32) -> Result<DraftResult> {
        let from = task.checked_rem(parent.tasks).context("the job has no tasks")?;
        let request = QueryDraftsRequest { job: parent.id, from, limit: 1 };
        let found: QueryDraftsResponse = rpc.ask("/cairn.annotation.v1.Query/Drafts", &request)?;
        let is_it =
            |draft: &DraftResult| draft.stage_task == task && draft.draft.as_ref().is_some_and(|draft| draft.state() != DraftState::Copied);
        found.drafts.into_iter().find(is_it).with_context(|| format!("the chain tells no draft for task {task}"))
    }
}

/// Fetches items and drafts, checks them against the chain, and writes the file to fill in.
pub(super) fn fetch(rpc: &Rpc, home: &Home, sender: &Sender, number: u64, out: &Path, gateway: Option<String>) -> Result<()> {
    let (key, _) = sender.open(home)?;
    let work = Work::load(rpc, number)?;
    own(&work.lease, &key, sender)?;
    let job = &work.job;
    let url = gateway.or_else(|| job.content_addresses.first().cloned()).context("the job names no gateway; give one with --gateway")?;
    let gateway = Gateway::sign_in(&url, &key)?;
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let kind = kind_of(job.r#type())?;
    let mut known = BTreeMap::new();
    for task in &work.tasks {
        let Some(parent) = &work.parent else {
            write_item(out, *task, &job.media_type, &fetch_item(&gateway, job, *task)?)?;
            continue;
        };
        let draft = work.draft(rpc, parent, *task)?;
        let content = fetch_item(&gateway, parent, draft.draft.as_ref().map_or(0, |draft| draft.task))?;
        let item = write_item(out, *task, &parent.media_type, &content)?;
        if let Some(why) = write_draft(out, *task, (parent, &draft), (&item, &content), &gateway)? {
            println!("the draft of task {task} cannot be accepted: {why}");
            let _none = known.insert(*task, "reject");
        }
    }
    let (name, text) = template(kind, &work.tasks, &known);
    let path = out.join(name);
    if path.exists() {
        eprintln!("{} exists and is kept", path.display());
    } else {
        fs::write(&path, text)?;
    }
    println!("{} items checked against the chain, in {}", work.tasks.len(), out.display());
    match &work.parent {
        Some(parent) => println!("is each draft (*.draft.*) good? What its producer was asked for: {}", parent.description),
        None => println!("{}", job.description),
    }
    let classes = if job.classes.is_empty() { String::new() } else { format!("classes: {}; ", job.classes.join(", ")) };
    println!("{classes}fill in {}, a line such as\n{}", path.display(), example(kind, &job.classes));
    let nothing = if kind.is_one_class() || job.classes.is_empty() { "" } else { "[] says that there is nothing; " };
    println!("{nothing}a task without an answer is skipped. Then, until block {}:", work.until);
    println!("cairnd annotate commit {number} {} --from {} --reveal", out.display(), sender.name());
    Ok(())
}
