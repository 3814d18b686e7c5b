//! Operators on single elements, and look-ups of rows.
use cairn_program::Kind;

use super::{Flat, Step};

/// floor(x m / 2^s) cut to i8, for 1 <= m <= 2^15 and s <= 46, though x m has 47 bits.
///
/// With x = h 2^16 + l, 0 <= l < 2^16: x m = t 2^16 + r, where t = h m + floor(l m / 2^16) and r = l m mod 2^16. h m is within +-2^30 and l m below
/// 2^31. For s >= 16 the result is floor(t / 2^(s - 16)). For s < 16 it is t 2^(16 - s) + floor(r / 2^s), where a t below -128 or above 127 is cut
/// whatever r is, so t may be cut to -129..=128 before it is multiplied.
pub(super) fn requantise(x: Flat, multiplier: i32, shift: u8) -> Flat {
    let high = x.clone().bitwise_right_shift_scalar(16) * multiplier;
    let low = x.bitwise_and_scalar(0xffff) * multiplier;
    let top = high + low.clone().bitwise_right_shift_scalar(16);
    let scaled = match shift.checked_sub(16) {
        Some(0) => top,
        Some(rest) => top.bitwise_right_shift_scalar(i32::from(rest)),
        None => {
            let rest = low.bitwise_and_scalar(0xffff).bitwise_right_shift_scalar(i32::from(shift));
            top.clamp(-129, 128) * (1_i32 << (16 - shift)) + rest
        }
    };
    scaled.clamp(-128, 127)
}

/// Rows of a table; indices beyond it find a row of zeros behind the last one.
pub(super) fn embed(step: &Step<'_>, indices: Flat, table: &Flat) -> Flat {
    let (count, width) = (step.dim(1, 0), step.dim(1, 1));
    let beyond = i32::try_from(count).unwrap_or(i32::MAX);
    let indices = match step.operands.first().map(|shape| shape.kind) {
        Some(Kind::I8) => indices.bitwise_and_scalar(0xff),
        _ => {
            let negative = indices.clone().lower_scalar(0);
            indices.mask_fill(negative, beyond)
        }
    };
    let rows = Flat::cat(vec![table.clone(), Flat::zeros([width], step.options())], 0).reshape([count + 1, width]);
    let found = rows.select(0, indices.clamp_max(beyond));
    let [places, _] = found.dims();
    found.reshape([places * width])
}
