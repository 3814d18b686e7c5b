//! Signatures of arbitrary data by accounts (ADR-036), as Keplr's `signArbitrary` and CosmJS make them: nothing that a chain would take.
use cairn_kernel::Address;
use cairn_proto::adr036;

use crate::ante::{Claim, Verifier};

/// Why a signature of arbitrary data is not its signer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// The signer is no bech32 address.
    #[error("the signer is no address: {0}")]
    Signer(String),
    /// A compressed key on secp256k1 has 33 bytes.
    #[error("a compressed secp256k1 key has 33 bytes, found {0}")]
    Key(usize),
    /// The key is another account's.
    #[error("the key is that of {found}, the signer is {expected}")]
    ForeignKey {
        /// The signer.
        expected: String,
        /// The account whose key it is.
        found: String,
    },
    /// It does not fit to signer, data and key, or is not in its one form: 64 bytes, r and s, with s in the lower half.
    #[error("the signature does not fit to the signer and the data")]
    Signature,
}

/// Whether the holder of `key` signed `data` as `signer`, the account of that key, whatever the prefix of its address.
///
/// # Errors
/// If not, and why.
pub fn verify(signer: &str, data: &[u8], key: &[u8], signature: &[u8]) -> Result<(), NotSigned> {
    let key = <[u8; 33]>::try_from(key).map_err(|_| NotSigned::Key(key.len()))?;
    let prefix = signer.rsplit_once('1').map_or("", |(prefix, _)| prefix);
    let expected = Address::parse_with(prefix, signer).map_err(|e| NotSigned::Signer(e.log))?;
    let found = Address::from_secp256k1(&key);
    if found != expected {
        return Err(NotSigned::ForeignKey { expected: signer.to_owned(), found: found.to_bech32(prefix) });
    }
    // The address as it would be written anew: what is signed holds nothing else, such as capitals.
    let document = adr036::sign_bytes(&expected.to_bech32(prefix), data);
    let claim = Claim::new(key, &document, signature).filter(|claim| Verifier::new(2).check(claim));
    claim.map(drop).ok_or(NotSigned::Signature)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

    use super::*;

    /// Made with CosmJS 0.39 and the phrase of its README.
    const SIGNER: &str = "cosmos1lsagfzrm4gz28he4wunt63sts5xzmczw8pkek3";
    const DATA: &[u8] = b"hello <&>";

    fn golden() -> (Vec<u8>, Vec<u8>) {
        let signature = "vUpwHrvEtLXIxsWK+y8VFqGUPhXDtynNvISgOFVyDqFxEnS6fAM5fCAcx7ANFWtIGOeYGMt8Px33j54AWxRCtw==";
        (BASE64.decode("A4Fj1Y4k77Qaxuy496CHYB2rpfWXkM3LCnlyrU8eKbH7").unwrap(), BASE64.decode(signature).unwrap())
    }

    #[test]
    fn what_a_wallet_signed_is_its_signers() {
        let (key, signature) = golden();
        assert_eq!(verify(SIGNER, DATA, &key, &signature), Ok(()));
    }

    #[test]
    fn no_byte_of_it_may_change() {
        let (key, signature) = golden();
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert_eq!(verify(SIGNER, DATA, &key, &changed), Err(NotSigned::Signature), "byte {at}");
        }
        for at in 0..DATA.len() {
            let mut changed = DATA.to_vec();
            changed[at] ^= 1;
            assert_eq!(verify(SIGNER, &changed, &key, &signature), Err(NotSigned::Signature), "byte {at}");
        }
        for bad in [&signature[..63], &[], &[&signature[..], &[0]].concat()] {
            assert_eq!(verify(SIGNER, DATA, &key, bad), Err(NotSigned::Signature));
        }
    }

    #[test]
    fn the_key_must_be_the_signers() {
        let (mut key, signature) = golden();
        // The same account under another prefix signs another document.
        let ours = Address::parse_with("cosmos", SIGNER).unwrap().to_string();
        assert_eq!(verify(&ours, DATA, &key, &signature), Err(NotSigned::Signature));
        assert_eq!(verify(SIGNER, DATA, &key[..32], &signature), Err(NotSigned::Key(32)));
        for bad in ["", "cosmos1", "cairn1lsagfzrm4gz28he4wunt63sts5xzmczw8pkek3", "no address"] {
            assert!(matches!(verify(bad, DATA, &key, &signature), Err(NotSigned::Signer(_))), "{bad:?}");
        }
        key[0] ^= 1;
        assert!(matches!(verify(SIGNER, DATA, &key, &signature), Err(NotSigned::ForeignKey { .. })));
    }
}
