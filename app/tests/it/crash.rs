//! Crashes at the places where consensus may restart the node: what was told stays true, and replay gives the same hash.
use cairn_app::{Fault, api::Chain};

use crate::support::*;

#[test]
fn genesis_may_be_asked_for_again_until_a_block_is_committed() {
    let net = Net::new();
    assert!(net.app.latest().is_none());
    let net = net.restart();
    assert!(net.app.latest().is_none(), "consensus asks for genesis again");
    let again = net.app.init_chain(&genesis()).unwrap();
    let other = Net::new().app.init_chain(&genesis()).unwrap();
    assert_eq!(again, other);
    let mut net = net;
    net.run(vec![]);
    assert!(matches!(net.app.init_chain(&genesis()), Err(Fault::Store(_))));
}

#[test]
fn another_genesis_replaces_the_first() {
    let net = Net::new();
    let mut changed = genesis();
    changed.chain_id = "cairn-it-2".into();
    let hash = net.app.init_chain(&changed).unwrap();
    assert_ne!(hash, net.app.init_chain(&genesis()).unwrap());
}

#[test]
fn a_block_that_was_not_committed_is_run_again_to_the_same_hash() {
    let mut net = Net::new();
    let mut a = net.wallets[0].clone();
    for _ in 0..3 {
        let tx = transfer(&mut a, &net.wallets[1].address, 3);
        let block = net.propose(vec![tx]);
        let before = net.app.latest();
        let done = net.app.finalize_block(&block).unwrap();
        net = net.restart();
        assert_eq!(net.app.latest(), before, "only commits are told");
        let again = net.apply(&block);
        assert_eq!(again.app_hash, done.app_hash);
        net = net.restart();
        assert_eq!(net.app.latest().unwrap().app_hash.to_vec(), done.app_hash);
    }
}

#[test]
fn the_first_block_survives_a_crash_before_its_commit() {
    let net = Net::new();
    let block = net.propose(vec![]);
    let hash = net.app.finalize_block(&block).unwrap().app_hash;
    let net = net.restart();
    net.app.init_chain(&genesis()).unwrap();
    assert_eq!(net.app.finalize_block(&block).unwrap().app_hash, hash);
}

#[test]
fn blocks_come_one_by_one() {
    let mut net = Net::new();
    assert!(matches!(net.app.commit(), Err(Fault::NothingToCommit)));
    for height in [0, 2, u64::MAX] {
        let block = cairn_app::Block { height, ..net.block(vec![]) };
        assert!(matches!(net.app.finalize_block(&block), Err(Fault::Height { expected: 1, .. })));
    }
    net.run(vec![]);
    assert!(matches!(net.app.commit(), Err(Fault::NothingToCommit)));
    let old = cairn_app::Block { height: 1, ..net.block(vec![]) };
    assert!(matches!(net.app.finalize_block(&old), Err(Fault::Height { expected: 2, found: 1 })));
    assert_eq!(net.app.height(), 1);
}

#[test]
fn nothing_runs_before_genesis() {
    let folder = tempfile::tempdir().unwrap();
    let app = open(folder.path(), 1);
    let block = cairn_app::Block { height: 1, ..cairn_app::Block::default() };
    assert!(matches!(app.finalize_block(&block), Err(Fault::NoGenesis)));
    assert!(matches!(app.check_tx(&bytes::Bytes::new()), Err(Fault::NoGenesis)));
    assert!(matches!(app.prepare_proposal(&block, 10), Err(Fault::NoGenesis)));
    assert!(matches!(app.process_proposal(&block), Err(Fault::NoGenesis)));
    assert_eq!(app.query("/cosmos.bank.v1beta1.Query/Params", &[], None).unwrap_err().code, 26);
    assert_eq!((app.height(), app.chain_id().as_str()), (0, ""));
}

#[test]
fn a_chain_may_begin_at_a_later_height() {
    let mut later = genesis();
    later.initial_height = 1_000;
    let net = Net::with(&later);
    let block = cairn_app::Block { height: 1_000, ..net.block(vec![]) };
    assert!(net.app.latest().is_none());
    let block = cairn_app::Block { txs: net.app.prepare_proposal(&block, MAX_BYTES).unwrap(), ..block };
    net.app.process_proposal(&block).unwrap().expect("accepted");
    net.app.finalize_block(&block).unwrap();
    net.app.commit().unwrap();
    assert_eq!(net.app.height(), 1_000);
}
