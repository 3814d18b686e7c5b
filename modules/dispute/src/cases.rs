//! Cases as they are stored, with their indexes.
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Appellant, Case, CaseState, Outcome, Round, Subject};

use crate::{
    Error, Verdict,
    state::{BY_STATE, BY_SUBJECT, CASES, DUE, OPEN, SubjectKey},
};

/// The case of a number.
pub(crate) fn load(ctx: &Ctx, id: u64) -> Result<Case> {
    Ok(CASES.get(ctx, &id)?.ok_or(Error::NoCase(id))?)
}

/// Writes a case and where it stands among the states.
pub(crate) fn save(ctx: &mut Ctx, case: &Case) -> Result<()> {
    let before = CASES.get(ctx, &case.id)?.map(|before| before.state());
    if before != Some(case.state()) {
        if let Some(before) = before {
            BY_STATE.remove(ctx, &(state_key(before), case.id))?;
        }
        BY_STATE.insert(ctx, &(state_key(case.state()), case.id))?;
    }
    CASES.set(ctx, &case.id, case)
}

/// A state as a key.
pub(crate) fn state_key(state: CaseState) -> u32 {
    i32::from(state).unsigned_abs()
}

/// The case about a subject.
pub(crate) fn about(ctx: &Ctx, subject: &Subject) -> Result<Option<Case>> {
    let id = BY_SUBJECT.get(ctx, &subject_key(subject))?;
    id.map(|id| load(ctx, id)).transpose()
}

/// A subject as a key.
pub(crate) fn subject_key(subject: &Subject) -> SubjectKey {
    ((subject.module.clone(), subject.kind), (subject.id, subject.item))
}

/// Sets the height at whose end the case goes on by itself; 0: it does not.
pub(crate) fn set_clock(ctx: &mut Ctx, case: &mut Case, height: u64) -> Result<()> {
    if case.clock > 0 {
        DUE.remove(ctx, &(case.clock, case.id))?;
    }
    case.clock = height;
    if height > 0 { DUE.insert(ctx, &(height, case.id)) } else { Ok(()) }
}

/// The height that lies `blocks` after this one.
pub(crate) fn after(ctx: &Ctx, blocks: u64) -> Result<u64> {
    Ok(ctx.block().height.checked_add(blocks).ok_or(Error::Overflow)?)
}

/// The running round, or the last one.
pub(crate) fn round(case: &Case) -> Result<&Round, Error> {
    case.rounds.last().ok_or(Error::Broken("a case without a round"))
}

/// As [`round()`], to be changed.
pub(crate) fn round_mut(case: &mut Case) -> Result<&mut Round, Error> {
    case.rounds.last_mut().ok_or(Error::Broken("a case without a round"))
}

/// The settings that a case runs under.
pub(crate) fn params(case: &Case) -> Result<&crate::Params, Error> {
    case.params.as_ref().ok_or(Error::Broken("a case without settings"))
}

/// What an appellant put up.
pub(crate) fn bond(appellant: &Appellant) -> Result<u128> {
    let bond = appellant.bond.as_ref().ok_or(Error::Broken("an appellant without a bond"))?;
    Ok(Coin::try_from(bond)?.amount)
}

/// Counts a case of an appellant that was opened or closed.
pub(crate) fn count_open(ctx: &mut Ctx, account: &Address, opened: bool) -> Result<()> {
    let count = OPEN.get(ctx, account)?.unwrap_or(0);
    let count = if opened { count.checked_add(1) } else { count.checked_sub(1) };
    match count.ok_or(Error::Broken("the count of an account's open cases"))? {
        0 => OPEN.remove(ctx, account),
        count => OPEN.set(ctx, account, &count),
    }
}

/// The verdict that an outcome is; `None` while there is none.
pub(crate) fn verdict(outcome: Outcome) -> Option<Verdict> {
    match outcome {
        Outcome::Unspecified => None,
        Outcome::Upheld => Some(Verdict::Upheld),
        Outcome::Overturned => Some(Verdict::Overturned),
        Outcome::VoidGold => Some(Verdict::VoidGold),
        Outcome::NoQuorum => Some(Verdict::NoQuorum),
    }
}

/// Which side a verdict is for: `Some(true)` the appellants', `Some(false)` the other, `None` nobody's.
pub(crate) fn for_appellants(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Upheld => Some(false),
        Verdict::Overturned | Verdict::VoidGold => Some(true),
        Verdict::NoQuorum => None,
    }
}
