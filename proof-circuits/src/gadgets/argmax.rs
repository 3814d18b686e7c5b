//! The lowest number among the largest accumulators.
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use super::Sum;
use crate::cs::{Cs, Num};

/// The number of the winner, which `winner` names: one of the flags is set, and its accumulator is larger than every earlier one and
/// not less than every later one. `bits` is the width of the accumulators.
pub(crate) fn argmax(cs: &mut Cs, sums: &[Sum], bits: usize, winner: u32) -> Num {
    let flags: Vec<Num> = (0..sums.len()).map(|number| flag(cs, number == winner as usize)).collect();
    let one = cs.constant(Fr::ONE);
    let total = flags.iter().fold(cs.zero(), Num::plus);
    cs.equal(&total, &one);
    let mut largest = cs.zero();
    for (flag, sum) in flags.iter().zip(sums) {
        let picked = cs.product(flag, &sum.value);
        largest = largest.plus(&picked);
    }
    let mut later = cs.zero();
    for (flag, sum) in flags.iter().zip(sums).rev() {
        let margin = largest.clone().minus(&sum.value).minus(&later);
        cs.decompose(&margin, bits);
        later = later.plus(flag);
    }
    let numbered = |sum: Num, (number, flag): (usize, &Num)| sum.plus(&flag.clone().times(Fr::from(number as u64)));
    flags.iter().enumerate().fold(cs.zero(), numbered)
}

fn flag(cs: &mut Cs, is_set: bool) -> Num {
    let value = if is_set { Fr::ONE } else { Fr::ZERO };
    let bits = cs.bits(value, 1);
    bits.into_iter().next().unwrap_or_else(|| cs.zero())
}
