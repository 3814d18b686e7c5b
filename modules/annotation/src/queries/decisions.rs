//! Every decision on an annotator, with its reason: what a client shows somebody who asks why a label is not paid.
use std::collections::{BTreeMap, BTreeSet};

use cairn_kernel::{Address, Ctx, PageRequest, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::{
    DraftState, GoldMark, LabelDecision, LabelReason, Lease, LeaseDecision, LeaseState, PayReason, QueryDecisionsRequest,
    QueryDecisionsResponse, ReasonText, Worker,
};

use super::labels::{Span, by_task};
use crate::{
    Error, accounts, drafts,
    formats::{self, SKIPPED},
    gold,
    job::Running,
    leases,
    state::{LEASES, LEASES_BY_ANNOTATOR},
    types,
};

/// Leases on one page at the most: each may need the labels of four chunks.
const LEASES_MAX: u64 = 20;

pub(super) fn decisions(ctx: &Ctx, query: QueryDecisionsRequest) -> Result<QueryDecisionsResponse> {
    let annotator = Address::parse(&query.annotator)?;
    let run = Running::load(ctx, query.job)?;
    let worker = accounts::worker(ctx, run.id, &annotator)?;
    let worker = worker.ok_or_else(|| Error::NoWorker { job: run.id, annotator: annotator.to_string() })?;
    let mut request: PageRequest = query.pagination.unwrap_or_default().into();
    request.limit = if request.limit == 0 { LEASES_MAX } else { request.limit.min(LEASES_MAX) };
    let (keys, page) = LEASES_BY_ANNOTATOR.page(ctx, &key_prefix(&(annotator, run.id)), &request)?;
    let mut decided = Vec::with_capacity(keys.len());
    for (_, _, id) in keys {
        let lease = LEASES.get(ctx, &id)?.ok_or(Error::Broken("an indexed lease is missing"))?;
        decided.push(decide(ctx, &run, &worker, &lease)?);
    }
    let occurring: BTreeSet<i32> = decided.iter().flat_map(|lease| lease.labels.iter().map(|label| label.reason)).collect();
    let reasons = occurring.into_iter().filter_map(|code| LabelReason::try_from(code).ok());
    let reasons = reasons.map(|reason| ReasonText { reason: reason.into(), text: label_text(reason).to_owned() }).collect();
    let found = worker.result.as_ref().map_or(PayReason::Unspecified, |result| result.reason());
    let text = pay_text(found).to_owned();
    Ok(QueryDecisionsResponse { worker: Some(worker), text, leases: decided, reasons, pagination: Some(page.into()) })
}

/// What became of each task of a lease.
fn decide(ctx: &Ctx, run: &Running, worker: &Worker, lease: &Lease) -> Result<LeaseDecision> {
    let tasks = leases::tasks(ctx, run, lease)?;
    if types::produces(run.job.r#type()) {
        return decide_drafts(ctx, run, worker, lease, tasks);
    }
    if types::gives_sets(run.job.r#type()) {
        return decide_sets(ctx, run, worker, lease, tasks);
    }
    let mut labels = BTreeMap::new();
    if lease.state() == LeaseState::Revealed {
        for bucket in &lease.buckets {
            let of = run.buckets.tasks(*bucket);
            labels.extend(by_task(ctx, run, &Span { first: of.start, end: of.end, next: 0 })?);
        }
    }
    let mut truths = BTreeMap::new();
    for chunk in tasks.iter().map(|task| task / formats::CHUNK).collect::<BTreeSet<_>>() {
        truths.extend(gold::opened(ctx, run.id, chunk)?);
    }
    let decide = |task: u32| {
        let votes = labels.get(&task).map_or(&[][..], Vec::as_slice);
        let own = votes.iter().find(|(label, _)| label.worker == lease.worker).map(|(label, _)| label.class);
        let blind = votes.iter().filter(|(_, late)| !late).map(|(label, _)| label.class);
        let gold = own.map_or(GoldMark::None, |class| mark(class, blind, truths.get(&task).copied()));
        let reason = reason(worker, lease, own.is_some());
        LabelDecision { task, class: own.unwrap_or(SKIPPED).into(), reason: reason.into(), gold: gold.into() }
    };
    Ok(LeaseDecision {
        lease: lease.id,
        state: lease.state,
        late: lease.late,
        partner: lease.partner,
        labels: tasks.into_iter().map(decide).collect(),
    })
}

/// What became of each set of a lease.
fn decide_sets(ctx: &Ctx, run: &Running, worker: &Worker, lease: &Lease, tasks: Vec<u32>) -> Result<LeaseDecision> {
    let (mut given, mut truths) = (BTreeMap::new(), BTreeMap::new());
    for bucket in &lease.buckets {
        let of = run.buckets.tasks(*bucket);
        given.extend(super::sets::by_task(ctx, run, &Span { first: of.start, end: of.end, next: 0 })?);
    }
    for chunk in tasks.iter().map(|task| task / formats::CHUNK).collect::<BTreeSet<_>>() {
        truths.extend(gold::opened_sets(ctx, run, chunk)?);
    }
    let decide = |task: u32| {
        let votes = given.get(&task).map_or(&[][..], Vec::as_slice);
        let own = votes.iter().find(|(answer, _)| answer.worker == lease.worker).map(|(answer, _)| answer.set);
        let blind = votes.iter().filter(|(_, late)| !late).map(|(answer, _)| answer.set);
        let gold = own.map_or(GoldMark::None, |set| mark(set, blind, truths.get(&task).copied()));
        let reason = reason(worker, lease, own.is_some());
        LabelDecision { task, class: 0, reason: reason.into(), gold: gold.into() }
    };
    let labels = tasks.into_iter().map(decide).collect();
    Ok(LeaseDecision { lease: lease.id, state: lease.state, late: lease.late, partner: lease.partner, labels })
}

/// What became of each draft of a lease.
fn decide_drafts(ctx: &Ctx, run: &Running, worker: &Worker, lease: &Lease, tasks: Vec<u32>) -> Result<LeaseDecision> {
    let mut own = BTreeMap::new();
    for bucket in &lease.buckets {
        let page = drafts::load(ctx, run.id, *bucket)?;
        own.extend(page.into_iter().filter(|draft| draft.worker == lease.worker).map(|draft| (draft.task, draft.state())));
    }
    let decide = |task: u32| {
        let reason = match own.get(&task) {
            Some(DraftState::Unspecified) => LabelReason::Pending,
            Some(DraftState::Copied) => LabelReason::DraftCopied,
            Some(DraftState::Rejected) => LabelReason::DraftRejected,
            Some(DraftState::Accepted) => LabelReason::DraftAccepted,
            Some(DraftState::Unjudged) => LabelReason::DraftUnjudged,
            Some(DraftState::Released) => LabelReason::Paid,
            None => reason(worker, lease, false),
        };
        LabelDecision { task, class: 0, reason: reason.into(), gold: GoldMark::None.into() }
    };
    let labels = tasks.into_iter().map(decide).collect();
    Ok(LeaseDecision { lease: lease.id, state: lease.state, late: false, partner: lease.partner, labels })
}

/// Why a task of the lease, labelled or not, is paid or not.
fn reason(worker: &Worker, lease: &Lease, labelled: bool) -> LabelReason {
    match lease.state() {
        LeaseState::Unspecified | LeaseState::Live | LeaseState::Committed => LabelReason::Pending,
        LeaseState::Expired => LabelReason::NotCommitted,
        LeaseState::Returned => LabelReason::GivenBack,
        LeaseState::Unrevealed => LabelReason::NotRevealed,
        LeaseState::Released => LabelReason::Released,
        LeaseState::Revealed if !labelled => LabelReason::Skipped,
        LeaseState::Revealed => match worker.result.as_ref() {
            None => LabelReason::Pending,
            Some(result) if lease.late && result.late_pay.is_empty() => LabelReason::Pending,
            Some(result) if result.reason() == PayReason::Gated => LabelReason::Gated,
            Some(result) if result.score_q32 == 0 => LabelReason::NoAgreement,
            Some(result) if result.score_q32 < cairn_truth::ONE => LabelReason::PaidInPart,
            Some(_) => LabelReason::Paid,
        },
    }
}

/// What an answer says of a gold task, as the blind votes judge it.
fn mark<T: Ord + Copy>(own: T, blind: impl Iterator<Item = T>, truth: Option<T>) -> GoldMark {
    let Some(truth) = truth else { return GoldMark::None };
    if cairn_truth::is_void(blind, truth) {
        return GoldMark::Void;
    }
    if own == truth { GoldMark::Right } else { GoldMark::Wrong }
}

fn label_text(reason: LabelReason) -> &'static str {
    match reason {
        LabelReason::Unspecified => "",
        LabelReason::Pending => "not decided yet: the labels wait for their reveal or for the settlement of the job",
        LabelReason::Paid => "paid in full",
        LabelReason::PaidInPart => "paid in part: price times the score, which the labels' agreement with the others' decides",
        LabelReason::NoAgreement => "not paid: all labels together agree with the others' no more than chance would",
        LabelReason::Gated => "not paid: the answers to gold tasks are below the gate of the job",
        LabelReason::Skipped => "not paid: the task was skipped",
        LabelReason::NotCommitted => "not paid: the lease ran out before labels were committed",
        LabelReason::NotRevealed => "not paid: the labels were committed and not revealed in time",
        LabelReason::GivenBack => "not paid: the lease was given back",
        LabelReason::DraftAccepted => "paid: price times the probability that the draft is good, which its verifiers' verdicts give",
        LabelReason::DraftRejected => {
            "not paid: by its verifiers' verdicts the draft is not good with the probability that the job asks for"
        }
        LabelReason::DraftCopied => "not paid: the same draft was committed for this task before",
        LabelReason::DraftUnjudged => "paid half: no verdict on the draft counts",
        LabelReason::Released => "not paid: the settlement of the job failed before the reveal; the bond went back",
    }
}

fn pay_text(reason: PayReason) -> &'static str {
    match reason {
        PayReason::Unspecified => "not settled yet",
        PayReason::Skill => "scored by agreement with the answers inferred from everybody else's labels, above chance",
        PayReason::SilentPeers => "nobody else labelled these tasks: half of the price",
        PayReason::GoldSkill => "nearly all tasks are of one class: scored by the answers to gold tasks",
        PayReason::OneClass => "nearly all tasks, and the gold, are of one class: half of the target",
        PayReason::Gated => "the answers to gold tasks are below the gate: left out of the result and not paid",
        PayReason::GoldUnopened => "the requester did not open its gold: paid in full, being better than chance",
        PayReason::Drafts => "the mean over the drafts: each earns the probability that it is good where that is high enough, else nothing",
        PayReason::Quarantine => "the settlement failed: paid in full",
        PayReason::NoLabels => "no label was accepted",
    }
}
