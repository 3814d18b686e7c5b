//! Amounts of one denomination and sorted sets of them.
use std::{collections::BTreeMap, fmt};

use crate::{Result, sdk};

/// The chain's own denomination, in which fees are paid; 10^6 make one CAIRN.
pub const BASE_DENOM: &str = "ucairn";

/// Refuses what is no denomination: `[a-zA-Z][a-zA-Z0-9/:._-]{2,127}`.
pub fn check_denom(denom: &str) -> Result<()> {
    let bytes = denom.as_bytes();
    let tail_ok = bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(b));
    let ok = (3..=128).contains(&bytes.len()) && bytes.first().is_some_and(u8::is_ascii_alphabetic) && tail_ok;
    if ok {
        return Ok(());
    }
    let shown: String = denom.chars().take(130).collect();
    Err(sdk::invalid_coins(format!("invalid denom: {}", shown.escape_debug())))
}

/// An amount of base units of one denomination.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Coin {
    /// Which coin.
    pub denom: String,
    /// How many base units.
    pub amount: u128,
}

impl Coin {
    /// Of parts that are known to be well formed.
    #[must_use]
    pub fn new(denom: impl Into<String>, amount: u128) -> Self {
        Self { denom: denom.into(), amount }
    }
    /// `amount` of the chain's own coin.
    #[must_use]
    pub fn base(amount: u128) -> Self {
        Self::new(BASE_DENOM, amount)
    }
    /// From the two strings of a `cosmos.base.v1beta1.Coin`; zero is allowed here, see [`Coin::positive`].
    pub fn parse(denom: &str, amount: &str) -> Result<Self> {
        check_denom(denom)?;
        let canonical = !amount.is_empty()
            && amount.len() <= 39
            && amount.bytes().all(|b| b.is_ascii_digit())
            && (amount == "0" || !amount.starts_with('0'));
        let parsed = if canonical { amount.parse::<u128>().ok() } else { None };
        let shown: String = amount.chars().take(60).collect();
        let amount = parsed.ok_or_else(|| sdk::invalid_coins(format!("amount must be an integer from 0 to 2^128-1, found {shown:?}")))?;
        Ok(Self::new(denom, amount))
    }
    /// Refuses an amount of zero.
    pub fn positive(self) -> Result<Self> {
        if self.amount == 0 { Err(sdk::invalid_coins(format!("amount of {} must be positive", self.denom))) } else { Ok(self) }
    }
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.amount, self.denom)
    }
}

/// Coins of different denominations, sorted, none of them zero.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coins(BTreeMap<String, u128>);

impl Coins {
    /// As messages carry them: sorted by denomination, without repetition, all positive.
    pub fn strict(coins: Vec<Coin>) -> Result<Self> {
        let mut last: Option<String> = None;
        let mut out = BTreeMap::new();
        for coin in coins {
            let coin = coin.positive()?;
            if last.as_ref().is_some_and(|l| *l >= coin.denom) {
                return Err(sdk::invalid_coins(format!("denominations must be sorted and unique, found {} out of place", coin.denom)));
            }
            last = Some(coin.denom.clone());
            out.insert(coin.denom, coin.amount);
        }
        Ok(Self(out))
    }
    /// Adds `coin`; zero changes nothing.
    pub fn add(&mut self, coin: &Coin) -> Result<()> {
        let held = self.amount_of(&coin.denom);
        let sum = held.checked_add(coin.amount).ok_or_else(|| sdk::invalid_coins(format!("sum of {} exceeds 2^128-1", coin.denom)))?;
        if sum > 0 {
            self.0.insert(coin.denom.clone(), sum);
        }
        Ok(())
    }
    /// What is left without `other`; `None` if `other` has more of a coin.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        let mut left = self.clone();
        for (denom, taken) in &other.0 {
            match self.amount_of(denom).checked_sub(*taken)? {
                0 => left.0.remove(denom),
                rest => left.0.insert(denom.clone(), rest),
            };
        }
        Some(left)
    }
    /// How much of `denom`.
    #[must_use]
    pub fn amount_of(&self, denom: &str) -> u128 {
        self.0.get(denom).copied().unwrap_or(0)
    }
    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The coins in order.
    pub fn iter(&self) -> impl Iterator<Item = Coin> + '_ {
        self.0.iter().map(|(d, a)| Coin::new(d.clone(), *a))
    }
    /// The coins in order.
    #[must_use]
    pub fn to_vec(&self) -> Vec<Coin> {
        self.iter().collect()
    }
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.iter().map(|c| c.to_string()).collect();
        f.write_str(&parts.join(","))
    }
}
