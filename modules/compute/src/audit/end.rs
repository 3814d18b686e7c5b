//! What an audit is worth in the end, and what silence costs.
use cairn_bank as bank;
use cairn_kernel::{Address, BPS, Coin, Ctx, Result};
use cairn_proto::cairn::compute::v1::{Audit, AuditState, EventAuditEnded, Job};
use cairn_rewards as rewards;

use super::{fund, remove, stakes};
use crate::{
    ACCOUNT, Error, jobs,
    providers::{self, coin},
    rules,
    state::AUDITS,
};

/// Of what an auditor loses, the part that is burnt; the rest goes to the fund.
const BURNT_BPS: u32 = 5_000;

/// How a job's result ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict<'a> {
    /// It stands.
    Stands,
    /// It was wrong, or not defended; these stood behind what stands instead.
    Fell(&'a [Address]),
    /// Nobody knows: both sides were silent.
    Unknown,
}

/// Ends the audit of a job that ends: paid where its root stands, slashed where it vouched for one that fell.
pub(crate) fn conclude(ctx: &mut Ctx, job: &Job, verdict: Verdict<'_>) -> Result<()> {
    let Some(audit) = AUDITS.get(ctx, &job.id)? else { return Ok(()) };
    let (pay, locked) = stakes(&audit)?;
    if audit.state() != AuditState::Opened {
        return over(ctx, &audit, 0, 0);
    }
    let (agrees, auditor) = (audit.root == job.trace_root, Address::parse(&audit.auditor)?);
    match verdict {
        Verdict::Stands if agrees => over(ctx, &audit, pay, 0),
        Verdict::Fell(finders) if !agrees && finders.contains(&auditor) => over(ctx, &audit, pay, 0),
        Verdict::Fell(_) if agrees => over(ctx, &audit, 0, locked),
        _ => over(ctx, &audit, 0, 0),
    }
}

/// An auditor that was silent loses a small part.
pub(super) fn silent(ctx: &mut Ctx, audit: &Audit) -> Result<()> {
    let bps = rules::of_job(&jobs::load(ctx, audit.job_id)?)?.auditor_late_bps.min(BPS);
    let lost = rules::part(stakes(audit)?.1, bps)?;
    over(ctx, audit, 0, lost)
}

/// Pays, or returns the pay to the fund; frees the bond, less what is lost of it.
fn over(ctx: &mut Ctx, audit: &Audit, paid: u128, lost: u128) -> Result<()> {
    let (pay, locked) = stakes(audit)?;
    if !audit.auditor.is_empty() {
        let auditor = Address::parse(&audit.auditor)?;
        providers::free(ctx, &auditor, locked)?;
        providers::slash(ctx, audit.job_id, &auditor, lost)?;
        let burnt = rules::part(lost, BURNT_BPS)?;
        rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(burnt), BPS)?;
        let back = pay.checked_sub(paid).and_then(|rest| rest.checked_add(lost.checked_sub(burnt)?)).ok_or(Error::Overflow)?;
        fund::add(ctx, back)?;
        bank::send(ctx, &ACCOUNT.address(), &auditor, &[Coin::base(paid)])?;
        let (job_id, paid, lost) = (audit.job_id, Some(coin(paid)), Some(coin(lost)));
        ctx.emit(&EventAuditEnded { job_id, auditor: audit.auditor.clone(), paid, lost });
    }
    remove(ctx, audit.job_id)
}
