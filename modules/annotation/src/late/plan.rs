//! Whether a job has a late round, and of which tasks.
use std::collections::BTreeMap;

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{Bucket, EventLateRoundOpened, JobState, SettleStep};

use super::{settle, wanted::Judge};
use crate::{
    Error, appeals, buckets, escrow, formats,
    given::{Class, Set, Value},
    job::Running,
    queues::{self, Kind},
    rules,
    settle::go_on,
    stage,
    state::{BUCKETS, SETTLING},
    types,
};

/// Label visits of a question's posterior with its labels, and of listing a bucket.
const TASK_VISITS: u64 = 64;
const BUCKET_VISITS: u64 = 600;

/// A task below the bound: its number, the labels it wants, the late ones it has.
type Unsure = (u32, u32, u32);

/// P: the blind labels are paid. Where the job has a posterior bound and money for a label, tasks below the bound are looked for; else there
/// is no late round.
pub(crate) fn begin(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    appeals::begin(ctx, run);
    let rules = &run.rules;
    let wanted = run.job.posterior_bound_bps > 0 && rules.late_commit > 0 && rules.late_reveal > 0;
    if wanted && has_money(run)? {
        return go_on(run, SettleStep::LatePlan);
    }
    settle::skip(ctx, run)
}

/// The late labels of a wave are packed: another one is planned where the rules and the job's money allow it.
pub(super) fn next(run: &mut Running) -> Result<()> {
    let another = run.status.late_wave < run.rules.late_waves && has_money(run)?;
    go_on(run, if another { SettleStep::LatePlan } else { SettleStep::LateInfer })
}

/// Whether one more label can be paid.
fn has_money(run: &Running) -> Result<bool> {
    Ok(escrow::add(run.money.free, run.money.extra)? >= run.price)
}

/// Lists the tasks of one chunk that are below the bound. After the last chunk the wave opens; where there are none, there is none.
pub(crate) fn plan(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let chunk = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a chunk's number is too large"))?;
    if chunk == 0 {
        run.status.late_wave_tasks = 0;
    }
    let cleared = clear(ctx, run, chunk)?;
    let gives_sets = types::gives_sets(run.job.r#type());
    let found = if gives_sets { below_bound::<Set>(ctx, run, chunk)? } else { below_bound::<Class>(ctx, run, chunk)? };
    let questions = if gives_sets { u64::try_from(run.job.classes.len()).map_err(|_| Error::Overflow)? } else { 1 };
    let buckets = u64::try_from(found.len()).map_err(|_| Error::Overflow)?.saturating_add(cleared);
    for (number, tasks) in found {
        list(ctx, run, number, tasks)?;
    }
    run.settlement()?.position = chunk.saturating_add(1).into();
    if chunk.saturating_add(1) >= formats::chunks(run.job.tasks) {
        match (run.status.late_wave_tasks, run.status.late_wave) {
            (0, 0) => settle::skip(ctx, run)?,
            (0, _) => go_on(run, SettleStep::LateInfer)?,
            _ => open(ctx, run)?,
        }
    }
    let tasks = u64::from(formats::CHUNK).saturating_mul(TASK_VISITS).saturating_mul(questions);
    Ok(tasks.saturating_add(buckets.saturating_mul(BUCKET_VISITS)))
}

/// Takes away what the wave before left of its seats in the buckets that begin in the chunk. Gives how many were looked at.
fn clear(ctx: &mut Ctx, run: &mut Running, chunk: u32) -> Result<u64> {
    if run.status.late_wave == 0 {
        return Ok(0);
    }
    let tasks = formats::chunk_tasks(run.job.tasks, chunk);
    let (first, last) = (run.buckets.of(tasks.start), run.buckets.of(tasks.end.saturating_sub(1)));
    let (Some(first), Some(last)) = (first, last) else { return Err(Error::Broken("a chunk without tasks").into()) };
    for number in first..=last {
        let begins_here = run.buckets.tasks(number).start >= tasks.start;
        if let Some(mut bucket) = BUCKETS.get(ctx, &(run.id, number))?.filter(|bucket| begins_here && !bucket.late_tasks.is_empty()) {
            (bucket.late_tasks, bucket.late_wanted, bucket.free_seats) = (Vec::new(), Vec::new(), 0);
            buckets::save(ctx, &bucket)?;
            buckets::unlist(ctx, run, number)?;
        }
    }
    Ok(u64::from(last.saturating_sub(first)).saturating_add(1))
}

/// The chunk's tasks below the bound, by bucket.
fn below_bound<V: Value>(ctx: &Ctx, run: &Running, chunk: u32) -> Result<BTreeMap<u32, Vec<Unsure>>> {
    let mut judge = Judge::<V>::new(ctx, run, chunk)?;
    let mut found = BTreeMap::<u32, Vec<Unsure>>::new();
    for (local, task) in (0_u16..).zip(formats::chunk_tasks(run.job.tasks, chunk)) {
        let (wanted, given) = judge.wanted(ctx, run, local)?;
        if wanted > 0 {
            let bucket = run.buckets.of(task).ok_or(Error::Broken("a task without a bucket"))?;
            found.entry(bucket).or_default().push((task, wanted, given));
        }
    }
    Ok(found)
}

/// Gives a bucket the late seats that its tasks want, each up to 2 labels above the most overlap.
fn list(ctx: &mut Ctx, run: &mut Running, number: u32, tasks: Vec<Unsure>) -> Result<()> {
    let mut bucket = match BUCKETS.get(ctx, &(run.id, number))? {
        Some(bucket) => bucket,
        None => unopened(ctx, run, number)?,
    };
    let most = run.job.overlap_max.saturating_add(rules::EXTRA_OVERLAP).saturating_sub(bucket.revealed);
    let mut listed = 0_u32;
    for (task, wanted, given) in tasks {
        let wanted = wanted.min(most.saturating_sub(given));
        if wanted > 0 && !bucket.holes.contains(&task) {
            bucket.late_tasks.push(task);
            bucket.late_wanted.push(wanted);
            listed = listed.saturating_add(1);
        }
    }
    if listed == 0 {
        return Ok(());
    }
    run.status.late_wave_tasks = run.status.late_wave_tasks.checked_add(listed).ok_or(Error::Overflow)?;
    bucket.free_seats = bucket.late_wanted.iter().copied().max().unwrap_or(0);
    buckets::save(ctx, &bucket)?;
    buckets::list(ctx, run, number)
}

/// A bucket that the blind round never opened.
fn unopened(ctx: &Ctx, run: &Running, number: u32) -> Result<Bucket> {
    let mut bucket = Bucket { job: run.id, number, revealing: ctx.block().height, ..Bucket::default() };
    stage::seed(ctx, run, &mut bucket)?;
    Ok(bucket)
}

fn open(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let height = ctx.block().height;
    let commit_until = height.saturating_add(run.rules.late_commit);
    let reveal_until = commit_until.saturating_add(run.rules.late_reveal);
    (run.status.late_commit_until, run.status.late_reveal_until) = (commit_until, reveal_until);
    go_on(run, SettleStep::AwaitLate)?;
    run.enter(ctx, JobState::Late)?;
    SETTLING.remove(ctx, &run.id)?;
    queues::schedule(ctx, commit_until, Kind::LateEnd, run.id, 0)?;
    let status = &mut run.status;
    status.late_wave = status.late_wave.saturating_add(1);
    status.late_labels_before = status.late_labels;
    if status.late_wave == 1 {
        status.late_tasks = status.late_wave_tasks; // those of later waves are among them
    }
    let (tasks, wave) = (status.late_wave_tasks, status.late_wave);
    ctx.emit(&EventLateRoundOpened { job: run.id, tasks, commit_until, reveal_until, wave });
    Ok(())
}
