//! The stakes of genesis validators: each with what its power stands for, delegated by its operator to itself.
use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_kernel::{Address, BASE_DENOM, Dec};
use cairn_proto::{
    Timestamp,
    cosmos::{
        crypto::ed25519::PubKey,
        staking::v1beta1::{BondStatus, Commission, CommissionRates, Delegation, Description, GenesisState, Validator as Record},
    },
    pack,
};
use cairn_staking::{BONDED_POOL, POWER_REDUCTION, default_params, operator_text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::genesis::Validator;

/// Commission of a genesis validator, its bound and the step of a day, in percent.
const COMMISSION: [u64; 3] = [5, 20, 1];

/// What a validator's power stands for, in base units.
fn tokens(validator: &Validator) -> Result<u128> {
    let power = u128::try_from(validator.power).ok().filter(|power| *power > 0).context("a validator's power must be positive")?;
    power.checked_mul(POWER_REDUCTION).context("a validator's power is too large")
}

/// Who stakes for each validator: its operator, if that is an account which operates no other one; else the account of its consensus address,
/// which nobody holds, so that its stake stays where it is.
fn operators(validators: &[Validator]) -> Vec<Address> {
    let mut taken = BTreeSet::new();
    let own = |v: &Validator| Address::new(&v.key.address).unwrap_or_else(|_| Address::module(&v.name));
    validators.iter().map(|v| v.operator.filter(|operator| taken.insert(*operator)).unwrap_or_else(|| own(v))).collect()
}

/// Staking's part of the genesis file: the validators as CometBFT's part has them, bonded.
pub(super) fn genesis(validators: &[Validator]) -> Result<GenesisState> {
    let (mut records, mut delegations) = (Vec::new(), Vec::new());
    for (validator, operator) in validators.iter().zip(operators(validators)) {
        let (tokens, epoch) = (tokens(validator)?, Timestamp::default());
        let (shares, name) = (Dec::from_int(tokens).to_wire(), operator_text(&operator));
        let [rate, max_rate, max_change_rate] = COMMISSION.map(|percent| Dec::with_places(percent, 2).unwrap_or_default().to_wire());
        records.push(Record {
            operator_address: name.clone(),
            consensus_pubkey: Some(pack(&PubKey { key: validator.key.pub_key.to_vec() })),
            status: BondStatus::Bonded.into(),
            tokens: tokens.to_string(),
            delegator_shares: shares.clone(),
            description: Some(Description { moniker: validator.name.clone(), ..Description::default() }),
            unbonding_time: Some(epoch),
            commission: Some(Commission {
                commission_rates: Some(CommissionRates { rate, max_rate, max_change_rate }),
                update_time: Some(epoch),
            }),
            min_self_delegation: "1".to_owned(),
            ..Record::default()
        });
        delegations.push(Delegation { delegator_address: operator.to_string(), validator_address: name, shares });
    }
    Ok(GenesisState { params: Some(default_params()), validators: records, delegations, ..GenesisState::default() })
}

/// The balance of the pool that holds the validators' tokens; none without validators.
pub(super) fn pool(validators: &[Validator]) -> Result<Vec<Value>> {
    let sum = validators.iter().map(tokens).sum::<Result<u128>>()?;
    if sum == 0 {
        return Ok(Vec::new());
    }
    let coins = json!([{ "denom": BASE_DENOM, "amount": sum.to_string() }]);
    Ok(vec![json!({ "address": BONDED_POOL.address().to_string(), "coins": coins })])
}

/// Hands a validator's stake over to `operator`.
pub(super) fn set_operator(genesis: &mut Value, validator: &[u8; 20], operator: &Address) -> Result<()> {
    let Some(staking) = genesis.pointer_mut("/app_state/staking") else { bail!("the genesis file has no app_state.staking") };
    let (name, account) = (operator_text(operator), operator.to_string());
    let list =
        |staking: &mut Value, path: &str| staking.get_mut(path).and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    let (mut validators, mut delegations) = (list(staking, "validators"), list(staking, "delegations"));
    if validators.iter().any(|v| v.get("operator_address").and_then(Value::as_str) == Some(&name) && !is(v, validator)) {
        bail!("{account} operates another validator of the file; an account operates one");
    }
    let found = validators.iter_mut().find(|v| is(v, validator)).with_context(|| format!("no validator {}", hex::encode(validator)))?;
    let before = found.get("operator_address").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(fields) = found.as_object_mut() {
        fields.insert("operator_address".to_owned(), json!(name));
    }
    for delegation in delegations.iter_mut().filter_map(Value::as_object_mut) {
        if delegation.get("validator_address").and_then(Value::as_str) == Some(&before) {
            delegation.insert("validator_address".to_owned(), json!(name));
            delegation.insert("delegator_address".to_owned(), json!(account));
        }
    }
    if let Some(fields) = staking.as_object_mut() {
        fields.insert("validators".to_owned(), Value::Array(validators));
        fields.insert("delegations".to_owned(), Value::Array(delegations));
    }
    Ok(())
}

/// Whether a record is of the validator with this consensus address.
fn is(record: &Value, validator: &[u8; 20]) -> bool {
    let key = record.pointer("/consensus_pubkey/key").and_then(Value::as_str).and_then(|text| BASE64.decode(text).ok());
    key.is_some_and(|key| Sha256::digest(key).starts_with(validator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::comet::ConsensusKey;

    fn validator(n: u8, operator: Option<Address>) -> Validator {
        Validator { name: format!("node{n}"), key: ConsensusKey::new([n; 32]), power: 10, vrf: [n; 32], operator }
    }

    #[test]
    fn an_account_stakes_for_one_validator() {
        let (one, two) = (Address::module("one"), Address::module("two"));
        let all = [validator(1, Some(one)), validator(2, Some(one)), validator(3, None), validator(4, Some(two))];
        let found = operators(&all);
        assert_eq!((found[0], found[3]), (one, two));
        assert_eq!([found[1].as_bytes(), found[2].as_bytes()], [&all[1].key.address, &all[2].key.address]);
        let genesis = genesis(&all).unwrap();
        assert_eq!((genesis.validators.len(), genesis.delegations.len()), (4, 4));
        assert_eq!(pool(&all).unwrap()[0].pointer("/coins/0/amount").unwrap(), "40000000");
        assert!(pool(&[]).unwrap().is_empty());
        assert!(pool(&[Validator { power: 0, ..validator(1, None) }]).is_err());
    }
}
