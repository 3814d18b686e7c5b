//! The proposer's share in the beacon: a transaction that only a proposer makes, first in its block, unsigned and without fee.
use bytes::Bytes;
use cairn_beacon::vrf;
use cairn_kernel::{Ctx, Result, sdk};
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

/// The reveal that the proposer of the block in `ctx` owes, made with `key`; `None` where it owes none. A key that is not there or not the
/// registered one is the operator's to mend: a block without the reveal is refused by others, and the log says why.
pub(crate) fn make(ctx: &Ctx, key: Option<&vrf::SecretKey>) -> Option<Bytes> {
    let made = match key {
        Some(key) => cairn_beacon::reveal(ctx, key),
        None => nothing_owed(ctx).map(|()| None),
    };
    match made {
        Ok(message) => message.as_ref().map(write),
        Err(error) => {
            tracing::error!(%error, "the block is proposed without a reveal");
            None
        }
    }
}

/// Refuses a proposer that the chain knows a key of.
fn nothing_owed(ctx: &Ctx) -> Result<()> {
    match cairn_beacon::active_key(ctx, &ctx.block().proposer)? {
        Some(_) => Err(sdk::not_found("this validator owes a reveal, and its home has no config/vrf_key")),
        None => Ok(()),
    }
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
