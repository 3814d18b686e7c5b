//! The results of jobs whose annotators make drafts: which of them was chosen, what verifiers said of it, and what each of them says.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_formats::{Answer, Item, JobKind, Label, Pseudonyms};
use cairn_proto::cairn::annotation::v1::{
    self as chain, Draft, DraftResult, DraftState, JobStatus, QueryDraftsRequest, QueryDraftsResponse, QueryTasksRequest,
    QueryTasksResponse, TaskResult,
};

use super::contents::{Contents, opened};
use crate::cli::{
    annotate::shown::extension,
    reply::{Reply, answer_of, draws},
    rpc::Rpc,
};

/// The drafts of some tasks, and what their verification stage says of them.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// By task, in the order of producers.
    drafts: BTreeMap<u32, Vec<DraftResult>>,
    /// By stage task.
    verdicts: BTreeMap<u32, TaskResult>,
}

impl Page {
    /// Those of the tasks from `from` on, `limit` of them.
    pub(crate) fn ask(rpc: &Rpc, (job, status): (&chain::Job, &JobStatus), from: u32, limit: u32) -> Result<Self> {
        let mut page = Self::default();
        let request = QueryDraftsRequest { job: job.id, from, limit };
        let found: QueryDraftsResponse = rpc.ask("/cairn.annotation.v1.Query/Drafts", &request)?;
        for draft in found.drafts {
            let task = draft.draft.as_ref().context("the chain tells no draft")?.task;
            page.drafts.entry(task).or_default().push(draft);
        }
        if status.stage == 0 {
            return Ok(page);
        }
        let limit = limit.min(job.tasks.saturating_sub(from));
        for slot in 0..status.draft_slots {
            let from = slot.checked_mul(job.tasks).and_then(|first| first.checked_add(from)).context("too many drafts")?;
            let request = QueryTasksRequest { job: status.stage, from, limit };
            let found: QueryTasksResponse = rpc.ask("/cairn.annotation.v1.Query/Tasks", &request)?;
            page.verdicts.extend(found.tasks.into_iter().map(|task| (task.task, task)));
        }
        Ok(page)
    }
    fn of(&self, task: u32) -> &[DraftResult] {
        self.drafts.get(&task).map_or(&[], Vec::as_slice)
    }
    /// Whether the job's gold was opened for a task: then one of its drafts was gold in the stage.
    fn is_gold(&self, task: u32) -> bool {
        let verdict = |found: &DraftResult| self.verdicts.get(&found.stage_task).is_some_and(|verdict| verdict.gold);
        self.of(task).iter().any(|found| !is_copy(found) && verdict(found))
    }
    /// Verdicts on a draft: those that accept it and those that reject it.
    fn votes(&self, found: &DraftResult) -> Vec<u32> {
        let votes = self.verdicts.get(&found.stage_task).map(|verdict| verdict.votes.as_slice());
        match votes {
            Some([reject, accept]) => vec![*accept, *reject],
            _ => Vec::new(),
        }
    }
}

fn is_copy(found: &DraftResult) -> bool {
    found.draft.as_ref().is_some_and(|draft| draft.state() == DraftState::Copied)
}

/// Reads drafts.
pub(crate) struct Drafts<'a> {
    pub(crate) job: &'a chain::Job,
    pub(crate) kind: JobKind,
    pub(crate) contents: &'a Contents,
    pub(crate) pseudonyms: &'a Pseudonyms,
    /// Where drafts go that are no texts.
    pub(crate) files: Option<&'a Path>,
}

impl Drafts<'_> {
    /// The item of a task. Says how many drafts cannot be had, beside the chosen one, which must be.
    pub(crate) fn item(&self, page: &Page, task: u32, gold: Option<&Reply>) -> Result<(Item, u64)> {
        let mut item = super::result::empty(task);
        let mut missing = 0_u64;
        for found in page.of(task) {
            let draft = found.draft.as_ref().context("the chain tells no draft")?;
            let worker = self.pseudonyms.name(&found.annotator);
            let answer = match self.answer(found, draft, &worker)? {
                Some(answer) => answer,
                None if draft.chosen => bail!(
                    "the result of task {task} is a draft that its producer did not upload to this gateway; name another one with --gateway"
                ),
                None => {
                    missing = missing.saturating_add(1);
                    continue;
                }
            };
            if draft.chosen {
                item.answer = Some(answer.clone());
                item.posterior = vec![u16::try_from(draft.probability)?];
                item.votes = page.votes(found);
            }
            item.labels.push(label(draft, worker, answer));
        }
        item.gold = gold.filter(|_| page.is_gold(task)).map(|truth| self.truth(truth)).transpose()?.flatten();
        Ok((item, missing))
    }
    fn truth(&self, truth: &Reply) -> Result<Option<Answer>> {
        match (truth, draws(self.kind)) {
            (Reply::Shapes(bytes), Some(kind)) => Ok(Some(answer_of(&decoded(kind, bytes)?))),
            _ => Ok(None),
        }
    }
    /// What a draft says; none where it is told by its hash and cannot be had.
    fn answer(&self, found: &DraftResult, draft: &Draft, worker: &str) -> Result<Option<Answer>> {
        if let Some(kind) = draws(self.kind) {
            return Ok(Some(answer_of(&decoded(kind, &draft.shapes)?)));
        }
        let Some(bytes) = self.contents.draft(self.job, found)? else { return Ok(None) };
        let side = opened(&bytes)?;
        match std::str::from_utf8(side.content) {
            Ok(text) if self.kind == JobKind::Text && side.media_type.starts_with("text/") => Ok(Some(Answer::Text(text.to_owned()))),
            _ => self.write(draft.task, worker, &side).map(Some),
        }
    }
    /// Puts a draft that is no text into a file of its own and names that.
    fn write(&self, task: u32, worker: &str, side: &cairn_annotation::formats::Side<'_>) -> Result<Answer> {
        let folder = self.files.context("these drafts are files: name a folder for them with --drafts")?;
        let name = format!("{task}-{}.{}", worker.get(..8).unwrap_or(worker), extension(side.media_type));
        let path: PathBuf = folder.join(&name);
        fs::write(&path, side.content).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Answer::Text(name))
    }
}

fn decoded(kind: cairn_truth::DraftKind, bytes: &[u8]) -> Result<cairn_truth::Draft> {
    cairn_truth::Draft::decode(kind, bytes).map_err(|e| anyhow::anyhow!("the chain tells a draft that cannot be: {e}"))
}

/// A draft as a label: the reason is what became of it.
fn label(draft: &Draft, worker: String, answer: Answer) -> Label {
    let state = draft.state();
    let reason = if state == DraftState::Unspecified { "" } else { state.as_str_name().trim_start_matches("DRAFT_STATE_") };
    let paid = matches!(state, DraftState::Accepted | DraftState::Unjudged | DraftState::Released);
    Label { worker, answer, late: false, paid, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cairn_formats::{
        ItemKind,
        export::{self, Format, Needs, Out},
        import::{self, Source},
    };

    use super::*;

    fn found(task: u32, annotator: &str, state: DraftState, draft: Draft) -> DraftResult {
        let mut draft = Draft { task, ..draft };
        draft.set_state(state);
        DraftResult { draft: Some(draft), annotator: annotator.to_owned(), stage_task: task }
    }

    /// Of one task: what was revealed, and the verdicts of the stage on its first slot.
    fn page(drafts: Vec<DraftResult>, gold: bool) -> Page {
        let verdict = TaskResult { task: 0, votes: vec![1, 3], gold, ..TaskResult::default() };
        Page { drafts: [(0, drafts)].into(), verdicts: [(0, verdict)].into() }
    }

    fn read(kind: JobKind, page: &Page, gold: Option<&Reply>) -> Result<(Item, u64)> {
        let (job, contents) = (chain::Job::default(), Contents::new(None, None, Needs::Nothing)?);
        let pseudonyms = Pseudonyms::new(&[7; 32], "cairn-test-1", 1);
        Drafts { job: &job, kind, contents: &contents, pseudonyms: &pseudonyms, files: None }.item(page, 0, gold)
    }

    fn spans(start: u32, end: u32) -> Vec<u8> {
        let answer = Answer::Spans(vec![cairn_formats::Span { class: 0, start, end }]);
        let Reply::Shapes(bytes) = Reply::of(&answer).unwrap() else { panic!("spans are shapes") };
        bytes
    }

    #[test]
    fn the_chosen_draft_is_the_answer_and_every_draft_a_label() {
        let chosen = Draft { shapes: spans(0, 4), chosen: true, probability: 60_000, ..Draft::default() };
        let other = Draft { shapes: spans(1, 4), ..Draft::default() };
        let drafts = vec![
            found(0, "cairn1a", DraftState::Accepted, chosen),
            found(0, "cairn1b", DraftState::Rejected, other.clone()),
            found(0, "cairn1c", DraftState::Unspecified, other),
        ];
        let truth = Reply::Shapes(spans(0, 5));
        let (item, missing) = read(JobKind::Span, &page(drafts.clone(), true), Some(&truth)).unwrap();
        let answer = |start, end| Answer::Spans(vec![cairn_formats::Span { class: 0, start, end }]);
        assert_eq!((item.answer, item.gold, missing), (Some(answer(0, 4)), Some(answer(0, 5)), 0));
        assert_eq!((item.posterior, item.votes), (vec![60_000], vec![3, 1]));
        let told: Vec<_> = item.labels.iter().map(|label| (label.paid, label.reason.as_str())).collect();
        assert_eq!(told, [(true, "ACCEPTED"), (false, "REJECTED"), (false, "")]);
        assert!(item.labels.iter().all(|label| label.worker.len() == 32));
        assert_eq!(read(JobKind::Span, &page(drafts, false), Some(&truth)).unwrap().0.gold, None, "not opened");
        let nothing = read(JobKind::Span, &Page::default(), None).unwrap().0;
        assert_eq!((nothing.answer, nothing.posterior, nothing.labels), (None, vec![], vec![]));
    }

    #[test]
    fn contents_need_a_gateway_and_shapes_must_be_canonical() {
        let told = Draft { payload: vec![7; 32], ..Draft::default() };
        let error = read(JobKind::Text, &page(vec![found(0, "cairn1a", DraftState::Accepted, told)], false), None).unwrap_err();
        assert!(error.to_string().contains("--from"), "{error}");
        let broken = Draft { shapes: vec![1, 3, 0], ..Draft::default() };
        assert!(read(JobKind::Span, &page(vec![found(0, "cairn1a", DraftState::Accepted, broken)], false), None).is_err());
    }

    #[test]
    fn passages_are_counted_in_characters_from_the_list_to_the_export() {
        // In bytes Anna begins at 18, in UTF-16 at 12, in characters at 11.
        let text = "\u{1f600} Gr\u{f6}\u{df}e \u{6570}: Anna";
        let folder = tempfile::tempdir().unwrap();
        let line = serde_json::json!({ "text": text, "spans": [{ "class": "PER", "start": 11, "end": 15 }] });
        fs::write(folder.path().join("items.jsonl"), line.to_string()).unwrap();
        let classes = ["PER".to_owned()];
        let (item_kind, job_kind) = (ItemKind::Text, JobKind::Span);
        let source = Source { folder: folder.path(), list: None, apart: &[], item_kind, job_kind, classes: &classes, item_bytes: 1_000 };
        let listed = import::import(&source, &mut |_| {}).unwrap().items.remove(0).answer.unwrap();
        let Reply::Shapes(shapes) = Reply::of(&listed).unwrap() else { panic!("spans are shapes") };
        let chosen = Draft { shapes, chosen: true, probability: 1, ..Draft::default() };
        let mut item = read(JobKind::Span, &page(vec![found(0, "cairn1a", DraftState::Accepted, chosen)], false), None).unwrap().0;
        item.text = Some(text.to_owned());
        let home = crate::cli::home::Home::new(folder.path());
        let job = chain::Job { r#type: 6, item_kind: 2, classes: classes.to_vec(), tasks: 1, ..chain::Job::default() };
        let status = JobStatus::default();
        let results = crate::cli::job::result::Results::new(&home, "cairn-test-1", (&job, &status), &status, "").unwrap();
        for (format, place, told) in
            [(Format::LabelStudio, "tasks.json", "\"text\":\"Anna\""), (Format::Conll, "conll/data.conll", "\nAnna -X- -X- B-PER\n")]
        {
            let out = folder.path().join(place.split('/').next().unwrap());
            let mut exporter = export::open(format, results.job(), Out::Path(out)).unwrap();
            exporter.item(&item).unwrap();
            exporter.finish().unwrap();
            let text = fs::read_to_string(folder.path().join(place)).unwrap();
            assert!(text.contains(told), "{text}");
        }
    }
}
