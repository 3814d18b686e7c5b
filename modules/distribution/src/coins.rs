//! Coins with 18 decimal places, computed digit for digit as the Cosmos SDK computes its `DecCoins`.
use std::{collections::BTreeMap, fmt};

use cairn_kernel::{Coin, Coins, Dec, Result, check_denom};
use cairn_proto::cosmos::base::v1beta1::DecCoin;

use crate::Error;

/// Decimal amounts by denomination, none of them zero.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DecCoins(BTreeMap<String, Dec>);

impl DecCoins {
    /// Whole coins.
    #[must_use]
    pub fn from_coins(coins: &Coins) -> Self {
        Self(coins.iter().map(|coin| (coin.denom, Dec::from_int(coin.amount))).collect())
    }
    /// From messages and state: sorted, unique, positive.
    ///
    /// # Errors
    /// `sdk/10` for what is no denomination or out of order; what [`Dec::from_wire`] refuses.
    pub fn from_wire(coins: &[DecCoin]) -> Result<Self> {
        let mut out = BTreeMap::new();
        for coin in coins {
            check_denom(&coin.denom)?;
            let (amount, last) = (Dec::from_wire(&coin.amount)?, out.last_key_value());
            if amount.is_zero() || last.is_some_and(|(denom, _)| *denom >= coin.denom) {
                return Err(cairn_kernel::sdk::invalid_coins(format!("{} is zero or out of order", coin.denom)));
            }
            out.insert(coin.denom.clone(), amount);
        }
        Ok(Self(out))
    }
    /// As messages and state carry them.
    #[must_use]
    pub fn to_wire(&self) -> Vec<DecCoin> {
        self.0.iter().map(|(denom, amount)| DecCoin { denom: denom.clone(), amount: amount.to_wire() }).collect()
    }
    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// How much of `denom`.
    #[must_use]
    pub fn amount_of(&self, denom: &str) -> Dec {
        self.0.get(denom).cloned().unwrap_or_default()
    }
    /// Each denomination and its amount, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Dec)> {
        self.0.iter()
    }
    /// Sum.
    ///
    /// # Errors
    /// Overflow.
    pub fn add(&self, other: &Self) -> Result<Self> {
        let mut sum = self.0.clone();
        for (denom, amount) in &other.0 {
            let held = sum.entry(denom.clone()).or_default();
            *held = held.add(amount)?;
        }
        Ok(Self(sum))
    }
    /// Difference; `None` where `other` has more of a denomination.
    #[must_use]
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        let mut left = self.0.clone();
        for (denom, amount) in &other.0 {
            let rest = left.remove(denom)?.sub(amount).ok()?;
            if !rest.is_zero() {
                left.insert(denom.clone(), rest);
            }
        }
        Some(Self(left))
    }
    /// Difference, of books on which it must be there.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where it is not.
    pub(crate) fn sub(&self, other: &Self) -> Result<Self> {
        Ok(self.checked_sub(other).ok_or(Error::Corrupt("more is to be taken than there is"))?)
    }
    /// Product, to the nearest.
    ///
    /// # Errors
    /// Overflow.
    pub fn mul(&self, factor: &Dec) -> Result<Self> {
        self.each(|amount| amount.mul(factor))
    }
    /// Product, rounded down.
    ///
    /// # Errors
    /// Overflow.
    pub fn mul_truncate(&self, factor: &Dec) -> Result<Self> {
        self.each(|amount| amount.mul_truncate(factor))
    }
    /// Quotient, rounded down.
    ///
    /// # Errors
    /// Overflow; a divisor of zero.
    pub fn quo_truncate(&self, divisor: &Dec) -> Result<Self> {
        self.each(|amount| amount.quo_truncate(divisor))
    }
    /// Of each denomination the lesser amount.
    #[must_use]
    pub fn min(&self, other: &Self) -> Self {
        let lesser = |(denom, amount): (&String, &Dec)| Some((denom.clone(), amount.min(other.0.get(denom)?).clone()));
        Self(self.0.iter().filter_map(lesser).collect())
    }
    /// The whole coins, and what is left of them.
    ///
    /// # Errors
    /// A whole part beyond 2^128-1.
    pub fn truncate(&self) -> Result<(Coins, Self)> {
        let (mut whole, mut rest) = (Coins::default(), BTreeMap::new());
        for (denom, amount) in &self.0 {
            let part = amount.truncate()?;
            whole.add(&Coin::new(denom.clone(), part))?;
            let left = amount.sub(&Dec::from_int(part))?;
            if !left.is_zero() {
                rest.insert(denom.clone(), left);
            }
        }
        Ok((whole, Self(rest)))
    }

    fn each(&self, f: impl Fn(&Dec) -> Result<Dec>) -> Result<Self> {
        let mut out = BTreeMap::new();
        for (denom, amount) in &self.0 {
            let changed = f(amount)?;
            if !changed.is_zero() {
                out.insert(denom.clone(), changed);
            }
        }
        Ok(Self(out))
    }
}

impl FromIterator<(String, Dec)> for DecCoins {
    fn from_iter<I: IntoIterator<Item = (String, Dec)>>(amounts: I) -> Self {
        Self(amounts.into_iter().filter(|(_, amount)| !amount.is_zero()).collect())
    }
}

/// As the SDK shows them in events: `1.500000000000000000ucairn,...`.
impl fmt::Display for DecCoins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(denom, amount)| format!("{amount}{denom}")).collect();
        f.write_str(&parts.join(","))
    }
}
