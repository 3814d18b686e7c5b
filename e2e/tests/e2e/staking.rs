//! The life of a validator that nobody knew at genesis: it joins by delegation, signs and proposes, is jailed for downtime, comes back, and
//! leaves. Another one signs twice and never comes back.
use std::{path::Path, process::Command};

use cairn_driver::{accounts::named, run::PASSPHRASE};
use cairn_e2e::{Network, Options, program};
use serde_json::{Value, json};

/// Genesis validators have 10 CAIRN each.
const STAKE: &str = "10000000ucairn";

/// A window of twelve blocks, of which half must be signed; delegations are paid out after four seconds; beacon keys act after 20 blocks at most.
fn quick(genesis: &mut Value) {
    let state = &mut genesis["app_state"];
    let slashing = &mut state["slashing"]["params"];
    slashing["signed_blocks_window"] = json!("12");
    slashing["min_signed_per_window"] = json!("0.500000000000000000");
    slashing["downtime_jail_duration"] = json!("1s");
    state["staking"]["params"]["unbonding_time"] = json!("4s");
    state["beacon"]["params"]["epoch"] = json!("10");
}

/// Waits until `done` gives something.
fn until<T>(what: &str, done: impl Fn() -> Option<T>) -> T {
    cairn_e2e::until(what, 60, 100, done)
}

struct Town {
    network: Network,
}

impl Town {
    fn ask(&self, args: &[&str]) -> Value {
        self.network.cairnd_json(args)
    }
    /// Runs a command whose keys lie in a node's home.
    fn operate(&self, node: usize, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new(program("cairnd"));
        command.args(args).args(["--from", "buyer", "--output", "json", "--node", &self.network.rpc(node), "--home"]);
        let out = command.arg(self.network.home(node)).env("CAIRN_PASSPHRASE", PASSPHRASE).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if out.status.success() { Ok(text(out.stdout)) } else { Err(text(out.stderr)) }
    }
    /// The powers of the set, by CometBFT's word.
    fn powers(&self) -> Vec<u64> {
        let found = self.network.ask(0, "/validators?per_page=100");
        let list = found.as_ref().and_then(|v| v["validators"].as_array()).cloned().unwrap_or_default();
        let mut powers: Vec<u64> = list.iter().map(|v| v["voting_power"].as_str().unwrap().parse().unwrap()).collect();
        powers.sort_unstable();
        powers
    }
    fn set_is(&self, powers: &[u64]) {
        until(&format!("the set {powers:?}, not {:?}", self.powers()), || (self.powers() == powers).then_some(()));
    }
    fn validator(&self, operator: &str) -> Value {
        self.ask(&["query", "staking", "validator", operator])["validator"].clone()
    }
    /// The consensus address of a node in hexadecimal, and its operator.
    fn node(&self, node: usize) -> (String, String) {
        let key: Value = read(&self.network.home(node).join("config/priv_validator_key.json"));
        let all = self.ask(&["query", "staking", "validators"]);
        let mine = |v: &&Value| v["consensus_pubkey"]["key"] == key["pub_key"]["value"];
        let record = all["validators"].as_array().unwrap().iter().find(mine).unwrap();
        (key["address"].as_str().unwrap().to_owned(), record["operator_address"].as_str().unwrap().to_owned())
    }
    fn signing_info(&self, consensus: &str) -> Value {
        let address = cairn_kernel::Address::new(&hex::decode(consensus).unwrap()).unwrap().to_bech32("cairnvalcons");
        self.ask(&["query", "slashing", "signing-info", &address])["val_signing_info"].clone()
    }
    /// A block at this height or later that the validator with this consensus address proposed.
    fn proposed(&self, consensus: &str, from: u64) -> u64 {
        until("a block of the new validator", || {
            let proposer = |height: u64| Some(self.network.ask(0, &format!("/block?height={height}"))?["block"]["header"].clone());
            (from..=self.network.height(0)).find(|h| proposer(*h).is_some_and(|header| header["proposer_address"] == consensus))
        })
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_validator_joins_is_jailed_comes_back_and_leaves_and_one_that_signs_twice_is_gone() {
    let network = Network::start_with(&Options { validators: 4, pause: "100ms", ..Options::default() }, quick);
    let mut town = Town { network };
    let node = town.network.join();
    town.network.start_node(node);
    town.network.wait_for(node, town.network.height(0));
    let (consensus, operator) = joins(&town, node);
    town.set_is(&[10, 10, 10, 10, 10]);
    signs_twice(&mut town);
    town.set_is(&[10, 10, 10, 10]);
    signs_and_proposes(&town, &consensus);

    town.network.kill_node(node);
    is_jailed(&town, &operator);
    town.set_is(&[10, 10, 10]);
    town.network.start_node(node);
    comes_back(&town, node, &operator);
    leaves(&town, node, &operator);
    town.set_is(&[10, 10, 11]);
    assert!(town.network.stop_node(0));
    let checked = Command::new(program("cairnd")).arg("check").arg("--home").arg(town.network.home(0)).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// An account of the network becomes a validator by three commands; the second is refused without the first.
fn joins(town: &Town, node: usize) -> (String, String) {
    town.network.import_into(&town.network.home(node), "buyer");
    let key: Value = read(&town.network.home(node).join("config/priv_validator_key.json"));
    let pubkey = json!({ "@type": "/cosmos.crypto.ed25519.PubKey", "key": key["pub_key"]["value"] }).to_string();
    let commission = json!({ "rate": "0.05", "max_rate": "0.2", "max_change_rate": "0.01" }).to_string();
    let create = [
        &["tx", "staking", "create-validator", "--value", STAKE, "--min-self-delegation", "1", "--pubkey", &pubkey][..],
        &["--description", r#"{"moniker": "the fifth"}"#, "--commission", &commission],
    ]
    .concat();
    let refused = town.operate(node, &create).unwrap_err();
    assert!(refused.contains("MsgRegisterBeaconKey comes before"), "{refused}");
    let registered: Value = serde_json::from_str(&town.operate(node, &["beacon", "register"]).unwrap()).unwrap();
    assert_eq!(registered["pubkey"], pubkey.as_str());
    town.operate(node, &create).unwrap();
    let refused = town.operate(node, &["beacon", "register"]).unwrap_err();
    assert!(refused.contains("beacon rotate"), "{refused}");
    town.node(node)
}

/// It signs commits, and proposes a block with the reveal that it owes once its beacon key acts.
fn signs_and_proposes(town: &Town, consensus: &str) {
    until("a commit with its signature", || {
        let commit = town.network.ask(0, "/commit")?;
        let signatures = commit["signed_header"]["commit"]["signatures"].as_array()?.clone();
        signatures.iter().any(|s| s["validator_address"] == consensus && s["signature"].is_string()).then_some(())
    });
    let keys = town.ask(&["query", "beacon", "validators"]);
    let keys = keys["validators"].as_array().unwrap();
    let acts = keys.iter().map(|v| v["active_from"].as_str().unwrap().parse::<u64>().unwrap()).max().unwrap();
    let height = town.proposed(consensus, acts).to_string();
    assert_eq!(town.ask(&["query", "beacon", "beacon", &height])["beacon"]["fresh"], true, "block {height}");
}

fn is_jailed(town: &Town, operator: &str) {
    let jailed = until("a validator that is down is jailed", || Some(town.validator(operator)).filter(|v| v["jailed"] == true));
    // 1 % of 10 CAIRN.
    assert_eq!((&jailed["tokens"], &jailed["delegator_shares"]), (&json!("9900000"), &json!("10000000.000000000000000000")));
}

fn comes_back(town: &Town, node: usize, operator: &str) {
    town.network.wait_for(node, town.network.height(0));
    town.ask(&["tx", "staking", "delegate", "--from", "requester", "--validator-address", operator, "--amount", "1200000ucairn"]);
    until("the end of its time in jail", || town.operate(node, &["tx", "slashing", "unjail"]).ok());
    town.set_is(&[10, 10, 10, 11]);
    assert_eq!(town.validator(operator)["status"], "BOND_STATUS_BONDED");
}

/// A second node with the key of node 3: CometBFT proves their two votes, and the chain punishes their validator for ever.
fn signs_twice(town: &mut Town) {
    let (consensus, operator) = town.node(3);
    let twin = town.network.join();
    for key in ["priv_validator_key.json", "vrf_key"] {
        let file = |node| town.network.home(node).join("config").join(key);
        std::fs::copy(file(3), file(twin)).unwrap();
    }
    town.network.start_node(twin);
    let info = until("evidence of two votes", || Some(town.signing_info(&consensus)).filter(|info| info["tombstoned"] == true));
    assert!(info["jailed_until"].as_str().unwrap().starts_with("9999-"), "{info}");
    let punished = town.validator(&operator);
    assert_eq!((&punished["jailed"], &punished["tokens"]), (&json!(true), &json!("9500000")));
    let evidence = town.ask(&["query", "evidence", "all-evidence"]);
    assert_eq!(evidence["evidence"][0]["power"], "10", "{evidence}");
    town.network.kill_node(twin);
}

/// What others delegated is moved to another validator, the rest is taken back and paid out.
fn leaves(town: &Town, node: usize, operator: &str) {
    let other = town.node(0).1;
    let moved = ["tx", "staking", "begin-redelegate", "--from", "requester", "--validator-src-address", operator];
    town.ask(&[&moved[..], &["--validator-dst-address", &other, "--amount", "1100000ucairn"]].concat());
    town.operate(node, &["tx", "staking", "undelegate", "--validator-address", operator, "--amount", "9900000ucairn"]).unwrap();
    let buyer = &named(town.network.accounts(), "buyer").unwrap().address;
    let waiting = || town.ask(&["query", "staking", "delegator-unbonding-delegations", buyer])["unbonding_responses"].clone();
    assert_eq!(waiting()[0]["entries"][0]["balance"], "9899999");
    until("the stake is paid out", || (waiting() == json!([])).then_some(()));
}
