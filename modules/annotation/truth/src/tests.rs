//! Tests of whole inferences.

mod attacks;
mod cursor;
mod edges;
mod golden;
mod late;
#[expect(clippy::float_arithmetic, reason = "the exact values to compare with")]
mod ranking;
mod real_sets;
#[expect(clippy::float_arithmetic, reason = "the exact values to compare with")]
mod reference;
mod sets;
#[expect(clippy::float_arithmetic, reason = "means of what attackers earn")]
mod sets_under_attack;
mod streaming;
