//! Account keys at rest: one file a key, encrypted under a passphrase.
//!
//! The file is JSON: name, address, public key, and the 32-byte secret sealed with ChaCha20-Poly1305 (RFC 8439) under a key that
//! Argon2id (RFC 9106, 64 MiB, 3 passes, 1 lane) derives from the passphrase and a random salt. The name is the associated data.
use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bip32::{DerivationPath, XPrv};
use bip39::{Language, Mnemonic};
use cairn_kernel::Address;
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use k256::ecdsa::{
    Signature, SigningKey,
    signature::{Signer, hazmat::PrehashSigner},
};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::home::{read_secret, write_secret};

/// Where wallets of the Cosmos ecosystem look for a key: coin type 118, first account.
pub(crate) const HD_PATH: &str = "m/44'/118'/0'/0/0";
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;

/// A key that can sign.
#[derive(Clone)]
pub(crate) struct AccountKey(SigningKey);

/// Shows whose key it is, never the secret.
impl std::fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccountKey({})", self.address())
    }
}

impl AccountKey {
    /// From a BIP-39 phrase at [`HD_PATH`], without a BIP-39 passphrase.
    pub(crate) fn from_mnemonic(phrase: &str) -> Result<Self> {
        let mnemonic = Mnemonic::parse_in(Language::English, phrase.trim()).map_err(|e| anyhow::anyhow!("not a BIP-39 phrase: {e}"))?;
        let path: DerivationPath = HD_PATH.parse().map_err(|e| anyhow::anyhow!("{e}"))?;
        let key = XPrv::derive_from_path(Zeroizing::new(mnemonic.to_seed("")).as_slice(), &path)
            .map_err(|e| anyhow::anyhow!("cannot derive the key: {e}"))?;
        Ok(Self(key.private_key().clone()))
    }
    /// From 32 bytes.
    pub(crate) fn from_bytes(secret: &[u8]) -> Result<Self> {
        Ok(Self(SigningKey::from_slice(secret).context("not a secp256k1 secret key")?))
    }
    /// The 32 bytes.
    #[must_use]
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_bytes().to_vec())
    }
    /// The compressed public key.
    #[must_use]
    pub(crate) fn public(&self) -> [u8; 33] {
        let point = self.0.verifying_key().to_encoded_point(true);
        let mut out = [0; 33];
        out.iter_mut().zip(point.as_bytes()).for_each(|(to, from)| *to = *from);
        out
    }
    /// The account it controls.
    #[must_use]
    pub(crate) fn address(&self) -> Address {
        Address::from_secp256k1(&self.public())
    }
    /// The 64-byte signature (r, s; low s; RFC 6979) over SHA-256 of `bytes`.
    #[must_use]
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(bytes);
        signature.normalize_s().unwrap_or(signature).to_bytes().to_vec()
    }
    /// As [`Self::sign`], over a hash itself.
    pub(crate) fn sign_hash(&self, hash: &[u8; 32]) -> Result<Vec<u8>> {
        let signature: Signature = self.0.sign_prehash(hash).map_err(|e| anyhow::anyhow!("cannot sign: {e}"))?;
        Ok(signature.normalize_s().unwrap_or(signature).to_bytes().to_vec())
    }
}

/// A fresh phrase of 24 words.
pub(crate) fn new_mnemonic() -> Result<Zeroizing<String>> {
    let mut entropy = Zeroizing::new([0_u8; 32]);
    rand::rngs::OsRng.fill_bytes(entropy.as_mut());
    let mnemonic = Mnemonic::from_entropy_in(Language::English, entropy.as_slice()).map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(Zeroizing::new(mnemonic.to_string()))
}

/// One key file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The name it is called by.
    pub(crate) name: String,
    /// The account it controls.
    pub(crate) address: String,
    /// The compressed public key, base64.
    pub(crate) pub_key: String,
    kdf: Kdf,
    nonce: String,
    sealed: String,
}

impl Entry {
    /// The compressed public key.
    pub(crate) fn public(&self) -> Result<[u8; 33]> {
        BASE64
            .decode(&self.pub_key)
            .ok()
            .and_then(|b| b.try_into().ok())
            .with_context(|| format!("the public key of {} is damaged", self.name))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kdf {
    name: String,
    memory_kib: u32,
    passes: u32,
    salt: String,
}

impl Kdf {
    fn derive(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>> {
        // Bounded, since a hostile key file must not make this machine spend without end.
        if self.name != "argon2id" || self.memory_kib > 1 << 20 || self.passes > 16 {
            bail!("the key file asks for an unsupported key derivation");
        }
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(|e| anyhow::anyhow!("key derivation: {e}"))?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &BASE64.decode(&self.salt)?, key.as_mut())
            .map_err(|e| anyhow::anyhow!("key derivation: {e}"))?;
        Ok(key)
    }
}

/// The folder of key files.
pub(crate) struct Keyring(PathBuf);

impl Keyring {
    /// Over the folder `path`, which is created with the first key.
    #[must_use]
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }
    fn file(&self, name: &str) -> Result<PathBuf> {
        let ok = (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !ok {
            bail!("a key's name has 1 to 64 letters, digits, '-' or '_', found {name:?}");
        }
        Ok(self.0.join(format!("{name}.json")))
    }
    /// The file of a key to be; an existing or bad name is refused.
    pub(crate) fn vacant(&self, name: &str) -> Result<PathBuf> {
        let path = self.file(name)?;
        if path.exists() {
            bail!("a key named {name} exists; choose another name or delete it with 'cairnd keys delete {name}'");
        }
        Ok(path)
    }
    /// Seals `key` under `passphrase`; an existing name is refused.
    pub(crate) fn add(&self, name: &str, key: &AccountKey, passphrase: &str) -> Result<Entry> {
        let path = self.vacant(name)?;
        if passphrase.chars().count() < 8 {
            bail!("the passphrase must have at least 8 characters");
        }
        let (mut salt, mut nonce) = ([0_u8; 16], [0_u8; 12]);
        rand::rngs::OsRng.fill_bytes(&mut salt);
        rand::rngs::OsRng.fill_bytes(&mut nonce);
        let kdf = Kdf { name: "argon2id".into(), memory_kib: MEMORY_KIB, passes: PASSES, salt: BASE64.encode(salt) };
        let cipher = ChaCha20Poly1305::new(kdf.derive(passphrase)?.as_slice().into());
        let secret = key.to_bytes();
        let payload = Payload { msg: secret.as_slice(), aad: name.as_bytes() };
        let sealed = cipher.encrypt(&nonce.into(), payload).map_err(|_| anyhow::anyhow!("cannot seal the key"))?;
        let entry = Entry {
            name: name.to_owned(),
            address: key.address().to_string(),
            pub_key: BASE64.encode(key.public()),
            kdf,
            nonce: BASE64.encode(nonce),
            sealed: BASE64.encode(sealed),
        };
        write_secret(&path, &serde_json::to_vec_pretty(&entry)?)?;
        Ok(entry)
    }
    /// The key file of `name`.
    pub(crate) fn entry(&self, name: &str) -> Result<Entry> {
        let path = self.file(name)?;
        if !path.exists() {
            bail!("no key named {name}; 'cairnd keys list' shows those there are");
        }
        serde_json::from_str(&read_secret(&path)?).with_context(|| format!("{} is not a key file", path.display()))
    }
    /// Opens the key of `name`.
    pub(crate) fn open(&self, name: &str, passphrase: &str) -> Result<AccountKey> {
        let entry = self.entry(name)?;
        let cipher = ChaCha20Poly1305::new(entry.kdf.derive(passphrase)?.as_slice().into());
        let nonce: [u8; 12] = BASE64.decode(&entry.nonce)?.try_into().ok().context("the key file's nonce has not 12 bytes")?;
        let sealed = BASE64.decode(&entry.sealed)?;
        let opened = cipher.decrypt(&nonce.into(), Payload { msg: &sealed, aad: name.as_bytes() });
        let secret = Zeroizing::new(opened.map_err(|_| anyhow::anyhow!("wrong passphrase for key {name}"))?);
        AccountKey::from_bytes(&secret)
    }
    /// All keys, by name.
    pub(crate) fn list(&self) -> Result<Vec<Entry>> {
        if !self.0.exists() {
            return Ok(Vec::new());
        }
        let mut names: Vec<String> = Vec::new();
        for file in fs::read_dir(&self.0)? {
            let path = file?.path();
            if path.extension().is_some_and(|e| e == "json") {
                names.extend(path.file_stem().and_then(|s| s.to_str()).map(str::to_owned));
            }
        }
        names.sort();
        names.iter().map(|n| self.entry(n)).collect()
    }
    /// Deletes the key of `name` for ever.
    pub(crate) fn delete(&self, name: &str) -> Result<()> {
        self.entry(name)?;
        fs::remove_file(self.file(name)?).with_context(|| format!("cannot delete key {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phrase_of_the_cosmjs_readme_gives_its_address() {
        let phrase = "surround miss nominee dream gap cross assault thank captain prosper drop duty group candy wealth weather scale put";
        let key = AccountKey::from_mnemonic(phrase).unwrap();
        assert_eq!(BASE64.encode(key.public()), "A4Fj1Y4k77Qaxuy496CHYB2rpfWXkM3LCnlyrU8eKbH7");
        assert_eq!(key.address().to_bech32("cosmos"), "cosmos1lsagfzrm4gz28he4wunt63sts5xzmczw8pkek3");
        assert!(AccountKey::from_mnemonic("surround miss").is_err());
    }

    #[test]
    fn a_key_opens_only_with_its_passphrase_and_name() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keyring::new(folder.path().join("keyring"));
        let key = AccountKey::from_mnemonic(&new_mnemonic().unwrap()).unwrap();
        assert!(ring.add("ann", &key, "short").is_err());
        assert!(ring.add("../ann", &key, "long enough").is_err());
        ring.add("ann", &key, "long enough").unwrap();
        assert!(ring.add("ann", &key, "long enough").is_err());
        assert_eq!(ring.open("ann", "long enough").unwrap().address(), key.address());
        assert_eq!(ring.entry("ann").unwrap().public().unwrap(), key.public());
        assert!(ring.open("ann", "wrong one").unwrap_err().to_string().contains("wrong passphrase"));
        assert!(ring.open("bob", "long enough").unwrap_err().to_string().contains("no key named bob"));
        fs::rename(folder.path().join("keyring/ann.json"), folder.path().join("keyring/bob.json")).unwrap();
        assert!(ring.open("bob", "long enough").is_err());
        ring.delete("bob").unwrap();
        assert!(ring.list().unwrap().is_empty());
    }
}
