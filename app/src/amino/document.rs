//! The document that a signer in `SIGN_MODE_LEGACY_AMINO_JSON` signs.
use cairn_proto::{
    Any,
    cosmos::{base::v1beta1::Coin, tx::v1beta1::Fee},
};

use super::{Amino, AminoError, write::quote};
use crate::tx::Tx;

/// Who signs, where, and how often before.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The chain.
    pub chain_id: &'a str,
    /// The signer's account number.
    pub account_number: u64,
    /// The signer's sequence.
    pub sequence: u64,
}

impl Amino {
    /// The messages of `tx` as the list that all its signers sign.
    ///
    /// # Errors
    /// As [`Amino::encode`], and if the transaction holds what the document cannot show: extension options, or unknown fields.
    pub fn messages(&self, tx: &Tx) -> Result<String, AminoError> {
        let shown = tx.body.extension_options.is_empty() && tx.body.non_critical_extension_options.is_empty();
        if !shown || tx.has_ignored_fields() {
            return Err(AminoError::Inexpressible("a transaction with extension options or unknown fields".to_owned()));
        }
        let mut out = String::new();
        self.write_list(&tx.body.messages, &mut out)?;
        Ok(out)
    }

    /// The document that `signer` signs, around `messages` from [`Amino::messages`].
    #[must_use]
    pub fn document(&self, tx: &Tx, messages: &str, signer: Signer) -> String {
        let mut out = String::with_capacity(messages.len().saturating_add(512));
        out.push_str("{\"account_number\":");
        quote(&signer.account_number.to_string(), &mut out);
        out.push_str(",\"chain_id\":");
        quote(signer.chain_id, &mut out);
        out.push_str(",\"fee\":");
        write_fee(tx.auth.fee.as_ref(), &mut out);
        out.push_str(",\"memo\":");
        quote(&tx.body.memo, &mut out);
        out.push_str(",\"msgs\":");
        out.push_str(messages);
        out.push_str(",\"sequence\":");
        quote(&signer.sequence.to_string(), &mut out);
        if tx.body.timeout_height > 0 {
            out.push_str(",\"timeout_height\":");
            quote(&tx.body.timeout_height.to_string(), &mut out);
        }
        out.push('}');
        out
    }

    pub(super) fn write_list(&self, messages: &[Any], out: &mut String) -> Result<(), AminoError> {
        let mut before = '[';
        for message in messages {
            out.push(before);
            before = ',';
            self.write_packed(&message.type_url, &message.value, out)?;
        }
        if messages.is_empty() {
            out.push('[');
        }
        out.push(']');
        Ok(())
    }
}

/// The fee as it is signed.
pub(super) fn write_fee(fee: Option<&Fee>, out: &mut String) {
    let fee = fee.cloned().unwrap_or_default();
    out.push_str("{\"amount\":[");
    for (Coin { denom, amount }, place) in fee.amount.iter().zip(0..) {
        out.push_str(if place == 0 { "{\"amount\":" } else { ",{\"amount\":" });
        quote(if amount.is_empty() { "0" } else { amount }, out);
        out.push_str(",\"denom\":");
        quote(denom, out);
        out.push('}');
    }
    out.push_str("],\"gas\":");
    quote(&fee.gas_limit.to_string(), out);
    for (name, address) in [(",\"granter\":", &fee.granter), (",\"payer\":", &fee.payer)] {
        if !address.is_empty() {
            out.push_str(name);
            quote(address, out);
        }
    }
    out.push('}');
}
