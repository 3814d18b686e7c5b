//! The genesis file: CometBFT's frame around the modules' parts.
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_kernel::{Address, Coin, Coins};
use cairn_proto::cosmos::staking::v1beta1::GenesisState as StakingGenesis;
use prost::{Message, Name};
use serde_json::{Value, json};

use super::{comet::ConsensusKey, staked};
use crate::{api::json::Dialect, chain_info::metadata, modules};

/// A validator at genesis.
#[derive(Debug, Clone)]
pub(crate) struct Validator {
    pub(crate) name: String,
    pub(crate) key: ConsensusKey,
    pub(crate) power: i64,
    /// Public half of its VRF key, with which it takes part in the beacon.
    pub(crate) vrf: [u8; 32],
    /// Who may give it another one.
    pub(crate) operator: Option<Address>,
}

/// What a genesis file is made of.
#[derive(Debug, Default)]
pub(crate) struct Genesis {
    pub(crate) chain_id: String,
    pub(crate) validators: Vec<Validator>,
    pub(crate) accounts: Vec<(Address, Coins)>,
}

/// `<name>-<n>`, at most 50 characters: wallets and relayers read the IBC revision off its end.
pub(crate) fn check_chain_id(id: &str) -> Result<()> {
    let revision = id.rsplit_once('-').filter(|(name, n)| !name.is_empty() && !n.starts_with('0') && n.parse::<u32>().is_ok());
    let ok = id.len() <= 50 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.');
    if revision.is_none() || !ok {
        bail!("a chain id is <name>-<number> of at most 50 letters, digits, '-', '_', '.', such as cairn-local-1; found {id:?}");
    }
    Ok(())
}

impl Genesis {
    /// The file's content. `genesis_time` is the clock's; everything that the state machine reads is in `app_state`.
    pub(crate) fn to_json(&self) -> Result<Value> {
        check_chain_id(&self.chain_id)?;
        let validators: Vec<Value> = self.validators.iter().map(Validator::to_json).collect();
        Ok(json!({
            "genesis_time": humantime::format_rfc3339_nanos(SystemTime::now()).to_string(),
            "chain_id": self.chain_id,
            "initial_height": "1",
            "consensus_params": {
                "block": { "max_bytes": "4194304", "max_gas": "500000000" },
                "evidence": { "max_age_num_blocks": "302400", "max_age_duration": "604800000000000", "max_bytes": "1048576" },
                "validator": { "pub_key_types": ["ed25519"] },
                "version": { "app": "1" },
                "abci": { "vote_extensions_enable_height": "0" }
            },
            "validators": validators,
            "app_hash": "",
            "app_state": self.app_state()?,
        }))
    }

    /// Every module's default part, with the accounts, their balances and the validators put in.
    fn app_state(&self) -> Result<Value> {
        let mut state = serde_json::Map::new();
        for module in modules::all() {
            state.insert(module.name().to_owned(), Dialect::cairn().encode_bytes(&module.genesis_type(), &module.default_genesis())?);
        }
        let mut state = Value::Object(state);
        let beacon: Vec<Value> = self.validators.iter().map(Validator::to_beacon).collect();
        let staking = staked::genesis(&self.validators)?;
        let parts = [
            ("/bank/denom_metadata", Value::Array(vec![metadata()])),
            ("/beacon/validators", Value::Array(beacon)),
            ("/bank/balances", Value::Array(staked::pool(&self.validators)?)),
            ("/staking", Dialect::cairn().encode_bytes(&StakingGenesis::full_name(), &staking.encode_to_vec())?),
            // A node may be down for a long while before it is slashed, as on public chains.
            ("/slashing/params/signed_blocks_window", json!("10000")),
            ("/slashing/params/min_signed_per_window", json!("0.050000000000000000")),
            // A block a second, as `cairnd init` sets the node up.
            ("/mint/params/blocks_per_year", json!("31557600")),
        ];
        for (path, part) in parts {
            *state.pointer_mut(path).with_context(|| format!("no module has {path} in its genesis"))? = part;
        }
        let mut genesis = json!({ "app_state": state });
        for (address, funds) in &self.accounts {
            add_account(&mut genesis, address, funds, base_account(address))?;
        }
        Ok(genesis.get_mut("app_state").map(Value::take).unwrap_or_default())
    }
}

impl Validator {
    fn to_json(&self) -> Value {
        json!({
            "address": hex::encode_upper(self.key.address),
            "pub_key": { "type": "tendermint/PubKeyEd25519", "value": BASE64.encode(self.key.pub_key) },
            "power": self.power.to_string(),
            "name": self.name,
        })
    }
    fn to_beacon(&self) -> Value {
        json!({
            "address": BASE64.encode(self.key.address),
            "power": self.power.to_string(),
            "vrf_key": BASE64.encode(self.vrf),
            "operator": self.operator.as_ref().map(ToString::to_string).unwrap_or_default(),
        })
    }
}

/// Coins as the genesis file has them.
pub(crate) fn coins(coins: &[Coin]) -> Vec<Value> {
    coins.iter().map(|c| json!({ "denom": c.denom, "amount": c.amount.to_string() })).collect()
}

/// What a test network has otherwise: a proposal is decided within a minute, and one of four validators is enough, since only the first
/// one is operated by an account that somebody holds.
pub(crate) fn hurry(genesis: &mut Value) -> Result<()> {
    let rules =
        [("max_deposit_period", "120s"), ("voting_period", "60s"), ("expedited_voting_period", "30s"), ("quorum", "0.200000000000000000")];
    let params = genesis.pointer_mut("/app_state/gov/params").and_then(Value::as_object_mut).context("no app_state.gov.params")?;
    params.extend(rules.map(|(name, value)| (name.to_owned(), json!(value))));
    Ok(())
}

/// An account all of whose coins are free, as the genesis file has it.
pub(crate) fn base_account(address: &Address) -> Value {
    json!({ "@type": "/cosmos.auth.v1beta1.BaseAccount", "address": address.to_string() })
}

/// Adds an account, `account` in the file, with coins to a genesis file that no chain has started from.
pub(crate) fn add_account(genesis: &mut Value, address: &Address, funds: &Coins, account: Value) -> Result<()> {
    let text = address.to_string();
    let Some(balances) = genesis.pointer_mut("/app_state/bank/balances").and_then(Value::as_array_mut) else {
        bail!("the genesis file has no app_state.bank.balances");
    };
    if balances.iter().any(|b| b.get("address").and_then(Value::as_str) == Some(&text)) {
        bail!("{text} is in the genesis file already");
    }
    balances.push(json!({ "address": text, "coins": coins(&funds.to_vec()) }));
    let Some(accounts) = genesis.pointer_mut("/app_state/auth/accounts").and_then(Value::as_array_mut) else {
        bail!("the genesis file has no app_state.auth.accounts");
    };
    accounts.push(account);
    Ok(())
}

/// Names the operator of a validator in a genesis file that no chain has started from.
pub(crate) fn set_operator(genesis: &mut Value, validator: &[u8; 20], operator: &Address) -> Result<()> {
    let name = BASE64.encode(validator);
    let Some(validators) = genesis.pointer_mut("/app_state/beacon/validators").and_then(Value::as_array_mut) else {
        bail!("the genesis file has no app_state.beacon.validators");
    };
    let found = validators.iter_mut().find(|v| v.get("address").and_then(Value::as_str) == Some(&name));
    let Some(found) = found.and_then(Value::as_object_mut) else {
        bail!("validator {} is not in the genesis file", hex::encode(validator));
    };
    found.insert("operator".to_owned(), json!(operator.to_string()));
    staked::set_operator(genesis, validator, operator)
}

/// Coins as people write them: `10ucairn,5uatom`, sorted or not.
pub(crate) fn parse_coins(text: &str) -> Result<Coins> {
    let mut out = Coins::default();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        out.add(&parse_coin(part)?)?;
    }
    Ok(out)
}

/// One coin as people write it: `10ucairn`.
pub(crate) fn parse_coin(text: &str) -> Result<Coin> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (amount, denom) = text.split_at(split);
    if amount.is_empty() || !denom.starts_with(|c: char| c.is_ascii_alphabetic()) {
        bail!("an amount is a whole number and a denomination, such as 1000ucairn; found {text:?}");
    }
    Ok(Coin::parse(denom, amount)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_ids_carry_their_revision() {
        for good in ["cairn-local-1", "a-9", "cairn-12"] {
            assert!(check_chain_id(good).is_ok(), "{good}");
        }
        for bad in ["", "cairn", "cairn-", "-1", "cairn-01", "cairn-x", "ca irn-1", &format!("{}-1", "a".repeat(49))] {
            assert!(check_chain_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn coins_are_read_as_people_write_them() {
        assert_eq!(parse_coins("10ucairn, 5abc,3ucairn").unwrap().to_string(), "5abc,13ucairn");
        for bad in ["10", "ucairn", "1.5ucairn", "-1ucairn"] {
            assert!(parse_coin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_validator_of_the_file_gets_its_operator() {
        let key = ConsensusKey::new([3; 32]);
        let address = key.address;
        let validator = Validator { name: "a".into(), key, power: 10, vrf: [1; 32], operator: None };
        let mut genesis = Genesis { chain_id: "cairn-test-1".into(), validators: vec![validator], accounts: vec![] }.to_json().unwrap();
        let operator = Address::module("operator");
        set_operator(&mut genesis, &address, &operator).unwrap();
        assert_eq!(genesis.pointer("/app_state/beacon/validators/0/operator").unwrap(), &json!(operator.to_string()));
        let staking = |path: &str| genesis.pointer(&format!("/app_state/staking/{path}")).unwrap().clone();
        assert_eq!(staking("validators/0/operator_address"), json!(cairn_staking::operator_text(&operator)));
        assert_eq!(staking("validators/0/operator_address"), staking("delegations/0/validator_address"));
        assert_eq!(staking("delegations/0/delegator_address"), json!(operator.to_string()));
        assert!(set_operator(&mut genesis, &[0; 20], &operator).is_err());
    }

    #[test]
    fn an_account_is_added_once() {
        let mut genesis = Genesis { chain_id: "cairn-test-1".into(), ..Genesis::default() }.to_json().unwrap();
        let (address, funds) = (Address::module("x"), parse_coins("5ucairn").unwrap());
        add_account(&mut genesis, &address, &funds, base_account(&address)).unwrap();
        assert!(add_account(&mut genesis, &address, &funds, base_account(&address)).is_err());
        assert_eq!(
            genesis.pointer("/app_state/bank/balances/0/coins/0/amount").unwrap(),
            "5",
            "nobody validates, so no pool stands before it"
        );
    }
}
