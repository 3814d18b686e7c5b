//! Whatever bytes or JSON come in: an answer or an error, never a panic.
use proptest::{collection::vec, prelude::*};
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::Value;

use super::{Dialect, to_go_string};

/// Types with nesting, packed messages, decimals, times, maps and enums.
const TYPES: [&str; 8] = [
    "cosmos.tx.v1beta1.Tx",
    "cosmos.tx.v1beta1.AuthInfo",
    "cosmos.staking.v1beta1.Validator",
    "cosmos.slashing.v1beta1.Params",
    "cosmos.base.tendermint.v1beta1.GetLatestBlockResponse",
    "cosmos.feegrant.v1beta1.PeriodicAllowance",
    "cosmos.gov.v1.Proposal",
    "google.protobuf.Any",
];

/// Bytes that look like protobuf more often than chance would make them.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let leaf = (1_u8..8, vec(any::<u8>(), 0..12)).prop_map(|(field, bytes)| framed(field, &bytes));
    let url = prop::sample::select(TYPES.to_vec()).prop_map(|name| framed(1, format!("/{name}").as_bytes()));
    let part = prop_oneof![leaf, url, (1_u8..8, any::<u8>()).prop_map(|(field, value)| vec![field << 3, value & 0x7f])];
    part.prop_recursive(6, 64, 4, |inner| (1_u8..8, vec(inner, 1..4)).prop_map(|(field, parts)| framed(field, &parts.concat())))
}

fn framed(field: u8, bytes: &[u8]) -> Vec<u8> {
    let mut framed = vec![field << 3 | 2];
    prost::encoding::encode_varint(bytes.len() as u64, &mut framed);
    framed.extend_from_slice(bytes);
    framed
}

fn json() -> impl Strategy<Value = Value> {
    let names = ["body", "messages", "@type", "value", "memo", "auth_info", "authInfo", "fee", "amount", "single", "mode_info", "x"];
    let texts =
        ["", "-1", "1.5", "AQ==", "/google.protobuf.Any", "/cosmos.tx.v1beta1.Tx", "2026-01-01T00:00:00Z", "9s", "true", "\u{2028}<"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 4, move |inner| {
        let entries = vec((prop::sample::select(names.to_vec()), inner.clone()), 0..4);
        prop_oneof![vec(inner, 0..4).prop_map(Value::from), entries.prop_map(|e| e.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_that_decode_are_shown(bytes in wire(), name in prop::sample::select(TYPES.to_vec())) {
        let dialect = Dialect::cairn();
        if let Ok(message) = DynamicMessage::decode(dialect.message(name).unwrap(), bytes.as_slice()) {
            let text = to_go_string(&dialect.encode(&message));
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
            let markup = text.contains(['<', '>', '&', '\u{2028}']);
            prop_assert!(!markup);
        }
    }

    #[test]
    fn any_json_is_read_or_refused(value in json(), name in prop::sample::select(TYPES.to_vec())) {
        let dialect = Dialect::cairn();
        if let Ok(message) = dialect.decode(&dialect.message(name).unwrap(), &value) {
            // What was read is a message whose JSON reads back; from then on nothing changes (an absent decimal has become 0.000000000000000000).
            let around = |bytes: &[u8]| dialect.decode_bytes(name, &dialect.encode_bytes(name, bytes).unwrap()).map_err(|e| e.to_string());
            let once = around(&message.encode_to_vec()).unwrap();
            prop_assert_eq!(around(&once), Ok(once));
        }
    }
}
