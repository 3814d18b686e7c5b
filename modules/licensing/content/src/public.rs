//! X25519 (RFC 7748): public keys, and which of them are refused.
use curve25519_dalek::MontgomeryPoint;
use zeroize::Zeroizing;

use crate::Error;

/// A private key, as its 32 bytes; clamped where it is used.
#[derive(Clone)]
pub(crate) struct PrivateKey(Zeroizing<[u8; 32]>);

impl PrivateKey {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
    /// The u coordinate of the base point times this key.
    pub(crate) fn public(&self) -> [u8; 32] {
        MontgomeryPoint::mul_base_clamped(*self.0).to_bytes()
    }
    /// The shared u coordinate; `None` where the other side's point has low order, so that the secret would be none.
    pub(crate) fn agree(&self, other: &[u8; 32]) -> Option<[u8; 32]> {
        let shared = MontgomeryPoint(*other).mul_clamped(*self.0).to_bytes();
        (shared != [0; 32]).then_some(shared)
    }
}

/// A public key that was checked: its bytes are the canonical ones of a point whose order is not low.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Checks a licensee's public key.
    ///
    /// # Errors
    /// [`Error::PublicKey`] for another length, bytes of 2^255 - 19 or more, and the points of low order.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| Error::PublicKey)?;
        // A clamped scalar is a multiple of 8, the cofactor: it sends just the points of low order to zero.
        let full_order = PrivateKey::new([0; 32]).agree(&bytes).is_some();
        if is_canonical(&bytes) && full_order { Ok(Self(bytes)) } else { Err(Error::PublicKey) }
    }
    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The public key of a private key.
#[must_use]
pub fn public_key(private: &[u8; 32]) -> [u8; 32] {
    PrivateKey::new(*private).public()
}

/// Whether 32 little-endian bytes are below 2^255 - 19.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    *last < 0x7f || (*last == 0x7f && (*first < 0xed || middle.iter().any(|byte| *byte < 0xff)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// RFC 7748, section 6.1.
    #[test]
    fn two_sides_agree_as_the_rfc_says() {
        let alice = PrivateKey::new(bytes("77076d0a7318a57d3c16c17251b26645df4c2f92ebc099d2fcb1b9f1f1f1e1f7"));
        let bob = PrivateKey::new(bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
        assert_eq!(bob.public(), bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
        assert_eq!(alice.agree(&bob.public()), bob.agree(&alice.public()));
    }

    #[test]
    fn low_order_and_non_canonical_points_are_no_public_keys() {
        let refused = [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0900000000000000000000000000000000000000000000000000000000000080",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ];
        for text in refused {
            assert_eq!(PublicKey::parse(&bytes(text)), Err(Error::PublicKey), "{text}");
        }
        assert_eq!(PublicKey::parse(&[9; 31]), Err(Error::PublicKey));
        let base = bytes("0900000000000000000000000000000000000000000000000000000000000000");
        assert_eq!(PublicKey::parse(&base).unwrap().as_bytes(), &base);
        // 2^255 - 21: below the prime and of full order on the curve or its twist.
        assert!(is_canonical(&bytes("ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")));
        for seed in 0..64_u8 {
            PublicKey::parse(&public_key(&[seed; 32])).unwrap();
        }
    }
}
