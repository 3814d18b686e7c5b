//! Who asks: challenges that a wallet signs (ADR-036), and the tokens that follow.
//!
//! Nothing is kept for a challenge or a token: both carry a MAC under a key that lives as long as the process. Only the nonces of challenges
//! that led to a token are remembered until they expire, so that each leads to one token.
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_kernel::Address;
use cairn_proto::adr036;
use hmac::{Hmac, Mac};
use rand::{RngCore, rngs::OsRng};
use secp256k1::{Message, PublicKey, Secp256k1, VerifyOnly, ecdsa::Signature};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::refusal::Refusal;

const TITLE: &str = "Sign in to a Cairn gateway. This moves no money and sends no transaction.";
/// Log-ins remembered at once, 40 bytes each. Any key can log in, so these must be more than anybody can make while a challenge lasts.
const MAX_USED: usize = 1 << 20;
/// Bytes of MAC in challenges and tokens.
const MAC_BYTES: usize = 16;

/// A text to sign.
#[derive(Debug, Serialize)]
pub(crate) struct Challenge {
    data: String,
    expires: u64,
}

/// What a wallet made of a challenge.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    address: String,
    /// Base64 of the compressed secp256k1 key.
    pub_key: String,
    /// Base64 of r and s.
    signature: String,
    /// The challenge's text.
    data: String,
}

/// What to send with requests.
#[derive(Debug, Serialize)]
pub(crate) struct Token {
    token: String,
    expires: u64,
}

/// Issues challenges and tokens for one gateway. All times are Unix seconds.
pub(crate) struct SignIns {
    domain: String,
    challenge: Duration,
    token: Duration,
    key: Hmac<Sha256>,
    curve: Secp256k1<VerifyOnly>,
    /// Nonces that led to a token, with their expiry.
    used: Mutex<HashMap<[u8; 16], u64>>,
}

impl SignIns {
    /// With a new random key.
    pub(crate) fn new(domain: String, challenge: Duration, token: Duration) -> Result<Self> {
        let mut secret = [0; 32];
        OsRng.try_fill_bytes(&mut secret).context("no randomness")?;
        let key = Hmac::new_from_slice(&secret).context("no MAC")?;
        Ok(Self { domain, challenge, token, key, curve: Secp256k1::verification_only(), used: Mutex::default() })
    }
    /// A text for `address` to sign.
    pub(crate) fn challenge(&self, address: &Address, now: u64) -> Result<Challenge, Refusal> {
        let mut nonce = [0; 16];
        OsRng.try_fill_bytes(&mut nonce).map_err(|_| Refusal::Busy)?;
        let expires = now.saturating_add(self.challenge.as_secs());
        Ok(Challenge { data: self.text(&address.to_string(), &nonce, now, expires), expires })
    }
    /// A token for the one who signed a challenge.
    pub(crate) fn login(&self, login: &Login, now: u64) -> Result<Token, Refusal> {
        let address = Address::parse(&login.address).map_err(|e| Refusal::BadAddress(e.log))?;
        let (nonce, expires) = self.read(&login.address, &login.data)?;
        if now >= expires {
            return Err(Refusal::ChallengeExpired { expired: expires, now });
        }
        self.verify(&address, login)?;
        self.spend(nonce, expires, now)?;
        let expires = now.saturating_add(self.token.as_secs());
        Ok(Token { token: format!("{address}.{expires}.{}", self.token_mac(&login.address, expires)), expires })
    }
    /// Whose token it is.
    pub(crate) fn check(&self, token: &str, now: u64) -> Result<Address, Refusal> {
        let (body, mac) = token.rsplit_once('.').ok_or(Refusal::TokenInvalid)?;
        let (address, expires) = body.split_once('.').ok_or(Refusal::TokenInvalid)?;
        let expires: u64 = expires.parse().map_err(|_| Refusal::TokenInvalid)?;
        same(self.token_hmac(address, expires), mac).ok_or(Refusal::TokenInvalid)?;
        if now >= expires {
            return Err(Refusal::TokenExpired { expired: expires, now });
        }
        Address::parse(address).map_err(|_| Refusal::TokenInvalid)
    }

    fn text(&self, address: &str, nonce: &[u8; 16], issued: u64, expires: u64) -> String {
        let body = format!(
            "{TITLE}\ngateway: {}\naddress: {address}\nissued: {issued}\nexpires: {expires}\nnonce: {}",
            self.domain,
            hex::encode(nonce)
        );
        let mac = mac_hex(self.challenge_hmac(&body));
        body + &mac
    }
    /// The nonce and expiry of a challenge that this gateway issued to `address`.
    fn read(&self, address: &str, text: &str) -> Result<([u8; 16], u64), Refusal> {
        let split = text.len().checked_sub(MAC_BYTES.saturating_mul(2)).filter(|at| text.is_char_boundary(*at));
        let (body, mac) = text.split_at(split.ok_or(Refusal::ChallengeInvalid)?);
        same(self.challenge_hmac(body), mac).ok_or(Refusal::ChallengeInvalid)?;
        // From here on the text is our own.
        let field = |name: &str| body.lines().find_map(|line| line.strip_prefix(name)).ok_or(Refusal::ChallengeInvalid);
        let expected = field("address: ")?;
        if expected != address {
            return Err(Refusal::ChallengeForeign { expected: expected.to_owned(), found: address.to_owned() });
        }
        let expires = field("expires: ")?.parse().map_err(|_| Refusal::ChallengeInvalid)?;
        let mut nonce = [0; 16];
        hex::decode_to_slice(field("nonce: ")?, &mut nonce).map_err(|_| Refusal::ChallengeInvalid)?;
        Ok((nonce, expires))
    }
    fn verify(&self, address: &Address, login: &Login) -> Result<(), Refusal> {
        let key = exactly::<33>("pub_key", &login.pub_key)?;
        let owner = Address::from_secp256k1(&key);
        if owner != *address {
            return Err(Refusal::ForeignKey { expected: address.to_string(), found: owner.to_string() });
        }
        let key = PublicKey::from_slice(&key).map_err(|_| Refusal::BadSignature)?;
        let signature = Signature::from_compact(&exactly::<64>("signature", &login.signature)?).map_err(|_| Refusal::BadSignature)?;
        let mut low = signature;
        low.normalize_s();
        if low != signature {
            return Err(Refusal::HighS);
        }
        let digest = Sha256::digest(adr036::sign_bytes(&login.address, login.data.as_bytes()));
        let verified = self.curve.verify_ecdsa(&Message::from_digest(digest.into()), &signature, &key);
        verified.map_err(|_| Refusal::BadSignature)
    }
    fn spend(&self, nonce: [u8; 16], expires: u64, now: u64) -> Result<(), Refusal> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MAX_USED {
            used.retain(|_, expires| *expires > now);
        }
        if used.len() >= MAX_USED {
            return Err(Refusal::Busy);
        }
        match used.insert(nonce, expires) {
            None => Ok(()),
            Some(_) => Err(Refusal::ChallengeUsed),
        }
    }
    fn challenge_hmac(&self, body: &str) -> Hmac<Sha256> {
        self.key.clone().chain_update(b"challenge\n").chain_update(body)
    }
    fn token_hmac(&self, address: &str, expires: u64) -> Hmac<Sha256> {
        self.key.clone().chain_update(b"token\n").chain_update(address).chain_update(b"\n").chain_update(expires.to_be_bytes())
    }
    fn token_mac(&self, address: &str, expires: u64) -> String {
        mac_hex(self.token_hmac(address, expires))
    }
}

fn mac_hex(mac: Hmac<Sha256>) -> String {
    hex::encode(mac.finalize().into_bytes().iter().take(MAC_BYTES).copied().collect::<Vec<u8>>())
}

/// Compares in constant time.
fn same(mac: Hmac<Sha256>, text: &str) -> Option<()> {
    let mut bytes = [0; MAC_BYTES];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    mac.verify_truncated_left(&bytes).ok()
}

fn exactly<const N: usize>(name: &str, text: &str) -> Result<[u8; N], Refusal> {
    let bytes = BASE64.decode(text).map_err(|e| Refusal::BadRequest(format!("{name}: expected base64, {e}")))?;
    let found = bytes.len();
    bytes.try_into().map_err(|_| Refusal::BadRequest(format!("{name}: expected {N} bytes, found {found}")))
}

#[cfg(test)]
mod tests {
    use secp256k1::{Keypair, SECP256K1, SecretKey};

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn sign_ins() -> SignIns {
        SignIns::new("gateway.example".to_owned(), Duration::from_secs(300), Duration::from_secs(3_600)).unwrap()
    }

    fn key(seed: u8) -> (Keypair, Address) {
        let pair = SecretKey::from_slice(&[seed; 32]).unwrap().keypair(SECP256K1);
        let address = Address::from_secp256k1(&pair.public_key().serialize());
        (pair, address)
    }

    fn signed(pair: &Keypair, address: &Address, data: &str) -> Login {
        let digest = Sha256::digest(adr036::sign_bytes(&address.to_string(), data.as_bytes()));
        let signature = SECP256K1.sign_ecdsa(&Message::from_digest(digest.into()), &pair.secret_key());
        Login {
            address: address.to_string(),
            pub_key: BASE64.encode(pair.public_key().serialize()),
            signature: BASE64.encode(signature.serialize_compact()),
            data: data.to_owned(),
        }
    }

    #[test]
    fn a_signed_challenge_gives_one_token_that_names_its_account_until_it_expires() {
        let s = sign_ins();
        let (pair, address) = key(1);
        let challenge = s.challenge(&address, NOW).unwrap();
        assert!(challenge.data.contains("gateway: gateway.example\n") && challenge.data.contains(&format!("address: {address}\n")));
        assert_eq!(challenge.expires, NOW + 300);
        let login = signed(&pair, &address, &challenge.data);
        let token = s.login(&login, NOW + 299).unwrap();
        assert_eq!(token.expires, NOW + 299 + 3_600);
        assert_eq!(s.check(&token.token, token.expires - 1), Ok(address));
        assert_eq!(s.check(&token.token, token.expires), Err(Refusal::TokenExpired { expired: token.expires, now: token.expires }));
        assert_eq!(s.login(&login, NOW + 299).unwrap_err(), Refusal::ChallengeUsed);
    }

    #[test]
    fn a_challenge_expires_and_binds_its_address() {
        let s = sign_ins();
        let (pair, address) = key(1);
        let (other, other_address) = key(2);
        let data = s.challenge(&address, NOW).unwrap().data;
        assert_eq!(s.login(&signed(&pair, &address, &data), NOW + 300).unwrap_err().code(), "challenge_expired");
        assert_eq!(s.login(&signed(&other, &other_address, &data), NOW).unwrap_err().code(), "challenge_foreign");
        assert_eq!(s.login(&signed(&other, &address, &data), NOW).unwrap_err().code(), "foreign_key");
        let changed = data.replace("expires: 18", "expires: 19");
        assert_ne!(changed, data);
        for text in [changed.as_str(), "", "\u{e9}", "nonce: 00"] {
            assert_eq!(s.login(&signed(&pair, &address, text), NOW).unwrap_err(), Refusal::ChallengeInvalid);
        }
        let elsewhere = sign_ins().challenge(&address, NOW).unwrap().data;
        assert_eq!(s.login(&signed(&pair, &address, &elsewhere), NOW).unwrap_err(), Refusal::ChallengeInvalid);
    }

    #[test]
    fn signatures_are_strict() {
        let s = sign_ins();
        let (pair, address) = key(1);
        let data = s.challenge(&address, NOW).unwrap().data;
        let good = signed(&pair, &address, &data);
        let with = |signature: Vec<u8>| Login { signature: BASE64.encode(signature), ..signed(&pair, &address, &data) };
        let raw = BASE64.decode(&good.signature).unwrap();
        assert_eq!(s.login(&with(high_s(&raw)), NOW).unwrap_err(), Refusal::HighS);
        let mut wrong = raw.clone();
        wrong[5] ^= 1;
        assert_eq!(s.login(&with(wrong), NOW).unwrap_err(), Refusal::BadSignature);
        assert_eq!(s.login(&with(vec![0xff; 64]), NOW).unwrap_err(), Refusal::BadSignature);
        assert_eq!(s.login(&with(raw[..63].to_vec()), NOW).unwrap_err().code(), "bad_request");
        let uncompressed = Login { pub_key: BASE64.encode(pair.public_key().serialize_uncompressed()), ..signed(&pair, &address, &data) };
        assert_eq!(s.login(&uncompressed, NOW).unwrap_err().code(), "bad_request");
        // None of these used the challenge up.
        s.login(&good, NOW).unwrap();
    }

    /// n - s: the other valid form of a signature.
    fn high_s(raw: &[u8]) -> Vec<u8> {
        let (r, s) = raw.split_at(32);
        [r, &SecretKey::from_slice(s).unwrap().negate().secret_bytes()].concat()
    }

    #[test]
    fn a_token_cannot_be_made_or_changed() {
        let s = sign_ins();
        let (pair, address) = key(1);
        let data = s.challenge(&address, NOW).unwrap().data;
        let token = s.login(&signed(&pair, &address, &data), NOW).unwrap().token;
        let (_, other) = key(2);
        let swapped = token.replace(&address.to_string(), &other.to_string());
        let (body, _) = token.rsplit_once('.').unwrap();
        for bad in [swapped.as_str(), body, "", "..", "a.1.00", &format!("{body}.{}", "00".repeat(16)), &token[..token.len() - 2]] {
            assert_eq!(s.check(bad, NOW), Err(Refusal::TokenInvalid), "{bad}");
        }
        assert_eq!(sign_ins().check(&token, NOW), Err(Refusal::TokenInvalid));
    }
}
