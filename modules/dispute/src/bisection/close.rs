//! The end of a contest: bonds returned and lost, and the result carried out.
use cairn_bank as bank;
use cairn_kernel::{Address, BPS, Coin, Ctx, Result};
use cairn_proto::cairn::dispute::v1::{Case, CaseState, Claim, Contest, EventContestClosed, Fall, Fate, Outcome};
use cairn_rewards as rewards;

use super::{
    hooks::{Ending, referee},
    store,
};
use crate::{ACCOUNT, Error, cases};

/// Of a lost bond, the part that is burnt where the rest goes to rewards' pool.
const BURNT_BPS: u32 = 5_000;

/// Closes a contest of which at most one claim is left. Gives the work done.
pub(crate) fn close(ctx: &mut Ctx, case: &mut Case, mut contest: Contest, claims: &[Claim], with_referee: bool) -> Result<u32> {
    let fate = fate(claims)?;
    contest.set_fate(fate);
    let standing = claims.iter().find(|claim| claim.fall() == Fall::Unspecified);
    contest.bracket = standing.map(|claim| claim.number).into_iter().collect();
    contest.winner = standing.map(|claim| claim.root.clone()).unwrap_or_default();
    case.set_state(CaseState::Closed);
    case.set_outcome(if fate == Fate::Stands { Outcome::Upheld } else { Outcome::Overturned });
    (case.closed, case.undelivered) = (ctx.block().height, !with_referee);
    store::save_contest(ctx, &contest)?;
    cases::save(ctx, case)?;

    let (lost, settled) = settle(ctx, &contest, claims)?;
    ctx.emit(&EventContestClosed {
        case_id: case.id,
        subject: case.subject.clone(),
        fate: fate.into(),
        winner: contest.winner.clone(),
        lost: Some(Coin::base(lost).into()),
        undelivered: case.undelivered,
    });
    if with_referee {
        let module = &store::subject(case)?.module;
        let told = told(case, &contest, claims)?.ok_or(Error::Broken("a closed contest without a result"))?;
        referee(ctx, module)?.closed(ctx, &told)?;
    }
    Ok(settled)
}

/// What became of the committed result.
fn fate(claims: &[Claim]) -> Result<Fate, Error> {
    match claims.first().map(Claim::fall).ok_or(Error::Broken("a contest without claims"))? {
        Fall::Unspecified => Ok(Fate::Stands),
        Fall::Wrong | Fall::Late | Fall::Malformed => Ok(Fate::Wrong),
        Fall::BothLate => Ok(Fate::BothLate),
    }
}

/// Returns the bonds of the claim that is left and takes the others'. Gives the sum of the latter, and how many bonds there were.
fn settle(ctx: &mut Ctx, contest: &Contest, claims: &[Claim]) -> Result<(u128, u32)> {
    let (mut to_provider, mut to_pool, mut count) = (0_u128, 0_u128, 0_u32);
    let provider_paid = contest.fate() == Fate::Stands && !contest.provider_struck;
    for claim in claims {
        for backer in claim.backers.iter().filter(|backer| !backer.struck) {
            let bond = store::bond(backer)?;
            count = count.checked_add(1).ok_or(Error::Overflow)?;
            if claim.fall() == Fall::Unspecified {
                bank::send(ctx, &ACCOUNT.address(), &store::account(backer)?, &[Coin::base(bond)])?;
                continue;
            }
            let sum = if provider_paid && claim.fall() != Fall::BothLate { &mut to_provider } else { &mut to_pool };
            *sum = sum.checked_add(bond).ok_or(Error::Overflow)?;
        }
    }
    forfeit(ctx, to_pool)?;
    let half = to_provider.checked_div(2).ok_or(Error::Overflow)?;
    bank::send(ctx, &ACCOUNT.address(), &Address::parse(&contest.provider)?, &[Coin::base(half)])?;
    let burnt = to_provider.checked_sub(half).ok_or(Error::Overflow)?;
    rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(burnt), BPS)?;
    Ok((to_provider.checked_add(to_pool).ok_or(Error::Overflow)?, count))
}

/// Takes what backers lose to nobody: half burnt, half to rewards' pool.
pub(crate) fn forfeit(ctx: &mut Ctx, bond: u128) -> Result<()> {
    rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(bond), BURNT_BPS).map(drop)
}

/// How a contest ended; `None` while it is open.
pub(crate) fn told(case: &Case, contest: &Contest, claims: &[Claim]) -> Result<Option<Ending>> {
    let committed = contest.fate();
    if committed == Fate::Unspecified {
        return Ok(None);
    }
    let winner = (!contest.winner.is_empty()).then(|| store::hash(&contest.winner)).transpose()?;
    let rivals = claims.iter().filter(|claim| claim.number > 0 && claim.fall() == Fall::Unspecified);
    let backers = rivals.flat_map(|claim| &claim.backers).filter(|backer| !backer.struck);
    Ok(Some(Ending {
        case: case.id,
        subject: store::subject(case)?.clone(),
        committed,
        winner,
        finders: backers.map(store::account).collect::<Result<_>>()?,
        provider_struck: contest.provider_struck,
    }))
}
