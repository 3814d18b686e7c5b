//! Wallets, their libraries, faucets and explorers, unmodified, and what they are told of the chain.
use std::{process::Command, time::Duration};

use cairn_driver::accounts::{Account, named};
use cairn_e2e::{Network, Options, Process, root};
use cosmrs::{
    AccountId, Any, Coin,
    bank::MsgSend,
    tx::{Body, Fee, Msg, SignDoc, SignerInfo},
};
use futures::StreamExt;
use serde_json::{Value, json};
use tendermint_rpc::{
    Client, HttpClient, SubscriptionClient, WebSocketClient,
    client::CompatMode,
    event::EventData,
    query::{EventType, Query},
};

/// Runs a script of `e2e/js`, which ends with an error at the first thing that is not as its client expects, and returns what it prints.
fn script(name: &str, args: &[&str]) -> String {
    let mut node = Command::new("node");
    let out = node.current_dir(root().join("e2e/js")).arg(name).args(args).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(out.status.success(), "{name} {args:?}\n{}\n{}", said(&out.stdout), said(&out.stderr));
    said(&out.stdout)
}

/// The file of accounts with their words.
fn accounts(network: &Network) -> String {
    network.path().join("accounts.json").display().to_string()
}

fn account<'n>(network: &'n Network, name: &str) -> &'n Account {
    named(network.accounts(), name).unwrap()
}

#[test]
fn cosmjs_old_and_new_does_all_that_wallets_do() {
    // Two validators, so that stake can be moved; deposits of which annotators have enough.
    let network = Network::start_with(&Options { validators: 2, ..Options::default() }, |genesis| {
        genesis["app_state"]["gov"]["params"]["min_deposit"] = json!([{ "denom": "ucairn", "amount": "3000000" }]);
    });
    let (rpc, accounts) = (&network.rpc(0), &accounts(&network));
    std::thread::scope(|scope| {
        for (version, name, grantee) in [("0.32", "lazy", "random"), ("newest", "copier-a", "copier-b")] {
            scope.spawn(move || script("modules.mjs", &[version, rpc, accounts, name, grantee]));
        }
        for version in ["0.32", "newest"] {
            script("wallet.mjs", &[version, rpc, accounts, &crate::clients::signed_by_accounts().join(",")]);
        }
    });
}

#[test]
fn keplr_and_the_registry_take_what_a_node_says_of_its_chain() {
    let network = Network::start(&Options::default());
    script("keplr.mjs", &[&network.rest(0), &accounts(&network)]);
    let told = |file: &str| format!("{}/cairn/chain-info/{file}.json", network.rest(0));
    script("registry.mjs", &[&told("chain"), &told("assetlist")]);
    let shipped = |file: &str| root().join(format!("localnet/registry/testnets/cairnlocal/{file}.json")).display().to_string();
    script("registry.mjs", &[&shipped("chain"), &shipped("assetlist")]);
    keplr_and_the_command_line_verify_each_others_signatures(&network);
}

/// ADR-036, with text that JSON escapes.
fn keplr_and_the_command_line_verify_each_others_signatures(network: &Network) {
    let (signer, data) = (account(network, "requester"), "log in to <cairn> & \"friends\" \u{e9}");
    let ours: Value =
        serde_json::from_str(&network.cairnd(&["keys", "sign-arbitrary", "requester", "--data", data, "-o", "json"])).unwrap();
    let (key, signature) = (ours["pub_key"]["value"].as_str().unwrap(), ours["signature"].as_str().unwrap());
    assert_eq!(script("adr036.mjs", &["verify", &signer.address, data, key, signature]).trim(), "true");
    assert_eq!(script("adr036.mjs", &["verify", &signer.address, "another", key, signature]).trim(), "false");
    let theirs: Value = serde_json::from_str(&script("adr036.mjs", &["sign", &signer.mnemonic, data])).unwrap();
    let text = |key: &str| theirs[key].as_str().unwrap();
    let args = ["keys", "verify-arbitrary", &signer.address, "--pub-key", text("pub_key"), "--signature", text("signature"), "--data"];
    assert!(network.cairnd(&[&args[..], &[data]].concat()).contains("signed this"));
    assert!(network.cairnd_refused(&[&args[..], &["another"]].concat()).contains("does not fit"));
    // Signatures are deterministic: both made the same one.
    assert_eq!((text("pub_key"), text("signature")), (key, signature));
}

/// A service that the explorer's pages ask for and that answers 501 belongs to a module that the chain does not have.
#[test]
fn explorers_find_what_their_pages_read() {
    let network = Network::start(&Options::default());
    let (requester, buyer) = (&account(&network, "requester").address, &account(&network, "buyer").address);
    let send = ["tx", "bank", "send", "--from", "requester", "--to-address", buyer, "--amount", "7ucairn", "-o", "json"];
    let sent: Value = serde_json::from_str(&network.cairnd(&send)).unwrap();
    let asked = |path: &str| {
        let text =
            ureq::get(format!("{}/cosmos/staking/v1beta1/validators{path}", network.rest(0))).call().unwrap().body_mut().read_to_string();
        serde_json::from_str::<Value>(&text.unwrap()).unwrap()
    };
    let validators = asked("");
    let validator = validators["validators"][0]["operator_address"].as_str().unwrap();
    let delegations = asked(&format!("/{validator}/delegations"));
    let delegator = delegations["delegation_responses"][0]["delegation"]["delegator_address"].as_str().unwrap();
    let hash = sent["hash"].as_str().unwrap();
    let said = script("explorer.mjs", &[&network.rest(0), hash, requester, delegator, validator]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let modules: Vec<&str> = cairn_app::modules::all().iter().map(|m| m.name()).collect();
    for path in said["missing"].as_array().unwrap() {
        let module = path.as_str().unwrap().split('/').nth(2).unwrap();
        assert!(!modules.contains(&module), "{path} is not served");
    }
}

#[test]
fn the_faucet_of_cosmjs_gives_coins() {
    let network = Network::start(&Options::default());
    let holder = account(&network, "faucet");
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut command = Command::new("node");
    command.current_dir(root().join("e2e/js")).args(["node_modules/@cosmjs/faucet/bin/cosmos-faucet", "start", &network.rpc(0)]);
    command.env("FAUCET_MNEMONIC", &holder.mnemonic).env("FAUCET_PORT", port.to_string()).env("FAUCET_CONCURRENCY", "1");
    command.env("FAUCET_ADDRESS_PREFIX", "cairn").env("FAUCET_TOKENS", "ucairn").env("FAUCET_GAS_PRICE", "0.001ucairn");
    let mut faucet = Process::start("cosmos-faucet", &mut command, &network.path().join("cosmos-faucet.log"));
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build().into();
    let url = format!("http://127.0.0.1:{port}");
    let status = (0..300).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        agent.get(format!("{url}/status")).call().ok()?.body_mut().read_to_string().ok()
    });
    let log = || std::fs::read_to_string(network.path().join("cosmos-faucet.log")).unwrap();
    let status: Value = serde_json::from_str(&status.unwrap_or_else(|| panic!("the faucet does not start:\n{}", log()))).unwrap();
    assert_eq!((&status["chainId"], &status["availableTokens"][0]), (&Value::from("cairn-local-1"), &Value::from("ucairn")));
    assert_eq!(status["holder"]["address"], holder.address);

    let stranger = cairn_kernel::Address::new(&[9; 20]).unwrap().to_string();
    let body = serde_json::json!({ "denom": "ucairn", "address": stranger }).to_string();
    let credited = agent.post(format!("{url}/credit")).content_type("application/json").send(body);
    assert!(credited.is_ok(), "{credited:?}\n{}", log());
    assert_eq!(balance(&network, &stranger), 10_000_000);
    faucet.kill();
}

fn balance(network: &Network, address: &str) -> u128 {
    let url = format!("{}/cosmos/bank/v1beta1/balances/{address}/by_denom?denom=ucairn", network.rest(0));
    let text = ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["balance"]["amount"].as_str().unwrap().parse().unwrap()
}

/// A Python client that was told of this chain its name, its prefix and its coin: it sends and stakes by gRPC and by REST.
#[test]
fn cosmpy_sends_and_stakes_over_both_doors() {
    let network = Network::start(&Options::default());
    let recipient = &account(&network, "requester").address;
    let doors = [("lazy", format!("grpc+http://{}", network.grpc(0))), ("random", format!("rest+{}", network.rest(0)))];
    for (name, url) in &doors {
        let signer = account(&network, name);
        let mut wallet = Command::new(crate::readers::python());
        let out = wallet.arg(root().join("e2e/readers/wallet.py")).args([url, &signer.mnemonic, recipient]).output().unwrap();
        assert!(out.status.success(), "{url}: {}", String::from_utf8_lossy(&out.stderr));
        let said: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!((&said["address"], &said["received"], &said["sequence"]), (&json!(signer.address), &json!(1234), &json!(4)), "{said}");
        assert_eq!((&said["codes"], &said["staked"], &said["unbonding"]), (&json!([0, 0, 0, 0]), &json!(48_000), &json!(2_000)), "{said}");
        assert_eq!(
            (&said["transferred"], &said["latest"], &said["block"][1]),
            (&json!(true), &json!(true), &json!("cairn-local-1")),
            "{said}"
        );
    }
}

/// A Rust client: `cosmrs` makes and signs the transfer, `tendermint-rpc` sends it and hears of it by websocket.
#[tokio::test(flavor = "multi_thread")]
async fn cosmrs_sends_and_tendermint_rpc_hears_of_it() {
    let network = Network::start(&Options::default());
    let (buyer, recipient) = (account(&network, "buyer"), &account(&network, "requester").address);
    let (client, driver) = WebSocketClient::builder(format!("{}/websocket", network.rpc(0).replace("http", "ws")).parse().unwrap())
        .compat_mode(CompatMode::V0_38)
        .build()
        .await
        .unwrap();
    let driver = tokio::spawn(driver.run());
    let mut blocks = client.subscribe(EventType::NewBlock.into()).await.unwrap();
    let mut transfers = client.subscribe(Query::from(EventType::Tx).and_eq("transfer.recipient", recipient.as_str())).await.unwrap();

    let before = balance(&network, recipient);
    let tx = signed_transfer(&network, buyer, recipient);
    let http = HttpClient::new(network.rpc(0).as_str()).unwrap();
    let sent = http.broadcast_tx_sync(tx.clone()).await.unwrap();
    assert!(sent.code.is_ok(), "{}", sent.log);
    let heard = transfers.next().await.unwrap().unwrap();
    let EventData::Tx { tx_result } = heard.data else { panic!("{heard:?}") };
    assert_eq!(tx_result.tx, tx);
    assert!(!tx_result.result.events.is_empty());
    assert_eq!(heard.events.unwrap()["tx.hash"], [sent.hash.to_string()]);
    assert!(matches!(blocks.next().await.unwrap().unwrap().data, EventData::NewBlock { block: Some(_), .. }));
    assert_eq!(balance(&network, recipient) - before, 77);
    client.close().unwrap();
    driver.await.unwrap().unwrap();
}

fn signed_transfer(network: &Network, from: &Account, to: &str) -> Vec<u8> {
    let url = format!("{}/cosmos/auth/v1beta1/accounts/{}", network.rest(0), from.address);
    let found: Value = serde_json::from_str(&ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap()).unwrap();
    let number = |key: &str| found["account"][key].as_str().unwrap().parse::<u64>().unwrap();
    let coin = |amount: u128| Coin { denom: "ucairn".parse().unwrap(), amount };
    let [from_address, to_address] = [from.address.as_str(), to].map(|a| a.parse::<AccountId>().unwrap());
    let message: Any = MsgSend { from_address, to_address, amount: vec![coin(77)] }.to_any().unwrap();
    let key = from.key().unwrap();
    let info = SignerInfo::single_direct(Some(key.public_key()), number("sequence"));
    let auth = info.auth_info(Fee::from_amount_and_gas(coin(500), 500_000_u64));
    let chain = "cairn-local-1".parse().unwrap();
    let doc = SignDoc::new(&Body::new([message], "by cosmrs", 0_u32), &auth, &chain, number("account_number")).unwrap();
    doc.sign(&key).unwrap().to_bytes().unwrap()
}
