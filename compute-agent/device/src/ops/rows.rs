//! Operators on whole rows.
use burn::tensor::{Int, Tensor as Burn};

use super::{Flat, Step, flag, upload};

/// The largest weight of a distance in a softmax.
const MOST: i32 = 1 << 20;
/// Most rows whose deviations are found at once, each by 15 candidates for a digit.
pub(crate) const ROWS: usize = 1 << 20;
type Matrix = Burn<2, Int>;

/// floor(127 e / sum of e) of each row.
///
/// A sum may have 36 bits. It is taken in two parts, of the weights' upper 11 bits and lower 10. From 2^28 on any sum gives zero, since 127 e stays
/// below 2^27, so the upper part may be cut there.
pub(super) fn softmax(step: &Step<'_>, causal: bool, x: &Flat, weights: &Flat, runs: usize) -> Flat {
    let [rows, width] = step.rows(0, runs);
    let scores = x.clone().reshape([rows, width]);
    // What a row does not look at counts as the least score, which changes no maximum, and then as weight zero.
    let seen = causal.then(|| mask(step, rows, width));
    let scores = match &seen {
        Some(seen) => (scores + 128) * seen.clone() - 128,
        None => scores,
    };
    let distance = scores.clone().max_dim(1) - scores;
    let found = weights.clone().clamp(0, MOST).select(0, distance.reshape([rows * width])).reshape([rows, width]);
    let parts = match seen {
        Some(seen) => found * seen,
        None => found,
    };
    let high = parts.clone().bitwise_right_shift_scalar(10).sum_dim(1).clamp_max(1 << 18);
    let low = parts.clone().bitwise_and_scalar(1023).sum_dim(1);
    let sum = (high * 1024 + low).clamp_min(1);
    (parts * 127 / sum).reshape([rows * width])
}

/// 1 where a row looks, 0 behind the diagonal of its matrix.
fn mask(step: &Step<'_>, rows: usize, width: usize) -> Matrix {
    let axis = step.operands.first().map_or(0, |shape| shape.dims.len().saturating_sub(2));
    let height = step.dim(0, axis);
    let line: Matrix = Burn::<1, Int>::arange(0..range(height), step.options()).reshape([height, 1]);
    let column: Matrix = Burn::<1, Int>::arange(0..range(width), step.options()).reshape([1, width]);
    flag(column.expand([height, width]).lower_equal(line.expand([height, width]))).repeat_dim(0, rows / height)
}

/// floor(gain d / deviation) + bias cut to i8, for d = L x - sum of the row.
///
/// d has 21 bits and gain d 28. The quotient of a negative is rounded down by hand, so that only natural numbers are divided.
pub(super) fn layer_norm(step: &Step<'_>, x: &Flat, gain: &Flat, bias: &Flat, runs: usize) -> Flat {
    let [rows, width] = step.rows(0, runs);
    let x: Matrix = x.clone().reshape([rows, width]);
    let block = |from: usize| normal(step, x.clone().narrow(0, from, ROWS.min(rows - from)), gain, bias);
    Flat::cat((0..rows).step_by(ROWS).map(block).collect(), 0)
}

fn normal(step: &Step<'_>, x: Matrix, gain: &Flat, bias: &Flat) -> Flat {
    let [rows, width] = x.dims();
    let length = i32::try_from(width).unwrap_or(i32::MAX);
    let (sum, squares) = (x.clone().sum_dim(1), (x.clone() * x.clone()).sum_dim(1));
    let deviation = deviation(step, length, sum.clone(), squares).clamp_min(1);
    let scaled = (x * length - sum) * gain.clone().reshape([1, width]);
    let negative = flag(scaled.clone().lower_scalar(0));
    let away = negative.clone() * (deviation.clone() - 1);
    let quotient = (scaled.abs() + away) / deviation;
    let signed = quotient * (negative * -2 + 1);
    (signed + bias.clone().reshape([1, width])).clamp(-128, 127).reshape([rows * width])
}

/// floor(sqrt(L q - s^2)) of each row, for its sum s and sum of squares q: what stands under the root is the mean of the squares of d, which has 38
/// bits and no fraction.
///
/// It is kept as a 2^10 + b. The root is found by hand, 4 bits a step from the 8 next bits, which are compared with all 15 digits at once; what remains is at
/// most twice the root, so no number in it exceeds 26 bits.
fn deviation(step: &Step<'_>, length: i32, sum: Matrix, squares: Matrix) -> Matrix {
    let size = sum.abs();
    let (high, low) = (size.clone().bitwise_right_shift_scalar(10), size.bitwise_and_scalar(1023));
    let upper = squares.clone().bitwise_right_shift_scalar(10) * length - high.clone() * high.clone() * 1024 - high * low.clone() * 2;
    let lower = squares.bitwise_and_scalar(1023) * length - low.clone() * low;
    let upper = upper + lower.clone().bitwise_right_shift_scalar(10);
    let lower = lower.bitwise_and_scalar(1023);

    let digits: Matrix = upload((1..16).collect(), step.device).reshape([1, 15]);
    let mut root: Option<Matrix> = None;
    let mut rest: Option<Matrix> = None;
    for byte in bytes(upper, lower) {
        let next = match rest {
            Some(rest) => rest * 256 + byte,
            None => byte,
        };
        let [rows, _] = next.dims();
        let twice = root.clone().map_or_else(|| Matrix::zeros([rows, 1], step.options()), |root| root * 32);
        let tried = (twice.clone() + digits.clone()) * digits.clone();
        let digit = flag(tried.lower_equal(next.clone().expand([rows, 15]))).sum_dim(1);
        rest = Some(next - (twice + digit.clone()) * digit.clone());
        root = Some(match root {
            Some(root) => root * 16 + digit,
            None => digit,
        });
    }
    root.unwrap_or_else(|| Matrix::zeros([1, 1], step.options()))
}

/// The 5 bytes of a 2^10 + b, the upper ones first.
fn bytes(upper: Matrix, lower: Matrix) -> [Matrix; 5] {
    let byte = |shift: i32| upper.clone().bitwise_right_shift_scalar(shift).bitwise_and_scalar(255);
    let middle = upper.clone().bitwise_and_scalar(63) * 4 + lower.clone().bitwise_right_shift_scalar(8);
    [byte(22), byte(14), byte(6), middle, lower.bitwise_and_scalar(255)]
}

/// The lowest index of the largest of each row: of those that are as large, the one with most places behind it.
pub(super) fn argmax(step: &Step<'_>, x: Flat, runs: usize) -> Flat {
    let [rows, width] = step.rows(0, runs);
    let x: Matrix = x.reshape([rows, width]);
    let largest = flag(x.clone().equal(x.max_dim(1).expand([rows, width])));
    let behind: Matrix = (Burn::<1, Int>::arange(0..range(width), step.options()) * -1 + width_of(width)).reshape([1, width]);
    let most = (largest * behind).max_dim(1).reshape([rows]);
    most * -1 + width_of(width)
}

fn range(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn width_of(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
