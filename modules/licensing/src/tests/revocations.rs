//! Revocation by a jury's verdict.
use cairn_dispute::{Court, Statement, Verdict};
use cairn_proto::cairn::licensing::v1::{
    LicenseStatus, MsgOpenSession, MsgRenewLicense, MsgRequestRevocation, MsgTransferLicense, QuerySessionRequest, SessionStatus,
    SigningKey, SigningScheme,
};

use super::*;

fn statement() -> Option<Statement> {
    Some(Statement { uri: "https://example.org/breach".into(), sha256: vec![6; 32] })
}

fn request(chain: &mut Chain, owner: u8, license_id: u64) -> Result<u64, Refusal> {
    let m = MsgRequestRevocation { owner: name(owner), license_id, statement: statement() };
    chain.tx(|ctx| Licensing.request_revocation(ctx, m)).map(|response| response.case_id)
}

/// Carries a verdict out as module dispute does.
fn verdict(chain: &mut Chain, case: u64, verdict: Verdict) {
    let carry = |ctx: &mut cairn_kernel::Ctx| {
        let case = cairn_dispute::case(ctx, case)?;
        let courts = ctx.hooks::<Arc<dyn Court>>();
        let court = courts.iter().find(|court| court.module() == "licensing").unwrap();
        assert_eq!(court.jury_fee(ctx, &case, verdict, &Coin::base(5))?, Coin::base(0));
        court.verdict(ctx, &case, verdict)
    };
    chain.tx(carry).unwrap();
}

/// User 5 holds licence 1 with two further users; the owner can pay bonds.
fn held() -> Chain {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, period()).unwrap();
    buy(&mut chain, MsgBuyLicense { users: vec![name(6), name(7)], ..purchase(&id, Some(coin(BASE_DENOM, 200))) }).unwrap();
    fund(&mut chain, OWNER, BASE_DENOM, 10_000_000);
    chain
}

#[test]
fn a_verdict_revokes_and_nothing_else_does() {
    let mut chain = held();
    let case = request(&mut chain, OWNER, 1).unwrap();
    assert_eq!(license(&mut chain, 1).revocation_case, case);
    assert!(licensed(&mut chain, BUYER), "a request alone changes no right");
    assert_invariants(&mut chain);
    let m = MsgTransferLicense { licensee: name(BUYER), license_id: 1, new_licensee: name(8), ..Default::default() };
    refused(chain.tx(|ctx| Licensing.transfer_license(ctx, m.clone())), Error::Disputed { license: 1, case });
    verdict(&mut chain, case, Verdict::Overturned);
    let found = license(&mut chain, 1);
    assert_eq!((found.status(), found.revocation_case, found.expires), (LicenseStatus::Revoked, 0, 110));
    assert!([BUYER, 6, 7].iter().all(|n| !licensed(&mut chain, *n)));
    let state = || Error::State { license: 1, expected: "LICENSE_STATUS_FINAL", found: "LICENSE_STATUS_REVOKED" };
    refused(chain.tx(|ctx| Licensing.transfer_license(ctx, m)), state());
    let m = MsgRenewLicense { payer: name(BUYER), license_id: 1, payment: Some(coin(BASE_DENOM, 200)), periods: 1 };
    refused(chain.tx(|ctx| Licensing.renew_license(ctx, m)), state());
    refused(request(&mut chain, OWNER, 1), state());
    assert_invariants(&mut chain);
}

#[test]
fn a_licence_that_a_jury_upheld_stands_and_may_be_brought_again() {
    for (upheld, count) in [(Verdict::Upheld, 1), (Verdict::NoQuorum, 1)] {
        let mut chain = held();
        let case = request(&mut chain, OWNER, 1).unwrap();
        refused(request(&mut chain, OWNER, 1), Error::Disputed { license: 1, case });
        verdict(&mut chain, case, upheld);
        let found = license(&mut chain, 1);
        assert_eq!((found.status(), found.revocation_case, found.revocation_requests), (LicenseStatus::Final, 0, count));
        assert!(licensed(&mut chain, BUYER));
        let again = request(&mut chain, OWNER, 1).unwrap();
        assert_ne!(again, case);
        assert_invariants(&mut chain);
    }
}

#[test]
fn only_the_owner_asks_with_reasons_a_bond_and_about_a_valid_licence() {
    let mut chain = held();
    refused(request(&mut chain, BUYER, 1), Error::NotOwner { asset: 1, signer: name(BUYER) });
    refused(request(&mut chain, OWNER, 2), Error::NoLicense(2));
    let silent = MsgRequestRevocation { owner: name(OWNER), license_id: 1, statement: None };
    refused(chain.tx(|ctx| Licensing.request_revocation(ctx, silent.clone())), Error::NoStatement);
    let empty = MsgRequestRevocation { statement: Some(Statement::default()), ..silent };
    refused(chain.tx(|ctx| Licensing.request_revocation(ctx, empty)), Error::NoStatement);
    let everything = balance(&mut chain, OWNER, BASE_DENOM);
    chain.tx(|ctx| bank::send(ctx, &user(OWNER), &user(3), &[Coin::base(everything)])).unwrap();
    let poor = request(&mut chain, OWNER, 1).unwrap_err();
    assert_eq!((poor.codespace, poor.code), ("sdk", 5));
    chain.block.height = 110;
    refused(request(&mut chain, OWNER, 1), Error::Expired { license: 1, expires: 110 });
    assert_invariants(&mut chain);
}

#[test]
fn owner_buyer_holder_and_users_are_parties_and_no_jurors() {
    let mut chain = held();
    let case = request(&mut chain, OWNER, 1).unwrap();
    let subject = chain.run(|ctx| cairn_dispute::case(ctx, case)).unwrap().subject.unwrap();
    let parties: Vec<u8> =
        (1..=9).filter(|n| chain.run(|ctx| crate::revocation::Revocations.is_party(ctx, &subject, &user(*n))).unwrap()).collect();
    assert_eq!(parties, [OWNER, BUYER, 6, 7]);
}

#[test]
fn sessions_of_a_revoked_licence_close_through_their_window() {
    let mut chain = held();
    let id = offer(&mut chain, OWNER, per_call()).unwrap();
    let key = k256::ecdsa::SigningKey::from_slice(&[1; 32]).unwrap().verifying_key().to_sec1_bytes().to_vec();
    let signing_key = Some(SigningKey { scheme: SigningScheme::Secp256k1.into(), key });
    buy(&mut chain, MsgBuyLicense { signing_key, ..purchase(&id, None) }).unwrap();
    let m = MsgOpenSession { licensee: name(BUYER), license_id: 2, provider: name(8), deposit: Some(coin(BASE_DENOM, 100)), blocks: 0 };
    chain.tx(|ctx| Licensing.open_session(ctx, m.clone())).unwrap();
    let case = request(&mut chain, OWNER, 2).unwrap();
    verdict(&mut chain, case, Verdict::VoidGold);
    let session = |chain: &mut Chain| {
        let found = chain.run(|ctx| Licensing.session(ctx, QuerySessionRequest { session_id: 1 })).unwrap().session.unwrap();
        (found.status(), found.deadline)
    };
    assert_eq!(session(&mut chain), (SessionStatus::Closing, 70));
    let state = Error::State { license: 2, expected: "LICENSE_STATUS_FINAL", found: "LICENSE_STATUS_REVOKED" };
    refused(chain.tx(|ctx| Licensing.open_session(ctx, m)), state);
    assert_invariants(&mut chain);
    end_block(&mut chain, 70);
    assert_eq!(session(&mut chain), (SessionStatus::Closed, 0));
    assert_invariants(&mut chain);
}
