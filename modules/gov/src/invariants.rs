//! What must hold of proposals after every block.
use cairn_kernel::{Coin, Coins, Ctx, Result};
use cairn_proto::{cairn::gov::v1::Stage, coin, cosmos::gov::v1::ProposalStatus, time};

use crate::{
    ACCOUNT,
    state::{ACTIVE, DEPOSITS, ENDINGS, INACTIVE, PROPOSALS},
};

/// Governance's account holds at least every deposit.
pub(crate) fn deposits(ctx: &Ctx) -> Result<(), String> {
    let mut sum = Coins::default();
    for entry in DEPOSITS.range(ctx, &[]) {
        let (_, deposit) = entry.map_err(|e| e.to_string())?;
        let amount = coin::coins(&deposit.amount).map_err(|e| e.to_string())?;
        amount.iter().try_for_each(|c| sum.add(&c)).map_err(|e| e.to_string())?;
    }
    for Coin { denom, amount } in sum.iter() {
        let held = cairn_bank::balance(ctx, &ACCOUNT.address(), &denom).map_err(|e| e.to_string())?;
        if held < amount {
            return Err(format!("deposits add up to {amount}{denom}, but {held}{denom} are there"));
        }
    }
    Ok(())
}

/// Each proposal that has not ended stands once in the queue of its state, or is being ended.
pub(crate) fn queues(ctx: &Ctx) -> Result<(), String> {
    let (mut inactive, mut active) = (0_usize, 0_usize);
    for entry in PROPOSALS.range(ctx, &[]) {
        let (id, proposal) = entry.map_err(|e| e.to_string())?;
        let (queue, end, count) = match ProposalStatus::try_from(proposal.status) {
            Ok(ProposalStatus::DepositPeriod) => (&INACTIVE, proposal.deposit_end_time, &mut inactive),
            Ok(ProposalStatus::VotingPeriod) => (&ACTIVE, proposal.voting_end_time, &mut active),
            _ => continue,
        };
        let ending = ENDINGS.get(ctx, &id).map_err(|e| e.to_string())?;
        if ending.is_some_and(|ending| ending.stage() != Stage::Votes) {
            continue;
        }
        *count = count.saturating_add(1);
        let end = time::instant(&end.unwrap_or_default()).map_err(|e| e.to_string())?;
        if !queue.has(ctx, &(end, id)).map_err(|e| e.to_string())? {
            return Err(format!("proposal {id} is not queued"));
        }
    }
    let queued = (INACTIVE.range(ctx, &[]).count(), ACTIVE.range(ctx, &[]).count());
    if queued == (inactive, active) { Ok(()) } else { Err(format!("{inactive} and {active} proposals, but queued are {queued:?}")) }
}
