//! The randomness beacon: one verifiable random value a proposer, chained block by block.
pub mod vrf;
