//! Commitments: Poseidon of a salt and packed numbers. A salt is a random field element; without it the hash of an image hides
//! nothing, since images can be guessed.
//!
//! * int8 values are written as `v + 128`, 31 of them to an element, the first lowest (`sum (v_i + 128) 2^(8 i)`).
//! * weights: for each layer, for each block of `slots` rows, one element an input column, `sum_j w_ji 2^(bits j)`; after those of
//!   all layers the biases, `slots` to an element in the same way.
//! * a class is one element.
use ark_bn254::Fr;
use ark_ff::Field;
use cairn_verifier::{
    commit,
    poseidon::{Domain, hash},
};

use crate::{Answer, Network, gadgets::slots_of};

/// The field element of a signed integer.
pub(crate) fn field(value: i64) -> Fr {
    let magnitude = Fr::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// 2^exponent.
pub(crate) fn power(exponent: usize) -> Fr {
    Fr::from(2u64).pow([exponent as u64])
}

fn salted(domain: Domain, salt: Fr, rest: Vec<Fr>) -> Fr {
    let mut elements = vec![salt];
    elements.extend(rest);
    hash(domain, &elements)
}

/// Commitment to an input.
#[must_use]
pub fn input_commitment(salt: Fr, input: &[i8]) -> Fr {
    commit::input(salt, input)
}

/// Commitment to an answer.
#[must_use]
pub fn output_commitment(salt: Fr, answer: &Answer) -> Fr {
    match answer {
        Answer::Class(class) => commit::class(salt, *class),
        Answer::Values(values) => commit::values(salt, values),
    }
}

/// Commitment to a network's weights and biases.
#[must_use]
pub fn weights_commitment(salt: Fr, network: &Network) -> Fr {
    salted(Domain::Weights, salt, weight_elements(network))
}

/// What a commitment to weights hashes after the salt: slots of all layers, then their biases.
pub(crate) fn weight_elements(network: &Network) -> Vec<Fr> {
    let shape = network.shape();
    let layers: Vec<_> = (0..shape.layers.len()).map(|number| slots_of(network, number, shape.committed_bits(number))).collect();
    let weights = layers.iter().flat_map(|layer| layer.blocks.iter().flatten());
    weights.chain(layers.iter().flat_map(|layer| &layer.biases)).copied().collect()
}
