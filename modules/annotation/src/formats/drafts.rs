//! The content of a draft that is told by its hash: bound to its producer, so that equal hashes can only be copies.
use cairn_kernel::{Address, merkle::Hash, tag};
use sha2::{Digest, Sha256};

use super::{Side, address, pairs::read_side};

/// A draft as its producer uploads it: `cairn.draft.v1` | u8 address length | address | u8 length | media type | u64 length | content.
/// Its SHA-256 is what is committed and revealed.
///
/// `None` where the media type has more than 255 bytes.
#[must_use]
pub fn draft(producer: &Address, content: &Side<'_>) -> Option<Vec<u8>> {
    let mut out = tag("cairn.draft.v1").to_vec();
    out.extend(address(producer)?);
    content.write(&mut out)?;
    Some(out)
}

/// The payload of a draft that is told in the clear, and of its truth: SHA-256 of its canonical encoding.
#[must_use]
pub fn shapes_payload(encoding: &[u8]) -> Hash {
    Sha256::digest(encoding).into()
}

/// Producer and content of a draft; `None` where the bytes are no draft to the last one. A verifier rejects a draft of another producer than
/// the chain names.
#[must_use]
pub fn read_draft(bytes: &[u8]) -> Option<(Address, Side<'_>)> {
    let rest = bytes.strip_prefix(&tag("cairn.draft.v1"))?;
    let (length, rest) = rest.split_first()?;
    let (producer, rest) = rest.split_at_checked(usize::from(*length))?;
    let (content, rest) = read_side(rest)?;
    rest.is_empty().then_some((Address::new(producer).ok()?, content))
}
