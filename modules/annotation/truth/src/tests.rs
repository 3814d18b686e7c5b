//! Tests of whole inferences.

mod attacks;
mod cursor;
mod edges;
mod golden;
mod real_sets;
