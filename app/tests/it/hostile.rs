//! Arbitrary and mangled input: refused by code, never a panic, never a fault, never a trace in state.
use bytes::Bytes;
use cairn_app::api::Chain;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::support::*;

const SEED: u64 = 20_261_122;

fn noise(rng: &mut StdRng) -> Bytes {
    let length = rng.gen_range(0..400);
    (0..length).map(|_| rng.r#gen::<u8>()).collect::<Vec<_>>().into()
}

/// A transaction with a few bytes changed, inserted or cut out.
fn mangled(rng: &mut StdRng, tx: &Bytes) -> Bytes {
    let mut bytes = tx.to_vec();
    for _ in 0..rng.gen_range(1..4) {
        let at = rng.gen_range(0..bytes.len().max(1));
        match rng.gen_range(0..4) {
            0 if at < bytes.len() => bytes[at] = rng.r#gen(),
            1 => bytes.insert(at.min(bytes.len()), rng.r#gen()),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
    bytes.into()
}

#[test]
fn arbitrary_bytes_are_refused_everywhere() {
    let mut rng = StdRng::seed_from_u64(SEED);
    let (mut net, mut twin) = (Net::new(), Net::new());
    let mut a = net.wallets[0].clone();
    let samples = [
        transfer(&mut a, &net.wallets[1].address, 5),
        Draft::of(vec![send(&net.wallets[1], &net.wallets[2].address, 5); 3]).gas(500_000).sign(&[&net.wallets[1]]),
        net.propose(vec![]).txs.remove(0),
    ];
    for round in 0..40 {
        let pick = |i: usize, rng: &mut StdRng| if i.is_multiple_of(3) { noise(rng) } else { mangled(rng, &samples[i % samples.len()]) };
        let txs: Vec<_> = (round..round + 25).map(|i| pick(i, &mut rng)).collect();
        for tx in &txs {
            drop(net.app.check_tx(tx).unwrap());
            drop(net.app.simulate(tx));
        }
        drop(net.app.process_proposal(&net.block(txs.clone())).unwrap());
        let proposed = net.propose(txs.clone());
        net.app.process_proposal(&proposed).unwrap().expect("our own proposals are acceptable");
        // What nobody voted for still runs, and runs alike.
        let block = net.block(txs);
        assert_eq!(net.apply(&block).app_hash, twin.apply(&block).app_hash, "round {round}");
    }
}

#[test]
fn arbitrary_queries_are_answered() {
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut net = Net::new();
    net.run(vec![]);
    let paths = net.app.query_paths();
    for _ in 0..2_000 {
        let path = paths.choose(&mut rng).unwrap();
        drop(net.app.query(path, &noise(&mut rng), Some(rng.gen_range(0..3))));
    }
    for path in ["", "/", "x", "/store", "/store/auth", "//////", "/cosmos.bank.v1beta1.Query/Nope"] {
        assert!(!net.app.answers(path), "{path}");
    }
    for _ in 0..500 {
        let store = *["auth", "bank", "x", "", "a/b", "\u{fe}"].choose(&mut rng).unwrap();
        drop(net.app.store_value(store, &noise(&mut rng), None, rng.r#gen()));
    }
}

#[test]
fn a_query_that_takes_too_long_is_cut_off_and_blocks_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let settings = cairn_app::Settings { query_time: std::time::Duration::ZERO, ..Default::default() };
    let app = cairn_app::App::open(folder.path(), settings).unwrap();
    app.init_chain(&genesis()).unwrap();
    for height in 1..3 {
        let block = cairn_app::Block { height, proposer: vec![1; 20], ..Default::default() };
        app.finalize_block(&block).unwrap();
        app.commit().unwrap();
        let error = app.query("/cosmos.auth.v1beta1.Query/Accounts", &[], None).unwrap_err();
        assert_eq!((error.codespace, error.code, error.status), ("sdk", 35, cairn_kernel::Status::Unavailable));
        assert!(error.log.contains("no answer within 0ns"), "{}", error.log);
    }
}

#[test]
fn a_query_that_reads_too_much_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let settings = cairn_app::Settings { query_gas: 1_000, ..Default::default() };
    let app = cairn_app::App::open(folder.path(), settings).unwrap();
    app.init_chain(&genesis()).unwrap();
    let block = cairn_app::Block { height: 1, proposer: vec![1; 20], ..Default::default() };
    app.finalize_block(&block).unwrap();
    app.commit().unwrap();
    let error = app.query("/cosmos.auth.v1beta1.Query/Accounts", &[], None).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 11));
}
