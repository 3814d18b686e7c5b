//! What a transaction must meet before its messages run: form, limits, fee, signatures, sequence. The order of the checks
//! and their codes and texts are the Cosmos SDK's, since wallets and relayers read them.
mod claims;
mod keys;
mod price;
mod signatures;
mod verify;

use cairn_auth::FEE_COLLECTOR;
use cairn_kernel::{Address, BASE_DENOM, Coin, Ctx, Error, Gas, Result, Router, sdk};
use cairn_proto::cosmos::{auth::v1beta1::Params, tx::v1beta1::Fee};
pub use price::{GasPrice, NotAPrice};
pub(crate) use verify::{Claim, Verifier};

use crate::tx::Tx;

/// The largest gas limit: gas is a signed 64-bit number in ABCI.
pub(crate) const MAX_GAS: u64 = i64::MAX as u64;

/// Why a transaction is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// For the mempool: this node's minimum gas price counts too.
    Check,
    /// In a block.
    Deliver,
    /// At the beginning of a chain: signers have no account numbers yet and sign for 0.
    Genesis,
    /// To estimate gas: signatures may be missing, and a fee that is missing is charged as gas.
    Simulate,
}

/// The checks, for one mode.
pub(crate) struct Ante<'a> {
    pub(crate) router: &'a Router,
    pub(crate) verifier: &'a Verifier,
    pub(crate) price: GasPrice,
    pub(crate) mode: Mode,
}

impl Ante<'_> {
    /// Checks `tx`, takes its fee and uses up its signers' sequences.
    ///
    /// # Errors
    /// As listed in the README, with codes of `sdk`; whoever calls drops what was written until then.
    pub(crate) fn run(&self, ctx: &mut Ctx, tx: &Tx) -> Result<()> {
        form(tx)?;
        let params = cairn_auth::params(ctx)?;
        limits(ctx, tx, &params)?;
        let signers = signers(self.router, tx, params.tx_sig_limit)?;
        let size = tx.size.saturating_add(if self.mode == Mode::Simulate { signatures::missing_bytes(tx) } else { 0 });
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        ctx.gas().consume_at(size.saturating_mul(params.tx_size_cost_per_byte), "txSize")?;
        self.fee(ctx, tx, payer(tx, &signers)?)?;
        self.signatures(ctx, tx, &signers, &params)
    }

    fn fee(&self, ctx: &mut Ctx, tx: &Tx, payer: Address) -> Result<()> {
        let fee = tx.fee()?;
        let coin = fee_coin(fee)?;
        let least = self.price.fee(fee.gas_limit);
        if self.mode == Mode::Check && coin.amount < least.amount {
            let got = if coin.amount == 0 { String::new() } else { coin.to_string() };
            return Err(sdk::insufficient_fee(format!("insufficient fees; got: {got} required: {least}")));
        }
        if self.mode == Mode::Simulate {
            empty_collector(ctx)?;
        }
        let from = source(ctx, tx, payer, &coin)?;
        if !cairn_auth::has_account(ctx, &from)? {
            return Err(sdk::unknown_address(format!("fee payer address: {from} does not exist")));
        }
        match (coin.amount, self.mode) {
            (0, Mode::Simulate) => stand_in_fee(ctx, &from)?,
            (0, _) => {}
            _ => cairn_bank::send(ctx, &from, &FEE_COLLECTOR.address(), std::slice::from_ref(&coin))?,
        }
        let shown = if coin.amount == 0 { String::new() } else { coin.to_string() };
        ctx.emit_raw("tx", &[("fee", &shown), ("fee_payer", &from.to_string())]);
        Ok(())
    }
}

/// Whose coins pay: the payer's, or those of the granter that the transaction names, if its allowance covers the fee.
fn source(ctx: &mut Ctx, tx: &Tx, payer: Address, fee: &Coin) -> Result<Address> {
    let named = &tx.fee()?.granter;
    if named.is_empty() {
        return Ok(payer);
    }
    let granter = Address::parse(named)?;
    if granter != payer {
        let urls: Vec<&str> = tx.body.messages.iter().map(|m| m.type_url.as_str()).collect();
        let refused = |e: Error| Error { log: format!("{granter} does not allow to pay fees for {payer}: {}", e.log), ..e };
        cairn_feegrant::use_grant(ctx, &granter, &payer, std::slice::from_ref(fee), &urls).map_err(refused)?;
    }
    Ok(granter)
}

/// What can be said of a transaction without looking at state.
fn form(tx: &Tx) -> Result<()> {
    if let Some(option) = tx.body.extension_options.first() {
        return Err(sdk::unknown_extension_options(format!("critical extension option {} is not understood", option.type_url)));
    }
    if tx.body.messages.is_empty() {
        return Err(sdk::invalid_request("must contain at least one message"));
    }
    let gas = tx.fee()?.gas_limit;
    if gas > MAX_GAS {
        return Err(sdk::invalid_request(format!("invalid gas supplied; {gas} > {MAX_GAS}")));
    }
    #[allow(deprecated, reason = "a field of the wire contract: whoever sets it must hear that it has no effect here")]
    if tx.auth.tip.is_some() {
        return Err(sdk::not_supported("tips are not taken"));
    }
    if tx.signatures.is_empty() {
        return Err(sdk::no_signatures("expected one signature for each signer, found 0"));
    }
    Ok(())
}

/// Timeout, memo and number of signatures.
fn limits(ctx: &Ctx, tx: &Tx, params: &Params) -> Result<()> {
    let (height, timeout) = (ctx.block().height, tx.body.timeout_height);
    if timeout > 0 && height > timeout {
        return Err(sdk::timeout_height(format!("block height: {height}, timeout height: {timeout}")));
    }
    let (memo, limit) = (u64::try_from(tx.body.memo.len()).unwrap_or(u64::MAX), params.max_memo_characters);
    if memo > limit {
        return Err(sdk::memo_too_large(format!("maximum number of characters is {limit} but received {memo} characters")));
    }
    let (found, limit) = (u64::try_from(tx.signatures.len()).unwrap_or(u64::MAX), params.tx_sig_limit);
    if found > limit {
        return Err(sdk::too_many_signatures(format!("signatures: {found}, limit: {limit}")));
    }
    Ok(())
}

/// Who must sign: the signers of all messages in order of first appearance, then the fee payer. Refused beyond `most`, since a
/// message can name thousands and nobody has paid for finding them yet.
fn signers(router: &Router, tx: &Tx, most: u64) -> Result<Vec<Address>> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut signers: Vec<Address> = vec![];
    let mut add = |address: Address| {
        if signers.contains(&address) {
            return Ok(());
        }
        if signers.len() >= most {
            return Err(sdk::too_many_signatures(format!("signers: more than {most}, limit: {most}")));
        }
        signers.push(address);
        Ok(())
    };
    for message in &tx.body.messages {
        let found = router.signers(&message.type_url, &message.value)?;
        if found.is_empty() {
            return Err(sdk::unauthorized(format!("{} names no signer", message.type_url)));
        }
        found.into_iter().try_for_each(&mut add)?;
    }
    let named = &tx.fee()?.payer;
    if !named.is_empty() {
        add(Address::parse(named)?)?;
    }
    Ok(signers)
}

/// Who pays the fee: whom the transaction names, or the first signer.
fn payer(tx: &Tx, signers: &[Address]) -> Result<Address> {
    let named = &tx.fee()?.payer;
    if !named.is_empty() {
        return Address::parse(named);
    }
    signers.first().copied().ok_or_else(|| sdk::unauthorized("nobody signs"))
}

/// The fee, in the one coin it may be paid in; an amount of zero is no fee.
fn fee_coin(fee: &Fee) -> Result<Coin> {
    match fee.amount.as_slice() {
        [] => Ok(Coin::base(0)),
        [coin] if coin.denom == BASE_DENOM => {
            Coin::try_from(coin).map_err(|e| sdk::insufficient_fee(format!("invalid fee amount: {}", e.log)))
        }
        [coin] => {
            let denom: String = coin.denom.chars().take(128).collect();
            Err(sdk::invalid_coins(format!("fees are paid in {BASE_DENOM}, found {denom:?}")))
        }
        many => Err(sdk::invalid_coins(format!("fees are paid in {BASE_DENOM} alone, found {} coins", many.len()))),
    }
}

/// The first fee of a block finds the collector empty, as the block's beginning leaves it, and costs a little more than the others. An estimate
/// covers that: nobody knows his place in a block before.
fn empty_collector(ctx: &mut Ctx) -> Result<()> {
    let free = Gas::unlimited();
    ctx.metered(&free, |ctx| {
        let held = cairn_bank::balance(ctx, &FEE_COLLECTOR.address(), BASE_DENOM)?;
        cairn_bank::send(ctx, &FEE_COLLECTOR.address(), &cairn_distribution::ACCOUNT.address(), &[Coin::base(held)])?;
        drop(ctx.take_events());
        Ok(())
    })
}

/// Wallets simulate without a fee: a transfer of one unit charges the gas that taking the fee will cost. An account that
/// has not even one unit is told by the transaction itself.
fn stand_in_fee(ctx: &mut Ctx, payer: &Address) -> Result<()> {
    if cairn_bank::balance(ctx, payer, BASE_DENOM)? == 0 {
        return Ok(());
    }
    cairn_bank::send(ctx, payer, &FEE_COLLECTOR.address(), &[Coin::base(1)])
}
