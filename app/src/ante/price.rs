//! What this node asks for a unit of gas before it keeps a transaction in its mempool.
use std::{fmt, str::FromStr};

use cairn_kernel::{BASE_DENOM, Coin};

/// Decimal places of a price.
const PLACES: usize = 18;
const ONE: u128 = 1_000_000_000_000_000_000;

/// A price in `ucairn` for a unit of gas, with 18 decimals. Zero asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GasPrice(u128);

/// Why text is no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a price such as 0.001{BASE_DENOM} with at most {PLACES} decimals, found {0:?}")]
pub struct NotAPrice(String);

impl GasPrice {
    /// The least fee for `gas`, rounded up.
    #[must_use]
    pub fn fee(self, gas: u64) -> Coin {
        let exact = self.0.checked_mul(u128::from(gas));
        // A price so high that the product overflows is met by no amount.
        Coin::base(exact.map_or(u128::MAX, |scaled| scaled.div_ceil(ONE)))
    }
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// This price times a fraction, rounded down; `self` where that is no price.
    #[must_use]
    pub fn times(self, numerator: u32, denominator: u32) -> Self {
        let scaled = self.0.checked_mul(u128::from(numerator)).and_then(|n| n.checked_div(u128::from(denominator)));
        scaled.map_or(self, Self)
    }
    /// Without the denomination: `0.001`.
    #[must_use]
    pub fn decimal(self) -> String {
        let (whole, decimals) = (self.0.div_euclid(ONE), self.0.rem_euclid(ONE));
        let decimals = format!("{decimals:0>PLACES$}");
        match decimals.trim_end_matches('0') {
            "" => whole.to_string(),
            decimals => format!("{whole}.{decimals}"),
        }
    }
}

impl FromStr for GasPrice {
    type Err = NotAPrice;
    /// Reads `0.001ucairn`; empty text asks for nothing.
    fn from_str(text: &str) -> Result<Self, NotAPrice> {
        let refuse = || NotAPrice(text.chars().take(80).collect());
        if text.is_empty() {
            return Ok(Self::default());
        }
        let number = text.strip_suffix(BASE_DENOM).ok_or_else(refuse)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > PLACES {
            return Err(refuse());
        }
        let scaled = format!("{whole}{decimals:0<PLACES$}").parse();
        scaled.map(Self).map_err(|_| refuse())
    }
}

impl fmt::Display for GasPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() { Ok(()) } else { write!(f, "{}{BASE_DENOM}", self.decimal()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> GasPrice {
        text.parse().unwrap()
    }

    #[test]
    fn a_fee_is_rounded_up() {
        assert_eq!(price("0.001ucairn").fee(200_000), Coin::base(200));
        assert_eq!(price("0.001ucairn").fee(200_001), Coin::base(201));
        assert_eq!(price("2ucairn").fee(3), Coin::base(6));
        assert_eq!(price("").fee(u64::MAX), Coin::base(0));
        assert_eq!(price("0.000000000000000001ucairn").fee(1), Coin::base(1));
        assert_eq!(price("100000000000000000000ucairn").fee(u64::MAX), Coin::base(u128::MAX));
    }

    #[test]
    fn a_fraction_of_a_price_is_rounded_down() {
        assert_eq!(price("0.001ucairn").times(5, 4).decimal(), "0.00125");
        assert_eq!(price("0.000000000000000001ucairn").times(5, 4).decimal(), "0.000000000000000001");
        assert_eq!(price("").times(2, 1).decimal(), "0");
        assert_eq!(price("1ucairn").times(1, 0), price("1ucairn"));
    }

    #[test]
    fn text_goes_there_and_back() {
        for text in ["", "0.001ucairn", "2ucairn", "10.5ucairn", "0.000000000000000001ucairn"] {
            assert_eq!(price(text).to_string(), text);
        }
        assert_eq!(price("0.0010ucairn").to_string(), "0.001ucairn");
        assert!(price("0ucairn").is_zero());
    }

    #[test]
    fn what_is_no_price_is_refused() {
        let long = "0.0000000000000000001ucairn";
        let huge = "999999999999999999999999ucairn";
        for bad in ["1", "ucairn", ".1ucairn", "1.ucairn", "-1ucairn", "1uatom", "1.2.3ucairn", "1 ucairn", long, huge] {
            assert!(bad.parse::<GasPrice>().is_err(), "{bad}");
        }
    }
}
