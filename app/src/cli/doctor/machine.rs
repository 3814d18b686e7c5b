//! What the doctor finds on the machine: programs, disk, limits, ports.
use std::net::{SocketAddr, TcpListener};

use toml_edit::DocumentMut;

use super::Finding;
use crate::{
    cli::{comet, home::Home},
    config::Config,
    disk::Space,
    metrics,
};

/// Bytes that a node needs to go on for a while, however large the disk.
const LEAST_FREE: u64 = 1 << 30;
/// File descriptors that a node may need: the database's, the doors' connections, and CometBFT's of its own.
const LEAST_FILES: u64 = 4_096;

pub(super) fn comet(binary: &str) -> Finding {
    Finding::of("CometBFT", comet::version(binary), "install CometBFT 0.38, or set comet.binary in config/app.toml")
}

pub(super) fn disk(home: &Home, least_percent: u64) -> Finding {
    let space = match Space::of(home.path()) {
        Ok(space) => space,
        Err(error) => return Finding::fault("disk", error.to_string(), "make the folder of the home readable"),
    };
    let found = format!("{} % free, {} MiB", space.percent_free(), space.free >> 20);
    if space.percent_free() < least_percent || space.free < LEAST_FREE {
        let fix = format!(
            "make room until {least_percent} % and {} MiB are free, or let 'pruning' in config/app.toml keep less",
            LEAST_FREE >> 20
        );
        return Finding::fault("disk", found, fix);
    }
    Finding::ok("disk", found)
}

pub(super) fn open_files() -> Finding {
    let most = metrics::max_files();
    let found = format!("{most} file descriptors");
    if most < LEAST_FILES {
        return Finding::warning("file limit", found, "run 'ulimit -n 65536' before the start, or set LimitNOFILE=65536 in the service");
    }
    Finding::ok("file limit", found)
}

/// Whether a node that does not run could listen where it is told to.
pub(super) fn ports(home: &Home, config: &Config) -> Vec<Finding> {
    let mut ports = vec![
        ("REST port", Some(config.api.rest), "api.rest in config/app.toml"),
        ("gRPC port", Some(config.api.grpc), "api.grpc in config/app.toml"),
    ];
    if config.metrics.enabled {
        ports.push(("metrics port", Some(config.metrics.listen), "metrics.listen in config/app.toml"));
    }
    if let Ok(doc) = comet::check_config(home) {
        ports.push(("RPC port", address(&doc, "rpc", "laddr"), "rpc.laddr in config/config.toml and comet.rpc in config/app.toml"));
        ports.push(("peers' port", address(&doc, "p2p", "laddr"), "p2p.laddr in config/config.toml"));
        if doc.get("instrumentation").and_then(|t| t.get("prometheus")?.as_bool()).unwrap_or(false) {
            let found = address(&doc, "instrumentation", "prometheus_listen_addr");
            ports.push(("CometBFT metrics", found, "instrumentation.prometheus_listen_addr in config/config.toml"));
        }
    }
    ports.into_iter().filter_map(|(name, address, setting)| Some(port(name, address?, setting))).collect()
}

/// An address of CometBFT's settings; `None` for a name that must be looked up.
fn address(doc: &DocumentMut, table: &str, key: &str) -> Option<SocketAddr> {
    let text = doc.get(table)?.get(key)?.as_str()?;
    let text = text.strip_prefix("tcp://").unwrap_or(text);
    if text.starts_with(':') { format!("0.0.0.0{text}").parse().ok() } else { text.parse().ok() }
}

fn port(name: &'static str, address: SocketAddr, setting: &str) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(name, format!("{address} is free; the node is not running")),
        Err(error) => {
            let fix = format!("stop the program that has it, or choose another: {setting}");
            Finding::fault(name, format!("{address} cannot be listened on: {error}"), fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_a_fault_that_names_its_setting() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let finding = port("REST port", address, "api.rest");
        assert_eq!(finding.status, Status::Fault);
        assert!(finding.found.contains(&address.to_string()) && finding.fix.ends_with("api.rest"));
        drop(taken);
        assert_eq!(port("REST port", address, "api.rest").status, Status::Ok);
    }

    #[test]
    fn every_port_of_the_settings_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        std::fs::create_dir_all(home.path().join("config")).unwrap();
        let text = "[rpc]\nladdr = \"tcp://127.0.0.1:0\"\n[p2p]\nladdr = \"tcp://0.0.0.0:0\"\n\
                    [instrumentation]\nprometheus = true\nprometheus_listen_addr = \":0\"\n";
        std::fs::write(home.config("config.toml"), text).unwrap();
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let mut config = Config::default();
        (config.api.rest, config.api.grpc, config.metrics.listen) = (any, any, any);
        let names: Vec<_> = ports(&home, &config).iter().map(|f| (f.check, f.status)).collect();
        let ok = |name| (name, Status::Ok);
        assert_eq!(names, ["REST port", "gRPC port", "metrics port", "RPC port", "peers' port", "CometBFT metrics"].map(ok),);
    }

    #[test]
    fn a_disk_that_is_fuller_than_allowed_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        assert_eq!(disk(&home, 101).status, Status::Fault);
        assert!(disk(&home, 101).fix.contains("101 %"));
        assert_eq!(comet("/nowhere/cometbft").status, Status::Fault);
    }
}
