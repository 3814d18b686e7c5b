//! The dashboard and the alerts ask for figures that running nodes tell.
use std::collections::BTreeSet;

use cairn_e2e::{Network, root};
use promql_parser::{
    parser::{Expr, parse},
    util::{ExprVisitor, walk_expr},
};
use serde_json::Value;

use super::fetch;

/// Where an expression stands, and itself.
type Asked = (String, String);

fn dashboard() -> Vec<Asked> {
    let text = std::fs::read_to_string(root().join("localnet/grafana/cairn.json")).unwrap();
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

pub(super) fn every_name_of_the_dashboard_and_the_alerts_is_told(network: &Network) {
    let mut known: BTreeSet<String> = ["up".to_owned()].into();
    for address in [network.metrics(0), network.comet_metrics(0), network.gateway()] {
        let (status, text) = fetch(&format!("{address}/metrics"));
        assert_eq!(status, 200, "{address}");
        known.extend(told(&text));
    }
    let (status, text) = fetch(&format!("{}/metrics?format=prometheus", network.rest(0)));
    assert!(status == 200 && text.contains("\ncairn_height "), "as the SDK does");
    let asked: Vec<Asked> = dashboard().into_iter().chain(alerts()).collect();
    assert!(asked.len() > 60, "{}", asked.len());
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
    let jobs: BTreeSet<&str> = ["cairn", "cometbft", "cairn-gateway"].into();
    for (place, expression) in alerts() {
        if let Some((_, rest)) = expression.split_once("job=\"") {
            assert!(jobs.contains(rest.split('"').next().unwrap()), "{place}");
        }
    }
}
