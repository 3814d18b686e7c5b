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
    /// The `tx_response` of each transaction that both did, ours first.
    pub(super) done: Vec<[Value; 2]>,
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
        let done = act(&network, &simd, &mut ours, &mut sims);
        Self { ours, sims, done, _network: network, _simd: simd }
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

/// The same transactions on both, as far as our chain has their modules. Gives what came of each.
fn act(network: &Network, simd: &Simd, ours: &mut Side, sims: &mut Side) -> Vec<[Value; 2]> {
    let expiry = "2035-01-01T00:00:00Z";
    let coins = r#"[{"denom":"ucairn","amount":"5"}]"#;
    let both = |own: &[&str], theirs: &[&str]| {
        let said: Value = serde_json::from_str(&network.cairnd(&from(&[&["tx"], own].concat()))).unwrap();
        let hash = said["hash"].as_str().unwrap();
        let found = ask::get(&ours.rest, &format!("/cosmos/tx/v1beta1/txs/{hash}")).json()["tx_response"].clone();
        let theirs = simd.tx("requester", theirs);
        assert_eq!((&found["code"], &theirs["code"]), (&0.into(), &0.into()), "{found} {theirs}");
        [found, theirs]
    };
    let sent = ["bank", "send", "requester", sims.value("other"), "1234ucairn", "--note", "compared"];
    let mut done = vec![both(&["bank", "send", "--to-address", ours.value("other"), "--amount", "1234ucairn"], &sent)];
    let allowance = format!(r#"{{"@type":"/cosmos.feegrant.v1beta1.BasicAllowance","spend_limit":{coins},"expiration":"{expiry}"}}"#);
    let grant = ["feegrant", "grant-allowance", "--grantee", ours.value("other"), "--allowance", &allowance];
    let limit = ["--spend-limit", "5ucairn", "--expiration", expiry];
    done.push(both(&grant, &[&["feegrant", "grant", "requester", sims.value("other")], &limit[..]].concat()));
    let authorization = format!(
        r#"{{"authorization":{{"@type":"/cosmos.bank.v1beta1.SendAuthorization","spend_limit":{coins},"allow_list":[]}},"expiration":"{expiry}"}}"#
    );
    let send = ["authz", "grant", sims.value("other"), "send", "--spend-limit", "5ucairn", "--expiration", "2051222400"];
    done.push(both(&["authz", "grant", "--grantee", ours.value("other"), "--grant", &authorization], &send));
    for (amount, ours_does, simd_does) in [("1000ucairn", "delegate", "delegate"), ("100ucairn", "undelegate", "unbond")] {
        let own = ["staking", ours_does, "--validator-address", ours.value("validator"), "--amount", amount];
        done.push(both(&own, &["staking", simd_does, sims.value("validator"), amount]));
    }
    let told = |name: &str, side: usize| done[0][side][name].as_str().unwrap().to_owned();
    for (number, side) in [ours, sims].into_iter().enumerate() {
        side.values.extend([("hash", told("txhash", number)), ("height", told("height", number))]);
    }
    done
}

fn from<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &["--from", "requester", "--output", "json"]].concat()
}
