//! An item under work: its strength in fixed point, and one step of the MM algorithm with momentum.

use crate::{
    Error, ONE,
    bytes::Reader,
    exact::add,
    fixed::{log2, power},
    posterior::WHOLE,
};

/// Numbers of an item on a page of items.
pub(crate) const ITEM_WIDTH: usize = 6;
/// A strength of one: 36 fraction bits.
const EVEN: u64 = 1 << 36;
/// Strengths lie between 2^-24 and 2^24.
const LEAST: u64 = EVEN >> 24;
const MOST: u64 = EVEN << 24;
/// Fraction bits of a reciprocal of strengths, in the unit of strengths: 2^12 to 2^60, so that a sum over all tasks fits 97 bits.
const RECIPROCAL_BITS: u32 = 84;
/// One comparison in units of 1/131,070, so that halves of posteriors are whole numbers.
const COMPARISON: u64 = 2 * WHOLE as u64;
/// The momentum moves a rating by at most this (Q16).
const FURTHEST: i64 = 16 << 16;

/// An item under work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    /// Wins in units of 1/131,070, a tie is half a win.
    pub(super) wins: u64,
    pub(super) comparisons: u64,
    /// The strength at which the next pass looks: with momentum.
    pub(super) strength: u64,
    /// The strength that the last pass found.
    found: u64,
    /// Sum over the comparisons of 2^84 / (strength + strength of the other).
    reciprocals: u128,
}

/// How a step moved an item.
pub(super) struct Advance {
    /// By how much the rating moved (Q16).
    pub(super) moved: u64,
    /// Above zero where the step undid what the momentum had added (Q32).
    pub(super) against: i64,
}

/// 2^84 / (a + b), rounded down.
pub(super) fn reciprocal(a: u64, b: u64) -> Result<u128, Error> {
    (1u128 << RECIPROCAL_BITS).checked_div(add(a, b)?.into()).ok_or(Error::Overflow)
}

impl Item {
    pub(super) fn read(row: &[u64]) -> Result<Item, Error> {
        let [wins, comparisons, strength, found, high, low] = *row else { return Err(Error::Inconsistent) };
        // A page that was never written is all zeros: every item begins with a strength of one.
        let begun = |strength: u64| if strength == 0 { EVEN } else { strength };
        let reciprocals = u128::from(high) << 64 | u128::from(low);
        Ok(Item { wins, comparisons, strength: begun(strength), found: begun(found), reciprocals })
    }

    pub(super) fn write(&self, row: &mut [u64]) -> Result<(), Error> {
        let bytes = self.reciprocals.to_be_bytes();
        let mut reader = Reader(&bytes);
        let (Some(high), Some(low)) = (reader.u64(), reader.u64()) else { return Err(Error::Inconsistent) };
        row.copy_from_slice(&[self.wins, self.comparisons, self.strength, self.found, high, low]);
        Ok(())
    }

    /// Takes in a comparison in a pass.
    pub(super) fn meet(&mut self, reciprocal: u128) -> Result<(), Error> {
        self.reciprocals = self.reciprocals.checked_add(reciprocal).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// log2 of the strength found, Q16.
    pub(super) fn rating(&self) -> Result<i64, Error> {
        log2(self.found).checked_sub(log2(EVEN)).ok_or(Error::Overflow)
    }

    /// Ends a pass. The new strength is wins / sum of reciprocals (Hunter), where a comparison with an item of strength one, half won
    /// and half lost, is added to both; from there (k - 1) / (k + 2) of the way that the strength came since the last pass, k being the
    /// `streak`, leads on to where the next pass looks (Nesterov).
    pub(super) fn advance(&mut self, streak: u16) -> Result<Advance, Error> {
        let wins = u128::from(add(self.wins, COMPARISON / 2)?).checked_mul(1 << RECIPROCAL_BITS);
        let sum = self.reciprocals.checked_add(reciprocal(self.strength, EVEN)?);
        let weighted = sum.and_then(|sum| sum.checked_mul(COMPARISON.into()));
        let next = wins.zip(weighted).and_then(|(wins, weighted)| wins.checked_div(weighted)).ok_or(Error::Overflow)?;
        let next = u64::try_from(next.clamp(LEAST.into(), MOST.into())).map_err(|_| Error::Overflow)?;
        let step = |from: u64| log2(next).checked_sub(log2(from)).ok_or(Error::Overflow);
        let (from_looked, from_found) = (step(self.strength)?, step(self.found)?);
        let against = from_looked.checked_neg().and_then(|back| back.checked_mul(from_found)).ok_or(Error::Overflow)?;
        self.strength = carried(next, from_found, streak.into())?;
        (self.found, self.reciprocals) = (next, 0);
        Ok(Advance { moved: from_looked.unsigned_abs(), against })
    }
}

/// A strength that goes on in the direction in which its rating came.
fn carried(strength: u64, came: i64, streak: i64) -> Result<u64, Error> {
    let parts = (streak.checked_sub(1), streak.checked_add(2));
    let (Some(part), Some(whole)) = parts else { return Err(Error::Overflow) };
    let mut on = came.checked_mul(part).and_then(|way| way.checked_div(whole)).ok_or(Error::Overflow)?;
    on = on.clamp(FURTHEST.saturating_neg(), FURTHEST);
    let factor = u128::from(power(on.unsigned_abs()));
    let strength = u128::from(strength);
    let moved = if on < 0 {
        strength.checked_mul(factor).map(|product| product >> 32)
    } else {
        strength.checked_mul(ONE.into()).and_then(|product| product.checked_div(factor))
    };
    u64::try_from(moved.ok_or(Error::Overflow)?.clamp(LEAST.into(), MOST.into())).map_err(|_| Error::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_survives_its_row_and_begins_at_one() {
        let mut row = [0; ITEM_WIDTH];
        let mut item = Item::read(&row).unwrap();
        assert_eq!((item.strength, item.rating()), (EVEN, Ok(0)));
        item.wins = 9;
        item.meet(u128::MAX / 3).unwrap();
        item.write(&mut row).unwrap();
        assert_eq!(Item::read(&row), Ok(item));
        assert_eq!(item.meet(u128::MAX), Err(Error::Overflow));
        assert_eq!(Item::read(&row[1..]), Err(Error::Inconsistent));
    }

    #[test]
    fn a_step_is_wins_over_reciprocals() {
        let mut item = Item::read(&[0; ITEM_WIDTH]).unwrap();
        // Three of three against items of strength one: 3.5 / (4 / 2).
        item.wins = 3 * COMPARISON;
        (0..3).for_each(|_| item.meet(reciprocal(EVEN, EVEN).unwrap()).unwrap());
        let by = item.advance(1).unwrap();
        assert_eq!((item.found, item.strength), (EVEN / 4 * 7, EVEN / 4 * 7), "no momentum in the first pass");
        assert_eq!((by.moved, by.against), (52_911, -52_911 * 52_911), "log2(1.75) = 0.8074");
    }

    #[test]
    fn momentum_goes_on_and_stays_in_range() {
        // (4 - 1) / (4 + 2) of two bits is one.
        assert_eq!((carried(EVEN, 2 << 16, 4), carried(EVEN, -2 << 16, 4)), (Ok(EVEN * 2), Ok(EVEN / 2)));
        assert_eq!((carried(MOST, 40 << 16, 100), carried(LEAST, -40 << 16, 100)), (Ok(MOST), Ok(LEAST)));
        assert_eq!(carried(EVEN, 5 << 16, 1), Ok(EVEN));
    }

    #[test]
    fn the_largest_job_does_not_overflow() {
        let mut item = Item::read(&[0; ITEM_WIDTH]).unwrap();
        item.wins = u64::from(crate::MAX_TASKS) * COMPARISON;
        (item.strength, item.found) = (LEAST, LEAST);
        item.meet(reciprocal(LEAST, LEAST).unwrap() * u128::from(crate::MAX_TASKS)).unwrap();
        item.advance(200).unwrap();
        assert!(item.found >= 2 * LEAST - 1 && item.found <= 2 * LEAST);
        assert_eq!(Item { reciprocals: 0, ..item }.advance(200).map(|by| by.moved > 0), Ok(true));
        let all = u128::from(i64::MAX.unsigned_abs()) / (48u128 << 16).pow(2);
        assert!(all > u128::from(super::super::MAX_ITEMS), "the sum over all items fits");
    }
}
