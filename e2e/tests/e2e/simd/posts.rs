//! What is posted: transactions, tried out, sent, taken apart and put together.
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
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
}
