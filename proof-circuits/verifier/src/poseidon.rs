//! Poseidon over BN254's scalar field: x^5, t = 9 (rate 8, capacity 1), 8 full and 63 partial rounds, 128 bits of security
//! (Grassi et al., USENIX Security 2021). The constants are those of the paper's Grain LFSR.
//!
//! `hash(domain, elements)` is a sponge of known length: the capacity begins as `domain * 2^64 + count`, so that neither texts of
//! different lengths nor of different domains share a state; elements are added to the rate, eight to a permutation.
#![allow(clippy::arithmetic_side_effects, reason = "operations of a field cannot overflow; the few on integers are of constants")]
use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_crypto_primitives::sponge::poseidon::find_poseidon_ark_and_mds;
use ark_ff::{AdditiveGroup, Field};

/// Elements of the state.
pub const WIDTH: usize = 9;
/// Elements taken in by a permutation.
pub const RATE: usize = WIDTH - 1;
/// Full rounds, half of them before the partial ones.
pub const FULL_ROUNDS: usize = 8;
/// Partial rounds, with one S-box each.
pub const PARTIAL_ROUNDS: usize = 63;

/// A state of the permutation.
pub type State = [Fr; WIDTH];

/// What a hash is of. The numbers are part of every commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Domain {
    /// A salt and what a program is given.
    Input = 1,
    /// A salt and the weights and biases of a private model.
    Weights = 2,
    /// A salt and what a program answers.
    Output = 3,
    /// The context and commitments of a proof: its one public input.
    Statement = 4,
}

/// Round constants and the MDS matrix.
pub struct Constants {
    /// One row a round, the full rounds of the first half, the partial ones, the second half.
    pub rounds: Vec<State>,
    /// Rows of the matrix.
    pub mds: [State; WIDTH],
}

/// The constants, made once per process.
pub fn constants() -> &'static Constants {
    static CONSTANTS: LazyLock<Constants> = LazyLock::new(|| {
        let (rounds, mds) = find_poseidon_ark_and_mds::<Fr>(254, RATE, FULL_ROUNDS as u64, PARTIAL_ROUNDS as u64, 0);
        let mut matrix = [[Fr::ZERO; WIDTH]; WIDTH];
        for (row, made) in matrix.iter_mut().zip(&mds) {
            *row = state(made);
        }
        Constants { rounds: rounds.iter().map(|round| state(round)).collect(), mds: matrix }
    });
    &CONSTANTS
}

fn state(elements: &[Fr]) -> State {
    let mut state = [Fr::ZERO; WIDTH];
    for (place, element) in state.iter_mut().zip(elements) {
        *place = *element;
    }
    state
}

/// Whether a round, counted from 0, applies the S-box to the whole state.
#[must_use]
pub fn is_full(round: usize) -> bool {
    !(FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS).contains(&round)
}

/// The permutation; `visit` sees the input of every S-box in order.
pub fn permute(state: &mut State, mut visit: impl FnMut(Fr)) {
    let constants = constants();
    for (round, added) in constants.rounds.iter().enumerate() {
        for (element, constant) in state.iter_mut().zip(added) {
            *element += constant;
        }
        let boxes = if is_full(round) { WIDTH } else { 1 };
        for element in state.iter_mut().take(boxes) {
            visit(*element);
            let fourth = element.square().square();
            *element *= fourth;
        }
        let before = *state;
        for (element, row) in state.iter_mut().zip(&constants.mds) {
            *element = row.iter().zip(&before).map(|(factor, value)| *factor * value).sum();
        }
    }
}

/// The state that a hash of `count` elements begins with.
#[must_use]
pub fn initial(domain: Domain, count: usize) -> State {
    let mut state = [Fr::ZERO; WIDTH];
    if let Some(capacity) = state.first_mut() {
        *capacity = Fr::from((u128::from(domain as u8) << 64) | count as u128);
    }
    state
}

/// The hash of elements in a domain.
#[must_use]
pub fn hash(domain: Domain, elements: &[Fr]) -> Fr {
    hash_visited(domain, elements, |_| ())
}

/// As [`hash`]; `visit` sees the input of every S-box in order.
pub fn hash_visited(domain: Domain, elements: &[Fr], mut visit: impl FnMut(Fr)) -> Fr {
    let mut state = initial(domain, elements.len());
    for block in elements.chunks(RATE) {
        for (place, element) in state.iter_mut().skip(1).zip(block) {
            *place += element;
        }
        permute(&mut state, &mut visit);
    }
    state.get(1).copied().unwrap_or(Fr::ZERO)
}

#[cfg(test)]
mod tests {
    use ark_crypto_primitives::sponge::{
        CryptographicSponge, FieldBasedCryptographicSponge,
        poseidon::{PoseidonConfig, PoseidonSponge},
    };
    use ark_ff::{BigInteger, PrimeField};

    use super::*;

    /// The permutation of the library that the constants come from, of an all-zero capacity.
    fn library(elements: &[Fr; RATE]) -> Fr {
        let constants = constants();
        let config = PoseidonConfig {
            full_rounds: FULL_ROUNDS,
            partial_rounds: PARTIAL_ROUNDS,
            alpha: 5,
            ark: constants.rounds.iter().map(|round| round.to_vec()).collect(),
            mds: constants.mds.iter().map(|row| row.to_vec()).collect(),
            rate: RATE,
            capacity: 1,
        };
        let mut sponge = PoseidonSponge::new(&config);
        sponge.absorb(&elements.to_vec());
        sponge.squeeze_native_field_elements(1)[0]
    }

    #[test]
    fn the_permutation_is_that_of_the_library() {
        let elements: [Fr; RATE] = std::array::from_fn(|i| Fr::from(i as u64 * 7 + 1));
        let mut state = [Fr::ZERO; WIDTH];
        state[1..].copy_from_slice(&elements);
        permute(&mut state, |_| ());
        assert_eq!(state[1], library(&elements));
    }

    #[test]
    fn domains_lengths_and_blocks_give_different_hashes() {
        let zeros = [Fr::ZERO; 3 * RATE];
        let mut seen = Vec::new();
        for domain in [Domain::Input, Domain::Weights, Domain::Output, Domain::Statement] {
            for count in 1..zeros.len() {
                let made = hash(domain, &zeros[..count]);
                assert!(!seen.contains(&made), "{domain:?} {count}");
                seen.push(made);
            }
        }
    }

    /// Once in a commitment on a chain, a hash may never change.
    #[test]
    fn hashes_stay_what_they_are() {
        let elements: Vec<Fr> = (0..20u64).map(Fr::from).collect();
        let made = hash(Domain::Weights, &elements).into_bigint().to_bytes_be();
        assert_eq!(hex::encode(made), "09948cb95b28de7461720123cf487dfd61fa67c470f6f264f6c8b75e8b0592c9");
    }

    #[test]
    fn every_s_box_is_visited() {
        let mut boxes = 0;
        hash_visited(Domain::Input, &[Fr::from(5u64); 9], |_| boxes += 1);
        assert_eq!(boxes, 2 * (FULL_ROUNDS * WIDTH + PARTIAL_ROUNDS));
    }
}
