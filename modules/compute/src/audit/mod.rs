//! Audits: a drawn provider runs a program again. What it must show, a chunk drawn after it has sealed its root, is known only to who has run it; what it
//! is worth shows when the job ends.
mod draw;
mod end;
mod fund;
mod opening;

use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::compute::v1::{Audit, AuditState, Genesis, Job};

pub(crate) use end::{Verdict, conclude};
pub(crate) use fund::{add as fill, load as held};
pub use opening::commitment;
pub(crate) use opening::{commit, reveal};

use crate::{
    Error, jobs, programs,
    providers::{self, coin},
    rules::RETRY_BLOCKS,
    state::{AUDIT_DUE, AUDITS, PROVIDER_IDS},
};

/// Asks whether a result is audited, and by whom; those that nobody can run again are not.
pub(crate) fn ask(ctx: &mut Ctx, job: &Job, program: &cairn_program::Program) -> Result<()> {
    if (0..program.nodes()).any(|node| program.is_sealed(node)) {
        return Ok(());
    }
    let asked = ctx.block().height;
    let (pool, none) = (PROVIDER_IDS.last(ctx)?, Some(coin(0)));
    let mut audit = Audit { job_id: job.id, asked, pool, pay: none.clone(), locked: none, ..Audit::default() };
    audit.set_state(AuditState::Draw);
    let next = jobs::after(ctx, 1)?;
    save(ctx, &mut audit, next)
}

/// Carries audits on that are due, at most so many.
pub(crate) fn run(ctx: &mut Ctx, most: u32) -> Result<()> {
    let height = ctx.block().height;
    for _ in 0..most {
        let first = AUDIT_DUE.range(ctx, &[]).next().transpose()?;
        let Some((_, id)) = first.filter(|(due, _)| *due <= height) else { break };
        if ctx.atomic(|ctx| step(ctx, id)).is_err() {
            let mut audit = load(ctx, id)?;
            let again = jobs::after(ctx, RETRY_BLOCKS)?;
            save(ctx, &mut audit, again)?;
        }
    }
    Ok(())
}

fn step(ctx: &mut Ctx, id: u64) -> Result<()> {
    let audit = load(ctx, id)?;
    match audit.state() {
        AuditState::Draw => draw::auditor(ctx, audit),
        AuditState::Commit if audit.commitment.is_empty() => end::silent(ctx, &audit),
        AuditState::Commit => draw::seal(ctx, audit),
        AuditState::Spot => draw::spot(ctx, audit),
        AuditState::Open => end::silent(ctx, &audit),
        AuditState::Opened | AuditState::Unspecified => Err(Error::Broken("an audit's clock that nobody set").into()),
    }
}

/// Whether the end of a job must wait for its audit. Every step of an audit has a last height, and so has the wait for a seed.
pub(crate) fn pending(ctx: &Ctx, job: u64) -> Result<bool> {
    Ok(AUDITS.get(ctx, &job)?.is_some_and(|audit| audit.state() != AuditState::Opened))
}

/// The audit of a job.
pub(crate) fn load(ctx: &Ctx, job: u64) -> Result<Audit> {
    Ok(AUDITS.get(ctx, &job)?.ok_or(Error::NoAudit(job))?)
}

/// Writes an audit with its place in the queue.
fn save(ctx: &mut Ctx, audit: &mut Audit, until: u64) -> Result<()> {
    unqueue(ctx, audit.job_id)?;
    audit.until = until;
    if until > 0 {
        AUDIT_DUE.insert(ctx, &(until, audit.job_id))?;
    }
    AUDITS.set(ctx, &audit.job_id, audit)
}

fn unqueue(ctx: &mut Ctx, job: u64) -> Result<()> {
    match AUDITS.get(ctx, &job)? {
        Some(before) if before.until > 0 => AUDIT_DUE.remove(ctx, &(before.until, job)),
        _ => Ok(()),
    }
}

fn remove(ctx: &mut Ctx, job: u64) -> Result<()> {
    unqueue(ctx, job)?;
    AUDITS.remove(ctx, &job)
}

/// What an audit is paid, and what it has locked.
pub(crate) fn stakes(audit: &Audit) -> Result<(u128, u128)> {
    Ok((crate::auction::amount(audit.pay.as_ref())?, crate::auction::amount(audit.locked.as_ref())?))
}

/// Fills an empty store; jobs come before.
pub(crate) fn init(ctx: &mut Ctx, genesis: &Genesis) -> Result<()> {
    if !genesis.audit_fund.is_empty() {
        fund::set(ctx, crate::rules::number(&genesis.audit_fund)?)?;
    }
    for audit in &genesis.audits {
        let (mut audit, wrong) = (audit.clone(), || Error::Genesis(format!("the audit of job {} is there twice or nowhere", audit.job_id)));
        jobs::load(ctx, audit.job_id)?;
        stakes(&audit)?;
        let drawn = !matches!(audit.state(), AuditState::Draw | AuditState::Unspecified);
        if drawn {
            providers::load(ctx, &Address::parse(&audit.auditor)?)?;
        }
        for hash in [&audit.commitment, &audit.root].into_iter().filter(|hash| !hash.is_empty()) {
            programs::hash(hash)?;
        }
        let waits = audit.state() != AuditState::Opened;
        if audit.state() == AuditState::Unspecified || waits != (audit.until > 0) || AUDITS.has(ctx, &audit.job_id)? {
            return Err(wrong().into());
        }
        let until = audit.until;
        save(ctx, &mut audit, until)?;
    }
    Ok(())
}

/// The inverse of [`init`].
pub(crate) fn export(ctx: &Ctx, genesis: &mut Genesis) -> Result<()> {
    genesis.audits = AUDITS.range(ctx, &[]).map(|entry| entry.map(|(_, audit)| audit)).collect::<Result<_>>()?;
    let held = fund::load(ctx)?;
    genesis.audit_fund = if held > 0 { held.to_string() } else { String::new() };
    Ok(())
}
