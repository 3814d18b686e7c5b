//! The walker against the real marshaller, and what it refuses.
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage, Value as Wire};
use serde_json::{Value, json};

use super::{Dialect, decode_base64_url_safe_too, text, to_go_string};

/// Pairs of lines: `<type> <hex of the bytes>` and the JSON that the SDK's gateway prints for it (cosmos-sdk 0.50.9, gogoproto 1.7.0).
const GOLDEN: &str = include_str!("golden.txt");

fn golden() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let lines: Vec<&str> = GOLDEN.lines().collect();
    let pair = |p: &[&'static str]| {
        let (name, bytes) = p[0].split_once(' ').unwrap();
        (name, hex::decode(bytes).unwrap(), p[1])
    };
    lines.chunks(2).map(pair).collect()
}

fn decode(name: &str, json: Value) -> Result<DynamicMessage, String> {
    let dialect = Dialect::cairn();
    dialect.decode(&dialect.message(name).unwrap(), &json).map_err(|e| e.to_string())
}

fn refused(name: &str, json: Value) -> String {
    decode(name, json).unwrap_err()
}

#[test]
fn prints_what_the_sdk_prints() {
    assert!(golden().len() > 30);
    for (name, bytes, expected) in golden() {
        let value = Dialect::cairn().encode_bytes(name, &bytes).unwrap();
        assert_eq!(to_go_string(&value), expected, "{name}");
    }
}

#[test]
fn reads_back_what_it_prints() {
    let dialect = Dialect::cairn();
    for (name, bytes, expected) in golden() {
        let json: Value = serde_json::from_str(expected).unwrap();
        let again = dialect.decode_bytes(name, &json).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(to_go_string(&dialect.encode_bytes(name, &again).unwrap()), expected, "{name} {}", hex::encode(bytes));
    }
}

#[test]
fn accepts_both_spellings_and_quoted_or_bare_numbers() {
    let snake = decode("cosmos.base.query.v1beta1.PageRequest", json!({"key": "-_8=", "limit": "7", "count_total": true})).unwrap();
    let camel = decode("cosmos.base.query.v1beta1.PageRequest", json!({"key": "+/8", "limit": 7, "countTotal": "true"})).unwrap();
    assert_eq!(snake.encode_to_vec(), camel.encode_to_vec());
    assert_eq!(snake.get_field_by_name("key").unwrap().as_bytes().unwrap().as_ref(), [0xfb, 0xff]);
}

#[test]
fn accepts_enums_by_name_and_by_number() {
    for mode in [json!("BROADCAST_MODE_SYNC"), json!(2), json!("2")] {
        let request = decode("cosmos.tx.v1beta1.BroadcastTxRequest", json!({"mode": mode})).unwrap();
        assert_eq!(request.get_field_by_name("mode").unwrap().as_enum_number(), Some(2));
    }
    assert!(refused("cosmos.tx.v1beta1.BroadcastTxRequest", json!({"mode": "SYNC"})).starts_with("mode: expected a value of"));
}

#[test]
fn scales_decimals() {
    for (decimal, integer) in [
        ("0", "0"),
        ("0.5", "500000000000000000"),
        ("-1.5", "-1500000000000000000"),
        ("0.000000000000000001", "1"),
        ("12", "12000000000000000000"),
        ("-0", "0"),
    ] {
        assert_eq!(text::scale(decimal).as_deref(), Some(integer), "{decimal}");
    }
    for bad in ["", "-", ".", "1.", ".5", "1e3", "0.0000000000000000001", "1.2.3", "+1", " 1", "0x1", &"9".repeat(96)] {
        assert_eq!(text::scale(bad), None, "{bad}");
    }
    assert_eq!(text::unscale("1").as_deref(), Some("0.000000000000000001"));
    assert_eq!(text::unscale("-1500000000000000000").as_deref(), Some("-1.500000000000000000"));
    for bad in ["", "-", "1.0", "abc", "\u{0661}"] {
        assert_eq!(text::unscale(bad), None, "{bad}");
    }
    let reward = decode("cosmos.base.v1beta1.DecCoin", json!({"denom": "ucairn", "amount": "0.25"})).unwrap();
    assert_eq!(reward.get_field_by_name("amount").unwrap().as_str(), Some("250000000000000000"));
    assert!(refused("cosmos.base.v1beta1.DecCoin", json!({"amount": "a"})).starts_with("amount: expected a decimal"));
    assert!(refused("cosmos.base.v1beta1.Coin", json!({"amount": "1.5"})).starts_with("amount: expected an integer"));
}

#[test]
fn bounds_times_and_durations() {
    assert_eq!(text::time(-62_135_596_800, 0).as_deref(), Some("0001-01-01T00:00:00Z"));
    assert_eq!(text::time(253_402_300_799, 999_999_999).as_deref(), Some("9999-12-31T23:59:59.999999999Z"));
    for (seconds, nanos) in
        [(-62_135_596_801, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000), (i64::MAX, i32::MAX), (i64::MIN, i32::MIN)]
    {
        assert_eq!(text::time(seconds, nanos), None);
    }
    assert_eq!(text::duration(-1, -500_000_000).as_deref(), Some("-1.500s"));
    for (seconds, nanos) in [(1, -1), (-1, 1), (315_576_000_001, 0), (i64::MIN, 0), (0, i32::MIN)] {
        assert_eq!(text::duration(seconds, nanos), None);
    }
    assert_eq!(text::parse_time("2023-11-14T23:13:20.5+01:00"), Some((1_700_000_000, 500_000_000)));
    assert_eq!(text::parse_duration("-0.5s"), Some((0, -500_000_000)));
    for bad in ["", "now", "2023-13-01T00:00:00Z", "10000-01-01T00:00:00Z", &"2".repeat(4096)] {
        assert_eq!(text::parse_time(bad), None, "{bad}");
    }
    for bad in ["", "5", "s", "5m", "999999999999999999s", "1.5"] {
        assert_eq!(text::parse_duration(bad), None, "{bad}");
    }
}

#[test]
fn times_out_of_range_are_shown_in_parts() {
    let dialect = Dialect::cairn();
    let mut time = DynamicMessage::new(dialect.message("google.protobuf.Timestamp").unwrap());
    time.set_field_by_name("seconds", Wire::I64(i64::MAX));
    assert_eq!(dialect.encode(&time), json!({"seconds": i64::MAX.to_string(), "nanos": 0}));
    assert_eq!(dialect.decode(&time.descriptor(), &dialect.encode(&time)).unwrap().encode_to_vec(), time.encode_to_vec());
}

#[test]
fn unknown_or_damaged_any_is_shown_as_base64() {
    let dialect = Dialect::cairn();
    let any = |url: &str, value: &[u8]| prost_types::Any { type_url: url.into(), value: value.to_vec() }.encode_to_vec();
    let shown = dialect.encode_bytes("google.protobuf.Any", &any("/not.known.Msg", &[1, 2])).unwrap();
    assert_eq!(shown, json!({"@type": "/not.known.Msg", "value": "AQI="}));
    let shown = dialect.encode_bytes("google.protobuf.Any", &any("/cosmos.bank.v1beta1.MsgSend", &[0xff])).unwrap();
    assert_eq!(shown, json!({"@type": "/cosmos.bank.v1beta1.MsgSend", "value": "/w=="}));
}

#[test]
fn any_within_any_ends_in_base64_and_not_in_a_full_stack() {
    let mut bytes = Vec::new();
    for _ in 0..5_000 {
        bytes = prost_types::Any { type_url: "/google.protobuf.Any".into(), value: bytes }.encode_to_vec();
    }
    let mut shown = Dialect::cairn().encode_bytes("google.protobuf.Any", &bytes).unwrap();
    let mut depth = 0;
    while shown["value"].is_object() {
        shown = shown["value"].take();
        depth += 1;
    }
    assert!((10..100).contains(&depth) && shown["value"].is_string(), "{depth}");
}

#[test]
fn packs_messages_by_their_type_url() {
    let body = json!({"messages": [{"@type": "/cosmos.bank.v1beta1.MsgSend", "from_address": "a", "amount": [{"denom": "ucairn", "amount": "5"}]}]});
    let message = decode("cosmos.tx.v1beta1.TxBody", body).unwrap();
    let packed = message.get_field_by_name("messages").unwrap().as_list().unwrap()[0].as_message().unwrap().clone();
    let send = cairn_proto::cosmos::bank::v1beta1::MsgSend::decode(packed.get_field_by_name("value").unwrap().as_bytes().unwrap().clone())
        .unwrap();
    assert_eq!((send.from_address.as_str(), send.amount[0].amount.as_str()), ("a", "5"));
}

#[test]
fn says_where_a_value_does_not_fit() {
    let send = "cosmos.bank.v1beta1.MsgSend";
    assert_eq!(refused(send, json!([])), "expected an object, found an array");
    assert_eq!(refused(send, json!({"x<": 1})), "cosmos.bank.v1beta1.MsgSend has no field \"x<\"");
    assert_eq!(refused(send, json!({"amount": {}})), "amount: expected an array, found an object");
    assert_eq!(refused(send, json!({"amount": [{"denom": "a"}, {"denom": 1}]})), "amount[1].denom: expected a string, found 1");
    assert_eq!(refused(send, json!({"from_address": "a", "fromAddress": "b"})), "from_address: given twice");
    let body = "cosmos.tx.v1beta1.TxBody";
    assert_eq!(refused(body, json!({"messages": [{}]})), "messages[0]: \"@type\" is missing");
    assert_eq!(refused(body, json!({"messages": [{"@type": "/a.B"}]})), "messages[0].@type: unable to resolve type URL \"/a.B\"");
    assert_eq!(
        refused(body, json!({"timeout_height": -1})),
        "timeout_height: expected a whole number of 64 bits, 0 or more, such as 100, found -1"
    );
    assert_eq!(
        refused(body, json!({"timeout_height": 1.5})),
        "timeout_height: expected a whole number of 64 bits, 0 or more, such as 100, found 1.5"
    );
    assert!(refused(body, json!({"timeout_height": "18446744073709551616"})).contains("64 bits"));
    assert!(refused(body, json!({"memo": "x", "unordered": true})).contains("no field \"unordered\""));
    assert!(refused("cosmos.tx.v1beta1.ModeInfo", json!({"single": {}, "multi": {}})).contains("given twice"));
    let long = refused(body, json!({"memo": ["x".repeat(10_000)], "timeout_height": "9".repeat(10_000)}));
    assert!(long.len() < 200, "{long}");
}

#[test]
fn null_is_absent() {
    let page = decode("cosmos.bank.v1beta1.QueryAllBalancesResponse", json!({"balances": null, "pagination": null})).unwrap();
    assert!(page.encode_to_vec().is_empty());
}

#[test]
fn base64_of_both_alphabets() {
    for text in ["+/8=", "-_8=", "-_8", " /8="] {
        assert_eq!(decode_base64_url_safe_too(text), Some(vec![0xfb, 0xff]), "{text}");
    }
    for bad in ["a", "####", "AA=A"] {
        assert_eq!(decode_base64_url_safe_too(bad), None, "{bad}");
    }
}

#[test]
fn escapes_as_go_does() {
    assert_eq!(to_go_string(&json!({"a<": "<&>\u{2028}\u{2029}\u{e9}\"\n"})), r#"{"a\u003c":"\u003c\u0026\u003e\u2028\u2029é\"\n"}"#);
}
