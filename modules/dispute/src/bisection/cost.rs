//! What moves cost, in gas, besides state access and hashing: as all gas about 1,000 to 45 microseconds of one core. Measured in `cairn-program`
//! (`cargo test -p cairn-program timing -- --nocapture`): 4 to 6 ns a multiplication, 25 ns a byte of a program.
use cairn_program::LeafCost;

/// Decoding and checking a program of so many bytes.
pub(crate) fn program(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Computing one chunk, at the most that its operator can cost. Opening its operands is hashing.
pub(crate) fn leaf(cost: LeafCost) -> u64 {
    cost.macs.div_ceil(8)
}
