//! The format of a committed vote.
use cairn_kernel::{Address, chain32, tag};
use cairn_proto::cairn::dispute::v1::Choice;
use sha2::{Digest, Sha256};

/// Bytes of a salt.
pub const SALT_LEN: usize = 32;

/// What a juror commits to: SHA-256 of `tag("cairn.vote.v1") | SHA-256(chain id) | u64 case | u32 round | u8 length of the address | address |
/// u8 choice | salt`, integers big-endian. No commitment is valid for another juror, case, round or chain, so a copied one is worth nothing.
#[must_use]
pub fn vote_commitment(chain_id: &str, case: u64, round: u32, juror: &Address, choice: Choice, salt: &[u8; SALT_LEN]) -> [u8; 32] {
    let address = juror.as_bytes();
    let length = u8::try_from(address.len()).unwrap_or(u8::MAX); // at most 32 by construction
    let choice = u8::try_from(i32::from(choice)).unwrap_or(u8::MAX); // 0 to 3
    let hash = Sha256::new().chain_update(tag("cairn.vote.v1")).chain_update(chain32(chain_id)).chain_update(case.to_be_bytes());
    let hash = hash.chain_update(round.to_be_bytes()).chain_update([length]).chain_update(address);
    hash.chain_update([choice]).chain_update(salt).finalize().into()
}
