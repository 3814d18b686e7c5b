//! Funding the load's accounts in a genesis file, Cairn's or the SDK's: both have `auth.accounts` and `bank.balances`.
use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};
use bech32::Hrp;
use serde_json::{Value, json};

use crate::account::Account;

/// What each account holds: enough for any number of sends and fees.
const FUNDS: u64 = 1_000_000_000_000;
/// These stand in a genesis file where long text goes: a JSON tree of a million of them would take gigabytes.
const STATE: &str = "@state@";
const ACCOUNTS: &str = "@accounts@";
const BALANCES: &str = "@balances@";

/// Reads a JSON file.
pub(crate) fn read(path: &Path) -> Result<Value> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))
}

/// Writes a genesis file: `doc`, with the text `app_state` in place of what it has under that name.
pub(crate) fn write(path: &Path, mut doc: Value, app_state: &str) -> Result<()> {
    let fields = doc.as_object_mut().context("genesis is no object")?;
    fields.insert("app_state".into(), json!(STATE));
    let text = doc.to_string().replacen(&format!("\"{STATE}\""), app_state, 1);
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The text of `app_state` with `accounts` added, each with the same coins.
pub(crate) fn funded(mut app_state: Value, accounts: &[Account], prefix: Hrp, denom: &str) -> Result<String> {
    for (path, mark) in [("/auth/accounts", ACCOUNTS), ("/bank/balances", BALANCES)] {
        let list = app_state.pointer_mut(path).and_then(Value::as_array_mut).with_context(|| format!("genesis has no {path}"))?;
        list.push(json!(mark));
    }
    // The SDK compares this list with the balances, if there is one.
    if let Some(supply) = app_state.pointer_mut("/bank/supply") {
        *supply = json!([]);
    }
    let (mut entries, mut balances) = (String::new(), String::new());
    for account in accounts {
        let address = account.text(prefix)?;
        let comma = if entries.is_empty() { "" } else { "," };
        write!(entries, r#"{comma}{{"@type":"/cosmos.auth.v1beta1.BaseAccount","address":"{address}"}}"#)?;
        write!(balances, r#"{comma}{{"address":"{address}","coins":[{{"denom":"{denom}","amount":"{FUNDS}"}}]}}"#)?;
    }
    let text = app_state.to_string();
    Ok(text.replacen(&format!("\"{ACCOUNTS}\""), &entries, 1).replacen(&format!("\"{BALANCES}\""), &balances, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_join_those_that_are_there() {
        let state = json!({
            "auth": { "accounts": [{ "address": "a" }] },
            "bank": { "balances": [{ "address": "a" }], "supply": [{ "denom": "stake", "amount": "1" }] },
        });
        let accounts = crate::account::accounts(2).unwrap();
        let text = funded(state, &accounts, Hrp::parse("cosmos").unwrap(), "stake").unwrap();
        let state: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(state.pointer("/auth/accounts").unwrap().as_array().unwrap().len(), 3);
        assert_eq!(state.pointer("/bank/balances/2/coins/0/denom").unwrap(), "stake");
        assert_eq!(state.pointer("/bank/supply").unwrap(), &json!([]));
        assert!(funded(json!({}), &accounts, Hrp::parse("cosmos").unwrap(), "stake").is_err());
    }
}
