//! One transaction: fee and signatures, then messages, all or nothing.
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use cairn_kernel::{Ctx, Error, Event, Gas, Result, Status, sdk};
use cairn_proto::{Any, cosmos::base::abci::v1beta1::TxMsgData};
use prost::Message;

use super::{
    Inner,
    events::{Emitted, Origin, from, raw},
};
use crate::{
    ante::{Ante, GasPrice, Mode},
    tx::Tx,
};

/// What became of a transaction. Code, data and gas enter the results hash: they are consensus.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The encoded `TxMsgData` with each message's response, or why the transaction failed.
    pub result: Result<Vec<u8>>,
    /// The gas limit that the sender set.
    pub gas_wanted: u64,
    /// Gas used; may exceed the limit by the last charge.
    pub gas_used: u64,
    /// What happened. Of a failed transaction: fee and sequence, if they were taken.
    pub events: Vec<Emitted>,
}

impl Outcome {
    /// Refused before anything was charged.
    pub(super) fn refused(error: Error, gas_wanted: u64) -> Self {
        Self { result: Err(error), gas_wanted, gas_used: 0, events: vec![] }
    }
    /// Of what costs no gas.
    pub(super) fn free(result: Result<Vec<u8>>) -> Self {
        Self { result, gas_wanted: 0, gas_used: 0, events: vec![] }
    }
    /// 0, or the refusal's code.
    #[must_use]
    pub fn code(&self) -> u32 {
        self.result.as_ref().map_or_else(|e| e.code, |_| 0)
    }
}

/// The SDK's code for a handler that panicked.
const PANIC: u32 = 111_222;

/// Runs `f`; a panic in it becomes a refusal. What `f` had written so far must not be kept by the caller: overlays of
/// [`Ctx::atomic`] and [`Ctx::metered`] are dropped with it. The same panic comes on every node, since `f` depends on state alone.
pub(super) fn contained<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let text = crate::panic_text(&*payload);
        tracing::error!(target: "consensus", %text, "a handler panicked");
        Err(Error { codespace: "sdk", code: PANIC, log: format!("recovered: {text}: panic"), status: Status::Internal })
    })
}

impl Inner {
    pub(super) fn ante(&self, mode: Mode) -> Ante<'_> {
        let price = if mode == Mode::Check { self.settings.minimum_gas_price } else { GasPrice::default() };
        Ante { router: &self.router, verifier: &self.verifier, price, mode }
    }

    /// Runs `tx` on the state in `ctx`. What stays of a failed one is its fee and sequence.
    pub(super) fn run(&self, ctx: &mut Ctx, tx: &Tx, gas: &Gas, mode: Mode) -> Outcome {
        let (gas_wanted, mut events) = (tx.gas_limit(), vec![]);
        let paid = contained(|| {
            ctx.metered(gas, |ctx| {
                self.ante(mode).run(ctx, tx)?;
                Ok(ctx.take_events())
            })
        });
        let result = paid.and_then(|paid| {
            events.extend(from(Origin::Ante, paid));
            let (data, emitted) = contained(|| ctx.metered(gas, |ctx| self.messages(ctx, tx)))?;
            events.extend(emitted);
            Ok(data)
        });
        Outcome { result, gas_wanted, gas_used: gas.used(), events }
    }

    /// The responses of the messages, encoded, and what they emitted.
    fn messages(&self, ctx: &mut Ctx, tx: &Tx) -> Result<(Vec<u8>, Vec<Emitted>)> {
        let (mut msg_responses, mut emitted) = (vec![], vec![]);
        for (index, message) in tx.body.messages.iter().enumerate() {
            let value = self.router.execute(ctx, &message.type_url, &message.value).map_err(|e| at(index, e))?;
            let type_url = self.router.response_url(&message.type_url)?.to_owned();
            msg_responses.push(Any { type_url, value });
            let events = ctx.take_events();
            emitted.extend(from(Origin::Message(index), vec![self.announcement(message, &events)?]));
            emitted.extend(from(Origin::Message(index), events));
        }
        Ok((TxMsgData { msg_responses, ..TxMsgData::default() }.encode_to_vec(), emitted))
    }

    /// The event by which clients find a message: its type, its signer, and its module unless an event of its own says that.
    fn announcement(&self, message: &Any, events: &[Event]) -> Result<Event> {
        let sender = self.router.signers(&message.type_url, &message.value)?.first().map(ToString::to_string);
        let says_module = |e: &Event| matches!(&e.payload, cairn_kernel::Payload::Raw(p) if p.iter().any(|(k, _)| k == "module"));
        let module = message.type_url.split('.').nth(1).filter(|_| !events.iter().any(says_module));
        let pairs = [("action", Some(message.type_url.as_str())), ("sender", sender.as_deref()), ("module", module)];
        let pairs: Vec<_> = pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        Ok(raw("message", &pairs))
    }

    /// Decodes `bytes`; the gas limit must fit into a block.
    pub(super) fn decode(&self, bytes: &Bytes, block_gas: Option<u64>) -> Result<Tx, Outcome> {
        let tx = self.decoder.decode(bytes).map_err(|e| Outcome::refused(e, 0))?;
        let wanted = tx.gas_limit();
        match block_gas.filter(|limit| wanted > *limit) {
            Some(limit) => {
                let text = format!("tx gas limit {wanted} exceeds block max gas {limit}");
                Err(Outcome::refused(sdk::invalid_gas_limit(text), wanted))
            }
            None => Ok(tx),
        }
    }
}

/// Out of gas is told as it is: wallets look for the text at its beginning.
fn at(index: usize, error: Error) -> Error {
    if (error.codespace, error.code) == ("sdk", sdk::out_of_gas("").code) {
        return error;
    }
    Error { log: format!("failed to execute message; message index: {index}: {}", error.log), ..error }
}
