//! Entering the contest: how higher modules open cases, and how claims find backers.
use cairn_bank as bank;
use cairn_kernel::{Address, BASE_DENOM, Coin, Ctx, Result};
use cairn_program::{MAX_RUNS, MAX_SPOTS, Program};
use cairn_proto::cairn::dispute::v1::{Backer, Case, CaseState, Claim, Contest, EventClaimBacked, Fall, Game, Subject};

use super::{
    cost,
    hooks::referee,
    store::{self, is_contest},
};
use crate::{
    ACCOUNT, Error, cases,
    rules::{self, MAX_NAME},
    state::{BY_APPELLANT, BY_SUBJECT, CASE_IDS},
};

/// Most claims of a case, the committed one included: a bracket of three rounds.
pub const MAX_CLAIMS: u32 = 8;
/// Most backers of a claim; of the committed one, besides the provider.
pub const MAX_BACKERS: usize = 4;

/// What a contest is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The result.
    pub subject: Subject,
    /// Root of its trace, as the provider submitted it.
    pub committed: [u8; 32],
    /// Who submitted it. Its bond stays with the subject's module.
    pub provider: Address,
    /// Root of the program's weights.
    pub weights_root: [u8; 32],
    /// Root of the inputs of all runs.
    pub input_root: [u8; 32],
    /// Runs in the trace, 1 to 1,024; times the program's nodes at most 2^20.
    pub runs: u32,
    /// Last height at which claims are entered and backed.
    pub window_end: u64,
    /// The first rival's bond in `ucairn`, at least 1.
    pub base_bond: u128,
}

/// Enters a rival of a committed result, or backs a claim that stands. The first rival opens the case; from then on `terms` are those that it was
/// opened with. Takes the bond from the backer's balance: of rival j = 1.. the base bond times 2^(j-1), of a further backer of any claim the base
/// bond. Gives the case's number. Who may contest the result is for the caller to see to.
///
/// # Errors
/// [`Error::Terms`], [`Error::NoReferee`], [`Error::SameRoot`] where nothing rivals the committed root yet, [`Error::OtherGame`],
/// [`Error::EntryOver`], [`Error::TooManyClaims`], [`Error::TooManyBackers`], [`Error::AlreadyBacker`], `sdk/5` where the balance is too small.
/// State may be half changed then.
pub fn challenge(ctx: &mut Ctx, terms: &Terms, root: [u8; 32], backer: &Address) -> Result<u64> {
    let case = match cases::about(ctx, &terms.subject)? {
        Some(case) => case,
        None if root == terms.committed => return Err(Error::SameRoot.into()),
        None => open(ctx, terms)?,
    };
    if !is_contest(&case) {
        return Err(Error::OtherGame(case.id).into());
    }
    let mut contest = store::contest(ctx, case.id)?;
    let now = ctx.block().height;
    if case.state() != CaseState::Entry || now > contest.window_end {
        return Err(Error::EntryOver { case: case.id, until: contest.window_end, now }.into());
    }
    let claims = store::claims(ctx, case.id)?;
    let (mut claim, bond) = match claims.into_iter().find(|claim| claim.root == root) {
        Some(claim) => further(&contest, claim, backer)?,
        None => rival(&mut contest, root)?,
    };
    let bond = Coin::base(bond);
    bank::send(ctx, backer, &ACCOUNT.address(), std::slice::from_ref(&bond))?;

    let account = backer.to_string();
    claim.backers.push(Backer { account: account.clone(), bond: Some((&bond).into()), height: now, struck: false });
    store::save_claim(ctx, &claim)?;
    store::save_contest(ctx, &contest)?;
    BY_APPELLANT.insert(ctx, &(*backer, case.id))?;
    let (subject, bond) = (case.subject, Some(bond.into()));
    ctx.emit(&EventClaimBacked { case_id: case.id, subject, claim: claim.number, root: claim.root, backer: account, bond });
    Ok(case.id)
}

/// A claim that stands, with room for one more backer, and what that puts up.
fn further(contest: &Contest, claim: Claim, backer: &Address) -> Result<(Claim, u128)> {
    let (case, account) = (contest.case_id, backer.to_string());
    let provides = claim.number == 0 && contest.provider == account;
    if provides || claim.backers.iter().any(|backer| backer.account == account) {
        return Err(Error::AlreadyBacker { case, claim: claim.number, account }.into());
    }
    if claim.backers.len() >= MAX_BACKERS {
        return Err(Error::TooManyBackers { case, claim: claim.number, most: MAX_BACKERS }.into());
    }
    Ok((claim, base_bond(contest)?))
}

/// The next rival, and what its first backer puts up.
fn rival(contest: &mut Contest, root: [u8; 32]) -> Result<(Claim, u128)> {
    let (case_id, number) = (contest.case_id, contest.claims);
    if number >= MAX_CLAIMS {
        return Err(Error::TooManyClaims { case: case_id, most: MAX_CLAIMS }.into());
    }
    contest.claims = number.checked_add(1).ok_or(Error::Overflow)?;
    let factor = number.checked_sub(1).and_then(|j| 1_u128.checked_shl(j)).ok_or(Error::Broken("a contest without the committed claim"))?;
    let bond = base_bond(contest)?.checked_mul(factor).ok_or(Error::Overflow)?;
    Ok((new_claim(case_id, number, root), bond))
}

fn new_claim(case_id: u64, number: u32, root: [u8; 32]) -> Claim {
    Claim { case_id, number, root: root.to_vec(), backers: Vec::new(), fall: Fall::Unspecified.into() }
}

/// The bond that others are multiples of.
pub(crate) fn base_bond(contest: &Contest) -> Result<u128> {
    Ok(Coin::try_from(contest.base_bond.as_ref().ok_or(Error::Broken("a contest without a bond"))?)?.amount)
}

/// A case with the committed claim and no rival yet.
fn open(ctx: &mut Ctx, terms: &Terms) -> Result<Case> {
    let nodes = check(ctx, terms)?;
    let id = CASE_IDS.next(ctx)?;
    BY_SUBJECT.set(ctx, &cases::subject_key(&terms.subject), &id)?;
    let (params, opened) = (Some(rules::params(ctx)?), ctx.block().height);
    let mut case = Case { id, subject: Some(terms.subject.clone()), params, opened, ..Case::default() };
    case.set_game(Game::Bisection);
    case.set_state(CaseState::Entry);
    cases::set_clock(ctx, &mut case, terms.window_end)?;
    cases::save(ctx, &case)?;

    store::save_claim(ctx, &new_claim(id, 0, terms.committed))?;
    let contest = Contest {
        case_id: id,
        provider: terms.provider.to_string(),
        weights_root: terms.weights_root.to_vec(),
        input_root: terms.input_root.to_vec(),
        runs: terms.runs,
        nodes,
        window_end: terms.window_end,
        base_bond: Some(Coin::new(BASE_DENOM, terms.base_bond).into()),
        claims: 1,
        ..Contest::default()
    };
    store::save_contest(ctx, &contest)?;
    Ok(case)
}

/// Refuses terms that no match could be played under. Gives how many nodes the program has.
fn check(ctx: &mut Ctx, terms: &Terms) -> Result<u32> {
    let length = terms.subject.module.len();
    if length > MAX_NAME {
        return Err(Error::Module(length).into());
    }
    let nodes = program(ctx, &terms.subject)?.nodes();
    let fault = if terms.runs == 0 || terms.runs > MAX_RUNS {
        "a trace has 1 to 1,024 runs"
    } else if u64::from(terms.runs).saturating_mul(nodes.into()) > MAX_SPOTS {
        "runs times nodes exceed 2^20"
    } else if terms.window_end < ctx.block().height {
        "the window is over"
    } else if terms.base_bond == 0 {
        "there is no bond"
    } else {
        return Ok(nodes);
    };
    Err(Error::Terms(fault).into())
}

/// The program of a subject. Charges for decoding and checking it.
pub(crate) fn program(ctx: &Ctx, subject: &Subject) -> Result<Program> {
    let bytes = referee(ctx, &subject.module)?.graph(ctx, subject)?;
    ctx.gas().consume_at(cost::program(bytes.len()), "program")?;
    Ok(Program::decode(&bytes).map_err(|_| Error::Terms("the program cannot be read"))?)
}
