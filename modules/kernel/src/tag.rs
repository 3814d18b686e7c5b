//! What every hashed format of the chain begins with, so that bytes of one kind or of one chain never pass for another.
use sha2::{Digest, Sha256};

/// A format's name, padded with zero bytes to 16. Longer names are cut; there are none.
#[must_use]
pub fn tag(name: &str) -> [u8; 16] {
    let mut out = [0; 16];
    out.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    out
}

/// A chain as hashed formats name it: SHA-256 of its id.
#[must_use]
pub fn chain32(chain_id: &str) -> [u8; 32] {
    Sha256::digest(chain_id.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_padded_with_zeros() {
        assert_eq!(&tag("cairn.mix.v1"), b"cairn.mix.v1\0\0\0\0");
        assert_eq!(&tag("cairn.beacon.v1"), b"cairn.beacon.v1\0");
    }

    #[test]
    fn chains_are_named_by_the_hash_of_their_id() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(chain32("abc").map(|b| format!("{b:02x}")).concat(), abc);
    }
}
