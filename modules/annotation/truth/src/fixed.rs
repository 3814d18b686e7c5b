//! Logarithms, powers and normalised shares in integers: the same on every machine, by tables that the compiler computes.
//!
//! A logarithm is base 2 with 16 fraction bits (Q16, `i64`), a probability has 32 (Q32, `u64`, [`ONE`] = 1).

use crate::{Error, exact};

/// The number one in Q32.
pub const ONE: u64 = 1 << 32;
/// Fraction bits of a logarithm.
pub const LOG_BITS: u32 = 16;

/// Both tables cut their interval into 2^10 steps; between two entries the functions are linear.
const STEP_BITS: u32 = 10;
const STEPS: usize = 1 << STEP_BITS;
/// log2(1 + i / STEPS) with 24 fraction bits.
static LOGS: [u32; STEPS + 1] = logs();
/// 2^(-i / STEPS) in Q32.
static POWERS: [u64; STEPS + 1] = powers();

/// Binary logarithms by repeated squaring: each squaring of a mantissa in [1, 2) yields the next bit.
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "runs in the compiler, where an overflow does not compile")]
const fn logs() -> [u32; STEPS + 1] {
    let mut table = [0; STEPS + 1];
    table[STEPS] = 1 << 24;
    let mut i = 0;
    while i < STEPS {
        let mut mantissa = (1u128 << 62) + ((i as u128) << (62 - STEP_BITS));
        let mut log: u32 = 0;
        let mut bit = 0;
        while bit < 25 {
            mantissa = (mantissa * mantissa) >> 62;
            log <<= 1;
            if mantissa >= 1 << 63 {
                mantissa >>= 1;
                log |= 1;
            }
            bit += 1;
        }
        table[i] = (log + 1) >> 1;
        i += 1;
    }
    table
}

/// Powers of 2^(-1/STEPS), itself the result of ten integer square roots of 1/2.
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "runs in the compiler, where an overflow does not compile")]
const fn powers() -> [u64; STEPS + 1] {
    let mut root = 1u128 << 61;
    let mut i = 0;
    while i < STEP_BITS {
        root = (root << 62).isqrt();
        i += 1;
    }
    let mut table = [0; STEPS + 1];
    let mut power = 1u128 << 62;
    let mut i = 0;
    while i <= STEPS {
        table[i] = ((power + (1 << 29)) >> 30) as u64;
        power = (power * root) >> 62;
        i += 1;
    }
    table
}

/// log2 of the integer `x` in Q16, within 7.9e-6 of the exact value; zero counts as one.
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "ten bits index 1,025 entries; operands of at most 40 bits")]
pub fn log2(x: u64) -> i64 {
    let x = x.max(1);
    let zeros = x.leading_zeros();
    // The fraction of the mantissa, left-aligned: 10 bits choose the step, the next 16 the place in it.
    let fraction = (x << zeros) & (u64::MAX >> 1);
    let step = (fraction >> (63 - STEP_BITS)) as usize;
    let place = (fraction >> (47 - STEP_BITS)) & 0xffff;
    let (low, high) = (u64::from(LOGS[step]), u64::from(LOGS[step + 1]));
    let log = (low + (((high - low) * place) >> 16) + 128) >> 8;
    (i64::from(63 - zeros) << LOG_BITS) + log as i64
}

/// 2^(-y) in Q32 for y >= 0 in Q16, within 5.8e-8 of the exact value; zero from y = 33 on.
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "ten bits index 1,025 entries; operands of at most 40 bits")]
pub fn power(y: u64) -> u64 {
    let halvings = y >> LOG_BITS;
    if halvings > 32 {
        return 0;
    }
    let fraction = y & 0xffff;
    let step = (fraction >> (LOG_BITS - STEP_BITS)) as usize;
    let place = fraction & 0x3f;
    let (high, low) = (POWERS[step], POWERS[step + 1]);
    (high - (((high - low) * place) >> 6)) >> halvings
}

/// Turns log-likelihoods (Q16) into shares of `total` (at most 2^32): floor for each class, the remainder to the most likely one,
/// so that the shares add up to exactly `total`. Of equally likely classes the lowest is the most likely one. `shares` gets one
/// entry for each likelihood.
///
/// # Errors
/// Only where likelihoods lie more than 2^63 apart.
pub fn normalise(likelihoods: &[i64], total: u64, shares: &mut Vec<u64>) -> Result<(), Error> {
    shares.clear();
    let (mut best, mut top) = (0, i64::MIN);
    for (class, &likelihood) in likelihoods.iter().enumerate() {
        if likelihood > top {
            (best, top) = (class, likelihood);
        }
    }
    let mut sum = 0;
    for &likelihood in likelihoods {
        // Q31, so that a weight times `total` stays below 2^64.
        let weight = power(top.checked_sub(likelihood).ok_or(Error::Overflow)?.unsigned_abs()) >> 1;
        sum = exact::add(sum, weight)?;
        shares.push(weight);
    }
    let mut rest = total;
    for (class, share) in shares.iter_mut().enumerate() {
        if class != best {
            *share = exact::mul(*share, total)?.checked_div(sum).ok_or(Error::Overflow)?;
            rest = exact::sub(rest, *share)?;
        }
    }
    if let Some(share) = shares.get_mut(best) {
        *share = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Stream;

    #[test]
    fn log2_is_within_its_bound_on_small_large_and_random_numbers() {
        let mut stream = Stream::new(1);
        let random = (0..200_000).map(|_| stream.next() >> stream.below(64));
        let edges = (0..64).flat_map(|bit| [1u64 << bit, (1u64 << bit).wrapping_sub(1), (1u64 << bit) | 1]);
        for x in (1..100_000).chain(random).chain(edges).chain([u64::MAX]).filter(|&x| x > 0) {
            let error = (log2(x) as f64 / 65_536.0 - (x as f64).log2()).abs();
            assert!(error < 7.9e-6, "log2({x}) is off by {error}");
        }
        assert_eq!(log2(0), 0);
        assert_eq!(log2(1), 0);
        assert_eq!(log2(1 << 63), 63 << 16);
    }

    #[test]
    fn power_is_within_its_bound_and_falls_to_zero() {
        for y in 0..34 << 16 {
            let error = (power(y) as f64 / 4_294_967_296.0 - (-(y as f64) / 65_536.0).exp2()).abs();
            assert!(error < 5.8e-8, "2^-{y} is off by {error}");
        }
        assert_eq!(power(0), ONE);
        assert_eq!(power(1 << 16), ONE / 2);
        assert_eq!(power(32 << 16), 1);
        assert_eq!(power(33 << 16), 0);
        assert_eq!(power(u64::MAX), 0);
    }

    #[test]
    fn powers_never_rise() {
        assert!((0..34 << 16).all(|y| power(y) >= power(y + 1)));
    }

    #[test]
    fn shares_add_up_and_follow_the_exact_softmax() {
        let mut stream = Stream::new(2);
        let mut shares = vec![];
        for round in 0..20_000 {
            let classes = 2 + stream.below(63);
            let likelihoods: Vec<i64> = (0..classes).map(|_| -(stream.below(40 << 16) as i64)).collect();
            let total = if round % 2 == 0 { ONE } else { 65_535 };
            normalise(&likelihoods, total, &mut shares).unwrap();
            assert_eq!(shares.iter().sum::<u64>(), total);
            let weights: Vec<f64> = likelihoods.iter().map(|&l| (l as f64 / 65_536.0).exp2()).collect();
            let sum: f64 = weights.iter().sum();
            for (share, weight) in shares.iter().zip(weights) {
                // Each class but the likeliest loses less than one unit; the likeliest gets them all.
                let error = (*share as f64 - weight / sum * total as f64).abs();
                assert!(error <= 64.0 + total as f64 * 4e-7, "{error} units off");
            }
        }
    }

    #[test]
    fn equal_likelihoods_give_the_remainder_to_the_lowest_class() {
        let mut shares = vec![];
        normalise(&[7; 64], 65_535, &mut shares).unwrap();
        assert_eq!(shares.first(), Some(&(65_535 - 63 * 1_023)));
        assert!(shares.iter().skip(1).all(|&share| share == 1_023));
        normalise(&[i64::MIN / 2, i64::MAX / 2], ONE, &mut shares).unwrap();
        assert_eq!(shares, [0, ONE]);
        assert_eq!(normalise(&[i64::MIN, 1], ONE, &mut shares), Err(Error::Overflow));
    }
}
