//! Who may use what: seats, transfer, scope, versions.
use cairn_kernel::{Ctx, Gas};
use cairn_proto::cairn::licensing::v1::{
    Access, MsgAssignSeats, MsgTransferLicense, QueryCheckAccessRequest, QueryCheckAccessResponse, QueryLicensesByAssetRequest,
    QueryLicensesByHolderRequest,
};

use super::*;

fn ask(chain: &mut Chain, n: u8, version: u64, scope: Option<Scope>) -> Result<QueryCheckAccessResponse, Refusal> {
    chain.run(|ctx| Licensing.check_access(ctx, QueryCheckAccessRequest { asset_id: 1, address: name(n), version, scope }))
}

fn allowed(chain: &mut Chain, n: u8, version: u64, scope: Option<Scope>) -> bool {
    ask(chain, n, version, scope).unwrap().access() != Access::None
}

fn transfer(chain: &mut Chain, from: u8, license_id: u64, to: u8) -> Result<(), Refusal> {
    let m = MsgTransferLicense { licensee: name(from), license_id, new_licensee: name(to), ..Default::default() };
    chain.tx(|ctx| Licensing.transfer_license(ctx, m)).map(drop)
}

fn assign(chain: &mut Chain, licensee: u8, license_id: u64, users: &[u8]) -> Result<(), Refusal> {
    let m = MsgAssignSeats { licensee: name(licensee), license_id, users: users.iter().map(|n| name(*n)).collect() };
    chain.tx(|ctx| Licensing.assign_seats(ctx, m)).map(drop)
}

/// User 5 holds licence 1 of a period with three seats.
fn seated() -> Chain {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, period()).unwrap();
    let m = MsgBuyLicense { users: vec![name(7), name(6)], ..purchase(&id, Some(coin(BASE_DENOM, 200))) };
    assert_eq!(buy(&mut chain, m).unwrap(), 1);
    chain
}

#[test]
fn a_licence_serves_its_seats_and_nobody_else() {
    let mut chain = seated();
    let mut users = vec![name(6), name(7)];
    users.sort();
    assert_eq!(license(&mut chain, 1).users, users);
    let allowed: Vec<u8> = (1..=9).filter(|n| allowed(&mut chain, *n, 0, None)).collect();
    assert_eq!(allowed, [OWNER, BUYER, 6, 7]);
    assert!(!licensed(&mut chain, OWNER));
    let owner = ask(&mut chain, OWNER, 1, None).unwrap();
    assert_eq!((owner.access(), owner.license_id, owner.expires), (Access::Owner, 0, 0));
    let user = ask(&mut chain, 6, 1, None).unwrap();
    assert_eq!((user.access(), user.license_id, user.expires), (Access::License, 1, 110));
    assert_eq!(ask(&mut chain, 6, 2, None).unwrap_err().codespace, "asset");
    let nowhere = QueryCheckAccessRequest { asset_id: 9, address: name(6), version: 0, scope: None };
    assert_eq!(chain.run(|ctx| Licensing.check_access(ctx, nowhere)).unwrap_err().codespace, "asset");
    assert_invariants(&mut chain);
}

#[test]
fn seats_are_reassigned_by_the_licensee() {
    let mut chain = seated();
    let id = license(&mut chain, 1).terms_id;
    refused(assign(&mut chain, 6, 1, &[]), Error::NotLicensee { license: 1, signer: name(6) });
    refused(assign(&mut chain, BUYER, 2, &[]), Error::NoLicense(2));
    refused(assign(&mut chain, BUYER, 1, &[6, 7, 8]), Error::TooManyUsers { seats: 3, users: 3 });
    refused(assign(&mut chain, BUYER, 1, &[6, 6]), Error::RepeatedUser(name(6)));
    refused(assign(&mut chain, BUYER, 1, &[BUYER]), Error::RepeatedUser(name(BUYER)));
    let m = MsgAssignSeats { licensee: name(BUYER), license_id: 1, users: vec!["x".into()] };
    assert_eq!(chain.tx(|ctx| Licensing.assign_seats(ctx, m)).unwrap_err().codespace, "sdk");
    let buy_too_many = MsgBuyLicense { users: [6, 7, 8].map(name).to_vec(), ..purchase(&id, Some(coin(BASE_DENOM, 200))) };
    refused(buy(&mut chain, buy_too_many), Error::TooManyUsers { seats: 3, users: 3 });

    assign(&mut chain, BUYER, 1, &[8]).unwrap();
    let seats: Vec<u8> = (2..=9).filter(|n| licensed(&mut chain, *n)).collect();
    assert_eq!(seats, [BUYER, 8]);
    chain.block.height = 110;
    refused(assign(&mut chain, BUYER, 1, &[]), Error::Expired { license: 1, expires: 110 });
    assert_invariants(&mut chain);
}

#[test]
fn a_transferred_licence_leaves_its_users_behind() {
    let mut chain = seated();
    refused(transfer(&mut chain, 6, 1, 8), Error::NotLicensee { license: 1, signer: name(6) });
    refused(transfer(&mut chain, BUYER, 2, 8), Error::NoLicense(2));
    refused(transfer(&mut chain, BUYER, 1, BUYER), Error::SameLicensee(name(BUYER)));
    transfer(&mut chain, BUYER, 1, 8).unwrap();
    let seats: Vec<u8> = (2..=9).filter(|n| licensed(&mut chain, *n)).collect();
    assert_eq!(seats, [8]);
    let mut held = |n: u8| {
        let q = QueryLicensesByHolderRequest { licensee: name(n), pagination: None };
        chain.run(|ctx| Licensing.licenses_by_holder(ctx, q)).unwrap().licenses.len()
    };
    assert_eq!((held(BUYER), held(8)), (0, 1));
    let q = QueryLicensesByAssetRequest { asset_id: 1, ..Default::default() };
    assert_eq!(chain.run(|ctx| Licensing.licenses_by_asset(ctx, q)).unwrap().licenses.len(), 1);
    chain.block.height = 110;
    refused(transfer(&mut chain, 8, 1, 9), Error::Expired { license: 1, expires: 110 });
    assert_invariants(&mut chain);
}

#[test]
fn bound_licences_are_not_transferred() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, TermsContent { transferable: false, ..one_off() }).unwrap();
    let gift = MsgBuyLicense { licensee: name(8), ..purchase(&id, Some(coin(ATOM, 500))) };
    buy(&mut chain, gift).unwrap();
    assert!(licensed(&mut chain, 8) && !licensed(&mut chain, BUYER));
    refused(transfer(&mut chain, 8, 1, 9), Error::NotTransferable(1));
}

#[test]
fn access_depends_on_version_and_scope() {
    let mut chain = chain();
    publish(&mut chain, 1, false);
    let train = Scope { train: true, ..Scope::default() };
    let sell = Scope { commercial: true, ..Scope::default() };
    let both = Scope { train: true, commercial: true, ..Scope::default() };
    // For ever, version 1, to train; for 100 blocks, everything, to trade.
    let first = offer(&mut chain, OWNER, TermsContent { versions: vec![1], ..one_off() }).unwrap();
    let second = offer(&mut chain, OWNER, TermsContent { scope: Some(sell), ..period() }).unwrap();
    buy(&mut chain, purchase(&first, Some(coin(ATOM, 500)))).unwrap();
    buy(&mut chain, purchase(&second, Some(coin(BASE_DENOM, 200)))).unwrap();

    assert_eq!(ask(&mut chain, BUYER, 1, Some(train)).unwrap().license_id, 1);
    assert_eq!(ask(&mut chain, BUYER, 2, Some(sell)).unwrap().license_id, 2);
    assert!(!allowed(&mut chain, BUYER, 2, Some(train)));
    assert!(!allowed(&mut chain, BUYER, 1, Some(both)), "two licences do not add up to one right");
    assert!(allowed(&mut chain, BUYER, 2, None));
    chain.block.height = 110;
    assert!(!allowed(&mut chain, BUYER, 2, None));
    assert!(allowed(&mut chain, BUYER, 1, Some(train)));
    assert!(licensed(&mut chain, BUYER));
    // Expired licences beside the valid one change nothing.
    assert_invariants(&mut chain);
}

/// Anybody may buy free licences for anybody: they must not bury the one that its user paid for.
#[test]
fn licences_forced_upon_a_user_do_not_hide_the_right_one() {
    let mut chain = chain();
    let train = Scope { train: true, ..Scope::default() };
    let sample = TermsContent { scope: Some(Scope { evaluate: true, ..Scope::default() }), prices: vec![], seats: 4, ..one_off() };
    let (free, paid) = (offer(&mut chain, OWNER, sample).unwrap(), offer(&mut chain, OWNER, period()).unwrap());
    let right = buy(&mut chain, purchase(&paid, Some(coin(BASE_DENOM, 200)))).unwrap();
    let cost = |chain: &mut Chain| {
        let gas = Gas::unlimited();
        let ask = |ctx: &mut Ctx| Ok((crate::access(ctx, &user(BUYER), 1, 0, &train)?, crate::is_licensed(ctx, &user(BUYER), 1)?));
        let found = chain.run(|ctx| ctx.metered(&gas, ask)).unwrap();
        assert_eq!(found, (Some(crate::Grant::License { id: right, expires: 110 }), true));
        gas.used()
    };
    let forced = |chain: &mut Chain| {
        let m = MsgBuyLicense { buyer: name(7), terms_id: free.clone(), licensee: name(6), users: vec![name(BUYER)], ..Default::default() };
        buy(chain, m).unwrap();
    };
    forced(&mut chain);
    let least = cost(&mut chain);
    (0..200).for_each(|_| forced(&mut chain));
    // The terms' counter of sales is a byte longer.
    assert!(cost(&mut chain) < least + 10);
    assert_invariants(&mut chain);
}
