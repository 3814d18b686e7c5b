//! Homes that a node does not start from: each refusal has its code, and says what to do.
use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, process::Command};

use cairn_e2e::Network;

use super::{cairnd, said};

/// Changes a file, runs `check`, and puts the file back.
fn with(path: &std::path::Path, change: impl Fn(&str) -> String, check: impl FnOnce()) {
    let before = fs::read_to_string(path).unwrap();
    let after = change(&before);
    assert_ne!(before, after, "{}", path.display());
    fs::write(path, after).unwrap();
    check();
    fs::write(path, before).unwrap();
}

pub(super) fn homes_that_are_not_right_are_refused(network: &Network) {
    let home = network.home(0);
    let config = home.join("config");
    let refused = |code: i32, texts: &[&str]| {
        let output = cairnd(&home, &["start"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        texts.iter().for_each(|text| assert!(said.contains(text), "{text:?} is not in: {said}"));
    };
    with(
        &config.join("app.toml"),
        |text| text.replacen("pruning = ", "prunning = ", 1),
        || {
            refused(10, &["app.toml:2: ", "unknown field `prunning`"]);
            assert_eq!(cairnd(&home, &["doctor"]).status.code(), Some(1));
        },
    );
    with(&config.join("config.toml"), |text| format!("{text}\n[broken\n"), || refused(10, &["config.toml:"]));
    with(
        &config.join("app.toml"),
        |text| text.replacen("binary = \"cometbft\"", "binary = \"/nowhere/cometbft\"", 1),
        || {
            refused(19, &["/nowhere/cometbft"]);
        },
    );
    with(
        &config.join("genesis.json"),
        |text| text.replace("cairn-local-1", "cairn-local-2"),
        || {
            refused(11, &["the state is of chain cairn-local-1, genesis.json of chain cairn-local-2"]);
            let found = cairnd(&home, &["doctor"]);
            assert!(said(&found).contains("restore the genesis file that it began with"), "{}", said(&found));
        },
    );
    with(&home.join("data/state/CURRENT"), |_| "MANIFEST-999999\n".to_owned(), || refused(17, &["cannot open the state"]));
    let half = |text: &str| text[..text.len() / 2].to_owned();
    with(&config.join("priv_validator_key.json"), half, || refused(10, &["priv_validator_key.json is damaged; restore it"]));
    with(&config.join("node_key.json"), half, || refused(10, &["node_key.json is damaged", "or delete it"]));
    with(&config.join("vrf_key"), half, || refused(10, &["not a VRF secret key"]));
    // CometBFT would take this for a validator that never signed.
    with(&home.join("data/priv_validator_state.json"), |_| "null".to_owned(), || refused(10, &["it may sign twice"]));
    fs::rename(config.join("app.toml"), config.join("app.kept")).unwrap();
    assert!(Command::new("mkfifo").arg(config.join("app.toml")).status().unwrap().success());
    refused(10, &["app.toml is no file"]);
    fs::rename(config.join("app.kept"), config.join("app.toml")).unwrap();
    loose_keys(network);
    let taken = TcpListener::bind(network.rest(0).trim_start_matches("http://")).unwrap();
    refused(15, &["cannot listen on"]);
    let found = cairnd(&home, &["doctor"]);
    assert!(said(&found).contains("cannot be listened on") && said(&found).contains("api.rest"), "{}", said(&found));
    drop(taken);
}

/// The command that the refusal names mends it.
fn loose_keys(network: &Network) {
    let home = network.home(0);
    for file in ["config/priv_validator_key.json", "config/vrf_key"] {
        fs::set_permissions(home.join(file), fs::Permissions::from_mode(0o644)).unwrap();
        let output = cairnd(&home, &["start"]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(13), "{text}");
        let found = cairnd(&home, &["doctor"]);
        assert!(!found.status.success() && said(&found).contains("run: chmod 600"), "{}", said(&found));
        let command = text.split("run: ").nth(1).unwrap().trim();
        assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        assert_eq!(fs::metadata(home.join(file)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
