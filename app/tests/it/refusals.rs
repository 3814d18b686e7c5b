//! Every way in which a transaction is refused before its messages run, by code and text.
use bytes::Bytes;
use cairn_kernel::Address;
use cairn_proto::{
    Any,
    cairn::beacon::v1::MsgRevealBeacon,
    cosmos::{
        bank::v1beta1::{Input, MsgMultiSend, MsgSend},
        base::v1beta1::Coin,
        crypto::{ed25519, multisig::LegacyAminoPubKey, secp256k1::PubKey},
        tx::{
            signing::v1beta1::SignMode,
            v1beta1::{AuthInfo, ModeInfo, TxRaw, mode_info},
        },
    },
    ibc::applications::interchain_accounts::host::v1::MsgUpdateParams,
    pack,
};
use prost::Message;

use crate::support::*;

/// What a row may change: the draft before it is signed, the signed part, the signed transaction.
#[derive(Default)]
struct Row {
    name: &'static str,
    code: u32,
    text: &'static str,
    draft: Option<fn(&mut Draft, &Net)>,
    auth: Option<fn(&mut AuthInfo, &Net)>,
    raw: Option<fn(&mut TxRaw)>,
    signers: &'static [usize],
}

fn row(name: &'static str, code: u32, text: &'static str) -> Row {
    Row { name, code, text, signers: &[0], ..Row::default() }
}

impl Row {
    fn draft(self, f: fn(&mut Draft, &Net)) -> Self {
        Self { draft: Some(f), ..self }
    }
    fn auth(self, f: fn(&mut AuthInfo, &Net)) -> Self {
        Self { auth: Some(f), ..self }
    }
    fn raw(self, f: fn(&mut TxRaw)) -> Self {
        Self { raw: Some(f), ..self }
    }
    fn signers(self, signers: &'static [usize]) -> Self {
        Self { signers, ..self }
    }
    fn tx(&self, net: &Net) -> Bytes {
        let signers: Vec<&Wallet> = self.signers.iter().map(|i| &net.wallets[*i]).collect();
        let mut draft = Draft::of(vec![send(&net.wallets[0], &net.wallets[1].address, 5)]);
        if let Some(f) = self.draft {
            f(&mut draft, net);
        }
        let mut auth = draft.auth(&signers);
        if let Some(f) = self.auth {
            f(&mut auth, net);
        }
        let mut raw = draft.seal(&auth, &signers);
        if let Some(f) = self.raw {
            f(&mut raw);
        }
        raw.encode_to_vec().into()
    }
}

fn form_rows() -> Vec<Row> {
    vec![
        row("garbage", 2, "tx parse error").raw(|r| r.body_bytes = vec![0xff; 9]),
        row("unknown field", 2, "errUnknownField").raw(|r| r.body_bytes.extend([0x20, 1])),
        row("unknown type", 2, "unable to resolve type URL")
            .draft(|d, _| d.body.messages = vec![Any { type_url: "/no.such.Msg".into(), value: vec![] }]),
        row("no messages", 18, "must contain at least one message: invalid request").draft(|d, _| d.body.messages.clear()),
        row("no fee", 2, "missing fee").auth(|a, _| a.fee = None),
        row("no handler", 6, "unknown request").draft(|d, _| d.body.messages = vec![pack(&MsgUpdateParams::default())]),
        row("extension option", 31, "unknown extension options").draft(|d, _| {
            d.body.extension_options = vec![pack(&MsgSend::default())];
        }),
        row("absurd gas", 41, "tx gas limit 9223372036854775808 exceeds block max gas 20000000: invalid gas limit")
            .draft(|d, _| d.fee.gas_limit = 1 << 63),
        row("more gas than a block", 41, "tx gas limit 20000001 exceeds block max gas 20000000: invalid gas limit")
            .draft(|d, _| d.fee.gas_limit = MAX_GAS + 1),
        row("long memo", 12, "maximum number of characters is 256 but received 257 characters: memo too large")
            .draft(|d, _| d.body.memo = "m".repeat(257)),
        row("no gas", 11, "out of gas in location: ").draft(|d, _| d.fee.gas_limit = 0),
        row("bad address", 7, "invalid address").draft(|d, _| {
            d.body.messages = vec![pack(&MsgSend { from_address: "cosmos1x".into(), ..MsgSend::default() })];
        }),
        row("a proposer's message", 4, "names no signer")
            .draft(|d, _| d.body.messages.push(pack(&MsgRevealBeacon { height: 1, proof: vec![0; 80] }))),
    ]
}

fn fee_rows() -> Vec<Row> {
    vec![
        row("other coin", 10, "fees are paid in ucairn, found \"uother\": invalid coins").draft(|d, _| {
            d.fee.amount = vec![Coin { denom: "uother".into(), amount: "5".into() }];
        }),
        row("two coins", 10, "invalid coins").draft(|d, _| d.fee.amount = vec![coin(1), coin(2)]),
        row("negative", 13, "invalid fee amount").draft(|d, _| d.fee.amount[0].amount = "-5".into()),
        row("too much", 5, "insufficient funds").draft(|d, _| d.fee.amount = vec![coin(FUNDS + 1)]),
        row("granter without a grant", 38, "fee-grant not found: not found")
            .draft(|d, net| d.fee.granter = net.wallets[2].address.to_string()),
        row("bad granter", 7, "invalid address").draft(|d, _| d.fee.granter = "nobody".into()),
        row("bad payer", 7, "invalid address").draft(|d, _| d.fee.payer = "nobody".into()),
        row("unknown payer", 9, "does not exist: unknown address")
            .draft(|d, _| d.fee.payer = Wallet::new(77).address.to_string())
            .signers(&[0, 1]),
        row("payer does not sign", 4, "invalid number of signer;  expected: 2, got 1: unauthorized")
            .draft(|d, net| d.fee.payer = net.wallets[1].address.to_string()),
        #[allow(deprecated)]
        row("tip", 37, "feature not supported").auth(|a, _| a.tip = Some(cairn_proto::cosmos::tx::v1beta1::Tip::default())),
    ]
}

fn signature_rows() -> Vec<Row> {
    vec![
        row("none", 15, "no signatures supplied").raw(|r| r.signatures.clear()),
        row("one too many", 4, "invalid number of signer;  expected: 1, got 2: unauthorized").signers(&[0, 1]),
        row("a message of eight", 14, "signers: more than 7, limit: 7: maximum number of signatures exceeded").draft(|d, _| {
            let input = |n: u8| Input { address: Address::new(&[n; 20]).unwrap().to_string(), coins: vec![] };
            d.body.messages = vec![pack(&MsgMultiSend { inputs: (1..=8).map(input).collect(), outputs: vec![] })];
        }),
        row("eight", 14, "signatures: 8, limit: 7: maximum number of signatures exceeded").raw(|r| {
            r.signatures = vec![vec![1; 64]; 8];
        }),
        row("of another", 8, "pubKey does not match signer address").signers(&[1]),
        row("sequence ahead", 32, "account sequence mismatch, expected 0, got 7: incorrect account sequence")
            .auth(|a, _| a.signer_infos[0].sequence = 7),
        row(
            "other chain",
            4,
            "signature verification failed; please verify account number (1), sequence (0) and chain-id (cairn-it-1): unauthorized",
        )
        .draft(|d, _| d.chain_id = "cairn-it-2".into()),
        row("tampered", 4, "signature verification failed").raw(|r| r.signatures[0][3] ^= 1),
        row("short", 4, "signature verification failed").raw(|r| r.signatures[0].truncate(63)),
        row("empty", 4, "signature verification failed").raw(|r| r.signatures[0].clear()),
        row("high s", 4, "signature verification failed").raw(|r| {
            let low = k256::ecdsa::Signature::from_slice(&r.signatures[0]).unwrap();
            r.signatures[0] = k256::ecdsa::Signature::from_scalars(low.r(), -low.s()).unwrap().to_bytes().to_vec();
        }),
        row("body changed after signing", 4, "signature verification failed").raw(|r| r.body_bytes.extend([0x12, 1, b'm'])),
        row("a direct signature as an amino one", 4, "signature verification failed").draft(|d, _| d.mode = SignMode::LegacyAminoJson),
        row("textual", 37, "found SIGN_MODE_TEXTUAL: feature not supported").draft(|d, _| d.mode = SignMode::Textual),
        row("no mode", 37, "found no mode").auth(|a, _| a.signer_infos[0].mode_info = None),
        row("multisignature", 37, "found a multisignature").auth(|a, _| {
            let multi = mode_info::Multi::default();
            a.signer_infos[0].mode_info = Some(ModeInfo { sum: Some(mode_info::Sum::Multi(multi)) });
        }),
        row("no key", 8, "pubkey on account is not set: invalid pubkey").auth(|a, _| a.signer_infos[0].public_key = None),
        row("multisig key without keys", 8, "expected a threshold of 1 to 0, the number of keys, found 0: invalid pubkey").auth(|a, _| {
            a.signer_infos[0].public_key = Some(pack(&LegacyAminoPubKey::default()));
        }),
        row("ed25519 key", 8, "invalid pubkey").auth(|a, _| {
            a.signer_infos[0].public_key = Some(pack(&ed25519::PubKey { key: vec![1; 32] }));
        }),
        row("long key", 8, "33 bytes, found 65: invalid pubkey").auth(|a, _| {
            a.signer_infos[0].public_key = Some(pack(&PubKey { key: vec![4; 65] }));
        }),
    ]
}

#[test]
fn every_refusal_has_its_code_and_text_in_check_and_in_a_block() {
    for row in form_rows().into_iter().chain(fee_rows()).chain(signature_rows()) {
        let mut net = Net::new();
        let tx = row.tx(&net);
        let mut block = net.propose(vec![]);
        block.txs.push(tx.clone());
        for (place, outcome) in [("check", net.app.check_tx(&tx).unwrap()), ("block", net.apply(&block).outcomes.remove(1))] {
            let error = outcome.result.expect_err(row.name);
            assert_eq!((error.codespace, error.code), ("sdk", row.code), "{} in {place}: {}", row.name, error.log);
            assert!(error.log.contains(row.text), "{} in {place}: {}", row.name, error.log);
            assert!(outcome.events.is_empty(), "{} in {place}", row.name);
        }
        for wallet in &net.wallets {
            assert_eq!((net.balance(&wallet.address), net.account(&wallet.address).sequence), (FUNDS, 0), "{}", row.name);
        }
    }
}

#[test]
fn the_unchanged_row_is_accepted() {
    let mut net = Net::new();
    let tx = row("as it is", 0, "").tx(&net);
    assert_eq!(net.app.check_tx(&tx).unwrap().code(), 0);
    assert!(net.run(vec![tx])[0].result.is_ok());
}

#[test]
fn a_transaction_counts_once() {
    let mut net = Net::new();
    let mut a = net.wallets[0].clone();
    let tx = transfer(&mut a, &Address::module("x"), 1);
    assert!(net.run(vec![tx.clone()])[0].result.is_ok());
    let again = net.run(vec![tx.clone()]).remove(0).result.unwrap_err();
    assert_eq!(again.code, 32);
    assert_eq!(again.log, "account sequence mismatch, expected 1, got 0: incorrect account sequence");
    let mut net = net.restart();
    assert_eq!(net.run(vec![tx])[0].code(), 32, "after a restart too");
}

#[test]
fn another_account_number_is_another_account() {
    let mut net = Net::new();
    let a = Wallet { number: 2, ..net.wallets[0].clone() };
    let tx = Draft::of(vec![send(&a, &a.address, 1)]).sign(&[&a]);
    let error = net.run(vec![tx]).remove(0).result.unwrap_err();
    assert!(error.log.contains("account number (1)"), "{}", error.log);
}

#[test]
fn the_largest_memo_and_no_fee_are_accepted() {
    let mut net = Net::new();
    let a = net.wallets[0].clone();
    let mut draft = Draft::of(vec![send(&a, &a.address, 1)]);
    draft.body.memo = "m".repeat(256);
    draft.fee.amount = vec![coin(0)];
    let outcome = net.run(vec![draft.sign(&[&a])]).remove(0);
    assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    assert_eq!(net.balance(&a.address), FUNDS);
}

#[test]
fn oversize_is_refused_unread() {
    let net = Net::new();
    let outcome = net.app.check_tx(&Bytes::from(vec![0; 1024 * 1024 + 1])).unwrap();
    assert_eq!(outcome.code(), 21);
}
