//! What the chain tells of a task, with what the requester's home knows of its item, as an item of an export.
use std::{
    fs,
    io::BufReader,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result, bail};
use cairn_formats::{Answer, Item, ItemKind, JobKind, Label, Pseudonyms, picture_size, sniff};
use cairn_proto::cairn::annotation::v1::{self as chain, JobStatus, TaskLabel, TaskLabels, TaskResult};
use sha2::{Digest, Sha256};

use super::{record::Kept, truth};
use crate::cli::home::{Home, random, read_secret, write_secret};

/// Largest text that is put into an export, as large as an item may be.
const MAX_TEXT: u64 = 64 << 20;

/// Turns tasks into items.
pub(crate) struct Results<'a> {
    job: cairn_formats::Job,
    pseudonyms: Pseudonyms,
    /// Where the contents lie, if they are wanted.
    folder: Option<&'a Path>,
}

impl<'a> Results<'a> {
    /// For one job, with the pseudonyms of this home.
    pub(crate) fn new(
        home: &Home,
        chain_id: &str,
        (job, status): (&chain::Job, &JobStatus),
        folder: Option<&'a Path>,
        licence: &str,
    ) -> Result<Self> {
        let pseudonyms = Pseudonyms::new(&pseudonym_key(home)?, chain_id, job.id);
        Ok(Self { job: described(chain_id, (job, status), licence)?, pseudonyms, folder })
    }
    /// The job.
    pub(crate) fn job(&self) -> &cairn_formats::Job {
        &self.job
    }
    /// An item; `kept` is what the home has of it.
    pub(crate) fn item(&self, task: &TaskResult, labels: &TaskLabels, kept: Option<Kept>) -> Result<Item> {
        let inferred = !task.posterior.is_empty();
        let mut item = Item {
            task: task.task,
            name: task.task.to_string(),
            sha256: None,
            bytes: None,
            size: None,
            text: None,
            path: None,
            answer: inferred.then(|| self.answer(task.class, &task.set)).transpose()?,
            posterior: task.posterior.iter().map(|p| Ok(u16::try_from(*p)?)).collect::<Result<_>>()?,
            votes: task.votes.clone(),
            gold: task.gold.then(|| self.answer(task.truth, &task.truth_set)).transpose()?,
            labels: labels.labels.iter().map(|l| self.label(l)).collect::<Result<_>>()?,
        };
        // A task without any label has a posterior too, which is the prior: nobody answered it.
        item.answer = item.answer.filter(|_| !item.labels.is_empty());
        if let Some(kept) = kept {
            self.add_content(&mut item, kept)?;
        }
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
    fn add_content(&self, item: &mut Item, kept: Kept) -> Result<()> {
        item.size = kept.size();
        item.bytes = Some(kept.bytes);
        item.name = kept.name;
        item.text = kept.text;
        if let Some(folder) = self.folder.filter(|_| item.text.is_none()) {
            let path = folder.join(&item.name);
            let found = fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
            if found != kept.bytes {
                bail!("{} has {found} bytes; when the job was posted it had {}", path.display(), kept.bytes);
            }
            match self.job.item_kind {
                ItemKind::Text => item.text = Some(text(&path, &kept.sha256)?),
                ItemKind::Image if item.size.is_none() => item.size = size(&path)?,
                _ => {}
            }
            item.path = Some(path);
        }
        item.sha256 = Some(kept.sha256);
        Ok(())
    }
}

/// A text of the folder, if it is still the one that was posted.
fn text(path: &PathBuf, sha256: &str) -> Result<String> {
    let bytes = fs::metadata(path)?.len();
    if bytes > MAX_TEXT {
        bail!("{} has {bytes} bytes; an item has at most {MAX_TEXT}", path.display());
    }
    let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if hex::encode(Sha256::digest(&content)) != sha256 {
        bail!("{} was changed since the job was posted", path.display());
    }
    String::from_utf8(content).with_context(|| format!("{} is no text", path.display()))
}

fn size(path: &Path) -> Result<Option<cairn_formats::Size>> {
    let mut file = BufReader::new(fs::File::open(path)?);
    let media = sniff(std::io::BufRead::fill_buf(&mut file)?);
    Ok(media.map(|media| picture_size(file, media)).transpose()?.flatten())
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
fn described(chain_id: &str, (job, status): (&chain::Job, &JobStatus), licence: &str) -> Result<cairn_formats::Job> {
    let kind = job.r#type().as_str_name().trim_start_matches("JOB_TYPE_");
    let kind = JobKind::of_name(kind)
        .filter(|k| k.is_one_class() || *k == JobKind::MultiLabel)
        .with_context(|| format!("no export knows {kind} jobs yet"))?;
    let settlement = status.settlement.clone().unwrap_or_default();
    Ok(cairn_formats::Job {
        chain: chain_id.to_owned(),
        id: job.id,
        title: job.title.clone(),
        description: job.description.clone(),
        kind,
        item_kind: item_kind(job)?,
        classes: job.classes.clone(),
        tasks: job.tasks,
        overlap: job.overlap_max,
        workers: status.workers,
        model: settlement.model,
        digest: hex::encode(settlement.digest),
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

fn item_kind(job: &chain::Job) -> Result<ItemKind> {
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
        let results = || Results::new(&home, "cairn-test-1", (&job(), &JobStatus::default()), None, "").unwrap();
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
        let item = results().item(&task, &labels, None).unwrap();
        assert_eq!((item.name.as_str(), &item.answer, &item.gold), ("5", &Some(Answer::Class(1)), &Some(Answer::Class(0))));
        let [label] = item.labels.as_slice() else { panic!("one label") };
        assert_eq!((label.worker.len(), label.reason.as_str(), label.paid), (32, "SKILL", true));
        assert!(!label.worker.contains("abc"));
        assert_eq!(results().item(&task, &labels, None).unwrap(), item);
        let sets = chain::Job { r#type: 2, classes: (0..9).map(|n| n.to_string()).collect(), ..job() };
        let results = Results::new(&home, "cairn-test-1", (&sets, &JobStatus::default()), None, "").unwrap();
        let label = TaskLabel { annotator: "cairn1abc".into(), set: vec![0, 0], ..TaskLabel::default() };
        let labels = TaskLabels { task: 5, labels: vec![label] };
        let task = TaskResult { task: 5, posterior: vec![60_000; 9], set: vec![0b101, 1], ..TaskResult::default() };
        let item = results.item(&task, &labels, None).unwrap();
        assert_eq!((&item.answer, &item.labels[0].answer), (&Some(Answer::Set(vec![0, 2, 8])), &Answer::Set(vec![])));
    }

    #[test]
    fn what_nobody_labelled_has_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let results = Results::new(&Home::new(folder.path()), "cairn-test-1", (&job(), &JobStatus::default()), None, "").unwrap();
        let nobody = TaskResult { votes: vec![0, 0], posterior: vec![32_768, 32_767], ..TaskResult::default() };
        assert_eq!(results.item(&nobody, &TaskLabels::default(), None).unwrap().answer, None);
    }

    #[test]
    fn contents_are_taken_only_as_they_were_posted() {
        let folder = tempfile::tempdir().unwrap();
        let (home, path) = (Home::new(folder.path()), folder.path().join("x.txt"));
        let results = Results::new(&home, "cairn-test-1", (&job(), &JobStatus::default()), Some(folder.path()), "").unwrap();
        fs::write(&path, "text").unwrap();
        let kept: Kept =
            serde_json::from_value(serde_json::json!({ "name": "x.txt", "sha256": hex::encode(Sha256::digest("text")), "bytes": 4 }))
                .unwrap();
        let item = || results.item(&TaskResult::default(), &TaskLabels::default(), Some(kept.clone()));
        assert_eq!(item().unwrap().text.as_deref(), Some("text"));
        fs::write(&path, "next").unwrap();
        assert!(item().unwrap_err().to_string().contains("changed"));
        fs::write(&path, "longer").unwrap();
        assert!(item().unwrap_err().to_string().contains("has 6 bytes"));
    }
}
