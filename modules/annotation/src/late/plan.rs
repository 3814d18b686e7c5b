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
    state::{BUCKETS, SETTLING},
    types,
};

/// Label visits of a question's posterior with its labels, and of listing a bucket.
const TASK_VISITS: u64 = 64;
const BUCKET_VISITS: u64 = 600;

/// P: the blind labels are paid. Where the job has a posterior bound and money for a label, tasks below the bound are looked for; else there
/// is no late round.
pub(crate) fn begin(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    appeals::begin(ctx, run);
    let rules = &run.rules;
    let wanted = run.job.posterior_bound_bps > 0 && rules.late_commit > 0 && rules.late_reveal > 0;
    if wanted && escrow::add(run.money.free, run.money.extra)? >= run.price {
        return go_on(run, SettleStep::LatePlan);
    }
    settle::skip(ctx, run)
}

/// Lists the tasks of one chunk that are below the bound. After the last chunk the late round opens, or is over where there are none.
pub(crate) fn plan(ctx: &mut Ctx, run: &mut Running) -> Result<u64> {
    let chunk = u32::try_from(run.settlement()?.position).map_err(|_| Error::Broken("a chunk's number is too large"))?;
    let gives_sets = types::gives_sets(run.job.r#type());
    let found = if gives_sets { below_bound::<Set>(ctx, run, chunk)? } else { below_bound::<Class>(ctx, run, chunk)? };
    let questions = if gives_sets { u64::try_from(run.job.classes.len()).map_err(|_| Error::Overflow)? } else { 1 };
    let visits = u64::try_from(found.len()).map_err(|_| Error::Overflow)?.saturating_mul(BUCKET_VISITS);
    for (number, tasks) in found {
        list(ctx, run, number, tasks)?;
    }
    run.settlement()?.position = chunk.saturating_add(1).into();
    if chunk.saturating_add(1) >= formats::chunks(run.job.tasks) {
        if run.status.late_tasks == 0 { settle::skip(ctx, run)? } else { open(ctx, run)? }
    }
    Ok(visits.saturating_add(u64::from(formats::CHUNK).saturating_mul(TASK_VISITS).saturating_mul(questions)))
}

/// The chunk's tasks below the bound, by bucket, each with the labels it wants.
fn below_bound<V: Value>(ctx: &Ctx, run: &Running, chunk: u32) -> Result<BTreeMap<u32, Vec<(u32, u32)>>> {
    let mut judge = Judge::<V>::new(ctx, run, chunk)?;
    let mut found = BTreeMap::<u32, Vec<(u32, u32)>>::new();
    for (local, task) in (0_u16..).zip(formats::chunk_tasks(run.job.tasks, chunk)) {
        let wanted = judge.wanted(ctx, run, local)?;
        if wanted > 0 {
            let bucket = run.buckets.of(task).ok_or(Error::Broken("a task without a bucket"))?;
            found.entry(bucket).or_default().push((task, wanted));
        }
    }
    Ok(found)
}

/// Gives a bucket the late seats that its tasks want, up to 2 above the most overlap.
fn list(ctx: &mut Ctx, run: &mut Running, number: u32, tasks: Vec<(u32, u32)>) -> Result<()> {
    let unopened = || Bucket { job: run.id, number, revealing: ctx.block().height, ..Bucket::default() };
    let mut bucket = BUCKETS.get(ctx, &(run.id, number))?.unwrap_or_else(unopened);
    let most = run.job.overlap_max.saturating_add(rules::EXTRA_OVERLAP).saturating_sub(bucket.revealed);
    if most == 0 {
        return Ok(());
    }
    let count = u32::try_from(tasks.len()).map_err(|_| Error::Overflow)?;
    run.status.late_tasks = run.status.late_tasks.checked_add(count).ok_or(Error::Overflow)?;
    for (task, wanted) in tasks {
        bucket.late_tasks.push(task);
        bucket.late_wanted.push(wanted.min(most));
    }
    bucket.free_seats = bucket.late_wanted.iter().copied().max().unwrap_or(0);
    buckets::save(ctx, &bucket)?;
    buckets::list(ctx, run, number)
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
    ctx.emit(&EventLateRoundOpened { job: run.id, tasks: run.status.late_tasks, commit_until, reveal_until });
    Ok(())
}
