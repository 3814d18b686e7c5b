//! What is posted: transactions, tried out, sent, taken apart and put together.
use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_app::{
    amino::{Amino, Signer},
    api::json::Dialect,
    tx::Decoder,
};
use serde_json::{Value, json};

use super::{
    Findings,
    ask::{self, Answer},
    state::{Pair, Side},
};

/// The bytes, as base64, of the transaction that `state` sent.
fn sent(side: &Side) -> String {
    let hash = side.values.get("hash").unwrap();
    let found = ask::get(&side.rest, &format!("/cosmos/tx/v1beta1/txs/{hash}")).json();
    let height = found["tx_response"]["height"].as_str().unwrap().to_owned();
    let block = ask::get(&side.rest, &format!("/cosmos/base/tendermint/v1beta1/blocks/{height}")).json();
    let txs = block["block"]["data"]["txs"].as_array().unwrap().clone();
    txs.last().and_then(Value::as_str).unwrap().to_owned()
}

/// Posts the same to both and compares.
pub(super) fn compare(pair: &Pair, found: &mut Findings) {
    let tx = [sent(&pair.ours), sent(&pair.sims)];
    let mut post = |path: &str, what: &str, bodies: [String; 2]| {
        let [ours, sims] = [(&pair.ours, &bodies[0]), (&pair.sims, &bodies[1])].map(|(s, body)| ask::post(&s.rest, path, body));
        found.compare(path, &format!("POST {path} {what}"), &ours, &sims);
        [ours, sims]
    };
    let both = |body: &str| [body.to_owned(), body.to_owned()];
    let of_tx = |mode: &str| tx.clone().map(|t| json!({"tx_bytes": t, "mode": mode}).to_string());
    for path in ["/cosmos/tx/v1beta1/simulate", "/cosmos/tx/v1beta1/txs", "/cosmos/tx/v1beta1/decode", "/cosmos/tx/v1beta1/encode"] {
        for body in ["", "{}", "x", "[]", r#"{"tx_bytes":1}"#, r#"{"tx_bytes":"AQ=="}"#, r#"{"tx_bytes":"!"}"#, r#"{"nothing":1}"#] {
            post(path, body, both(body));
        }
    }
    for mode in ["BROADCAST_MODE_SYNC", "BROADCAST_MODE_ASYNC", "BROADCAST_MODE_BLOCK", "NONSENSE"] {
        post("/cosmos/tx/v1beta1/txs", mode, of_tx(mode));
        post("/cosmos/tx/v1beta1/txs", &format!("{mode} with garbage"), both(&json!({"tx_bytes": "AQ==", "mode": mode}).to_string()));
    }
    // The sequence of what was sent is used up: refused, with the text that clients read the next one from.
    post("/cosmos/tx/v1beta1/simulate", "used up", tx.clone().map(|t| json!({"tx_bytes": t}).to_string()));
    let taken = post("/cosmos/tx/v1beta1/decode", "sent", tx.clone().map(|t| json!({"tx_bytes": t}).to_string()));
    let again = post("/cosmos/tx/v1beta1/encode", "taken apart", taken.map(|a: Answer| a.body));
    let bytes = |a: &Answer| BASE64.decode(a.json()["tx_bytes"].as_str().unwrap()).unwrap();
    let original = |t: &String| BASE64.decode(t).unwrap();
    assert_eq!((bytes(&again[0]), bytes(&again[1])), (original(&tx[0]), original(&tx[1])), "what is put together again is what was sent");
    for path in ["/cosmos/tx/v1beta1/encode/amino", "/cosmos/tx/v1beta1/decode/amino"] {
        for body in ["", "{}", "x", r#"{"amino_json":"{}","amino_binary":"AQ=="}"#, r#"{"amino_json":"","amino_binary":""}"#] {
            post(path, body, both(body));
        }
    }
    as_std_tx(pair);
}

/// Messages of which the two forms differ, and why.
const OTHERWISE: [(&str, &str); 5] = [
    ("/cosmos.gov.v1.MsgDeposit", "Go writes an empty list as null"),
    ("/cosmos.gov.v1.MsgUpdateParams", "Go writes an empty list as null, and keeps decimals of gov v1 as they are spelt"),
    ("/cosmos.gov.v1.MsgVoteWeighted", "Go keeps decimals of gov v1 as they are spelt"),
    (
        "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade",
        "Go's zero time is another one, and a client state of a type that it does not know is dropped",
    ),
    ("/cosmos.vesting.v1beta1.MsgCreatePeriodicVestingAccount", "Go writes an empty list as null"),
];

/// Each message of Cosmos as CosmJS signed it, in a transaction of before protobuf: both write the same bytes of it, and read the same text from them.
fn as_std_tx(pair: &Pair) {
    let post = |side: &Side, path: &str, body: &Value| ask::post(&side.rest, path, &body.to_string()).json();
    let (mut compared, mut different, mut otherwise) = (0, Vec::new(), BTreeSet::new());
    for (url, json) in std_txs() {
        let known = OTHERWISE.iter().any(|(message, _)| *message == url);
        let encoded = [&pair.ours, &pair.sims].map(|side| post(side, "/cosmos/tx/v1beta1/encode/amino", &json!({ "amino_json": json })));
        // What their program has no amino name for they cannot compare.
        let Some(binary) = encoded[1].get("amino_binary") else { continue };
        compared += 1;
        if encoded[0] != encoded[1] && known {
            otherwise.insert(url);
            continue;
        }
        if encoded[0] != encoded[1] {
            different.push(format!("{url}: {json}\n  {}\n  {}", encoded[0], encoded[1]));
            continue;
        }
        let [ours, sims] =
            [&pair.ours, &pair.sims].map(|side| post(side, "/cosmos/tx/v1beta1/decode/amino", &json!({ "amino_binary": binary })));
        // The order of names is another one: theirs is that of Go's declarations, ours that of the document that is signed.
        let text = |answer: &Value| answer["amino_json"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        if text(&ours) != text(&sims) && known {
            otherwise.insert(url);
        } else if text(&ours) != text(&sims) || text(&ours).is_none() {
            different.push(format!("{url}\n  {ours}\n  {sims}"));
        }
    }
    println!("{compared} transactions in amino's binary form");
    assert_eq!(otherwise.len(), OTHERWISE.len(), "what agrees need not be listed: {otherwise:?}");
    assert!(different.is_empty() && compared > 50, "{compared} compared, {} differ:\n{}", different.len(), different.join("\n"));
}

/// The Cosmos messages of the golden file, each in a `StdTx` as JSON.
fn std_txs() -> Vec<(String, String)> {
    let file: Value = serde_json::from_str(include_str!("../../../../app/src/amino/golden.json")).unwrap();
    let (amino, decoder) = (Amino::cairn(), Decoder::new(Dialect::cairn().pool()).unwrap());
    let of = |one: &Value| {
        let url = one["url"].as_str().filter(|url| url.starts_with("/cosmos."))?.to_owned();
        let tx = decoder.decode(&BASE64.decode(one["tx"].as_str()?).ok()?.into()).unwrap();
        let document = amino.document(&tx, &amino.messages(&tx).unwrap(), Signer { chain_id: "any-1", account_number: 1, sequence: 0 });
        let document: Value = serde_json::from_str(&document).unwrap();
        let signatures = json!([{ "pub_key": { "type": "tendermint/PubKeySecp256k1", "value": BASE64.encode([2; 33]) }, "signature": BASE64.encode([7; 64]) }]);
        let value = json!({ "msg": document["msgs"], "fee": document["fee"], "signatures": signatures, "memo": document["memo"], "timeout_height": "9" });
        Some((url, json!({ "type": "cosmos-sdk/StdTx", "value": value }).to_string()))
    };
    file["singles"].as_array().unwrap().iter().filter_map(of).collect()
}
