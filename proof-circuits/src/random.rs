//! Randomness as the caller has it.
use ark_std::rand::{CryptoRng, RngCore};

/// A source of randomness that nobody can foresee. It is taken as a trait object, so that the work on curves is compiled here and nowhere else.
pub trait Random: RngCore + CryptoRng {}

impl<R: RngCore + CryptoRng> Random for R {}
