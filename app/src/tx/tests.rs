//! What is a transaction and what is not.
use cairn_proto::{
    Any,
    cosmos::{
        bank::v1beta1::MsgSend,
        base::v1beta1::Coin,
        tx::v1beta1::{SignerInfo, TxRaw},
    },
    pack,
};
use proptest::prelude::*;

use super::*;

fn decoder() -> Decoder {
    static POOL: std::sync::LazyLock<DescriptorPool> =
        std::sync::LazyLock::new(|| DescriptorPool::decode(cairn_proto::DESCRIPTORS).unwrap());
    Decoder::new(&POOL).unwrap()
}

fn decode(bytes: Vec<u8>) -> Result<Tx> {
    decoder().decode(&Bytes::from(bytes))
}

fn code(bytes: Vec<u8>) -> u32 {
    decode(bytes).map_or_else(|e| e.code, |_| 0)
}

fn send() -> MsgSend {
    MsgSend { from_address: "a".into(), to_address: "b".into(), amount: vec![Coin { denom: "ucairn".into(), amount: "1".into() }] }
}

fn body() -> TxBody {
    TxBody { messages: vec![pack(&send())], memo: "hi".into(), timeout_height: 9, ..Default::default() }
}

fn auth() -> AuthInfo {
    let signer = SignerInfo { sequence: 4, ..Default::default() };
    AuthInfo { signer_infos: vec![signer], fee: Some(Fee { gas_limit: 200_000, ..Default::default() }), ..Default::default() }
}

fn raw(body: Vec<u8>, auth: Vec<u8>) -> Vec<u8> {
    TxRaw { body_bytes: body, auth_info_bytes: auth, signatures: vec![vec![1; 64]] }.encode_to_vec()
}

fn with_body(body: &TxBody) -> Vec<u8> {
    raw(body.encode_to_vec(), auth().encode_to_vec())
}

fn field(number: u64, content: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    prost::encoding::encode_varint(number << 3 | 2, &mut out);
    prost::encoding::encode_varint(content.len() as u64, &mut out);
    [out, content.to_vec()].concat()
}

#[test]
fn a_transaction_is_read_and_keeps_what_was_signed() {
    let bytes = with_body(&body());
    let tx = decode(bytes.clone()).unwrap();
    assert_eq!((tx.body.clone(), tx.auth.clone(), tx.size), (body(), auth(), bytes.len()));
    assert_eq!(tx.gas_limit(), 200_000);
    let doc = SignDoc::decode(&*tx.sign_doc("c-1", 7)).unwrap();
    assert_eq!((doc.body_bytes, doc.auth_info_bytes), (body().encode_to_vec(), auth().encode_to_vec()));
    assert_eq!((doc.chain_id.as_str(), doc.account_number), ("c-1", 7));
}

#[test]
fn an_empty_transaction_decodes_to_nothing() {
    let tx = decode(vec![]).unwrap();
    assert!(tx.body.messages.is_empty() && tx.signatures.is_empty() && tx.fee().is_err());
}

#[test]
fn size_is_limited_before_anything_is_read() {
    assert_eq!(code(vec![0xff; MAX_TX_BYTES + 1]), 21);
    assert_eq!(code(vec![0xff; MAX_TX_BYTES]), 2);
}

#[test]
fn a_raw_transaction_has_one_form() {
    let (b, a, s) = (field(1, &body().encode_to_vec()), field(2, &auth().encode_to_vec()), field(3, &[1; 64]));
    let join = |parts: &[&[u8]]| parts.concat();
    assert_eq!(code(join(&[&b, &a, &s])), 0);
    assert_eq!(code(join(&[&b, &a, &s, &s])), 0, "signatures may repeat");
    assert_eq!(code(join(&[&b, &a, &field(3, &[])])), 0, "a signature may be empty");
    for (bytes, why) in [
        (join(&[&a, &b, &s]), "out of order"),
        (join(&[&b, &b, &a, &s]), "body twice"),
        (join(&[&b, &s, &a]), "signature first"),
        (join(&[&field(1, &[]), &a, &s]), "empty body written"),
        (join(&[&b, &a, &s, &field(4, &[1])]), "unknown field"),
        (join(&[&b, &a, &s, &field(1028, &[1])]), "unknown field with the non-critical bit"),
        (join(&[&b, &a, &s, &[0x18, 0x01]]), "signature as varint"),
        (join(&[&b, &a, &s, &[0x1a, 0x81, 0x00, 9]]), "padded length"),
        (join(&[&b, &a, &s, &[0x9a, 0x00, 0x01, 9]]), "padded tag"),
        (join(&[&b, &a, &s, &[0x1a]]), "truncated"),
    ] {
        assert_eq!(code(bytes), 2, "{why}");
    }
}

#[test]
fn unknown_fields_are_refused_but_non_critical_ones_of_the_body() {
    let (body, auth) = (body().encode_to_vec(), auth().encode_to_vec());
    let body_with = |f: Vec<u8>| raw([body.clone(), f].concat(), auth.clone());
    let auth_with = |f: Vec<u8>| raw(body.clone(), [auth.clone(), f].concat());
    assert_eq!(code(body_with(field(4, &[]))), 2, "`unordered` of newer chains is not known here");
    assert_eq!(code(body_with(vec![0x20, 0x01])), 2);
    assert_eq!(code(body_with(field(1022, &[1]))), 2);
    assert_eq!(code(body_with(field(1024, &[1]))), 0);
    assert_eq!(code(body_with(field(2046, &[1]))), 0);
    assert_eq!(code(body_with(field(2048, &[1]))), 2, "the bit is not set");
    assert_eq!(code(body_with(field(3072, &[1]))), 0);
    assert_eq!(code(auth_with(field(1024, &[1]))), 2);
    assert_eq!(code(auth_with(field(4, &[1]))), 2);
}

#[test]
fn unknown_fields_are_found_at_any_depth() {
    let coin = [Coin { denom: "ucairn".into(), amount: "1".into() }.encode_to_vec(), field(3, b"x")].concat();
    let msg = [field(1, b"a"), field(2, b"b"), field(3, &coin)].concat();
    let any = |value: Vec<u8>| Any { type_url: "/cosmos.bank.v1beta1.MsgSend".into(), value };
    let tx = |any: Any| with_body(&TxBody { messages: vec![any], ..body() });
    assert_eq!(code(tx(any(msg))), 2);
    assert_eq!(code(tx(any(field(1, b"a")))), 0);
    assert_eq!(code(tx(any(field(9, b"a")))), 2);
    assert_eq!(code(tx(any(vec![0x08, 0x01]))), 2, "varint where text is due");
    assert_eq!(code(tx(any(vec![0x0b, 0x0c]))), 2, "group");
    assert_eq!(code(tx(any(vec![0xff]))), 2, "no message");
}

#[test]
fn type_urls_must_be_known() {
    for url in ["", "/", "MsgSend", "cosmos.bank.v1beta1.MsgSend", "/cosmos.bank.v1beta1.MsgNope", "x/cosmos.bank.v1beta1.MsgSend"] {
        let any = Any { type_url: url.into(), value: vec![] };
        assert_eq!(code(with_body(&TxBody { messages: vec![any], ..body() })), 2, "{url}");
    }
}

#[test]
fn an_any_says_each_thing_once() {
    let any = pack(&send());
    let url = field(1, any.type_url.as_bytes());
    let value = field(2, &any.value);
    let tx = |parts: &[&[u8]]| raw(field(1, &parts.concat()), auth().encode_to_vec());
    assert_eq!(code(tx(&[&url, &value])), 0);
    assert_eq!(code(tx(&[&value, &url])), 0);
    assert_eq!(code(tx(&[&url, &value, &value])), 2);
    assert_eq!(code(tx(&[&url, &field(1, b"/cosmos.bank.v1beta1.MsgMultiSend"), &value])), 2);
    assert_eq!(code(tx(&[&url, &value, &field(1024, &[])])), 2);
}

#[test]
fn nesting_is_limited() {
    // MsgExec holds Any of MsgExec of Any ...
    let nested = |depth: usize| {
        let mut any = pack(&send());
        for _ in 0..depth {
            let exec = cairn_proto::cosmos::authz::v1beta1::MsgExec { grantee: "g".into(), msgs: vec![any] };
            any = pack(&exec);
        }
        with_body(&TxBody { messages: vec![any], ..body() })
    };
    assert_eq!(code(nested(0)), 0);
    assert_eq!(code(nested(8)), 0);
    assert_eq!(code(nested(40)), 2);
    assert_eq!(code(nested(1_000)), 2);
}

#[test]
fn a_number_that_its_type_would_cut_is_refused() {
    let auth_with = |mode: u64| {
        let mut single = vec![0x08];
        prost::encoding::encode_varint(mode, &mut single);
        let info = field(2, &field(1, &single));
        raw(body().encode_to_vec(), field(1, &info))
    };
    assert_eq!([1, 127, u64::MAX].map(|mode| code(auth_with(mode))), [0, 0, 0], "enums are 32 bits, also negative ones");
    assert_eq!([1 << 31, 1 << 32 | 1, u64::MAX >> 1].map(|mode| code(auth_with(mode))), [2, 2, 2]);
    let message = |url: &str, value: Vec<u8>| with_body(&TxBody { messages: vec![Any { type_url: url.into(), value }], ..body() });
    let vesting = "/cosmos.vesting.v1beta1.MsgCreateVestingAccount";
    assert_eq!([0, 1, 2].map(|delayed| code(message(vesting, vec![0x28, delayed]))), [0, 0, 2], "a bool is 0 or 1");
    let multi = "/cosmos.crypto.multisig.LegacyAminoPubKey";
    assert_eq!(code(message(multi, vec![0x08, 0xff, 0xff, 0xff, 0xff, 0x0f])), 0);
    assert_eq!(code(message(multi, vec![0x08, 0xff, 0xff, 0xff, 0xff, 0x1f])), 2, "33 bits");
}

#[test]
fn text_must_be_utf8() {
    assert_eq!(code(raw(field(2, &[0xff, 0xfe]), auth().encode_to_vec())), 2);
    let any = Any { type_url: "/cosmos.bank.v1beta1.MsgSend".into(), value: field(1, &[0xff]) };
    assert_eq!(code(with_body(&TxBody { messages: vec![any], ..body() })), 2);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(decode(bytes));
    }

    #[test]
    fn a_changed_byte_is_refused_or_read(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = with_body(&body());
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(tx) = decode(bytes.clone()) {
            let again = TxRaw {
                body_bytes: tx.body_bytes.to_vec(),
                auth_info_bytes: tx.auth_bytes.to_vec(),
                signatures: tx.signatures.iter().map(|s| s.to_vec()).collect(),
            };
            prop_assert_eq!(again.encode_to_vec(), bytes);
        }
    }
}
