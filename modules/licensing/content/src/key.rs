//! The key of a version's content, and what the chain knows of it.
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::ItemCipher;

/// What the hash of a content key begins with.
const KEY_TAG: &[u8; 16] = b"cairn.key.v1\0\0\0\0";
/// What the derivation of an item's key begins with.
const ITEM_TAG: &[u8; 16] = b"cairn.itemkey.v1";

/// The random key under which all items of one version are sealed. Used for that version only.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey(Zeroizing<[u8; 32]>);

impl ContentKey {
    /// From 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
    /// The bytes, to wrap or to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    /// What a version says of its key: SHA-256(tag "cairn.key.v1" | manifest root of the sealed items | key). ChaCha20-Poly1305 does not
    /// commit to its key, so without this a key could open to two contents.
    #[must_use]
    pub fn commitment(&self, manifest_root: &[u8; 32]) -> [u8; 32] {
        Sha256::new().chain_update(KEY_TAG).chain_update(manifest_root).chain_update(*self.0).finalize().into()
    }
    /// The cipher of item `index`, under a key of its own: HKDF-SHA256(key, info = tag "cairn.itemkey.v1" | u32 index).
    #[must_use]
    pub fn item(&self, index: u32) -> ItemCipher {
        let mut key = [0; 32];
        // Expansion fails only beyond 255 hashes.
        let _ = Hkdf::<Sha256>::new(None, self.as_bytes()).expand_multi_info(&[ITEM_TAG, &index.to_be_bytes()], &mut key);
        let cipher = ItemCipher::new(&key);
        key.zeroize();
        cipher
    }
}

impl std::fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContentKey(..)")
    }
}
