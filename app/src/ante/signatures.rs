//! Signers, their keys, sequences and signatures.
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_kernel::{Address, Ctx, Result, sdk};
use cairn_proto::{
    cosmos::{
        auth::v1beta1::{BaseAccount, Params},
        crypto::{multisig::LegacyAminoPubKey, secp256k1::PubKey},
        tx::v1beta1::{SignerInfo, mode_info::Sum},
    },
    pack,
};
use prost::Name;

use super::{Ante, Mode, claims::Documents, keys::PublicKey, verify::Key};
use crate::tx::Tx;

/// A point of the curve that stands for a key not given in a simulation, so that it costs what the real one will.
const STAND_IN: Key = [
    2, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce,
    0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
];
/// Bytes that a public key takes up in `AuthInfo`.
const KEY_BYTES: usize = 74;
/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 64;
/// Bytes of a member's signature within a multisignature, and of what `ModeInfo` says of it.
const MEMBER_BYTES: usize = 72;

/// Bytes by which a simulated transaction is shorter than the signed one will be.
pub(super) fn missing_bytes(tx: &Tx) -> usize {
    let signature = |(info, _): (&SignerInfo, _)| members(info).map_or(SIGNATURE_BYTES, |n| n.saturating_mul(MEMBER_BYTES));
    let parts = tx.auth.signer_infos.iter().zip(&tx.signatures);
    let signatures = parts.filter(|(_, s)| s.is_empty()).map(signature).fold(0, usize::saturating_add);
    let keys = tx.auth.signer_infos.iter().filter(|i| i.public_key.is_none()).count().saturating_mul(KEY_BYTES);
    signatures.saturating_add(keys)
}

/// How many members sign in place of one signer, as far as the transaction alone tells; `None` for a single key.
fn members(info: &SignerInfo) -> Option<usize> {
    match info.mode_info.as_ref().and_then(|m| m.sum.as_ref()) {
        Some(Sum::Multi(multi)) => return Some(multi.mode_infos.len()),
        Some(Sum::Single(_)) | None => {}
    }
    let key = info.public_key.as_ref().filter(|key| key.type_url == LegacyAminoPubKey::type_url())?;
    match PublicKey::read(key) {
        Ok(PublicKey::Threshold(threshold)) => Some(threshold.needed),
        Ok(PublicKey::Single(_)) | Err(_) => None,
    }
}

impl Ante<'_> {
    /// Checks one signature for each of `signers`, notes keys seen for the first time and uses up the sequences.
    pub(super) fn signatures(&self, ctx: &mut Ctx, tx: &Tx, signers: &[Address], params: &Params) -> Result<()> {
        let infos = &tx.auth.signer_infos;
        for found in [infos.len(), tx.signatures.len()] {
            if found != signers.len() {
                return Err(sdk::unauthorized(format!("invalid number of signer;  expected: {}, got {found}", signers.len())));
            }
        }
        let (mut documents, mut keys) = (Documents::new(tx), 0_u64);
        for (signer, (info, signature)) in signers.iter().zip(infos.iter().zip(&tx.signatures)) {
            let mut account = account(ctx, signer)?;
            if self.mode == Mode::Genesis {
                account.account_number = 0;
            }
            let key = self.key(ctx, signer, &account, info)?;
            keys = keys.saturating_add(key.count());
            if keys > params.tx_sig_limit {
                return Err(sdk::too_many_signatures(format!("signatures: {keys}, limit: {}", params.tx_sig_limit)));
            }
            ctx.emit_raw("tx", &[("acc_seq", &format!("{signer}/{}", info.sequence))]);
            ctx.emit_raw("tx", &[("signature", &BASE64.encode(signature))]);
            let cost = verifications(&key, info).saturating_mul(params.sig_verify_cost_secp256k1);
            ctx.gas().consume_at(cost, "ante verify: secp256k1")?;
            if info.sequence != account.sequence {
                let text = format!("account sequence mismatch, expected {}, got {}", account.sequence, info.sequence);
                return Err(sdk::wrong_sequence(text));
            }
            if self.mode != Mode::Simulate {
                self.verify(ctx, &mut documents, &account, &key, (info, signature))?;
            }
            cairn_auth::bump_sequence(ctx, signer)?;
        }
        Ok(())
    }

    /// The key that must have signed: the account's own, or the one that the transaction brings and the account then keeps.
    fn key(&self, ctx: &mut Ctx, signer: &Address, account: &BaseAccount, info: &SignerInfo) -> Result<PublicKey> {
        let brought = info.public_key.as_ref().map(PublicKey::read).transpose()?;
        if let Some(key) = &brought {
            let found = key.address()?;
            if found != *signer {
                return Err(sdk::invalid_pub_key(format!("pubKey does not match signer address {signer}: it is the key of {found}")));
            }
        }
        if let Some(key) = &account.pub_key {
            return PublicKey::read(key);
        }
        let (key, kept) = match (brought, &info.public_key, self.mode) {
            (Some(key), Some(packed), _) => (key, packed.clone()),
            (_, _, Mode::Simulate) => (PublicKey::Single(STAND_IN), pack(&PubKey { key: STAND_IN.to_vec() })),
            _ => return Err(sdk::invalid_pub_key("pubkey on account is not set")),
        };
        cairn_auth::set_pub_key(ctx, signer, kept)?;
        Ok(key)
    }

    fn verify(
        &self,
        ctx: &Ctx,
        documents: &mut Documents,
        account: &BaseAccount,
        key: &PublicKey,
        signed: (&SignerInfo, &[u8]),
    ) -> Result<()> {
        let (chain, number, sequence) = (&ctx.block().chain_id, account.account_number, account.sequence);
        let claims = documents.claims(chain, account, key, signed)?;
        if claims.is_some_and(|claims| claims.iter().all(|claim| self.verifier.check(claim))) {
            return Ok(());
        }
        Err(sdk::unauthorized(format!(
            "signature verification failed; please verify account number ({number}), sequence ({sequence}) and chain-id ({chain})"
        )))
    }

    /// Verifies what [`Ante::run`] will want verified, as far as the state in `ctx` tells, so that it then finds it done. A
    /// transaction that it will refuse may be passed over: nothing is decided here.
    pub(crate) fn verify_ahead(&self, ctx: &Ctx, tx: &Tx) {
        let Ok(Params { tx_sig_limit: limit, .. }) = cairn_auth::params(ctx) else { return };
        let Ok(signers) = super::signers(self.router, tx, limit) else { return };
        let (mut documents, mut keys) = (Documents::new(tx), 0_u64);
        for (signer, (info, signature)) in signers.iter().zip(tx.auth.signer_infos.iter().zip(&tx.signatures)) {
            let Ok(account) = account(ctx, signer) else { return };
            // Within a block the sequence moves on from what is committed; what the transaction claims is right or refused.
            let account = BaseAccount { sequence: info.sequence, ..account };
            let key = account.pub_key.as_ref().or(info.public_key.as_ref()).map(PublicKey::read);
            let Some(Ok(key)) = key else { return };
            keys = keys.saturating_add(key.count());
            if keys > limit {
                return;
            }
            let claims = documents.claims(&ctx.block().chain_id, &account, &key, (info, signature));
            claims.ok().flatten().unwrap_or_default().iter().for_each(|claim| _ = self.verifier.check(claim));
        }
    }
}

/// Signatures to verify in place of one signer.
fn verifications(key: &PublicKey, info: &SignerInfo) -> u64 {
    match key {
        PublicKey::Single(_) => 1,
        PublicKey::Threshold(threshold) => match info.mode_info.as_ref().and_then(|m| m.sum.as_ref()) {
            Some(Sum::Multi(multi)) => u64::try_from(multi.mode_infos.len()).unwrap_or(u64::MAX),
            Some(Sum::Single(_)) | None => u64::try_from(threshold.needed).unwrap_or(u64::MAX),
        },
    }
}

fn account(ctx: &Ctx, signer: &Address) -> Result<BaseAccount> {
    cairn_auth::account(ctx, signer)?.ok_or_else(|| sdk::unknown_address(format!("account {signer} does not exist")))
}
