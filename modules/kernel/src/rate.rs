//! Parts of amounts in basis points.

/// One whole, in basis points.
pub const BPS: u32 = 10_000;

/// floor(amount * rate / 10,000), exact for every amount; `None` only where a rate above [`BPS`] makes it exceed 2^128-1.
#[must_use]
pub fn bps(amount: u128, rate: u32) -> Option<u128> {
    let (whole, rest) = (amount / 10_000, amount % 10_000);
    let of_rest = rest.checked_mul(u128::from(rate))? / 10_000;
    whole.checked_mul(u128::from(rate))?.checked_add(of_rest)
}

#[cfg(test)]
mod tests {
    use super::bps;

    #[test]
    fn parts_are_floored_and_exact_for_every_amount() {
        assert_eq!(bps(0, 10_000), Some(0));
        assert_eq!(bps(99, 100), Some(0));
        assert_eq!(bps(100, 100), Some(1));
        assert_eq!(bps(10_001, 9_999), Some(9_999));
        assert_eq!(bps(u128::MAX, 10_000), Some(u128::MAX));
        assert_eq!(bps(u128::MAX, 5_000), Some(u128::MAX / 2));
        assert_eq!(bps(u128::MAX, 10_001), None);
        assert_eq!(bps(10, 20_000), Some(20));
    }
}
