//! How nodes come to the state without having run every block: state sync from peers of which one is hostile, a snapshot carried by hand, one block
//! back. All end at the app hash of a node that ran the chain from genesis.
use std::{fs, path::Path, process::Command};

use cairn_e2e::{Network, Options, configure, program};
use serde_json::{Value, json};
use toml_edit::value;

/// Heights between snapshots: far enough apart that a fresh node is done with one before the next comes.
const INTERVAL: u64 = 30;
/// Large entries of the state, so that a snapshot has about as many chunks.
const LARGE: usize = 14;

/// Denominations whose descriptions are almost as long as a chunk.
fn large(genesis: &mut Value) {
    let describe = |n: usize| {
        let base = format!("ularge{n}");
        json!({
            "name": base, "symbol": base, "base": base, "display": base, "description": format!("{n} ").repeat(300_000),
            "denom_units": [{ "denom": base, "exponent": 0 }],
        })
    };
    genesis["app_state"]["bank"]["denom_metadata"] = (0..LARGE).map(describe).collect();
}

/// Runs `cairnd` in a node's own home.
fn at_home(network: &Network, node: usize, args: &[&str]) -> String {
    let out = Command::new(program("cairnd")).args(args).arg("--home").arg(network.home(node)).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn snapshots(network: &Network, node: usize) -> Value {
    serde_json::from_str(&at_home(network, node, &["snapshots", "list", "--output", "json"])).unwrap()
}

fn height(network: &Network, node: usize, pointer: &str) -> u64 {
    network.ask(node, "/status").unwrap().pointer(pointer).and_then(Value::as_str).unwrap().parse().unwrap()
}

fn send(network: &Network, node: usize) {
    let to = network.accounts()[2].address.clone();
    let sent = network.cairnd_at(node, &["tx", "bank", "send", "--from", "requester", "--to-address", &to, "--amount", "7ucairn"]);
    assert!(sent.contains("hash"), "{sent}");
}

/// All nodes have the app hash, and answer alike, at the newest height that all have.
fn assert_same(network: &Network, nodes: &[usize]) {
    let common = nodes.iter().map(|n| network.height(*n)).min().unwrap() - 1;
    let to = network.accounts()[2].address.clone();
    let said: Vec<_> = nodes
        .iter()
        .map(|n| {
            let at = common.to_string();
            let query = ["query", "bank", "balance", &to, "--denom", "ucairn", "--height", &at, "--output", "json"];
            let supply = ["query", "bank", "total-supply", "--height", &at, "--output", "json"];
            (network.app_hash(*n, common + 1).unwrap(), network.cairnd_at(*n, &query), network.cairnd_at(*n, &supply))
        })
        .collect();
    assert!(said.windows(2).all(|w| w[0] == w[1]), "height {common}: {said:?}");
}

/// Changes a byte of every chunk that lies on a node's disk.
fn spoil(home: &Path, height: u64) {
    for file in fs::read_dir(home.join(format!("data/snapshots/{height}-1"))).unwrap().map(|f| f.unwrap().path()) {
        if file.file_name().unwrap() == "metadata" {
            continue;
        }
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
}

#[test]
fn nodes_come_to_the_same_state_by_sync_by_file_by_rollback_and_by_replay() {
    let settings = &[("state_sync.snapshot_interval", INTERVAL as i64), ("state_sync.snapshot_keep_recent", 3)];
    let mut network = Network::start_with(&Options { validators: 3, settings, pause: "300ms", ..Options::default() }, large);
    let (fresh, replayed) = (network.join(), network.join());
    while network.height(0) < INTERVAL + 2 {
        send(&network, 0);
    }
    let taken: Vec<Value> = (0..3).map(|n| snapshots(&network, n)).collect();
    assert_eq!(taken[0][0]["height"], json!(INTERVAL.to_string()), "{taken:?}");
    assert!(taken.windows(2).all(|w| w[0] == w[1]), "every node makes the same chunks: {taken:?}");
    let chunks: usize = taken[0][0]["chunks"].as_str().unwrap().parse().unwrap();
    assert!(chunks > 10, "{chunks}");

    spoil(&network.home(1), INTERVAL);
    syncs_from_peers(&mut network, fresh, replayed);
    for node in [fresh, replayed] {
        network.wait_for(node, network.height(0));
    }
    send(&network, fresh);
    assert_same(&network, &[0, 1, 2, fresh, replayed]);
    assert!(height(&network, fresh, "/sync_info/earliest_block_height") >= INTERVAL, "it has not run the blocks before");
    assert_eq!(height(&network, replayed, "/sync_info/earliest_block_height"), 1);
    let early = Command::new(program("cairnd"))
        .args(["query", "bank", "total-supply", "--height", "5", "--node", &network.rpc(fresh)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(said.contains("failed to load state at height 5; it is pruned"), "{said}");

    restores_from_a_file(&mut network, replayed);
    goes_back_one_block(&mut network, replayed);
    starts_from_a_backup(&mut network, replayed);
    assert_same(&network, &[0, 1, 2, fresh, replayed]);
}

/// One node joins by state sync from two peers, of which one serves spoiled chunks; another runs the chain from genesis.
fn syncs_from_peers(network: &mut Network, fresh: usize, replayed: usize) {
    let home = network.home(fresh);
    let peers = |n: usize| {
        let id = network.ask(n, "/status").unwrap()["node_info"]["id"].as_str().unwrap().to_owned();
        let p2p = network.ask(n, "/status").unwrap()["node_info"]["listen_addr"].as_str().unwrap().replace("tcp://", "");
        (id.clone(), format!("{id}@{p2p}"))
    };
    let ((_, honest), (hostile_id, hostile)) = (peers(0), peers(1));
    let rpc = format!("{},{}", network.rpc(0), network.rpc(2));
    let said = at_home(network, fresh, &["statesync-config", "--rpc", &rpc, "--back", "10"]);
    assert!(said.contains("trusts block"), "{said}");
    let config = [
        ("p2p.persistent_peers", value(format!("{honest},{hostile}"))),
        ("statesync.discovery_time", value("5s")),
        ("statesync.chunk_request_timeout", value("5s")),
    ];
    configure(&home.join("config/config.toml"), config);
    network.start_node(fresh);
    network.start_node(replayed);
    network.wait_for(fresh, INTERVAL + 1);
    let log = fs::read_to_string(network.path().join(format!("node{fresh}.log"))).unwrap();
    assert!(log.contains("the state is restored from a snapshot"), "{log}");
    assert!(log.contains(&format!("it came from {hostile_id}")), "the hostile peer was never found out");
    let refused = log.lines().filter(|line| line.contains("a chunk of a snapshot is refused")).count();
    assert!(refused < 8, "a banned peer is not asked again: {refused} refusals");
}

/// The state is lost; a snapshot that another node dumped takes its place, and CometBFT replays the blocks since.
fn restores_from_a_file(network: &mut Network, node: usize) {
    assert!(network.stop_node(node));
    let file = network.path().join("carried");
    at_home(network, 0, &["snapshots", "dump", &INTERVAL.to_string(), "--to", file.to_str().unwrap()]);
    let home = network.home(node);
    fs::remove_dir_all(home.join("data/state")).unwrap();
    at_home(network, node, &["snapshots", "load", file.to_str().unwrap()]);
    let said = at_home(network, node, &["snapshots", "restore", &INTERVAL.to_string()]);
    assert!(said.contains(&format!("the state is that of height {INTERVAL}")), "{said}");
    network.start_node(node);
    network.wait_for(node, network.height(0));
    assert_same(network, &[0, node]);
}

/// One block back by command, and forth by running it anew; then one is removed and fetched again.
fn goes_back_one_block(network: &mut Network, node: usize) {
    for hard in [false, true] {
        let before = network.height(node);
        let hash = network.app_hash(node, before).unwrap();
        assert!(network.stop_node(node));
        let flags: &[&str] = if hard { &["rollback", "--hard"] } else { &["rollback"] };
        let said = at_home(network, node, flags);
        assert!(said.contains("went back to height"), "{said}");
        network.start_node(node);
        network.wait_for(node, before + 2);
        assert_eq!(network.app_hash(node, before).unwrap(), hash);
    }
}

/// The state is copied while the node runs, and once more while it stands still; either copy takes the place of the state.
fn starts_from_a_backup(network: &mut Network, node: usize) {
    for running in [true, false] {
        let copy = network.path().join(format!("backup-{running}"));
        if !running {
            assert!(network.stop_node(node));
            let said = at_home(network, node, &["prune", "custom", "--pruning-keep-recent", "3"]);
            assert!(said.contains("forgot"), "{said}");
            at_home(network, node, &["check"]);
        }
        let said = at_home(network, node, &["backup", copy.to_str().unwrap(), "--output", "json"]);
        let taken: Value = serde_json::from_str(&said).unwrap();
        assert!(taken["height"].as_str().unwrap().parse::<u64>().unwrap() > INTERVAL, "{taken}");
        assert!(!running || network.stop_node(node));
        let state = network.home(node).join("data/state");
        fs::remove_dir_all(&state).unwrap();
        fs::rename(&copy, &state).unwrap();
        network.start_node(node);
        network.wait_for(node, network.height(0));
    }
}
