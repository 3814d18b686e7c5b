//! What operators do with a node: they watch it, ask how it does, change its logs, stop it under load, and start it from homes that are not right.
mod figures;
mod refusals;

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use cairn_e2e::{Network, Options, configure, program};
use serde_json::Value;
use toml_edit::value;

/// Runs `cairnd` in a node's own home.
fn cairnd(home: &Path, args: &[&str]) -> Output {
    Command::new(program("cairnd")).args(args).arg("--home").arg(home).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The status and the body of an address.
fn fetch(url: &str) -> (u16, String) {
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).http_status_as_error(false).build();
    let mut response = ureq::Agent::from(config).get(url).call().unwrap_or_else(|e| panic!("{url}: {e}"));
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

fn fetch_json(url: &str) -> (u16, Value) {
    let (status, body) = fetch(url);
    (status, serde_json::from_str(&body).unwrap_or_else(|e| panic!("{url}: {e}: {body}")))
}

/// Asks until the answer is as it should be.
fn until(what: &str, mut asked: impl FnMut() -> bool) {
    cairn_e2e::until(what, 60, 200, || asked().then_some(()));
}

#[test]
fn operators_watch_ask_and_stop_a_node() {
    let mut network = Network::start(&Options { validators: 2, gateway: true, ..Options::default() });
    let buyer = cairn_driver::accounts::named(network.accounts(), "buyer").unwrap().address.clone();
    let sent = network.cairnd(&["tx", "bank", "send", "--from", "requester", "--to-address", &buyer, "--amount", "7ucairn"]);
    assert!(sent.contains("hash"), "{sent}");

    figures::every_name_of_the_dashboard_and_the_alerts_is_told(&network);
    health(&network);
    log_levels(&network);
    doctor(&network);
    let second = cairnd(&network.home(0), &["start"]);
    assert_eq!(second.status.code(), Some(14), "{}", said(&second));
    under_load(&mut network);
    refusals::homes_that_are_not_right_are_refused(&network);
    while_starting(&network);
    unready(&mut network);
    no_secrets(&network);
}

/// Both ports tell the same.
fn health(network: &Network) {
    until("ready", || fetch(&format!("{}/readyz", network.metrics(0))).0 == 200);
    for door in [network.metrics(0), network.rest(0)] {
        let (status, body) = fetch_json(&format!("{door}/healthz"));
        assert_eq!((status, &body["status"], &body["failed"]), (200, &"ok".into(), &serde_json::json!([])), "{body}");
        let (_, body) = fetch_json(&format!("{door}/readyz"));
        assert!(body["found"]["lag"].is_string() && body["found"]["sync"] == "caught up", "{body}");
        let (status, body) = fetch_json(&format!("{door}/version"));
        assert!(status == 200 && body["cometbft"].as_str().unwrap().starts_with("0.38."), "{body}");
        assert!(body["store_schema"].is_u64() && body["features"].is_array(), "{body}");
    }
}

/// Lines of the log that tell of committed blocks.
fn blocks_logged(network: &Network, node: usize) -> usize {
    fs::read_to_string(network.log_of(node)).unwrap().lines().filter(|line| line.contains("consensus: committed ")).count()
}

fn log_levels(network: &Network) {
    let home = network.home(0);
    let set = |levels: &str| cairnd(&home, &["log-level", levels, "--output", "json"]);
    assert!(said(&cairnd(&home, &["log-level"])).contains("info"));
    assert!(set("info,consensus=warn").status.success());
    network.wait_for(0, network.height(0) + 1);
    let before = blocks_logged(network, 0);
    network.wait_for(0, network.height(0) + 3);
    assert_eq!(blocks_logged(network, 0), before, "blocks are told below warn only");
    let refused = set("info,consenus=debug");
    assert!(!refused.status.success() && said(&refused).contains("\"consenus\" is neither a level"), "{}", said(&refused));
    let shown: Value = serde_json::from_slice(&cairnd(&home, &["log-level", "-o", "json"]).stdout).unwrap();
    assert_eq!(shown["levels"], "info,consensus=warn");
    assert!(set("info").status.success());
    until("blocks are logged again", || blocks_logged(network, 0) > before);
}

fn doctor(network: &Network) {
    let found = cairnd(&network.home(0), &["doctor", "--output", "json"]);
    assert!(found.status.success(), "{}", said(&found));
    let checks: Vec<Value> = serde_json::from_slice(&found.stdout).unwrap();
    let status = |name: &str| checks.iter().find(|c| c["check"] == name).unwrap_or_else(|| panic!("{name}"))["status"].as_str().unwrap();
    for name in [
        "CometBFT",
        "disk",
        "settings",
        "CometBFT's settings",
        "genesis",
        "secrets",
        "keys",
        "state",
        "admin socket",
        "beacon key",
        "height",
        "chain",
        "clock",
        "peers",
    ] {
        assert_eq!(status(name), "ok", "{name}: {checks:#?}");
    }
}

/// SIGTERM while clients ask for as much as they can.
fn under_load(network: &mut Network) {
    let (rest, stop, answered) = (network.rest(0), AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let agent = ureq::Agent::new_with_defaults();
                while !stop.load(Relaxed) {
                    if agent.get(format!("{rest}/cosmos/auth/v1beta1/accounts?pagination.limit=1000")).call().is_ok() {
                        answered.fetch_add(1, Relaxed);
                    }
                }
            });
        }
        until("queries are answered", || answered.load(Relaxed) > 50);
        let begun = Instant::now();
        assert!(network.stop_node(0), "SIGTERM must end a node under load in time, with 0");
        assert!(begun.elapsed() < Duration::from_secs(10));
        stop.store(true, Relaxed);
    });
}

/// SIGTERM at moments of the start: the node ends in order, or had not begun to listen for it.
fn while_starting(network: &Network) {
    let home = network.home(0);
    for pause in [0, 20, 60, 150, 400] {
        let log = fs::File::create(home.join("starting.log")).unwrap();
        let mut command = Command::new(program("cairnd"));
        let mut child =
            command.args(["start", "--home"]).arg(&home).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        let begun = Instant::now();
        let status = child.wait().unwrap();
        let orderly = status.success() || std::os::unix::process::ExitStatusExt::signal(&status) == Some(15);
        let log = fs::read_to_string(home.join("starting.log")).unwrap();
        assert!(orderly && begun.elapsed() < Duration::from_secs(10), "after {pause} ms: {status}\n{log}");
    }
}

/// A node whose network makes no blocks lives and is not ready; its doctor says so too.
fn unready(network: &mut Network) {
    configure(&network.home(0).join("config/app.toml"), [("ready.max_block_age_seconds", value(2))]);
    network.start_node(0);
    network.wait_for(0, network.height(1) + 2);
    assert!(network.stop_node(1));
    let ready = format!("{}/readyz", network.metrics(0));
    until("not ready without blocks", || {
        let (status, body) = fetch_json(&ready);
        status == 503 && body["failed"].as_array().unwrap().iter().any(|f| f["check"] == "block")
    });
    assert_eq!(fetch(&format!("{}/healthz", network.metrics(0))).0, 200, "it lives");
    let found = cairnd(&network.home(0), &["doctor", "--wait", "1"]);
    assert_eq!(found.status.code(), Some(1));
    assert!(said(&found).contains("height stays at") && said(&found).contains("two thirds of the voting power"), "{}", said(&found));
}

/// Nothing of what a node keeps secret stands in its log.
fn no_secrets(network: &Network) {
    for node in 0..2 {
        let log = fs::read_to_string(network.log_of(node)).unwrap();
        let home = network.home(node);
        let mut secrets = vec![fs::read_to_string(home.join("config/vrf_key")).unwrap().trim().to_owned()];
        for file in ["priv_validator_key.json", "node_key.json"] {
            let key: Value = serde_json::from_slice(&fs::read(home.join("config").join(file)).unwrap()).unwrap();
            secrets.push(key["priv_key"]["value"].as_str().unwrap().to_owned());
        }
        for secret in secrets {
            assert!(secret.len() > 20 && !log.contains(&secret), "node {node} logs a secret");
        }
    }
}
