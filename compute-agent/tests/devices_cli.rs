//! The commands for devices, as their users call them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]
use std::{fs, os::unix::fs::PermissionsExt, process::Command};

/// Runs the program: whether it did what it should, and what it printed.
fn agent(command: &str) -> (bool, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_cairn-agent")).args(command.split(' ')).output().unwrap();
    (out.status.success(), String::from_utf8([out.stdout, out.stderr].concat()).unwrap())
}

#[test]
fn devices_are_tested_and_measured() {
    let (done, told) = agent("doctor --device reference --device flex --seeds 3");
    assert!(done && told.contains("burn-flex") && told.matches("all as the reference gives them").count() == 2, "{told}");
    let (done, told) = agent("doctor --device reference --device abacus --seeds 0");
    assert!(!done && told.contains("there is no device abacus") && told.contains("not to be used for jobs: abacus"), "{told}");
    let (done, told) = agent("bench --device flex --times 1 --json");
    let report: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(done && report[0]["device"] == "flex" && report[0]["operators"].as_array().unwrap().len() == 17, "{told}");
    let (done, told) = agent("bench --device reference --times 1");
    assert!(done && told.contains("layer norm"), "{told}");
}

#[test]
fn a_home_is_made_and_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let shown = home.display();
    let doctor = format!("doctor --home {shown} --device reference --seeds 0");
    let (done, told) = agent(&format!("init --home {shown}"));
    assert!(done && told.contains("agent.toml is written"), "{told}");
    let (done, told) = agent(&format!("init --home {shown}"));
    assert!(!done && told.contains("is there already"), "{told}");
    let (done, told) = agent(&doctor);
    assert!(!done && told.contains("FAIL agent.toml: ") && told.contains("--node"), "{told}");

    let settings = home.join("agent.toml");
    // Nobody listens at port 1.
    let key = home.join("key");
    let good = format!("node = ['http://127.0.0.1:1']\nkey = '{}'\ngateway = 'http://127.0.0.1:1'\n", key.display());
    fs::write(&settings, format!("{good}jbos = 3\n")).unwrap();
    for command in [&doctor, &format!("run --home {shown}")] {
        let (done, told) = agent(command);
        assert!(!done && told.contains("there is no setting \"jbos\""), "{told}");
    }
    fs::write(&settings, good).unwrap();
    fs::write(&key, "07".repeat(32)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (done, told) = agent(&doctor);
    assert!(!done && told.contains("OK   agent.toml: ") && told.contains("FAIL key: others may read the key"), "{told}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let (done, told) = agent(&doctor);
    for expected in [
        "OK   key: cairn1",
        "OK   keys and private networks: 0 proving keys",
        "FAIL node: HTTP error: error sending request",
        "FAIL gateway: no gateway answers",
    ] {
        assert!(!done && told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains("backtrace"), "{told}");
    fs::create_dir(home.join("private")).unwrap();
    fs::write(home.join("private/net.salt"), "x").unwrap();
    let (_, told) = agent(&doctor);
    assert!(told.contains("FAIL keys and private networks: the private network of"), "{told}");
}
