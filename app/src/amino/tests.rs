//! What CosmJS signed, in `golden.json` (made by `e2e/js/amino.mjs golden`), and rules that it does not show.
use bytes::Bytes;
use cairn_kernel::Result;
use cairn_proto::{
    Any, Duration, Timestamp,
    cosmos::{
        authz::v1beta1::GenericAuthorization,
        bank::v1beta1::MsgSend,
        crypto::{multisig::LegacyAminoPubKey, secp256k1::PubKey},
        feegrant::v1beta1::{BasicAllowance, MsgGrantAllowance, PeriodicAllowance},
        gov::v1beta1::{MsgVoteWeighted, WeightedVoteOption},
        staking::v1beta1::{
            StakeAuthorization,
            stake_authorization::{Validators, ValidatorsChoice},
        },
    },
    pack, unpack,
};
use k256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use prost::{Message, Name};
use serde_json::Value;

use super::{write::quote, *};
use crate::tx::{Decoder, Tx};

const SIGNER: Signer = Signer { chain_id: "cairn-it-1", account_number: 1, sequence: 0 };

fn decode(bytes: Vec<u8>) -> Result<Tx> {
    static DECODER: LazyLock<Decoder> = LazyLock::new(|| Decoder::new(Dialect::cairn().pool()).unwrap());
    DECODER.decode(&Bytes::from(bytes))
}

/// The transactions that CosmJS signed, by their messages' type.
fn golden() -> Vec<(String, Vec<u8>)> {
    let file: Value = serde_json::from_str(include_str!("golden.json")).unwrap();
    let bytes = |tx: &Value| crate::api::json::decode_base64(tx.as_str().unwrap()).unwrap();
    file["singles"].as_array().unwrap().iter().map(|one| (one["url"].as_str().unwrap().to_owned(), bytes(&one["tx"]))).collect()
}

fn document(tx: &Tx) -> Result<String, AminoError> {
    let amino = Amino::cairn();
    Ok(amino.document(tx, &amino.messages(tx)?, SIGNER))
}

fn is_signed(tx: &Tx, document: &str) -> bool {
    let key: PubKey = unpack(tx.auth.signer_infos[0].public_key.as_ref().unwrap()).unwrap();
    let key = VerifyingKey::from_sec1_bytes(&key.key).unwrap();
    key.verify(document.as_bytes(), &Signature::from_slice(&tx.signatures[0]).unwrap()).is_ok()
}

#[test]
fn cosmjs_signed_these_documents() {
    let golden = golden();
    assert!(golden.len() > 200);
    let mut others = vec![];
    for (url, bytes) in golden {
        let tx = decode(bytes).unwrap();
        assert_eq!(tx.body.messages[0].type_url, url);
        let document = document(&tx).unwrap();
        if !is_signed(&tx, &document) {
            others.push(document);
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}

/// A Ledger refuses a document with space between its parts, with keys out of order or twice, and has room for names under 40 characters.
#[test]
fn a_ledger_takes_every_document() {
    let mut names = std::collections::BTreeMap::new();
    for (url, bytes) in golden() {
        let document = document(&decode(bytes).unwrap()).unwrap();
        assert!(!outside_of_text(&document).contains(|c: char| c.is_whitespace() || c == '.'), "{document}");
        let read: Value = serde_json::from_str(&document).unwrap();
        assert_ordered(&read);
        let name = read["msgs"][0]["type"].as_str().unwrap().to_owned();
        // A few messages of the Cosmos SDK have no name there either; no Ledger knows them.
        let unnamed = name == url && !url.starts_with("/cairn.");
        assert!(unnamed || (name.len() < 40 && name.bytes().all(|b| b.is_ascii_graphic())), "{name}");
        let first = names.entry(name).or_insert_with(|| url.clone());
        assert_eq!(*first, url, "two messages have one name");
    }
    assert!(names.len() > 100);
}

/// What is left without texts: braces, names' places, numbers.
fn outside_of_text(document: &str) -> String {
    let (mut inside, mut escaped, mut rest) = (false, false, String::new());
    for c in document.chars() {
        match (inside, escaped, c) {
            (true, true, _) => escaped = false,
            (true, false, '\\') => escaped = true,
            (_, false, '"') => inside = !inside,
            (false, ..) => rest.push(c),
            _ => {}
        }
    }
    rest
}

fn assert_ordered(value: &Value) {
    match value {
        Value::Object(fields) => {
            let keys: Vec<&String> = fields.keys().collect();
            assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
            fields.values().for_each(assert_ordered);
        }
        Value::Array(items) => items.iter().for_each(assert_ordered),
        Value::Null => panic!("null"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_changed_byte_of_the_body_or_the_fee_changes_the_document() {
    for ((url, bytes), offset) in golden().into_iter().zip(0_usize..) {
        let whole = decode(bytes.clone()).unwrap();
        let signed = document(&whole).unwrap();
        let body = bytes.windows(8).position(|w| w == &whole.body.encode_to_vec()[..8]).unwrap();
        let end = body + whole.body.encode_to_vec().len();
        let fee = whole.auth.fee.as_ref().unwrap().encode_to_vec();
        let fee = bytes.windows(fee.len()).position(|w| w == fee).unwrap()..;
        let fee = fee.start..fee.start + whole.auth.fee.as_ref().unwrap().encoded_len();
        for at in (body + offset % 9..end).step_by(9).chain(fee) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let read = decode(changed).map(|tx| document(&tx));
            assert!(!matches!(&read, Ok(Ok(other)) if *other == signed), "{url}: byte {at} does not count");
        }
    }
}

fn shown<M: Message + Name>(message: &M) -> String {
    Amino::cairn().encode(&M::type_url(), &message.encode_to_vec()).unwrap()
}

#[test]
fn text_is_quoted_as_wallets_quote_it() {
    let mut out = String::new();
    quote("a\"b\\c/<&>\u{1}\u{8}\t\n\u{c}\r\u{1f}\u{7f}\u{2028}\u{e9}\u{1f980}", &mut out);
    assert_eq!(out, "\"a\\\"b\\\\c/\\u003c\\u0026\\u003e\\u0001\\b\\t\\n\\f\\r\\u001f\u{7f}\u{2028}\u{e9}\u{1f980}\"");
}

#[test]
fn what_is_packed_stands_under_its_amino_name() {
    let basic = BasicAllowance { spend_limit: vec![], expiration: Some(Timestamp { seconds: 1_700_000_000, nanos: 120_000_000 }) };
    let grant = MsgGrantAllowance { granter: "a".into(), grantee: "b".into(), allowance: Some(pack(&basic)) };
    assert_eq!(
        shown(&grant),
        r#"{"type":"cosmos-sdk/MsgGrantAllowance","value":{"allowance":{"type":"cosmos-sdk/BasicAllowance","value":{"expiration":"2023-11-14T22:13:20.12Z","spend_limit":[]}},"grantee":"b","granter":"a"}}"#
    );
    let periodic = PeriodicAllowance { period: Some(Duration { seconds: 3_600, nanos: 5 }), ..PeriodicAllowance::default() };
    assert!(shown(&periodic).contains(r#""period":"3600000000005""#), "{}", shown(&periodic));
    let generic = GenericAuthorization { msg: "/x".into() };
    assert_eq!(shown(&generic), r#"{"type":"cosmos-sdk/GenericAuthorization","value":{"msg":"/x"}}"#);
}

#[test]
fn decimals_have_18_places_whatever_wallets_of_other_chains_do() {
    let weighted = |weight: &str| {
        let options = vec![WeightedVoteOption { option: 1, weight: weight.into() }];
        shown(&MsgVoteWeighted { proposal_id: 1, voter: "v".into(), options })
    };
    assert!(weighted("1").contains(r#""weight":"0.000000000000000001""#));
    assert!(weighted("1000000000000000000").contains(r#""weight":"1.000000000000000000""#));
}

#[test]
fn keys_and_thresholds_have_forms_of_their_own() {
    let key = pack(&PubKey { key: vec![2; 33] });
    let threshold = LegacyAminoPubKey { threshold: 2, public_keys: vec![key.clone(), key] };
    let one = r#"{"type":"tendermint/PubKeySecp256k1","value":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"}"#;
    let expected = format!(r#"{{"type":"tendermint/PubKeyMultisigThreshold","value":{{"pubkeys":[{one},{one}],"threshold":"2"}}}}"#);
    assert_eq!(shown(&threshold), expected);
}

#[test]
fn members_of_a_oneof_stand_under_its_name() {
    let list = Validators { address: vec!["v".into()] };
    let stake = StakeAuthorization { validators_choice: Some(ValidatorsChoice::AllowList(list)), authorization_type: 1, max_tokens: None };
    assert_eq!(
        shown(&stake),
        r#"{"type":"cosmos-sdk/StakeAuthorization","value":{"Validators":{"type":"cosmos-sdk/StakeAuthorization/AllowList","value":{"allow_list":{"address":["v"]}}},"authorization_type":1}}"#
    );
}

#[test]
fn what_has_no_form_is_refused() {
    let amino = Amino::cairn();
    let refused = |url: &str, bytes: &[u8]| amino.encode(url, bytes).unwrap_err();
    assert!(matches!(refused("/no.such.Msg", b""), AminoError::UnknownType(_)));
    assert!(matches!(refused("cosmos.bank.v1beta1.MsgSend", b""), AminoError::UnknownType(_)));
    assert!(matches!(refused("/cosmos.bank.v1beta1.MsgSend", b"\xff"), AminoError::Undecodable(_)));
    let odd = Timestamp { seconds: i64::MAX, nanos: 0 };
    let basic = BasicAllowance { spend_limit: vec![], expiration: Some(odd) };
    assert!(matches!(refused(&BasicAllowance::type_url(), &basic.encode_to_vec()), AminoError::Inexpressible(_)));
    let long = PeriodicAllowance { period: Some(Duration { seconds: i64::MAX, nanos: 0 }), ..PeriodicAllowance::default() };
    assert!(matches!(refused(&PeriodicAllowance::type_url(), &long.encode_to_vec()), AminoError::Inexpressible(_)));
    let vote = MsgVoteWeighted { options: vec![WeightedVoteOption { option: 1, weight: "0.5".into() }], ..MsgVoteWeighted::default() };
    assert!(matches!(refused(&MsgVoteWeighted::type_url(), &vote.encode_to_vec()), AminoError::Inexpressible(_)));
}

#[test]
fn a_transaction_with_options_or_unknown_fields_has_no_document() {
    let (_, bytes) = golden().remove(0);
    let tx = decode(bytes).unwrap();
    let with = |change: fn(&mut Tx)| {
        let mut tx = tx.clone();
        change(&mut tx);
        document(&tx).is_err()
    };
    assert!(!with(|_| {}));
    assert!(with(|tx| tx.body.extension_options = vec![pack(&MsgSend::default())]));
    assert!(with(|tx| tx.body.non_critical_extension_options = vec![Any::default()]));
}

#[test]
fn timeout_granter_and_payer_are_shown_where_they_are_set() {
    let mut tx = decode(golden().remove(0).1).unwrap();
    tx.body.timeout_height = 7;
    let fee = tx.auth.fee.as_mut().unwrap();
    (fee.granter, fee.payer) = ("g".into(), "p".into());
    let shown = document(&tx).unwrap();
    let fee = r#""fee":{"amount":[{"amount":"5000","denom":"ucairn"}],"gas":"5000000","granter":"g","payer":"p"}"#;
    assert!(shown.contains(fee) && shown.ends_with(r#""sequence":"0","timeout_height":"7"}"#), "{shown}");
}

/// Both forms of a transaction of before protobuf say the same; a cut or spoilt one is refused, and nothing panics.
#[test]
fn std_txs_are_written_and_read() {
    let amino = Amino::cairn();
    for (url, bytes) in golden().into_iter().filter(|(url, _)| url.starts_with("/cosmos.")) {
        let tx = decode(bytes).unwrap();
        let document: Value = serde_json::from_str(&document(&tx).unwrap()).unwrap();
        let value = serde_json::json!({
            "msg": document["msgs"], "fee": document["fee"], "signatures": [], "memo": document["memo"], "timeout_height": "3",
        });
        let Ok(binary) = amino.std_tx_binary(&serde_json::json!({ "type": "cosmos-sdk/StdTx", "value": value }).to_string()) else {
            continue;
        };
        let json = amino.std_tx_json(&binary).unwrap();
        assert_eq!(amino.std_tx_binary(&json).unwrap(), binary, "{url}");
        for length in (0..binary.len()).step_by(7) {
            drop(amino.std_tx_json(&binary[..length]));
            let mut spoilt = binary.clone();
            spoilt[length] ^= 0x91;
            drop(amino.std_tx_json(&spoilt));
        }
        assert!(amino.std_tx_json(&binary[..3]).is_err() && amino.std_tx_json(&[]).is_err());
    }
    for bad in
        ["", "{}", "[]", r#"{"type":"cosmos-sdk/MsgSend","value":{}}"#, r#"{"type":"cosmos-sdk/StdTx","value":{"msg":[{"type":"none"}]}}"#]
    {
        assert!(amino.std_tx_binary(bad).is_err(), "{bad}");
    }
    let deep =
        format!("{}{}", r#"{"type":"cosmos-sdk/StdTx","value":{"msg":["#, r#"{"type":"cosmos-sdk/MsgExec","value":{"msgs":["#.repeat(100));
    assert!(amino.std_tx_binary(&format!("{deep}{}]}}}}", "]}}".repeat(100))).is_err(), "too deep");
}
