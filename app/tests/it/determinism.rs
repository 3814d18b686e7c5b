//! One history, one state: whatever else a node was asked meanwhile, and however warm its caches are.
use bytes::Bytes;
use cairn_app::{Finalized, api::Chain};
use cairn_kernel::Address;

use crate::support::*;

/// Everything of a block that consensus or an indexer sees.
fn picture(done: &Finalized) -> String {
    format!("{:?} {:?} {}", done.outcomes, shown(&done.events), hex::encode(&done.app_hash))
}

/// A few blocks' worth of transactions, good and bad, reproducible.
fn traffic(net: &mut Net, round: u64) -> Vec<Bytes> {
    let to = Address::derive("it", &round.to_be_bytes());
    let mut txs = vec![];
    for i in 0..4 {
        let mut wallet = net.wallets[i].clone();
        txs.push(transfer(&mut wallet, &to, u128::from(round) + 1));
        if i == 1 {
            txs.push(Draft::of(vec![send(&wallet, &to, FUNDS * 2)]).sign(&[&wallet]));
            wallet.sequence += 1;
        }
        if i == 2 {
            txs.push(transfer(&mut Wallet { sequence: 99, ..wallet.clone() }, &to, 1));
        }
        net.wallets[i] = wallet;
    }
    txs
}

#[test]
fn two_nodes_come_to_the_same_hashes_and_results() {
    let (mut a, mut b) = (Net::new(), Net::new());
    for round in 0..8 {
        let txs = traffic(&mut a, round);
        let block = a.propose(txs);
        assert_eq!(picture(&a.decide(&block)), picture(&b.decide(&block)));
    }
}

#[test]
fn validators_accept_what_the_others_propose() {
    let genesis = genesis_of(3);
    let mut nets: Vec<_> = (1..=3).map(|v| Net::of(v, &genesis)).collect();
    let mut proposed = 0;
    for round in 0..9_u64 {
        let turn = usize::try_from(round).unwrap() % 3;
        let txs = traffic(&mut nets[turn], round);
        let wallets = nets[turn].wallets.clone();
        let block = nets[turn].propose(txs);
        proposed += block.txs.len();
        let pictures: Vec<_> = nets.iter_mut().map(|net| picture(&net.decide(&block))).collect();
        assert!(pictures.iter().all(|p| *p == pictures[0]), "round {round}");
        nets.iter_mut().for_each(|net| net.wallets.clone_from(&wallets));
    }
    assert_eq!(proposed, 9 * 7);
}

#[test]
fn a_warm_cache_of_signatures_changes_nothing() {
    let (mut warm, mut cold) = (Net::new(), Net::new());
    for round in 0..4 {
        let txs = traffic(&mut warm, round);
        for tx in &txs {
            drop(warm.app.check_tx(tx).unwrap());
        }
        let mut block = warm.propose(txs);
        // A signature that is good for one document, under another one.
        let [good, other] = [1, 2].map(|i| <cairn_proto::cosmos::tx::v1beta1::TxRaw as prost::Message>::decode(&*block.txs[i]).unwrap());
        let mixed = cairn_proto::cosmos::tx::v1beta1::TxRaw { signatures: good.signatures, ..other };
        block.txs.push(prost::Message::encode_to_vec(&mixed).into());
        cold = cold.restart();
        assert_eq!(picture(&warm.decide(&block)), picture(&cold.decide(&block)));
    }
}

#[test]
fn checks_proposals_queries_and_simulations_leave_no_trace() {
    let (mut busy, mut quiet) = (Net::new(), Net::new());
    let mut dice = Dice(7);
    for round in 0..12 {
        let txs = traffic(&mut busy, round);
        let block = busy.propose(txs.clone());
        for _ in 0..20 {
            let tx = &txs[dice.below(txs.len())];
            match dice.below(6) {
                0 => drop(busy.app.check_tx(tx).unwrap()),
                1 => drop(busy.app.prepare_proposal(&busy.block(txs.clone()), dice.below(3_000) as u64).unwrap()),
                2 => drop(busy.app.process_proposal(&block).unwrap()),
                3 => drop(busy.app.simulate(tx)),
                4 => drop(busy.app.query("/cosmos.bank.v1beta1.Query/TotalSupply", &[], None)),
                // Another block of the same height that consensus did not decide on in the end.
                _ => drop(busy.app.finalize_block(&busy.block(vec![tx.clone()])).unwrap()),
            }
        }
        assert_eq!(picture(&busy.decide(&block)), picture(&quiet.decide(&block)), "round {round}");
    }
}

#[test]
fn time_is_the_blocks_own() {
    let mut net = Net::new();
    let block = net.propose(vec![]);
    let first = net.app.finalize_block(&block).unwrap().app_hash;
    let later = cairn_app::Block { time: block.time + 1, ..block.clone() };
    assert_ne!(net.app.finalize_block(&later).unwrap().app_hash, first);
    assert_eq!(net.app.finalize_block(&block).unwrap().app_hash, first);
    net.apply(&block);
}

/// A small generator with a written-down seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}
