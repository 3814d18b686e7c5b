//! What moves cost, in gas, besides state access and hashing. Calibrated against measured time: see the README.
use cairn_program::LeafCost;

/// Decoding and checking a program of so many bytes.
pub(crate) fn program(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(20)
}

/// Computing one chunk, at the most that its operator can cost.
pub(crate) fn leaf(cost: LeafCost) -> u64 {
    cost.macs.div_ceil(4).saturating_add(cost.bytes)
}
