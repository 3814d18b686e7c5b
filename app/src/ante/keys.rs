//! Public keys that an account may sign with: one on secp256k1, or a threshold of several such.
use cairn_kernel::{Address, Result, sdk};
use cairn_proto::{
    Any,
    cosmos::crypto::{multisig::LegacyAminoPubKey, secp256k1::PubKey},
    unpack,
};
use prost::Name;
use sha2::{Digest, Sha256};

use super::verify::Key;

/// What amino puts before the bytes of a threshold key.
const THRESHOLD_PREFIX: [u8; 4] = [0x22, 0xc1, 0xf7, 0xe2];
/// What amino puts before the 33 bytes of a secp256k1 key: its prefix and their number.
const SINGLE_PREFIX: [u8; 5] = [0xeb, 0x5a, 0xe9, 0x87, 33];
/// Keys of one threshold key at the most, looked at before they are read. The parameter of auth may allow fewer.
const MAX_KEYS: usize = 64;

/// A key, or several of which some must sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// One key.
    Single(Key),
    /// Several keys.
    Threshold(Threshold),
}

/// Keys of which so many must sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Threshold {
    /// How many must sign, from 1 to the number of keys.
    pub(super) needed: usize,
    /// The keys, in the order of the bits of a signature.
    pub(super) keys: Vec<Key>,
}

impl PublicKey {
    /// Reads a packed key.
    ///
    /// # Errors
    /// `sdk/8` for another type of key, also within a threshold key, or one that contradicts itself.
    pub(super) fn read(key: &Any) -> Result<Self> {
        if key.type_url == LegacyAminoPubKey::type_url() {
            Threshold::read(key).map(Self::Threshold)
        } else {
            single(key).map(Self::Single)
        }
    }

    /// The account that is its.
    pub(super) fn address(&self) -> Result<Address> {
        match self {
            Self::Single(key) => Ok(Address::from_secp256k1(key)),
            Self::Threshold(threshold) => threshold.address(),
        }
    }

    /// How many keys it has.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Single(_) => 1,
            Self::Threshold(threshold) => u64::try_from(threshold.keys.len()).unwrap_or(u64::MAX),
        }
    }
}

impl Threshold {
    fn read(key: &Any) -> Result<Self> {
        let LegacyAminoPubKey { threshold, public_keys } = unpack(key).map_err(|e| sdk::invalid_pub_key(e.log))?;
        let (found, needed) = (public_keys.len(), usize::try_from(threshold).unwrap_or(usize::MAX));
        if found > MAX_KEYS {
            return Err(sdk::invalid_pub_key(format!("a threshold key has at most {MAX_KEYS} keys, found {found}")));
        }
        if needed == 0 || needed > found {
            return Err(sdk::invalid_pub_key(format!("expected a threshold of 1 to {found}, the number of keys, found {threshold}")));
        }
        Ok(Self { needed, keys: public_keys.iter().map(single).collect::<Result<_>>()? })
    }

    /// The first 20 bytes of the SHA-256 of its amino bytes.
    fn address(&self) -> Result<Address> {
        let mut bytes = THRESHOLD_PREFIX.to_vec();
        bytes.push(0x08);
        prost::encoding::encode_varint(u64::try_from(self.needed).unwrap_or(u64::MAX), &mut bytes);
        for key in &self.keys {
            bytes.extend([0x12, 38]);
            bytes.extend(SINGLE_PREFIX);
            bytes.extend(key);
        }
        let hash = Sha256::digest(&bytes);
        Address::new(hash.get(..20).unwrap_or(&hash))
    }
}

fn single(key: &Any) -> Result<Key> {
    if key.type_url != PubKey::type_url() {
        let shown: String = key.type_url.chars().take(128).collect();
        return Err(sdk::invalid_pub_key(format!("expected {}, found {shown:?}", PubKey::type_url())));
    }
    let key = unpack::<PubKey>(key).map_err(|e| sdk::invalid_pub_key(e.log))?.key;
    let found = key.len();
    key.try_into().map_err(|_| sdk::invalid_pub_key(format!("a compressed secp256k1 key has 33 bytes, found {found}")))
}

#[cfg(test)]
mod tests {
    use cairn_proto::pack;

    use super::*;

    fn key(n: u8) -> Any {
        let mut key = vec![2];
        key.extend([n; 32]);
        pack(&PubKey { key })
    }

    fn threshold(threshold: u32, public_keys: Vec<Any>) -> Any {
        pack(&LegacyAminoPubKey { threshold, public_keys })
    }

    #[test]
    fn a_threshold_key_has_keys_and_needs_one_to_all_of_them() {
        let read = PublicKey::read(&threshold(2, vec![key(1), key(2), key(3)])).unwrap();
        assert_eq!(read.count(), 3);
        for bad in [threshold(0, vec![key(1)]), threshold(2, vec![key(1)]), threshold(0, vec![]), threshold(1, vec![])] {
            assert_eq!(PublicKey::read(&bad).unwrap_err().code, 8);
        }
    }

    #[test]
    fn the_number_of_keys_is_bounded_before_they_are_read() {
        assert!(PublicKey::read(&threshold(1, (0..64).map(key).collect())).is_ok());
        assert_eq!(PublicKey::read(&threshold(1, (0..65).map(key).collect())).unwrap_err().code, 8);
    }

    #[test]
    fn only_secp256k1_keys_count_and_thresholds_do_not_nest() {
        let other = Any { type_url: "/cosmos.crypto.ed25519.PubKey".into(), value: key(1).value };
        let inner = threshold(1, vec![key(1)]);
        let short = pack(&PubKey { key: vec![2; 32] });
        for bad in [other, inner, short, Any::default()] {
            assert_eq!(PublicKey::read(&threshold(1, vec![bad])).unwrap_err().code, 8);
        }
    }

    /// Made with `createMultisigThresholdPubkey` and `pubkeyToAddress` of CosmJS 0.32.
    #[test]
    fn a_threshold_key_has_the_address_that_wallets_compute() {
        let read = PublicKey::read(&threshold(2, vec![key(1), key(2), key(3)])).unwrap();
        assert_eq!(read.address().unwrap().to_string(), "cairn1xwrsus06emjktfhcew9798xvmanqayxkxmafuq");
    }
}
