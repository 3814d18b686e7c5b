//! What a replay found, as CSV or JSON.

use std::{
    fmt,
    io::{self, Write},
};

use anyhow::Result;
use cairn_truth::{Memory, ONE, Outcome, Params, WHOLE, WorkerResult, read_labels, read_posteriors, read_results};
use serde::{Serialize, Serializer};

use super::read::Names;

/// A fraction, written with six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// Numerator.
    pub parts: i64,
    /// Denominator, above zero.
    pub whole: u64,
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, whole) = (u128::from(self.parts.unsigned_abs()), u128::from(self.whole.max(1)));
        // Below 2^64 * 10^6: nothing saturates.
        let millionths = parts.saturating_mul(1_000_000).saturating_add(whole / 2).checked_div(whole).unwrap_or(0);
        let sign = if self.parts < 0 && millionths > 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A task and its inferred label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRow {
    /// The task.
    pub task: String,
    /// The label; nothing for a task without labels.
    pub label: Option<String>,
    /// The label's posterior.
    pub posterior: Option<Fraction>,
}

/// A worker and its pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerRow {
    /// The worker.
    pub worker: String,
    /// Its labels.
    pub labels: u32,
    /// Those that could be scored.
    pub scored: u32,
    /// Agreement with the others above chance.
    pub kappa: Fraction,
    /// The share of the price that each label earns.
    pub share: Fraction,
    /// What the share rests on.
    pub basis: &'static str,
    /// What all its labels earn, in the unit of the price.
    #[serde(serialize_with = "as_text")]
    pub pay: u128,
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Model, passes, verdict on the gold, digest.
    pub outcome: Outcome,
    /// The tasks by number.
    pub tasks: Vec<TaskRow>,
    /// The workers by number.
    pub workers: Vec<WorkerRow>,
}

/// The summary, as it is written.
#[derive(Serialize)]
struct Summary {
    digest: String,
    model: &'static str,
    passes: u8,
    labels: u64,
    gold_opened: u32,
    gold_void: u32,
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    summary: Summary,
    tasks: &'a [TaskRow],
    workers: &'a [WorkerRow],
}

fn as_text<S: Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}

impl Report {
    pub(super) fn new(pages: &Memory, params: &Params, outcome: Outcome, price: u128, names: [&Names; 3]) -> Result<Report> {
        let [tasks, workers, classes] = names;
        let mut report = Report { outcome, tasks: vec![], workers: vec![] };
        let mut numbers = 0..;
        for chunk in 0..params.chunks() {
            let labels = read_labels(pages, params.tasks, params.classes, chunk)?;
            let posteriors = read_posteriors(pages, params, outcome.model, chunk)?;
            let mut labelled = labels.by_task().filter_map(|labels| labels.first()).map(|label| label.task).peekable();
            for ((local, posterior), number) in (0u16..).zip(posteriors.tasks()).zip(&mut numbers) {
                let found = labelled.next_if_eq(&local).map(|task| posteriors.label(task));
                let parts = posterior.iter().max().copied().unwrap_or(0).into();
                report.tasks.push(TaskRow {
                    task: tasks.name(number),
                    label: found.map(|class| classes.name(class.into())),
                    posterior: found.map(|_| Fraction { parts, whole: WHOLE.into() }),
                });
            }
        }
        let mut numbers = 0..;
        for sheet in 0..params.sheets() {
            for (result, number) in read_results(pages, params, sheet)?.into_iter().zip(&mut numbers) {
                report.workers.push(worker(workers.name(number), result, price)?);
            }
        }
        Ok(report)
    }

    fn summary(&self) -> Summary {
        Summary {
            digest: hex::encode(self.outcome.digest),
            model: self.outcome.model.name(),
            passes: self.outcome.passes,
            labels: self.outcome.labels,
            gold_opened: self.outcome.gold.opened,
            gold_void: self.outcome.gold.void,
        }
    }

    /// Writes three tables with a blank line between: `task,label,posterior`, `worker,labels,kappa,pay`, and the summary with the
    /// digest.
    ///
    /// # Errors
    /// The sink fails.
    pub fn write_csv(&self, sink: &mut impl Write) -> Result<()> {
        let mut table = csv::Writer::from_writer(&mut *sink);
        table.write_record(["task", "label", "posterior"])?;
        for row in &self.tasks {
            let posterior = row.posterior.map(|posterior| posterior.to_string()).unwrap_or_default();
            table.write_record([row.task.as_str(), row.label.as_deref().unwrap_or(""), &posterior])?;
        }
        table.flush()?;
        drop(table);
        writeln!(sink)?;
        let mut table = csv::Writer::from_writer(&mut *sink);
        table.write_record(["worker", "labels", "kappa", "pay"])?;
        for row in &self.workers {
            table.write_record([&row.worker, &row.labels.to_string(), &row.kappa.to_string(), &row.pay.to_string()])?;
        }
        table.flush()?;
        drop(table);
        writeln!(sink)?;
        let mut table = csv::Writer::from_writer(&mut *sink);
        table.serialize(self.summary())?;
        table.flush()?;
        Ok(())
    }

    /// Writes one JSON object: the summary, `tasks` and `workers`. Fractions and amounts are texts.
    ///
    /// # Errors
    /// The sink fails.
    pub fn write_json(&self, sink: &mut impl Write) -> io::Result<()> {
        let whole = Whole { summary: self.summary(), tasks: &self.tasks, workers: &self.workers };
        serde_json::to_writer_pretty(&mut *sink, &whole)?;
        writeln!(sink)
    }
}

fn worker(name: String, result: WorkerResult, price: u128) -> Result<WorkerRow> {
    Ok(WorkerRow {
        worker: name,
        labels: result.labels,
        scored: result.scored,
        kappa: Fraction { parts: result.kappa, whole: ONE },
        share: Fraction { parts: i64::try_from(result.share)?, whole: ONE },
        basis: result.basis.name(),
        pay: result.earned(price)?,
    })
}
