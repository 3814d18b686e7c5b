//! What the doctor finds of a running node: height, chain, clock, peers.
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::Finding;
use crate::cli::{home::Home, rpc::Rpc};

/// How far the clock of this machine may be from the time of a new block, in seconds: the median of the validators' clocks a block ago.
const MOST_SKEW: u64 = 10;

pub(super) fn examine(home: &Home, rpc: &Rpc, before: u64, wait: u64) -> Vec<Finding> {
    let grown = grows(rpc, before, wait);
    let clock = match (&grown, rpc.status()) {
        (Ok(_), Ok(status)) => clock(&status, SystemTime::now()),
        _ => Finding::skipped("clock", "no new block to compare with"),
    };
    let fix = "see that two thirds of the voting power are on line, and that no 'the node cannot go on' stands in the log";
    vec![Finding::of("height", grown.map_err(anyhow::Error::msg), fix), chain(home, rpc), clock, peers(rpc)]
}

fn grows(rpc: &Rpc, before: u64, wait: u64) -> Result<String, String> {
    let deadline = Instant::now().checked_add(Duration::from_secs(wait));
    loop {
        match rpc.height() {
            Ok(now) if now > before => return Ok(format!("{now}, growing")),
            _ if deadline.is_none_or(|d| Instant::now() >= d) => return Err(format!("height stays at {before} for {wait} s")),
            _ => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

fn chain(home: &Home, rpc: &Rpc) -> Finding {
    let named = home.genesis().ok().and_then(|g| g.get("chain_id")?.as_str().map(str::to_owned)).unwrap_or_default();
    match rpc.chain_id() {
        Ok(found) if found == named => Finding::ok("chain", found),
        Ok(found) => {
            let fix = "set comet.rpc in config/app.toml to the RPC of this home's CometBFT";
            Finding::fault("chain", format!("the node is of {found}, genesis.json of {named}"), fix)
        }
        Err(error) => Finding::fault("chain", format!("{error:#}"), "see the log"),
    }
}

/// The clock of this machine against the time of the block just made.
fn clock(status: &Value, now: SystemTime) -> Finding {
    let time = status.pointer("/sync_info/latest_block_time").and_then(Value::as_str);
    let syncing = status.pointer("/sync_info/catching_up").and_then(Value::as_bool).unwrap_or(true);
    let Some(time) = time.and_then(|t| humantime::parse_rfc3339(t).ok()) else {
        return Finding::skipped("clock", "the node tells no time");
    };
    if syncing {
        return Finding::skipped("clock", "the node is catching up");
    }
    let (skew, word) = match now.duration_since(time) {
        Ok(after) => (after, "after"),
        Err(before) => (before.duration(), "before"),
    };
    let found = format!("{}.{} s {word} the newest block", skew.as_secs(), skew.subsec_millis() / 100);
    if skew.as_secs() > MOST_SKEW {
        return Finding::fault("clock", found, "set the clock of this machine, and keep it by NTP (chrony, systemd-timesyncd)");
    }
    Finding::ok("clock", found)
}

fn peers(rpc: &Rpc) -> Finding {
    let count = |method, pointer| rpc.call(method, json!({})).ok().and_then(|v| v.pointer(pointer)?.as_str()?.parse::<u64>().ok());
    let (peers, validators) = (count("net_info", "/n_peers").unwrap_or(0), count("validators", "/total").unwrap_or(0));
    let found = format!("{peers} peers, {validators} validators");
    if peers == 0 && validators > 1 {
        return Finding::fault(
            "peers",
            found,
            "name some in p2p.persistent_peers or p2p.seeds of config/config.toml, and open the peers' port",
        );
    }
    Finding::ok("peers", found)
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_found_either_way() {
        let status = |syncing| json!({"sync_info": {"latest_block_time": "2026-01-01T00:00:10.5Z", "catching_up": syncing}});
        let at = |text: &str| clock(&status(false), humantime::parse_rfc3339(text).unwrap());
        assert_eq!((at("2026-01-01T00:00:12Z").status, at("2026-01-01T00:00:09Z").status), (Status::Ok, Status::Ok));
        assert_eq!(at("2026-01-01T00:00:12Z").found, "1.5 s after the newest block");
        assert_eq!((at("2026-01-01T00:00:30Z").status, at("2025-12-31T23:59:50Z").status), (Status::Fault, Status::Fault));
        assert_eq!(clock(&status(true), SystemTime::now()).status, Status::Skipped);
        assert_eq!(clock(&json!({}), SystemTime::now()).status, Status::Skipped);
    }
}
