//! `cairnd job export`: a settled job's result, task by task, streamed.
use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use cairn_proto::cairn::annotation::v1::{
    QueryLabelsRequest, QueryLabelsResponse, QueryTasksRequest, QueryTasksResponse, TaskLabels, TaskResult,
};
use clap::ValueEnum;
use serde_json::json;

use super::{record::Record, watch};
use crate::cli::rpc::Rpc;

/// Tasks asked for at once.
const PAGE: u32 = 500;

/// What is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a task: item, class, posterior, votes, labels.
    Jsonl,
    /// `item,task,class,posterior`.
    Csv,
    /// `worker,task,label`: what 'cairnd truth replay' reads.
    Labels,
}

/// Writes the result of `job` to `out`, or to standard output.
pub(crate) fn export(rpc: &Rpc, record: Option<&Record>, job: u64, format: Format, out: Option<&PathBuf>) -> Result<()> {
    let classes = watch::job(rpc, job)?.job.context("the job is empty")?.classes;
    let mut sink: Box<dyn Write> = match out {
        Some(path) => Box::new(BufWriter::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?)),
        None => Box::new(BufWriter::new(std::io::stdout().lock())),
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
    Ok(())
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
                    // Numbers are padded so that sorting by name keeps their order.
                    writeln!(sink, "{:010},{:010},{:05}", label.worker, task.task, label.class)?;
                }
            }
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
    use super::*;

    #[test]
    fn posteriors_and_fields_are_written_exactly() {
        assert_eq!((share(0), share(65_535), share(32_768)), ("0.00000".into(), "1.00000".into(), "0.50001".into()));
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
