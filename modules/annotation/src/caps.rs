//! Caps of a day: how many tasks an account is leased, over all jobs. Who has little standing in a job's skill is on probation.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{DayCount, Lease};

use crate::{Unqualified, job::Running, rules, standing, state::DAYS};

/// Tasks that may still be leased to the account today in this job; `None` for any number.
pub(crate) fn left(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<Option<u64>> {
    let Some(most) = most(ctx, run, annotator)? else { return Ok(None) };
    Ok(Some(most.saturating_sub(today(ctx, run, annotator)?.labels)))
}

/// Refuses an account that can be leased no whole bucket today.
pub(crate) fn check(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<()> {
    let Some(most) = most(ctx, run, annotator)? else { return Ok(()) };
    let DayCount { day, labels: used } = today(ctx, run, annotator)?;
    if most.saturating_sub(used) >= run.buckets.largest().into() {
        return Ok(());
    }
    Err(Unqualified::DayCap { most, used, next: day.saturating_add(1).saturating_mul(run.rules.day_blocks) }.into())
}

/// Counts tasks leased to the account. Those of leases that expired or were declined stay counted: the cap bounds how often an account can
/// draw in a day, and who could get draws back would draw until it liked what it got.
pub(crate) fn count(ctx: &mut Ctx, run: &Running, annotator: &Address, tasks: u32) -> Result<()> {
    if run.rules.day_blocks == 0 {
        return Ok(());
    }
    let mut count = today(ctx, run, annotator)?;
    count.labels = count.labels.saturating_add(tasks.into());
    DAYS.set(ctx, annotator, &count)
}

/// Takes a lease out of the count of the day on which it was granted, if that is today: it ended through no fault of the account, which was
/// not served its content or whose job failed. As a way to draw again it stays dear: giving back uses up the job's skip budget and costs a
/// pause.
pub(crate) fn uncount(ctx: &mut Ctx, run: &Running, lease: &Lease) -> Result<()> {
    let annotator = Address::parse(&lease.annotator)?;
    let granted = lease.granted_height.checked_div(run.rules.day_blocks);
    let Some(mut count) = DAYS.get(ctx, &annotator)?.filter(|count| Some(count.day) == granted) else { return Ok(()) };
    count.labels = count.labels.saturating_sub(lease.tasks.into());
    DAYS.set(ctx, &annotator, &count)
}

/// The cap that holds for the account: the lower of those that are set.
fn most(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<Option<u64>> {
    let (all, probation) = (run.rules.labels_per_day, run.rules.probation_labels_per_day);
    if all == 0 && probation == 0 {
        return Ok(None);
    }
    let settled = standing::of(ctx, annotator, &standing::skill(&run.job))?.settled_labels;
    let probation = if settled < rules::PROBATION_LABELS { probation } else { 0 };
    Ok([all, probation].into_iter().filter(|cap| *cap > 0).min().map(u64::from))
}

fn today(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<DayCount> {
    let day = ctx.block().height.checked_div(run.rules.day_blocks).unwrap_or(0);
    let known = DAYS.get(ctx, annotator)?.filter(|count| count.day == day);
    Ok(known.unwrap_or(DayCount { day, labels: 0 }))
}
