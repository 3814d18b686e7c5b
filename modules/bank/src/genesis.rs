//! Balances from and to the genesis file.
use std::collections::BTreeSet;

use cairn_kernel::{Address, Coin, Coins, Ctx, Result, check_denom};
use cairn_proto::{
    coin,
    cosmos::bank::v1beta1::{Balance, GenesisState, Params, SendEnabled},
};

use crate::{
    Error, ledger, set_metadata,
    state::{BALANCES, METADATA, PARAMS, SEND_ENABLED, SUPPLY},
};

/// Fills an empty store and opens an account for every holder. A supply that is not stated is computed.
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    let params = genesis.params.ok_or(Error::Params("parameters are missing"))?;
    check_params(&params)?;
    PARAMS.set(ctx, &params)?;
    for entry in genesis.send_enabled {
        check_denom(&entry.denom)?;
        if SEND_ENABLED.has(ctx, &entry.denom)? {
            return Err(Error::Duplicate(format!("send_enabled of {}", entry.denom)).into());
        }
        SEND_ENABLED.set(ctx, &entry.denom, &entry.enabled)?;
    }
    for described in genesis.denom_metadata {
        if METADATA.has(ctx, &described.base)? {
            return Err(Error::Duplicate(format!("denom_metadata of {}", described.base)).into());
        }
        set_metadata(ctx, &described)?;
    }

    let sum = init_balances(ctx, &genesis.balances)?;
    let stated = coin::coins(&genesis.supply)?;
    if !stated.is_empty() && stated != sum {
        return Err(Error::Supply { stated: stated.to_string(), sum: sum.to_string() }.into());
    }
    for Coin { denom, amount } in sum.iter() {
        ledger::set_supply(ctx, denom, amount)?;
    }
    Ok(())
}

/// Writes every balance and gives their sum.
fn init_balances(ctx: &mut Ctx, balances: &[Balance]) -> Result<Coins> {
    let (mut sum, mut holders) = (Coins::default(), BTreeSet::new());
    for balance in balances {
        let address = Address::parse(&balance.address)?;
        if !holders.insert(address) {
            return Err(Error::Duplicate(format!("balance of {address}")).into());
        }
        for held in coin::coins(&balance.coins)?.iter() {
            sum.add(&held)?;
            ledger::set_balance(ctx, &address, held.denom, 0, held.amount)?;
        }
        cairn_auth::get_or_create(ctx, &address)?;
    }
    Ok(sum)
}

/// Refuses parameters that still list denominations, which the Cosmos SDK has moved out of them.
#[expect(deprecated, reason = "the retired field is refused when it is used, instead of being ignored")]
pub(crate) fn check_params(params: &Params) -> Result<(), Error> {
    if params.send_enabled.is_empty() { Ok(()) } else { Err(Error::Params("use of send_enabled in params is no longer supported")) }
}

/// Everything, balances by address.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    let mut balances: Vec<Balance> = Vec::new();
    for entry in BALANCES.range(ctx, &[]) {
        let ((address, denom), amount) = entry?;
        let held = cairn_proto::cosmos::base::v1beta1::Coin { denom, amount };
        let address = address.to_string();
        match balances.last_mut().filter(|last| last.address == address) {
            Some(last) => last.coins.push(held),
            None => balances.push(Balance { address, coins: vec![held] }),
        }
    }
    let supply = SUPPLY.range(ctx, &[]).map(|e| e.map(|(denom, amount)| cairn_proto::cosmos::base::v1beta1::Coin { denom, amount }));
    let send_enabled = SEND_ENABLED.range(ctx, &[]).map(|e| e.map(|(denom, enabled)| SendEnabled { denom, enabled }));
    Ok(GenesisState {
        params: PARAMS.get(ctx)?,
        balances,
        supply: supply.collect::<Result<_>>()?,
        denom_metadata: METADATA.range(ctx, &[]).map(|e| e.map(|(_, metadata)| metadata)).collect::<Result<_>>()?,
        send_enabled: send_enabled.collect::<Result<_>>()?,
    })
}
