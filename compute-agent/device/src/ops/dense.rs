//! Sums of products. A program's check bounds them: 128 * 128 * K, with a bias of up to 2^30, stays below 2^31.
use burn::tensor::{Int, Tensor as Burn};
use cairn_program::Orientation;

use super::{Flat, Step, size};

/// A bias counts within these bounds.
const BIAS: i32 = 1 << 30;
/// Most rows, or matrices, that go to a device at once: drivers count groups of threads along one dimension with 16 bits.
const MOST: usize = 32_768;

pub(super) fn linear(step: &Step<'_>, x: &Flat, w: &Flat, bias: Option<&Flat>, runs: usize) -> Flat {
    let [rows, depth] = step.rows(0, runs);
    let factor = w.clone().reshape([step.dim(1, 0), depth]).transpose();
    product(x.clone().reshape([rows, depth]), factor, bias)
}

/// x w with a bias a column, rows one after the other.
pub(super) fn product(x: Burn<2, Int>, w: Burn<2, Int>, bias: Option<&Flat>) -> Flat {
    let ([rows, _], [_, columns]) = (x.dims(), w.dims());
    let blocks = (0..rows).step_by(MOST).map(|from| x.clone().narrow(0, from, MOST.min(rows - from)).matmul(w.clone())).collect();
    let sums = Burn::cat(blocks, 0);
    let sums = match bias {
        Some(bias) => sums + bias.clone().clamp(-BIAS, BIAS).reshape([1, columns]),
        None => sums,
    };
    sums.reshape([rows * columns])
}

pub(super) fn matmul(step: &Step<'_>, right: Orientation, a: &Flat, b: &Flat, runs: usize) -> Flat {
    let (batch, height, depth) = (runs * step.dim(0, 0), step.dim(0, 1), step.dim(0, 2));
    let width = size(step.output.last());
    let a = a.clone().reshape([batch, height, depth]);
    let b = match right {
        Orientation::Plain => b.clone().reshape([batch, depth, width]),
        Orientation::Transposed => b.clone().reshape([batch, width, depth]).swap_dims(1, 2),
    };
    let block = |from: usize| {
        let count = MOST.min(batch - from);
        a.clone().narrow(0, from, count).matmul(b.clone().narrow(0, from, count))
    };
    Burn::cat((0..batch).step_by(MOST).map(block).collect(), 0).reshape([batch * height * width])
}
