//! Signed transactions, for any chain that speaks the Cosmos SDK's transaction format.
use anyhow::Result;
use bech32::Hrp;
use cairn_proto::{
    Any,
    cosmos::{
        bank::v1beta1::MsgSend,
        base::v1beta1::Coin,
        crypto::secp256k1::PubKey,
        tx::{
            signing::v1beta1::SignMode,
            v1beta1::{AuthInfo, Fee, ModeInfo, SignDoc, SignerInfo, TxBody, TxRaw, mode_info},
        },
    },
    pack,
};
use prost::Message;
use secp256k1::{Secp256k1, SignOnly};

use crate::account::Account;

/// Gas limit of each send: more than any of the chains uses.
const GAS: u64 = 150_000;
/// Gas that one unit of the fee pays for, which each chain has to collect.
const GAS_PER_UNIT: u64 = 500;

/// What tells one chain's transactions from another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    /// The chain id that signatures are bound to.
    pub(crate) chain_id: String,
    /// Of addresses.
    pub(crate) prefix: Hrp,
    /// What is sent and what fees are paid in.
    pub(crate) denom: String,
}

/// Signs transactions of one signer for one chain.
pub(crate) struct Signer {
    format: Format,
    curve: Secp256k1<SignOnly>,
}

impl Signer {
    /// For the chain of this format.
    pub(crate) fn new(format: Format) -> Self {
        Self { format, curve: Secp256k1::signing_only() }
    }

    /// What its transactions are for.
    pub(crate) fn format(&self) -> &Format {
        &self.format
    }

    /// Of the chain's addresses.
    pub(crate) fn prefix(&self) -> Hrp {
        self.format.prefix
    }

    /// One unit from `from`, whose account has this number and next sequence, to `to`.
    pub(crate) fn send(&self, from: &Account, to: &Account, number: u64, sequence: u64) -> Result<Vec<u8>> {
        let Format { prefix, .. } = &self.format;
        let message = MsgSend { from_address: from.text(*prefix)?, to_address: to.text(*prefix)?, amount: vec![self.coin("1")] };
        Ok(self.sign(from, number, sequence, vec![pack(&message)], GAS))
    }

    /// `messages` of `from`, whose account has this number and next sequence, with a limit of `gas` and the fee for it.
    pub(crate) fn sign(&self, from: &Account, number: u64, sequence: u64, messages: Vec<Any>, gas: u64) -> Vec<u8> {
        let body = TxBody { messages, ..TxBody::default() };
        let single = mode_info::Single { mode: SignMode::Direct.into() };
        let signer = SignerInfo {
            public_key: Some(pack(&PubKey { key: from.public.to_vec() })),
            mode_info: Some(ModeInfo { sum: Some(mode_info::Sum::Single(single)) }),
            sequence,
        };
        let fee = Fee { amount: vec![self.coin(&gas.div_ceil(GAS_PER_UNIT).to_string())], gas_limit: gas, ..Fee::default() };
        let auth = AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() };
        let document = SignDoc {
            body_bytes: body.encode_to_vec(),
            auth_info_bytes: auth.encode_to_vec(),
            chain_id: self.format.chain_id.clone(),
            account_number: number,
        };
        let signature = from.sign(&self.curve, &document.encode_to_vec());
        let SignDoc { body_bytes, auth_info_bytes, .. } = document;
        TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature.to_vec()] }.encode_to_vec()
    }

    fn coin(&self, amount: &str) -> Coin {
        Coin { denom: self.format.denom.clone(), amount: amount.into() }
    }
}

#[cfg(test)]
mod tests {
    use secp256k1::{Message as Digest, PublicKey, ecdsa::Signature};
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::account::accounts;

    #[test]
    fn a_send_is_signed_for_its_chain_and_sequence() {
        let format = Format { chain_id: "bench-1".into(), prefix: Hrp::parse("cosmos").unwrap(), denom: "stake".into() };
        let accounts = accounts(2).unwrap();
        let raw = Signer::new(format).send(&accounts[0], &accounts[1], 7, 3).unwrap();
        let TxRaw { body_bytes, auth_info_bytes, signatures } = TxRaw::decode(&*raw).unwrap();
        let auth = AuthInfo::decode(&*auth_info_bytes).unwrap();
        assert_eq!(auth.signer_infos[0].sequence, 3);
        assert_eq!(auth.fee.unwrap().amount[0], Coin { denom: "stake".into(), amount: "300".into() });
        let document = SignDoc { body_bytes, auth_info_bytes, chain_id: "bench-1".into(), account_number: 7 };
        let digest: [u8; 32] = Sha256::digest(document.encode_to_vec()).into();
        let key = PublicKey::from_slice(&accounts[0].public).unwrap();
        let signature = Signature::from_compact(&signatures[0]).unwrap();
        Secp256k1::verification_only().verify_ecdsa(&Digest::from_digest(digest), &signature, &key).unwrap();
    }
}
