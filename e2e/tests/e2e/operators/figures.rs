//! The dashboard and the alerts ask for figures that running nodes tell.
use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, process::Command};

use cairn_driver::accounts::named;
use cairn_e2e::{Network, Process, program, root};
use promql_parser::{
    parser::{Expr, parse},
    util::{ExprVisitor, walk_expr},
};
use serde_json::Value;

use super::fetch;

/// Where an expression stands, and itself.
type Asked = (String, String);

fn dashboard(name: &str) -> Vec<Asked> {
    let text = std::fs::read_to_string(root().join("localnet/grafana").join(name)).unwrap();
    let board: Value = serde_json::from_str(&text).unwrap();
    assert!(board["schemaVersion"].as_u64().unwrap() >= 39 && board["uid"].is_string());
    let (mut asked, mut ids) = (Vec::new(), BTreeSet::new());
    for panel in board["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "a panel's number twice");
        if panel["type"] == "row" {
            continue;
        }
        let title = panel["title"].as_str().unwrap();
        assert!(!panel["description"].as_str().unwrap().is_empty(), "{title} is not described");
        assert!(!panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap().is_empty(), "{title} has no unit");
        for target in panel["targets"].as_array().unwrap() {
            asked.push((title.to_owned(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    asked
}

fn alerts() -> Vec<Asked> {
    let text = std::fs::read_to_string(root().join("localnet/prometheus/alerts.yml")).unwrap();
    let rules: Value = serde_yaml_ng::from_str(&text).unwrap();
    let (mut asked, mut names) = (Vec::new(), BTreeSet::new());
    for rule in rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()) {
        let name = rule["alert"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{name} twice");
        assert!(["page", "warn", "info"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        for text in ["summary", "description"] {
            assert!(!rule["annotations"][text].as_str().unwrap().is_empty(), "{name} has no {text}");
        }
        asked.push((name.to_owned(), rule["expr"].as_str().unwrap().to_owned()));
    }
    asked
}

/// The names of figures in an expression.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl ExprVisitor for Names {
    type Error = String;
    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, String> {
        let selector = match expr {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(selector) => &selector.vs,
            _ => return Ok(true),
        };
        self.0.insert(selector.name.clone().ok_or("a selector without a name")?);
        Ok(true)
    }
}

fn names(place: &str, expression: &str) -> BTreeSet<String> {
    // What Grafana puts in before it asks.
    let plain = expression.replace("$__rate_interval", "1m").replace("$__range", "1h").replace("$instance", ".*");
    let parsed = parse(&plain).unwrap_or_else(|e| panic!("{place}: {expression}: {e}"));
    let mut names = Names::default();
    walk_expr(&mut names, &parsed).unwrap_or_else(|e| panic!("{place}: {e}"));
    names.0
}

/// The names of figures in what a program tells, also of those that it only announces because nothing was counted yet.
fn told(text: &str) -> impl Iterator<Item = String> {
    let name = |line: &str| line.strip_prefix("# TYPE ").unwrap_or(line).split(['{', ' ']).next().map(str::to_owned);
    text.lines().filter_map(name)
}

/// An agent without a bond, and where it tells its figures once it follows the chain.
fn agent(network: &Network) -> (Process, String) {
    let home = network.path().join("agent");
    std::fs::create_dir(&home).unwrap();
    let (key, log) = (home.join("key"), home.join("log"));
    std::fs::write(&key, &named(network.accounts(), "provider").unwrap().mnemonic).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = Command::new(program("cairn-agent"));
    command.args(["run", "--no-jobs", "--device", "reference", "--metrics", "127.0.0.1:0", "--node", &network.rpc(0)]);
    let process = Process::start("agent", command.arg("--key").arg(&key).arg("--home").arg(&home), &log);
    let address = cairn_e2e::until("the agent's metrics", 60, 200, || {
        let text = std::fs::read_to_string(&log).ok()?;
        let at = text.lines().find(|line| line.contains(" metrics at="))?.rsplit('=').next()?.to_owned();
        Some(format!("http://{at}"))
    });
    super::until("the agent follows the chain", || fetch(&format!("{address}/healthz")).0 == 200);
    (process, address)
}

pub(super) fn every_name_of_the_dashboard_and_the_alerts_is_told(network: &Network) {
    let mut known: BTreeSet<String> = ["up".to_owned()].into();
    let (_running, agent) = agent(network);
    for address in [network.metrics(0), network.comet_metrics(0), network.gateway(), agent] {
        let (status, text) = fetch(&format!("{address}/metrics"));
        assert_eq!(status, 200, "{address}");
        known.extend(told(&text));
    }
    let (status, text) = fetch(&format!("{}/metrics?format=prometheus", network.rest(0)));
    assert!(status == 200 && text.contains("\ncairn_height "), "as the SDK does");
    let asked: Vec<Asked> = [dashboard("cairn.json"), dashboard("agent.json"), alerts()].concat();
    assert!(asked.len() > 80, "{}", asked.len());
    for (place, expression) in asked {
        for name in names(&place, &expression) {
            assert!(known.contains(&name), "{place} asks for {name}, which nobody tells");
        }
    }
}

/// Prometheus is told where the local network's nodes listen: as `cairnd testnet` and `localnet.sh` number their ports.
#[test]
fn prometheus_asks_where_the_local_network_listens() {
    let text = std::fs::read_to_string(root().join("localnet/prometheus/prometheus.yml")).unwrap();
    let config: Value = serde_yaml_ng::from_str(&text).unwrap();
    let targets = |job: &str| {
        let jobs = config["scrape_configs"].as_array().unwrap();
        jobs.iter().find(|j| j["job_name"] == job).unwrap()["static_configs"][0]["targets"].as_array().unwrap().clone()
    };
    let ports = |offset: u16| (0..4).map(|i| Value::from(format!("127.0.0.1:{}", 26_600 + 10 * i + offset))).collect::<Vec<_>>();
    assert_eq!((targets("cairn"), targets("cometbft")), (ports(5), ports(4)));
    assert_eq!(config["rule_files"][0], "alerts.yml");
    assert_eq!(targets("cairn-agent"), ["127.0.0.1:8790"]);
    let jobs: BTreeSet<&str> = ["cairn", "cometbft", "cairn-gateway", "cairn-agent"].into();
    for (place, expression) in alerts() {
        if let Some((_, rest)) = expression.split_once("job=\"") {
            assert!(jobs.contains(rest.split('"').next().unwrap()), "{place}");
        }
    }
}
