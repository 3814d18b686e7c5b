//! The appeal of a first verdict.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Appellant, Case, CaseState, EventVerdictAppealed, Statement};

use crate::{
    ACCOUNT, Error, cases, clock,
    complaint::check_statement,
    hooks,
    state::{BY_APPELLANT, BY_JUROR},
    votes::in_time,
};

/// Brings a case before a second jury, for twice the largest bond of the case.
pub(crate) fn appeal(ctx: &mut Ctx, appellant: &Address, id: u64, statement: Statement) -> Result<()> {
    check_statement(&statement)?;
    let mut case = cases::load(ctx, id)?;
    let until = if case.state() == CaseState::Appeal { case.clock } else { 0 };
    in_time(ctx, id, "an appeal of its verdict", 0, until)?;
    check_side(ctx, &case, appellant)?;
    let bonds = case.appellants.iter().map(cases::bond).collect::<Result<Vec<_>>>()?;
    let largest = bonds.into_iter().max().ok_or(Error::Broken("a case without appellants"))?;
    let bond = Coin::base(largest.checked_mul(2).ok_or(Error::Overflow)?);
    bank::send(ctx, appellant, &ACCOUNT.address(), std::slice::from_ref(&bond))?;

    let (account, height) = (appellant.to_string(), ctx.block().height);
    case.second = Some(Appellant {
        account: account.clone(),
        bond: Some((&bond).into()),
        claim: Some(Coin::base(0).into()),
        statement: Some(statement),
        height,
    });
    BY_APPELLANT.insert(ctx, &(*appellant, id))?;
    ctx.emit(&EventVerdictAppealed { case_id: id, appellant: account, bond: Some(bond.into()) });
    clock::ask(ctx, &mut case)?;
    cases::save(ctx, &case)
}

/// Refuses who is not of the side that lost: one who complained where the decision was upheld, else another party.
fn check_side(ctx: &mut Ctx, case: &Case, appellant: &Address) -> Result<()> {
    let account = appellant.to_string();
    if BY_JUROR.has(ctx, &(*appellant, case.id))? {
        return Err(Error::Juror { case: case.id, account }.into());
    }
    let first = cases::verdict(case.first()).ok_or(Error::Broken("a verdict is missing"))?;
    let complained = case.appellants.iter().any(|a| a.account == account);
    let lost = if cases::for_appellants(first) == Some(false) {
        complained
    } else {
        let subject = case.subject.as_ref().ok_or(Error::Broken("a case without a subject"))?;
        !complained && hooks::court(ctx, &subject.module)?.is_party(ctx, subject, appellant)?
    };
    if lost { Ok(()) } else { Err(Error::NotLoser { case: case.id, account }.into()) }
}
