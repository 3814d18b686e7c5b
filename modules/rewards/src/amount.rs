//! Amounts in state: decimal text, as `cosmos.Int` is on the wire; nothing is zero.
use ethnum::U256;

use crate::Error;

/// From state. Refuses what [`text`] does not write.
pub(crate) fn read(text: &str) -> Result<u128, Error> {
    if text.is_empty() {
        return Ok(0);
    }
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    if canonical { text.parse().map_err(|_| Error::BadAmount) } else { Err(Error::BadAmount) }
}

/// For state.
pub(crate) fn text(amount: u128) -> String {
    amount.to_string()
}

/// Adds `by` to a stored amount.
pub(crate) fn grow(stored: &mut String, by: u128) -> Result<(), Error> {
    *stored = text(read(stored)?.checked_add(by).ok_or(Error::Overflow)?);
    Ok(())
}

/// Takes `by` off a stored amount; `None` where it is less.
pub(crate) fn shrink(stored: &mut String, by: u128) -> Result<Option<()>, Error> {
    let left = read(stored)?.checked_sub(by);
    Ok(left.map(|left| *stored = text(left)))
}

/// floor(amount * part / whole), exact; refused for a whole of zero.
pub(crate) fn share(amount: u128, part: u128, whole: u128) -> Result<u128, Error> {
    let product = U256::from(amount).checked_mul(U256::from(part)).ok_or(Error::Overflow)?;
    let quotient = product.checked_div(U256::from(whole)).ok_or(Error::Overflow)?;
    u128::try_from(quotient).map_err(|_| Error::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_survive_storage_and_nothing_else_is_read() {
        for amount in [0, 1, u128::MAX] {
            assert_eq!(read(&text(amount)).unwrap(), amount);
        }
        assert_eq!(read("").unwrap(), 0);
        for bad in ["01", "-1", "+1", " 1", "x", "340282366920938463463374607431768211456"] {
            assert_eq!(read(bad), Err(Error::BadAmount), "{bad}");
        }
    }

    #[test]
    fn parts_are_floored_and_never_wrap() {
        assert_eq!(share(10, 1, 3).unwrap(), 3);
        assert_eq!(share(u128::MAX, u128::MAX, u128::MAX).unwrap(), u128::MAX);
        assert_eq!(share(u128::MAX, 2, 1), Err(Error::Overflow));
        assert_eq!(share(1, 1, 0), Err(Error::Overflow));
    }
}
