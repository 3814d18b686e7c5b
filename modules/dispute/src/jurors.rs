//! Jurors: who judges, what stands behind it, and how they leave.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Case, EventJurorAbsent, EventJurorJoined, EventJurorLeaving, EventJurorLeft, Juror, JurorState};
use cairn_rewards as rewards;

use crate::{
    ACCOUNT, Error, JurorRecord, cases, hooks,
    rules::{self, RETRY_BLOCKS},
    state::{JURORS, LEAVING, NUMBERS, POOLS},
};

/// Of a penalty, the part that is burnt: all of it.
const BURNT_BPS: u32 = 10_000;

/// Makes an account a juror of a skill. Gives its number, which it keeps when it leaves and comes back.
pub(crate) fn join(ctx: &mut Ctx, account: &Address, skill: &str) -> Result<u64> {
    let params = rules::params(ctx)?;
    let before = find(ctx, account, skill)?;
    if before.as_ref().is_some_and(|juror| juror.state() != JurorState::Left) {
        return Err(Error::AlreadyJuror { account: account.to_string(), skill: skill.to_owned() }.into());
    }
    check_record(ctx, &params, account, skill)?;
    let (bond, penalty) = (Coin::base(rules::number(&params.juror_bond)?), Coin::base(rules::penalty(&params)?));
    bank::send(ctx, account, &ACCOUNT.address(), std::slice::from_ref(&bond))?;

    let mut juror = match before {
        Some(juror) => juror,
        None => register(ctx, account, skill)?,
    };
    juror.set_state(JurorState::Active);
    (juror.bond, juror.penalty) = (Some((&bond).into()), Some(penalty.into()));
    (juror.joined, juror.left, juror.leaves) = (ctx.block().height, 0, 0);
    save(ctx, &juror)?;
    ctx.emit(&EventJurorJoined { juror: juror.account, skill: juror.skill, bond: Some(bond.into()) });
    Ok(juror.number)
}

fn check_record(ctx: &mut Ctx, params: &crate::Params, account: &Address, skill: &str) -> Result<()> {
    let none = JurorRecord { settled_labels: 0, mean_kappa_ppm: 0 };
    let record = hooks::record(ctx, account, skill)?.unwrap_or(none);
    let enough = record.settled_labels >= params.min_labels && record.mean_kappa_ppm >= i64::from(params.min_kappa_ppm);
    if enough {
        return Ok(());
    }
    let (labels, kappa) = (params.min_labels, params.min_kappa_ppm);
    Err(Error::NotQualified { labels, kappa, found_labels: record.settled_labels, found_kappa: record.mean_kappa_ppm }.into())
}

/// Gives an account its number in a skill.
fn register(ctx: &mut Ctx, account: &Address, skill: &str) -> Result<Juror> {
    let skill = skill.to_owned();
    let number = POOLS.get(ctx, &skill)?.unwrap_or(0).checked_add(1).ok_or(Error::Overflow)?;
    POOLS.set(ctx, &skill, &number)?;
    NUMBERS.set(ctx, &(*account, skill.clone()), &number)?;
    Ok(Juror { account: account.to_string(), skill, number, ..Juror::default() })
}

/// Takes an active juror off the list. Gives the height at whose end the bond returns: a commit and a reveal window later, so that who leaves
/// after a draw was asked for can still be drawn and sit.
pub(crate) fn ask_to_leave(ctx: &mut Ctx, account: &Address, skill: &str) -> Result<u64> {
    let found = find(ctx, account, skill)?.filter(|juror| juror.state() == JurorState::Active);
    let mut juror = found.ok_or_else(|| Error::NotJuror { account: account.to_string(), skill: skill.chars().take(64).collect() })?;
    let params = rules::params(ctx)?;
    let windows = params.commit_blocks.checked_add(params.reveal_blocks).ok_or(Error::Overflow)?;

    juror.set_state(JurorState::Leaving);
    (juror.left, juror.leaves) = (ctx.block().height, cases::after(ctx, windows)?);
    LEAVING.insert(ctx, &(juror.leaves, juror.skill.clone(), juror.number))?;
    save(ctx, &juror)?;
    ctx.emit(&EventJurorLeaving { juror: juror.account, skill: juror.skill, leaves: juror.leaves });
    Ok(juror.leaves)
}

/// Returns what is left of the bond to a juror whose time has come; one with a seat waits.
pub(crate) fn leave(ctx: &mut Ctx, key: &(u64, String, u64)) -> Result<()> {
    let mut juror = load(ctx, &key.1, key.2)?;
    if juror.seats > 0 {
        return postpone(ctx, key);
    }
    LEAVING.remove(ctx, key)?;
    let bond = bond(&juror)?;
    bank::send(ctx, &ACCOUNT.address(), &Address::parse(&juror.account)?, &[Coin::base(bond)])?;
    juror.set_state(JurorState::Left);
    (juror.bond, juror.leaves) = (Some(Coin::base(0).into()), 0);
    save(ctx, &juror)?;
    ctx.emit(&EventJurorLeft { juror: juror.account, skill: juror.skill, bond: Some(Coin::base(bond).into()) });
    Ok(())
}

/// Looks at a leaving juror again some blocks later.
pub(crate) fn postpone(ctx: &mut Ctx, key: &(u64, String, u64)) -> Result<()> {
    let mut juror = load(ctx, &key.1, key.2)?;
    LEAVING.remove(ctx, key)?;
    juror.leaves = cases::after(ctx, RETRY_BLOCKS)?;
    LEAVING.insert(ctx, &(juror.leaves, juror.skill.clone(), juror.number))?;
    save(ctx, &juror)
}

/// Whether the bond covers the penalty of one more seat.
pub(crate) fn can_sit(juror: &Juror) -> Result<bool> {
    let seats = u128::from(juror.seats).checked_add(1).ok_or(Error::Overflow)?;
    Ok(penalty(juror)?.checked_mul(seats).ok_or(Error::Overflow)? <= bond(juror)?)
}

/// Books a seat.
pub(crate) fn take_seat(ctx: &mut Ctx, mut juror: Juror) -> Result<()> {
    juror.seats = juror.seats.checked_add(1).ok_or(Error::Overflow)?;
    juror.drawn = juror.drawn.checked_add(1).ok_or(Error::Overflow)?;
    save(ctx, &juror)
}

/// Frees a seat of a round that is over. Who revealed nothing loses the penalty, which is burnt.
pub(crate) fn free_seat(ctx: &mut Ctx, case: &Case, account: &Address, absent: bool) -> Result<()> {
    let mut juror = find(ctx, account, &case.skill)?.ok_or(Error::Broken("a juror is missing"))?;
    juror.seats = juror.seats.checked_sub(1).ok_or(Error::Broken("a seat was not counted"))?;
    if absent {
        let lost = penalty(&juror)?;
        let left = bond(&juror)?.checked_sub(lost).ok_or(Error::Broken("a seat was not covered"))?;
        juror.absent = juror.absent.checked_add(1).ok_or(Error::Overflow)?;
        juror.bond = Some(Coin::base(left).into());
        let lost = Coin::base(lost);
        rewards::forfeit(ctx, &ACCOUNT.address(), &lost, BURNT_BPS)?;
        let round = cases::round(case)?.number;
        ctx.emit(&EventJurorAbsent { case_id: case.id, round, juror: juror.account.clone(), lost: Some(lost.into()) });
    }
    save(ctx, &juror)
}

/// Counts a vote that was the final result.
pub(crate) fn agreed(ctx: &mut Ctx, skill: &str, account: &Address) -> Result<()> {
    let mut juror = find(ctx, account, skill)?.ok_or(Error::Broken("a juror is missing"))?;
    juror.agreed = juror.agreed.checked_add(1).ok_or(Error::Overflow)?;
    save(ctx, &juror)
}

/// What is left of a juror's bond.
pub(crate) fn bond(juror: &Juror) -> Result<u128> {
    Ok(Coin::try_from(juror.bond.as_ref().ok_or(Error::Broken("a juror without a bond"))?)?.amount)
}

/// What a seat of a juror keeps back.
pub(crate) fn penalty(juror: &Juror) -> Result<u128> {
    Ok(Coin::try_from(juror.penalty.as_ref().ok_or(Error::Broken("a juror without a penalty"))?)?.amount)
}

fn find(ctx: &Ctx, account: &Address, skill: &str) -> Result<Option<Juror>> {
    let number = NUMBERS.get(ctx, &(*account, skill.to_owned()))?;
    number.map(|number| load(ctx, skill, number)).transpose()
}

fn load(ctx: &Ctx, skill: &str, number: u64) -> Result<Juror> {
    Ok(JURORS.get(ctx, &(skill.to_owned(), number))?.ok_or(Error::Broken("a juror is missing"))?)
}

fn save(ctx: &mut Ctx, juror: &Juror) -> Result<()> {
    JURORS.set(ctx, &(juror.skill.clone(), juror.number), juror)
}
