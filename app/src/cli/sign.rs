//! From messages to a signed transaction in a block: gas by simulation, SIGN_MODE_DIRECT, broadcast, wait.
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cairn_kernel::{BASE_DENOM, Coin};
use cairn_proto::{
    Any,
    cosmos::{
        base::v1beta1 as base,
        crypto::secp256k1::PubKey,
        tx::{
            signing::v1beta1::SignMode,
            v1beta1::{AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, SimulateRequest, SimulateResponse, TxBody, TxRaw, mode_info},
        },
    },
    pack,
};
use prost::Message;

use super::{
    keyring::AccountKey,
    rpc::{Outcome, Rpc},
};

/// How a transaction is paid for and annotated.
#[derive(Debug, Clone)]
pub(crate) struct TxOptions {
    /// Gas limit; `None` simulates and takes half as much again.
    pub(crate) gas: Option<u64>,
    /// Price of a unit of gas in millionths of a base unit.
    pub(crate) micro_price: u128,
    /// A note, public for ever.
    pub(crate) memo: String,
}

impl Default for TxOptions {
    fn default() -> Self {
        Self { gas: None, micro_price: 1_000, memo: String::new() }
    }
}

/// A price per unit of gas as people write it, such as `0.001ucairn`, in millionths of a base unit.
pub(crate) fn parse_gas_price(text: &str) -> Result<u128> {
    let number = text
        .strip_suffix(BASE_DENOM)
        .with_context(|| format!("a gas price is in {BASE_DENOM}, such as 0.001{BASE_DENOM}; found {text:?}"))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 6 || whole.len() > 12 {
        bail!("a gas price has at most six decimals, such as 0.001{BASE_DENOM}; found {text:?}");
    }
    Ok(format!("{whole}{part:0<6}").parse()?)
}

/// Signs for one account on one chain.
pub(crate) struct Signer<'a> {
    rpc: &'a Rpc,
    key: &'a AccountKey,
    chain_id: String,
}

impl<'a> Signer<'a> {
    /// Asks the node for the chain's name.
    pub(crate) fn new(rpc: &'a Rpc, key: &'a AccountKey) -> Result<Self> {
        Ok(Self { rpc, key, chain_id: rpc.chain_id()? })
    }
    /// Signs `messages` as one transaction, hands it in and waits for its block. A refusal by the chain is an error that names the code.
    pub(crate) fn send(&self, messages: Vec<Any>, options: &TxOptions) -> Result<Outcome> {
        let account = self.rpc.account(&self.key.address())?;
        let body = TxBody { messages, memo: options.memo.clone(), ..TxBody::default() }.encode_to_vec();
        let gas = match options.gas {
            Some(gas) => gas,
            None => self.simulate(&body, account.sequence)?,
        };
        let tx = self.sign(body, account.account_number, account.sequence, gas, options.micro_price);
        let accepted = self.rpc.broadcast(&tx)?;
        if accepted.code != 0 {
            bail!("refused ({} {}): {}", accepted.codespace, accepted.code, accepted.log);
        }
        let done = self.rpc.wait(&accepted.hash, Duration::from_secs(60))?;
        if done.code != 0 {
            bail!("transaction {} failed in block {} ({} {}): {}", done.hash, done.height, done.codespace, done.code, done.log);
        }
        Ok(done)
    }

    fn auth_info(&self, sequence: u64, gas: u64, micro_price: u128) -> Vec<u8> {
        let amount = u128::from(gas).saturating_mul(micro_price).div_ceil(1_000_000);
        let coin = base::Coin::from(&Coin::base(amount));
        let fee = Fee { amount: if amount == 0 { vec![] } else { vec![coin] }, gas_limit: gas, ..Fee::default() };
        let mode = ModeInfo { sum: Some(mode_info::Sum::Single(mode_info::Single { mode: SignMode::Direct.into() })) };
        let signer = SignerInfo { public_key: Some(pack(&PubKey { key: self.key.public().to_vec() })), mode_info: Some(mode), sequence };
        AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() }.encode_to_vec()
    }

    fn sign(&self, body_bytes: Vec<u8>, account_number: u64, sequence: u64, gas: u64, micro_price: u128) -> Vec<u8> {
        let auth_info_bytes = self.auth_info(sequence, gas, micro_price);
        let doc = SignDoc { body_bytes, auth_info_bytes, chain_id: self.chain_id.clone(), account_number };
        let signature = self.key.sign(&doc.encode_to_vec());
        TxRaw { body_bytes: doc.body_bytes, auth_info_bytes: doc.auth_info_bytes, signatures: vec![signature] }.encode_to_vec()
    }

    fn simulate(&self, body: &[u8], sequence: u64) -> Result<u64> {
        let raw = TxRaw { body_bytes: body.to_vec(), auth_info_bytes: self.auth_info(sequence, 0, 0), signatures: vec![vec![]] };
        let request = SimulateRequest { tx_bytes: raw.encode_to_vec(), ..SimulateRequest::default() };
        let response: SimulateResponse = self.rpc.ask("/cosmos.tx.v1beta1.Service/Simulate", &request)?;
        let used = response.gas_info.context("the simulation tells no gas")?.gas_used;
        Ok(used.saturating_add(used.div_ceil(2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_prices_are_exact() {
        assert_eq!(parse_gas_price("0.001ucairn").unwrap(), 1_000);
        assert_eq!(parse_gas_price("2ucairn").unwrap(), 2_000_000);
        assert_eq!(parse_gas_price("0.000001ucairn").unwrap(), 1);
        for bad in ["", "1", "1uatom", "0.0000001ucairn", ".5ucairn", "-1ucairn", "1.2.3ucairn"] {
            assert!(parse_gas_price(bad).is_err(), "{bad}");
        }
    }
}
