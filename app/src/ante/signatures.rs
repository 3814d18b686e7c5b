//! Signers, their keys, sequences and signatures.
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_kernel::{Address, Ctx, Result, sdk};
use cairn_proto::{
    Any,
    cosmos::{
        auth::v1beta1::{BaseAccount, Params},
        crypto::secp256k1::PubKey,
        tx::{
            signing::v1beta1::SignMode,
            v1beta1::{SignerInfo, mode_info::Sum},
        },
    },
    pack, unpack,
};
use prost::Name;

use super::{
    Ante, Mode,
    verify::{Claim, Key},
};
use crate::tx::Tx;

const MULTISIG: &str = "/cosmos.crypto.multisig.LegacyAminoPubKey";
/// A point of the curve that stands for a key not given in a simulation, so that it costs what the real one will.
const STAND_IN: Key = [
    2, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce,
    0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
];
/// Bytes that a public key takes up in `AuthInfo`.
const KEY_BYTES: usize = 74;
/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 64;

/// Bytes by which a simulated transaction is shorter than the signed one will be.
pub(super) fn missing_bytes(tx: &Tx) -> usize {
    let signatures = tx.signatures.iter().filter(|s| s.is_empty()).count().saturating_mul(SIGNATURE_BYTES);
    let keys = tx.auth.signer_infos.iter().filter(|i| i.public_key.is_none()).count().saturating_mul(KEY_BYTES);
    signatures.saturating_add(keys)
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
        for (signer, (info, signature)) in signers.iter().zip(infos.iter().zip(&tx.signatures)) {
            let account = account(ctx, signer)?;
            let key = self.key(ctx, signer, &account, info)?;
            ctx.emit_raw("tx", &[("acc_seq", &format!("{signer}/{}", info.sequence))]);
            ctx.emit_raw("tx", &[("signature", &BASE64.encode(signature))]);
            ctx.gas().consume_at(params.sig_verify_cost_secp256k1, "ante verify: secp256k1")?;
            if info.sequence != account.sequence {
                let text = format!("account sequence mismatch, expected {}, got {}", account.sequence, info.sequence);
                return Err(sdk::wrong_sequence(text));
            }
            if self.mode != Mode::Simulate {
                direct(info)?;
                self.verify(ctx, tx, &account, key, signature)?;
            }
            cairn_auth::bump_sequence(ctx, signer)?;
        }
        Ok(())
    }

    /// The key that must have signed: the account's own, or the one that the transaction brings and the account then keeps.
    fn key(&self, ctx: &mut Ctx, signer: &Address, account: &BaseAccount, info: &SignerInfo) -> Result<Key> {
        let brought = info.public_key.as_ref().map(read_key).transpose()?;
        if let Some(key) = brought.filter(|key| Address::from_secp256k1(key) != *signer) {
            let found = Address::from_secp256k1(&key);
            return Err(sdk::invalid_pub_key(format!("pubKey does not match signer address {signer}: it is the key of {found}")));
        }
        if let Some(key) = &account.pub_key {
            return read_key(key);
        }
        let key = match (brought, self.mode) {
            (Some(key), _) => key,
            (None, Mode::Simulate) => STAND_IN,
            (None, _) => return Err(sdk::invalid_pub_key("pubkey on account is not set")),
        };
        cairn_auth::set_pub_key(ctx, signer, pack(&PubKey { key: key.to_vec() }))?;
        Ok(key)
    }

    fn verify(&self, ctx: &Ctx, tx: &Tx, account: &BaseAccount, key: Key, signature: &[u8]) -> Result<()> {
        let (chain, number) = (&ctx.block().chain_id, account.account_number);
        let claim = Claim::new(key, &tx.sign_doc(chain, number), signature);
        if claim.is_some_and(|claim| self.verifier.check(&claim)) {
            return Ok(());
        }
        let sequence = account.sequence;
        Err(sdk::unauthorized(format!(
            "signature verification failed; please verify account number ({number}), sequence ({sequence}) and chain-id ({chain})"
        )))
    }

    /// Verifies what [`Ante::run`] will want verified, as far as the state in `ctx` tells, so that it then finds it done. A
    /// transaction that it will refuse may be passed over: nothing is decided here.
    pub(crate) fn verify_ahead(&self, ctx: &Ctx, tx: &Tx) {
        let most = u64::try_from(tx.signatures.len()).unwrap_or(u64::MAX);
        let Ok(signers) = super::signers(self.router, tx, most) else { return };
        let parts = signers.iter().zip(tx.auth.signer_infos.iter().zip(&tx.signatures));
        let claim = |(signer, (info, signature)): (&Address, (&SignerInfo, &bytes::Bytes))| {
            let account = account(ctx, signer).ok()?;
            let key = read_key(account.pub_key.as_ref().or(info.public_key.as_ref())?).ok()?;
            Claim::new(key, &tx.sign_doc(&ctx.block().chain_id, account.account_number), signature)
        };
        parts.filter_map(claim).for_each(|claim| _ = self.verifier.check(&claim));
    }
}

fn account(ctx: &Ctx, signer: &Address) -> Result<BaseAccount> {
    cairn_auth::account(ctx, signer)?.ok_or_else(|| sdk::unknown_address(format!("account {signer} does not exist")))
}

fn read_key(key: &Any) -> Result<Key> {
    match key.type_url.as_str() {
        url if url == PubKey::type_url() => {
            let key = unpack::<PubKey>(key).map_err(|e| sdk::invalid_pub_key(e.log))?.key;
            let found = key.len();
            key.try_into().map_err(|_| sdk::invalid_pub_key(format!("a compressed secp256k1 key has 33 bytes, found {found}")))
        }
        MULTISIG => Err(sdk::not_supported("multisig accounts are not supported yet; expected a single secp256k1 key")),
        other => {
            let shown: String = other.chars().take(128).collect();
            Err(sdk::invalid_pub_key(format!("expected {}, found {shown:?}", PubKey::type_url())))
        }
    }
}

fn direct(info: &SignerInfo) -> Result<()> {
    let found = match info.mode_info.as_ref().and_then(|m| m.sum.as_ref()) {
        Some(Sum::Single(single)) if single.mode == i32::from(SignMode::Direct) => return Ok(()),
        Some(Sum::Single(single)) => SignMode::try_from(single.mode).map_or("an unknown mode", |m| m.as_str_name()),
        Some(Sum::Multi(_)) => "a multisignature",
        None => "no mode",
    };
    Err(sdk::not_supported(format!("signatures are made in SIGN_MODE_DIRECT, found {found}")))
}
