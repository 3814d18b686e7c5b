//! What the chain tells of a task, as an item of an export.
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use cairn_formats::{Answer, Item, ItemKind, JobKind, Label, Pseudonyms};
use cairn_proto::cairn::annotation::v1::{self as chain, JobStatus, TaskLabel, TaskLabels, TaskResult};

use super::{export::unsettled, truth};
use crate::cli::{
    home::{Home, random, read_secret, write_secret},
    reply::kind_of,
};

/// Turns tasks into items.
pub(crate) struct Results {
    job: cairn_formats::Job,
    pseudonyms: Pseudonyms,
}

/// A task of which nothing is known, named by its number.
pub(super) fn empty(task: u32) -> Item {
    Item {
        task,
        name: task.to_string(),
        sha256: None,
        bytes: None,
        size: None,
        text: None,
        path: None,
        answer: None,
        posterior: Vec::new(),
        votes: Vec::new(),
        gold: None,
        labels: Vec::new(),
    }
}

impl Results {
    /// For one job, with the pseudonyms of this home; `inferred` is where the labels or verdicts were inferred: the job itself, or its
    /// verification stage.
    pub(crate) fn new(home: &Home, chain_id: &str, of: (&chain::Job, &JobStatus), inferred: &JobStatus, licence: &str) -> Result<Self> {
        let pseudonyms = Pseudonyms::new(&pseudonym_key(home)?, chain_id, of.0.id);
        Ok(Self { job: described(chain_id, of, inferred, licence)?, pseudonyms })
    }
    /// The job.
    pub(crate) fn job(&self) -> &cairn_formats::Job {
        &self.job
    }
    /// The names of its annotators.
    pub(crate) fn pseudonyms(&self) -> &Pseudonyms {
        &self.pseudonyms
    }
    /// An item without its content.
    pub(crate) fn item(&self, task: &TaskResult, labels: &TaskLabels) -> Result<Item> {
        let inferred = !task.posterior.is_empty();
        let mut item = Item {
            answer: inferred.then(|| self.answer(task.class, &task.set)).transpose()?,
            posterior: task.posterior.iter().map(|p| Ok(u16::try_from(*p)?)).collect::<Result<_>>()?,
            votes: task.votes.clone(),
            gold: task.gold.then(|| self.answer(task.truth, &task.truth_set)).transpose()?,
            labels: labels.labels.iter().map(|l| self.label(l)).collect::<Result<_>>()?,
            ..empty(task.task)
        };
        // A task without any label has a posterior too, which is the prior: nobody answered it.
        item.answer = item.answer.filter(|_| !item.labels.is_empty());
        Ok(item)
    }
    /// What the chain says by a class, or in MULTI_LABEL jobs by a set.
    fn answer(&self, class: u32, set: &[u8]) -> Result<Answer> {
        match self.job.kind {
            JobKind::MultiLabel => truth::set(self.job.classes.len(), set),
            _ => Ok(Answer::Class(u16::try_from(class)?)),
        }
    }
    fn label(&self, label: &TaskLabel) -> Result<Label> {
        let reason = label.reason().as_str_name().trim_start_matches("PAY_REASON_");
        Ok(Label {
            worker: self.pseudonyms.name(&label.annotator),
            answer: self.answer(label.class, &label.set)?,
            late: label.late,
            paid: label.paid,
            reason: if reason == "UNSPECIFIED" { String::new() } else { reason.to_owned() },
        })
    }
}

/// The key of this home's pseudonyms, made when it is first needed.
fn pseudonym_key(home: &Home) -> Result<[u8; 32]> {
    let path = home.path().join("jobs").join("pseudonyms.key");
    if !path.exists() {
        write_secret(&path, hex::encode(random()).as_bytes())?;
    }
    let text = read_secret(&path)?;
    hex::decode(text.trim()).ok().and_then(|b| b.try_into().ok()).with_context(|| format!("{} holds no key", path.display()))
}

/// What an export tells of the job itself.
fn described(chain_id: &str, (job, status): (&chain::Job, &JobStatus), inferred: &JobStatus, licence: &str) -> Result<cairn_formats::Job> {
    let settlement = status.settlement.clone().unwrap_or_default();
    let inference = inferred.settlement.clone().unwrap_or_default();
    Ok(cairn_formats::Job {
        chain: chain_id.to_owned(),
        id: job.id,
        title: job.title.clone(),
        description: job.description.clone(),
        kind: kind_of(job.r#type())?,
        item_kind: item_kind(job)?,
        classes: job.classes.clone(),
        tasks: job.tasks,
        overlap: job.overlap_max,
        workers: status.workers,
        state: status.state().as_str_name().trim_start_matches("JOB_STATE_").to_owned(),
        settled: unsettled(status).is_none(),
        model: inference.model,
        digest: hex::encode(inference.digest),
        manifest_root: hex::encode(&job.manifest_root),
        contributors_root: hex::encode(settlement.contributors_root),
        requester: job.requester.clone(),
        asset: status.asset_id,
        media_type: job.media_type.clone(),
        licence: licence.to_owned(),
        gateways: job.content_addresses.clone(),
        date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string().chars().take(10).collect(),
    })
}

/// What the items of a job are.
pub(super) fn item_kind(job: &chain::Job) -> Result<ItemKind> {
    Ok(match job.item_kind() {
        chain::ItemKind::Image => ItemKind::Image,
        chain::ItemKind::Text => ItemKind::Text,
        chain::ItemKind::Audio => ItemKind::Audio,
        chain::ItemKind::Pair => ItemKind::Pair,
        chain::ItemKind::Unspecified => bail!("job {} names no kind of items", job.id),
    })
}

#[cfg(test)]
mod tests {
    use cairn_proto::cairn::annotation::v1::PayReason;

    use super::*;

    fn job() -> chain::Job {
        chain::Job { id: 7, r#type: 1, item_kind: 2, classes: vec!["a".into(), "b".into()], tasks: 2, ..chain::Job::default() }
    }

    #[test]
    fn a_task_becomes_an_item_with_pseudonyms_that_stay_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let (status, of) = (JobStatus::default(), job());
        let results = || Results::new(&home, "cairn-test-1", (&of, &status), &status, "").unwrap();
        let label = TaskLabel {
            worker: 3,
            annotator: "cairn1abc".into(),
            class: 1,
            paid: true,
            reason: PayReason::Skill.into(),
            ..TaskLabel::default()
        };
        let labels = TaskLabels { task: 5, labels: vec![label] };
        let task = TaskResult {
            task: 5,
            votes: vec![0, 1],
            posterior: vec![535, 65_000],
            class: 1,
            gold: true,
            truth: 0,
            ..TaskResult::default()
        };
        let item = results().item(&task, &labels).unwrap();
        assert_eq!((item.name.as_str(), &item.answer, &item.gold), ("5", &Some(Answer::Class(1)), &Some(Answer::Class(0))));
        let [label] = item.labels.as_slice() else { panic!("one label") };
        assert_eq!((label.worker.len(), label.reason.as_str(), label.paid), (32, "SKILL", true));
        assert!(!label.worker.contains("abc"));
        assert_eq!(results().item(&task, &labels).unwrap(), item);
        let sets = chain::Job { r#type: 2, classes: (0..9).map(|n| n.to_string()).collect(), ..job() };
        let results = Results::new(&home, "cairn-test-1", (&sets, &status), &status, "").unwrap();
        let label = TaskLabel { annotator: "cairn1abc".into(), set: vec![0, 0], ..TaskLabel::default() };
        let labels = TaskLabels { task: 5, labels: vec![label] };
        let task = TaskResult { task: 5, posterior: vec![60_000; 9], set: vec![0b101, 1], ..TaskResult::default() };
        let item = results.item(&task, &labels).unwrap();
        assert_eq!((&item.answer, &item.labels[0].answer), (&Some(Answer::Set(vec![0, 2, 8])), &Answer::Set(vec![])));
    }

    #[test]
    fn what_nobody_labelled_has_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let status = JobStatus::default();
        let results = Results::new(&Home::new(folder.path()), "cairn-test-1", (&job(), &status), &status, "").unwrap();
        assert!(!results.job().settled);
        let nobody = TaskResult { votes: vec![0, 0], posterior: vec![32_768, 32_767], ..TaskResult::default() };
        assert_eq!(results.item(&nobody, &TaskLabels::default()).unwrap().answer, None);
    }
}
