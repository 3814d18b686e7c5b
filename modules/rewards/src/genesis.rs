//! The module's part of the genesis file.
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::{
    cairn::rewards::v1::{AccountTotals, Contributed, Contribution, Genesis},
    coin,
};

use crate::{
    Error, amount, arena, check_params,
    state::{self, ACCOUNTS, CONTRIBUTIONS, CURRENT, EPOCHS, PARAMS, POOL, TOTALS},
};

/// Fills an empty store; the invariants tell whether it agrees with bank.
pub(crate) fn init(ctx: &mut Ctx, mut genesis: Genesis) -> Result<()> {
    if let Some(params) = &genesis.params {
        check_params(params)?;
        PARAMS.set(ctx, params)?;
    }
    let last = u64::try_from(genesis.epochs.len()).map_err(|_| Error::Overflow)?;
    for (expected, epoch) in (1_u64..).zip(&genesis.epochs) {
        if epoch.number != expected || epoch.closed == (expected == last) {
            let fault = format!("epoch {} stands where {expected} of {last} is expected, all but the last closed", epoch.number);
            return Err(Error::Genesis(fault).into());
        }
        let amounts =
            [&epoch.weight, &epoch.budget, &epoch.minted, &epoch.claimed_weight, &epoch.claimed, &epoch.arenas_minted, &epoch.set_aside];
        amounts.into_iter().try_for_each(|text| amount::read(text).map(drop))?;
        EPOCHS.set(ctx, &expected, epoch)?;
        CURRENT.set(ctx, &expected)?;
    }
    for contribution in std::mem::take(&mut genesis.contributions) {
        state::epoch(ctx, contribution.epoch)?;
        amount::read(&contribution.weight)?;
        check_kinds(&contribution.kinds)?;
        let address = Address::parse(&contribution.contributor)?;
        state::set_contribution(ctx, &address, contribution)?;
    }
    for account in std::mem::take(&mut genesis.accounts) {
        amount::read(&account.claimed)?;
        check_kinds(&account.kinds)?;
        let address = Address::parse(&account.contributor)?;
        state::set_account(ctx, &address, account)?;
    }
    if let Some(totals) = &genesis.totals {
        let amounts = [&totals.burnt, &totals.minted, &totals.claimed, &totals.arenas_minted];
        amounts.into_iter().try_for_each(|text| amount::read(text).map(drop))?;
        check_kinds(&totals.kinds)?;
        TOTALS.set(ctx, totals)?;
    }
    coin::coins(&genesis.pool)?.iter().try_for_each(|coin| state::put_into_pool(ctx, &coin.denom, coin.amount))?;
    let params = state::params(ctx)?;
    arena::genesis::init(ctx, genesis, &params)
}

/// Sorted by kind, each once, with amounts that can be read.
fn check_kinds(kinds: &[Contributed]) -> Result<()> {
    if !kinds.is_sorted_by(|a, b| a.kind < b.kind) {
        return Err(Error::Genesis("kinds of contributions are not sorted".into()).into());
    }
    kinds.iter().try_for_each(|entry| amount::read(&entry.weight).map(drop))?;
    Ok(())
}

/// The inverse of [`init`].
pub(crate) fn export(ctx: &Ctx) -> Result<Genesis> {
    let contributions = CONTRIBUTIONS
        .range(ctx, &[])
        .map(|entry| entry.map(|((address, epoch), stored)| Contribution { contributor: address.to_string(), epoch, ..stored }));
    let accounts =
        ACCOUNTS.range(ctx, &[]).map(|entry| entry.map(|(address, stored)| AccountTotals { contributor: address.to_string(), ..stored }));
    let pool = POOL.range(ctx, &[]).map(|entry| {
        let (denom, held) = entry?;
        Ok(Coin { denom, amount: amount::read(&held)? }.into())
    });
    let genesis = Genesis {
        params: Some(state::params(ctx)?),
        epochs: EPOCHS.range(ctx, &[]).map(|entry| entry.map(|(_, epoch)| epoch)).collect::<Result<_>>()?,
        contributions: contributions.collect::<Result<_>>()?,
        accounts: accounts.collect::<Result<_>>()?,
        totals: Some(state::totals(ctx)?),
        pool: pool.collect::<Result<_>>()?,
        ..Genesis::default()
    };
    arena::genesis::export(ctx, genesis)
}
