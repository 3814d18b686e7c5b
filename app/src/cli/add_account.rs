//! `cairnd genesis add-account`: coins at genesis, all of them free or some that come free with time.
use anyhow::{Result, bail};
use cairn_kernel::{Address, Coins};
use clap::Args;
use serde_json::{Value, json};

use super::{genesis, home::Home};

/// Give an account coins at genesis.
#[derive(Debug, Args)]
pub(crate) struct AddAccountArgs {
    /// The account, or the name of a key of this home.
    account: String,
    /// What it gets, such as 1000000ucairn.
    #[arg(value_parser = genesis::parse_coins)]
    coins: Coins,
    #[command(flatten)]
    vesting: VestingArgs,
}

/// Coins that can be staked at once and sent only later.
#[derive(Debug, Clone, Default, Args)]
struct VestingArgs {
    /// How much of the coins comes free with time.
    #[arg(long, value_parser = genesis::parse_coins, requires = "vesting_end_time")]
    vesting_amount: Option<Coins>,
    /// From when on it comes free evenly, in seconds since 1970; without it, all at once at the end.
    #[arg(long, value_name = "SECONDS", requires = "vesting_amount")]
    vesting_start_time: Option<i64>,
    /// When all of it is free, in seconds since 1970.
    #[arg(long, value_name = "SECONDS", requires = "vesting_amount")]
    vesting_end_time: Option<i64>,
}

impl AddAccountArgs {
    /// Changes `genesis`, the genesis file of `home`, and tells what was done.
    pub(crate) fn add(&self, home: &Home, genesis: &mut Value) -> Result<String> {
        let address = home.account(&self.account)?;
        let account = self.vesting.account(&address, &self.coins)?;
        genesis::add_account(genesis, &address, &self.coins, account)?;
        let vests = self.vesting.vesting_amount.as_ref().map(|amount| format!(", of which {amount} vest")).unwrap_or_default();
        Ok(format!("{address} starts with {}{vests}", self.coins))
    }
}

impl VestingArgs {
    /// The account as the genesis file has it.
    fn account(&self, address: &Address, coins: &Coins) -> Result<Value> {
        let Some((amount, end)) = self.vesting_amount.as_ref().zip(self.vesting_end_time) else {
            return Ok(genesis::base_account(address));
        };
        if amount.is_empty() || coins.checked_sub(amount).is_none() {
            bail!("--vesting-amount {amount} is not a part of {coins}, which the account gets");
        }
        if end <= 0 || self.vesting_start_time.is_some_and(|start| start < 0 || start >= end) {
            bail!("vesting ends after it starts, and times are seconds since 1970, such as 1893456000; found --vesting-end-time {end}");
        }
        let base = json!({
            "base_account": { "address": address.to_string() },
            "original_vesting": genesis::coins(&amount.to_vec()),
            "end_time": end.to_string(),
        });
        Ok(match self.vesting_start_time {
            Some(start) => json!({
                "@type": "/cosmos.vesting.v1beta1.ContinuousVestingAccount",
                "base_vesting_account": base,
                "start_time": start.to_string(),
            }),
            None => json!({ "@type": "/cosmos.vesting.v1beta1.DelayedVestingAccount", "base_vesting_account": base }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{
        frame,
        genesis::{Genesis, parse_coins},
    };

    fn vesting(amount: &str, start: Option<i64>, end: i64) -> VestingArgs {
        VestingArgs { vesting_amount: Some(parse_coins(amount).unwrap()), vesting_start_time: start, vesting_end_time: Some(end) }
    }

    #[test]
    fn a_chain_begins_with_accounts_that_vest() {
        let file = Genesis { chain_id: "cairn-test-1".into(), ..Genesis::default() };
        let mut genesis = file.to_json().unwrap();
        let coins = parse_coins("1000ucairn").unwrap();
        let accounts = [VestingArgs::default(), vesting("600ucairn", Some(10), 20), vesting("1000ucairn", None, 20)];
        for (number, args) in (1..).zip(&accounts) {
            let address = Address::new(&[number; 20]).unwrap();
            genesis::add_account(&mut genesis, &address, &coins, args.account(&address, &coins).unwrap()).unwrap();
            assert!(genesis::add_account(&mut genesis, &address, &coins, json!({})).unwrap_err().to_string().contains("already"));
        }
        let folder = tempfile::tempdir().unwrap();
        let app = crate::App::open(folder.path(), crate::Settings::default()).unwrap();
        let (begun, unread) = frame::read(&genesis);
        assert_eq!(unread, [""; 0]);
        let faults = app.examine(&begun);
        assert!(matches!(faults.as_slice(), [one] if one.starts_with("nobody validates")), "nothing else: {faults:?}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let (address, coins) = (Address::new(&[1; 20]).unwrap(), parse_coins("1000ucairn").unwrap());
        for (amount, start, end) in [
            ("1001ucairn", None, 20),
            ("5uother", None, 20),
            ("5ucairn", Some(20), 20),
            ("5ucairn", Some(-1), 20),
            ("5ucairn", None, 0),
            ("", None, 9),
        ] {
            assert!(vesting(amount, start, end).account(&address, &coins).is_err(), "{amount} {start:?} {end}");
        }
        assert!(vesting("1000ucairn", Some(0), 1).account(&address, &coins).is_ok());
    }
}
