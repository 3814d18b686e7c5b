//! What checking costs, in gas: about 1,000 gas to 45 microseconds of one core, as of a signature over secp256k1. Measured in release
//! builds: a key of one input 0.2 ms to check and 1.2 ms to prepare, a proof 0.88 ms, a permutation 0.09 ms.

/// Decoding, checking and preparing a key: five points of which three lie in G2.
pub const KEY: u64 = 26_000;
/// Each input of a key: a point and the table of its multiples.
pub const KEY_INPUT: u64 = 6_000;
/// A proof: decoding, three Miller loops, one final exponentiation.
pub const PROOF: u64 = 20_000;
/// Each input of a proof: 64 additions in G1.
pub const INPUT: u64 = 500;
/// Each permutation of Poseidon, of eight elements.
pub const PERMUTATION: u64 = 2_000;

/// Gas of one proof of a statement with `runs` runs, whether it is checked alone or with others: a batch is paid as singles are.
#[must_use]
pub fn statement(runs: usize) -> u64 {
    let elements = (runs as u64).saturating_mul(2).saturating_add(3);
    let permutations = elements.div_ceil(crate::poseidon::RATE as u64);
    PROOF.saturating_add(INPUT).saturating_add(PERMUTATION.saturating_mul(permutations))
}

/// Gas of computing a commitment to so many int8 values.
#[must_use]
pub fn commitment(values: usize) -> u64 {
    let elements = (values.div_ceil(crate::commit::PACKED) as u64).saturating_add(1);
    PERMUTATION.saturating_mul(elements.div_ceil(crate::poseidon::RATE as u64))
}

/// Gas of registering a key with `inputs` inputs.
#[must_use]
pub fn key(inputs: usize) -> u64 {
    KEY_INPUT.saturating_mul(inputs as u64).saturating_add(KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_grows_with_what_is_hashed() {
        assert_eq!(statement(1), 22_500);
        assert_eq!(statement(2), 22_500, "seven elements");
        assert_eq!(statement(3), 24_500, "nine elements");
        assert_eq!(statement(usize::MAX), u64::MAX);
        assert_eq!(key(1), 32_000);
        assert_eq!((commitment(0), commitment(64), commitment(784)), (2_000, 2_000, 8_000));
    }
}
