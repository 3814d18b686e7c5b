//! Settlement: by a cursor in state, a bounded amount of work a block, in turn over the jobs that settle.
//!
//! ```text
//! PACK -> (AWAIT_GOLD) -> INFER -> PAY -> (the late round, see `late`) -> RECORD -> SHARES -> PUBLISH -> (AWAIT_APPEALS) -> AWARD -> CLOSE
//! drafts: STAGE -> AWAIT_VERDICT_GOLD -> AWAIT_VERDICTS -> JUDGE -> PAY -> SHARES -> PUBLISH -> (AWAIT_APPEALS) -> AWARD -> CLOSE
//! quarantine's end: RELEASE_LEASES -> RELEASE_PAY -> AWARD -> CLOSE
//! ```
mod close;
mod infer;
mod judge;
mod pack;
mod pay;
mod rank;
mod record;
mod release;
mod sets;
mod shares;
mod stage;

pub(crate) use pay::{read_share, take_fee};
pub(crate) use rank::params as ranking_params;
pub(crate) use record::model;
pub(crate) use sets::models;

use cairn_kernel::{Ctx, Result, key_prefix};
use cairn_proto::cairn::annotation::v1::SettleStep;

use crate::{
    Error, appeals,
    job::Running,
    late, quarantine,
    state::{SETTLE_CURSOR, SETTLING},
    types,
};

/// What a step costs at the least, in label visits: it reads and writes the job.
const STEP_VISITS: u64 = 4_000;
/// Jobs that get their turn in one round at the most.
const ROUND: usize = 1_000;

/// Works on the jobs in settlement, one step each in turn, until `budget` label visits are spent.
pub(crate) fn run(ctx: &mut Ctx, budget: u64) -> Result<()> {
    let mut left = budget;
    while left > 0 {
        let jobs = round(ctx)?;
        let Some(last) = jobs.last().copied() else { break };
        let turns = u64::try_from(jobs.len()).map_err(|_| Error::Overflow)?;
        let share = left.checked_div(turns).unwrap_or(left).max(1);
        for job in jobs {
            if left == 0 {
                SETTLE_CURSOR.set(ctx, &job.saturating_sub(1))?;
                return Ok(());
            }
            let spent = match ctx.atomic(|ctx| step(ctx, job, share.min(left))) {
                Ok(visits) => visits,
                Err(error) => {
                    quarantine::contain(ctx, job, 0, 0, &error)?;
                    0
                }
            };
            left = left.saturating_sub(spent.max(STEP_VISITS));
        }
        SETTLE_CURSOR.set(ctx, &last)?;
    }
    Ok(())
}

/// The jobs of a round, beginning after the one that was worked on last.
fn round(ctx: &Ctx) -> Result<Vec<u64>> {
    let cursor = SETTLE_CURSOR.get(ctx)?.unwrap_or(0);
    let after = SETTLING.range_from(ctx, &[], &key_prefix(&cursor.saturating_add(1)));
    let before = SETTLING.range(ctx, &[]).take_while(|job| job.as_ref().map_or(true, |job| *job <= cursor));
    after.chain(before).take(ROUND).collect()
}

/// One step of one job, of about `budget` label visits. Gives what it cost.
pub(crate) fn step(ctx: &mut Ctx, job: u64, budget: u64) -> Result<u64> {
    let mut run = Running::load(ctx, job)?;
    let visits = match run.settlement()?.step() {
        SettleStep::Pack => pack::step(ctx, &mut run, budget)?,
        SettleStep::Infer => infer::step(ctx, &mut run, budget)?,
        SettleStep::Pay => pay::step(ctx, &mut run)?,
        SettleStep::Record => record::step(ctx, &mut run)?,
        SettleStep::Stage => stage::step(ctx, &mut run, budget)?,
        SettleStep::Judge => judge::step(ctx, &mut run, budget)?,
        SettleStep::Rank => rank::step(ctx, &mut run, budget)?,
        SettleStep::Shares => shares::step(ctx, &mut run)?,
        SettleStep::Publish => close::publish_step(ctx, &mut run)?,
        SettleStep::Award => appeals::award(ctx, &mut run)?,
        SettleStep::Close => close::step(ctx, &mut run)?,
        SettleStep::ReleaseLeases => release::leases(ctx, &mut run)?,
        SettleStep::ReleasePay => release::pay(ctx, &mut run)?,
        SettleStep::LatePlan => late::plan(ctx, &mut run)?,
        SettleStep::LatePack => late::pack(ctx, &mut run)?,
        SettleStep::LateInfer => late::infer(ctx, &mut run, budget)?,
        SettleStep::LatePay => late::pay(ctx, &mut run)?,
        SettleStep::AwaitGold
        | SettleStep::AwaitLate
        | SettleStep::AwaitAppeals
        | SettleStep::AwaitVerdictGold
        | SettleStep::AwaitVerdicts
        | SettleStep::Unspecified => {
            SETTLING.remove(ctx, &job)?;
            0
        }
    };
    if let Some(settlement) = run.status.settlement.as_mut() {
        settlement.visits = settlement.visits.saturating_add(visits);
    }
    run.save(ctx)?;
    Ok(visits)
}

/// Workers that one step of PAY pays.
pub(crate) fn sheet_workers(run: &Running) -> Result<u32> {
    if types::produces(run.job.r#type()) {
        return Ok(judge::SHEET);
    }
    if types::gives_sets(run.job.r#type()) {
        return Ok(crate::sets::params(run, cairn_truth::Gold::None)?.sheet_workers());
    }
    Ok(run.truth_params(cairn_truth::Gold::None)?.sheet_workers())
}

/// Goes on to the next step, from its beginning.
pub(crate) fn go_on(run: &mut Running, step: SettleStep) -> Result<()> {
    let settlement = run.settlement()?;
    settlement.set_step(step);
    settlement.position = 0;
    Ok(())
}
