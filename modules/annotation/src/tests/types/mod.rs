//! Jobs of each type: what they must be like, and their whole lives.
#[expect(clippy::float_arithmetic, reason = "means of what attackers earn")]
mod attacks;
mod drafts;
mod exams;
mod late_sets;
mod multi_label;
mod pairwise;
mod shapes;
mod stage_round;
mod studio;
mod text;
mod verify;
