//! Arithmetic that refuses to wrap.

use crate::Error;

/// `a + b`.
pub(crate) fn add(a: u64, b: u64) -> Result<u64, Error> {
    a.checked_add(b).ok_or(Error::Overflow)
}

/// `a - b`.
pub(crate) fn sub(a: u64, b: u64) -> Result<u64, Error> {
    a.checked_sub(b).ok_or(Error::Overflow)
}

/// `a * b`.
pub(crate) fn mul(a: u64, b: u64) -> Result<u64, Error> {
    a.checked_mul(b).ok_or(Error::Overflow)
}

/// `cell += by`.
pub(crate) fn raise(cell: &mut u64, by: u64) -> Result<(), Error> {
    *cell = add(*cell, by)?;
    Ok(())
}

/// `cell += by` for a change of either sign; the cell stays a count.
pub(crate) fn shift(cell: &mut u64, by: i64) -> Result<(), Error> {
    *cell = cell.checked_add_signed(by).ok_or(Error::Overflow)?;
    Ok(())
}

/// `cell += by` for a signed cell.
pub(crate) fn shift_signed(cell: &mut i64, by: i64) -> Result<(), Error> {
    *cell = cell.checked_add(by).ok_or(Error::Overflow)?;
    Ok(())
}

/// The number of items as an integer of fixed width.
pub(crate) fn count(items: usize) -> Result<u64, Error> {
    u64::try_from(items).map_err(|_| Error::Overflow)
}

/// A number that indexes memory.
pub(crate) fn index(number: u64) -> Result<usize, Error> {
    usize::try_from(number).map_err(|_| Error::Overflow)
}

/// floor(amount * part / whole) for part <= whole, without a wider integer than the amount's own.
pub(crate) fn portion(amount: u128, part: u64, whole: u64) -> Result<u128, Error> {
    let (part, whole) = (u128::from(part.min(whole)), u128::from(whole));
    let (quotient, remainder) = (amount.checked_div(whole), amount.checked_rem(whole));
    let (Some(quotient), Some(remainder)) = (quotient, remainder) else { return Err(Error::Overflow) };
    // remainder, part < 2^64, and quotient * part <= amount.
    let low = remainder.checked_mul(part).and_then(|product| product.checked_div(whole));
    quotient.checked_mul(part).zip(low).and_then(|(high, low)| high.checked_add(low)).ok_or(Error::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_is_exact_up_to_the_largest_amount() {
        assert_eq!(portion(7, 1, 2), Ok(3));
        assert_eq!(portion(u128::MAX, 5, 5), Ok(u128::MAX));
        assert_eq!(portion(u128::MAX, u64::MAX, u64::MAX), Ok(u128::MAX));
        assert_eq!(portion(u128::MAX, 1, 1 << 32), Ok(u128::MAX >> 32));
        assert_eq!(portion(1_000, 3, 2), Ok(1_000));
        assert_eq!(portion(1_000, 0, 3), Ok(0));
        assert_eq!(portion(1, 1, 0), Err(Error::Overflow));
    }

    #[test]
    fn nothing_wraps() {
        assert_eq!(add(u64::MAX, 1), Err(Error::Overflow));
        assert_eq!(sub(0, 1), Err(Error::Overflow));
        assert_eq!(mul(u64::MAX, 2), Err(Error::Overflow));
        let mut cell = 1;
        assert_eq!(shift(&mut cell, -2), Err(Error::Overflow));
        assert_eq!(shift(&mut cell, -1), Ok(()));
        assert_eq!(cell, 0);
        let mut signed = i64::MAX;
        assert_eq!(shift_signed(&mut signed, 1), Err(Error::Overflow));
    }
}
