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
        let bonds = self.bonds(ctx, case)?;
        let winners = self.winners(ctx, case)?;
        let (fee, from_lost) = self.pay(ctx, case, &winners, &bonds)?;
        let rest = bonds.lost.checked_sub(from_lost).ok_or(Error::Overflow)?;
        rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(rest), BURNT_BPS)?;
        cases::save(ctx, case)?;
        ctx.emit(&EventCaseClosed {
            case_id: case.id,
            subject: case.subject.clone(),
            outcome: case.outcome,
            paid: u32::try_from(winners.len()).map_err(|_| Error::Overflow)?,
            fee: Some(Coin::base(fee).into()),
            lost: Some(Coin::base(bonds.lost).into()),
            undelivered: case.undelivered,
        });
        if self.with_court {
            court(ctx, case)?.verdict(ctx, case, self.verdict)?;
        }
        let items = case.appellants.len().saturating_add(winners.len());
        Ok(u32::try_from(items).map_err(|_| Error::Overflow)?)
    }

    /// Which bonds are lost and whose return. Takes the case off the appellants' counts.
    fn bonds(&self, ctx: &mut Ctx, case: &Case) -> Result<Bonds> {
        let mut bonds = Bonds { lost: 0, returning: Vec::new() };
        let complaints_lost = cases::for_appellants(self.verdict) == Some(false);
        for appellant in &case.appellants {
            cases::count_open(ctx, &Address::parse(&appellant.account)?, false)?;
            bonds.add(appellant, complaints_lost)?;
        }
        if let Some(second) = &case.second {
            bonds.add(second, self.second_lost)?;
        }
        Ok(bonds)
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

    /// Pays each winner the fee, or an equal part of what there is, and returns the bonds that were not lost, less what they pay of it. Gives
    /// what each winner got, and how much of the lost bonds went into it.
    fn pay(&self, ctx: &mut Ctx, case: &Case, winners: &[(u32, Address)], bonds: &Bonds) -> Result<(u128, u128)> {
        let count = u128::try_from(winners.len()).map_err(|_| Error::Overflow)?;
        let wanted = rules::number(&cases::params(case)?.fee)?.checked_mul(count).ok_or(Error::Overflow)?;
        let from_lost = wanted.min(bonds.lost);
        let mut held = from_lost;
        if held < wanted && self.with_court && cases::for_appellants(self.verdict) == Some(true) {
            let missing = wanted.checked_sub(held).ok_or(Error::Overflow)?;
            held = held.checked_add(self.collect_from_court(ctx, case, missing)?).ok_or(Error::Overflow)?;
        }
        held = held.checked_add(collect_from_all(ctx, wanted, held, bonds)?).ok_or(Error::Overflow)?;
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
        Ok((fee, from_lost))
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

/// The bonds of a case that ends.
struct Bonds {
    /// The sum of those that are lost.
    lost: u128,
    /// The others.
    returning: Vec<(Address, u128)>,
}

impl Bonds {
    fn add(&mut self, appellant: &Appellant, lost: bool) -> Result<()> {
        let bond = cases::bond(appellant)?;
        if lost {
            self.lost = self.lost.checked_add(bond).ok_or(Error::Overflow)?;
        } else {
            self.returning.push((Address::parse(&appellant.account)?, bond));
        }
        Ok(())
    }

    /// Returns the bonds that were not lost, less `charge` in equal parts, none more than its bond. Gives what could be charged.
    fn give_back(&self, ctx: &mut Ctx, charge: u128) -> Result<u128> {
        let mut bonds = self.returning.clone();
        bonds.sort_by_key(|(account, bond)| (*bond, *account));
        let mut missing = charge;
        for (left, (account, bond)) in (1..=bonds.len()).rev().zip(bonds) {
            let left = u128::try_from(left).map_err(|_| Error::Overflow)?;
            let part = missing.div_ceil(left).min(bond);
            missing = missing.checked_sub(part).ok_or(Error::Overflow)?;
            let back = bond.checked_sub(part).ok_or(Error::Overflow)?;
            bank::send(ctx, &ACCOUNT.address(), &account, &[Coin::base(back)])?;
        }
        Ok(charge.checked_sub(missing).ok_or(Error::Overflow)?)
    }
}

/// Collects what the losing side, which gave `held`, left missing of `wanted`: rewards' pool pays it up to half of all fees, bonds that return the
/// rest. So jurors are paid alike whatever they find, and of every fee parties of the case pay at least half: who stages both sides loses, unless
/// more than half of the jurors are its own. Returns the bonds. Gives what came.
fn collect_from_all(ctx: &mut Ctx, wanted: u128, held: u128, bonds: &Bonds) -> Result<u128> {
    let missing = wanted.checked_sub(held).ok_or(Error::Overflow)?;
    let sum = bonds.returning.iter().try_fold(0_u128, |sum, (_, bond)| sum.checked_add(*bond)).ok_or(Error::Overflow)?;
    let parties = held.checked_add(sum).ok_or(Error::Overflow)?;
    let most = missing.min(wanted.checked_div(2).unwrap_or(0)).min(parties);
    let pooled = rewards::spend_pool(ctx, &ACCOUNT.address(), &Coin::base(most))?.amount;
    let charged = bonds.give_back(ctx, missing.checked_sub(pooled).ok_or(Error::Overflow)?)?;
    Ok(pooled.checked_add(charged).ok_or(Error::Overflow)?)
}
