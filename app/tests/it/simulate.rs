//! Simulation as the wallets ask for it.
use cairn_app::{Shutdown, abci::Node, api::Chain};
use cairn_kernel::Status;
use cairn_proto::cosmos::tx::{
    signing::v1beta1::SignMode,
    v1beta1::{SimulateRequest, SimulateResponse},
};
use prost::Message;
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::RequestQuery;

use crate::support::*;

/// As CosmJS asks: with the key, mode UNSPECIFIED, one empty signature, no fee.
fn cosmjs(net: &Net, amount: u128) -> Vec<u8> {
    let a = &net.wallets[0];
    let mut draft = Draft::of(vec![send(a, &Wallet::new(80).address, amount)]);
    draft.mode = SignMode::Unspecified;
    draft.fee = Default::default();
    let mut raw = draft.seal(&draft.auth(&[a]), &[a]);
    raw.signatures = vec![vec![]];
    raw.encode_to_vec()
}

/// As Keplr asks: without the key, mode LEGACY_AMINO_JSON, 64 zero bytes.
fn keplr(net: &Net) -> Vec<u8> {
    let a = &net.wallets[0];
    let mut draft = Draft::of(vec![send(a, &Wallet::new(80).address, 5)]);
    draft.mode = SignMode::LegacyAminoJson;
    draft.fee = Default::default();
    let mut auth = draft.auth(&[a]);
    auth.signer_infos[0].public_key = None;
    let mut raw = draft.seal(&auth, &[a]);
    raw.signatures = vec![vec![0; 64]];
    raw.encode_to_vec()
}

fn gas(net: &Net, tx: &[u8]) -> u64 {
    let found = SimulateResponse::decode(&*net.app.simulate(tx).unwrap()).unwrap();
    let result = found.result.unwrap();
    assert_eq!(result.msg_responses[0].type_url, "/cosmos.bank.v1beta1.MsgSendResponse");
    assert!(result.events.iter().any(|e| e.r#type == "transfer" && !e.attributes.is_empty()));
    found.gas_info.unwrap().gas_used
}

#[test]
fn the_estimate_is_close_to_what_the_transaction_will_use() {
    let mut net = Net::new();
    net.run(vec![]);
    let estimates = [gas(&net, &cosmjs(&net, 5)), gas(&net, &keplr(&net))];
    let a = net.wallets[0].clone();
    let outcome = net.run(vec![Draft::of(vec![send(&a, &Wallet::new(80).address, 5)]).sign(&[&a])]).remove(0);
    for estimate in estimates {
        let (low, high) = (outcome.gas_used * 97 / 100, outcome.gas_used * 110 / 100);
        assert!((low..=high).contains(&estimate), "estimated {estimate}, used {}", outcome.gas_used);
    }
}

#[test]
fn a_simulation_fails_as_the_transaction_would() {
    let mut net = Net::new();
    net.run(vec![]);
    let error = net.app.simulate(&cosmjs(&net, 2 * FUNDS)).unwrap_err();
    assert_eq!((error.code, error.status), (5, Status::Unknown));
    assert!(error.log.contains("failed to execute message; message index: 0: "), "{}", error.log);
    let used = error.log.rsplit_once(" with gas used: '").unwrap().1.trim_end_matches('\'').parse::<u64>().unwrap();
    assert!(used > 10_000);
    let (mut a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    let tx = transfer(&mut a, &to, 1);
    net.run(vec![tx.clone()]);
    let error = net.app.simulate(&tx).unwrap_err();
    assert!(error.log.contains("account sequence mismatch, expected 1, got 0"), "{}", error.log);
    assert_eq!(net.app.simulate(b"\xff").unwrap_err().code, 2);
}

#[test]
fn the_number_of_signers_counts() {
    let mut net = Net::new();
    net.run(vec![]);
    let [a, b] = [&net.wallets[0], &net.wallets[1]];
    let draft = Draft::of(vec![send(a, &b.address, 1), send(b, &a.address, 1)]);
    let one = draft.seal(&draft.auth(&[a]), &[a]).encode_to_vec();
    assert_eq!(net.app.simulate(&one).unwrap_err().code, 4);
    let two = draft.seal(&draft.auth(&[a, b]), &[a, b]).encode_to_vec();
    assert!(net.app.simulate(&two).is_ok());
}

#[test]
fn an_account_without_coins_may_still_estimate() {
    let mut net = Net::new();
    net.run(vec![]);
    let a = net.wallets[0].clone();
    let mut all = Draft::of(vec![send(&a, &net.wallets[1].address, FUNDS)]);
    all.fee.amount.clear();
    assert!(net.run(vec![all.sign(&[&a])])[0].result.is_ok());
    let poor = Wallet { sequence: 1, ..a };
    all.body.messages = vec![send(&poor, &poor.address, 0)];
    let error = net.app.simulate(&all.sign(&[&poor])).unwrap_err();
    assert!(!error.log.contains("insufficient funds"), "only the message itself is at fault: {}", error.log);
}

#[test]
fn abci_query_answers_both_ways_of_asking() {
    let mut net = Net::new();
    net.run(vec![]);
    let node = Node::new(net.app.clone(), Shutdown::default());
    let ask = |path: &str, data: Vec<u8>| node.query(RequestQuery { path: path.into(), data: data.into(), ..Default::default() });
    let tx_bytes = cosmjs(&net, 5);
    let request = SimulateRequest { tx_bytes: tx_bytes.clone(), ..Default::default() };
    let found = ask("/cosmos.tx.v1beta1.Service/Simulate", request.encode_to_vec());
    assert_eq!((found.code, found.height), (0, 1));
    assert!(SimulateResponse::decode(&*found.value).unwrap().gas_info.unwrap().gas_used > 0);
    let found = ask("/app/simulate", tx_bytes);
    let json: serde_json::Value = serde_json::from_slice(&found.value).unwrap();
    assert!(json["gas_info"]["gas_used"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    let empty = ask("/cosmos.tx.v1beta1.Service/Simulate", vec![]);
    assert_eq!(
        (empty.code, empty.log.as_str()),
        (18, "rpc error: code = InvalidArgument desc = empty txBytes is not allowed: invalid request")
    );
    let request = SimulateRequest { tx_bytes: cosmjs(&net, 2 * FUNDS), ..Default::default() };
    let failing = ask("/cosmos.tx.v1beta1.Service/Simulate", request.encode_to_vec());
    assert_eq!(failing.code, 6);
    assert!(failing.log.starts_with("rpc error: code = Unknown desc = failed to execute message"), "{}", failing.log);
}
