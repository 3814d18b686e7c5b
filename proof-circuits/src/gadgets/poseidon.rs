//! The sponge of `cairn_verifier::poseidon` as constraints, three an S-box.
//!
//! Between the S-boxes of the partial rounds everything is linear. Those maps are multiplied out once for all circuits: the input
//! of each partial S-box is one combination of the outputs of the last full round before and of the partial S-boxes so far, and
//! so is the state after them. Written round by round the combinations would grow to thousands of terms of few variables.
use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use cairn_verifier::poseidon::{Domain, FULL_ROUNDS, PARTIAL_ROUNDS, RATE, WIDTH, constants, hash_visited, initial};

use crate::cs::{Cs, Num, ONE, Terms};

const HALF: usize = FULL_ROUNDS / 2;
/// S-boxes of a permutation.
const BOXES: usize = FULL_ROUNDS * WIDTH + PARTIAL_ROUNDS;

/// Linear maps over the basis `1, outputs of the last full round of the first half, outputs of the partial S-boxes`.
struct Folded {
    /// Input of each partial S-box.
    partial: Vec<Vec<Fr>>,
    /// The state after the partial rounds.
    after: Vec<Vec<Fr>>,
}

fn folded() -> &'static Folded {
    static FOLDED: LazyLock<Folded> = LazyLock::new(|| {
        let constants = constants();
        let size = 1 + WIDTH + PARTIAL_ROUNDS;
        let mut rows: Vec<Vec<Fr>> =
            constants.mds.iter().map(|row| [&[Fr::ZERO], &row[..], &[Fr::ZERO; PARTIAL_ROUNDS]].concat()).collect();
        let mut partial = Vec::new();
        for round in 0..PARTIAL_ROUNDS {
            for (row, constant) in rows.iter_mut().zip(&constants.rounds[HALF + round]) {
                row[0] += constant;
            }
            partial.push(rows[0][..1 + WIDTH + round].to_vec());
            rows[0] = vec![Fr::ZERO; size];
            rows[0][1 + WIDTH + round] = Fr::ONE;
            let mixed =
                |mix: &[Fr; WIDTH]| (0..size).map(|at| mix.iter().zip(&rows).map(|(factor, row)| *factor * row[at]).sum()).collect();
            rows = constants.mds.iter().map(mixed).collect();
        }
        Folded { partial, after: rows }
    });
    &FOLDED
}

fn combination(factors: &[Fr], basis: &[Num]) -> Terms {
    let scaled =
        |(factor, num): (&Fr, &Num)| num.terms.iter().map(|(coefficient, variable)| (*coefficient * factor, *variable)).collect::<Terms>();
    factors.iter().zip(basis).flat_map(scaled).collect()
}

/// Walks through a hash, S-box by S-box, with the values that the native hash went through.
struct Walk {
    values: std::vec::IntoIter<Fr>,
    met: usize,
    /// Lanes of the first round that hold constants: the capacity, and what no element is added to.
    elements: usize,
}

impl Walk {
    fn sbox(&mut self, cs: &mut Cs, terms: impl FnOnce() -> Terms) -> Num {
        let value = self.values.next().unwrap_or(Fr::ZERO);
        let lane = self.met;
        self.met += 1;
        if lane == 0 || (lane < WIDTH && lane > self.elements) {
            return cs.constant(value.square().square() * value);
        }
        let input = cs.num(value, terms);
        let square = cs.product(&input, &input);
        let fourth = cs.product(&square, &square);
        cs.product(&fourth, &input)
    }

    /// The S-boxes of a full round.
    fn full(&mut self, cs: &mut Cs, state: &[Terms], round: usize) -> Vec<Num> {
        let added = &constants().rounds[round];
        let input = |lane: usize| [&state[lane][..], &[(added[lane], ONE)]].concat();
        (0..WIDTH).map(|lane| self.sbox(cs, || input(lane))).collect()
    }
}

fn mixed(cs: &Cs, outputs: &[Num]) -> Vec<Terms> {
    if !cs.is_shape() {
        return vec![Terms::new(); WIDTH];
    }
    constants().mds.iter().map(|row| combination(row, outputs)).collect()
}

fn permute(cs: &mut Cs, walk: &mut Walk, mut state: Vec<Terms>) -> Vec<Terms> {
    for round in 0..HALF - 1 {
        let outputs = walk.full(cs, &state, round);
        state = mixed(cs, &outputs);
    }
    let mut basis = vec![cs.constant(Fr::ONE)];
    basis.extend(walk.full(cs, &state, HALF - 1));
    for factors in &folded().partial {
        let output = walk.sbox(cs, || combination(factors, &basis));
        basis.push(output);
    }
    if cs.is_shape() {
        state = folded().after.iter().map(|factors| combination(factors, &basis)).collect();
    }
    for round in HALF + PARTIAL_ROUNDS..FULL_ROUNDS + PARTIAL_ROUNDS {
        let outputs = walk.full(cs, &state, round);
        state = mixed(cs, &outputs);
    }
    state
}

/// The hash of elements in a domain: 405 constraints for each eight of them, less three for each constant lane at the start.
pub(crate) fn hash(cs: &mut Cs, domain: Domain, elements: &[Num]) -> Num {
    let known: Vec<Fr> = elements.iter().map(|element| element.value).collect();
    let mut boxes = Vec::with_capacity(BOXES * elements.len().div_ceil(RATE));
    let value = hash_visited(domain, &known, |input| boxes.push(input));
    let mut walk = Walk { values: boxes.into_iter(), met: 0, elements: elements.len() };
    let mut state: Vec<Terms> = initial(domain, elements.len()).iter().map(|constant| vec![(*constant, ONE)]).collect();
    for block in elements.chunks(RATE) {
        for (lane, element) in state.iter_mut().skip(1).zip(block) {
            lane.extend_from_slice(&element.terms);
        }
        state = permute(cs, &mut walk, state);
    }
    cs.num(value, || state.swap_remove(1))
}
