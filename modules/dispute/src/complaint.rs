//! Complaints: how higher modules open cases.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Appellant, Case, EventCaseOpened, Game, Outcome, Params, Statement, Subject};

use crate::{
    ACCOUNT, Error, cases, clock, hooks,
    rules::{self, MAX_APPELLANTS, MAX_NAME, MAX_URI},
    state::{BY_APPELLANT, BY_JUROR, BY_SUBJECT, CASE_IDS, OPEN},
};

/// What somebody complains about.
#[derive(Debug, Clone, PartialEq)]
pub struct Complaint {
    /// The decision. A subject has one case in its life; a module that lets the same object be complained about again numbers the complaints
    /// in `item`.
    pub subject: Subject,
    /// Who complains and puts up the bond.
    pub appellant: Address,
    /// What is at stake for it.
    pub claim: Coin,
    /// The skill that jurors need; no name: whoever qualifies over all skills. Of complaints that join a case the first one's holds.
    pub skill: String,
    /// The reasons.
    pub statement: Statement,
}

/// Opens a case, or joins the open one about the same subject as long as no jury has found. Takes the bond from the appellant's balance: half
/// of the claim where that is in `ucairn`, at least the parameter. Gives the case's number. Whether the complaint comes in time, and from
/// somebody whom it concerns, is for the caller to see to.
///
/// # Errors
/// [`Error::NoCourt`], [`Error::Module`], [`Error::Skill`], [`Error::Statement`], [`Error::TooManyOpen`], [`Error::AlreadyAppellant`],
/// [`Error::Decided`] where a verdict stands, [`Error::TooManyAppellants`], [`Error::Juror`], `sdk/5` where the balance is too small. State may
/// be half changed then.
pub fn open(ctx: &mut Ctx, complaint: Complaint) -> Result<u64> {
    check(ctx, &complaint)?;
    let Complaint { subject, appellant, claim, skill, statement } = complaint;
    let before = cases::about(ctx, &subject)?;
    let joined = before.is_some();
    let mut case = match before {
        Some(case) => may_join(ctx, case, &appellant)?,
        None => new_case(ctx, subject, skill)?,
    };
    let params = cases::params(&case)?.clone();
    check_open(ctx, &params, &appellant)?;
    let bond = Coin::base(rules::appeal_bond(&params, &claim)?);
    bank::send(ctx, &appellant, &ACCOUNT.address(), std::slice::from_ref(&bond))?;

    let account = appellant.to_string();
    case.appellants.push(Appellant {
        account: account.clone(),
        bond: Some((&bond).into()),
        claim: Some(claim.into()),
        statement: Some(statement),
        height: ctx.block().height,
    });
    BY_APPELLANT.insert(ctx, &(appellant, case.id))?;
    cases::count_open(ctx, &appellant, true)?;
    ctx.emit(&EventCaseOpened { case_id: case.id, subject: case.subject.clone(), appellant: account, bond: Some(bond.into()), joined });
    if !joined {
        clock::ask(ctx, &mut case)?;
    }
    cases::save(ctx, &case)?;
    Ok(case.id)
}

fn check(ctx: &Ctx, complaint: &Complaint) -> Result<()> {
    let module = &complaint.subject.module;
    if module.len() > MAX_NAME {
        return Err(Error::Module(module.len()).into());
    }
    hooks::court(ctx, module)?;
    check_skill(&complaint.skill)?;
    Ok(check_statement(&complaint.statement)?)
}

/// Refuses what is no name of a skill.
pub(crate) fn check_skill(skill: &str) -> Result<(), Error> {
    let printable = skill.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if skill.len() <= MAX_NAME && printable { Ok(()) } else { Err(Error::Skill(skill.len())) }
}

/// Refuses a reference that is too long or without its hash.
pub(crate) fn check_statement(statement: &Statement) -> Result<(), Error> {
    let (uri, hash) = (statement.uri.len(), statement.sha256.len());
    let fits = (uri == 0 && hash == 0) || ((1..=MAX_URI).contains(&uri) && hash == 32);
    if fits { Ok(()) } else { Err(Error::Statement { uri, hash }) }
}

fn check_open(ctx: &Ctx, params: &Params, appellant: &Address) -> Result<()> {
    let most = params.max_open;
    if OPEN.get(ctx, appellant)?.unwrap_or(0) >= most {
        return Err(Error::TooManyOpen { account: appellant.to_string(), most }.into());
    }
    Ok(())
}

/// The open case, where this account may still join it.
fn may_join(ctx: &Ctx, case: Case, appellant: &Address) -> Result<Case> {
    let account = appellant.to_string();
    if case.game() != Game::Jury {
        return Err(Error::OtherGame(case.id).into());
    }
    if case.first() != Outcome::Unspecified || case.closed > 0 {
        return Err(Error::Decided(case.id).into());
    }
    if BY_APPELLANT.has(ctx, &(*appellant, case.id))? {
        return Err(Error::AlreadyAppellant { case: case.id, account }.into());
    }
    if BY_JUROR.has(ctx, &(*appellant, case.id))? {
        return Err(Error::Juror { case: case.id, account }.into());
    }
    if case.appellants.len() >= MAX_APPELLANTS {
        return Err(Error::TooManyAppellants { case: case.id, most: MAX_APPELLANTS }.into());
    }
    Ok(case)
}

/// A case under the settings in force, without appellants and rounds yet.
fn new_case(ctx: &mut Ctx, subject: Subject, skill: String) -> Result<Case> {
    let id = CASE_IDS.next(ctx)?;
    BY_SUBJECT.set(ctx, &cases::subject_key(&subject), &id)?;
    let (params, opened) = (Some(rules::params(ctx)?), ctx.block().height);
    let mut case = Case { id, subject: Some(subject), skill, params, opened, ..Case::default() };
    case.set_game(Game::Jury);
    Ok(case)
}
