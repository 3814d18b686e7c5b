//! What must hold of the whole set of modules.
use std::collections::BTreeSet;

use cairn_app::api::{Chain, json::Dialect};

use crate::support::*;

/// Packages of the Cosmos SDK that are served in full.
const SERVED: [&str; 9] = [
    "cosmos.auth.v1beta1",
    "cosmos.bank.v1beta1",
    "cosmos.distribution.v1beta1",
    "cosmos.evidence.v1beta1",
    "cosmos.mint.v1beta1",
    "cosmos.slashing.v1beta1",
    "cosmos.staking.v1beta1",
    "cosmos.upgrade.v1beta1",
    "cairn.",
];

#[test]
fn no_two_tables_share_a_prefix() {
    let net = Net::new();
    let mut tables = net.app.tables();
    assert!(tables.len() > 10);
    tables.sort_by_key(|t| t.prefix);
    for pair in tables.windows(2) {
        assert!(!pair[1].prefix.starts_with(pair[0].prefix), "{} and {}", pair[0].name, pair[1].name);
    }
    for table in &tables {
        let store = table.name.split('/').next().unwrap();
        assert!(table.prefix.starts_with(format!("{store}/").as_bytes()), "{}", table.name);
    }
}

#[test]
fn every_declared_service_is_served() {
    let net = Net::new();
    let queries: BTreeSet<_> = net.app.router().query_paths().collect();
    let messages: BTreeSet<_> = net.app.router().msg_urls().collect();
    let modules: BTreeSet<_> = net.app.modules().iter().map(|m| format!("cairn.{}.v1", m.name())).collect();
    let served =
        |package: &str| SERVED.iter().any(|s| package.starts_with(s)) && (!package.starts_with("cairn.") || modules.contains(package));
    let mut count = 0;
    for service in Dialect::cairn().pool().services().filter(|s| served(s.package_name())) {
        for method in service.methods() {
            count += 1;
            let (path, url) = (format!("/{}/{}", service.full_name(), method.name()), format!("/{}", method.input().full_name()));
            assert!(queries.contains(path.as_str()) || messages.contains(url.as_str()), "{path} has no handler");
        }
    }
    assert!(count > 15, "{count}");
}

#[test]
fn every_message_names_its_response_and_no_signer_by_default() {
    let net = Net::new();
    for url in net.app.router().msg_urls() {
        let response = net.app.router().response_url(url).unwrap();
        assert!(Dialect::cairn().message(response).is_some(), "{url}");
        assert_eq!(net.app.router().signers(url, &[]).unwrap_or_default(), [], "{url} finds a signer in nothing");
    }
}

#[test]
fn a_module_depends_on_lower_ones_alone() {
    let net = Net::new();
    let names: Vec<_> = net.app.modules().iter().map(|m| m.name()).collect();
    for (place, name) in names.iter().enumerate() {
        // Evidence lives in the crate of what it punishes by.
        let name = if *name == "evidence" { &"slashing" } else { name };
        let manifest = format!("../modules/{name}/Cargo.toml");
        let manifest = std::fs::read_to_string(&manifest).unwrap_or_else(|e| panic!("{manifest}: {e}"));
        let dependencies = manifest.split_once("[dependencies]").unwrap().1;
        for higher in &names[place..] {
            assert!(!dependencies.contains(&format!("cairn-{higher}.workspace")), "{name} depends on {higher}");
        }
    }
}

#[test]
fn modules_have_distinct_names_and_known_genesis_types() {
    let net = Net::new();
    let names: BTreeSet<_> = net.app.modules().iter().map(|m| m.name()).collect();
    assert_eq!(names.len(), net.app.modules().len());
    for module in net.app.modules() {
        assert!(Dialect::cairn().message(&module.genesis_type()).is_some(), "{}", module.genesis_type());
    }
}

#[test]
fn the_front_doors_see_the_chain() {
    let mut net = Net::new();
    assert_eq!((net.app.height(), net.app.chain_id().as_str()), (0, CHAIN_ID));
    net.run(vec![]);
    assert_eq!((net.app.height(), net.app.minimum_gas_price().as_str()), (1, ""));
    assert!(net.app.earliest_height() <= 1);
    assert!(net.app.query_paths().contains(&"/cosmos.tx.v1beta1.Service/Simulate".to_owned()));
    assert!(net.app.query_paths().contains(&"/cosmos.consensus.v1.Query/Params".to_owned()));
}
