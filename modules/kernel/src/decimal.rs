//! Decimals with 18 places that are never negative, computed digit for digit as the Cosmos SDK computes its `LegacyDec`.
use std::{fmt, sync::LazyLock};

use num_bigint::BigUint;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub, ToPrimitive, Zero};

use crate::{Result, error::Kernel};

/// Decimal places.
const PLACES: usize = 18;
/// Bits of the largest scaled integer, as in the SDK: 256 before the point and what 10^18 takes.
const MAX_BITS: u64 = 315;
/// Digits that 315 bits can have.
const MAX_DIGITS: usize = 95;
/// One, scaled.
const UNIT: u64 = 1_000_000_000_000_000_000;

/// 10^36: a quotient is taken with twice the places and then brought to 18, which the SDK's roundings depend on.
static SQUARE: LazyLock<BigUint> = LazyLock::new(|| BigUint::from(UNIT).pow(2));

/// A decimal >= 0 with 18 places. Each operation says how it rounds; a result above 315 bits (scaled) is refused, where the SDK would
/// panic.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dec(BigUint);

/// What becomes of the places beyond the 18th.
#[derive(Clone, Copy)]
enum Round {
    Down,
    Up,
    /// To the nearest, halves to the even neighbour.
    HalfEven,
}

impl Dec {
    /// Zero.
    #[must_use]
    pub fn zero() -> Self {
        Self::default()
    }
    /// One.
    #[must_use]
    pub fn one() -> Self {
        Self(UNIT.into())
    }
    /// A whole number.
    #[must_use]
    pub fn from_int(n: u128) -> Self {
        // 128 and 60 bits are below the limit.
        Self(BigUint::from(n).checked_mul(&UNIT.into()).unwrap_or_default())
    }
    /// `n / 10^places`; `None` for more than 18 places.
    #[must_use]
    pub fn with_places(n: u64, places: u32) -> Option<Self> {
        let scale = u32::try_from(PLACES).ok()?.checked_sub(places).and_then(|p| 10_u64.checked_pow(p))?;
        Some(Self(BigUint::from(n).checked_mul(&scale.into())?))
    }
    /// From the text of messages: the integer scaled by 10^18.
    ///
    /// # Errors
    /// Not a number, negative, or above 315 bits.
    pub fn from_wire(text: &str) -> Result<Self> {
        let digits = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let parsed = if digits { BigUint::parse_bytes(text.as_bytes(), 10) } else { None };
        bounded(parsed)
    }
    /// As text of messages: the integer scaled by 10^18.
    #[must_use]
    pub fn to_wire(&self) -> String {
        self.0.to_string()
    }
    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
    /// Sum.
    pub fn add(&self, other: &Self) -> Result<Self> {
        bounded(self.0.checked_add(&other.0))
    }
    /// Difference; refused below zero.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        bounded(self.0.checked_sub(&other.0))
    }
    /// Product, to the nearest.
    pub fn mul(&self, other: &Self) -> Result<Self> {
        self.times(other, Round::HalfEven)
    }
    /// Product, rounded down.
    pub fn mul_truncate(&self, other: &Self) -> Result<Self> {
        self.times(other, Round::Down)
    }
    /// Product, rounded up.
    pub fn mul_round_up(&self, other: &Self) -> Result<Self> {
        self.times(other, Round::Up)
    }
    /// Product with a whole number; exact.
    pub fn mul_int(&self, n: u128) -> Result<Self> {
        bounded(self.0.checked_mul(&n.into()))
    }
    /// Quotient, to the nearest.
    pub fn quo(&self, other: &Self) -> Result<Self> {
        self.over(other, Round::HalfEven)
    }
    /// Quotient, rounded down.
    pub fn quo_truncate(&self, other: &Self) -> Result<Self> {
        self.over(other, Round::Down)
    }
    /// Quotient, rounded up.
    pub fn quo_round_up(&self, other: &Self) -> Result<Self> {
        self.over(other, Round::Up)
    }
    /// Quotient by a whole number, rounded down.
    pub fn quo_int(&self, n: u128) -> Result<Self> {
        bounded(self.0.checked_div(&n.into()))
    }
    /// The whole part.
    pub fn truncate(&self) -> Result<u128> {
        whole(self.0.checked_div(&UNIT.into()))
    }
    /// The nearest whole number.
    pub fn round(&self) -> Result<u128> {
        whole(chop(&self.0, Round::HalfEven))
    }
    /// The least whole number that is not below.
    pub fn ceil(&self) -> Result<u128> {
        whole(chop(&self.0, Round::Up))
    }

    fn times(&self, other: &Self, round: Round) -> Result<Self> {
        bounded(self.0.checked_mul(&other.0).and_then(|product| chop(&product, round)))
    }
    fn over(&self, other: &Self, round: Round) -> Result<Self> {
        let wide = self.0.checked_mul(&SQUARE).and_then(|n| n.checked_div(&other.0));
        bounded(wide.and_then(|quotient| chop(&quotient, round)))
    }
}

/// `n / 10^18`.
fn chop(n: &BigUint, round: Round) -> Option<BigUint> {
    let unit = BigUint::from(UNIT);
    let down = n.checked_div(&unit)?;
    let rest = n.checked_sub(&down.checked_mul(&unit)?)?;
    let up = match round {
        Round::Down => false,
        Round::Up => !rest.is_zero(),
        Round::HalfEven => {
            let half = BigUint::from(UNIT / 2);
            rest > half || (rest == half && down.bit(0))
        }
    };
    if up { down.checked_add(&BigUint::from(1_u8)) } else { Some(down) }
}

fn bounded(n: Option<BigUint>) -> Result<Dec> {
    n.filter(|n| n.bits() <= MAX_BITS).map(Dec).ok_or_else(|| Kernel::Arithmetic.into())
}

fn whole(n: Option<BigUint>) -> Result<u128> {
    n.and_then(|n| n.to_u128()).ok_or_else(|| Kernel::Arithmetic.into())
}

/// With all 18 places, as the SDK shows it in JSON and events.
impl fmt::Display for Dec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>1$}", self.0.to_string(), PLACES.saturating_add(1));
        let (whole, places) = digits.split_at(digits.len().saturating_sub(PLACES));
        write!(f, "{whole}.{places}")
    }
}

impl fmt::Debug for Dec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From decimal text, for tests.
    fn dec(text: &str) -> Dec {
        let (whole, places) = text.split_once('.').unwrap_or((text, ""));
        Dec::from_wire(&format!("{whole}{places:0<18}")).unwrap()
    }

    #[test]
    fn texts_are_those_of_the_sdk() {
        for (wire, shown) in [
            ("0", "0.000000000000000000"),
            ("5", "0.000000000000000005"),
            ("50000000000000000", "0.050000000000000000"),
            ("1000000000000000000", "1.000000000000000000"),
            ("1234567000000000000000001", "1234567.000000000000000001"),
        ] {
            let read = Dec::from_wire(wire).unwrap();
            assert_eq!((read.to_string(), read.to_wire()), (shown.to_owned(), wire.to_owned()));
        }
        for bad in ["", "-1", "+1", "1.0", "1e3", " 1", &"9".repeat(96)] {
            assert!(Dec::from_wire(bad).is_err(), "{bad}");
        }
        let largest = (BigUint::from(1_u8) << 315_u32) - 1_u8;
        assert!(Dec::from_wire(&largest.to_string()).is_ok());
        assert!(Dec::from_wire(&(largest + 1_u8).to_string()).is_err());
    }

    /// Against what the SDK itself computed (`proto/descriptors/vectors`).
    #[test]
    fn numbers_are_those_of_the_sdk() {
        for line in include_str!("decimal_vectors.txt").lines() {
            let numbers: Vec<Dec> = line.split(' ').map(|text| Dec::from_wire(text).unwrap()).collect();
            let [a, b, expected @ ..] = numbers.as_slice() else { panic!("{line}") };
            let found = [a.mul(b), a.mul_truncate(b), a.mul_round_up(b), a.quo(b), a.quo_truncate(b), a.quo_round_up(b)];
            assert_eq!(found.map(Result::unwrap).as_slice(), expected, "{line}");
        }
    }

    #[test]
    fn products_round_as_named() {
        let tiny = Dec::from_wire("1").unwrap();
        let half = dec("0.5");
        // Half of the last place: to even, down, up.
        assert_eq!(tiny.mul(&half).unwrap().to_wire(), "0");
        assert_eq!(Dec::from_wire("3").unwrap().mul(&half).unwrap().to_wire(), "2");
        assert_eq!(Dec::from_wire("3").unwrap().mul_truncate(&half).unwrap().to_wire(), "1");
        assert_eq!(tiny.mul_round_up(&half).unwrap().to_wire(), "1");
        assert_eq!(Dec::from_wire("4").unwrap().mul_round_up(&half).unwrap().to_wire(), "2");
        assert_eq!(dec("1.5").mul_int(7).unwrap(), dec("10.5"));
    }

    #[test]
    fn quotients_round_as_named() {
        let (one, three) = (Dec::one(), Dec::from_int(3));
        assert_eq!(one.quo(&three).unwrap().to_string(), "0.333333333333333333");
        assert_eq!(Dec::from_int(2).quo(&three).unwrap().to_string(), "0.666666666666666667");
        assert_eq!(Dec::from_int(2).quo_truncate(&three).unwrap().to_string(), "0.666666666666666666");
        assert_eq!(one.quo_round_up(&three).unwrap().to_string(), "0.333333333333333334");
        assert_eq!(Dec::from_int(6).quo_round_up(&three).unwrap(), Dec::from_int(2));
        assert_eq!(Dec::from_int(10).quo_int(4).unwrap(), dec("2.5"));
        assert!(one.quo(&Dec::zero()).is_err());
        assert!(one.quo_int(0).is_err());
    }

    /// A quotient is cut at 36 places before it is rounded: what lies beyond them is not seen.
    #[test]
    fn quotients_are_cut_before_they_are_rounded() {
        // 10^-18 / (2 * 10^18 - 10^-18) is a little more than half a last place of the 36th; the SDK sees nothing of it at 18.
        let divisor = Dec::from_int(2_000_000_000_000_000_000).sub(&Dec::from_wire("1").unwrap()).unwrap();
        assert_eq!(Dec::from_wire("1").unwrap().quo_round_up(&divisor).unwrap(), Dec::zero());
    }

    #[test]
    fn whole_numbers_and_their_limits() {
        assert_eq!(dec("2.5").round().unwrap(), 2);
        assert_eq!(dec("3.5").round().unwrap(), 4);
        assert_eq!(dec("2.500000000000000001").round().unwrap(), 3);
        assert_eq!((dec("2.9").truncate().unwrap(), dec("2.1").ceil().unwrap(), dec("2").ceil().unwrap()), (2, 3, 2));
        assert_eq!(Dec::from_int(u128::MAX).truncate().unwrap(), u128::MAX);
        let beyond = Dec::from_int(u128::MAX).add(&Dec::one()).unwrap();
        assert!(beyond.truncate().is_err());
        assert!(Dec::zero().sub(&Dec::one()).is_err());
        let mut large = beyond;
        assert!(
            (0..3)
                .try_for_each(|_| {
                    large = large.mul_int(u128::MAX)?;
                    Ok::<_, crate::Error>(())
                })
                .is_err()
        );
        assert_eq!(Dec::with_places(5, 2).unwrap(), dec("0.05"));
        assert!(Dec::with_places(1, 19).is_none());
    }
}
