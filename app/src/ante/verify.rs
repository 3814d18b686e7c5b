//! Signatures over secp256k1, each verified once: CheckTx, proposals and blocks share what was found good.
use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use secp256k1::{Message, PublicKey, Secp256k1, VerifyOnly, ecdsa::Signature};
use sha2::{Digest, Sha256};

/// Compressed public key.
pub(crate) type Key = [u8; 33];

/// That a key signed a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    key: Key,
    digest: [u8; 32],
    signature: [u8; 64],
}

impl Claim {
    /// That `key` signed SHA-256(`document`); `None` if the signature has not 64 bytes (r and s, big-endian).
    pub(crate) fn new(key: Key, document: &[u8], signature: &[u8]) -> Option<Self> {
        Some(Self { key, digest: Sha256::digest(document).into(), signature: signature.try_into().ok()? })
    }
    fn id(&self) -> [u8; 32] {
        Sha256::new().chain_update(self.digest).chain_update(self.key).chain_update(self.signature).finalize().into()
    }
}

/// Verifies signatures and remembers the good ones. What it remembers changes how fast an answer comes, never which.
pub(crate) struct Verifier {
    curve: Secp256k1<VerifyOnly>,
    seen: Mutex<Seen>,
}

/// Two generations of a set: when the younger is full, the elder is forgotten.
#[derive(Debug, Default)]
struct Seen {
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
    generation: usize,
}

impl Verifier {
    /// Remembers the last `capacity` signatures at the most (32 bytes each) and half of them at the least.
    pub(crate) fn new(capacity: usize) -> Self {
        let seen = Seen { generation: capacity.div_ceil(2), ..Seen::default() };
        Self { curve: Secp256k1::verification_only(), seen: Mutex::new(seen) }
    }

    /// Whether the claim is true. A signature with a high s is none: it would be a second one for the same document.
    pub(crate) fn check(&self, claim: &Claim) -> bool {
        let id = claim.id();
        if self.seen(|s| s.has(&id)) {
            return true;
        }
        let good = self.verify(claim);
        if good {
            self.seen(|s| s.add(id));
        }
        good
    }

    fn verify(&self, claim: &Claim) -> bool {
        let (Ok(key), Ok(signature)) = (PublicKey::from_slice(&claim.key), Signature::from_compact(&claim.signature)) else {
            return false;
        };
        // libsecp256k1 refuses a high s by itself.
        self.curve.verify_ecdsa(&Message::from_digest(claim.digest), &signature, &key).is_ok()
    }

    fn seen<T>(&self, f: impl FnOnce(&mut Seen) -> T) -> T {
        // A set of hashes is whole at every moment: a panic elsewhere cannot have broken it.
        f(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Seen {
    fn has(&self, id: &[u8; 32]) -> bool {
        self.young.contains(id) || self.old.contains(id)
    }
    fn add(&mut self, id: [u8; 32]) {
        if self.young.len() >= self.generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id);
    }
}

#[cfg(test)]
mod tests {
    use k256::ecdsa::{Signature as Made, SigningKey, signature::Signer};

    use super::*;

    fn signed(n: u8, document: &[u8]) -> (Key, Vec<u8>) {
        let key = SigningKey::from_slice(&[n; 32]).unwrap();
        let signature: Made = key.sign(document);
        let public = key.verifying_key().to_encoded_point(true);
        (public.as_bytes().try_into().unwrap(), signature.to_bytes().to_vec())
    }

    fn claim(n: u8, document: &[u8]) -> Claim {
        let (key, signature) = signed(n, document);
        Claim::new(key, document, &signature).unwrap()
    }

    #[test]
    fn a_signature_is_good_for_its_key_and_document_only() {
        let verifier = Verifier::new(8);
        let good = claim(1, b"a");
        for _ in 0..2 {
            assert!(verifier.check(&good));
        }
        assert!(!verifier.check(&Claim { key: claim(2, b"a").key, ..good.clone() }));
        assert!(!verifier.check(&Claim { digest: claim(1, b"b").digest, ..good.clone() }));
        for at in 0..64 {
            let mut bad = good.clone();
            bad.signature[at] ^= 1;
            assert!(!verifier.check(&bad), "byte {at}");
        }
        assert!(!verifier.check(&Claim { key: [5; 33], ..good.clone() }), "no point");
        assert!(!verifier.check(&Claim { signature: [0; 64], ..good.clone() }));
        assert!(!verifier.check(&Claim { signature: [0xff; 64], ..good }));
    }

    #[test]
    fn the_mirrored_signature_is_refused() {
        let (key, signature) = signed(3, b"doc");
        let low = Made::from_slice(&signature).unwrap();
        let high = Made::from_scalars(low.r(), -low.s()).unwrap();
        assert!(Verifier::new(8).check(&Claim::new(key, b"doc", &low.to_bytes()).unwrap()));
        assert!(!Verifier::new(8).check(&Claim::new(key, b"doc", &high.to_bytes()).unwrap()));
    }

    #[test]
    fn only_64_bytes_are_a_signature() {
        let (key, signature) = signed(1, b"a");
        assert!(Claim::new(key, b"a", &signature[..63]).is_none());
        assert!(Claim::new(key, b"a", &[&signature[..], &[1]].concat()).is_none());
        assert!(Claim::new(key, b"a", &[]).is_none());
    }

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest() {
        let verifier = Verifier::new(4);
        let claims: Vec<_> = (1..=9).map(|n| claim(n, b"x")).collect();
        assert!(claims.iter().all(|c| verifier.check(c)));
        let known = |c: &Claim| verifier.seen(|s| s.has(&c.id()));
        assert!(!known(&claims[0]) && known(&claims[8]) && known(&claims[7]));
        assert!(verifier.seen(|s| s.young.len() + s.old.len()) <= 4);
    }
}
