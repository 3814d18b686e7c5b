//! Vouchers: what a licensee signs off chain for metered calls, and the keys it signs them with.
use cairn_kernel::{Ctx, Result, chain32, tag};
use cairn_proto::cairn::licensing::v1::{SigningKey, SigningScheme};
use k256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Digest, Sha256};

use crate::Error;

/// Gas of checking one signature, either scheme.
const VERIFY_GAS: u64 = 1_000;

/// What a voucher states: so many calls of a session, together for so much. Cumulative, so the newest says everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voucher {
    /// The session.
    pub session: u64,
    /// Calls since the session was opened.
    pub calls: u64,
    /// Their price together, in base units of the session's denomination.
    pub amount: u128,
    /// Root over the receipts of these calls; zeros where none are kept.
    pub receipts_root: [u8; 32],
}

impl Voucher {
    /// What is signed: SHA-256(tag "cairn.voucher.v1" | SHA-256 of the chain's id | u64 session | u64 calls | u128 amount | receipts root),
    /// integers big-endian. With secp256k1 ECDSA this hash itself, r | s with s in the lower half; with Ed25519 these 32 bytes as message.
    #[must_use]
    pub fn digest(&self, chain_id: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(tag("cairn.voucher.v1"))
            .chain_update(chain32(chain_id))
            .chain_update(self.session.to_be_bytes())
            .chain_update(self.calls.to_be_bytes())
            .chain_update(self.amount.to_be_bytes())
            .chain_update(self.receipts_root)
            .finalize()
            .into()
    }

    /// Whether `signature` is `key`'s over this voucher on the chain with that id.
    ///
    /// # Errors
    /// [`Error::SigningKey`] where `key` is none of its scheme.
    pub fn is_signed(&self, chain_id: &str, key: &SigningKey, signature: &[u8]) -> Result<bool, Error> {
        let digest = self.digest(chain_id);
        Ok(match verifier(key)? {
            Verifier::Secp256k1(key) => {
                k256::ecdsa::Signature::from_slice(signature).is_ok_and(|signature| key.verify_prehash(&digest, &signature).is_ok())
            }
            Verifier::Ed25519(key) => {
                ed25519_consensus::Signature::try_from(signature).is_ok_and(|signature| key.verify(&signature, &digest).is_ok())
            }
        })
    }
}

enum Verifier {
    Secp256k1(k256::ecdsa::VerifyingKey),
    Ed25519(ed25519_consensus::VerificationKey),
}

fn verifier(key: &SigningKey) -> Result<Verifier, Error> {
    match SigningScheme::try_from(key.scheme) {
        Ok(SigningScheme::Secp256k1) if key.key.len() == 33 => {
            k256::ecdsa::VerifyingKey::from_sec1_bytes(&key.key).map(Verifier::Secp256k1).map_err(|_| Error::SigningKey)
        }
        Ok(SigningScheme::Ed25519) => {
            ed25519_consensus::VerificationKey::try_from(key.key.as_slice()).map(Verifier::Ed25519).map_err(|_| Error::SigningKey)
        }
        Ok(SigningScheme::Secp256k1 | SigningScheme::Unspecified) | Err(_) => Err(Error::SigningKey),
    }
}

/// Refuses what is no key of its scheme.
pub(crate) fn check_key(key: &SigningKey) -> Result<(), Error> {
    verifier(key).map(drop)
}

/// Refuses a signature that is not `key`'s over the voucher.
pub(crate) fn verify(ctx: &Ctx, key: &SigningKey, voucher: &Voucher, signature: &[u8]) -> Result<()> {
    ctx.gas().consume_at(VERIFY_GAS, "voucher signature")?;
    let valid = voucher.is_signed(&ctx.block().chain_id, key, signature)?;
    if valid { Ok(()) } else { Err(Error::VoucherSignature(voucher.session).into()) }
}
