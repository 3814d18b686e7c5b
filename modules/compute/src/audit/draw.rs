//! Draws of audits: whether there is one, by whom, and which chunk is opened. All by strong seeds of heights at which what they decide about was settled.
use cairn_beacon::{self as beacon, Draw, Seed};
use cairn_kernel::{Address, BPS, Ctx, Result};
use cairn_program::{Operand, Program as Checked};
use cairn_proto::cairn::compute::v1::{Audit, AuditState, EventAuditDrawn, EventAuditFailed, EventAuditSpot, Job, JobState, Params};

use super::{fund, remove, save};
use crate::{
    Error, jobs, programs,
    providers::{self, coin},
    rules,
    state::{NUMBERED, PROVIDERS},
};

/// Purpose of the draw of auditors in the beacon's streams.
const AUDITORS: u8 = 4;
/// Purpose of the draw of opened chunks.
const SPOTS: u8 = 5;
/// Numbers of providers that are tried.
const TRIES: u32 = 64;

/// The seed that an audit waits for; where it is not there yet, the audit looks again in the next block.
fn seed(ctx: &mut Ctx, audit: &mut Audit) -> Result<Option<Seed>> {
    let found = beacon::strong(ctx, audit.asked)?;
    if found.is_none() {
        let next = jobs::after(ctx, 1)?;
        save(ctx, audit, next)?;
    }
    Ok(found)
}

/// Decides whether a result is audited, and by whom.
pub(super) fn auditor(ctx: &mut Ctx, mut audit: Audit) -> Result<()> {
    let Some(seed) = seed(ctx, &mut audit)? else { return Ok(()) };
    let job = jobs::load(ctx, audit.job_id)?;
    let params = rules::of_job(&job)?;
    let mut draw = Draw::new(&seed.bytes, AUDITORS, job.id);
    let delivered = matches!(job.state(), JobState::Window | JobState::Contested);
    if draw.below(BPS.into())? >= u64::from(params.audit_bps) || !delivered {
        return remove(ctx, job.id);
    }
    let pay = pay(ctx, &job, params)?;
    let locked = pay.checked_mul(params.bond_multiple.into()).ok_or(Error::Overflow)?;
    let payable = pay <= most(&job, params)? && fund::load(ctx)? >= pay;
    let drawn = if payable { pick(ctx, &job, &mut draw, audit.pool, locked)? } else { None };
    let Some(account) = drawn else {
        ctx.emit(&EventAuditFailed { job_id: job.id });
        return remove(ctx, job.id);
    };
    fund::take(ctx, pay)?;
    providers::lock(ctx, &account, locked)?;
    (audit.auditor, audit.pay, audit.locked) = (account.to_string(), Some(coin(pay)), Some(coin(locked)));
    audit.set_state(AuditState::Commit);
    let until = jobs::after(ctx, params.audit_blocks)?;
    save(ctx, &mut audit, until)?;
    ctx.emit(&EventAuditDrawn { job_id: job.id, auditor: audit.auditor, commit_until: until, pay: audit.pay });
    Ok(())
}

/// What running the program again costs, and a tenth more.
fn pay(ctx: &Ctx, job: &Job, params: &Params) -> Result<u128> {
    let macs = programs::load(ctx, &job.program_id)?.macs;
    let cost = rules::rerun_cost(params, macs, job.runs)?.max(1);
    Ok(cost.checked_add(cost.div_ceil(10)).ok_or(Error::Overflow)?)
}

/// The most that the audit of a job is paid: on average over all jobs not more than the fees of this one, so that whoever orders from itself and is drawn
/// as its own auditor pays more than it gets.
fn most(job: &Job, params: &Params) -> Result<u128> {
    let fees = rules::part(jobs::price(job)?, params.fee_bps.saturating_add(params.audit_fee_bps))?;
    Ok(fees.checked_mul(BPS.into()).and_then(|fees| fees.checked_div(params.audit_bps.into())).ok_or(Error::Overflow)?)
}

/// A provider that is not the job's, stays, and has so much of its bond free. It is drawn among the numbers given when the result came, so that
/// nobody joins or leaves its way into an audit.
fn pick(ctx: &Ctx, job: &Job, draw: &mut Draw, pool: u64, needed: u128) -> Result<Option<Address>> {
    for _ in 0..TRIES {
        if pool == 0 {
            break;
        }
        let number = draw.below(pool)?.checked_add(1).ok_or(Error::Overflow)?;
        let Some(account) = NUMBERED.get(ctx, &number)? else { continue };
        let account = Address::parse(&account)?;
        let Some(provider) = PROVIDERS.get(ctx, &account)? else { continue };
        let free = providers::bonded(&provider)?.saturating_sub(providers::locked(&provider)?);
        if provider.account != job.provider && provider.account != job.requester && provider.leaves == 0 && free >= needed {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

/// The root is sealed and its time is over: from here on a chunk may be drawn.
pub(super) fn seal(ctx: &mut Ctx, mut audit: Audit) -> Result<()> {
    audit.asked = ctx.block().height;
    audit.set_state(AuditState::Spot);
    let next = jobs::after(ctx, 1)?;
    save(ctx, &mut audit, next)
}

/// Draws the chunk that is opened.
pub(super) fn spot(ctx: &mut Ctx, mut audit: Audit) -> Result<()> {
    let Some(seed) = seed(ctx, &mut audit)? else { return Ok(()) };
    let job = jobs::load(ctx, audit.job_id)?;
    let program = Checked::decode(&programs::load(ctx, &job.program_id)?.graph).map_err(Error::Graph)?;
    let mut draw = Draw::new(&seed.bytes, SPOTS, job.id);
    let mut below = |bound: u32| -> Result<u32> { Ok(u32::try_from(draw.below(bound.into())?).map_err(|_| Error::Overflow)?) };
    (audit.run, audit.node) = (below(job.runs)?, below(program.nodes())?);
    audit.chunk = below(program.chunks(Operand::Node(audit.node)))?;
    audit.set_state(AuditState::Open);
    let open_until = jobs::after(ctx, rules::of_job(&job)?.audit_blocks)?;
    save(ctx, &mut audit, open_until)?;
    let Audit { job_id, auditor, run, node, chunk, .. } = audit;
    ctx.emit(&EventAuditSpot { job_id, auditor, run, node, chunk, open_until });
    Ok(())
}
