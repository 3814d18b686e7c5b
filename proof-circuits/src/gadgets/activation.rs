//! Requantisation: an accumulator divided by a power of two, rounded down, saturated to int8, and ReLU where the layer has it.
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use super::Sum;
use crate::{
    LayerShape,
    commit::power,
    cs::{Cs, Num},
};

/// 1 where the number is not zero, else 0. `number * inverse = flag` and `number * (1 - flag) = 0`.
fn is_not_zero(cs: &mut Cs, number: &Num) -> Num {
    let inverse = cs.variable(number.value.inverse().unwrap_or(Fr::ZERO));
    let flag = cs.variable(if number.value == Fr::ZERO { Fr::ZERO } else { Fr::ONE });
    let zero = cs.zero();
    cs.enforce(number, &inverse, &flag);
    let other = cs.constant(Fr::ONE).minus(&flag);
    cs.enforce(number, &other, &zero);
    flag
}

/// The int8 output of an accumulator.
///
/// Of the bits from `shift` on the highest is the sign (1 = not negative), the lowest seven the result where it does not
/// saturate, which is so where all bits between are the complement of the sign.
pub(crate) fn requantise(cs: &mut Cs, sum: &Sum, layer: &LayerShape) -> Num {
    let (rest, sign) = sum.bits.split_at(sum.bits.len() - 1);
    let sign = &sign[0];
    let kept = &rest[layer.shift as usize..];
    let (low, middle) = kept.split_at(kept.len().min(7));
    let top = power(low.len());
    let low = cs.weighted(low);
    let mut magnitude = low.clone();
    if !middle.is_empty() {
        let count = Fr::from(middle.len() as u64);
        let negative = cs.constant(Fr::ONE).minus(sign);
        let differing = middle.iter().fold(negative.times(-count), |sum, bit| sum.plus(bit));
        let saturated = is_not_zero(cs, &differing);
        let correction = sign.clone().times(Fr::from(127u64)).minus(&low);
        let correction = cs.product(&saturated, &correction);
        magnitude = magnitude.plus(&correction);
    }
    if layer.relu { cs.product(sign, &magnitude) } else { magnitude.plus(&sign.clone().times(top)).plus(&cs.constant(-top)) }
}
