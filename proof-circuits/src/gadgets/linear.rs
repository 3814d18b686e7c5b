//! Linear layers. The weights of a block of rows lie in slots of field elements, one element an input column, so that one
//! multiplication serves all rows of the block: `sum_i P_i x_i = sum_j 2^(bits j) acc_j`. The decomposition of that sum into
//! `bits` bits a row is unique, since every accumulator lies in `[-2^(bits - 1), 2^(bits - 1))` and the whole below 2^253.
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

use crate::{
    Network, Shape,
    commit::{field, power},
    cs::{Cs, Num},
};

/// An accumulator with the bits of `accumulator + 2^(bits - 1)`, the lowest first; the highest is 1 where it is not negative.
pub(crate) struct Sum {
    pub(crate) value: Num,
    pub(crate) bits: Vec<Num>,
}

/// The weights of a layer in slots.
pub(crate) struct Slots<T> {
    /// Bits of a slot.
    pub(crate) bits: u32,
    /// Outputs.
    pub(crate) rows: usize,
    /// Block by block, an element an input.
    pub(crate) blocks: Vec<Vec<T>>,
    /// An element a block.
    pub(crate) biases: Vec<T>,
}

impl<T> Slots<T> {
    /// The same slots with other elements; all weights first, as a commitment hashes them.
    pub(crate) fn map<U>(&self, mut make: impl FnMut(&T) -> U) -> Slots<U> {
        let blocks = self.blocks.iter().map(|block| block.iter().map(&mut make).collect()).collect();
        Slots { bits: self.bits, rows: self.rows, blocks, biases: self.biases.iter().map(&mut make).collect() }
    }
}

/// Numbers in slots of one element, the first lowest.
fn in_slots(values: impl DoubleEndedIterator<Item = i64>, bits: u32) -> Fr {
    let step = power(bits as usize);
    values.rev().fold(Fr::ZERO, |sum, value| sum * step + field(value))
}

/// The weights of a network's layer in slots of so many bits.
pub(crate) fn slots_of(network: &Network, number: usize, bits: u32) -> Slots<Fr> {
    let (layer, inputs) = (&network.layers()[number], network.shape().inputs_of(number));
    let column = |block: &[i8], column: usize| in_slots(block.chunks(inputs).map(|row| i64::from(row[column])), bits);
    let rows = Shape::slots(bits);
    let blocks = layer.weights.chunks(inputs * rows).map(|block| (0..inputs).map(|at| column(block, at)).collect()).collect();
    let biases = layer.biases.chunks(rows).map(|block| in_slots(block.iter().map(|bias| i64::from(*bias)), bits)).collect();
    Slots { bits, rows: layer.biases.len(), blocks, biases }
}

/// The accumulators of a layer; `times` multiplies an element of weights with an input.
pub(crate) fn layer<T>(
    cs: &mut Cs,
    slots: &Slots<T>,
    inputs: &[Num],
    times: impl Fn(&mut Cs, &T, &Num) -> Num,
    bias: impl Fn(&Cs, &T) -> Num,
) -> Vec<Sum> {
    let mut sums = Vec::with_capacity(slots.rows);
    for (block, constant) in slots.blocks.iter().zip(&slots.biases) {
        let rows = Shape::slots(slots.bits).min(slots.rows - sums.len());
        let start = bias(cs, constant);
        let total = block.iter().zip(inputs).fold(start, |sum, (weight, input)| {
            let product = times(cs, weight, input);
            sum.plus(&product)
        });
        sums.extend(unpack(cs, total, rows, slots.bits as usize));
    }
    sums
}

fn unpack(cs: &mut Cs, total: Num, rows: usize, bits: usize) -> Vec<Sum> {
    let half = power(bits - 1);
    let offset: Fr = (0..rows).map(|row| half * power(bits * row)).sum();
    let shifted = total.plus(&cs.constant(offset));
    let all = cs.decompose(&shifted, bits * rows);
    let sum = |bits: &[Num]| Sum { value: cs.weighted(bits).plus(&cs.constant(-half)), bits: bits.to_vec() };
    all.chunks(bits).map(sum).collect()
}

/// int8 values as a commitment packs them, from `value + 128`.
pub(crate) fn packed_values(cs: &Cs, values: &[Num]) -> Vec<Num> {
    let element = |chunk: &[Num]| {
        let offset = cs.constant((0..chunk.len()).map(|at| Fr::from(128u64) * power(8 * at)).sum());
        chunk.iter().enumerate().fold(offset, |sum, (at, value)| sum.plus(&value.clone().times(power(8 * at))))
    };
    values.chunks(cairn_verifier::commit::PACKED).map(element).collect()
}
