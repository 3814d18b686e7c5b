//! Draws: numbers below a bound from a seed, without bias.
use cairn_kernel::tag;
use sha2::{Digest, Sha256};

use crate::Error;

/// How many values a number of the stream may have.
const NUMBERS: u128 = 1 << 64;

/// A stream of numbers that depend on nothing but the seed, the purpose and the object of the draw.
///
/// Number `i` of the stream is the first 8 bytes of `SHA-256(tag | seed | u8 purpose | u64 id | u32 i)`.
#[derive(Debug, Clone)]
pub struct Draw {
    prefix: Sha256,
    counter: Option<u32>,
}

impl Draw {
    /// The stream for object `id` of one purpose. Purposes are numbered in this crate's README, so that no two draws share a stream.
    #[must_use]
    pub fn new(seed: &[u8; 32], purpose: u8, id: u64) -> Self {
        let prefix = Sha256::new().chain_update(tag("cairn.draw.v1")).chain_update(seed).chain_update([purpose]);
        Self { prefix: prefix.chain_update(id.to_be_bytes()), counter: Some(0) }
    }

    /// A number from 0 to `bound - 1`, each equally likely: numbers of the stream at or above the largest multiple of `bound` are passed over.
    ///
    /// # Errors
    /// [`Error::NoCandidates`] if `bound` is 0; [`Error::StreamEnded`] after 2^32 numbers.
    pub fn below(&mut self, bound: u64) -> Result<u64, Error> {
        let bound = u128::from(bound);
        let fair = NUMBERS.checked_div(bound).ok_or(Error::NoCandidates)?.saturating_mul(bound);
        loop {
            let number = u128::from(self.next()?);
            if number < fair {
                let drawn = number.checked_rem(bound).and_then(|n| u64::try_from(n).ok());
                return drawn.ok_or(Error::NoCandidates);
            }
        }
    }

    pub(crate) fn next(&mut self) -> Result<u64, Error> {
        let counter = self.counter.ok_or(Error::StreamEnded)?;
        self.counter = counter.checked_add(1);
        let hash: [u8; 32] = self.prefix.clone().chain_update(counter.to_be_bytes()).finalize().into();
        let (first, _) = hash.split_first_chunk::<8>().ok_or(Error::Corrupt("a hash has less than 8 bytes"))?;
        Ok(u64::from_be_bytes(*first))
    }
}
