//! The proposer's share in the beacon: a transaction that only a proposer makes, first in its block, unsigned and without fee; and the keys
//! that it is made with.
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use bytes::Bytes;
use cairn_beacon::vrf;
use cairn_kernel::{Ctx, Result};
use cairn_proto::{
    cairn::beacon::v1::{MsgRevealBeacon, MsgRevealBeaconResponse},
    cosmos::{
        base::abci::v1beta1::TxMsgData,
        tx::v1beta1::{TxBody, TxRaw},
    },
    pack, unpack,
};
use prost::{Message, Name};

use crate::tx::Tx;

/// Whether `tx` carries a reveal among its messages, in whatever form.
pub(crate) fn is_in(tx: &Tx) -> bool {
    let url = MsgRevealBeacon::type_url();
    tx.body.messages.iter().any(|m| m.type_url == url)
}

/// The reveal that a block's first transaction is, if it is exactly one: nothing beside the message.
pub(crate) fn read(first: Option<&Bytes>) -> Option<MsgRevealBeacon> {
    let bytes = first?;
    let raw = TxRaw::decode(bytes.clone()).ok()?;
    let message = unpack::<MsgRevealBeacon>(TxBody::decode(&*raw.body_bytes).ok()?.messages.first()?).ok()?;
    (write(&message) == bytes).then_some(message)
}

/// The transaction around a reveal.
pub(crate) fn write(message: &MsgRevealBeacon) -> Bytes {
    let body = TxBody { messages: vec![pack(message)], ..TxBody::default() };
    TxRaw { body_bytes: body.encode_to_vec(), ..TxRaw::default() }.encode_to_vec().into()
}

/// A validator's beacon keys, found by their public half: around a rotation it has two, and the chain says which one acts.
#[derive(Default)]
pub struct BeaconKeys {
    known: Mutex<Vec<Arc<vrf::SecretKey>>>,
    source: Option<Source>,
}

type Source = Box<dyn Fn() -> anyhow::Result<Vec<vrf::SecretKey>> + Send + Sync>;

impl BeaconKeys {
    /// Keys from `source`, which is asked at once, and again whenever a key is owed that it did not give: so a node need not be started
    /// again for a key that was made meanwhile.
    ///
    /// # Errors
    /// What `source` says.
    pub fn loaded(source: impl Fn() -> anyhow::Result<Vec<vrf::SecretKey>> + Send + Sync + 'static) -> anyhow::Result<Self> {
        let known = source()?.into_iter().map(Arc::new).collect();
        Ok(Self { known: Mutex::new(known), source: Some(Box::new(source)) })
    }
    /// The key with this public half.
    fn find(&self, public: &vrf::PublicKey) -> anyhow::Result<Option<Arc<vrf::SecretKey>>> {
        // The list is replaced whole, so that a panic elsewhere leaves nothing half done.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |keys: &[Arc<vrf::SecretKey>]| keys.iter().find(|key| key.public() == public).cloned();
        if let (None, Some(source)) = (find(&known), &self.source) {
            *known = source()?.into_iter().map(Arc::new).collect();
        }
        Ok(find(&known))
    }
}

impl From<vrf::SecretKey> for BeaconKeys {
    fn from(key: vrf::SecretKey) -> Self {
        Self { known: Mutex::new(vec![Arc::new(key)]), source: None }
    }
}

/// The reveal that the proposer of the block in `ctx` owes, made with the one of `keys` that acts; `None` where it owes none. A key that is
/// not there is the operator's to mend: a block without the reveal is refused by others, and the log says why.
pub(crate) fn make(ctx: &Ctx, keys: &BeaconKeys) -> Option<Bytes> {
    match owed(ctx, keys) {
        Ok(message) => message.as_ref().map(write),
        Err(error) => {
            tracing::error!(target: "consensus", error = format!("{error:#}"), "the block is proposed without a reveal");
            None
        }
    }
}

fn owed(ctx: &Ctx, keys: &BeaconKeys) -> anyhow::Result<Option<MsgRevealBeacon>> {
    let Some(public) = cairn_beacon::active_key(ctx, &ctx.block().proposer)? else { return Ok(None) };
    let key = keys.find(&public).context("cannot read this node's beacon keys")?;
    let key = key.with_context(|| {
        let public = hex::encode(public.as_bytes());
        format!("this validator owes a reveal by key {public}, which is not in its home: neither config/vrf_key nor a config/vrf_key-*")
    })?;
    Ok(cairn_beacon::reveal(ctx, &key)?)
}

/// What a reveal in a block came to, as its transaction's data: `verdict` tells whether it is valid.
pub(crate) fn response(verdict: Result<()>) -> Result<Vec<u8>> {
    verdict.map(|()| TxMsgData { msg_responses: vec![pack(&MsgRevealBeaconResponse {})], ..TxMsgData::default() }.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reveal_has_one_form() {
        let message = MsgRevealBeacon { height: 7, proof: vec![1; 80] };
        let tx = write(&message);
        assert_eq!(read(Some(&tx)), Some(message.clone()));
        assert_eq!(read(None), None);
        let body = |memo: &str, n: usize| TxBody { messages: vec![pack(&message); n], memo: memo.into(), ..TxBody::default() };
        let raw = |body: TxBody| TxRaw { body_bytes: body.encode_to_vec(), ..TxRaw::default() };
        for other in [raw(body("m", 1)), raw(body("", 2)), raw(body("", 0))] {
            assert_eq!(read(Some(&other.encode_to_vec().into())), None);
        }
        let signed = TxRaw { signatures: vec![vec![1]], ..raw(body("", 1)) };
        assert_eq!(read(Some(&signed.encode_to_vec().into())), None);
        assert_eq!(read(Some(&Bytes::from_static(b"\xff"))), None);
        assert_eq!(read(Some(&Bytes::new())), None);
    }
}
