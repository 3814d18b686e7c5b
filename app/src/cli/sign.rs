//! From messages to a signed transaction in a block: gas by simulation, SIGN_MODE_DIRECT, broadcast, wait.
use std::{thread::sleep, time::Duration};

use anyhow::{Context, Result};
use cairn_kernel::{Address, BASE_DENOM, Coin};
use cairn_proto::{
    Any,
    cosmos::{
        base::{abci::v1beta1::TxMsgData, v1beta1 as base},
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
    rpc::{Outcome, Refused, Rpc},
};

/// How often a transaction is signed anew because another one of its account came in between, and the pause before.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// How a transaction is paid for and annotated.
#[derive(Debug, Clone)]
pub(crate) struct TxOptions {
    /// Gas limit.
    pub(crate) gas: GasLimit,
    /// Price of a unit of gas in millionths of a base unit.
    pub(crate) micro_price: u128,
    /// A note, public for ever.
    pub(crate) memo: String,
}

/// How the gas limit of a transaction comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GasLimit {
    /// As somebody chose it.
    Fixed(u64),
    /// What a simulation used, times so many thousandths.
    Simulated(u64),
}

impl GasLimit {
    /// Half as much again as a simulation used.
    pub(crate) const AUTO: Self = Self::Simulated(1_500);

    /// The limit that people ask for by `--gas NUMBER`, or by `--gas auto` with `--gas-adjustment`, such as 1.3.
    pub(crate) fn parse(gas: &str, adjustment: &str) -> Result<Self> {
        let thousandths = fixed_point::<3>(adjustment, 3).and_then(|number| u64::try_from(number).ok()).filter(|number| *number >= 1_000);
        let thousandths = thousandths.with_context(|| {
            format!("--gas-adjustment is a factor from 1 to 999.999, of three decimals at most, such as 1.5; found {adjustment:?}")
        })?;
        match gas {
            "auto" => Ok(Self::Simulated(thousandths)),
            _ => gas
                .parse()
                .map(Self::Fixed)
                .with_context(|| format!("--gas is a whole number of units, such as 200000, or auto; found {gas:?}")),
        }
    }
}

impl Default for TxOptions {
    fn default() -> Self {
        Self { gas: GasLimit::AUTO, micro_price: 1_000, memo: String::new() }
    }
}

/// A price per unit of gas as people write it, such as `0.001ucairn`, in millionths of a base unit.
pub(crate) fn parse_gas_price(text: &str) -> Result<u128> {
    let number = text
        .strip_suffix(BASE_DENOM)
        .with_context(|| format!("a gas price is in {BASE_DENOM}, such as 0.001{BASE_DENOM}; found {text:?}"))?;
    fixed_point::<6>(number, 12).with_context(|| format!("a gas price has at most six decimals, such as 0.001{BASE_DENOM}; found {text:?}"))
}

/// A number as people write it, in units of its last place: of `PLACES` decimals at most, and of so many digits before them.
fn fixed_point<const PLACES: usize>(text: &str, digits: usize) -> Option<u128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let numeric = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let sensible = !whole.is_empty() && whole.len() <= digits && part.len() <= PLACES && numeric(whole) && numeric(part);
    sensible.then(|| format!("{whole}{part:0<PLACES$}").parse().ok()).flatten()
}

/// Signs for one account on one chain.
pub(crate) struct Signer<'a> {
    rpc: &'a Rpc,
    key: &'a AccountKey,
    chain_id: String,
}

/// What the messages of a transaction in a block answered.
pub(crate) fn answers(done: &Outcome) -> Result<Vec<Any>> {
    let data = done.raw.pointer("/tx_result/data").and_then(serde_json::Value::as_str).unwrap_or("");
    let bytes = crate::api::json::decode_base64(data).context("the transaction's answer is not base64")?;
    Ok(TxMsgData::decode(&*bytes).context("the transaction's answer is damaged")?.msg_responses)
}

impl<'a> Signer<'a> {
    /// Asks the node for the chain's name.
    pub(crate) fn new(rpc: &'a Rpc, key: &'a AccountKey) -> Result<Self> {
        Ok(Self { rpc, key, chain_id: rpc.chain_id()? })
    }
    /// Signs `messages` as one transaction, hands it in and waits for its block. A refusal by the chain is a [`Refused`]; after any other
    /// error the transaction may still come into a block.
    pub(crate) fn send(&self, messages: Vec<Any>, options: &TxOptions) -> Result<Outcome> {
        let body = body(messages, &options.memo);
        let accepted = in_turn(|| self.hand_in(&body, options))?;
        if accepted.code != 0 {
            return Err(Refused::new(format!("refused ({} {}): {}", accepted.codespace, accepted.code, accepted.log)).into());
        }
        let done = self.rpc.wait(&accepted.hash, Duration::from_secs(60))?;
        if done.code != 0 {
            let text =
                format!("transaction {} failed in block {} ({} {}): {}", done.hash, done.height, done.codespace, done.code, done.log);
            return Err(Refused::new(text).into());
        }
        Ok(done)
    }

    /// Signs with the account's next sequence and hands in.
    fn hand_in(&self, body: &[u8], options: &TxOptions) -> Result<Outcome> {
        let account = self.rpc.account(&self.key.address())?;
        let gas = match options.gas {
            GasLimit::Fixed(gas) => gas,
            GasLimit::Simulated(thousandths) => {
                let used = u128::from(simulate(self.rpc, &self.key.public(), body, account.sequence)?);
                let limit = used.saturating_mul(thousandths.into()).div_ceil(1_000);
                u64::try_from(limit).context("no gas limit is as large as that")?
            }
        };
        self.rpc.broadcast(&self.sign(body.to_vec(), account.account_number, account.sequence, gas, options.micro_price))
    }

    fn sign(&self, body_bytes: Vec<u8>, account_number: u64, sequence: u64, gas: u64, micro_price: u128) -> Vec<u8> {
        let auth_info_bytes = auth_info(&self.key.public(), sequence, gas, micro_price);
        seal(self.key, SignDoc { body_bytes, auth_info_bytes, chain_id: self.chain_id.clone(), account_number })
    }
}

/// Gas limit of a transaction in a genesis file, where nobody pays for gas.
const GENESIS_GAS: u64 = 1_000_000;

/// Signs `messages` for a chain that has not begun: account number and sequence 0, no fee. Gives the transaction.
pub(crate) fn sign_for_genesis(key: &AccountKey, messages: Vec<Any>, memo: &str, chain_id: &str) -> Vec<u8> {
    let (body_bytes, auth_info_bytes) = (body(messages, memo), auth_info(&key.public(), 0, GENESIS_GAS, 0));
    seal(key, SignDoc { body_bytes, auth_info_bytes, chain_id: chain_id.to_owned(), account_number: 0 })
}

fn seal(key: &AccountKey, doc: SignDoc) -> Vec<u8> {
    let signature = key.sign(&doc.encode_to_vec());
    TxRaw { body_bytes: doc.body_bytes, auth_info_bytes: doc.auth_info_bytes, signatures: vec![signature] }.encode_to_vec()
}

/// Tries again while another transaction of the account comes in between, be it found by the simulation or by the mempool.
fn in_turn(hand_in: impl Fn() -> Result<Outcome>) -> Result<Outcome> {
    let mut handed_in = hand_in();
    for _ in 1..ATTEMPTS {
        let again = match &handed_in {
            Ok(accepted) => out_of_turn(accepted),
            Err(error) => error.downcast_ref().is_some_and(Refused::out_of_turn),
        };
        if !again {
            break;
        }
        sleep(PAUSE);
        handed_in = hand_in();
    }
    handed_in
}

/// Refuses messages that the chain would not take now from the account of `public`. Nothing is signed or sent.
pub(crate) fn rehearse(rpc: &Rpc, public: &[u8; 33], messages: Vec<Any>) -> Result<()> {
    let body = body(messages, "");
    let simulated = || -> Result<Outcome> {
        let account = rpc.account(&Address::from_secp256k1(public))?;
        simulate(rpc, public, &body, account.sequence).map(|_| Outcome::default())
    };
    in_turn(simulated).map(drop)
}

fn body(messages: Vec<Any>, memo: &str) -> Vec<u8> {
    TxBody { messages, memo: memo.to_owned(), ..TxBody::default() }.encode_to_vec()
}

/// Whether a transaction was refused only because one of the same account stands before it.
fn out_of_turn(refused: &Outcome) -> bool {
    refused.codespace == "sdk" && refused.code == 32
}

fn auth_info(public: &[u8; 33], sequence: u64, gas: u64, micro_price: u128) -> Vec<u8> {
    let amount = u128::from(gas).saturating_mul(micro_price).div_ceil(1_000_000);
    let coin = base::Coin::from(&Coin::base(amount));
    let fee = Fee { amount: if amount == 0 { vec![] } else { vec![coin] }, gas_limit: gas, ..Fee::default() };
    let mode = ModeInfo { sum: Some(mode_info::Sum::Single(mode_info::Single { mode: SignMode::Direct.into() })) };
    let signer = SignerInfo { public_key: Some(pack(&PubKey { key: public.to_vec() })), mode_info: Some(mode), sequence };
    AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() }.encode_to_vec()
}

/// The gas that the messages would use now.
fn simulate(rpc: &Rpc, public: &[u8; 33], body: &[u8], sequence: u64) -> Result<u64> {
    let raw = TxRaw { body_bytes: body.to_vec(), auth_info_bytes: auth_info(public, sequence, 0, 0), signatures: vec![vec![]] };
    let request = SimulateRequest { tx_bytes: raw.encode_to_vec(), ..SimulateRequest::default() };
    let response: Result<SimulateResponse> = rpc.ask("/cosmos.tx.v1beta1.Service/Simulate", &request);
    let refused = |e: anyhow::Error| if e.is::<Refused>() { e.context("not sent, for it would fail") } else { e };
    Ok(response.map_err(refused)?.gas_info.context("the simulation tells no gas")?.gas_used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_limits_are_numbers_or_simulated() {
        assert_eq!(GasLimit::parse("200000", "1.5").unwrap(), GasLimit::Fixed(200_000));
        for (text, thousandths) in [("1", 1_000), ("1.5", 1_500), ("1.05", 1_050), ("2.125", 2_125), ("999.999", 999_999)] {
            assert_eq!(GasLimit::parse("auto", text).unwrap(), GasLimit::Simulated(thousandths));
        }
        for bad in ["", "0.9", "-1", "1.2345", "1,5", "1e3", "x", ".5", "1000"] {
            assert!(GasLimit::parse("auto", bad).is_err(), "{bad}");
        }
        for bad in ["", "-1", "1.5", "Auto", "many"] {
            assert!(GasLimit::parse(bad, "1.5").is_err(), "{bad}");
        }
    }

    #[test]
    fn gas_prices_are_exact() {
        assert_eq!(parse_gas_price("0.001ucairn").unwrap(), 1_000);
        assert_eq!(parse_gas_price("2ucairn").unwrap(), 2_000_000);
        assert_eq!(parse_gas_price("0.000001ucairn").unwrap(), 1);
        for bad in ["", "1", "1uatom", "0.0000001ucairn", ".5ucairn", "-1ucairn", "1.2.3ucairn"] {
            assert!(parse_gas_price(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_sequence_that_moved_on_is_signed_anew() {
        let refused = |codespace: &str, code| Outcome {
            hash: String::new(),
            height: 0,
            code,
            codespace: codespace.to_owned(),
            log: String::new(),
            gas_used: 0,
            raw: serde_json::Value::Null,
        };
        assert!(out_of_turn(&refused("sdk", 32)));
        assert!(!out_of_turn(&refused("sdk", 5)) && !out_of_turn(&refused("annotation", 32)) && !out_of_turn(&refused("", 0)));
    }
}
