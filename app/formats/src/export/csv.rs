//! CSV: what is one value stands as it is, what is a list as JSON in its cell.
use serde::Serialize;

use super::{
    Done, Exporter, Out,
    row::{Posterior, labels},
    sink::Sink,
};
use crate::{
    answer::Fields,
    error::{Error, Result},
    model::{Answer, Item, ItemKind, Job},
};

/// The columns between the answer and the text.
pub(super) const COLUMNS: [&str; 14] = [
    "posterior",
    "posteriors",
    "votes",
    "gold",
    "truth",
    "labels",
    "sha256",
    "bytes",
    "width",
    "height",
    "chain",
    "job",
    "model",
    "settled",
];

pub(super) struct Csv {
    job: Job,
    sink: Sink,
}

impl Csv {
    pub(super) fn open(job: &Job, out: Out) -> Result<Self> {
        let mut sink = Sink::open(out)?;
        let mut heading = vec!["item", "task", job.kind.field()];
        heading.extend(COLUMNS);
        heading.extend(has_text(job).then_some("text"));
        sink.write(record(heading.into_iter().map(str::to_owned)).as_bytes())?;
        Ok(Self { job: job.clone(), sink })
    }
}

/// Whether items are texts, so that their contents can stand in a cell.
pub(super) fn has_text(job: &Job) -> bool {
    job.item_kind == ItemKind::Text
}

impl Exporter for Csv {
    fn item(&mut self, item: &Item) -> Result<()> {
        self.sink.write(record(cells(&self.job, item)?).as_bytes())
    }
    fn finish(self: Box<Self>) -> Result<Done> {
        Ok(Done { written: self.sink.finish()?.into_iter().collect(), notes: Vec::new() })
    }
}

/// One line of CSV (RFC 4180): a cell with a comma, a quote or a line end is quoted, its quotes are doubled.
pub(super) fn record(cells: impl IntoIterator<Item = String>) -> String {
    let mut line = String::new();
    for (n, cell) in cells.into_iter().enumerate() {
        if n > 0 {
            line.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&cell);
        }
    }
    line.push('\n');
    line
}

fn cells(job: &Job, item: &Item) -> Result<Vec<String>> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let mut cells = vec![item.name.clone(), item.task.to_string(), item.answer.as_ref().map_or(Ok(String::new()), |a| cell(a, job))?];
    cells.extend([
        text(item.confidence().map(|p| p.to_string())),
        json(&Posterior { job, item })?,
        json(&item.votes)?,
        item.gold.is_some().to_string(),
        item.gold.as_ref().map_or(Ok(String::new()), |a| cell(a, job))?,
        json(&labels(job, item))?,
        text(item.sha256.clone()),
        text(item.bytes.map(|b| b.to_string())),
        text(item.size.map(|s| s.width.to_string())),
        text(item.size.map(|s| s.height.to_string())),
        job.chain.clone(),
        job.id.to_string(),
        job.model.clone(),
        job.settled.to_string(),
    ]);
    cells.extend(has_text(job).then(|| text(item.text.clone())));
    Ok(cells)
}

/// An answer as a cell: a class or transcript as it is, else the JSON of its field.
pub(super) fn cell(answer: &Answer, job: &Job) -> Result<String> {
    let fields = Fields::of(answer, &job.classes);
    match answer {
        Answer::Class(_) => Ok(fields.class.unwrap_or_default()),
        Answer::Text(text) => Ok(text.clone()),
        Answer::Set(_) => json(&fields.classes),
        Answer::Boxes(_) => json(&fields.boxes),
        Answer::Polygons(_) => json(&fields.polygons),
        Answer::Spans(_) => json(&fields.spans),
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Refused(e.to_string()))
}
