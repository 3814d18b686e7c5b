//! The module's part of the genesis file. Indexes, queues and counts follow from it.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Case, CaseState, Game, Genesis, Juror, JurorState, Seat};

use crate::{
    Error, bisection, cases, jurors,
    rules::{self, check_params},
    state::{BY_APPELLANT, BY_JUROR, BY_SUBJECT, CASE_IDS, CASES, DRAWS, DUE, JURORS, LEAVING, NUMBERS, PARAMS, POOLS, SEATS},
};

/// Fills an empty store; the invariants tell whether it agrees with bank.
pub(crate) fn init(ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
    if let Some(params) = &genesis.params {
        check_params(params)?;
        PARAMS.set(ctx, params)?;
    }
    genesis.jurors.into_iter().try_for_each(|juror| init_juror(ctx, &juror))?;
    genesis.cases.into_iter().try_for_each(|case| init_case(ctx, &case))?;
    genesis.seats.into_iter().try_for_each(|seat| init_seat(ctx, &seat))?;
    bisection::init(ctx, &genesis.contests, &genesis.claims, genesis.matches)
}

fn wrong(fault: String) -> Error {
    Error::Genesis(fault)
}

fn init_juror(ctx: &mut Ctx, juror: &Juror) -> Result<()> {
    let account = Address::parse(&juror.account)?;
    let Juror { skill, number, .. } = juror;
    let expected = POOLS.get(ctx, skill)?.unwrap_or(0).checked_add(1).ok_or(Error::Overflow)?;
    if *number != expected || NUMBERS.has(ctx, &(account, skill.clone()))? {
        return Err(wrong(format!("juror {account} of {skill:?} has number {number}, {expected} is next, each account once")).into());
    }
    if juror.state() == JurorState::Unspecified || (juror.state() == JurorState::Leaving) != (juror.leaves > 0) {
        return Err(wrong(format!("juror {account} of {skill:?} stands nowhere, or leaves without leaving")).into());
    }
    jurors::bond(juror)?;
    jurors::penalty(juror)?;
    JURORS.set(ctx, &(skill.clone(), *number), juror)?;
    NUMBERS.set(ctx, &(account, skill.clone()), number)?;
    POOLS.set(ctx, skill, number)?;
    if juror.leaves > 0 { LEAVING.insert(ctx, &(juror.leaves, skill.clone(), *number)) } else { Ok(()) }
}

fn init_case(ctx: &mut Ctx, case: &Case) -> Result<()> {
    let expected = CASE_IDS.next(ctx)?;
    if case.id != expected {
        return Err(wrong(format!("case {} stands where {expected} is expected", case.id)).into());
    }
    check_params(cases::params(case)?)?;
    let subject = case.subject.as_ref().ok_or_else(|| wrong(format!("case {expected} has no subject")))?;
    if cases::about(ctx, subject)?.is_some() {
        return Err(wrong(format!("case {expected} is the second one about its subject")).into());
    }
    BY_SUBJECT.set(ctx, &cases::subject_key(subject), &expected)?;
    let open = case.state() != CaseState::Closed;
    for appellant in &case.appellants {
        let account = Address::parse(&appellant.account)?;
        cases::bond(appellant)?;
        BY_APPELLANT.insert(ctx, &(account, expected))?;
        if open {
            cases::count_open(ctx, &account, true)?;
        }
    }
    if let Some(second) = &case.second {
        cases::bond(second)?;
        BY_APPELLANT.insert(ctx, &(Address::parse(&second.account)?, expected))?;
    }
    init_clock(ctx, case)?;
    cases::save(ctx, case)
}

/// Every open case has exactly one clock: a height, or a seed that it awaits.
fn init_clock(ctx: &mut Ctx, case: &Case) -> Result<()> {
    let fault = || wrong(format!("case {} has the wrong clock or game for its state", case.id));
    let contested = matches!(case.state(), CaseState::Entry | CaseState::Play);
    if case.game() == Game::Unspecified || (case.state() != CaseState::Closed && contested != bisection::is_contest(case)) {
        return Err(fault().into());
    }
    match (case.state(), case.clock) {
        (CaseState::Unspecified, _) => Err(fault().into()),
        (CaseState::Closed | CaseState::Play, 0) => Ok(()),
        (CaseState::Drawing, 0) => DRAWS.insert(ctx, &(cases::round(case)?.asked, case.id)),
        (CaseState::Closed | CaseState::Drawing, _) | (_, 0) => Err(fault().into()),
        (CaseState::Waiting | CaseState::Commit | CaseState::Reveal | CaseState::Appeal | CaseState::Entry | CaseState::Play, clock) => {
            DUE.insert(ctx, &(clock, case.id))
        }
    }
}

fn init_seat(ctx: &mut Ctx, seat: &Seat) -> Result<()> {
    let juror = Address::parse(&seat.juror)?;
    let case = cases::load(ctx, seat.case_id)?;
    let key = (seat.case_id, seat.round, juror);
    if SEATS.has(ctx, &key)? || !case.rounds.iter().any(|round| round.number == seat.round) {
        return Err(wrong(format!("a seat of {juror} in case {} is there twice, or in no round", case.id)).into());
    }
    BY_JUROR.insert(ctx, &(juror, seat.case_id))?;
    SEATS.set(ctx, &key, seat)
}

/// The inverse of [`init`].
pub(crate) fn export(ctx: &Ctx) -> Result<Genesis> {
    let mut genesis = Genesis {
        params: Some(rules::params(ctx)?),
        cases: CASES.range(ctx, &[]).map(|entry| entry.map(|(_, case)| case)).collect::<Result<_>>()?,
        seats: SEATS.range(ctx, &[]).map(|entry| entry.map(|(_, seat)| seat)).collect::<Result<_>>()?,
        jurors: JURORS.range(ctx, &[]).map(|entry| entry.map(|(_, juror)| juror)).collect::<Result<_>>()?,
        ..Genesis::default()
    };
    bisection::export(ctx, &mut genesis)?;
    Ok(genesis)
}
