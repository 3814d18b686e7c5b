//! Genesis files: what is refused, and that an exported one starts the same chain.
use cairn_app::{Fault, Genesis, Validator, api::Chain};
use cairn_proto::cosmos::consensus::v1::{QueryParamsRequest, QueryParamsResponse};
use serde_json::{Value, json};

use crate::support::*;

fn refused(genesis: &Genesis) -> String {
    let folder = tempfile::tempdir().unwrap();
    match open(folder.path(), 1).init_chain(genesis) {
        Err(Fault::Genesis(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn with_state(change: impl FnOnce(&mut Value)) -> Genesis {
    let mut state = app_state();
    change(&mut state);
    Genesis { app_state: state.to_string().into_bytes(), ..genesis() }
}

#[test]
fn what_is_wrong_is_named() {
    let state = |text: &str| Genesis { app_state: text.into(), ..genesis() };
    assert!(refused(&state("{")).contains("not JSON"));
    assert!(refused(&state("[]")).contains("must be an object"));
    assert!(refused(&with_state(|s| s["nope"] = json!({}))).contains("app_state.nope"));
    assert!(refused(&with_state(|s| s["bank"]["balances"][0]["address"] = json!("x"))).contains("bank: "));
    assert!(refused(&with_state(|s| s["bank"]["blances"] = json!([]))).contains("app_state.bank: "));
    assert!(refused(&with_state(|s| s["auth"]["params"]["tx_sig_limit"] = json!("0"))).contains("auth: "));
}

#[test]
fn consensus_staking_and_beacon_name_the_same_validators() {
    let other = |validators| Genesis { validators, ..genesis() };
    for validators in [
        vec![Validator { address: consensus_address(1), power: 11 }],
        vec![Validator { address: vec![8; 20], power: 10 }],
        vec![Validator { address: consensus_address(1), power: 10 }, Validator { address: vec![8; 20], power: 10 }],
    ] {
        assert!(refused(&other(validators)).contains("app_state.staking must elect"));
    }
    assert!(refused(&with_state(|s| s["beacon"]["validators"][0]["power"] = json!("11"))).contains("beacon: staking elects"));
    assert!(refused(&with_state(|s| s["bank"]["balances"][5]["coins"][0]["amount"] = json!("1"))).contains("staking: bonded_tokens_pool"));
}

#[test]
fn a_refused_genesis_leaves_the_node_ready_for_a_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path(), 1);
    assert!(
        app.init_chain(&with_state(|s| s["bank"] = json!({ "params": {}, "supply": [{ "denom": "ucairn", "amount": "1" }] }))).is_err()
    );
    assert!(app.init_chain(&genesis()).is_ok());
}

#[test]
fn the_parameters_of_consensus_are_told() {
    let mut net = Net::new();
    net.run(vec![]);
    let found: QueryParamsResponse = net.ask("/cosmos.consensus.v1.Query/Params", &QueryParamsRequest {});
    assert_eq!(found.params, Some(genesis().params));
}

#[test]
fn an_exported_state_starts_a_chain_with_the_same_balances() {
    let mut net = Net::new();
    let mut a = net.wallets[0].clone();
    let txs = (0..3).map(|i| transfer(&mut a, &Wallet::new(50 + i).address, 1_000)).collect();
    net.run(txs);
    let exported = net.app.export().unwrap();
    let again = Net::with(&Genesis { app_state: exported.to_string().into_bytes(), initial_height: 2, ..genesis() });
    let block = cairn_app::Block { height: 2, ..again.block(vec![]) };
    let block = cairn_app::Block { txs: again.app.prepare_proposal(&block, MAX_BYTES).unwrap(), ..block };
    assert_eq!(again.app.export().unwrap()["bank"], exported["bank"]);
    again.app.process_proposal(&block).unwrap().expect("accepted");
    again.app.finalize_block(&block).unwrap();
    again.app.commit().unwrap();
    again.app.check_invariants().unwrap();
    assert_eq!(again.balance(&a.address), net.balance(&a.address));
    assert_eq!(again.account(&a.address), net.account(&a.address));
    assert_eq!(again.app.height(), 2);
}

#[test]
fn a_state_is_exported_as_it_was_at_any_height_that_is_kept() {
    let mut net = Net::new();
    let mut a = net.wallets[0].clone();
    let mut then = vec![];
    for _ in 0..3 {
        let tx = transfer(&mut a, &net.wallets[1].address, 1_000);
        net.run(vec![tx]);
        then.push(net.app.export().unwrap());
    }
    for (height, state) in (1..).zip(&then) {
        let exported = net.app.export_at(Some(height)).unwrap();
        assert_eq!((exported.block.height, &exported.app_state), (height, state));
        assert_eq!((exported.params, exported.validators.len()), (genesis().params, 1));
    }
    assert!(then[0] != then[1]);
    assert_eq!(net.app.export_at(None).unwrap().app_state, then[2]);
    assert!(matches!(net.app.export_at(Some(4)), Err(Fault::Store(_))));
    let again =
        Net::with(&Genesis { app_state: then[2].to_string().into_bytes(), initial_height: 4, time: 1_700_000_003, nanos: 5, ..genesis() });
    let exported = again.app.export().unwrap();
    for (module, part) in then[2].as_object().unwrap() {
        assert_eq!(&exported[module], part, "the export of an import is the same: {module}");
    }
    assert_eq!(exported, then[2]);
}
