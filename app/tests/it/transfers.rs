//! Transactions that succeed, and those that fail after their fee was taken.
use cairn_app::Origin;
use cairn_kernel::Address;
use cairn_proto::{
    cosmos::{
        bank::v1beta1::{MsgSend, MsgSendResponse},
        base::abci::v1beta1::TxMsgData,
    },
    pack, unpack,
};
use prost::Message;

use crate::support::*;

fn fee_collector() -> Address {
    Address::module("fee_collector")
}

#[test]
fn a_transfer_moves_coins_and_pays_its_fee() {
    let mut net = Net::new();
    let (mut a, to) = (net.wallets[0].clone(), Wallet::new(99).address);
    let outcome = net.run(vec![transfer(&mut a, &to, 5_000)]).remove(0);
    let data = TxMsgData::decode(&*outcome.result.clone().unwrap()).unwrap();
    assert_eq!(unpack::<MsgSendResponse>(&data.msg_responses[0]).unwrap(), MsgSendResponse {});
    assert!(outcome.gas_wanted == 200_000 && (40_000..100_000).contains(&outcome.gas_used), "{}", outcome.gas_used);
    assert_eq!(net.balance(&a.address), FUNDS - 6_000);
    assert_eq!(net.balance(&to), 5_000);
    assert_eq!(net.balance(&fee_collector()), 1_000);
    let account = net.account(&a.address);
    assert_eq!((account.sequence, account.pub_key), (1, Some(a.public())));
    assert!(net.account(&to).account_number > 0, "the recipient has an account");
}

#[test]
fn events_come_in_the_order_that_clients_expect() {
    let mut net = Net::new();
    let (a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    let tx = Draft::of(vec![send(&a, &to, 7), send(&a, &to, 8)]).sign(&[&a]);
    let outcome = net.run(vec![tx]).remove(0);
    let (from, to, fees) = (a.address, to, fee_collector());
    let events = shown(&outcome.events);
    let expected = [
        format!("coin_spent(spender={from}, amount=1000ucairn)"),
        format!("coin_received(receiver={fees}, amount=1000ucairn)"),
        format!("transfer(recipient={fees}, sender={from}, amount=1000ucairn)"),
        format!("message(sender={from})"),
        format!("tx(fee=1000ucairn, fee_payer={from})"),
        format!("tx(acc_seq={from}/0)"),
    ];
    assert_eq!(&events[..6], expected);
    assert!(events[6].starts_with("tx(signature="));
    let message = |amount: u32| {
        [
            format!("message(action=/cosmos.bank.v1beta1.MsgSend, sender={from}, module=bank)"),
            format!("coin_spent(spender={from}, amount={amount}ucairn)"),
            format!("coin_received(receiver={to}, amount={amount}ucairn)"),
            format!("transfer(recipient={to}, sender={from}, amount={amount}ucairn)"),
            format!("message(sender={from})"),
        ]
    };
    assert_eq!(&events[7..], [message(7), message(8)].concat());
    let origins: Vec<_> = outcome.events.iter().map(|e| e.origin).collect();
    assert_eq!(origins, [vec![Origin::Ante; 7], vec![Origin::Message(0); 5], vec![Origin::Message(1); 5]].concat());
}

#[test]
fn a_failed_message_leaves_fee_and_sequence_and_nothing_else() {
    let mut net = Net::new();
    let (a, to) = (net.wallets[0].clone(), Wallet::new(99).address);
    let tx = Draft::of(vec![send(&a, &to, 5), send(&a, &to, 2 * FUNDS)]).sign(&[&a]);
    let outcome = net.run(vec![tx]).remove(0);
    let error = outcome.result.unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 5));
    assert!(error.log.starts_with("failed to execute message; message index: 1: "), "{}", error.log);
    assert!(error.log.ends_with("insufficient funds"), "{}", error.log);
    assert!(outcome.events.iter().all(|e| e.origin == Origin::Ante), "no event of what was undone");
    assert_eq!((net.balance(&a.address), net.balance(&to)), (FUNDS - 1_000, 0));
    assert_eq!(net.account(&a.address).sequence, 1);
}

#[test]
fn out_of_gas_in_a_message_keeps_the_fee() {
    let mut net = Net::new();
    let (a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    let outcome = net.run(vec![Draft::of(vec![send(&a, &to, 5)]).gas(45_000).sign(&[&a])]).remove(0);
    let error = outcome.result.unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 11));
    assert!(error.log.starts_with("out of gas in location: ") && error.log.ends_with(": out of gas"), "{}", error.log);
    assert!(outcome.gas_used > 45_000);
    assert_eq!((net.balance(&a.address), net.balance(&to)), (FUNDS - 1_000, FUNDS));
    assert_eq!(net.account(&a.address).sequence, 1);
}

#[test]
fn out_of_gas_before_the_fee_takes_nothing() {
    let mut net = Net::new();
    let (a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    let outcome = net.run(vec![Draft::of(vec![send(&a, &to, 5)]).gas(10_000).sign(&[&a])]).remove(0);
    assert_eq!(outcome.code(), 11);
    assert!(outcome.events.is_empty());
    assert_eq!((net.balance(&a.address), net.account(&a.address).sequence), (FUNDS, 0));
}

#[test]
fn several_signers_sign_in_order_of_first_appearance_then_the_payer() {
    let mut net = Net::new();
    let [a, b, payer] = [0, 1, 2].map(|i| net.wallets[i].clone());
    let to = Wallet::new(99).address;
    let messages = vec![send(&b, &to, 1), send(&a, &to, 2), send(&b, &to, 3)];
    let mut draft = Draft::of(messages);
    draft.fee.payer = payer.address.to_string();
    draft.fee.gas_limit = 400_000;
    let wrong = net.app.check_tx(&draft.sign(&[&a, &b, &payer])).unwrap();
    assert_eq!(wrong.code(), 8);
    let outcome = net.run(vec![draft.sign(&[&b, &a, &payer])]).remove(0);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert_eq!(net.balance(&to), 6);
    assert_eq!(net.balance(&payer.address), FUNDS - 1_000);
    assert_eq!(net.balance(&b.address), FUNDS - 4);
    for w in [&a, &b, &payer] {
        assert_eq!(net.account(&w.address).sequence, 1);
    }
}

#[test]
fn a_key_is_needed_only_once() {
    let mut net = Net::new();
    let (mut a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    net.run(vec![transfer(&mut a, &to, 1)]);
    let draft = Draft::of(vec![send(&a, &to, 1)]);
    let mut auth = draft.auth(&[&a]);
    auth.signer_infos[0].public_key = None;
    let tx = draft.seal(&auth, &[&a]).encode_to_vec().into();
    assert!(net.run(vec![tx])[0].result.is_ok());
}

#[test]
fn many_transfers_of_one_account_run_in_one_block() {
    let mut net = Net::new();
    let (mut a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    let txs: Vec<_> = (0..20).map(|_| transfer(&mut a, &to, 1)).collect();
    assert!(txs.iter().all(|tx| net.app.check_tx(tx).unwrap().code() == 0));
    assert!(net.run(txs).iter().all(|o| o.result.is_ok()));
    assert_eq!(net.balance(&to), FUNDS + 20);
}

#[test]
fn a_block_runs_out_of_gas_for_what_comes_last() {
    let mut net = Net::new();
    let [a, b] = [0, 1].map(|i| net.wallets[i].clone());
    let big = |w: &Wallet, gas: u64| Draft::of(vec![send(w, &b.address, 1)]).gas(gas).sign(&[w]);
    let mut block = net.propose(vec![]);
    block.txs.extend([big(&a, MAX_GAS - 100), big(&b, 101)]);
    let codes: Vec<_> = net.apply(&block).outcomes.iter().map(|o| o.code()).collect();
    assert_eq!(codes, [0, 0, 11]);
    assert_eq!(net.account(&b.address).sequence, 0);
}

#[test]
fn a_timeout_height_counts_to_the_block() {
    let mut net = Net::new();
    let (a, to) = (net.wallets[0].clone(), net.wallets[1].address);
    let mut draft = Draft::of(vec![send(&a, &to, 1)]);
    draft.body.timeout_height = 1;
    assert!(net.run(vec![draft.sign(&[&a])])[0].result.is_ok());
    let b = net.wallets[1].clone();
    draft.body.messages = vec![send(&b, &to, 1)];
    assert_eq!(net.run(vec![draft.sign(&[&b])])[0].code(), 30);
}

#[test]
fn a_message_of_another_cannot_be_slipped_in() {
    let mut net = Net::new();
    let [thief, victim] = [0, 1].map(|i| net.wallets[i].clone());
    let theft = MsgSend { from_address: victim.address.to_string(), to_address: thief.address.to_string(), amount: vec![coin(9)] };
    let draft = Draft::of(vec![send(&thief, &thief.address, 1), pack(&theft)]);
    let outcome = net.run(vec![draft.sign(&[&thief])]).remove(0);
    assert_eq!(outcome.code(), 4);
    let forged = Wallet { address: victim.address, number: victim.number, ..thief.clone() };
    assert_eq!(net.run(vec![draft.sign(&[&thief, &forged])])[0].code(), 8);
    assert_eq!(net.balance(&victim.address), FUNDS);
}
