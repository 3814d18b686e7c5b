//! `cairnd job export`: a settled job's result, task by task, streamed.
use std::{path::PathBuf, time::Instant};

use anyhow::{Result, bail};
use cairn_formats::export::{self, Done, Format, Out};
use cairn_proto::cairn::annotation::v1::{
    Job, JobStatus, JobType, QueryLabelsRequest, QueryLabelsResponse, QueryTasksRequest, QueryTasksResponse, TaskLabels, TaskResult,
};
use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    labels::{self, Numbers},
    plan::LULL,
    record::{Items, Record},
    result::Results,
    watch,
};
use crate::cli::{home::Home, output::stdout, rpc::Rpc};

/// Tasks asked for at once.
const PAGE: u32 = 500;

/// Write a job's result.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Its number.
    job: u64,
    /// What to write; 'labels' and 'gold' are what 'cairnd truth replay' reads.
    #[arg(long, default_value = "jsonl", value_parser = formats())]
    format: Wanted,
    /// Where to; standard output without it.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// The folder of items that the job was posted with: for formats that need contents.
    #[arg(long, value_name = "FOLDER")]
    items: Option<PathBuf>,
    /// Under which licence the result is handed on, as a URL.
    #[arg(long, value_name = "URL", default_value = "")]
    licence: String,
}

/// A format of `cairn-formats`, or numbers for a replay.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Result(Format),
    Numbers(Numbers),
}

/// Reads the name of a format.
fn formats() -> impl TypedValueParser<Value = Wanted> {
    let names = Format::ALL.into_iter().map(Format::name).chain(Numbers::ALL.into_iter().map(Numbers::name));
    PossibleValuesParser::new(names).try_map(|name: String| {
        let result = Format::ALL.into_iter().find(|f| f.name() == name).map(Wanted::Result);
        let numbers = || Numbers::ALL.into_iter().find(|n| n.name() == name).map(Wanted::Numbers);
        result.or_else(numbers).ok_or("no such format")
    })
}

impl ExportArgs {
    /// Runs the command.
    pub(crate) fn run(&self, home: &Home, rpc: &Rpc) -> Result<()> {
        let (job, status) = watch::job(rpc, self.job)?;
        let out = match &self.out {
            Some(path) => Out::Path(path.clone()),
            None => Out::Stream(Box::new(stdout())),
        };
        let done = match self.format {
            Wanted::Numbers(numbers) => self.numbers(rpc, (&job, &status), numbers, out)?,
            Wanted::Result(format) => self.result(home, rpc, (&job, &status), format, out)?,
        };
        done.written.iter().for_each(|path| eprintln!("wrote {}", path.display()));
        done.notes.iter().for_each(|note| eprintln!("{note}"));
        Ok(())
    }

    /// Items, answers and who gave them, under pseudonyms.
    fn result(&self, home: &Home, rpc: &Rpc, (job, status): (&Job, &JobStatus), format: Format, out: Out) -> Result<Done> {
        if format.is_folder() && self.out.is_none() {
            bail!("{format} is a folder of files; name one with --out");
        }
        let chain = rpc.chain_id()?;
        let mut kept = Record::find(home, &chain, &job.manifest_root)?.map(|(_, items)| items);
        if kept.is_none() {
            eprintln!("this home did not post job {}: items are named by their tasks' numbers", job.id);
        }
        let results = Results::new(home, &chain, (job, status), self.items.as_deref(), &self.licence)?;
        let mut exporter = export::open(format, results.job(), out)?;
        each(rpc, job, |task, labels| {
            let kept = kept.as_mut().map(Items::next).transpose()?.flatten();
            Ok(exporter.item(&results.item(task, labels, kept)?)?)
        })?;
        Ok(exporter.finish()?)
    }

    /// Numbers for a replay, and the command that does it.
    fn numbers(&self, rpc: &Rpc, (job, status): (&Job, &JobStatus), numbers: Numbers, out: Out) -> Result<Done> {
        if !matches!(job.r#type(), JobType::Classify | JobType::Pairwise | JobType::Verify) {
            bail!("'cairnd truth replay' reads labels of one class; this job has others: export jsonl instead");
        }
        let mut file = export::Sink::open(out)?;
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
        if told.elapsed() >= LULL {
            eprintln!("exported {from} of {} tasks", job.tasks);
            told = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

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
        assert!(parse("xml").is_err());
    }
}
