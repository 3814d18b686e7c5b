//! Both chains, and what was done alike on both so that their state has the same things in it.
use std::collections::BTreeMap;

use cairn_driver::accounts::named;
use cairn_e2e::{Network, Options, Simd, simd::Funded};
use serde_json::Value;

use super::ask;

/// One chain as a client sees it.
pub(super) struct Side {
    /// Its REST door.
    pub(super) rest: String,
    /// What stands for the variables of paths and the fields of queries: real addresses, hashes and numbers of this chain.
    pub(super) values: BTreeMap<&'static str, String>,
}

/// Ours and theirs.
pub(super) struct Pair {
    pub(super) ours: Side,
    pub(super) sims: Side,
    _network: Network,
    _simd: Simd,
}

/// An address with the same bytes under both prefixes that no chain has an account for.
const STRANGERS: [&str; 2] = ["cairn1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5wklfhv", "cosmos1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5lzv7xu"];

impl Pair {
    /// Starts both and does the same on both.
    pub(super) fn start() -> Self {
        let network = Network::start(&Options::default());
        let words = |name: &str| named(network.accounts(), name).unwrap().mnemonic.clone();
        let (requester, buyer) = (words("requester"), words("buyer"));
        let accounts = [("requester", &requester), ("buyer", &buyer)];
        let funded = accounts.map(|(name, mnemonic)| Funded { name, mnemonic, coins: "1000000000000ucairn" });
        let simd = Simd::start(&funded, "100000000000ucairn", |genesis| {
            genesis["app_state"]["bank"]["denom_metadata"] = metadata();
        });
        let address = |name: &str| named(network.accounts(), name).unwrap().address.clone();
        let mut ours = Side { rest: network.rest(0), values: BTreeMap::new() };
        let mut sims = Side { rest: simd.rest(), values: BTreeMap::new() };
        for (side, own) in [(&mut ours, address("requester")), (&mut sims, simd.address("requester", "acc"))] {
            let other = if own.starts_with("cosmos") { simd.address("buyer", "acc") } else { address("buyer") };
            side.learn(own, other);
        }
        act(&network, &simd, &mut ours, &mut sims);
        Self { ours, sims, _network: network, _simd: simd }
    }
}

/// The description of the coin that our genesis has, for theirs.
fn metadata() -> Value {
    let unit = |denom: &str, exponent: u8| serde_json::json!({"denom": denom, "exponent": exponent, "aliases": []});
    serde_json::json!([{
        "description": "a coin", "denom_units": [unit("ucairn", 0), unit("cairn", 6)], "base": "ucairn", "display": "cairn",
        "name": "Cairn", "symbol": "CAIRN", "uri": "", "uri_hash": "",
    }])
}

impl Side {
    /// What the chain itself tells of the values that questions need.
    fn learn(&mut self, own: String, other: String) {
        let stranger = STRANGERS[usize::from(own.starts_with("cosmos"))];
        let at = |path: &str, pointer: &str| {
            let answer = ask::get(&self.rest, path).json();
            answer.pointer(pointer).and_then(Value::as_str).unwrap_or("none").to_owned()
        };
        let validator = at("/cosmos/staking/v1beta1/validators", "/validators/0/operator_address");
        let consensus = at("/cosmos/base/tendermint/v1beta1/validatorsets/latest", "/validators/0/address");
        let bytes = at(&format!("/cosmos/auth/v1beta1/bech32/{own}"), "/address_bytes");
        self.values.extend([
            ("account", own),
            ("other", other),
            ("stranger", stranger.to_owned()),
            ("validator", validator),
            ("consensus", consensus),
            ("bytes", if bytes == "none" { "AQEBAQEBAQEBAQEBAQEBAQEBAQE=".to_owned() } else { bytes }),
        ]);
    }
    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("none", String::as_str)
    }
}

/// The same transactions on both, as far as our chain has their modules.
fn act(network: &Network, simd: &Simd, ours: &mut Side, sims: &mut Side) {
    let expiry = "2035-01-01T00:00:00Z";
    let coins = r#"[{"denom":"ucairn","amount":"5"}]"#;
    let sent = network.cairnd(&from(&["tx", "bank", "send", "--to-address", ours.value("other"), "--amount", "1234ucairn"]));
    let hash = |said: &str| serde_json::from_str::<Value>(said).unwrap()["hash"].as_str().unwrap().to_owned();
    let theirs = simd.tx("requester", &["bank", "send", "requester", sims.value("other"), "1234ucairn", "--note", "compared"]);
    let theirs_hash = theirs["txhash"].as_str().unwrap().to_owned();
    let allowance = format!(r#"{{"@type":"/cosmos.feegrant.v1beta1.BasicAllowance","spend_limit":{coins},"expiration":"{expiry}"}}"#);
    let grant = ["tx", "feegrant", "grant-allowance", "--grantee", ours.value("other"), "--allowance", &allowance];
    drop(network.cairnd(&from(&grant)));
    let limit = ["--spend-limit", "5ucairn", "--expiration", expiry];
    succeeded(&simd.tx("requester", &[&["feegrant", "grant", "requester", sims.value("other")], &limit[..]].concat()));
    let authorization = format!(
        r#"{{"authorization":{{"@type":"/cosmos.bank.v1beta1.SendAuthorization","spend_limit":{coins},"allow_list":[]}},"expiration":"{expiry}"}}"#
    );
    drop(network.cairnd(&from(&["tx", "authz", "grant", "--grantee", ours.value("other"), "--grant", &authorization])));
    let send = ["authz", "grant", sims.value("other"), "send", "--spend-limit", "5ucairn", "--expiration", "2051222400"];
    succeeded(&simd.tx("requester", &send));
    for (amount, ours_does, simd_does) in [("1000ucairn", "delegate", "delegate"), ("100ucairn", "undelegate", "unbond")] {
        let (validator, theirs) = (ours.value("validator"), sims.value("validator"));
        drop(network.cairnd(&from(&["tx", "staking", ours_does, "--validator-address", validator, "--amount", amount])));
        succeeded(&simd.tx("requester", &["staking", simd_does, theirs, amount]));
    }
    for (side, hash) in [(ours, hash(&sent)), (sims, theirs_hash)] {
        let found = ask::get(&side.rest, &format!("/cosmos/tx/v1beta1/txs/{hash}")).json();
        side.values.extend([("hash", hash), ("height", found["tx_response"]["height"].as_str().unwrap().to_owned())]);
    }
}

fn from<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &["--from", "requester", "--output", "json"]].concat()
}

fn succeeded(result: &Value) {
    assert_eq!(result["code"], 0, "{result}");
}
