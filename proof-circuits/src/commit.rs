//! Commitments: Poseidon of a salt and packed numbers. A salt is a random field element; without it the hash of an image hides
//! nothing, since images can be guessed.
//!
//! * int8 values are written as `v + 128`, 31 of them to an element, the first lowest (`sum (v_i + 128) 2^(8 i)`).
//! * weights: for each layer, for each block of `slots` rows, one element an input column, `sum_j w_ji 2^(bits j)`; after those of
//!   all layers the biases, `slots` to an element in the same way.
//! * a class is one element.
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use cairn_verifier::poseidon::{Domain, hash};

use crate::{Answer, Network, gadgets::slots_of};

/// int8 values of an element.
pub(crate) const PACKED: usize = 31;

/// The field element of a signed integer.
pub(crate) fn field(value: i64) -> Fr {
    let magnitude = Fr::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// 2^exponent.
pub(crate) fn power(exponent: usize) -> Fr {
    Fr::from(2u64).pow([exponent as u64])
}

/// int8 values, 31 to an element.
pub(crate) fn pack(values: &[i8]) -> Vec<Fr> {
    let element = |chunk: &[i8]| chunk.iter().rev().fold(Fr::ZERO, |sum, value| sum * Fr::from(256u64) + field(i64::from(*value) + 128));
    values.chunks(PACKED).map(element).collect()
}

fn salted(domain: Domain, salt: Fr, rest: Vec<Fr>) -> Fr {
    let mut elements = vec![salt];
    elements.extend(rest);
    hash(domain, &elements)
}

/// Commitment to an input.
#[must_use]
pub fn input_commitment(salt: Fr, input: &[i8]) -> Fr {
    salted(Domain::Input, salt, pack(input))
}

/// Commitment to an answer.
#[must_use]
pub fn output_commitment(salt: Fr, answer: &Answer) -> Fr {
    let elements = match answer {
        Answer::Class(class) => vec![Fr::from(*class)],
        Answer::Values(values) => pack(values),
    };
    salted(Domain::Output, salt, elements)
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
