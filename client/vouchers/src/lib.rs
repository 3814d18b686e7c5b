//! Vouchers on the way from licensee to provider: what they must be, and the newest of each session in the home of either.
mod journal;
mod paper;
#[cfg(test)]
mod tests;

pub use journal::{Journal, Side};
pub use paper::{MAX_BYTES, Paper, bounds, due, is_last_call};
