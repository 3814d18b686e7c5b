//! Messages of `cosmos.bank.v1beta1`.
use std::{collections::BTreeSet, sync::Arc};

use cairn_auth::require_authority;
use cairn_kernel::{Address, Coins, Ctx, Result, check_denom, sdk};
use cairn_proto::{
    coin,
    cosmos::bank::v1beta1::{
        Input, MsgMultiSend, MsgMultiSendResponse, MsgSend, MsgSendResponse, MsgServer, MsgSetSendEnabled, MsgSetSendEnabledResponse,
        MsgUpdateParams, MsgUpdateParamsResponse, Output,
    },
};

use crate::{
    Bank, Error, Hooks, before_transfer, genesis, ledger, send,
    state::{PARAMS, SEND_ENABLED},
};

impl MsgServer for Bank {
    fn send(&self, ctx: &mut Ctx, m: MsgSend) -> Result<MsgSendResponse> {
        let from = parse_address("from", &m.from_address)?;
        let to = parse_address("to", &m.to_address)?;
        let coins = parse_coins(&m.amount)?;
        check_enabled(ctx, &coins)?;
        check_open(ctx, &to)?;

        send(ctx, &from, &to, &coins.to_vec())?;
        after_user_send(ctx, &from, &to, &coins)?;
        Ok(MsgSendResponse {})
    }

    fn multi_send(&self, ctx: &mut Ctx, m: MsgMultiSend) -> Result<MsgMultiSendResponse> {
        let (from, total) = parse_input(&m.inputs)?;
        let outputs = parse_outputs(&m.outputs, &total)?;
        check_enabled(ctx, &total)?;
        outputs.iter().try_for_each(|(to, _)| check_open(ctx, to))?;

        outputs.iter().try_for_each(|(to, coins)| before_transfer(ctx, &from, to, coins))?;
        ledger::debit(ctx, &from, &total)?;
        ctx.emit_raw("message", &[("sender", &from.to_string())]);
        for (to, coins) in &outputs {
            ledger::credit(ctx, to, coins)?;
            ctx.emit_raw("transfer", &[("recipient", &to.to_string()), ("amount", &coins.to_string())]);
            cairn_auth::get_or_create(ctx, to)?;
        }
        outputs.iter().try_for_each(|(to, coins)| after_user_send(ctx, &from, to, coins))?;
        Ok(MsgMultiSendResponse {})
    }

    fn update_params(&self, ctx: &mut Ctx, m: MsgUpdateParams) -> Result<MsgUpdateParamsResponse> {
        require_authority(&m.authority)?;
        let params = m.params.ok_or(Error::Params("parameters are missing"))?;
        genesis::check_params(&params)?;

        PARAMS.set(ctx, &params)?;
        Ok(MsgUpdateParamsResponse {})
    }

    fn set_send_enabled(&self, ctx: &mut Ctx, m: MsgSetSendEnabled) -> Result<MsgSetSendEnabledResponse> {
        require_authority(&m.authority)?;
        let mut seen = BTreeSet::new();
        for denom in m.send_enabled.iter().map(|entry| &entry.denom).chain(&m.use_default_for) {
            check_denom(denom)?;
            if !seen.insert(denom) {
                return Err(sdk::invalid_request(format!("duplicate denom entries found for {denom:?}")));
            }
        }

        for entry in &m.send_enabled {
            SEND_ENABLED.set(ctx, &entry.denom, &entry.enabled)?;
        }
        m.use_default_for.iter().try_for_each(|denom| SEND_ENABLED.remove(ctx, denom))?;
        Ok(MsgSetSendEnabledResponse {})
    }
}

pub(crate) fn parse_address(role: &str, text: &str) -> Result<Address> {
    Address::parse(text).map_err(|mut e| {
        e.log.insert_str(0, &format!("invalid {role} address: "));
        e
    })
}

/// At least one coin; sorted, unique and positive.
pub(crate) fn parse_coins(amount: &[cairn_proto::cosmos::base::v1beta1::Coin]) -> Result<Coins> {
    let coins = coin::coins(amount)?;
    if coins.is_empty() { Err(sdk::invalid_coins("no coins")) } else { Ok(coins) }
}

fn parse_input(inputs: &[Input]) -> Result<(Address, Coins)> {
    match inputs {
        [] => Err(Error::NoInputs.into()),
        [input] => Ok((parse_address("input", &input.address)?, parse_coins(&input.coins)?)),
        _ => Err(Error::MultipleSenders.into()),
    }
}

/// The outputs, which must add up to `total`.
fn parse_outputs(outputs: &[Output], total: &Coins) -> Result<Vec<(Address, Coins)>> {
    if outputs.is_empty() {
        return Err(Error::NoOutputs.into());
    }
    let (mut parsed, mut sum) = (Vec::new(), Coins::default());
    for output in outputs {
        let coins = parse_coins(&output.coins)?;
        coins.iter().try_for_each(|coin| sum.add(&coin))?;
        parsed.push((parse_address("output", &output.address)?, coins));
    }
    if sum == *total { Ok(parsed) } else { Err(Error::Mismatch { inputs: total.to_string(), outputs: sum.to_string() }.into()) }
}

/// Refuses denominations that users may not send now.
pub(crate) fn check_enabled(ctx: &Ctx, coins: &Coins) -> Result<()> {
    let default = PARAMS.get(ctx)?.is_none_or(|params| params.default_send_enabled);
    for coin in coins.iter() {
        if !SEND_ENABLED.get(ctx, &coin.denom)?.unwrap_or(default) {
            return Err(Error::SendDisabled(coin.denom).into());
        }
    }
    Ok(())
}

/// Refuses to let users pay a module that does not expect it.
pub(crate) fn check_open(ctx: &Ctx, to: &Address) -> Result<()> {
    match cairn_auth::module_account_at(ctx, to) {
        Some(owner) if !owner.receives => Err(sdk::unauthorized(format!("{to} is not allowed to receive funds"))),
        _ => Ok(()),
    }
}

fn after_user_send(ctx: &mut Ctx, from: &Address, to: &Address, coins: &Coins) -> Result<()> {
    let coins = coins.to_vec();
    ctx.hooks::<Arc<dyn Hooks>>().iter().try_for_each(|hook| hook.after_user_send(ctx, from, to, &coins))
}
