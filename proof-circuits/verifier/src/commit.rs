//! Commitments of what goes in and what comes out: Poseidon of a salt and packed numbers. int8 values are written as `v + 128`, 31 of them to an element,
//! the first lowest (`sum (v_i + 128) 2^(8 i)`); a class is one element.
#![allow(clippy::arithmetic_side_effects, reason = "operations of fields cannot overflow")]
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

use crate::poseidon::{Domain, hash};

/// int8 values of an element.
pub const PACKED: usize = 31;

/// int8 values, 31 to an element.
#[must_use]
pub fn pack(values: &[i8]) -> Vec<Fr> {
    let byte = |value: &i8| Fr::from(u64::from(value.cast_unsigned() ^ 0x80));
    let element = |chunk: &[i8]| chunk.iter().rev().fold(Fr::ZERO, |sum, value| sum * Fr::from(256u64) + byte(value));
    values.chunks(PACKED).map(element).collect()
}

/// Commitment to an input.
#[must_use]
pub fn input(salt: Fr, values: &[i8]) -> Fr {
    salted(Domain::Input, salt, pack(values))
}

/// Commitment to an answer of int8 values.
#[must_use]
pub fn values(salt: Fr, values: &[i8]) -> Fr {
    salted(Domain::Output, salt, pack(values))
}

/// Commitment to an answer that is a class.
#[must_use]
pub fn class(salt: Fr, class: u32) -> Fr {
    salted(Domain::Output, salt, vec![Fr::from(class)])
}

fn salted(domain: Domain, salt: Fr, rest: Vec<Fr>) -> Fr {
    let mut elements = vec![salt];
    elements.extend(rest);
    hash(domain, &elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fill_elements_from_below() {
        assert_eq!(pack(&[]), []);
        assert_eq!(pack(&[-128, -127]), [Fr::from(256u64)]);
        assert_eq!(pack(&[127]), [Fr::from(255u64)]);
        assert_eq!(pack(&[-128; PACKED + 1]), [Fr::ZERO; 2]);
    }

    #[test]
    fn salts_and_domains_tell_commitments_apart() {
        let (one, two) = (Fr::from(1u64), Fr::from(2u64));
        let all = [input(one, &[5]), input(two, &[5]), input(one, &[6]), values(one, &[5]), class(one, 5)];
        assert!(all.iter().enumerate().all(|(at, commitment)| !all[..at].contains(commitment)));
        assert_eq!(values(one, &[-123]), class(one, 5), "an answer's kind is that of its network");
    }
}
