//! 256-bit integers of income: stored as big-endian bytes without leading zeros, at scale 2^64 where sub-unit exactness matters.
use cairn_kernel::Result;
use ethnum::U256;

use crate::Error;

/// log2 of the scale S at which accumulators and debts are kept.
const SCALE_BITS: u32 = 64;

/// From state. Refuses more than 32 bytes and leading zeros, which [`store`] never writes.
pub(crate) fn load(bytes: &[u8]) -> Result<U256> {
    let start = 32_usize.checked_sub(bytes.len()).filter(|_| bytes.first() != Some(&0)).ok_or(Error::BadInteger)?;
    let mut wide = [0; 32];
    wide.get_mut(start..).ok_or(Error::BadInteger)?.copy_from_slice(bytes);
    Ok(U256::from_be_bytes(wide))
}

/// For state.
pub(crate) fn store(value: U256) -> Vec<u8> {
    value.to_be_bytes().iter().copied().skip_while(|b| *b == 0).collect()
}

/// `value` at scale S.
pub(crate) fn scale(value: U256) -> Result<U256> {
    let scale = U256::ONE.checked_shl(SCALE_BITS).ok_or(Error::Overflow)?;
    Ok(value.checked_mul(scale).ok_or(Error::Overflow)?)
}

/// Whole units of a scaled value.
pub(crate) fn whole(scaled: U256) -> Result<U256> {
    Ok(scaled.checked_shr(SCALE_BITS).ok_or(Error::Overflow)?)
}

/// Sum.
pub(crate) fn add(a: U256, b: U256) -> Result<U256> {
    Ok(a.checked_add(b).ok_or(Error::Overflow)?)
}

/// Difference; refused below zero.
pub(crate) fn sub(a: U256, b: U256) -> Result<U256> {
    Ok(a.checked_sub(b).ok_or(Error::Overflow)?)
}

/// Product.
pub(crate) fn mul(a: U256, b: U256) -> Result<U256> {
    Ok(a.checked_mul(b).ok_or(Error::Overflow)?)
}

/// Quotient and remainder; refused by zero.
pub(crate) fn div_rem(a: U256, b: U256) -> Result<(U256, U256)> {
    Ok((a.checked_div(b).ok_or(Error::Overflow)?, a.checked_rem(b).ok_or(Error::Overflow)?))
}

/// An amount that a balance can hold.
pub(crate) fn narrow(value: U256) -> Result<u128> {
    Ok(u128::try_from(value).map_err(|_| Error::Overflow)?)
}

/// Adds `amount` to a stored total.
pub(crate) fn grow(total: &mut Vec<u8>, amount: u128) -> Result<()> {
    *total = store(add(load(total)?, amount.into())?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_survive_storage_without_leading_zeros() {
        for value in [U256::ZERO, U256::ONE, U256::from(255_u32), U256::from(256_u32), U256::from(u128::MAX), U256::MAX] {
            let bytes = store(value);
            assert_ne!(bytes.first(), Some(&0));
            assert_eq!(load(&bytes).unwrap(), value);
        }
        assert!(store(U256::ZERO).is_empty());
        assert!(load(&[0, 1]).is_err());
        assert!(load(&[1; 33]).is_err());
    }

    #[test]
    fn nothing_wraps() {
        assert!(scale(U256::MAX).is_err());
        assert!(add(U256::MAX, U256::ONE).is_err());
        assert!(sub(U256::ZERO, U256::ONE).is_err());
        assert!(mul(U256::MAX, U256::MAX).is_err());
        assert!(div_rem(U256::ONE, U256::ZERO).is_err());
        assert!(narrow(U256::from(u128::MAX).checked_add(U256::ONE).unwrap()).is_err());
        assert_eq!(whole(scale(U256::from(7_u32)).unwrap()).unwrap(), U256::from(7_u32));
    }
}
