//! Transactions as bytes: decoding that refuses everything two readers could read differently.
mod strict;
mod wire;

use bytes::Bytes;
use cairn_kernel::{Error, Result, sdk};
use cairn_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, SignDoc, TxBody};
use prost::Message;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use strict::{NonCritical, Strict};
use wire::{Fields, Value};

/// Bytes of a transaction at the most, looked at before anything else.
pub const MAX_TX_BYTES: usize = 1024 * 1024;

/// A decoded transaction. What is signed are the bytes as received: they are kept, never encoded anew.
#[derive(Debug, Clone)]
pub struct Tx {
    /// Messages, memo, timeout.
    pub body: TxBody,
    /// Signers and fee.
    pub auth: AuthInfo,
    /// One for each signer, in their order.
    pub signatures: Vec<Bytes>,
    /// Bytes of the whole transaction.
    pub size: usize,
    body_bytes: Bytes,
    auth_bytes: Bytes,
    ignored_fields: bool,
}

impl Tx {
    /// The gas limit that the sender set; 0 without a fee.
    #[must_use]
    pub fn gas_limit(&self) -> u64 {
        self.auth.fee.as_ref().map_or(0, |f| f.gas_limit)
    }
    /// The fee.
    ///
    /// # Errors
    /// Tx parse error (2) if there is none.
    pub fn fee(&self) -> Result<&Fee> {
        self.auth.fee.as_ref().ok_or_else(|| sdk::tx_decode("missing fee"))
    }
    /// Whether `TxBody` holds fields that this node does not know and that their author declared safe to ignore.
    #[must_use]
    pub fn has_ignored_fields(&self) -> bool {
        self.ignored_fields
    }
    /// The document that a signer in `SIGN_MODE_DIRECT` signs.
    #[must_use]
    pub fn sign_doc(&self, chain_id: &str, account_number: u64) -> Vec<u8> {
        let (body_bytes, auth_info_bytes) = (self.body_bytes.to_vec(), self.auth_bytes.to_vec());
        SignDoc { body_bytes, auth_info_bytes, chain_id: chain_id.to_owned(), account_number }.encode_to_vec()
    }
}

/// Decodes transactions against the descriptors of all known messages.
#[derive(Debug, Clone)]
pub struct Decoder {
    pool: DescriptorPool,
    body: MessageDescriptor,
    auth: MessageDescriptor,
}

impl Decoder {
    /// Over `pool`.
    ///
    /// # Errors
    /// If the pool lacks the transaction types.
    pub fn new(pool: &DescriptorPool) -> Result<Self> {
        let named = |name: &str| {
            let found = pool.get_message_by_name(name);
            found.ok_or_else(|| sdk::not_found(format!("descriptor of {name}")))
        };
        Ok(Self { pool: pool.clone(), body: named("cosmos.tx.v1beta1.TxBody")?, auth: named("cosmos.tx.v1beta1.AuthInfo")? })
    }

    /// Decodes a `TxRaw`.
    ///
    /// # Errors
    /// Too large (21); tx parse error (2) for a `TxRaw` that is not canonical (ADR-027), for unknown fields in `TxRaw` or
    /// `AuthInfo` and critical ones in `TxBody`, at any depth, through `Any` too, and for type URLs that no descriptor has.
    pub fn decode(&self, bytes: &Bytes) -> Result<Tx> {
        if bytes.len() > MAX_TX_BYTES {
            return Err(sdk::tx_too_large(format!("expected at most {MAX_TX_BYTES} bytes, found {}", bytes.len())));
        }
        let raw = Raw::read(bytes)?;
        let ignored_fields = Strict::new(&self.pool, NonCritical::Allow).check(&self.body, &raw.body)?;
        Strict::new(&self.pool, NonCritical::Refuse).check(&self.auth, &raw.auth)?;
        let body = TxBody::decode(raw.body.clone()).map_err(|e| sdk::tx_decode(format!("TxBody: {e}")))?;
        let auth = AuthInfo::decode(raw.auth.clone()).map_err(|e| sdk::tx_decode(format!("AuthInfo: {e}")))?;
        Ok(Tx { body, auth, signatures: raw.signatures, size: bytes.len(), body_bytes: raw.body, auth_bytes: raw.auth, ignored_fields })
    }
}

/// The three parts of a `TxRaw`.
struct Raw {
    body: Bytes,
    auth: Bytes,
    signatures: Vec<Bytes>,
}

impl Raw {
    /// Reads the one canonical form: fields in order, defaults left out, varints as short as can be (ADR-027). Otherwise
    /// one signed transaction would have many hashes.
    fn read(bytes: &Bytes) -> Result<Self> {
        let mut raw = Self { body: Bytes::new(), auth: Bytes::new(), signatures: vec![] };
        let mut last = 0;
        for field in Fields::canonical(bytes) {
            let field = field.map_err(|e| refused(e.to_string()))?;
            let Value::Bytes(content) = field.value else {
                return Err(refused(format!("wire type {} does not fit field {}", field.value.name(), field.number)));
            };
            let repeated = field.number == last && field.number != 3;
            if field.number < last || repeated {
                return Err(refused(format!("field {} is out of order", field.number)));
            }
            last = field.number;
            let content = bytes.slice_ref(content);
            match field.number {
                1 | 2 if content.is_empty() => return Err(refused(format!("empty field {} must be left out", field.number))),
                1 => raw.body = content,
                2 => raw.auth = content,
                3 => raw.signatures.push(content),
                number => {
                    let kind = field.value.name();
                    return Err(refused(format!("errUnknownField \"cosmos.tx.v1beta1.TxRaw\": {{TagNum: {number}, WireType:\"{kind}\"}}")));
                }
            }
        }
        Ok(raw)
    }
}

fn refused(why: String) -> Error {
    sdk::tx_decode(format!("TxRaw: {why}"))
}

#[cfg(test)]
mod tests;
