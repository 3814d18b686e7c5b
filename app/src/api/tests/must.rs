//! The REST calls that wallets and explorers must find, of the services auth, bank, tx, tendermint and node: one row each.
use serde_json::Value;

use super::{
    TX_HASH, comet, doors, known,
    rest::{ask, get, post},
};
use crate::api::rest;

/// What a row asks for: path, or path and body of a POST.
enum Ask {
    Get(String),
    Post(&'static str, &'static str),
}
use Ask::{Get, Post};

/// Request, HTTP status, and places in the JSON with what must stand there (`*`: anything but nothing).
type Row = (Ask, u16, &'static [(&'static str, &'static str)]);

fn rows() -> Vec<Row> {
    let me = known();
    let get = |path: &str| Get(path.to_owned());
    vec![
        (
            get("/cosmos/base/tendermint/v1beta1/node_info"),
            200,
            &[
                ("/default_node_info/network", "test-chain-LQKi0v"),
                ("/default_node_info/version", "0.38.26"),
                ("/default_node_info/channels", "QCAhIiMwOGBhAA=="),
                ("/application_version/app_name", "cairnd"),
                ("/application_version/version", "*"),
                ("/application_version/cosmos_sdk_version", "v0.50.9"),
            ],
        ),
        (
            Get(format!("/cosmos/auth/v1beta1/accounts/{me}")),
            200,
            &[("/account/@type", "/cosmos.auth.v1beta1.BaseAccount"), ("/account/account_number", "7")],
        ),
        (get("/cosmos/auth/v1beta1/accounts/nobody"), 400, &[("/code", "3")]),
        (get("/cosmos/auth/v1beta1/params"), 200, &[]),
        (
            Get(format!("/cosmos/bank/v1beta1/balances/{me}?pagination.limit=1000")),
            200,
            &[("/balances/0/denom", "ucairn"), ("/pagination/total", "1000")],
        ),
        (Get(format!("/cosmos/bank/v1beta1/balances/{me}/by_denom?denom=share/1")), 200, &[("/balance/denom", "share/1")]),
        (get("/cosmos/bank/v1beta1/balances/wrong"), 400, &[("/code", "3")]),
        (Get(format!("/cosmos/bank/v1beta1/spendable_balances/{me}")), 200, &[("/balances/0/amount", "5")]),
        (get("/cosmos/bank/v1beta1/spendable_balances/wrong"), 400, &[("/code", "3")]),
        (get("/cosmos/bank/v1beta1/params"), 200, &[("/params", "*")]),
        (get("/cosmos/bank/v1beta1/supply/by_denom?denom=ucairn"), 200, &[("/amount/amount", "5")]),
        (get("/cosmos/bank/v1beta1/denoms_metadata/ibc/AB"), 200, &[("/metadata/base", "ibc/AB")]),
        (Post("/cosmos/tx/v1beta1/simulate", r#"{"tx_bytes":"AQ=="}"#), 200, &[("/gas_info/gas_used", "77")]),
        (
            Post("/cosmos/tx/v1beta1/txs", r#"{"tx_bytes":"AQ==","mode":"BROADCAST_MODE_SYNC"}"#),
            200,
            &[("/tx_response/code", "0"), ("/tx_response/txhash", TX_HASH), ("/tx_response/raw_log", ""), ("/tx_response/height", "0")],
        ),
        // "again"
        (
            Post("/cosmos/tx/v1beta1/txs", r#"{"tx_bytes":"YWdhaW4=","mode":"BROADCAST_MODE_SYNC"}"#),
            200,
            &[("/tx_response/code", "19"), ("/tx_response/codespace", "sdk"), ("/tx_response/raw_log", "tx already exists in cache")],
        ),
        (Post("/cosmos/tx/v1beta1/txs", r#"{"tx_bytes":"AQ=="}"#), 400, &[("/code", "3")]),
        (
            Get(format!("/cosmos/tx/v1beta1/txs/{TX_HASH}")),
            200,
            &[
                ("/tx/body/messages/0/@type", "/cosmos.bank.v1beta1.MsgSend"),
                ("/tx/body/memo", "memo=recorded"),
                ("/tx/auth_info/fee/gas_limit", "100"),
                ("/tx_response/height", "261"),
                ("/tx_response/txhash", TX_HASH),
                ("/tx_response/timestamp", "2026-11-22T19:26:29Z"),
                ("/tx_response/tx/@type", "/cosmos.tx.v1beta1.Tx"),
                ("/tx_response/tx/body/memo", "memo=recorded"),
                ("/tx_response/events/0/type", "app"),
                ("/tx_response/events/0/attributes/0/key", "creator"),
                ("/tx_response/events/0/attributes/0/index", "true"),
            ],
        ),
        (
            Get(format!("/cosmos/tx/v1beta1/txs/{}", "0".repeat(64))),
            404,
            &[("/code", "5"), ("/message", "tx not found: 0000000000000000000000000000000000000000000000000000000000000000")],
        ),
        (get("/cosmos/tx/v1beta1/txs/xyz"), 400, &[("/message", "tx hash must be 64 hexadecimal digits")]),
        (
            get("/cosmos/tx/v1beta1/txs?query=tx.height%3D261&order_by=ORDER_BY_DESC&page=1&limit=5"),
            200,
            &[
                ("/total", "2"),
                ("/txs/1/body/memo", "memo=recorded"),
                ("/tx_responses/1/txhash", TX_HASH),
                ("/tx_responses/1/height", "261"),
            ],
        ),
        (
            get(
                "/cosmos/tx/v1beta1/txs?events=message.action%3D%27a%27&events=tx.height%3D261&pagination.offset=0&pagination.limit=5&order_by=2",
            ),
            200,
            &[("/pagination/total", "2"), ("/total", "2")],
        ),
        (get("/cosmos/tx/v1beta1/txs"), 400, &[("/message", "query cannot be empty")]),
        (get("/cosmos/tx/v1beta1/txs?query=nonsense"), 400, &[("/code", "3")]),
        (get("/cosmos/tx/v1beta1/txs?events=nonsense"), 400, &[("/code", "3")]),
        (
            get("/cosmos/tx/v1beta1/txs/block/261"),
            200,
            &[("/txs/0/body/memo", "memo=recorded"), ("/block/header/height", "261"), ("/pagination/total", "2"), ("/block_id/hash", "*")],
        ),
        (get("/cosmos/tx/v1beta1/txs/block/266"), 400, &[("/code", "3")]),
        (get("/cosmos/tx/v1beta1/txs/block/0"), 400, &[("/code", "3")]),
        (get("/cosmos/tx/v1beta1/txs/block/261?pagination.offset=2"), 400, &[("/code", "3")]),
        (
            get("/cosmos/base/tendermint/v1beta1/blocks/latest"),
            200,
            &[
                ("/block/header/chain_id", "test-chain-LQKi0v"),
                ("/block/header/version/block", "11"),
                ("/block/header/proposer_address", "FOLXgfZwDP7TWYwFTd8ot/DicZA="),
                ("/block/last_commit/signatures/0/block_id_flag", "BLOCK_ID_FLAG_COMMIT"),
                ("/sdk_block/header/height", "261"),
                ("/sdk_block/header/proposer_address", "cairnvalcons1zn3d0q0kwqx0a56e3sz5mhegklcwyuvsy0cl6m"),
            ],
        ),
        (get("/cosmos/base/tendermint/v1beta1/blocks/261"), 200, &[("/block_id/part_set_header/total", "1")]),
        (get("/cosmos/base/tendermint/v1beta1/blocks/266"), 400, &[("/message", "requested block height is bigger then the chain length")]),
        (get("/cosmos/base/tendermint/v1beta1/blocks/-1"), 400, &[("/code", "3")]),
        (
            get("/cosmos/base/tendermint/v1beta1/validatorsets/latest"),
            200,
            &[
                ("/validators/0/pub_key/@type", "/cosmos.crypto.ed25519.PubKey"),
                ("/validators/0/pub_key/key", "mKzFwM+aKfg2yJ867LqVrrZCui2Ilx+qhMmamWq9ZIU="),
                ("/validators/0/voting_power", "10"),
                ("/pagination/total", "1"),
            ],
        ),
        (get("/cosmos/base/tendermint/v1beta1/validatorsets/261"), 200, &[("/block_height", "261")]),
        (get("/cosmos/base/tendermint/v1beta1/validatorsets/latest?pagination.offset=200"), 400, &[("/code", "3")]),
        (get("/cosmos/base/tendermint/v1beta1/syncing"), 200, &[("/syncing", "false")]),
        (
            get("/cosmos/base/tendermint/v1beta1/abci_query?path=/store/bank/key&data=bmFtZQ=="),
            200,
            &[("/value", "c2F0b3NoaQ=="), ("/height", "265")],
        ),
        (get("/cosmos/base/tendermint/v1beta1/abci_query?path=/cosmos.bank.v1beta1.Query/Params"), 400, &[("/code", "3")]),
        (get("/cosmos/base/node/v1beta1/config"), 200, &[("/minimum_gas_price", "0.001ucairn"), ("/pruning_keep_recent", "40")]),
        (
            get("/cosmos/base/node/v1beta1/status"),
            200,
            &[("/height", "42"), ("/earliest_store_height", "3"), ("/timestamp", "2026-11-22T19:26:29.578564680Z")],
        ),
        (get("/cosmos/params/v1beta1/params?subspace=bank&key=x"), 400, &[("/message", "unknown subspace: bank")]),
        (get("/cosmos/params/v1beta1/params"), 400, &[("/message", "invalid request")]),
        (get("/cosmos/params/v1beta1/subspaces"), 200, &[("/subspaces", "[]")]),
        (
            get("/cosmos/base/reflection/v1beta1/app_descriptor/authn"),
            200,
            &[("/authn/sign_modes/0/name", "SIGN_MODE_DIRECT"), ("/authn/sign_modes/1/number", "127")],
        ),
        (get("/cosmos/base/reflection/v1beta1/app_descriptor/chain"), 200, &[("/chain/id", "cairn-test-1")]),
        (
            get("/cosmos/base/reflection/v1beta1/app_descriptor/codec"),
            200,
            &[("/codec/interfaces/0/fullname", "*"), ("/codec/interfaces/0/interface_implementers/0/type_url", "*")],
        ),
        (get("/cosmos/base/reflection/v1beta1/app_descriptor/configuration"), 200, &[("/config/bech32_account_address_prefix", "cairn")]),
        (
            get("/cosmos/base/reflection/v1beta1/app_descriptor/query_services"),
            200,
            &[
                ("/queries/query_services/0/fullname", "cosmos.auth.v1beta1.Query"),
                ("/queries/query_services/0/methods/0/full_query_path", "/cosmos.auth.v1beta1.Query/Account"),
            ],
        ),
        (
            get("/cosmos/base/reflection/v1beta1/app_descriptor/tx_descriptor"),
            200,
            &[("/tx/fullname", "cosmos.tx.v1beta1.Tx"), ("/tx/msgs/0/msg_type_url", "/cosmos.bank.v1beta1.MsgSend")],
        ),
        (get("/cosmos/base/reflection/v1beta1/interfaces"), 200, &[("/interface_names/0", "*")]),
        (
            get("/cosmos/base/reflection/v1beta1/interfaces/cosmos.base.v1beta1.Msg/implementations"),
            200,
            &[("/implementation_message_names/0", "/cosmos.bank.v1beta1.MsgSend")],
        ),
        (Post("/cosmos/tx/v1beta1/decode", r#"{"tx_bytes":"CgASAA=="}"#), 200, &[("/tx/body/memo", "")]),
        (Post("/cosmos/tx/v1beta1/decode", r#"{"tx_bytes":"/w=="}"#), 400, &[("/code", "3")]),
        (Post("/cosmos/tx/v1beta1/encode", r#"{"tx":{"body":{"memo":"a"},"auth_info":{}}}"#), 200, &[("/tx_bytes", "CgMSAWE=")]),
    ]
}

#[tokio::test]
async fn wallets_and_explorers_find_what_they_need() {
    let router = rest::router(&doors(&comet()), 1 << 16);
    for (asked, status, places) in rows() {
        let (name, request) = match asked {
            Get(path) => (path.clone(), get(&path)),
            Post(path, body) => (format!("{path} {body}"), post(path, body)),
        };
        let (found, body) = ask(&router, request).await;
        assert_eq!(found, status, "{name}: {body}");
        for (place, wanted) in places {
            let value = body.pointer(place).unwrap_or_else(|| panic!("{name}: no {place} in {body}"));
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let fits = if *wanted == "*" { !matches!(value, Value::Null) && !text.is_empty() } else { text == *wanted };
            assert!(fits, "{name}: {place} is {text}, wanted {wanted}");
        }
    }
}
