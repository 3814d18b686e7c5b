//! Exact fractions of any length: sums of quotients, compared by cross-multiplication.

use std::cmp::Ordering;

/// A whole number as digits to the base 2^64, lowest first, without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Natural(Vec<u64>);

/// The halves of a product and its carries: u64 * u64 + u64 + u64 < 2^128.
fn split(wide: u128) -> (u64, u64) {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
    let low = wide as u64;
    (low, u64::try_from(wide >> 64).unwrap_or(u64::MAX))
}

impl Natural {
    fn new(number: u64) -> Natural {
        Natural(vec![number]).trimmed()
    }

    fn trimmed(mut self) -> Natural {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    fn times(&self, factor: u64) -> Natural {
        let mut carry = 0u64;
        let mut digits = Vec::with_capacity(self.0.len().saturating_add(1));
        for &digit in &self.0 {
            let (low, high) = split(u128::from(digit).saturating_mul(factor.into()).saturating_add(carry.into()));
            digits.push(low);
            carry = high;
        }
        digits.push(carry);
        Natural(digits).trimmed()
    }

    fn plus(&self, other: &Natural) -> Natural {
        let mut carry = 0u64;
        let mut digits = vec![];
        for place in 0..self.0.len().max(other.0.len()) {
            let digit = |of: &Natural| u128::from(of.0.get(place).copied().unwrap_or(0));
            let (low, high) = split(digit(self).saturating_add(digit(other)).saturating_add(carry.into()));
            digits.push(low);
            carry = high;
        }
        digits.push(carry);
        Natural(digits).trimmed()
    }

    /// The difference; zero where the other one is larger.
    fn minus(&self, other: &Natural) -> Natural {
        let mut borrow = false;
        let mut digits = vec![];
        for (place, &digit) in self.0.iter().enumerate() {
            let (first, under) = digit.overflowing_sub(other.0.get(place).copied().unwrap_or(0));
            let (second, again) = first.overflowing_sub(borrow.into());
            digits.push(second);
            borrow = under || again;
        }
        if borrow { Natural(vec![]) } else { Natural(digits).trimmed() }
    }

    fn product(&self, other: &Natural) -> Natural {
        let mut sum = Natural(vec![]);
        for &digit in other.0.iter().rev() {
            // Horner: one digit further up, plus this digit's part.
            if !sum.0.is_empty() {
                sum.0.insert(0, 0);
            }
            sum = sum.plus(&self.times(digit));
        }
        sum
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Natural) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Natural) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An exact fraction, not negative. Compared by value: 1/2 equals 2/4.
#[derive(Debug, Clone)]
pub struct Ratio {
    part: Natural,
    whole: Natural,
}

fn common(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

impl Ratio {
    /// `part / whole`. A whole of zero counts as one.
    pub fn new(part: u64, whole: u64) -> Ratio {
        let whole = whole.max(1);
        let divisor = common(part, whole);
        let lowest = |number: u64| Natural::new(number.checked_div(divisor).unwrap_or(number));
        Ratio { part: lowest(part), whole: lowest(whole) }
    }

    /// Adds `part / whole`.
    pub(super) fn add(&mut self, part: u64, whole: u64) {
        let divisor = common(part, whole).max(1);
        let (part, whole) = (part.checked_div(divisor).unwrap_or(part), whole.checked_div(divisor).unwrap_or(whole));
        self.part = self.part.times(whole).plus(&self.whole.times(part));
        self.whole = self.whole.times(whole);
    }

    /// Multiplies by `part / whole`; a whole of zero counts as one.
    pub(super) fn scale(&mut self, part: u64, whole: u64) {
        self.part = self.part.times(part);
        self.whole = self.whole.times(whole.max(1));
    }

    /// Whether it is at least so many 1/10,000.
    pub fn is_at_least(&self, bps: u32) -> bool {
        self.part.times(10_000) >= self.whole.times(bps.into())
    }

    /// floor(2^64 * ratio), at most 2^64.
    pub fn floor_q64(&self) -> u128 {
        if self.part >= self.whole {
            return 1 << 64;
        }
        let (mut rest, mut quotient) = (self.part.clone(), 0u128);
        for _ in 0..64 {
            rest = rest.times(2);
            quotient <<= 1;
            if rest >= self.whole {
                rest = rest.minus(&self.whole);
                quotient |= 1;
            }
        }
        quotient
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Ratio) -> Ordering {
        self.part.product(&other.whole).cmp(&other.part.product(&self.whole))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Ratio) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Stream;

    #[test]
    fn numbers_of_many_digits_follow_the_rules() {
        let mut stream = Stream::new(62);
        for _ in 0..2_000 {
            let [a, b] = [0; 2].map(|_| u128::from(stream.next()) << stream.below(60) | u128::from(stream.next()));
            let natural = |number: u128| {
                let (low, high) = split(number);
                Natural(vec![low, high]).trimmed()
            };
            let factor = stream.next() >> 60;
            assert_eq!(natural(a >> 8).times(factor), natural((a >> 8) * u128::from(factor)));
            assert_eq!(natural(a >> 1).plus(&natural(b >> 1)), natural((a >> 1) + (b >> 1)));
            assert_eq!(natural(a.max(b)).minus(&natural(a.min(b))), natural(a.abs_diff(b)));
            assert_eq!(natural(a).cmp(&natural(b)), a.cmp(&b));
            let (x, y) = (natural(a), natural(b));
            // (x + y)^2 = x^2 + 2xy + y^2
            let sum = x.plus(&y);
            let parts = x.product(&x).plus(&x.product(&y).times(2)).plus(&y.product(&y));
            assert_eq!(sum.product(&sum), parts);
        }
    }

    #[test]
    fn sums_of_fractions_are_exact() {
        let mut sum = Ratio::new(0, 1);
        for _ in 0..3 {
            sum.add(1, 3);
        }
        sum.add(0, 7);
        assert_eq!(sum, Ratio::new(1, 1));
        assert_eq!(sum.floor_q64(), 1 << 64);
        let mut harmonic = Ratio::new(0, 1);
        (1..=200).for_each(|n| harmonic.add(1, n * (n + 1)));
        assert_eq!(harmonic, Ratio::new(200, 201));
        assert!(harmonic > Ratio::new(199, 200) && harmonic < Ratio::new(201, 202));
        harmonic.scale(201, 400);
        assert_eq!(harmonic, Ratio::new(1, 2));
        assert!(harmonic.is_at_least(5_000) && !harmonic.is_at_least(5_001));
        assert_eq!(harmonic.floor_q64(), 1 << 63);
        assert_eq!(Ratio::new(1, 3).floor_q64(), ((1u128 << 64) - 1) / 3);
        assert_eq!(Ratio::new(u64::MAX, u64::MAX), Ratio::new(3, 3));
        assert_eq!(Ratio::new(0, 0), Ratio::new(0, 5));
    }
}
