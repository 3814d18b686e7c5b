//! `cairnd genesis gentx` and `collect`: operators who trust nobody with their keys make a chain's first validators.
//!
//! Each signs, without a network, what a transaction would do later: it names its beacon key and creates its validator. The file lies in
//! `config/gentx/`; whoever has all of them collects them into the genesis file, and all who collect the same ones get the same file.
use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, bail};
use cairn_kernel::{BASE_DENOM, Coin, Dec};
use cairn_proto::{
    cairn::beacon::v1::MsgRegisterBeaconKey,
    cosmos::{
        base::v1beta1 as base,
        crypto::ed25519::PubKey,
        staking::v1beta1::{CommissionRates, Description, MsgCreateValidator},
        tx::v1beta1::Tx,
    },
    pack, unpack,
};
use cairn_staking::{POWER_REDUCTION, operator_text};
use clap::Args;
use prost::{Message, Name};
use serde_json::{Value, json};

use super::{
    comet::{self, ConsensusKey},
    genesis::parse_coin,
    home::{Home, read_json, write_json},
    keyring::Keyring,
    keys,
    sign::sign_for_genesis,
    validate,
};
use crate::api::json::Dialect;

/// Sign this home's validator into a genesis file that no chain has started from.
#[derive(Debug, Args)]
pub(crate) struct GentxArgs {
    /// The key of the account that operates the validator; the genesis file must hold its coins.
    key: String,
    /// What it stakes, such as 10000000ucairn: at least 1000000ucairn, which is one unit of voting power.
    #[arg(value_parser = parse_coin)]
    stake: Coin,
    /// The chain's name, where it must be checked that the genesis file is of it.
    #[arg(long)]
    chain_id: Option<String>,
    /// The validator's name; without it, the node's.
    #[arg(long)]
    moniker: Option<String>,
    /// What it says of itself.
    #[arg(long, default_value = "")]
    details: String,
    /// Its page.
    #[arg(long, default_value = "")]
    website: String,
    /// Its identity at keybase.io.
    #[arg(long, default_value = "")]
    identity: String,
    /// Where faults are reported to.
    #[arg(long, default_value = "")]
    security_contact: String,
    /// The share of its delegators' rewards that it keeps.
    #[arg(long, default_value = "0.05", value_parser = parse_rate)]
    commission_rate: Dec,
    /// The share that it will never exceed.
    #[arg(long, default_value = "0.20", value_parser = parse_rate)]
    commission_max_rate: Dec,
    /// The most by which it changes its share in a day.
    #[arg(long, default_value = "0.01", value_parser = parse_rate)]
    commission_max_change_rate: Dec,
    /// The least that the operator itself keeps staked, in base units.
    #[arg(long, default_value_t = 1)]
    min_self_delegation: u128,
    /// Where other nodes reach this one.
    #[arg(long, default_value = "127.0.0.1")]
    ip: String,
    /// The port of that.
    #[arg(long, default_value_t = 26656)]
    p2p_port: u16,
    /// Where to write to, instead of config/gentx/gentx-<node id>.json.
    #[arg(long)]
    output_document: Option<PathBuf>,
}

/// A share as people write it: `0.05`.
fn parse_rate(text: &str) -> Result<Dec> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 1 || part.len() > 18 {
        bail!("a rate is a number from 0 to 1, such as 0.05; found {text:?}");
    }
    Ok(Dec::from_wire(format!("{whole}{part:0<18}").trim_start_matches('0')).unwrap_or_default())
}

impl GentxArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let genesis = home.genesis()?;
        let chain_id = genesis.get("chain_id").and_then(Value::as_str).context("genesis.json names no chain_id")?;
        if let Some(asked) = self.chain_id.as_ref().filter(|asked| *asked != chain_id) {
            bail!("genesis.json is of chain {chain_id}, not of {asked}; fetch the right file");
        }
        if self.stake.denom != BASE_DENOM || self.stake.amount < POWER_REDUCTION {
            bail!("a stake is at least {POWER_REDUCTION}{BASE_DENOM}, one unit of voting power; found {}", self.stake);
        }
        let ring = Keyring::new(home.keyring());
        let operator = ring.entry(&self.key)?.address;
        let funds = funds(&genesis, &operator);
        if funds < self.stake.amount {
            bail!(
                "{operator} has {funds}{BASE_DENOM} in genesis.json, less than the stake; run 'cairnd genesis add-account {operator} <coins>', or \
                 have whoever keeps the file do so"
            );
        }
        let key = keys::open(&ring, &self.key)?;
        let vrf = home.ensure_vrf_key().and_then(|_| home.vrf_keys()?.into_iter().next().context("this home has no beacon key"))?;
        let public = vrf.key.public().as_bytes();
        let shown = cairn_beacon::possession(chain_id, &key.address(), &[], public);
        let proof = vrf.key.prove(&shown).map_err(|e| anyhow::anyhow!("cannot prove possession of the beacon key: {e}"))?.to_vec();
        let named = MsgRegisterBeaconKey { operator: operator.clone(), vrf_key: public.to_vec(), proof };
        let created = self.created(home, &operator_text(&key.address()))?;
        let node = comet::node_id(home)?;
        let memo = format!("{node}@{}:{}", self.ip, self.p2p_port);
        let tx = sign_for_genesis(&key, vec![pack(&named), pack(&created)], &memo, chain_id);
        let shown = Dialect::cairn().encode_bytes(&Tx::full_name(), &tx)?;
        if Dialect::cairn().decode_bytes(&Tx::full_name(), &shown)? != tx {
            bail!("the transaction does not survive as JSON; shorten what the validator says of itself");
        }
        let path = self.output_document.unwrap_or_else(|| home.config(GENTX).join(format!("gentx-{node}.json")));
        write_json(&path, &shown)?;
        println!("wrote {}; hand it to whoever collects, and run 'cairnd genesis collect' once all are in config/{GENTX}", path.display());
        Ok(())
    }

    fn created(&self, home: &Home, operator: &str) -> Result<MsgCreateValidator> {
        let description = Description {
            moniker: self.moniker.clone().map_or_else(|| comet::moniker(home), Ok)?,
            identity: self.identity.clone(),
            website: self.website.clone(),
            security_contact: self.security_contact.clone(),
            details: self.details.clone(),
        };
        let [rate, max_rate, max_change_rate] =
            [&self.commission_rate, &self.commission_max_rate, &self.commission_max_change_rate].map(|rate| rate.to_wire());
        Ok(MsgCreateValidator {
            description: Some(description),
            commission: Some(CommissionRates { rate, max_rate, max_change_rate }),
            min_self_delegation: self.min_self_delegation.to_string(),
            validator_address: operator.to_owned(),
            pubkey: Some(pack(&PubKey { key: ConsensusKey::load(home)?.pub_key.to_vec() })),
            value: Some(base::Coin::from(&self.stake)),
            ..MsgCreateValidator::default()
        })
    }
}

/// What an account has in a genesis file, in base units.
fn funds(genesis: &Value, account: &str) -> u128 {
    let balances = genesis.pointer("/app_state/bank/balances").and_then(Value::as_array);
    let of = |name: &str, value: &Value| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let mine = balances.into_iter().flatten().find(|b| of("address", b).as_deref() == Some(account));
    let coins = mine.and_then(|b| b.get("coins")).and_then(Value::as_array);
    let base = coins.into_iter().flatten().find(|c| of("denom", c).as_deref() == Some(BASE_DENOM));
    base.and_then(|c| of("amount", c)).and_then(|amount| amount.parse().ok()).unwrap_or(0)
}

/// The folder of signed validators in `config`.
const GENTX: &str = "gentx";

/// Put the signed validators of config/gentx into the genesis file, and their nodes into the peers of config.toml.
#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// Where they lie, instead of config/gentx.
    #[arg(long)]
    gentx_dir: Option<PathBuf>,
}

/// A signed validator.
struct Gentx {
    operator: String,
    peer: String,
    shown: Value,
}

impl CollectArgs {
    /// Runs the command. Nothing is written unless a chain can start from what comes out.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let folder = self.gentx_dir.unwrap_or_else(|| home.config(GENTX));
        let (mut found, mut faults) = (BTreeMap::new(), Vec::new());
        for path in files(&folder)? {
            match Gentx::read(&path) {
                Ok(gentx) => {
                    if let Some((other, gentx)) = found.insert(gentx.operator.clone(), (path.clone(), gentx)) {
                        faults.push(format!("{} and {} are both of {}; delete one", other.display(), path.display(), gentx.operator));
                    }
                }
                Err(e) => faults.push(format!("{}: {e:#}; have its operator make it anew", path.display())),
            }
        }
        if found.is_empty() && faults.is_empty() {
            bail!("{} holds no gentx-*.json; operators make them by 'cairnd genesis gentx'", folder.display());
        }
        let mut genesis = home.genesis()?;
        let txs: Vec<Value> = found.values().map(|(_, gentx)| gentx.shown.clone()).collect();
        let state = genesis.get_mut("app_state").and_then(Value::as_object_mut).context("genesis.json has no app_state")?;
        state.insert("genutil".to_owned(), json!({ "gen_txs": txs }));
        if faults.is_empty() {
            faults = validate::faults(&genesis);
        }
        validate::refuse(&faults)?;
        write_json(&home.config("genesis.json"), &genesis)?;
        let own = comet::node_id(home)?;
        let peers: Vec<&str> = found.values().map(|(_, g)| g.peer.as_str()).filter(|peer| !peer.starts_with(&own)).collect();
        comet::set_peers(home, &peers.join(","))?;
        println!("collected {} validators; the same files give every operator the same genesis.json", found.len());
        Ok(())
    }
}

fn files(folder: &std::path::Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.exists() {
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            found.push(entry?.path());
        }
    }
    found.retain(|path| path.extension().is_some_and(|kind| kind == "json"));
    found.sort();
    Ok(found)
}

impl Gentx {
    fn read(path: &std::path::Path) -> Result<Self> {
        let shown = read_json(path)?;
        let tx = Tx::decode(&*Dialect::cairn().decode_bytes(&Tx::full_name(), &shown)?)?;
        let body = tx.body.context("it has no body")?;
        let [named, created] = body.messages.as_slice() else { bail!("it has {} messages, not two", body.messages.len()) };
        let named: MsgRegisterBeaconKey = unpack(named).context("its first message names no beacon key")?;
        let created: MsgCreateValidator = unpack(created).context("its second message creates no validator")?;
        let operator = cairn_kernel::Address::parse(&named.operator)?;
        if created.validator_address != operator_text(&operator) {
            bail!("it names the key of {operator} and creates the validator of {}", created.validator_address);
        }
        Ok(Self { operator: named.operator, peer: body.memo, shown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact() {
        for (text, wire) in [("0.05", "50000000000000000"), ("1", "1000000000000000000"), ("0.000000000000000001", "1")] {
            assert_eq!(parse_rate(text).unwrap().to_wire(), wire);
        }
        assert!(parse_rate("0").unwrap().is_zero());
        for bad in ["", ".5", "5.", "-1", "10", "0.1234567890123456789", "5%"] {
            assert!(parse_rate(bad).is_err(), "{bad}");
        }
    }
}
