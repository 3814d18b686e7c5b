//! Processes that are killed and started again.
use std::process::Command;

use cairn_driver::accounts::named;
use cairn_e2e::{Network, Options, program};

/// Every node is killed once, at heights that differ, while transfers run; afterwards all agree on every block.
#[test]
fn killed_nodes_come_back_to_the_same_app_hash() {
    let mut network = Network::start(&Options { validators: 4, ..Options::default() });
    let buyer = named(network.accounts(), "buyer").unwrap().address.clone();
    for victim in 0..4 {
        let other = (victim + 1) % 4;
        let sent = network.cairnd_at(other, &["tx", "bank", "send", "--from", "requester", "--to-address", &buyer, "--amount", "7ucairn"]);
        assert!(sent.contains("hash"), "{sent}");
        network.kill_node(victim);
        let alone = network.height(other);
        network.wait_for(other, alone + 3);
        network.start_node(victim);
        network.wait_for(victim, alone + 5);
    }
    let height = network.height(0);
    (1..4).for_each(|n| network.wait_for(n, height));
    for h in 1..=height {
        let hashes: Vec<_> = (0..4).map(|n| network.app_hash(n, h).unwrap()).collect();
        assert!(hashes.windows(2).all(|w| w[0] == w[1]), "block {h}: {hashes:?}");
    }
    let query = ["query", "bank", "balance", &buyer, "--denom", "ucairn", "--output", "json"];
    let funds = named(network.accounts(), "buyer").unwrap().funds + 28;
    assert!(network.cairnd(&query).contains(&format!("\"{funds}\"")));
}

/// The only validator: killed between any two steps it must go on from the last commit by itself.
#[test]
fn a_lone_validator_goes_on_after_being_killed_many_times() {
    let mut network = Network::start(&Options { pause: "20ms", ..Options::default() });
    for round in 1..=5 {
        let before = network.height(0);
        network.wait_for(0, before + round * 3);
        network.kill_node(0);
        network.start_node(0);
        network.wait_for(0, before + round * 3 + 2);
    }
    let stopped = network.stop_node(0);
    assert!(stopped, "SIGTERM must end a node well within ten seconds");
    network.start_node(0);
    let height = network.height(0);
    network.wait_for(0, height + 2);
}

/// CometBFT reads the genesis file once; a node must not go on beside one that says something else.
#[test]
fn a_node_does_not_start_from_another_genesis_file() {
    let mut network = Network::start(&Options::default());
    assert!(network.stop_node(0));
    let home = network.path().join("nodes/node0");
    let file = home.join("config/genesis.json");
    let genesis = std::fs::read_to_string(&file).unwrap();
    let start = || Command::new(program("cairnd")).arg("start").arg("--home").arg(&home).output().unwrap();
    for (other, text) in [
        (genesis.replacen("\"amount\": \"", "\"amount\": \"9", 1), "the state began with"),
        (genesis.replace("cairn-local-1", "cairn-local-2"), "the state is of chain cairn-local-1"),
    ] {
        assert_ne!(other, genesis, "a node would start from it");
        std::fs::write(&file, other).unwrap();
        let ended = start();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains(text), "{said}");
    }
    std::fs::write(&file, genesis).unwrap();
    let height = network.height(0);
    network.start_node(0);
    network.wait_for(0, height + 2);
}
