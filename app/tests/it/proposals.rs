//! Proposals: what we propose others accept, and what is accepted keeps the limits.
use bytes::Bytes;
use cairn_app::{Block, Unacceptable, api::Chain};
use cairn_beacon::vrf::SecretKey;
use cairn_proto::{
    cairn::beacon::v1::{MsgRevealBeacon, QueryLatestRequest, QueryLatestResponse},
    cosmos::tx::v1beta1::{TxBody, TxRaw},
    pack,
    tendermint::types::Data,
};
use prost::Message;

use crate::support::*;

fn reveal(height: u64, proof: Vec<u8>) -> Bytes {
    let body = TxBody { messages: vec![pack(&MsgRevealBeacon { height, proof })], ..TxBody::default() };
    TxRaw { body_bytes: body.encode_to_vec(), ..TxRaw::default() }.encode_to_vec().into()
}

fn verdict(net: &Net, block: &Block) -> Result<(), Unacceptable> {
    net.app.process_proposal(block).unwrap()
}

fn fresh(net: &Net) -> bool {
    net.ask::<_, QueryLatestResponse>("/cairn.beacon.v1.Query/Latest", &QueryLatestRequest {}).beacon.unwrap().fresh
}

#[test]
fn a_proposal_is_cut_to_the_bytes_as_cometbft_counts_them() {
    let net = Net::new();
    let (mut a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    let txs: Vec<_> = (0..30).map(|_| transfer(&mut a, &to, 1)).collect();
    for max in [0, 50, 300, 1_000, 5_000, 1_000_000] {
        let block = net.block(txs.clone());
        let taken = net.app.prepare_proposal(&block, max).unwrap();
        let data = Data { txs: taken.iter().map(|t| t.to_vec()).collect() };
        assert!(u64::try_from(data.encoded_len()).unwrap() <= max);
        let rest = taken.strip_prefix(&net.propose(vec![]).txs[..]).unwrap_or(&taken);
        assert_eq!(rest, &txs[..rest.len()], "in order, without gaps");
        if max >= 300 {
            verdict(&net, &Block { txs: taken, ..block }).expect("another honest node accepts");
        }
    }
}

#[test]
fn a_proposal_is_cut_to_the_gas() {
    let net = Net::new();
    let mut a = net.wallets[0].clone();
    let mut tx = |gas: u64| {
        let tx = Draft::of(vec![send(&a, &a.address, 1)]).gas(gas).sign(&[&a]);
        a.sequence += 1;
        tx
    };
    let txs = vec![tx(MAX_GAS / 2), tx(MAX_GAS / 2), tx(1)];
    let block = net.propose(txs.clone());
    assert_eq!(&block.txs[1..], &txs[..2]);
    verdict(&net, &block).unwrap();
    let over = Block { txs: [block.txs.clone(), vec![txs[2].clone()]].concat(), ..block };
    assert_eq!(verdict(&net, &over), Err(Unacceptable::Gas { limit: MAX_GAS, found: MAX_GAS + 1 }));
}

#[test]
fn a_chain_without_a_limit_of_gas_takes_the_largest() {
    let mut unlimited = genesis();
    unlimited.params.block.as_mut().unwrap().max_gas = -1;
    let mut net = Net::with(&unlimited);
    let most = u64::try_from(i64::MAX).unwrap();
    let txs = (0..3).map(|i| {
        let wallet = &net.wallets[i];
        Draft::of(vec![send(wallet, &wallet.address, 1)]).gas(most).sign(&[wallet])
    });
    let txs = txs.collect();
    assert!(net.run(txs).iter().all(|o| o.result.is_ok()));
    let beyond = Draft::of(vec![send(&net.wallets[3], &net.wallets[3].address, 1)]).gas(most + 1).sign(&[&net.wallets[3]]);
    assert_eq!(net.app.check_tx(&beyond).unwrap().code(), 18);
}

#[test]
fn what_cannot_be_decoded_is_neither_proposed_nor_accepted() {
    let net = Net::new();
    let good = transfer(&mut net.wallets[0].clone(), &net.wallets[1].address, 1);
    for bad in [Bytes::from_static(b"\xff\xff"), Bytes::from(vec![1; 2_000_000])] {
        let block = net.propose(vec![bad.clone(), good.clone()]);
        assert_eq!(block.txs.len(), 2);
        verdict(&net, &block).unwrap();
        let foreign = Block { txs: [block.txs.clone(), vec![bad]].concat(), ..block };
        assert!(verdict(&net, &foreign).is_err());
    }
}

#[test]
fn blocks_over_the_byte_limit_are_refused() {
    let net = Net::new();
    let mut block = net.propose(vec![]);
    let mut memo = Draft::of(vec![send(&net.wallets[0], &net.wallets[0].address, 1)]);
    memo.body.memo = "x".repeat(400_000);
    block.txs.extend(vec![memo.sign(&[&net.wallets[0]]); 3]);
    assert!(matches!(verdict(&net, &block), Err(Unacceptable::Bytes { limit: MAX_BYTES, .. })));
}

#[test]
fn a_foreign_block_with_failing_transactions_is_accepted_and_they_get_their_codes() {
    let mut net = Net::new();
    let late = transfer(&mut Wallet { sequence: 5, ..net.wallets[0].clone() }, &net.wallets[1].address, 1);
    let mut block = net.propose(vec![]);
    block.txs.push(late);
    let codes: Vec<_> = net.decide(&block).outcomes.iter().map(|o| o.code()).collect();
    assert_eq!(codes, [0, 32]);
}

#[test]
fn only_the_next_block_is_voted_for() {
    let net = Net::new();
    let block = net.propose(vec![]);
    let other = Block { height: 2, ..block };
    assert_eq!(verdict(&net, &other), Err(Unacceptable::Height { expected: 1, found: 2 }));
}

#[test]
fn a_proposer_with_a_key_reveals_once_first_and_for_this_height() {
    let mut net = Net::new();
    let own = net.propose(vec![]).txs.remove(0);
    let tx = transfer(&mut net.wallets[0].clone(), &net.wallets[1].address, 1);
    let signed_reveal = Draft::of(vec![pack(&MsgRevealBeacon { height: 1, proof: vec![3; 80] })]).sign(&[&net.wallets[0]]);
    let other_key = SecretKey::from_seed(&[66; 32]).prove(b"something").unwrap().to_vec();
    for (name, txs) in [
        ("none", vec![tx.clone()]),
        ("nothing at all", vec![]),
        ("second", vec![tx.clone(), own.clone()]),
        ("twice", vec![own.clone(), own.clone()]),
        ("another later", vec![own.clone(), tx.clone(), reveal(1, vec![0; 80])]),
        ("inside a signed one", vec![own.clone(), signed_reveal]),
        ("for another height", vec![reveal(2, vec![0; 80]), tx.clone()]),
        ("not a proof", vec![reveal(1, vec![0; 80])]),
        ("a short proof", vec![reveal(1, vec![])]),
        ("by another key", vec![reveal(1, other_key)]),
    ] {
        assert!(matches!(verdict(&net, &net.block(txs)), Err(Unacceptable::Beacon(_))), "{name}");
    }
    verdict(&net, &net.block(vec![own.clone(), tx])).unwrap();
    let stranger = Block { proposer: vec![1; 20], ..net.block(vec![own]) };
    assert!(matches!(verdict(&net, &stranger), Err(Unacceptable::Beacon(_))), "a proposer without a key reveals nothing");
    verdict(&net, &Block { proposer: vec![1; 20], ..net.block(vec![]) }).unwrap();
    net.run(vec![]);
}

#[test]
fn the_reveal_is_this_nodes_only_where_it_proposes() {
    let net = Net::new();
    let elsewhere = Block { proposer: vec![1; 20], ..net.block(vec![]) };
    assert!(net.app.prepare_proposal(&elsewhere, MAX_BYTES).unwrap().is_empty());
}

#[test]
fn a_decided_block_without_a_valid_reveal_runs_and_is_not_fresh() {
    let mut net = Net::new();
    net.run(vec![]);
    assert!(fresh(&net));
    let tx = transfer(&mut net.wallets[0].clone(), &net.wallets[1].address, 1);
    let block = net.block(vec![reveal(2, vec![0; 80]), tx]);
    let codes: Vec<_> = net.apply(&block).outcomes.iter().map(|o| (o.code() == 0, o.gas_used == 0)).collect();
    assert_eq!(codes, [(false, true), (true, false)]);
    assert!(!fresh(&net));
    net.apply(&net.block(vec![]));
    assert!(!fresh(&net) && net.app.height() == 3);
    net.run(vec![]);
    assert!(fresh(&net));
}
