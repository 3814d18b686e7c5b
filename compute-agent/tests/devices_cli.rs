//! The commands for devices, as their users call them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]
use std::process::Command;

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
