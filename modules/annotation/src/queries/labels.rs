//! Queries about tasks and their labels: what exports are made from.
use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{
    PayReason, QueryLabelsRequest, QueryLabelsResponse, QueryTasksRequest, QueryTasksResponse, SettleStep, Settlement, TaskLabel,
    TaskLabels, TaskResult, Worker,
};
use cairn_truth::Posteriors;

use super::sets;
use crate::{
    Error, formats,
    given::{Class, Given, Value},
    gold,
    job::Running,
    labels::{PagesView, Staged, failed, staged},
    rules, settle,
    state::WORKERS,
    types,
};

/// A page of tasks: which ones, and where the next page begins.
pub(super) struct Span {
    pub(super) first: u32,
    pub(super) end: u32,
    pub(super) next: u32,
}

impl Span {
    pub(super) fn of(tasks: u32, from: u32, limit: u32) -> Self {
        let (usual, most) = rules::TASKS_PAGE;
        let limit = if limit == 0 { usual } else { limit.min(most) };
        let (first, end) = (from.min(tasks), from.saturating_add(limit).min(tasks));
        Self { first, end, next: if end < tasks { end } else { 0 } }
    }
    /// The buckets in which its tasks lie.
    pub(super) fn buckets(&self, run: &Running) -> BTreeSet<u32> {
        (self.first..self.end).filter_map(|task| run.buckets.of(task)).collect()
    }
    pub(super) fn chunks(&self) -> BTreeSet<u32> {
        (self.first..self.end).map(|task| task / formats::CHUNK).collect()
    }
}

pub(super) fn tasks(ctx: &Ctx, query: &QueryTasksRequest) -> Result<QueryTasksResponse> {
    let run = Running::load(ctx, query.job)?;
    let span = Span::of(run.job.tasks, query.from, query.limit);
    if types::gives_sets(run.job.r#type()) {
        return sets::tasks(ctx, &run, &span);
    }
    let labels = by_task(ctx, &run, &span)?;
    let (mut truths, mut posteriors) = (BTreeMap::new(), BTreeMap::new());
    for chunk in span.chunks() {
        truths.extend(gold::opened(ctx, run.id, chunk)?);
        posteriors.extend(posteriors_of(ctx, &run, chunk)?.map(|found| (chunk, found)));
    }
    let mut tasks = Vec::new();
    for task in span.first..span.end {
        let truth = truths.get(&task);
        let posterior = posteriors.get(&(task / formats::CHUNK)).map(|found| task_shares(found, task)).transpose()?;
        let (posterior, class) = posterior.unwrap_or_else(|| (Vec::new(), 0));
        let bucket = run.buckets.of(task).ok_or(Error::Broken("a task without a bucket"))?;
        let votes = votes(&run, labels.get(&task))?;
        let (gold, truth) = (truth.is_some(), truth.copied().unwrap_or(0).into());
        tasks.push(TaskResult { task, bucket, votes, posterior, class, gold, truth, ..TaskResult::default() });
    }
    Ok(QueryTasksResponse { tasks, next: span.next })
}

pub(super) fn labels(ctx: &Ctx, query: &QueryLabelsRequest) -> Result<QueryLabelsResponse> {
    let run = Running::load(ctx, query.job)?;
    let span = Span::of(run.job.tasks, query.from, query.limit);
    if types::gives_sets(run.job.r#type()) {
        return sets::labels(ctx, &run, &span);
    }
    let labels = by_task(ctx, &run, &span)?;
    let mut workers = BTreeMap::<u32, Worker>::new();
    let mut tasks = Vec::new();
    for task in span.first..span.end {
        let mut shown = Vec::new();
        for (label, late) in labels.get(&task).map_or(&[][..], Vec::as_slice) {
            let worker = match workers.entry(label.worker) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(WORKERS.get(ctx, &(run.id, label.worker))?.ok_or(Error::Broken("a worker is missing"))?),
            };
            shown.push(show(label, *late, worker));
        }
        tasks.push(TaskLabels { task, labels: shown });
    }
    Ok(QueryLabelsResponse { tasks, next: span.next })
}

fn show(label: &Staged, late: bool, worker: &Worker) -> TaskLabel {
    let result = worker.result.as_ref();
    TaskLabel {
        worker: label.worker,
        annotator: worker.annotator.clone(),
        class: label.class.into(),
        paid: result.is_some_and(|result| result.score_q32 > 0),
        reason: result.map_or(PayReason::Unspecified.into(), |result| result.reason),
        late,
        ..TaskLabel::default()
    }
}

/// The accepted labels of the span's tasks, staged or packed, each with whether it is late.
pub(super) fn by_task(ctx: &Ctx, run: &Running, span: &Span) -> Result<BTreeMap<u32, Vec<(Staged, bool)>>> {
    let mut found = Vec::new();
    if types::produces(run.job.r#type()) || types::gives_sets(run.job.r#type()) {
        return Ok(BTreeMap::new()); // it has drafts, or sets
    }
    let late = run.status.pay_height > 0; // blind labels are packed by then
    for bucket in span.buckets(run) {
        found.extend(staged(ctx, run.id, bucket)?.into_iter().map(|label| (label, late)));
    }
    for chunk in span.chunks() {
        let first = chunk.saturating_mul(formats::CHUNK);
        for (labels, late) in [(Class::blind(ctx, run, chunk)?, false), (Class::late(ctx, run, chunk)?, true)] {
            let of =
                |label: Given<Class>| Staged { task: first.saturating_add(label.task.into()), worker: label.worker, class: label.value.0 };
            found.extend(labels.into_iter().map(|label| (of(label), late)));
        }
    }
    found.sort_unstable();
    let mut labels = BTreeMap::<u32, Vec<(Staged, bool)>>::new();
    for (label, late) in found.into_iter().filter(|(label, _)| (span.first..span.end).contains(&label.task)) {
        labels.entry(label.task).or_default().push((label, late));
    }
    Ok(labels)
}

fn votes(run: &Running, labels: Option<&Vec<(Staged, bool)>>) -> Result<Vec<u32>> {
    let Some(labels) = labels else { return Ok(Vec::new()) };
    let mut votes = vec![0_u32; run.job.classes.len()];
    for (label, _) in labels {
        let vote = votes.get_mut(usize::from(label.class)).ok_or(Error::Broken("a label is of no class"))?;
        *vote = vote.saturating_add(1);
    }
    Ok(votes)
}

/// Whether there are posteriors.
pub(super) fn is_inferred(settlement: &Settlement) -> bool {
    !matches!(settlement.step(), SettleStep::Pack | SettleStep::AwaitGold | SettleStep::Infer) && !settlement.digest.is_empty()
}

/// The chunk's posteriors, once the inference has ended.
fn posteriors_of(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Option<Posteriors>> {
    let Some(settlement) = run.status.settlement.as_ref() else { return Ok(None) };
    if !is_inferred(settlement) {
        return Ok(None);
    }
    let (params, model) = (run.truth_params(cairn_truth::Gold::None)?, settle::model(&settlement.model)?);
    cairn_truth::read_posteriors(&PagesView::new(ctx, run.id), &params, model, chunk).map(Some).map_err(failed)
}

/// A task's posterior and its most probable class.
fn task_shares(posteriors: &Posteriors, task: u32) -> Result<(Vec<u32>, u32)> {
    let local = u16::try_from(task % formats::CHUNK).map_err(|_| Error::Overflow)?;
    let shares = posteriors.task(local).iter().map(|share| u32::from(*share)).collect();
    Ok((shares, posteriors.label(local).into()))
}
