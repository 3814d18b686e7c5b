//! `cairnd job export`: a settled job's result, task by task, streamed.
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use cairn_proto::cairn::annotation::v1::{
    GoldVerdict, Job, JobStatus, QueryLabelsRequest, QueryLabelsResponse, QueryTasksRequest, QueryTasksResponse, TaskLabels, TaskResult,
};
use clap::ValueEnum;
use serde_json::json;

use super::record::Record;
use crate::cli::{output::stdout, rpc::Rpc};

/// Tasks asked for at once.
const PAGE: u32 = 500;

/// What is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a task: item, class, posterior, votes, labels.
    Jsonl,
    /// `item,task,class,posterior`.
    Csv,
    /// `worker,task,label` by number: what 'cairnd truth replay' reads.
    Labels,
    /// `task,truth` by number: the opened gold, void answers included.
    Gold,
}

/// Writes the result of a job to `out`, or to standard output.
pub(crate) fn export(
    rpc: &Rpc,
    record: Option<&Record>,
    (found, status): (&Job, &JobStatus),
    format: Format,
    out: Option<&PathBuf>,
) -> Result<()> {
    let (job, classes) = (found.id, found.classes.clone());
    let mut sink: Box<dyn Write> = match out {
        Some(path) => Box::new(BufWriter::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?)),
        None => Box::new(stdout()),
    };
    let writer = Writer { classes, record, job, format };
    writer.heading(&mut sink)?;
    let mut from = 0;
    loop {
        let tasks: QueryTasksResponse = rpc.ask("/cairn.annotation.v1.Query/Tasks", &QueryTasksRequest { job, from, limit: PAGE })?;
        let labels: QueryLabelsResponse = rpc.ask("/cairn.annotation.v1.Query/Labels", &QueryLabelsRequest { job, from, limit: PAGE })?;
        for task in &tasks.tasks {
            let of_task = labels.tasks.iter().find(|l| l.task == task.task);
            writer.task(&mut sink, task, of_task)?;
        }
        from = tasks.next;
        if from == 0 {
            break;
        }
    }
    sink.flush()?;
    if matches!(format, Format::Labels) {
        match replay_command(found, status, out) {
            Some(command) => eprintln!("check the settlement yourself: {command}"),
            None => eprintln!("job {job} has no digest to check: nothing was inferred, or not yet"),
        }
    }
    Ok(())
}

/// The command that infers truth and pay again from the exported labels and gold and fails unless it finds the chain's digest.
fn replay_command(job: &Job, status: &JobStatus, labels: Option<&PathBuf>) -> Option<String> {
    let settlement = status.settlement.as_ref().filter(|s| !s.digest.is_empty())?;
    let gold = match settlement.gold() {
        GoldVerdict::Unopened => "--unopened",
        _ => "--gold gold.csv",
    };
    let labels = labels.map_or("labels.csv".to_owned(), |p| p.display().to_string());
    Some(format!(
        "cairnd truth replay {labels} {gold} --tasks {} --workers {} --classes {} --target {}.{:04} --gate {} --digest {}",
        job.tasks,
        status.workers,
        job.classes.len(),
        job.kappa_target_bps / 10_000,
        job.kappa_target_bps % 10_000,
        job.gate_bits,
        hex::encode(&settlement.digest)
    ))
}

struct Writer<'a> {
    classes: Vec<String>,
    record: Option<&'a Record>,
    job: u64,
    format: Format,
}

impl Writer<'_> {
    fn heading(&self, sink: &mut impl Write) -> Result<()> {
        match self.format {
            Format::Jsonl => Ok(()),
            Format::Csv => Ok(writeln!(sink, "item,task,class,posterior")?),
            Format::Labels => Ok(writeln!(sink, "worker,task,label")?),
            Format::Gold => Ok(writeln!(sink, "task,truth")?),
        }
    }
    fn class(&self, n: u32) -> &str {
        usize::try_from(n).ok().and_then(|i| self.classes.get(i)).map_or("", String::as_str)
    }
    fn item(&self, task: u32) -> String {
        let named = usize::try_from(task).ok().and_then(|i| self.record?.items.get(i));
        named.map_or_else(|| task.to_string(), |i| i.name.clone())
    }
    fn task(&self, sink: &mut impl Write, task: &TaskResult, labels: Option<&TaskLabels>) -> Result<()> {
        let labels = labels.map_or(&[][..], |l| l.labels.as_slice());
        let best = task.posterior.iter().max().copied().unwrap_or(0);
        match self.format {
            Format::Jsonl => {
                let posterior: serde_json::Map<String, serde_json::Value> =
                    (0_u32..).zip(&task.posterior).map(|(i, p)| (self.class(i).to_owned(), json!(share(*p)))).collect();
                let row = json!({
                    "job": self.job, "task": task.task, "item": self.item(task.task),
                    "class": if task.posterior.is_empty() { json!(null) } else { json!(self.class(task.class)) },
                    "posterior": posterior, "votes": task.votes, "gold": task.gold,
                    "labels": labels.iter().map(|l| json!({ "worker": l.worker, "class": self.class(l.class) })).collect::<Vec<_>>(),
                });
                writeln!(sink, "{row}")?;
            }
            Format::Csv => {
                writeln!(sink, "{},{},{},{}", field(&self.item(task.task)), task.task, field(self.class(task.class)), share(best))?
            }
            Format::Labels => {
                for label in labels {
                    writeln!(sink, "{},{},{}", label.worker, task.task, label.class)?;
                }
            }
            Format::Gold if task.gold => writeln!(sink, "{},{}", task.task, task.truth)?,
            Format::Gold => {}
        }
        Ok(())
    }
}

/// A stored posterior, of 65,535, with five decimals.
fn share(p: u32) -> String {
    let scaled = u64::from(p).saturating_mul(100_000).saturating_add(32_767).checked_div(65_535).unwrap_or(0);
    format!("{}.{:05}", scaled / 100_000, scaled % 100_000)
}

/// A CSV field, quoted where it must be.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use cairn_proto::cairn::annotation::v1::Settlement;

    use super::*;

    #[test]
    fn only_a_job_with_a_digest_can_be_replayed() {
        let job = Job { tasks: 9, classes: vec!["a".into(), "b".into()], kappa_target_bps: 6_000, gate_bits: -2, ..Job::default() };
        let mut status = JobStatus { workers: 3, ..JobStatus::default() };
        assert_eq!(replay_command(&job, &status, None), None);
        status.settlement = Some(Settlement { digest: vec![0xab; 2], ..Settlement::default() });
        let expected =
            "cairnd truth replay labels.csv --gold gold.csv --tasks 9 --workers 3 --classes 2 --target 0.6000 --gate -2 --digest abab";
        assert_eq!(replay_command(&job, &status, None).unwrap(), expected);
    }

    #[test]
    fn posteriors_and_fields_are_written_exactly() {
        assert_eq!((share(0), share(65_535), share(32_768)), ("0.00000".into(), "1.00000".into(), "0.50001".into()));
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
