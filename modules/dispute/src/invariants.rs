//! What must hold of disputes after every block.
use std::collections::BTreeMap;

use cairn_bank as bank;
use cairn_kernel::{BASE_DENOM, Ctx, Result, report};
use cairn_proto::cairn::dispute::v1::{Case, CaseState, JurorState};

use crate::{
    ACCOUNT, Error, bisection, cases, jurors,
    state::{CASES, DRAWS, DUE, JURORS, LEAVING, OPEN, SEATS},
};

fn open_cases(ctx: &Ctx) -> Result<Vec<Case>> {
    let cases = CASES.range(ctx, &[]).map(|entry| entry.map(|(_, case)| case));
    cases.filter(|case| case.as_ref().map_or(true, |case| case.state() != CaseState::Closed)).collect()
}

/// The module's account holds the bonds of jurors, of appellants and of backers of open cases, and nothing else: fees pass through it in one step.
pub(crate) fn solvency(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut owed = 0_u128;
        let mut owe = |amount: u128| {
            owed = owed.checked_add(amount).ok_or(Error::Overflow)?;
            Ok::<_, cairn_kernel::Error>(())
        };
        for entry in JURORS.range(ctx, &[]) {
            owe(jurors::bond(&entry?.1)?)?;
        }
        for case in open_cases(ctx)? {
            case.appellants.iter().chain(&case.second).try_for_each(|appellant| owe(cases::bond(appellant)?))?;
            owe(bisection::bonds(ctx, &case)?)?;
        }
        let held = bank::balance(ctx, &ACCOUNT.address(), BASE_DENOM)?;
        Ok((held != owed).then(|| format!("the module holds {held}{BASE_DENOM} and owes {owed}{BASE_DENOM}")))
    })())
}

/// An open case stands in exactly one queue, at the height it shows; leaving jurors stand in theirs; nothing else stands in any.
pub(crate) fn clocks(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let (mut due, mut draws, mut leaving) = (0_usize, 0_usize, 0_usize);
        for case in open_cases(ctx)? {
            if case.state() == CaseState::Play && case.clock == 0 {
                continue; // Its matches have clocks of their own.
            }
            let drawing = case.state() == CaseState::Drawing;
            let asked = case.rounds.last().map_or(0, |round| round.asked);
            let queued = (DUE.has(ctx, &(case.clock, case.id))?, DRAWS.has(ctx, &(asked, case.id))?);
            if queued != (!drawing, drawing) || (case.clock > 0) == drawing {
                return Ok(Some(format!("case {} has no clock, or two", case.id)));
            }
            if drawing { draws = draws.saturating_add(1) } else { due = due.saturating_add(1) }
        }
        for entry in JURORS.range(ctx, &[]) {
            let ((skill, number), juror) = entry?;
            if juror.state() == JurorState::Leaving {
                leaving = leaving.saturating_add(1);
                if !LEAVING.has(ctx, &(juror.leaves, skill, number))? {
                    return Ok(Some(format!("juror {} leaves at no height", juror.account)));
                }
            }
        }
        let found = (DUE.range(ctx, &[]).count(), DRAWS.range(ctx, &[]).count(), LEAVING.range(ctx, &[]).count());
        let fault = || format!("queues hold {found:?}, cases and jurors ask for {:?}", (due, draws, leaving));
        Ok((found != (due, draws, leaving)).then(fault))
    })())
}

/// A juror's seats are those of running rounds, and its bond covers their penalties.
pub(crate) fn seats(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut taken = BTreeMap::<(String, String), u32>::new();
        for entry in SEATS.range(ctx, &[]) {
            let ((id, round, _), seat) = entry?;
            let case = cases::load(ctx, id)?;
            let voting = matches!(case.state(), CaseState::Commit | CaseState::Reveal);
            if voting && cases::round(&case)?.number == round {
                let count = taken.entry((case.skill, seat.juror)).or_default();
                *count = count.saturating_add(1);
            }
        }
        for entry in JURORS.range(ctx, &[]) {
            let ((skill, _), juror) = entry?;
            let expected = taken.remove(&(skill, juror.account.clone())).unwrap_or(0);
            let covered = jurors::penalty(&juror)?.checked_mul(juror.seats.into()).ok_or(Error::Overflow)?;
            if juror.seats != expected || covered > jurors::bond(&juror)? {
                return Ok(Some(format!(
                    "juror {} counts {} seats, has {expected}, not all covered by the bond",
                    juror.account, juror.seats
                )));
            }
        }
        Ok(taken.first_key_value().map(|(key, _)| format!("{key:?} has a seat and is no juror")))
    })())
}

/// The count of an account's open cases is true.
pub(crate) fn counts(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut counts = BTreeMap::<String, u32>::new();
        for case in open_cases(ctx)? {
            for appellant in case.appellants {
                let count = counts.entry(appellant.account).or_default();
                *count = count.saturating_add(1);
            }
        }
        let mut stored = BTreeMap::new();
        for entry in OPEN.range(ctx, &[]) {
            let (account, count) = entry?;
            stored.insert(account.to_string(), count);
        }
        Ok((stored != counts).then(|| format!("open cases counted {stored:?}, found {counts:?}")))
    })())
}
