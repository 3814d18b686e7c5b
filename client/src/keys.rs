//! Keys as wallets have them.
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::{Context, Result, bail};
use cairn_kernel::Address;
use cosmrs::{bip32::DerivationPath, crypto::secp256k1::SigningKey};
use sha2::{Digest, Sha256};

/// Where wallets look for a key.
const HD_PATH: &str = "m/44'/118'/0'/0/0";

/// The account that a key controls.
///
/// # Errors
/// Where the key has no compressed form of 33 bytes.
pub fn address(key: &SigningKey) -> Result<Address> {
    let public: [u8; 33] = key.public_key().to_bytes().try_into().ok().context("a compressed key has 33 bytes")?;
    Ok(Address::from_secp256k1(&public))
}

/// The key behind BIP-39 words.
///
/// # Errors
/// Words that are no phrase.
pub fn from_words(words: &str) -> Result<SigningKey> {
    let seed = bip39::Mnemonic::parse(words).map_err(|e| anyhow::anyhow!("{e}"))?.to_seed("");
    let path: DerivationPath = HD_PATH.parse().map_err(|e| anyhow::anyhow!("{e}"))?;
    SigningKey::derive_from_path(seed, &path).map_err(|e| anyhow::anyhow!("cannot derive the key: {e}"))
}

/// The key in a file that its owner alone may read: BIP-39 words, or 64 hexadecimal digits.
///
/// # Errors
/// A file that others may read, or that holds no key.
pub fn from_file(path: &Path) -> Result<SigningKey> {
    let shown = path.display();
    let mode = fs::metadata(path).with_context(|| format!("cannot read the key {shown}"))?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("others may read the key {shown}: 'chmod 600 {shown}' mends it");
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the key {shown}"))?;
    let text = text.trim();
    match hex::decode(text) {
        Ok(bytes) => SigningKey::from_slice(&bytes).map_err(|e| anyhow::anyhow!("{shown} holds no key: {e}")),
        Err(_) => from_words(text).with_context(|| format!("{shown} holds neither words nor a key in hexadecimal")),
    }
}

/// 32 bytes that nobody can tell without the key, the same ones for the same purpose each time: SHA-256 of the key's signature over `cairn.secret.v1`, a space and the
/// purpose. Signatures follow RFC 6979 and so do not change; who could tell one could forge any. What is signed begins as no transaction does.
///
/// # Errors
/// Where the key does not sign.
pub fn secret(key: &SigningKey, purpose: &str) -> Result<[u8; 32]> {
    let signature = key.sign(format!("cairn.secret.v1 {purpose}").as_bytes()).map_err(|e| anyhow::anyhow!("cannot sign: {e}"))?;
    Ok(Sha256::digest(signature.to_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

    #[test]
    fn a_key_in_a_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, format!("{WORDS}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(from_file(&file).err().unwrap().to_string().contains("chmod 600"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let by_words = address(&from_file(&file).unwrap()).unwrap();
        // The address that wallets show for these words (prefix cosmos: cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4).
        assert_eq!(by_words.to_bech32("cosmos"), "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
        fs::write(&file, "c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104").unwrap();
        assert_eq!(address(&from_file(&file).unwrap()).unwrap(), by_words);
        for bad in ["", "abandon", "00", &"00".repeat(32)] {
            fs::write(&file, bad).unwrap();
            assert!(from_file(&file).is_err(), "{bad}");
        }
        assert!(from_file(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_secret_is_the_same_each_time_and_another_for_each_purpose_and_key() {
        let (key, other) = (from_words(WORDS).unwrap(), SigningKey::from_slice(&[7; 32]).unwrap());
        let found = secret(&key, "a purpose").unwrap();
        assert_eq!(found, secret(&from_words(WORDS).unwrap(), "a purpose").unwrap());
        assert_ne!(found, secret(&key, "another").unwrap());
        assert_ne!(found, secret(&other, "a purpose").unwrap());
        // Worked out by an RFC 6979 of its own: what an older version of a program sealed, a newer one must open.
        assert_eq!(hex::encode(found), "5b034966da9d0cc4fa2f6fe1688e0dfe79e12664e47a175af08c21be7fd883e4");
    }
}
