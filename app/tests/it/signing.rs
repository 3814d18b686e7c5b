//! Amino JSON and multisignatures, as wallets make them.
use bytes::Bytes;
use cairn_app::{
    Genesis,
    amino::{Amino, Signer as AminoSigner},
    api::json::{Dialect, decode_base64},
    tx::Decoder,
};
use cairn_kernel::Address;
use cairn_proto::{
    Any,
    cosmos::{
        bank::v1beta1::MsgSend,
        crypto::{
            multisig::{
                LegacyAminoPubKey,
                v1beta1::{CompactBitArray, MultiSignature},
            },
            secp256k1::PubKey,
        },
        tx::{
            signing::v1beta1::SignMode,
            v1beta1::{AuthInfo, ModeInfo, SignerInfo, TxRaw, mode_info},
        },
    },
    pack,
};
use prost::Message;
use serde_json::{Value, json};

use crate::support::*;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../src/amino/golden.json")).unwrap()
}

fn bytes(tx: &Value) -> Bytes {
    decode_base64(tx.as_str().unwrap()).unwrap().into()
}

/// The document of a transaction that is not signed yet.
fn document(raw: &TxRaw, number: u64, sequence: u64) -> Vec<u8> {
    let tx = Decoder::new(Dialect::cairn().pool()).unwrap().decode(&raw.encode_to_vec().into()).unwrap();
    let amino = Amino::cairn();
    let signer = AminoSigner { chain_id: CHAIN_ID, account_number: number, sequence };
    amino.document(&tx, &amino.messages(&tx).unwrap(), signer).into_bytes()
}

/// Signed by `wallets` in amino JSON.
fn amino(draft: &Draft, wallets: &[&Wallet]) -> Bytes {
    let draft = Draft { mode: SignMode::LegacyAminoJson, ..draft.clone() };
    let mut raw = draft.seal(&draft.auth(wallets), wallets);
    raw.signatures = wallets.iter().map(|w| w.sign(&document(&raw, w.number, w.sequence))).collect();
    raw.encode_to_vec().into()
}

#[test]
fn what_cosmjs_signed_passes_and_with_another_signature_does_not() {
    let net = Net::new();
    let routed: Vec<_> = net.app.router().msg_urls().map(str::to_owned).collect();
    let golden = golden();
    let of_this_chain = |one: &&Value| routed.iter().any(|url| one["url"] == url.as_str());
    for one in golden["singles"].as_array().unwrap().iter().filter(of_this_chain) {
        let mut raw = TxRaw::decode(bytes(&one["tx"])).unwrap();
        raw.signatures[0][9] ^= 1;
        assert_eq!(net.app.check_tx(&raw.encode_to_vec().into()).unwrap().code(), 4, "{}", one["url"]);
    }
    // All have the sequence 0: one of them counts.
    let send = golden["singles"].as_array().unwrap().iter().find(|one| one["url"] == "/cosmos.bank.v1beta1.MsgSend").unwrap();
    assert_eq!(net.app.check_tx(&bytes(&send["tx"])).unwrap().code(), 0);
}

#[test]
fn an_amino_signature_moves_coins_in_a_block_beside_a_direct_one() {
    let mut net = Net::new();
    let [a, b] = [0, 1].map(|i| net.wallets[i].clone());
    let to = Wallet::new(90).address;
    let outcomes = net.run(vec![amino(&Draft::of(vec![send(&a, &to, 5)]), &[&a]), Draft::of(vec![send(&b, &to, 6)]).sign(&[&b])]);
    assert!(outcomes.iter().all(|o| o.result.is_ok()));
    assert_eq!(net.balance(&to), 11);
}

#[test]
fn signers_of_one_transaction_sign_documents_of_their_own() {
    let mut net = Net::new();
    let [a, b] = [0, 1].map(|i| net.wallets[i].clone());
    let draft = Draft::of(vec![send(&a, &b.address, 1), send(&b, &a.address, 2)]).gas(400_000);
    assert!(net.run(vec![amino(&draft, &[&a, &b])])[0].result.is_ok());
}

#[test]
fn an_amino_signature_does_not_cover_options_and_so_they_are_refused() {
    let mut net = Net::new();
    let a = net.wallets[0].clone();
    let draft = Draft { mode: SignMode::LegacyAminoJson, ..Draft::of(vec![send(&a, &a.address, 1)]) };
    let mut raw = draft.seal(&draft.auth(&[&a]), &[&a]);
    raw.signatures = vec![a.sign(&document(&raw, a.number, 0))];
    assert_eq!(net.app.check_tx(&raw.encode_to_vec().into()).unwrap().code(), 0);
    // A field that its author declared safe to ignore, number 1024.
    raw.body_bytes.extend([0x82, 0x40, 0]);
    let refused = net.run(vec![raw.encode_to_vec().into()]).remove(0).result.unwrap_err();
    assert_eq!(refused.code, 4, "{}", refused.log);
}

/// A 2-of-3 account of the wallets 1, 2 and 3, with the account number 50.
struct Multisig {
    net: Net,
    key: LegacyAminoPubKey,
    account: Wallet,
}

impl Multisig {
    fn new() -> Self {
        Self::of(&[1, 2, 3])
    }
    fn of(members: &[u8]) -> Self {
        let keys = members.iter().map(|n| Wallet::new(*n).public()).collect();
        let key = LegacyAminoPubKey { threshold: 2, public_keys: keys };
        let address = address(&key);
        let mut state = app_state();
        let account = json!({ "@type": "/cosmos.auth.v1beta1.BaseAccount", "address": address.to_string(), "account_number": "50" });
        state["auth"]["accounts"].as_array_mut().unwrap().push(account);
        let balance = json!({ "address": address.to_string(), "coins": [{ "denom": "ucairn", "amount": "1000000" }] });
        state["bank"]["balances"].as_array_mut().unwrap().push(balance);
        let net = Net::with(&Genesis { app_state: state.to_string().into_bytes(), ..genesis() });
        Self { net, key, account: Wallet { address, number: 50, ..Wallet::new(60) } }
    }
    /// A transfer signed by these members, before `change`.
    fn tx(&self, members: &[usize], change: impl Fn(&mut Parts)) -> Bytes {
        let draft = Draft::of(vec![send(&self.account, &Wallet::new(90).address, 5)]);
        let body = draft.body.encode_to_vec();
        let mut bits = vec![0; self.key.public_keys.len().div_ceil(8)];
        members.iter().for_each(|m| bits[m / 8] |= 0x80 >> (m % 8));
        let size = u32::try_from(self.key.public_keys.len() % 8).unwrap();
        let single = ModeInfo { sum: Some(mode_info::Sum::Single(mode_info::Single { mode: SignMode::LegacyAminoJson.into() })) };
        let mut parts = Parts {
            key: self.key.clone(),
            multi: mode_info::Multi {
                bitarray: Some(CompactBitArray { extra_bits_stored: size, elems: bits }),
                mode_infos: vec![single; members.len()],
            },
            signatures: vec![],
        };
        let auth = |parts: &Parts| AuthInfo {
            signer_infos: vec![SignerInfo {
                public_key: Some(pack(&parts.key)),
                mode_info: Some(ModeInfo { sum: Some(mode_info::Sum::Multi(parts.multi.clone())) }),
                sequence: 0,
            }],
            fee: Some(draft.fee.clone()),
            ..AuthInfo::default()
        };
        let raw = TxRaw { body_bytes: body.clone(), auth_info_bytes: auth(&parts).encode_to_vec(), signatures: vec![vec![]] };
        let document = document(&raw, 50, 0);
        parts.signatures = members.iter().map(|m| Wallet::new(u8::try_from(m + 1).unwrap()).sign(&document)).collect();
        change(&mut parts);
        let signature = MultiSignature { signatures: parts.signatures.clone() }.encode_to_vec();
        TxRaw { body_bytes: body, auth_info_bytes: auth(&parts).encode_to_vec(), signatures: vec![signature] }.encode_to_vec().into()
    }
    fn code(&self, members: &[usize], change: impl Fn(&mut Parts)) -> u32 {
        self.net.app.check_tx(&self.tx(members, change)).unwrap().code()
    }
}

struct Parts {
    key: LegacyAminoPubKey,
    multi: mode_info::Multi,
    signatures: Vec<Vec<u8>>,
}

/// The first 20 bytes of SHA-256 over amino's bytes of the key, written out here once more.
fn address(key: &LegacyAminoPubKey) -> Address {
    use sha2::{Digest, Sha256};
    let mut bytes = vec![0x22, 0xc1, 0xf7, 0xe2, 8, u8::try_from(key.threshold).unwrap()];
    for member in &key.public_keys {
        bytes.extend([0x12, 38, 0xeb, 0x5a, 0xe9, 0x87, 33]);
        bytes.extend(PubKey::decode(&*member.value).unwrap().key);
    }
    Address::new(&Sha256::digest(bytes)[..20]).unwrap()
}

#[test]
fn cosmjs_and_this_chain_agree_on_a_multisig_account() {
    let Multisig { mut net, account, .. } = Multisig::new();
    let made = &golden()["multisig"];
    assert_eq!(made["address"], account.address.to_string());
    let tx = bytes(&made["tx"]);
    assert!(net.run(vec![tx.clone()])[0].result.is_ok());
    assert_eq!(net.account(&account.address).sequence, 1);
    assert_eq!(net.run(vec![tx])[0].code(), 32, "it counts once");
}

#[test]
fn enough_members_in_the_order_of_their_bits_move_its_coins() {
    for members in [&[0, 1][..], &[0, 2], &[1, 2], &[0, 1, 2]] {
        let mut multisig = Multisig::new();
        let tx = multisig.tx(members, |_| {});
        let outcome = multisig.net.run(vec![tx]).remove(0);
        assert!(outcome.result.is_ok(), "{members:?}: {:?}", outcome.result);
    }
}

#[test]
fn each_way_to_break_a_multisignature_is_refused() {
    let multisig = Multisig::new();
    assert_eq!(multisig.code(&[1], |_| {}), 4, "one of two");
    assert_eq!(multisig.code(&[], |_| {}), 4, "none");
    type Case = (&'static str, u32, fn(&mut Parts));
    let refused: [Case; 14] = [
        ("swapped", 4, |p| p.signatures.swap(0, 1)),
        ("tampered", 4, |p| p.signatures[1][5] ^= 1),
        ("short", 4, |p| p.signatures[1].truncate(63)),
        ("one signature twice", 4, |p| p.signatures[1] = p.signatures[0].clone()),
        ("a signature more", 4, |p| p.signatures.push(vec![1; 64])),
        ("a signature less", 4, |p| p.signatures.truncate(1)),
        ("a mode more", 4, |p| p.multi.mode_infos.push(p.multi.mode_infos[0].clone())),
        ("other bits", 4, |p| p.multi.bitarray.as_mut().unwrap().elems = vec![0b1100_0000]),
        ("more bits than signatures", 4, |p| p.multi.bitarray.as_mut().unwrap().elems = vec![0b1110_0000]),
        ("bits beyond the keys", 4, |p| p.multi.bitarray.as_mut().unwrap().elems = vec![0b1011_0000]),
        ("no bits", 4, |p| p.multi.bitarray = None),
        ("a member in an unknown mode", 37, |p| p.multi.mode_infos[0].sum = None),
        ("a lower threshold", 8, |p| p.key.threshold = 1),
        ("other members", 8, |p| p.key.public_keys.swap(0, 1)),
    ];
    for (name, code, change) in refused {
        assert_eq!(multisig.code(&[0, 2], change), code, "{name}");
    }
    assert_eq!(multisig.code(&[0, 2], |_| {}), 0);
}

#[test]
fn members_count_against_the_limit_of_signatures() {
    assert_eq!(Multisig::of(&[1, 2, 3, 4, 5, 6, 7]).code(&[0, 6], |_| {}), 0);
    assert_eq!(Multisig::of(&[1, 2, 3, 4, 5, 6, 7, 8]).code(&[0, 6], |_| {}), 14);
}

#[test]
fn a_single_signature_is_none_of_a_threshold_key_nor_the_other_way_round() {
    let multisig = Multisig::new();
    let member = Wallet::new(1);
    let draft = Draft { mode: SignMode::LegacyAminoJson, ..Draft::of(vec![send(&multisig.account, &member.address, 5)]) };
    let mut auth = draft.auth(&[&member]);
    auth.signer_infos[0].public_key = Some(pack(&multisig.key));
    let mut raw = draft.seal(&auth, &[&member]);
    raw.signatures = vec![member.sign(&document(&raw, 50, 0))];
    assert_eq!(multisig.net.app.check_tx(&raw.encode_to_vec().into()).unwrap().code(), 4);
}

#[test]
fn a_simulation_of_a_multisig_account_is_close_to_what_it_will_use() {
    use cairn_app::api::Chain;
    use cairn_proto::cosmos::tx::v1beta1::SimulateResponse;
    let mut multisig = Multisig::new();
    multisig.net.run(vec![]);
    let mut raw = TxRaw::decode(multisig.tx(&[0, 2], |_| {})).unwrap();
    raw.signatures = vec![vec![]];
    let found = SimulateResponse::decode(&*multisig.net.app.simulate(&raw.encode_to_vec()).unwrap()).unwrap();
    let tx = multisig.tx(&[0, 2], |_| {});
    let used = multisig.net.run(vec![tx]).remove(0).gas_used;
    let estimate = found.gas_info.unwrap().gas_used;
    assert!((used * 97 / 100..=used * 110 / 100).contains(&estimate), "estimated {estimate}, used {used}");
}

#[test]
fn nested_and_foreign_keys_are_refused() {
    let multisig = Multisig::new();
    let nested: fn(&mut Parts) = |p| p.key.public_keys[0] = pack(&p.key.clone());
    assert_eq!(multisig.code(&[0, 2], nested), 8);
    let foreign: fn(&mut Parts) =
        |p| p.key.public_keys[0] = Any { type_url: "/cosmos.crypto.ed25519.PubKey".into(), value: p.key.public_keys[0].value.clone() };
    assert_eq!(multisig.code(&[0, 2], foreign), 8);
    let none: fn(&mut Parts) = |p| p.key.public_keys[0] = pack(&MsgSend::default());
    assert_eq!(multisig.code(&[0, 2], none), 8);
}
