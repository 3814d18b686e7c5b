//! HPKE (RFC 9180) in base mode, one message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
//!
//! A content key is wrapped with info = tag "cairn.wrap.v1" | manifest root | key commitment and aad = u64 number of the licence, so that
//! what was wrapped for one licence or version opens for no other. Wrapped: 32 bytes encapsulated key | 48 bytes sealed content key.
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{ContentKey, Error, PublicKey, public::PrivateKey};

/// Bytes of a wrapped key.
pub const WRAPPED_BYTES: usize = 80;

/// What the info of a wrapping begins with.
const WRAP_TAG: &[u8; 16] = b"cairn.wrap.v1\0\0\0";
/// DHKEM(X25519, HKDF-SHA256), as a part of HPKE.
const KEM: &[u8] = b"KEM\x00\x20";
/// The whole suite.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";

/// Wraps `key` for a licensee. `ephemeral` are 32 random bytes, used for this wrapping only.
///
/// # Errors
/// None in practice: a checked public key agrees with every ephemeral secret.
pub fn wrap(
    key: &ContentKey,
    manifest_root: &[u8; 32],
    license: u64,
    to: &PublicKey,
    ephemeral: [u8; 32],
) -> Result<[u8; WRAPPED_BYTES], Error> {
    let info = info(manifest_root, &key.commitment(manifest_root));
    let sealed = seal(to.as_bytes(), &PrivateKey::new(ephemeral), &info, &license.to_be_bytes(), key.as_bytes())?;
    sealed.try_into().map_err(|_| Error::Wrapped)
}

/// Opens a wrapped key with the licensee's private key. The caller compares the key with the commitment.
///
/// # Errors
/// [`Error::Wrapped`] for whatever does not open to 32 bytes.
pub fn open(
    wrapped: &[u8],
    manifest_root: &[u8; 32],
    commitment: &[u8; 32],
    license: u64,
    private: &[u8; 32],
) -> Result<ContentKey, Error> {
    let (enc, sealed) = wrapped.split_first_chunk::<32>().ok_or(Error::Wrapped)?;
    let info = info(manifest_root, commitment);
    let plain = Zeroizing::new(unseal(enc, &PrivateKey::new(*private), &info, &license.to_be_bytes(), sealed)?);
    let key: [u8; 32] = plain.as_slice().try_into().map_err(|_| Error::Wrapped)?;
    Ok(ContentKey::new(key))
}

fn info(manifest_root: &[u8; 32], commitment: &[u8; 32]) -> Vec<u8> {
    [WRAP_TAG.as_slice(), manifest_root, commitment].concat()
}

/// `SealBase`: the encapsulated key, then the ciphertext.
fn seal(to: &[u8; 32], ephemeral: &PrivateKey, info: &[u8], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
    let enc = ephemeral.public();
    let shared = ephemeral.agree(to).ok_or(Error::PublicKey)?;
    let (cipher, nonce) = schedule(&shared, &enc, to, info)?;
    let sealed = cipher.encrypt(&nonce.into(), Payload { msg: plain, aad }).map_err(|_| Error::Wrapped)?;
    Ok([enc.as_slice(), &sealed].concat())
}

/// `OpenBase`.
fn unseal(enc: &[u8; 32], private: &PrivateKey, info: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let shared = private.agree(enc).ok_or(Error::Wrapped)?;
    let (cipher, nonce) = schedule(&shared, enc, &private.public(), info)?;
    cipher.decrypt(&nonce.into(), Payload { msg: sealed, aad }).map_err(|_| Error::Wrapped)
}

/// `ExtractAndExpand` of the shared point, then `KeySchedule` of mode 0: the cipher and the nonce of the only message.
fn schedule(shared: &[u8; 32], enc: &[u8; 32], to: &[u8; 32], info: &[u8]) -> Result<(ChaCha20Poly1305, [u8; 12]), Error> {
    let prk = extract(KEM, &[], b"eae_prk", shared);
    let secret: Zeroizing<[u8; 32]> = expand(&prk.1, KEM, b"shared_secret", &[enc.as_slice(), to].concat())?.into();
    let (psk_id_hash, _) = extract(SUITE, &[], b"psk_id_hash", &[]);
    let (info_hash, _) = extract(SUITE, &[], b"info_hash", info);
    let context = [[0].as_slice(), &psk_id_hash, &info_hash].concat();
    let (_, secret) = extract(SUITE, secret.as_slice(), b"secret", &[]);
    let key: Zeroizing<[u8; 32]> = expand(&secret, SUITE, b"key", &context)?.into();
    let nonce = expand(&secret, SUITE, b"base_nonce", &context)?;
    Ok((ChaCha20Poly1305::new(&(*key).into()), nonce))
}

/// `LabeledExtract`.
fn extract(suite: &[u8], salt: &[u8], label: &[u8], material: &[u8]) -> ([u8; 32], Hkdf<Sha256>) {
    let (prk, expander) = Hkdf::<Sha256>::extract(Some(salt), &[b"HPKE-v1", suite, label, material].concat());
    (prk.into(), expander)
}

/// `LabeledExpand` to `N` bytes.
fn expand<const N: usize>(prk: &Hkdf<Sha256>, suite: &[u8], label: &[u8], info: &[u8]) -> Result<[u8; N], Error> {
    let mut out = [0; N];
    let length = u16::try_from(N).map_err(|_| Error::Wrapped)?.to_be_bytes();
    prk.expand_multi_info(&[&length, b"HPKE-v1", suite, label, info], &mut out).map_err(|_| Error::Wrapped)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public_key;

    fn bytes(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// RFC 9180, appendix A.2.1, sequence number 0.
    #[test]
    fn the_vector_of_the_rfc() {
        let ephemeral = PrivateKey::new(bytes("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600"));
        let private = PrivateKey::new(bytes("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"));
        let to = bytes("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
        let info = hex::decode("4f6465206f6e2061204772656369616e2055726e").unwrap();
        let plain = hex::decode("4265617574792069732074727574682c20747275746820626561757479").unwrap();
        let aad = hex::decode("436f756e742d30").unwrap();
        assert_eq!(private.public(), to);
        let sealed = seal(&to, &ephemeral, &info, &aad, &plain).unwrap();
        assert_eq!(hex::encode(&sealed[..32]), "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
        assert_eq!(
            hex::encode(&sealed[32..]),
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
        );
        assert_eq!(unseal(sealed[..32].try_into().unwrap(), &private, &info, &aad, &sealed[32..]).unwrap(), plain);
    }

    #[test]
    fn a_wrapped_key_opens_for_its_license_version_and_holder_and_for_nothing_else() {
        let (key, root) = (ContentKey::new([7; 32]), [1; 32]);
        let (private, other) = ([2; 32], [3; 32]);
        let to = PublicKey::parse(&public_key(&private)).unwrap();
        let commitment = key.commitment(&root);
        let wrapped = wrap(&key, &root, 5, &to, [9; 32]).unwrap();
        assert_eq!(open(&wrapped, &root, &commitment, 5, &private).unwrap(), key);
        assert_eq!(open(&wrapped, &root, &commitment, 6, &private), Err(Error::Wrapped));
        assert_eq!(open(&wrapped, &[2; 32], &commitment, 5, &private), Err(Error::Wrapped));
        assert_eq!(open(&wrapped, &root, &[0; 32], 5, &private), Err(Error::Wrapped));
        assert_eq!(open(&wrapped, &root, &commitment, 5, &other), Err(Error::Wrapped));
        for i in 0..WRAPPED_BYTES {
            let mut bad = wrapped;
            bad[i] ^= 1;
            assert_eq!(open(&bad, &root, &commitment, 5, &private), Err(Error::Wrapped), "byte {i}");
        }
        for cut in [0, 31, 32, 47, 79] {
            assert_eq!(open(&wrapped[..cut], &root, &commitment, 5, &private), Err(Error::Wrapped), "{cut} bytes");
        }
        let low_order = [[0; 32].as_slice(), &wrapped[32..]].concat();
        assert_eq!(open(&low_order, &root, &commitment, 5, &private), Err(Error::Wrapped));
    }
}
