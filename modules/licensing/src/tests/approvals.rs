//! Purchases that wait for the owner's word.
use cairn_proto::cairn::licensing::v1::{LicenseStatus, MsgApproveLicense, MsgAssignSeats, MsgRejectLicense, MsgTransferLicense};

use super::*;

fn approve(chain: &mut Chain, owner: u8, license_id: u64) -> Result<(), Refusal> {
    let m = MsgApproveLicense { owner: name(owner), license_id };
    chain.tx(|ctx| Licensing.approve_license(ctx, m)).map(drop)
}

fn reject(chain: &mut Chain, owner: u8, license_id: u64) -> Result<(), Refusal> {
    let m = MsgRejectLicense { owner: name(owner), license_id };
    chain.tx(|ctx| Licensing.reject_license(ctx, m)).map(drop)
}

/// User 5 waits for licence 1 of two terms of 100 blocks, bought at height 10.
fn waiting() -> (Chain, String) {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, TermsContent { needs_approval: true, ..period() }).unwrap();
    let m = MsgBuyLicense { periods: 2, users: vec![name(7)], ..purchase(&id, Some(coin(BASE_DENOM, 400))) };
    assert_eq!(buy(&mut chain, m).unwrap(), 1);
    (chain, id)
}

fn escrow(chain: &mut Chain) -> u128 {
    chain.run(|ctx| bank::balance(ctx, &crate::ACCOUNT.address(), BASE_DENOM)).unwrap()
}

fn wrong(found: LicenseStatus) -> Error {
    Error::State { license: 1, expected: "LICENSE_STATUS_PENDING", found: found.as_str_name() }
}

#[test]
fn a_purchase_that_waits_permits_nothing_and_pays_nobody() {
    let (mut chain, id) = waiting();
    let found = license(&mut chain, 1);
    assert_eq!((found.status(), found.deadline, found.starts, found.expires), (LicenseStatus::Pending, 110, 0, 0));
    assert_eq!((found.escrow, found.buyer, found.fee_bps), (Some(coin(BASE_DENOM, 400)), name(BUYER), 100));
    assert!(!licensed(&mut chain, BUYER) && !licensed(&mut chain, 7));
    assert_eq!(escrow(&mut chain), 400);
    let state = || Error::State { license: 1, expected: "LICENSE_STATUS_FINAL", found: "LICENSE_STATUS_PENDING" };
    let m = MsgTransferLicense { licensee: name(BUYER), license_id: 1, new_licensee: name(8), ..Default::default() };
    refused(chain.tx(|ctx| Licensing.transfer_license(ctx, m)), state());
    let m = MsgAssignSeats { licensee: name(BUYER), license_id: 1, users: vec![] };
    refused(chain.tx(|ctx| Licensing.assign_seats(ctx, m)), state());
    assert_eq!(buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 200)))).unwrap(), 2);
    assert_invariants(&mut chain);
}

#[test]
fn an_approved_purchase_begins_then_and_pays_the_fee_of_its_day() {
    let (mut chain, _) = waiting();
    refused(approve(&mut chain, BUYER, 1), Error::NotOwner { asset: 1, signer: name(BUYER) });
    refused(approve(&mut chain, OWNER, 2), Error::NoLicense(2));
    // Governance changes no purchase that was made.
    let params = crate::test_params();
    let m = cairn_proto::cairn::licensing::v1::MsgUpdateParams {
        authority: cairn_auth::authority().to_string(),
        params: Some(cairn_proto::cairn::licensing::v1::Params { fee_bps: 2_000, ..params }),
    };
    chain.tx(|ctx| Licensing.update_params(ctx, m)).unwrap();
    chain.block.height = 110;
    approve(&mut chain, OWNER, 1).unwrap();
    let found = license(&mut chain, 1);
    assert_eq!((found.status(), found.starts, found.expires, found.deadline), (LicenseStatus::Final, 110, 310, 0));
    assert_eq!(found.escrow, None);
    assert!(licensed(&mut chain, BUYER) && licensed(&mut chain, 7));
    assert_eq!(escrow(&mut chain), 0);
    let pool = chain.run(|ctx| bank::balance(ctx, &cairn_rewards::ACCOUNT.address(), BASE_DENOM)).unwrap();
    assert_eq!(pool, 2, "1 % of 400, of which 60 % are burnt");
    refused(approve(&mut chain, OWNER, 1), wrong(LicenseStatus::Final));
    refused(reject(&mut chain, OWNER, 1), wrong(LicenseStatus::Final));
    end_block(&mut chain, 110);
    assert_eq!(license(&mut chain, 1).status(), LicenseStatus::Final);
    assert_invariants(&mut chain);
}

#[test]
fn a_rejected_purchase_is_refunded_to_who_paid() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, TermsContent { needs_approval: true, ..period() }).unwrap();
    let gift = MsgBuyLicense { licensee: name(8), ..purchase(&id, Some(coin(BASE_DENOM, 200))) };
    buy(&mut chain, gift).unwrap();
    refused(reject(&mut chain, 8, 1), Error::NotOwner { asset: 1, signer: name(8) });
    refused(reject(&mut chain, OWNER, 9), Error::NoLicense(9));
    reject(&mut chain, OWNER, 1).unwrap();
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000);
    let found = license(&mut chain, 1);
    assert_eq!((found.status(), found.deadline, found.paid), (LicenseStatus::Refunded, 0, vec![]));
    refused(approve(&mut chain, OWNER, 1), wrong(LicenseStatus::Refunded));
    assert_invariants(&mut chain);
}

#[test]
fn silence_refunds_after_the_deadline_and_not_before() {
    let (mut chain, _) = waiting();
    end_block(&mut chain, 109);
    assert_eq!(license(&mut chain, 1).status(), LicenseStatus::Pending);
    end_block(&mut chain, 110);
    assert_eq!(license(&mut chain, 1).status(), LicenseStatus::Refunded);
    assert_eq!((balance(&mut chain, BUYER, BASE_DENOM), escrow(&mut chain)), (1_000_000_000, 0));
    assert_invariants(&mut chain);
}

#[test]
fn what_cannot_be_sold_any_more_is_not_approved_but_refunded() {
    let (mut chain, _) = waiting();
    deprecate(&mut chain);
    refused(approve(&mut chain, OWNER, 1), Error::Deprecated(1));
    end_block(&mut chain, 110);
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000);
    assert_invariants(&mut chain);
}

#[test]
fn a_block_handles_so_many_deadlines_and_the_next_goes_on() {
    let mut chain = chain();
    let free = TermsContent { needs_approval: true, prices: vec![], ..one_off() };
    let id = offer(&mut chain, OWNER, free).unwrap();
    let bought = crate::deadlines::PER_BLOCK as u64 + 1;
    for expected in 1..=bought {
        assert_eq!(buy(&mut chain, purchase(&id, None)).unwrap(), expected);
    }
    end_block(&mut chain, 110);
    assert_eq!(license(&mut chain, bought - 1).status(), LicenseStatus::Refunded);
    assert_eq!(license(&mut chain, bought).status(), LicenseStatus::Pending);
    end_block(&mut chain, 111);
    assert_eq!(license(&mut chain, bought).status(), LicenseStatus::Refunded);
    assert_invariants(&mut chain);
}

#[test]
fn a_deadline_that_cannot_be_handled_holds_nobody_up() {
    let (mut chain, id) = waiting();
    buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 200)))).unwrap();
    // Take what belongs to the first from under it.
    let thief = [Coin::base(400)];
    chain.tx(|ctx| bank::send(ctx, &crate::ACCOUNT.address(), &user(9), &thief)).unwrap();
    end_block(&mut chain, 110);
    let found = license(&mut chain, 1);
    assert_eq!((found.status(), found.deadline), (LicenseStatus::Pending, 210));
    assert_eq!(license(&mut chain, 2).status(), LicenseStatus::Refunded);
    chain.tx(|ctx| bank::send(ctx, &user(9), &crate::ACCOUNT.address(), &thief)).unwrap();
    end_block(&mut chain, 210);
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000);
    assert_invariants(&mut chain);
}

#[test]
fn what_waits_survives_export_and_import() {
    let (mut before, _) = waiting();
    let exported = before.run(|ctx| Licensing.export(ctx)).unwrap();
    let mut after = chain();
    let held = [Coin::base(400)];
    after.tx(|ctx| bank::send(ctx, &user(BUYER), &crate::ACCOUNT.address(), &held)).unwrap();
    after.tx(|ctx| Licensing.init(ctx, exported.clone())).unwrap();
    assert_eq!(after.run(|ctx| Licensing.export(ctx)).unwrap(), exported);
    assert_invariants(&mut after);
    end_block(&mut after, 110);
    assert_eq!(license(&mut after, 1).status(), LicenseStatus::Refunded);
}
