//! What must hold of arenas after every block.
use std::collections::BTreeMap;

use cairn_bank as bank;
use cairn_kernel::{BASE_DENOM, Ctx, Result, key_prefix, report};
use cairn_proto::{
    cairn::rewards::v1::{Arena, ArenaState},
    coin,
};

use super::{ARENA_ACCOUNT, rules};
use crate::{
    Error, amount,
    state::{ARENA_REWARDS, ARENAS, DUE, PARTICIPANTS, POTS, REGISTERED, SCORERS, UNBONDINGS},
};

/// The arenas' account holds every bond, every pot and every reward that is not claimed.
pub(crate) fn solvency(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut debts = BTreeMap::<String, u128>::new();
        let mut owe = |denom: String, amount: u128| -> Result<(), Error> {
            let debt = debts.entry(denom).or_insert(0);
            *debt = debt.checked_add(amount).ok_or(Error::Overflow)?;
            Ok(())
        };
        for entry in SCORERS.range(ctx, &[]) {
            owe(BASE_DENOM.to_owned(), amount::read(&entry?.1.bond)?)?;
        }
        for entry in UNBONDINGS.range(ctx, &[]) {
            owe(BASE_DENOM.to_owned(), amount::read(&entry?.1)?)?;
        }
        for entry in POTS.range(ctx, &[]) {
            let ((_, denom), held) = entry?;
            owe(denom, amount::read(&held)?)?;
        }
        for entry in ARENA_REWARDS.range(ctx, &[]) {
            coin::coins(&entry?.1.amount)?.iter().try_for_each(|coin| owe(coin.denom, coin.amount))?;
        }
        for (denom, debt) in debts {
            let held = bank::balance(ctx, &ARENA_ACCOUNT.address(), &denom)?;
            if held < debt {
                return Ok(Some(format!("the arenas' account holds {held}{denom} and owes {debt}{denom}")));
            }
        }
        Ok(None)
    })())
}

/// Arenas count what they have, within their limits, and exactly the running ones wait for an epoch's end.
pub(crate) fn counts(ctx: &Ctx) -> Result<(), String> {
    report((|| {
        let mut waiting = BTreeMap::new();
        for entry in DUE.range(ctx, &[]) {
            let (height, id) = entry?;
            waiting.insert(id, height);
        }
        for entry in ARENAS.range(ctx, &[]) {
            let (id, arena) = entry?;
            let due = (arena.state() == ArenaState::Running).then_some(arena.ends);
            if waiting.remove(&id) != due {
                return Ok(Some(format!("arena {id} is {:?} and waits otherwise", arena.state())));
            }
            if let Some(fault) = miscounted(ctx, &arena)? {
                return Ok(Some(format!("arena {id}: {fault}")));
            }
        }
        Ok(waiting.first_key_value().map(|(id, _)| format!("arena {id} waits and does not exist")))
    })())
}

fn miscounted(ctx: &Ctx, arena: &Arena) -> Result<Option<String>> {
    let (mut participants, mut scorers) = (0_u32, 0_u32);
    for entry in PARTICIPANTS.range(ctx, &key_prefix(&arena.id)) {
        let ((_, registration), participant) = entry?;
        let account = cairn_kernel::Address::parse(&participant.account)?;
        if registration > arena.last_registration || REGISTERED.get(ctx, &(arena.id, account))? != Some(registration) {
            return Ok(Some(format!("registration {registration} is not its account's, or was never given")));
        }
        participants = participants.saturating_add(1);
    }
    for entry in SCORERS.range(ctx, &key_prefix(&arena.id)) {
        let (_, scorer) = entry?;
        if !scorer.seated && amount::read(&scorer.counted)? != 0 {
            return Ok(Some(format!("{} has weight without a seat", scorer.account)));
        }
        scorers = scorers.saturating_add(u32::from(scorer.seated));
    }
    let counted = participants == arena.participants && scorers == arena.scorers;
    let bounded = participants <= rules::MAX_PARTICIPANTS && scorers <= rules::MAX_SCORERS;
    Ok((!counted || !bounded).then(|| format!("{participants} participants, {scorers} scorers, counted or bounded otherwise")))
}
