//! The court of annotation: who is a party, what a verdict means, what jurors are paid from.
use cairn_bank as bank;
use cairn_dispute::{self as dispute, Case, Subject, Verdict};
use cairn_kernel::{Address, BASE_DENOM, Coin, Ctx, Module, Result};
use cairn_proto::cairn::annotation::v1::{AppealSubject, EventAppealDecided, GoldVerdict};

use super::award::{unearned, void, win};
use crate::{
    Annotation, Error, accounts, clusters,
    escrow::{self, ACCOUNT, shift},
    job::{Running, is_final},
    state::{FUNDERS, WORKERS},
};

/// What `dispute` asks.
pub(crate) struct Court;

/// A subject taken apart.
fn read(subject: &Subject) -> Result<(u64, AppealSubject, u32)> {
    let kind = i32::try_from(subject.kind).ok().and_then(|kind| AppealSubject::try_from(kind).ok());
    let item = u32::try_from(subject.item).ok();
    kind.zip(item).map(|(kind, item)| (subject.id, kind, item)).ok_or_else(|| Error::Broken("a case about nothing").into())
}

fn of_case(case: &Case) -> Result<(u64, AppealSubject, u32)> {
    read(case.subject.as_ref().ok_or(Error::Broken("a case without a subject"))?)
}

/// Whether the verdict is for the appellants.
fn is_won(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Overturned | Verdict::VoidGold)
}

impl dispute::Court for Court {
    fn module(&self) -> &'static str {
        Annotation::NAME
    }
    /// The requester and whoever funded the job, everybody who ever had a lease in it, and the clusters of requester and appellant.
    fn is_party(&self, ctx: &mut Ctx, subject: &Subject, account: &Address) -> Result<bool> {
        let (job, kind, item) = read(subject)?;
        let run = Running::load(ctx, job)?;
        if accounts::worker(ctx, job, account)?.is_some() || FUNDERS.has(ctx, &(job, *account))? {
            return Ok(true);
        }
        let head = clusters::head(ctx, account)?;
        if head == clusters::head(ctx, &run.requester)? {
            return Ok(true);
        }
        let worker = if kind == AppealSubject::Worker { WORKERS.get(ctx, &(job, item))? } else { None };
        match worker {
            Some(worker) => Ok(head == clusters::head(ctx, &Address::parse(&worker.annotator)?)?),
            None => Ok(false),
        }
    }
    fn verdict(&self, ctx: &mut Ctx, case: &Case, verdict: Verdict) -> Result<()> {
        let (job, kind, item) = of_case(case)?;
        let mut run = Running::load(ctx, job)?;
        if is_final(run.status.state()) || !super::forget(ctx, &mut run, case.id)? {
            return Ok(());
        }
        let won = is_won(verdict);
        match kind {
            AppealSubject::Worker if won => win(ctx, &mut run, item)?,
            AppealSubject::Gold if won => void(ctx, &mut run, item)?,
            AppealSubject::Worker | AppealSubject::Gold | AppealSubject::Unspecified => {}
        }
        let left = run.status.appeals_open;
        ctx.emit(&EventAppealDecided { job, subject: kind.into(), item: item.into(), case_id: case.id, won, left });
        super::resume(ctx, &mut run)?;
        run.save(ctx)
    }
    /// The requester lost where gold was void: its bond pays. Else held money does. What the winners are to get is not touched, and only
    /// the chain's own coin pays jurors.
    fn jury_fee(&self, ctx: &mut Ctx, case: &Case, verdict: Verdict, fee: &Coin) -> Result<Coin> {
        let (job, kind, item) = of_case(case)?;
        let mut run = Running::load(ctx, job)?;
        if run.denom != BASE_DENOM || fee.denom != BASE_DENOM || is_final(run.status.state()) {
            return Ok(Coin::base(0));
        }
        let about = if kind == AppealSubject::Worker { WORKERS.get(ctx, &(job, item))? } else { None };
        let claims = escrow::add(escrow::number(&run.status.appeals_won)?, about.as_ref().map_or(Ok(0), unearned)?)?;
        let pot = escrow::add(run.money.held, run.money.gold_bond)?;
        let spare = pot.saturating_sub(claims).min(fee.amount);
        let requester_lost = kind == AppealSubject::Gold || verdict == Verdict::VoidGold;
        let from_bond = if requester_lost { spare.min(run.money.gold_bond) } else { 0 };
        let from_held = spare.saturating_sub(from_bond).min(run.money.held);
        shift(&mut run.money.gold_bond, &mut run.money.pool, from_bond, "gold_bond")?;
        shift(&mut run.money.held, &mut run.money.pool, from_held, "held")?;
        let paid = Coin::base(escrow::add(from_bond, from_held)?);
        bank::send(ctx, &ACCOUNT.address(), &dispute::ACCOUNT.address(), std::slice::from_ref(&paid))?;
        run.save(ctx)?;
        Ok(paid)
    }
}

/// One more gold answer is void: gold of which clearly more than a tenth is void was false.
pub(super) fn count_void(run: &mut Running) -> Result<()> {
    let opened = run.status.gold_opened;
    let settlement = run.settlement()?;
    settlement.gold_void = settlement.gold_void.checked_add(1).ok_or(Error::Overflow)?;
    let found = cairn_truth::GoldVerdict { opened, void: settlement.gold_void };
    if settlement.gold() == GoldVerdict::Sound && found.is_false() {
        settlement.set_gold(GoldVerdict::False);
    }
    Ok(())
}
