//! The parts that circuits are made of.
mod activation;
mod argmax;
mod linear;
mod poseidon;

pub(crate) use activation::requantise;
pub(crate) use argmax::argmax;
pub(crate) use linear::{Slots, Sum, layer, packed_values, slots_of};
pub(crate) use poseidon::hash;
