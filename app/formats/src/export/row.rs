//! A task as our own formats tell it: the JSON Lines export, and the list beside formats that have no place for all of it.
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    answer::Fields,
    model::{Answer, Item, Job, Label, Size, share},
};

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// The chain.
    pub chain: String,
    /// The job.
    pub job: u64,
    /// The task.
    pub task: u32,
    /// The item's name.
    pub item: String,
    /// The answer: `class`, `classes`, `boxes`, `polygons`, `spans` or `transcript`; none where nobody labelled it.
    #[serde(flatten)]
    pub answer: Fields,
    /// Probability of the answer; null before the inference.
    pub confidence: Option<f64>,
    /// Probability of each class, or `accept` alone where answers are drafts.
    pub posterior: Map<String, Value>,
    /// Accepted labels a class.
    pub votes: Vec<u32>,
    /// Whether it was opened as gold.
    pub gold: bool,
    /// The requester's truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<Fields>,
    /// The model that inferred it.
    pub model: String,
    /// Whether that is settled; else the job was still going on, or failed.
    #[serde(default)]
    pub settled: bool,
    /// The accepted labels.
    pub labels: Vec<LabelRow>,
    /// SHA-256 of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Size of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The content of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelRow {
    /// The annotator's pseudonym.
    pub worker: String,
    /// What it said.
    #[serde(flatten)]
    pub answer: Fields,
    /// Whether it came in the late round, after the first inference.
    #[serde(default)]
    pub late: bool,
    /// Whether it was paid for.
    pub paid: bool,
    /// Reason code of the pay.
    pub reason: String,
}

impl Row {
    /// The line of an item.
    #[must_use]
    pub fn of(job: &Job, item: &Item) -> Self {
        let fields = |answer: &Answer| Fields::of(answer, &job.classes);
        Self {
            chain: job.chain.clone(),
            job: job.id,
            task: item.task,
            item: item.name.clone(),
            answer: item.answer.as_ref().map(fields).unwrap_or_default(),
            confidence: item.confidence(),
            posterior: Posterior { job, item }.entries().map(|(class, p)| (class.to_owned(), p.into())).collect(),
            votes: item.votes.clone(),
            gold: item.gold.is_some(),
            truth: item.gold.as_ref().map(fields),
            model: job.model.clone(),
            settled: job.settled,
            labels: labels(job, item),
            sha256: item.sha256.clone(),
            bytes: item.bytes,
            width: item.size.map(|s| s.width),
            height: item.size.map(|s| s.height),
            text: item.text.clone(),
        }
    }
    /// The item again, but for where its content lies.
    ///
    /// # Errors
    /// An answer that does not fit the job: the reason as text.
    pub fn item(&self, job: &Job) -> Result<Item, String> {
        let answer = |f: &Fields| f.answer(job.kind, &job.classes);
        let label = |l: &LabelRow| {
            let answer = answer(&l.answer)?.ok_or("a label without an answer")?;
            Ok::<_, String>(Label { worker: l.worker.clone(), answer, late: l.late, paid: l.paid, reason: l.reason.clone() })
        };
        Ok(Item {
            task: self.task,
            name: self.item.clone(),
            sha256: self.sha256.clone(),
            bytes: self.bytes,
            size: self.width.zip(self.height).map(|(width, height)| Size { width, height }),
            text: self.text.clone(),
            path: None,
            answer: answer(&self.answer)?,
            posterior: self.posterior.values().map(stored).collect::<Result<_, _>>()?,
            votes: self.votes.clone(),
            gold: self.truth.as_ref().map(answer).transpose()?.flatten(),
            labels: self.labels.iter().map(label).collect::<Result<_, _>>()?,
        })
    }
}

/// Probabilities by the classes' names, `accept` alone where answers are drafts: a JSON object.
pub(super) struct Posterior<'a> {
    pub(super) job: &'a Job,
    pub(super) item: &'a Item,
}

impl<'a> Posterior<'a> {
    fn entries(&self) -> impl Iterator<Item = (&'a str, f64)> + use<'a> {
        let (job, item) = (self.job, self.item);
        let drafts = !job.kind.is_one_class() && !matches!(item.answer, None | Some(Answer::Set(_)));
        (0_u16..).zip(&item.posterior).map(move |(class, p)| (if drafts { "accept" } else { job.class(class) }, share(*p)))
    }
}

impl Serialize for Posterior<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries())
    }
}

/// What formats of others have no place for, as they take it: one object more.
#[derive(Serialize)]
pub(super) struct About<'a> {
    chain: &'a str,
    job: u64,
    task: u32,
    model: &'a str,
    settled: bool,
    posterior: Posterior<'a>,
    votes: &'a [u32],
    gold: bool,
    truth: Option<Fields>,
    labels: Vec<LabelRow>,
    sha256: Option<&'a str>,
    bytes: Option<u64>,
    width: Option<u32>,
    height: Option<u32>,
}

impl<'a> About<'a> {
    pub(super) fn of(job: &'a Job, item: &'a Item) -> Self {
        Self {
            chain: &job.chain,
            job: job.id,
            task: item.task,
            model: &job.model,
            settled: job.settled,
            posterior: Posterior { job, item },
            votes: &item.votes,
            gold: item.gold.is_some(),
            truth: item.gold.as_ref().map(|a| Fields::of(a, &job.classes)),
            labels: labels(job, item),
            sha256: item.sha256.as_deref(),
            bytes: item.bytes,
            width: item.size.map(|s| s.width),
            height: item.size.map(|s| s.height),
        }
    }
}

/// The labels as rows.
pub(super) fn labels(job: &Job, item: &Item) -> Vec<LabelRow> {
    let one = |l: &Label| LabelRow {
        worker: l.worker.clone(),
        answer: Fields::of(&l.answer, &job.classes),
        late: l.late,
        paid: l.paid,
        reason: l.reason.clone(),
    };
    item.labels.iter().map(one).collect()
}

/// A probability as it was stored.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie within u16 just above")]
fn stored(value: &Value) -> Result<u16, String> {
    let scaled = (value.as_f64().unwrap_or(-1.0) * 65_535.0).round();
    if (0.0..=65_535.0).contains(&scaled) { Ok(scaled as u16) } else { Err(format!("{value} is no probability")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_probability_is_found_again() {
        for p in 0..=u16::MAX {
            assert_eq!(stored(&share(p).into()), Ok(p));
        }
        assert!(stored(&Value::Null).is_err() && stored(&1.5.into()).is_err());
    }
}
