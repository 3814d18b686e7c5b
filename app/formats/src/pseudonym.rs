//! Names under which annotators stand in an export.
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Makes pseudonyms: the first 16 bytes of HMAC-SHA-256 over chain, job and address, under a key that only the requester has. Without the
/// key nobody can tell whose name one is by trying addresses, as with a bare hash; and the names of one annotator in two jobs differ.
#[derive(Clone)]
pub struct Pseudonyms {
    mac: Hmac<Sha256>,
}

impl Pseudonyms {
    /// For one job.
    #[must_use]
    pub fn new(key: &[u8; 32], chain: &str, job: u64) -> Self {
        // A key of one block or less is padded: the first block is the key with zeros.
        let mut block = [0; 64];
        block.iter_mut().zip(key).for_each(|(b, k)| *b = *k);
        let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into());
        mac.update(b"cairn.pseudonym.v1\0");
        mac.update(&u64::try_from(chain.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(chain.as_bytes());
        mac.update(&job.to_be_bytes());
        Self { mac }
    }
    /// The name of an annotator, 32 hexadecimal digits.
    #[must_use]
    pub fn name(&self, address: &str) -> String {
        let mut mac = self.mac.clone();
        mac.update(address.as_bytes());
        let bytes = mac.finalize().into_bytes();
        hex::encode(bytes.get(..16).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_depends_on_key_chain_job_and_address() {
        let name = |key: u8, chain: &str, job: u64, who: &str| Pseudonyms::new(&[key; 32], chain, job).name(who);
        let first = name(1, "cairn-1", 1, "cairn1a");
        assert_eq!((first.len(), &first), (32, &name(1, "cairn-1", 1, "cairn1a")));
        for other in [
            name(2, "cairn-1", 1, "cairn1a"),
            name(1, "cairn-2", 1, "cairn1a"),
            name(1, "cairn-1", 2, "cairn1a"),
            name(1, "cairn-1", 1, "cairn1b"),
        ] {
            assert_ne!(first, other);
        }
    }
}
