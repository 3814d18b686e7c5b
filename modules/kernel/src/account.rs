//! Addresses and the accounts that modules own.
use std::{cmp::Ordering, fmt};

use bech32::{Bech32, Hrp};
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};

use crate::{Error, Result, sdk};

/// The human-readable part of a user's address.
pub const PREFIX: &str = "cairn";

/// 1 to 32 bytes that name an account; bech32 (BIP-173) with [`PREFIX`] as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    len: u8,
    bytes: [u8; 32],
}

impl Address {
    /// From raw bytes, 1 to 32 of them.
    pub fn new(raw: &[u8]) -> Result<Self> {
        let mut bytes = [0; 32];
        let len = u8::try_from(raw.len()).ok().filter(|n| (1..=32).contains(n));
        match (len, bytes.get_mut(..raw.len())) {
            (Some(len), Some(head)) => {
                head.copy_from_slice(raw);
                Ok(Self { len, bytes })
            }
            _ => Err(sdk::invalid_address(format!("an address has 1 to 32 bytes, found {}", raw.len()))),
        }
    }
    /// From text with the prefix of users, `cairn1...`.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_with(PREFIX, text)
    }
    /// From text with another prefix, such as `cairnvaloper`.
    pub fn parse_with(prefix: &str, text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Err(sdk::invalid_address("empty address string is not allowed"));
        }
        // BIP-173 allows 90 characters; longer text is refused before it is decoded.
        if text.len() > 90 {
            return Err(sdk::invalid_address(format!("an address has at most 90 characters, found {}", text.len())));
        }
        let checked = bech32::primitives::decode::CheckedHrpstring::new::<Bech32>(text);
        let parsed = checked.map_err(|e| sdk::invalid_address(format!("decoding bech32 failed: {e}")))?;
        let hrp = parsed.hrp();
        if hrp.as_str() != prefix {
            return Err(sdk::invalid_address(format!("invalid bech32 prefix; expected {prefix}, got {}", hrp.as_str())));
        }
        let raw: Vec<u8> = parsed.byte_iter().collect();
        let address = Self::new(&raw)?;
        if address.to_bech32(prefix) != text {
            return Err(sdk::invalid_address(format!("{text} is not in canonical form")));
        }
        Ok(address)
    }
    /// Of the account that the module `name` owns: the first 20 bytes of SHA-256(name), as in the Cosmos SDK.
    #[must_use]
    pub fn module(name: &str) -> Self {
        Self::of_hash20(&Sha256::digest(name.as_bytes()))
    }
    /// A 32-byte account of `module` told apart by `key` (ADR-028: SHA-256(SHA-256("module") | name | 0 | key)).
    #[must_use]
    pub fn derive(module: &str, key: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(Sha256::digest(b"module"));
        hash.update(module.as_bytes());
        hash.update([0]);
        hash.update(key);
        Self { len: 32, bytes: hash.finalize().into() }
    }
    /// Of a compressed secp256k1 public key: RIPEMD-160(SHA-256(key)).
    #[must_use]
    pub fn from_secp256k1(key: &[u8; 33]) -> Self {
        Self::of_hash20(&Ripemd160::digest(Sha256::digest(key)))
    }
    fn of_hash20(hash: &[u8]) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(hash.iter().take(20)) {
            *to = *from;
        }
        Self { len: 20, bytes }
    }
    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }
    /// Text with another prefix, such as `cairnvalcons`.
    #[must_use]
    pub fn to_bech32(&self, prefix: &str) -> String {
        // Fails only for a prefix that is no bech32 prefix; ours are constants.
        Hrp::parse(prefix).ok().and_then(|hrp| bech32::encode::<Bech32>(hrp, self.as_bytes()).ok()).unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_bech32(PREFIX))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl std::str::FromStr for Address {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// A module's own account and what it may do with the supply. Declared as a constant by its owner; a test lists them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleAccount {
    /// The account's name; its address is [`Address::module`] of it.
    pub name: &'static str,
    /// May create coins.
    pub mints: bool,
    /// May destroy coins of its own balance.
    pub burns: bool,
    /// May hold what is delegated; nothing but a name that Cosmos clients know.
    pub stakes: bool,
    /// Users may pay it by `MsgSend` and `MsgMultiSend`. Off by default: coins that a module does not expect are lost to their sender.
    pub receives: bool,
}

impl ModuleAccount {
    /// An account without rights over the supply, closed to payments of users.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, mints: false, burns: false, stakes: false, receives: false }
    }
    /// With the right to mint.
    #[must_use]
    pub const fn mints(self) -> Self {
        Self { mints: true, ..self }
    }
    /// With the right to burn.
    #[must_use]
    pub const fn burns(self) -> Self {
        Self { burns: true, ..self }
    }
    /// For delegated coins.
    #[must_use]
    pub const fn stakes(self) -> Self {
        Self { stakes: true, ..self }
    }
    /// Open to payments of users.
    #[must_use]
    pub const fn receives(self) -> Self {
        Self { receives: true, ..self }
    }
    /// Where its coins lie.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::module(self.name)
    }
    /// The rights under the names that the Cosmos SDK shows (`minter`, `burner`, `staking`).
    #[must_use]
    pub fn permissions(&self) -> Vec<String> {
        let rights = [(self.mints, "minter"), (self.burns, "burner"), (self.stakes, "staking")];
        rights.iter().filter(|(has, _)| *has).map(|(_, name)| (*name).to_owned()).collect()
    }
}
