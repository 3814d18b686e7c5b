//! The end of a case: who gets which money, and the verdict carried out.
use cairn_bank as bank;
use cairn_kernel::{Address, BASE_DENOM, Coin, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Appellant, Case, CaseState, Choice, EventCaseClosed};
use cairn_rewards as rewards;

use crate::{ACCOUNT, Error, Verdict, cases, hooks, jurors, rules, state::SEATS, votes};

/// Of a lost bond, after the fees, the part that is burnt; the rest goes to rewards' pool.
const BURNT_BPS: u32 = 5_000;

/// Closes a case whose first verdict nobody appealed. Gives the work done, as all here.
pub(crate) fn first_stands(ctx: &mut Ctx, case: &mut Case, with_court: bool) -> Result<u32> {
    let first = cases::verdict(case.first()).ok_or(Error::Broken("a verdict is missing"))?;
    Closing { verdict: first, second_lost: false, with_court }.run(ctx, case)
}

/// Closes a case by its second jury.
pub(crate) fn second_found(ctx: &mut Ctx, case: &mut Case, verdict: Verdict, with_court: bool) -> Result<u32> {
    let first = cases::verdict(case.first()).ok_or(Error::Broken("a verdict is missing"))?;
    let second_lost = cases::for_appellants(verdict) == cases::for_appellants(first);
    Closing { verdict, second_lost, with_court }.run(ctx, case)
}

/// Closes a case whose jury did not come together: the decision, or the first verdict, stands, and that jury's appellant has the bond back.
pub(crate) fn no_quorum(ctx: &mut Ctx, case: &mut Case, with_court: bool) -> Result<u32> {
    let verdict = cases::verdict(case.first()).unwrap_or(Verdict::NoQuorum);
    Closing { verdict, second_lost: false, with_court }.run(ctx, case)
}

/// How a case ends.
struct Closing {
    verdict: Verdict,
    /// Whether the appeal of the first verdict was in vain.
    second_lost: bool,
    /// Whether the court takes part; otherwise it failed too often.
    with_court: bool,
}

impl Closing {
    fn run(&self, ctx: &mut Ctx, case: &mut Case) -> Result<u32> {
        case.set_outcome(self.verdict.into());
        case.set_state(CaseState::Closed);
        case.closed = ctx.block().height;
        case.undelivered = !self.with_court;
        cases::set_clock(ctx, case, 0)?;
        let lost = self.settle_bonds(ctx, case)?;
        let winners = self.winners(ctx, case)?;
        let (fee, from_bonds) = self.pay_jurors(ctx, case, &winners, lost)?;
        let rest = lost.checked_sub(from_bonds).ok_or(Error::Overflow)?;
        rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(rest), BURNT_BPS)?;
        cases::save(ctx, case)?;
        ctx.emit(&EventCaseClosed {
            case_id: case.id,
            subject: case.subject.clone(),
            outcome: case.outcome,
            paid: u32::try_from(winners.len()).map_err(|_| Error::Overflow)?,
            fee: Some(Coin::base(fee).into()),
            lost: Some(Coin::base(lost).into()),
            undelivered: case.undelivered,
        });
        if self.with_court {
            court(ctx, case)?.verdict(ctx, case, self.verdict)?;
        }
        let items = case.appellants.len().saturating_add(winners.len());
        Ok(u32::try_from(items).map_err(|_| Error::Overflow)?)
    }

    /// Returns the bonds of those who did not lose. Gives the sum of the others, which stays here.
    fn settle_bonds(&self, ctx: &mut Ctx, case: &Case) -> Result<u128> {
        let complaints_lost = cases::for_appellants(self.verdict) == Some(false);
        let mut lost = 0_u128;
        for appellant in &case.appellants {
            let account = Address::parse(&appellant.account)?;
            cases::count_open(ctx, &account, false)?;
            lost = lost.checked_add(settle_bond(ctx, appellant, complaints_lost)?).ok_or(Error::Overflow)?;
        }
        if let Some(second) = &case.second {
            lost = lost.checked_add(settle_bond(ctx, second, self.second_lost)?).ok_or(Error::Overflow)?;
        }
        Ok(lost)
    }

    /// The seats whose votes were the final result, of all rounds.
    fn winners(&self, ctx: &Ctx, case: &Case) -> Result<Vec<(u32, Address)>> {
        let choice = match self.verdict {
            Verdict::Upheld => Choice::Uphold,
            Verdict::Overturned => Choice::Overturn,
            Verdict::VoidGold => Choice::VoidGold,
            Verdict::NoQuorum => return Ok(Vec::new()),
        };
        let mut winners = Vec::new();
        for round in &case.rounds {
            let seats = votes::seats(ctx, case.id, round.number)?.into_iter().filter(|(_, seat)| seat.choice() == choice);
            winners.extend(seats.map(|(juror, _)| (round.number, juror)));
        }
        Ok(winners)
    }

    /// Pays each winner the fee, or an equal part of what there is. Gives what each got, and how much of the lost bonds went into it.
    fn pay_jurors(&self, ctx: &mut Ctx, case: &Case, winners: &[(u32, Address)], lost: u128) -> Result<(u128, u128)> {
        let count = u128::try_from(winners.len()).map_err(|_| Error::Overflow)?;
        let wanted = rules::number(&cases::params(case)?.fee)?.checked_mul(count).ok_or(Error::Overflow)?;
        let from_bonds = wanted.min(lost);
        let held = self.collect(ctx, case, wanted, from_bonds)?;
        let fee = held.checked_div(count).unwrap_or(0);
        for (round, account) in winners {
            bank::send(ctx, &ACCOUNT.address(), account, &[Coin::base(fee)])?;
            jurors::agreed(ctx, &case.skill, account)?;
            let key = (case.id, *round, *account);
            let mut seat = SEATS.get(ctx, &key)?.ok_or(Error::Broken("a seat is missing"))?;
            seat.fee = (fee > 0).then(|| Coin::base(fee).into());
            SEATS.set(ctx, &key, &seat)?;
        }
        let dust = fee.checked_mul(count).and_then(|paid| held.checked_sub(paid)).ok_or(Error::Overflow)?;
        if dust > 0 {
            rewards::fund_pool(ctx, &ACCOUNT.address(), &[Coin::base(dust)])?;
        }
        Ok((fee, from_bonds))
    }

    /// Collects up to `wanted` for fees: lost bonds, then the court where the appellants won, then rewards' pool, which never pays more than the
    /// losing side did. Gives what came.
    fn collect(&self, ctx: &mut Ctx, case: &Case, wanted: u128, from_bonds: u128) -> Result<u128> {
        let mut held = from_bonds;
        if held < wanted && self.with_court && cases::for_appellants(self.verdict) == Some(true) {
            let missing = wanted.checked_sub(held).ok_or(Error::Overflow)?;
            held = held.checked_add(self.collect_from_court(ctx, case, missing)?).ok_or(Error::Overflow)?;
        }
        let missing = wanted.checked_sub(held).ok_or(Error::Overflow)?;
        let pooled = rewards::spend_pool(ctx, &ACCOUNT.address(), &Coin::base(missing.min(held)))?;
        Ok(held.checked_add(pooled.amount).ok_or(Error::Overflow)?)
    }

    fn collect_from_court(&self, ctx: &mut Ctx, case: &Case, missing: u128) -> Result<u128> {
        let before = bank::balance(ctx, &ACCOUNT.address(), BASE_DENOM)?;
        let court = court(ctx, case)?;
        let said = court.jury_fee(ctx, case, self.verdict, &Coin::base(missing))?;
        let after = bank::balance(ctx, &ACCOUNT.address(), BASE_DENOM)?;
        let honest =
            (said.denom == BASE_DENOM || said.amount == 0) && said.amount <= missing && after.checked_sub(before) == Some(said.amount);
        if honest { Ok(said.amount) } else { Err(Error::CourtFee(court.module().to_owned()).into()) }
    }
}

fn court(ctx: &Ctx, case: &Case) -> Result<std::sync::Arc<dyn crate::Court>> {
    let subject = case.subject.as_ref().ok_or(Error::Broken("a case without a subject"))?;
    hooks::court(ctx, &subject.module)
}

/// Returns a bond, or keeps it where it is lost. Gives what was kept.
fn settle_bond(ctx: &mut Ctx, appellant: &Appellant, lost: bool) -> Result<u128> {
    let bond = cases::bond(appellant)?;
    if lost {
        return Ok(bond);
    }
    bank::send(ctx, &ACCOUNT.address(), &Address::parse(&appellant.account)?, &[Coin::base(bond)])?;
    Ok(0)
}
