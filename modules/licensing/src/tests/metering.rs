//! Sessions and vouchers.
use cairn_proto::cairn::licensing::v1::{
    MsgCloseSession, MsgCloseSessionResponse, MsgOpenSession, MsgSettleSession, MsgTopUp, MsgTransferLicense, QueryOpenSessionsRequest,
    QuerySessionRequest, Session, SessionStatus, SignedVoucher, SigningKey, SigningScheme,
};
use k256::ecdsa::signature::hazmat::PrehashSigner;

use super::*;
use crate::Voucher;

const PROVIDER: u8 = 8;
const OTHER: u8 = 9;

fn secp(seed: u8) -> k256::ecdsa::SigningKey {
    k256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn secp_key(seed: u8) -> Option<SigningKey> {
    let key = secp(seed).verifying_key().to_sec1_bytes().to_vec();
    Some(SigningKey { scheme: SigningScheme::Secp256k1.into(), key })
}

fn ed_key(seed: u8) -> Option<SigningKey> {
    let key = ed25519_consensus::SigningKey::from([seed; 32]).verification_key().to_bytes().to_vec();
    Some(SigningKey { scheme: SigningScheme::Ed25519.into(), key })
}

/// A voucher signed with the key of seed 1 on the test chain.
fn voucher(session: u64, calls: u64, amount: u128) -> SignedVoucher {
    let digest = Voucher { session, calls, amount, receipts_root: [7; 32] }.digest("cairn-test-1");
    let signature: k256::ecdsa::Signature = secp(1).sign_prehash(&digest).unwrap();
    SignedVoucher { calls, amount: amount.to_string(), receipts_root: vec![7; 32], signature: signature.to_bytes().to_vec() }
}

fn open(chain: &mut Chain, provider: u8, deposit: u128) -> Result<u64, Refusal> {
    let deposit = Some(coin(BASE_DENOM, deposit));
    let m = MsgOpenSession { licensee: name(BUYER), license_id: 1, provider: name(provider), deposit, blocks: 100 };
    chain.tx(|ctx| Licensing.open_session(ctx, m)).map(|response| response.session_id)
}

fn settle(chain: &mut Chain, session_id: u64, voucher: SignedVoucher) -> Result<u128, Refusal> {
    let m = MsgSettleSession { sender: name(3), session_id, voucher: Some(voucher) };
    chain.tx(|ctx| Licensing.settle_session(ctx, m)).map(|response| response.paid.unwrap().amount.parse().unwrap())
}

fn close(chain: &mut Chain, signer: u8, session_id: u64, voucher: Option<SignedVoucher>) -> Result<MsgCloseSessionResponse, Refusal> {
    let m = MsgCloseSession { signer: name(signer), session_id, voucher };
    chain.tx(|ctx| Licensing.close_session(ctx, m))
}

fn top_up(chain: &mut Chain, n: u8, session_id: u64, amount: proto::Coin) -> Result<(), Refusal> {
    let m = MsgTopUp { licensee: name(n), session_id, amount: Some(amount) };
    chain.tx(|ctx| Licensing.top_up(ctx, m)).map(drop)
}

fn session(chain: &mut Chain, session_id: u64) -> Session {
    chain.run(|ctx| Licensing.session(ctx, QuerySessionRequest { session_id })).unwrap().session.unwrap()
}

/// User 5 holds licence 1 for calls at 10 ucairn.
fn licensed_for_calls() -> Chain {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, per_call()).unwrap();
    buy(&mut chain, MsgBuyLicense { signing_key: secp_key(1), ..purchase(&id, None) }).unwrap();
    chain
}

#[test]
fn a_session_pays_fee_provider_and_asset_from_its_deposit() {
    let mut chain = licensed_for_calls();
    assert_eq!(open(&mut chain, PROVIDER, 10_000).unwrap(), 1);
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - 10_000);
    assert_eq!(settle(&mut chain, 1, voucher(1, 100, 1_000)).unwrap(), 1_000);
    // 1 % fee, half of the rest for the provider, the rest for two equal shareholders.
    assert_eq!(balance(&mut chain, PROVIDER, BASE_DENOM), 495);
    assert_eq!(settle(&mut chain, 1, voucher(1, 1_000, 10_000)).unwrap(), 9_000);
    assert_eq!(balance(&mut chain, PROVIDER, BASE_DENOM), 495 + 4_455);
    let found = session(&mut chain, 1);
    assert_eq!((found.calls, found.settled, found.receipts_root), (1_000, Some(coin(BASE_DENOM, 10_000)), vec![7; 32]));
    assert_invariants(&mut chain);
    close(&mut chain, PROVIDER, 1, None).unwrap();
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - 10_000);
    assert_invariants(&mut chain);
}

#[test]
fn ed25519_signs_vouchers_too() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, per_call()).unwrap();
    buy(&mut chain, MsgBuyLicense { signing_key: ed_key(3), ..purchase(&id, None) }).unwrap();
    open(&mut chain, PROVIDER, 100).unwrap();
    let digest = Voucher { session: 1, calls: 2, amount: 20, receipts_root: [0; 32] }.digest("cairn-test-1");
    let sign = |seed: u8| ed25519_consensus::SigningKey::from([seed; 32]).sign(&digest).to_bytes().to_vec();
    let signed = |signature| SignedVoucher { calls: 2, amount: "20".into(), receipts_root: vec![0; 32], signature };
    refused(settle(&mut chain, 1, signed(sign(4))), Error::VoucherSignature(1));
    refused(settle(&mut chain, 1, signed(vec![])), Error::VoucherSignature(1));
    assert_eq!(settle(&mut chain, 1, signed(sign(3))).unwrap(), 20);
}

#[test]
fn a_licence_for_calls_has_a_signing_key_and_no_other_has() {
    let mut chain = chain();
    let calls = offer(&mut chain, OWNER, per_call()).unwrap();
    let once = offer(&mut chain, OWNER, one_off()).unwrap();
    let bad = |scheme: i32, key: Vec<u8>| Some(SigningKey { scheme, key });
    for key in
        [None, bad(0, vec![2; 33]), bad(1, vec![2; 32]), bad(1, vec![4; 33]), bad(1, vec![4; 65]), bad(2, vec![2; 31]), bad(9, vec![])]
    {
        refused(buy(&mut chain, MsgBuyLicense { signing_key: key, ..purchase(&calls, None) }), Error::SigningKey);
    }
    let m = MsgBuyLicense { signing_key: secp_key(1), ..purchase(&once, Some(coin(ATOM, 500))) };
    refused(buy(&mut chain, m), Error::SigningKey);
    let m = MsgBuyLicense { signing_key: secp_key(1), public_key: vec![9; 32], ..purchase(&calls, None) };
    refused(buy(&mut chain, m), Error::PublicKey);
    let m = MsgBuyLicense { signing_key: secp_key(1), ..purchase(&calls, Some(coin(BASE_DENOM, 10))) };
    refused(buy(&mut chain, m), Error::Payment { expected: "nothing".into(), found: "10ucairn".into() });
    buy(&mut chain, MsgBuyLicense { signing_key: secp_key(1), ..purchase(&calls, None) }).unwrap();
    assert_invariants(&mut chain);
}

#[test]
fn a_session_is_opened_by_the_licensee_within_bounds() {
    let mut chain = licensed_for_calls();
    let once = offer(&mut chain, OWNER, one_off()).unwrap();
    buy(&mut chain, purchase(&once, Some(coin(ATOM, 500)))).unwrap();
    let right = MsgOpenSession {
        licensee: name(BUYER),
        license_id: 1,
        provider: name(PROVIDER),
        deposit: Some(coin(BASE_DENOM, 10)),
        blocks: 10_000,
    };
    let cases = [
        (MsgOpenSession { licensee: name(3), ..right.clone() }, Error::NotLicensee { license: 1, signer: name(3) }),
        (MsgOpenSession { license_id: 7, ..right.clone() }, Error::NoLicense(7)),
        (MsgOpenSession { license_id: 2, ..right.clone() }, Error::NotPerCall(2)),
        (MsgOpenSession { provider: name(OWNER), ..right.clone() }, Error::Provider(name(OWNER))),
        (MsgOpenSession { deposit: Some(coin(BASE_DENOM, 9)), ..right.clone() }, Error::Deposit("9ucairn".into())),
        (MsgOpenSession { deposit: Some(coin(ATOM, 100)), ..right.clone() }, Error::Deposit("100ibc/atom".into())),
        (MsgOpenSession { deposit: None, ..right.clone() }, Error::Deposit("nothing".into())),
        (MsgOpenSession { blocks: 10_001, ..right.clone() }, Error::SessionBlocks { most: 10_000, found: 10_001 }),
    ];
    for (m, error) in cases {
        refused(chain.tx(|ctx| Licensing.open_session(ctx, m)), error);
    }
    for _ in 0..16 {
        chain.tx(|ctx| Licensing.open_session(ctx, right.clone())).unwrap();
    }
    refused(chain.tx(|ctx| Licensing.open_session(ctx, right.clone())), Error::TooManySessions { license: 1, most: 16 });
    close(&mut chain, PROVIDER, 3, None).unwrap();
    chain.tx(|ctx| Licensing.open_session(ctx, right)).unwrap();
    let listed = chain.run(|ctx| Licensing.open_sessions(ctx, QueryOpenSessionsRequest { license_id: 1 })).unwrap().sessions;
    assert_eq!((listed.len(), listed[2].id, listed[15].id), (16, 4, 17));
    assert_invariants(&mut chain);
}

#[test]
fn where_the_terms_list_no_provider_it_is_the_owner() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, TermsContent { providers: vec![], ..per_call() }).unwrap();
    buy(&mut chain, MsgBuyLicense { signing_key: secp_key(1), ..purchase(&id, None) }).unwrap();
    refused(open(&mut chain, PROVIDER, 100), Error::Provider(name(PROVIDER)));
    open(&mut chain, OWNER, 100).unwrap();
}

#[test]
fn vouchers_only_grow_and_stay_within_price_and_deposit() {
    let mut chain = licensed_for_calls();
    open(&mut chain, PROVIDER, 1_000).unwrap();
    settle(&mut chain, 1, voucher(1, 10, 100)).unwrap();
    let old = |found| Error::OldVoucher { session: 1, last: 10, found };
    let bounds = |most, found| Error::VoucherBounds { session: 1, least: 100, most, found };
    refused(settle(&mut chain, 1, voucher(1, 10, 100)), old(10));
    refused(settle(&mut chain, 1, voucher(1, 9, 90)), old(9));
    refused(settle(&mut chain, 1, voucher(1, 11, 99)), bounds(110, 99));
    refused(settle(&mut chain, 1, voucher(1, 11, 111)), bounds(110, 111));
    refused(settle(&mut chain, 1, voucher(1, 101, 1_001)), bounds(1_000, 1_001));
    refused(settle(&mut chain, 1, voucher(1, u64::MAX, u128::MAX)), bounds(1_000, u128::MAX));
    refused(settle(&mut chain, 1, voucher(2, 11, 110)), Error::VoucherSignature(1));
    let mut forged = voucher(1, 11, 110);
    forged.receipts_root = vec![8; 32];
    refused(settle(&mut chain, 1, forged.clone()), Error::VoucherSignature(1));
    forged.receipts_root = vec![8; 31];
    refused(settle(&mut chain, 1, forged), Error::ReceiptsRoot(31));
    for amount in ["", "-1", "1.0", "340282366920938463463374607431768211456"] {
        refused(settle(&mut chain, 1, SignedVoucher { amount: amount.into(), ..voucher(1, 11, 110) }), Error::VoucherAmount(amount.into()));
    }
    refused(settle(&mut chain, 2, voucher(2, 1, 10)), Error::NoSession(2));
    let m = MsgSettleSession { sender: name(3), session_id: 1, voucher: None };
    refused(chain.tx(|ctx| Licensing.settle_session(ctx, m)), Error::NoVoucher);
    // A call may cost less than its price, and nothing.
    assert_eq!(settle(&mut chain, 1, voucher(1, 11, 100)).unwrap(), 0);
    assert_eq!(settle(&mut chain, 1, voucher(1, 100, 990)).unwrap(), 890);
    assert_invariants(&mut chain);
}

#[test]
fn a_deposit_grows_while_the_session_is_open() {
    let mut chain = licensed_for_calls();
    open(&mut chain, PROVIDER, 10).unwrap();
    refused(top_up(&mut chain, PROVIDER, 1, coin(BASE_DENOM, 10)), Error::NotParty { session: 1, signer: name(PROVIDER) });
    refused(top_up(&mut chain, BUYER, 1, coin(ATOM, 10)), Error::Deposit("10ibc/atom".into()));
    assert_eq!(top_up(&mut chain, BUYER, 1, coin(BASE_DENOM, 0)).unwrap_err().code, 10);
    top_up(&mut chain, BUYER, 1, coin(BASE_DENOM, 15)).unwrap();
    assert_eq!(settle(&mut chain, 1, voucher(1, 3, 25)).unwrap(), 25);
    close(&mut chain, BUYER, 1, None).unwrap();
    let error = Error::SessionState { session: 1, found: "SESSION_STATUS_CLOSING" };
    refused(top_up(&mut chain, BUYER, 1, coin(BASE_DENOM, 15)), error);
    assert_invariants(&mut chain);
}

#[test]
fn every_session_ends_by_itself() {
    let mut chain = licensed_for_calls();
    open(&mut chain, PROVIDER, 100).unwrap();
    settle(&mut chain, 1, voucher(1, 4, 40)).unwrap();
    end_block(&mut chain, 109);
    assert_eq!(session(&mut chain, 1).status(), SessionStatus::Open);
    end_block(&mut chain, 110);
    assert_eq!((session(&mut chain, 1).status(), session(&mut chain, 1).deadline), (SessionStatus::Closing, 170));
    end_block(&mut chain, 169);
    assert_invariants(&mut chain);
    end_block(&mut chain, 170);
    assert_eq!((session(&mut chain, 1).status(), session(&mut chain, 1).deadline), (SessionStatus::Closed, 0));
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - 40);
    let closed = || Error::SessionState { session: 1, found: "SESSION_STATUS_CLOSED" };
    refused(settle(&mut chain, 1, voucher(1, 5, 50)), closed());
    refused(close(&mut chain, PROVIDER, 1, None), closed());
    refused(close(&mut chain, BUYER, 1, None), closed());
    // Numbers are not used again.
    assert_eq!(open(&mut chain, PROVIDER, 100).unwrap(), 2);
    assert_invariants(&mut chain);
}

#[test]
fn a_session_does_not_outlast_its_licence_and_holds_it_fast() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, TermsContent { term_blocks: 50, ..per_call() }).unwrap();
    buy(&mut chain, MsgBuyLicense { signing_key: secp_key(1), ..purchase(&id, None) }).unwrap();
    open(&mut chain, PROVIDER, 100).unwrap();
    assert_eq!(session(&mut chain, 1).deadline, 60);
    let pass =
        |signing_key| MsgTransferLicense { licensee: name(BUYER), license_id: 1, new_licensee: name(7), signing_key, ..Default::default() };
    refused(chain.tx(|ctx| Licensing.transfer_license(ctx, pass(secp_key(2)))), Error::OpenSessions(1));
    close(&mut chain, PROVIDER, 1, None).unwrap();
    refused(chain.tx(|ctx| Licensing.transfer_license(ctx, pass(None))), Error::SigningKey);
    chain.tx(|ctx| Licensing.transfer_license(ctx, pass(secp_key(2)))).unwrap();
    assert_eq!(license(&mut chain, 1).signing_key, secp_key(2));
    chain.block.height = 60;
    let m = MsgOpenSession { licensee: name(7), license_id: 1, provider: name(8), deposit: Some(coin(BASE_DENOM, 10)), blocks: 0 };
    refused(chain.tx(|ctx| Licensing.open_session(ctx, m)), Error::Expired { license: 1, expires: 60 });
}

#[test]
fn only_the_two_parties_close_a_session() {
    let mut chain = licensed_for_calls();
    open(&mut chain, PROVIDER, 100).unwrap();
    refused(close(&mut chain, OTHER, 1, None), Error::NotParty { session: 1, signer: name(OTHER) });
    refused(close(&mut chain, BUYER, 1, Some(voucher(1, 1, 10))), Error::ForeignVoucher(1));
    refused(close(&mut chain, BUYER, 2, None), Error::NoSession(2));
    refused(close(&mut chain, PROVIDER, 1, Some(voucher(1, 1, 11))), Error::VoucherBounds { session: 1, least: 0, most: 10, found: 11 });
    let done = close(&mut chain, PROVIDER, 1, Some(voucher(1, 3, 30))).unwrap();
    assert_eq!((done.status(), done.deadline), (SessionStatus::Closed, 0));
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - 30);
    assert_invariants(&mut chain);
}

/// An attacker with one deposit promises the same money to two providers.
#[test]
fn two_providers_cannot_be_paid_by_one_deposit() {
    let mut chain = licensed_for_calls();
    open(&mut chain, PROVIDER, 100).unwrap();
    let promised = voucher(1, 10, 100);
    // The second provider serves only on a voucher of a session that names it. The first one's voucher pays the first, whoever brings it,
    // and is no voucher of another session.
    open(&mut chain, OTHER, 10).unwrap();
    refused(settle(&mut chain, 2, promised.clone()), Error::VoucherBounds { session: 2, least: 0, most: 10, found: 100 });
    top_up(&mut chain, BUYER, 2, coin(BASE_DENOM, 90)).unwrap();
    refused(settle(&mut chain, 2, promised.clone()), Error::VoucherSignature(2));
    refused(close(&mut chain, OTHER, 1, Some(promised.clone())), Error::NotParty { session: 1, signer: name(OTHER) });
    settle(&mut chain, 1, promised).unwrap();
    let paid = [PROVIDER, OTHER].map(|n| balance(&mut chain, n, BASE_DENOM));
    assert_eq!(paid, [49, 0]);
    // What was promised to the second is in its own deposit.
    settle(&mut chain, 2, voucher(2, 10, 100)).unwrap();
    assert_eq!(balance(&mut chain, OTHER, BASE_DENOM), 49);
    println!("attacker's gain 0ucairn: it prepaid 200 and was served for 200; others' loss 0ucairn");
    assert_invariants(&mut chain);
}

/// A licensee settles an old voucher and closes, to have back what it owes.
#[test]
fn close_races_newest_voucher_and_loses() {
    let mut chain = licensed_for_calls();
    open(&mut chain, PROVIDER, 1_000).unwrap();
    settle(&mut chain, 1, voucher(1, 1, 10)).unwrap();
    let done = close(&mut chain, BUYER, 1, None).unwrap();
    assert_eq!((done.status(), done.deadline), (SessionStatus::Closing, 70));
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - 1_000, "nothing comes back before the window is over");
    refused(close(&mut chain, BUYER, 1, None), Error::SessionState { session: 1, found: "SESSION_STATUS_CLOSING" });
    // The newest voucher comes in the last block of the window, and an older one after it changes nothing.
    chain.block.height = 70;
    assert_eq!(settle(&mut chain, 1, voucher(1, 100, 1_000)).unwrap(), 990);
    refused(settle(&mut chain, 1, voucher(1, 50, 500)), Error::OldVoucher { session: 1, last: 100, found: 50 });
    end_block(&mut chain, 70);
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - 1_000);
    println!("attacker's gain 0ucairn; provider's loss 0ucairn");
    assert_invariants(&mut chain);
}

/// Vouchers, top-ups, closings and blocks in any order: what is paid is what the newest voucher states, never more than was prepaid.
#[test]
fn a_voucher_never_pays_twice_or_above_the_prepaid_in_any_order() {
    for seed in 0..24 {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1);
        let mut below = |n: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % n
        };
        let mut chain = licensed_for_calls();
        let (mut prepaid, mut newest) = ([0_u128; 3], [0_u128; 3]);
        for (i, provider) in [(1, PROVIDER), (2, OTHER)] {
            prepaid[i] = 10 + u128::from(below(500));
            open(&mut chain, provider, prepaid[i]).unwrap();
        }
        for _ in 0..120 {
            let i = 1 + below(2) as usize;
            let id = i as u64;
            match below(12) {
                0 => {
                    let more = u128::from(below(200));
                    if top_up(&mut chain, BUYER, id, coin(BASE_DENOM, more)).is_ok() {
                        prepaid[i] += more;
                    }
                }
                1 if below(10) == 0 => drop(close(&mut chain, BUYER, id, None)),
                2 if below(20) == 0 => drop(close(&mut chain, [PROVIDER, OTHER][i - 1], id, None)),
                3 => {
                    let height = chain.block.height + below(30);
                    end_block(&mut chain, height);
                }
                _ => {
                    let calls = below(100);
                    let amount = u128::from(calls * 10).saturating_sub(u128::from(below(20)));
                    let signed = voucher(1 + below(2), calls, amount);
                    if let Ok(paid) = settle(&mut chain, id, signed) {
                        assert_eq!(newest[i] + paid, amount, "the difference to the newest, seed {seed}");
                        newest[i] = amount;
                    }
                }
            }
            assert!(newest[1] <= prepaid[1] && newest[2] <= prepaid[2], "seed {seed}");
            assert_invariants(&mut chain);
        }
        for height in [20_000, 30_000] {
            end_block(&mut chain, height);
        }
        // Whatever happened, everything has ended, and the licensee has back what no voucher stated.
        assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - newest[1] - newest[2], "seed {seed}");
        assert!((1..=2).all(|id| session(&mut chain, id).status() == SessionStatus::Closed));
        assert_invariants(&mut chain);
    }
}

#[test]
fn sessions_survive_export_and_import() {
    let mut before = licensed_for_calls();
    open(&mut before, PROVIDER, 100).unwrap();
    open(&mut before, OTHER, 50).unwrap();
    settle(&mut before, 1, voucher(1, 4, 40)).unwrap();
    close(&mut before, OTHER, 2, None).unwrap();
    let exported = before.run(|ctx| Licensing.export(ctx)).unwrap();
    let mut after = chain();
    let held = [Coin::base(60)];
    after.tx(|ctx| bank::send(ctx, &user(BUYER), &crate::ACCOUNT.address(), &held)).unwrap();
    after.tx(|ctx| Licensing.init(ctx, exported.clone())).unwrap();
    assert_eq!(after.run(|ctx| Licensing.export(ctx)).unwrap(), exported);
    assert_invariants(&mut after);
    settle(&mut after, 1, voucher(1, 10, 100)).unwrap();
    for spoil in
        [|s: &mut Session| s.id = 9, |s: &mut Session| s.deadline = 0, |s: &mut Session| s.license_id = 9, |s: &mut Session| s.price = None]
    {
        let mut genesis = exported.clone();
        spoil(&mut genesis.sessions[0]);
        assert_eq!(chain().tx(|ctx| Licensing.init(ctx, genesis)).unwrap_err().codespace, "licensing");
    }
}
