//! CheckTx: what a mempool takes, and how it follows the chain.
use bytes::Bytes;
use cairn_app::{App, Settings};
use cairn_proto::{
    cairn::beacon::v1::MsgRevealBeacon,
    cosmos::tx::v1beta1::{TxBody, TxRaw},
    pack,
};
use prost::Message;

use crate::support::*;

fn code(net: &Net, tx: &Bytes) -> u32 {
    net.app.check_tx(tx).unwrap().code()
}

#[test]
fn sequences_go_on_in_the_mempool_and_start_anew_after_a_block() {
    let mut net = Net::new();
    let (mut a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    let txs: Vec<_> = (0..3).map(|_| transfer(&mut a, &to, 1)).collect();
    assert_eq!(code(&net, &txs[1]), 32, "out of turn");
    assert_eq!(code(&net, &txs[0]), 0);
    assert_eq!(code(&net, &txs[0]), 32, "the same again");
    assert_eq!(code(&net, &txs[1]), 0);
    net.run(vec![txs[0].clone()]);
    // Recheck of what was left: on the new state.
    assert_eq!(code(&net, &txs[0]), 32);
    assert_eq!(code(&net, &txs[1]), 0);
    assert_eq!(code(&net, &txs[2]), 0);
}

#[test]
fn fees_add_up_in_the_mempool() {
    let net = Net::new();
    let a = net.wallets[0].clone();
    let costly = |sequence: u64| {
        let mut draft = Draft::of(vec![send(&a, &a.address, 1)]);
        draft.fee.amount = vec![coin(FUNDS / 2 + 1)];
        draft.sign(&[&Wallet { sequence, ..a.clone() }])
    };
    assert_eq!((code(&net, &costly(0)), code(&net, &costly(1))), (0, 5));
}

#[test]
fn the_minimum_gas_price_binds_the_mempool_and_not_the_block() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { minimum_gas_price: "0.01ucairn".parse().unwrap(), ..Settings::default() };
    let app = App::open(folder.path(), settings).unwrap();
    app.init_chain(&genesis()).unwrap();
    let mut net = Net::new();
    let a = net.wallets[0].clone();
    let with_fee = |fee: Vec<u128>| {
        let mut draft = Draft::of(vec![send(&a, &a.address, 1)]);
        draft.fee.amount = fee.into_iter().map(coin).collect();
        draft.sign(&[&a])
    };
    let refusal = |fee| app.check_tx(&with_fee(fee)).unwrap().result.unwrap_err();
    assert_eq!(refusal(vec![1_999]).log, "insufficient fees; got: 1999ucairn required: 2000ucairn: insufficient fee");
    assert_eq!(refusal(vec![]).log, "insufficient fees; got:  required: 2000ucairn: insufficient fee");
    assert_eq!(refusal(vec![]).code, 13);
    assert_eq!(app.check_tx(&with_fee(vec![2_000])).unwrap().code(), 0);
    assert!(net.run(vec![with_fee(vec![])])[0].result.is_ok());
}

#[test]
fn a_reveal_never_enters_a_mempool() {
    let mut net = Net::new();
    let own = net.propose(vec![]).txs.remove(0);
    let error = net.app.check_tx(&own).unwrap().result.unwrap_err();
    assert_ne!(error.code, 0);
    let body = TxBody { messages: vec![pack(&MsgRevealBeacon { height: 1, proof: vec![1; 80] })], ..TxBody::default() };
    let raw = TxRaw { body_bytes: body.encode_to_vec(), ..TxRaw::default() };
    assert_ne!(code(&net, &raw.encode_to_vec().into()), 0);
    let a = net.wallets[0].clone();
    let signed = Draft::of(body.messages).sign(&[&a]);
    assert_eq!(code(&net, &signed), 4);
    assert_eq!(net.propose(vec![own, signed]).txs.len(), 1, "nor a proposal from a mempool");
    net.run(vec![]);
}

#[test]
fn a_check_tells_the_gas_limit() {
    let net = Net::new();
    let (mut a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    let outcome = net.app.check_tx(&transfer(&mut a, &to, 1)).unwrap();
    assert_eq!(outcome.gas_wanted, 200_000);
    assert!(outcome.gas_used > 10_000 && outcome.gas_used < 200_000);
}

#[test]
fn the_timeout_is_that_of_the_next_block() {
    let mut net = Net::new();
    net.run(vec![]);
    let a = net.wallets[0].clone();
    let until = |height: u64| {
        let mut draft = Draft::of(vec![send(&a, &a.address, 1)]);
        draft.body.timeout_height = height;
        draft.sign(&[&a])
    };
    assert_eq!((code(&net, &until(1)), code(&net, &until(2))), (30, 0));
}
