//! Events as ABCI shows them: the Cosmos SDK's attribute pairs, for people and indexers.
use cairn_kernel::{Event, Payload};
use serde_json::Value;
use tendermint_proto::v0_38::abci::{Event as AbciEvent, EventAttribute};

use crate::api::json::{Dialect, to_go_string};

/// An event and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// What happened.
    pub event: Event,
    /// By whose doing.
    pub origin: Origin,
}

/// What made an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Fee and signatures of a transaction.
    Ante,
    /// A message, by its place in the transaction.
    Message(usize),
    /// What runs before a block's transactions.
    BeginBlock,
    /// What runs after a block's transactions.
    EndBlock,
}

impl Emitted {
    /// As pairs of text. A typed event shows each field as JSON under its name, in alphabetical order, like the SDK's
    /// `EmitTypedEvent`. Every attribute can be searched for, as in the SDK.
    #[must_use]
    pub fn to_abci(&self, dialect: &Dialect) -> AbciEvent {
        let mut attributes = match &self.event.payload {
            Payload::Raw(pairs) => pairs.clone(),
            Payload::Typed(bytes) => fields(dialect, &self.event.kind, bytes),
        };
        attributes.retain(|(key, _)| !key.is_empty());
        let mut attributes: Vec<_> = attributes.into_iter().map(|(key, value)| EventAttribute { key, value, index: true }).collect();
        attributes.extend(self.origin.mark());
        AbciEvent { r#type: self.event.kind.clone(), attributes }
    }
}

impl Origin {
    fn mark(self) -> Option<EventAttribute> {
        let (key, value) = match self {
            Self::Ante => return None,
            Self::Message(index) => ("msg_index", index.to_string()),
            Self::BeginBlock => ("mode", "BeginBlock".to_owned()),
            Self::EndBlock => ("mode", "EndBlock".to_owned()),
        };
        Some(EventAttribute { key: key.to_owned(), value, index: true })
    }
}

fn fields(dialect: &Dialect, kind: &str, bytes: &[u8]) -> Vec<(String, String)> {
    match dialect.encode_bytes(kind, bytes) {
        Ok(Value::Object(fields)) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(key, value)| (key, to_go_string(&value))).collect();
            fields.sort_unstable();
            fields
        }
        Ok(other) => vec![("value".to_owned(), to_go_string(&other))],
        Err(error) => {
            tracing::error!(target: "consensus", %kind, %error, "an event's type is not among the descriptors");
            vec![]
        }
    }
}

/// Marks everything in `events`.
pub(super) fn from(origin: Origin, events: Vec<Event>) -> impl Iterator<Item = Emitted> {
    events.into_iter().map(move |event| Emitted { event, origin })
}

/// An event of attributes as they are.
pub(super) fn raw(kind: &str, pairs: &[(&str, &str)]) -> Event {
    let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Event { kind: kind.to_owned(), payload: Payload::Raw(pairs) }
}

#[cfg(test)]
mod tests {
    use cairn_proto::cosmos::base::v1beta1::Coin;
    use prost::{Message, Name};

    use super::*;

    fn pairs(event: &AbciEvent) -> Vec<(&str, &str, bool)> {
        event.attributes.iter().map(|a| (a.key.as_str(), a.value.as_str(), a.index)).collect()
    }

    #[test]
    fn a_typed_event_shows_its_fields_as_json_in_alphabetical_order() {
        let coin = Coin { denom: "u<cairn>".into(), amount: "7".into() };
        let event = Event { kind: Coin::full_name(), payload: Payload::Typed(coin.encode_to_vec()) };
        let shown = Emitted { event, origin: Origin::Message(3) }.to_abci(Dialect::cairn());
        assert_eq!(shown.r#type, "cosmos.base.v1beta1.Coin");
        let expected = [("amount", "\"7\"", true), ("denom", "\"u\\u003ccairn\\u003e\"", true), ("msg_index", "3", true)];
        assert_eq!(pairs(&shown), expected);
    }

    #[test]
    fn a_raw_event_keeps_its_pairs_and_their_order() {
        let event = raw("transfer", &[("recipient", "b"), ("amount", "1ucairn"), ("", "dropped")]);
        let shown = Emitted { event: event.clone(), origin: Origin::Ante }.to_abci(Dialect::cairn());
        assert_eq!(pairs(&shown), [("recipient", "b", true), ("amount", "1ucairn", true)]);
        let shown = Emitted { event, origin: Origin::EndBlock }.to_abci(Dialect::cairn());
        assert_eq!(pairs(&shown).last(), Some(&("mode", "EndBlock", true)));
    }
}
