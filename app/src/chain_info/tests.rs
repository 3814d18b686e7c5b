//! The rules of Keplr and of the registry that text alone can break, and the files that ship with the local network.
use std::{fs, path::Path};

use cairn_kernel::Router;

use super::*;
use crate::config::Config;

fn served(path: &str) -> bool {
    let mut router = Router::default();
    crate::modules::all().iter().for_each(|module| module.routes(&mut router));
    router.query_paths().any(|p| p == path)
}

fn info(chain_id: &str, change: impl Fn(&mut Public)) -> ChainInfo {
    let mut config = Config::default();
    config.api.rest.set_port(26_602);
    config.api.grpc.set_port(26_603);
    config.comet.rpc = "http://127.0.0.1:26600".into();
    change(&mut config.public);
    ChainInfo::new(chain_id, &config.public().unwrap(), "0.001ucairn".parse().unwrap(), served)
}

#[test]
fn the_files_of_the_local_network_are_what_the_program_prints() {
    let info = info("cairn-local-1", |_| {});
    let folder = Path::new("../localnet/registry").join(info.registry_folder());
    for (name, value) in [("keplr.json", info.keplr()), ("chain.json", info.chain()), ("assetlist.json", info.assets())] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let hint = "write it anew: 'cairnd chain-info --out localnet/registry' with the home of node0 of 'make localnet'";
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value, "{name}: {hint}");
    }
    assert_eq!(fs::read_to_string(folder.join("images/cairn.svg")).unwrap(), LOGO);
}

#[test]
fn names_are_made_from_the_chain_id() {
    for (id, network, name, folder, people) in [
        ("cairn-local-1", "devnet", "cairnlocal", "testnets/cairnlocal", "Cairn Local"),
        ("cairn-1", "mainnet", "cairn", "cairn", "Cairn"),
        ("Cairn_test.net-12", "testnet", "cairntestnet", "testnets/cairntestnet", "Cairn Test Net"),
    ] {
        let info = info(id, |p| p.network = network.into());
        assert_eq!((info.registry_name().as_str(), info.registry_folder().as_str()), (name, folder));
        assert_eq!(info.keplr()["chainName"], people);
        assert_eq!(info.keplr()["isTestnet"], network != "mainnet");
        let up = if network == "mainnet" { "../" } else { "../../" };
        assert_eq!(info.chain()["$schema"], format!("{up}chain.schema.json"));
    }
    let long = info("cairn-1", |p| p.name = "n".repeat(50));
    assert_eq!(long.keplr()["chainName"].as_str().unwrap().len(), MAX_NAME);
}

#[test]
fn prices_rise_and_begin_with_what_the_node_asks() {
    let step = &info("cairn-1", |_| {}).keplr()["feeCurrencies"][0]["gasPriceStep"];
    assert_eq!(step.to_string(), r#"{"low":0.001,"average":0.00125,"high":0.002}"#);
}

#[test]
fn an_explorer_is_named_where_it_is_configured() {
    assert!(info("cairn-1", |_| {}).chain().get("explorers").is_none());
    let with = info("cairn-1", |p| p.tx_page = "https://x.example.org/tx/{txHash}".into());
    assert_eq!(with.keplr()["explorers"]["txPage"], "https://x.example.org/tx/{txHash}");
    assert_eq!(with.chain()["explorers"][0]["tx_page"], "https://x.example.org/tx/${txHash}");
}

#[test]
fn features_are_those_that_the_chain_serves() {
    let public = Config::default().public().unwrap();
    let features = |all: bool| ChainInfo::new("cairn-1", &public, GasPrice::default(), |_| all).keplr();
    assert!(features(false).get("stakeCurrency").is_none() && features(true)["stakeCurrency"]["coinDenom"] == "CAIRN");
    assert_eq!(features(true)["features"].as_array().unwrap().len(), 3);
    assert_eq!(features(false)["features"].as_array().unwrap().len(), 1);
}

#[test]
fn the_coin_is_shown_with_its_decimals() {
    let keplr = info("cairn-1", |_| {}).keplr();
    let coin = &keplr["currencies"][0];
    assert_eq!((&coin["coinDenom"], &coin["coinMinimalDenom"], &coin["coinDecimals"]), (&json!("CAIRN"), &json!("ucairn"), &json!(6)));
    assert_eq!(coin["coinImageUrl"], "http://127.0.0.1:26602/cairn/chain-info/logo.svg");
}
