//! `cairnd job export`: a job's result, task by task, streamed.
use std::{fs, path::PathBuf, time::Instant};

use anyhow::{Context, Result, bail};
use cairn_formats::export::{self, Done, Exporter, Format, Out, Sink};
use cairn_proto::cairn::annotation::v1::{
    Job, JobState, JobStatus, JobType, QueryLabelsRequest, QueryLabelsResponse, QueryTasksRequest, QueryTasksResponse, TaskLabels,
    TaskResult,
};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    contents::Contents,
    labels::{self, Numbers},
    plan::LULL,
    produced::{Drafts, Page},
    ranking,
    record::{Items, Record},
    result::Results,
    watch,
};
use crate::cli::{
    gateway::Gateway,
    home::Home,
    keyring::Keyring,
    keys,
    output::stdout,
    reply::{kind_of, produces},
    rpc::Rpc,
};

/// Tasks asked for at once.
const PAGE: u32 = 500;
/// As the command line names the ranking.
const RANKING: &str = "ranking";

/// Write a job's result.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Its number.
    job: u64,
    /// What to write; 'ranking' are the contestants of a PAIRWISE job in their order, 'labels' and 'gold' are what 'cairnd truth replay'
    /// reads.
    #[arg(long, default_value = "jsonl", value_parser = formats())]
    format: Wanted,
    /// Where to; standard output without it.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// The folder of items that the job was posted with: for formats that need contents.
    #[arg(long, value_name = "FOLDER")]
    items: Option<PathBuf>,
    /// The key to sign in to a gateway with, where contents are to be fetched: the requester's, or of somebody who may read them.
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// The gateway; without it, the first that the job names.
    #[arg(long, env = "CAIRN_GATEWAY", value_name = "URL")]
    gateway: Option<String>,
    /// A folder for drafts that are files, such as recordings.
    #[arg(long, value_name = "FOLDER")]
    drafts: Option<PathBuf>,
    /// Under which licence the result is handed on, as a URL.
    #[arg(long, value_name = "URL", default_value = "")]
    licence: String,
    /// Write what is known so far of a job that is not settled; every line then says so.
    #[arg(long)]
    partial: bool,
}

/// A format of `cairn-formats`, or numbers for a replay, or places.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Result(Format),
    Numbers(Numbers),
    Ranking,
}

/// Reads the name of a format.
fn formats() -> impl TypedValueParser<Value = Wanted> {
    let names = Format::ALL.into_iter().map(Format::name).chain(Numbers::ALL.into_iter().map(Numbers::name));
    PossibleValuesParser::new(names.chain([RANKING])).try_map(|name: String| {
        let result = Format::ALL.into_iter().find(|f| f.name() == name).map(Wanted::Result);
        let numbers = || Numbers::ALL.into_iter().find(|n| n.name() == name).map(Wanted::Numbers);
        let ranking = || (name == RANKING).then_some(Wanted::Ranking);
        result.or_else(numbers).or_else(ranking).ok_or("no such format")
    })
}

impl ExportArgs {
    /// Runs the command.
    pub(crate) fn run(&self, home: &Home, rpc: &Rpc) -> Result<()> {
        let (job, status) = watch::job(rpc, self.job)?;
        self.check_state(&status)?;
        let out = match &self.out {
            Some(path) => Out::Path(path.clone()),
            None => Out::Stream(Box::new(stdout())),
        };
        let done = match self.format {
            Wanted::Numbers(numbers) => self.numbers(rpc, (&job, &status), numbers, out)?,
            Wanted::Result(format) => self.result(home, rpc, (&job, &status), format, out)?,
            Wanted::Ranking => ranked(home, rpc, &job, out)?,
        };
        done.written.iter().for_each(|path| eprintln!("wrote {}", path.display()));
        done.notes.iter().for_each(|note| eprintln!("{note}"));
        Ok(())
    }

    /// Refuses a job without a result, or says of what is written that it is none.
    fn check_state(&self, status: &JobStatus) -> Result<()> {
        let Some(why) = unsettled(status) else { return Ok(()) };
        if !self.partial {
            bail!("{why}; to write what is known so far, which may still change, add --partial");
        }
        eprintln!("partial: {why}; the export says so where its format can");
        Ok(())
    }

    /// Items, answers and who gave them, under pseudonyms.
    fn result(&self, home: &Home, rpc: &Rpc, of: (&Job, &JobStatus), format: Format, out: Out) -> Result<Done> {
        let (job, status) = of;
        if format.is_folder() && self.out.is_none() {
            bail!("{format} is a folder of files; name one with --out");
        }
        let chain = rpc.chain_id()?;
        let mut kept = Record::find(home, &chain, &job.manifest_root)?.map(|(_, items)| items);
        if kept.is_none() {
            eprintln!("this home did not post job {}: items are named by their tasks' numbers", job.id);
        }
        let model = if status.stage > 0 { watch::job(rpc, status.stage)?.1 } else { status.clone() };
        let results = Results::new(home, &chain, of, &model, &self.licence)?;
        format.check(results.job())?;
        let contents =
            Contents::new(self.items.clone(), self.sign_in(home, job)?, format.needs(results.job().kind, results.job().item_kind))?;
        let mut exporter = export::open(format, results.job(), out)?;
        let kind = kind_of(job.r#type())?;
        let missing = if produces(kind) {
            if let Some(folder) = &self.drafts {
                fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            }
            let drafts = Drafts { job, kind, contents: &contents, pseudonyms: results.pseudonyms(), files: self.drafts.as_deref() };
            produced(rpc, of, &drafts, &mut kept, exporter.as_mut())?
        } else {
            each(rpc, job, |task, labels| {
                let kept = kept.as_mut().map(Items::next).transpose()?.flatten();
                let mut item = results.item(task, labels)?;
                contents.add(job, results.job().item_kind, &mut item, kept)?;
                Ok(exporter.item(&item)?)
            })?;
            0
        };
        let mut done = exporter.finish()?;
        if missing > 0 {
            done.notes.push(format!("{missing} drafts that were not chosen are left out: their producers did not upload them"));
        }
        Ok(done)
    }

    /// The gateway, where a key to sign in with is named.
    fn sign_in(&self, home: &Home, job: &Job) -> Result<Option<Gateway>> {
        let Some(name) = &self.from else { return Ok(None) };
        let url = self.gateway.clone().or_else(|| job.content_addresses.first().cloned());
        let url = url.context("the job names no gateway; give one with --gateway")?;
        let key = keys::open(&Keyring::new(home.keyring()), name)?;
        Gateway::sign_in(&url, &key).map(Some)
    }

    /// Numbers for a replay, and the command that does it.
    fn numbers(&self, rpc: &Rpc, (job, status): (&Job, &JobStatus), numbers: Numbers, out: Out) -> Result<Done> {
        if !matches!(job.r#type(), JobType::Classify | JobType::Pairwise | JobType::Verify) {
            bail!("'cairnd truth replay' reads labels of one class; this job has others: export jsonl instead");
        }
        let mut file = Sink::open(out)?;
        file.write(numbers.heading().as_bytes())?;
        each(rpc, job, |task, labels| Ok(file.write(numbers.lines(task, labels).as_bytes())?))?;
        let written = file.finish()?.into_iter().collect();
        let notes = match (numbers, labels::replay_command(job, status, self.out.as_ref())) {
            (Numbers::Gold, _) => Vec::new(),
            (Numbers::Labels, Some(command)) => vec![format!("check the settlement yourself: {command}")],
            (Numbers::Labels, None) => vec![format!("job {} has no digest to check: nothing was inferred, or not yet", job.id)],
        };
        Ok(Done { written, notes })
    }
}

/// Why a job has no result that stays, if it has none.
pub(super) fn unsettled(status: &JobStatus) -> Option<String> {
    let state = status.state();
    let inferred = status.settlement.as_ref().is_some_and(|settlement| !settlement.digest.is_empty());
    let name = state.as_str_name().trim_start_matches("JOB_STATE_");
    match state {
        JobState::Appeal | JobState::Closed if status.failed.is_some() && !inferred => {
            Some(format!("the settlement of job {} failed and it was closed without a result", status.job))
        }
        JobState::Appeal | JobState::Closed => None,
        JobState::Cancelled => Some(format!("job {} was cancelled and has no result", status.job)),
        JobState::Late => Some(format!("job {} is in its late round (LATE), which may change answers", status.job)),
        _ => Some(format!("job {} is not settled: it is in state {name}", status.job)),
    }
}

/// The contestants of a PAIRWISE job in their order.
fn ranked(home: &Home, rpc: &Rpc, job: &Job, out: Out) -> Result<Done> {
    let chain = rpc.chain_id()?;
    let record = Record::find(home, &chain, &job.manifest_root)?.map(|(record, _)| record);
    let mut file = Sink::open(out)?;
    ranking::write(rpc, &chain, job, record.as_ref(), &mut file)?;
    Ok(Done { written: file.finish()?.into_iter().collect(), notes: Vec::new() })
}

/// Hands every task of a producing job over with its drafts; says how many of these could not be had.
fn produced(rpc: &Rpc, of: (&Job, &JobStatus), drafts: &Drafts<'_>, kept: &mut Option<Items>, exporter: &mut dyn Exporter) -> Result<u64> {
    let job = of.0;
    let (mut missing, mut told) = (0_u64, Instant::now());
    let mut page = Page::default();
    let item_kind = super::result::item_kind(job)?;
    for task in 0..job.tasks {
        if task.is_multiple_of(PAGE) {
            page = Page::ask(rpc, of, task, PAGE)?;
        }
        let kept = kept.as_mut().map(Items::next).transpose()?.flatten();
        let (mut item, absent) = drafts.item(&page, task, kept.as_ref().and_then(|kept| kept.gold.as_ref()))?;
        missing = missing.saturating_add(absent);
        drafts.contents.add(job, item_kind, &mut item, kept)?;
        exporter.item(&item)?;
        tell(&mut told, task, job);
    }
    Ok(missing)
}

/// Says how far an export is, now and then.
fn tell(told: &mut Instant, task: u32, job: &Job) {
    if told.elapsed() >= LULL {
        eprintln!("exported {task} of {} tasks", job.tasks);
        *told = Instant::now();
    }
}

/// Hands every task with its labels to a function, and tells how far it is.
fn each(rpc: &Rpc, job: &Job, mut handle: impl FnMut(&TaskResult, &TaskLabels) -> Result<()>) -> Result<()> {
    let (mut from, mut told) = (0, Instant::now());
    loop {
        let request = QueryTasksRequest { job: job.id, from, limit: PAGE };
        let tasks: QueryTasksResponse = rpc.ask("/cairn.annotation.v1.Query/Tasks", &request)?;
        let request = QueryLabelsRequest { job: job.id, from, limit: PAGE };
        let labels: QueryLabelsResponse = rpc.ask("/cairn.annotation.v1.Query/Labels", &request)?;
        let mut of_tasks = labels.tasks.iter().peekable();
        for task in &tasks.tasks {
            while of_tasks.next_if(|l| l.task < task.task).is_some() {}
            let none = TaskLabels::default();
            handle(task, of_tasks.next_if(|l| l.task == task.task).unwrap_or(&none))?;
        }
        from = tasks.next;
        if from == 0 {
            return Ok(());
        }
        tell(&mut told, from, job);
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use cairn_proto::cairn::annotation::v1::{FailedStep, Settlement};

    use super::*;

    #[test]
    fn every_format_has_a_name_of_its_own() {
        let parse = |name: &str| formats().parse_ref(&clap::Command::new("x"), None, OsStr::new(name));
        for format in Format::ALL {
            assert!(matches!(parse(format.name()).unwrap(), Wanted::Result(f) if f == format));
        }
        for numbers in Numbers::ALL {
            assert!(matches!(parse(numbers.name()).unwrap(), Wanted::Numbers(n) if n == numbers));
        }
        assert!(matches!(parse("ranking").unwrap(), Wanted::Ranking));
        assert!(parse("xml").is_err());
    }

    #[test]
    fn only_what_is_settled_is_a_result() {
        let in_state = |state: JobState| JobStatus { job: 7, state: state.into(), ..JobStatus::default() };
        for settled in [JobState::Appeal, JobState::Closed] {
            assert_eq!(unsettled(&in_state(settled)), None);
        }
        for (state, word) in [
            (JobState::Open, "OPEN"),
            (JobState::Revealing, "REVEALING"),
            (JobState::Gold, "GOLD"),
            (JobState::Infer, "INFER"),
            (JobState::Late, "LATE"),
            (JobState::Verifying, "VERIFYING"),
            (JobState::Quarantine, "QUARANTINE"),
            (JobState::Cancelled, "cancelled"),
        ] {
            let why = unsettled(&in_state(state)).unwrap();
            assert!(why.contains(word) && why.contains("job 7"), "{why}");
        }
        let failed = JobStatus { failed: Some(FailedStep::default()), ..in_state(JobState::Closed) };
        assert!(unsettled(&failed).unwrap().contains("without a result"));
        let settlement = Some(Settlement { digest: vec![1], ..Settlement::default() });
        assert_eq!(unsettled(&JobStatus { settlement, ..failed }), None);
    }
}
