//! Queries about the tasks and answers of MULTI_LABEL jobs.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{QueryLabelsResponse, QueryTasksResponse, TaskLabel, TaskLabels, TaskResult, Worker};
use cairn_truth::{Gold, SetPosteriors};

use super::labels::{Span, is_inferred};
use crate::{
    Error, formats,
    given::{Given, Set, Value},
    gold,
    job::Running,
    labels::{self, PagesView, failed},
    sets::{self, StagedSet},
    settle,
    state::WORKERS,
};

pub(super) fn tasks(ctx: &Ctx, run: &Running, span: &Span) -> Result<QueryTasksResponse> {
    let answers = by_task(ctx, run, span)?;
    let (mut truths, mut posteriors) = (BTreeMap::new(), BTreeMap::new());
    for chunk in span.chunks() {
        truths.extend(gold::opened_sets(ctx, run, chunk)?);
        posteriors.extend(posteriors_of(ctx, run, chunk)?.map(|found| (chunk, found)));
    }
    let mut tasks = Vec::new();
    for task in span.first..span.end {
        let local = u16::try_from(task % formats::CHUNK).map_err(|_| Error::Overflow)?;
        let found = posteriors.get(&(task / formats::CHUNK));
        let truth = truths.get(&task);
        tasks.push(TaskResult {
            task,
            bucket: run.buckets.of(task).ok_or(Error::Broken("a task without a bucket"))?,
            votes: answers.get(&task).map_or_else(Vec::new, |given| votes(run, given)),
            posterior: found.map_or_else(Vec::new, |found| found.task(local).into_iter().map(u32::from).collect()),
            set: found.map_or(Ok(Vec::new()), |found| sets::bytes(run, found.set(local)))?,
            gold: truth.is_some(),
            truth_set: truth.map_or(Ok(Vec::new()), |truth| sets::bytes(run, *truth))?,
            ..TaskResult::default()
        });
    }
    Ok(QueryTasksResponse { tasks, next: span.next })
}

/// How often each label is on.
fn votes(run: &Running, answers: &[(StagedSet, bool)]) -> Vec<u32> {
    let labels = 0..u32::try_from(run.job.classes.len()).unwrap_or(0); // at most 64
    let on = |(answer, _): &&(StagedSet, bool), label| answer.set.checked_shr(label).unwrap_or(0) & 1 == 1;
    labels.map(|label| u32::try_from(answers.iter().filter(|answer| on(answer, label)).count()).unwrap_or(u32::MAX)).collect()
}

pub(super) fn labels(ctx: &Ctx, run: &Running, span: &Span) -> Result<QueryLabelsResponse> {
    let mut tasks = Vec::new();
    for (task, answers) in by_task(ctx, run, span)? {
        let mut labels = Vec::new();
        for (answer, late) in answers {
            let worker = WORKERS.get(ctx, &(run.id, answer.worker))?.ok_or(Error::Broken("a worker is missing"))?;
            labels.push(show(run, &answer, late, worker)?);
        }
        tasks.push(TaskLabels { task, labels });
    }
    Ok(QueryLabelsResponse { tasks, next: span.next })
}

fn show(run: &Running, answer: &StagedSet, late: bool, worker: Worker) -> Result<TaskLabel> {
    let result = worker.result.unwrap_or_default();
    Ok(TaskLabel {
        worker: answer.worker,
        annotator: worker.annotator,
        paid: result.score_q32 > 0,
        reason: result.reason,
        set: sets::bytes(run, answer.set)?,
        late,
        ..TaskLabel::default()
    })
}

/// The accepted sets of every task of the span, staged or packed, each with whether it is late.
pub(super) fn by_task(ctx: &Ctx, run: &Running, span: &Span) -> Result<BTreeMap<u32, Vec<(StagedSet, bool)>>> {
    let mut found: BTreeMap<u32, Vec<(StagedSet, bool)>> = (span.first..span.end).map(|task| (task, Vec::new())).collect();
    let mut all = Vec::new();
    let late = run.status.pay_height > 0; // blind sets are packed by then
    for bucket in span.buckets(run) {
        all.extend(labels::staged::<StagedSet>(ctx, run.id, bucket)?.into_iter().map(|answer| (answer, late)));
    }
    for chunk in span.chunks() {
        let first = chunk.saturating_mul(formats::CHUNK);
        for (given, late) in [(Set::blind(ctx, run, chunk)?, false), (Set::late(ctx, run, chunk)?, true)] {
            let answer = |a: Given<Set>| StagedSet { task: first.saturating_add(a.task.into()), worker: a.worker, set: a.value.0 };
            all.extend(given.into_iter().map(|given| (answer(given), late)));
        }
    }
    all.sort_unstable();
    for (answer, late) in all {
        if let Some(of_task) = found.get_mut(&answer.task) {
            of_task.push((answer, late));
        }
    }
    Ok(found)
}

/// The chunk's posteriors, once the inference has ended.
fn posteriors_of(ctx: &Ctx, run: &Running, chunk: u32) -> Result<Option<SetPosteriors>> {
    let Some(settlement) = run.status.settlement.as_ref().filter(|settlement| is_inferred(settlement)) else { return Ok(None) };
    let (params, models) = (sets::params(run, Gold::None)?, settle::models(&settlement.model)?);
    cairn_truth::read_set_posteriors(&PagesView::new(ctx, run.id), &params, &models, chunk).map(Some).map_err(failed)
}
