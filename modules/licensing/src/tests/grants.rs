//! Keys of encrypted versions: deposits, grants, complaints.
use cairn_content::{ContentKey, PublicKey, public_key, wrap};
use cairn_proto::cairn::licensing::v1::{
    LicenseStatus, MsgApproveLicense, MsgDepositKeyBond, MsgGrantKey, MsgRejectLicense, MsgRenewLicense, MsgReportKeyFault,
    MsgTransferLicense, MsgWithdrawKeyBond, QueryKeyDepositRequest, QueryLicensesByAssetRequest,
};

use super::*;

const ROOT: [u8; 32] = [7; 32];
const PRIVATE: [u8; 32] = [42; 32];
const BOND: u128 = 200_000;

fn key() -> ContentKey {
    ContentKey::new([99; 32])
}

/// Publishes version 2 of asset 1, encrypted under [`key`].
fn publish_encrypted(chain: &mut Chain) {
    let content = VersionContent {
        encryption: Encryption::Envelope.into(),
        key_commitment: key().commitment(&ROOT).to_vec(),
        manifest_root: ROOT.to_vec(),
        ..version()
    };
    let m = asset_v1::MsgPublishVersion { owner: name(OWNER), asset_id: 1, content: Some(content) };
    chain.tx(|ctx| Asset.publish_version(ctx, m)).unwrap();
}

/// Version 2 for 1,000 ucairn, 100 blocks at a time.
fn sealed() -> TermsContent {
    let prices = vec![coin(BASE_DENOM, 1_000)];
    TermsContent { title: "sealed".into(), versions: vec![1, 2], prices, key_bond: Some(coin(BASE_DENOM, BOND)), ..period() }
}

fn deposit(chain: &mut Chain, amount: u128) -> Result<(), Refusal> {
    let m = MsgDepositKeyBond { owner: name(OWNER), amount: Some(coin(BASE_DENOM, amount)) };
    chain.tx(|ctx| Licensing.deposit_key_bond(ctx, m)).map(drop)
}

fn withdraw(chain: &mut Chain, amount: u128) -> Result<(), Refusal> {
    let m = MsgWithdrawKeyBond { owner: name(OWNER), amount: Some(coin(BASE_DENOM, amount)) };
    chain.tx(|ctx| Licensing.withdraw_key_bond(ctx, m)).map(drop)
}

fn deposited(chain: &mut Chain) -> (u128, u128) {
    let found = chain.run(|ctx| Licensing.key_deposit(ctx, QueryKeyDepositRequest { owner: name(OWNER) })).unwrap().deposit.unwrap();
    let read = |coin: Option<proto::Coin>| coin.unwrap().amount.parse().unwrap();
    (read(found.free), read(found.locked))
}

fn order(id: &str) -> MsgBuyLicense {
    MsgBuyLicense { public_key: public_key(&PRIVATE).to_vec(), ..purchase(id, Some(coin(BASE_DENOM, 1_000))) }
}

fn wrapped(license: u64) -> Vec<u8> {
    wrap(&key(), &ROOT, license, &PublicKey::parse(&public_key(&PRIVATE)).unwrap(), [3; 32]).unwrap().to_vec()
}

fn grant(chain: &mut Chain, owner: u8, license_id: u64, wrapped_key: Vec<u8>) -> Result<u64, Refusal> {
    let m = MsgGrantKey { owner: name(owner), license_id, wrapped_key };
    chain.tx(|ctx| Licensing.grant_key(ctx, m)).map(|response| response.deadline)
}

fn report(chain: &mut Chain, n: u8, private_key: &[u8]) -> Result<bool, Refusal> {
    let m = MsgReportKeyFault { licensee: name(n), license_id: 1, private_key: private_key.to_vec(), version: 0 };
    chain.tx(|ctx| Licensing.report_key_fault(ctx, m)).map(|response| response.bad)
}

/// The owner has 300,000 of its 1,000,000 ucairn in its deposit; version 2 is encrypted and on offer.
fn selling() -> (Chain, String) {
    let mut chain = chain();
    publish_encrypted(&mut chain);
    let id = offer(&mut chain, OWNER, sealed()).unwrap();
    fund(&mut chain, OWNER, BASE_DENOM, 1_000_000);
    deposit(&mut chain, 300_000).unwrap();
    (chain, id)
}

/// User 5 paid for licence 1 at height 10.
fn paid() -> Chain {
    let (mut chain, id) = selling();
    assert_eq!(buy(&mut chain, order(&id)).unwrap(), 1);
    chain
}

fn status(chain: &mut Chain) -> LicenseStatus {
    license(chain, 1).status()
}

fn wrong(expected: LicenseStatus, found: LicenseStatus) -> Error {
    Error::State { license: 1, expected: expected.as_str_name(), found: found.as_str_name() }
}

#[test]
fn terms_on_an_encrypted_version_stake_a_bond_on_its_key() {
    let (mut chain, _) = selling();
    let other = |content: TermsContent| TermsContent { title: "other".into(), ..content };
    let low = |found| Error::KeyBond { least: 100_000, found };
    refused(offer(&mut chain, OWNER, other(TermsContent { key_bond: None, ..sealed() })), low(0));
    refused(offer(&mut chain, OWNER, other(TermsContent { key_bond: Some(coin(BASE_DENOM, 99_999)), ..sealed() })), low(99_999));
    let atoms = TermsContent { key_bond: Some(coin(ATOM, 1_000_000)), ..sealed() };
    refused(offer(&mut chain, OWNER, other(atoms)), Error::BondDenom("1000000ibc/atom".into()));
    offer(&mut chain, OWNER, other(TermsContent { key_bond: Some(coin(BASE_DENOM, 100_000)), ..sealed() })).unwrap();
    // Every version and later ones: a bond for these, too. Calls need no key.
    refused(offer(&mut chain, OWNER, other(one_off())), low(0));
    publish_encrypted(&mut chain);
    offer(&mut chain, OWNER, other(TermsContent { versions: vec![2, 3], ..sealed() })).unwrap();
    offer(&mut chain, OWNER, per_call()).unwrap();
    // Sixteen keys at a purchase, not more.
    (0..14).for_each(|_| publish_encrypted(&mut chain));
    let all = |title: &str| TermsContent { title: title.into(), versions: vec![], ..sealed() };
    offer(&mut chain, OWNER, all("sixteen")).unwrap();
    publish_encrypted(&mut chain);
    refused(offer(&mut chain, OWNER, all("seventeen")), Error::Encrypted(1));
    assert_invariants(&mut chain);
}

#[test]
fn nobody_buys_what_the_owner_has_no_bond_for() {
    let (mut chain, id) = selling();
    for bad in [vec![], vec![0; 32], [1].into_iter().chain([0; 31]).collect(), vec![0xff; 32], vec![9; 31]] {
        refused(buy(&mut chain, MsgBuyLicense { public_key: bad, ..order(&id) }), Error::PublicKey);
    }
    buy(&mut chain, order(&id)).unwrap();
    assert_eq!(deposited(&mut chain), (100_000, BOND));
    let none = |wanted| Error::KeyDeposit { owner: name(OWNER), free: 100_000, wanted };
    refused(buy(&mut chain, order(&id)), none(BOND));
    refused(withdraw(&mut chain, 100_001), none(100_001));
    withdraw(&mut chain, 100_000).unwrap();
    deposit(&mut chain, 200_000).unwrap();
    buy(&mut chain, order(&id)).unwrap();
    assert_eq!(deposited(&mut chain), (0, 2 * BOND));
    let atoms = MsgDepositKeyBond { owner: name(BUYER), amount: Some(coin(ATOM, 5)) };
    refused(chain.tx(|ctx| Licensing.deposit_key_bond(ctx, atoms)), Error::BondDenom("5ibc/atom".into()));
    assert_eq!(deposit(&mut chain, 0).unwrap_err().code, 10);
    let poor = MsgDepositKeyBond { owner: name(9), amount: Some(coin(BASE_DENOM, 5)) };
    assert_eq!(chain.tx(|ctx| Licensing.deposit_key_bond(ctx, poor)).unwrap_err().code, 5);
    assert_invariants(&mut chain);
}

#[test]
fn a_granted_key_opens_and_the_price_is_income_after_the_window() {
    let mut chain = paid();
    let found = license(&mut chain, 1);
    assert_eq!((found.status(), found.deadline, found.starts), (LicenseStatus::Paid, 110, 0));
    assert!(!licensed(&mut chain, BUYER));
    let due = QueryLicensesByAssetRequest { asset_id: 1, key_due: true, pagination: None };
    assert_eq!(chain.run(|ctx| Licensing.licenses_by_asset(ctx, due.clone())).unwrap().licenses[0].id, 1);
    refused(grant(&mut chain, BUYER, 1, wrapped(1)), Error::NotOwner { asset: 1, signer: name(BUYER) });
    refused(grant(&mut chain, OWNER, 2, wrapped(1)), Error::NoLicense(2));
    refused(grant(&mut chain, OWNER, 1, vec![0; 79]), Error::WrappedKey(79));
    chain.block.height = 60;
    assert_eq!(grant(&mut chain, OWNER, 1, wrapped(1)).unwrap(), 110);
    refused(grant(&mut chain, OWNER, 1, wrapped(1)), wrong(LicenseStatus::Paid, LicenseStatus::Granted));
    assert!(chain.run(|ctx| Licensing.licenses_by_asset(ctx, due)).unwrap().licenses.is_empty());
    assert!(licensed(&mut chain, BUYER));
    let found = license(&mut chain, 1);
    assert_eq!((found.starts, found.expires), (60, 160));
    let granted = found.key.unwrap();
    let commitment = key().commitment(&ROOT);
    assert_eq!(cairn_content::open(&granted.wrapped_key, &ROOT, &commitment, 1, &PRIVATE).unwrap(), key());

    // No income, no renewal, no transfer before it is final.
    let renewal = MsgRenewLicense { payer: name(BUYER), license_id: 1, payment: Some(coin(BASE_DENOM, 1_000)), periods: 1 };
    let granted = || wrong(LicenseStatus::Final, LicenseStatus::Granted);
    refused(chain.tx(|ctx| Licensing.renew_license(ctx, renewal.clone())), granted());
    let m = MsgTransferLicense { licensee: name(BUYER), license_id: 1, new_licensee: name(7), ..Default::default() };
    refused(chain.tx(|ctx| Licensing.transfer_license(ctx, m)), granted());
    end_block(&mut chain, 109);
    assert_eq!((status(&mut chain), deposited(&mut chain)), (LicenseStatus::Granted, (100_000, BOND)));
    end_block(&mut chain, 110);
    assert_eq!((status(&mut chain), deposited(&mut chain)), (LicenseStatus::Final, (300_000, 0)));
    let claimable = asset_v1::QueryClaimableRequest { asset_id: 1, holder: name(HOLDER) };
    let claimable = chain.run(|ctx| asset_v1::QueryServer::claimable(&Asset, ctx, claimable)).unwrap().holding.unwrap().claimable;
    assert_eq!(claimable, [coin(BASE_DENOM, 494)], "half of what the fee leaves, whole units");
    chain.tx(|ctx| Licensing.renew_license(ctx, renewal)).unwrap();
    assert_eq!(license(&mut chain, 1).expires, 260);
    refused(report(&mut chain, BUYER, &PRIVATE), wrong(LicenseStatus::Granted, LicenseStatus::Final));
    assert_invariants(&mut chain);
}

#[test]
fn a_key_that_does_not_come_costs_half_the_bond() {
    let mut chain = paid();
    end_block(&mut chain, 109);
    assert_eq!(status(&mut chain), LicenseStatus::Paid);
    end_block(&mut chain, 110);
    assert_eq!(status(&mut chain), LicenseStatus::Refunded);
    // Half of 200,000 is lost: 50,000 to the buyer, 50,000 burnt.
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 + 50_000);
    assert_eq!(deposited(&mut chain), (200_000, 0));
    refused(grant(&mut chain, OWNER, 1, wrapped(1)), wrong(LicenseStatus::Paid, LicenseStatus::Refunded));
    assert!(!licensed(&mut chain, BUYER));
    assert_invariants(&mut chain);
}

/// An owner grants 80 bytes of anything and hopes that the price becomes income before anybody can prove it.
#[test]
fn bad_key_refunds_before_income_moves() {
    let other = wrap(&ContentKey::new([1; 32]), &ROOT, 1, &PublicKey::parse(&public_key(&PRIVATE)).unwrap(), [3; 32]).unwrap().to_vec();
    for bad in [vec![0; 80], vec![5; 80], wrapped(2), other] {
        let mut chain = paid();
        let supply = chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap();
        grant(&mut chain, OWNER, 1, bad).unwrap();
        chain.block.height = 60; // The last block of the window.
        let income = asset_v1::QueryIncomeRequest { asset_id: 1 };
        let totals = chain.run(|ctx| asset_v1::QueryServer::income(&Asset, ctx, income)).unwrap().totals;
        assert!(totals.iter().all(|total| total.paid == "0"), "no income has moved");
        assert!(report(&mut chain, BUYER, &PRIVATE).unwrap());
        // The whole bond is lost: half to the buyer, half burnt. So a buyer that is the owner loses half of it too.
        assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 + BOND / 2);
        assert_eq!(deposited(&mut chain), (100_000, 0));
        assert_eq!(chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap(), supply - BOND / 2);
        assert_eq!(status(&mut chain), LicenseStatus::Refunded);
        assert!(!licensed(&mut chain, BUYER));
        assert_invariants(&mut chain);
        end_block(&mut chain, 60);
        assert_invariants(&mut chain);
    }
    println!("attacker's loss {BOND}ucairn; buyer's gain {}ucairn", BOND / 2);
}

#[test]
fn a_wrong_complaint_costs_its_bond_and_makes_the_sale_final() {
    let mut chain = paid();
    refused(report(&mut chain, BUYER, &PRIVATE), wrong(LicenseStatus::Granted, LicenseStatus::Paid));
    grant(&mut chain, OWNER, 1, wrapped(1)).unwrap();
    refused(report(&mut chain, 7, &PRIVATE), Error::NotLicensee { license: 1, signer: name(7) });
    refused(report(&mut chain, BUYER, &[1; 32]), Error::PrivateKey);
    refused(report(&mut chain, BUYER, &[42; 31]), Error::PrivateKey);
    let owner = balance(&mut chain, OWNER, BASE_DENOM);
    assert!(!report(&mut chain, BUYER, &PRIVATE).unwrap());
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - 1_000 - 1_000_000);
    assert_eq!(balance(&mut chain, OWNER, BASE_DENOM), owner + 500_000);
    assert_eq!((status(&mut chain), deposited(&mut chain)), (LicenseStatus::Final, (300_000, 0)));
    assert!(licensed(&mut chain, BUYER));
    refused(report(&mut chain, BUYER, &PRIVATE), wrong(LicenseStatus::Granted, LicenseStatus::Final));
    assert_invariants(&mut chain);
    end_block(&mut chain, 60);
    assert_invariants(&mut chain);
}

#[test]
fn who_cannot_pay_for_a_wrong_complaint_makes_none() {
    let (mut chain, id) = selling();
    let gift = MsgBuyLicense { licensee: name(9), ..order(&id) };
    buy(&mut chain, gift).unwrap();
    grant(&mut chain, OWNER, 1, vec![0; 80]).unwrap();
    let poor = report(&mut chain, 9, &PRIVATE).unwrap_err();
    assert_eq!((poor.codespace, poor.code), ("sdk", 5));
    // A right one costs nothing, and the refund is the buyer's.
    fund(&mut chain, 9, BASE_DENOM, 1_000_000);
    assert!(report(&mut chain, 9, &PRIVATE).unwrap());
    assert_eq!((balance(&mut chain, 9, BASE_DENOM), balance(&mut chain, BUYER, BASE_DENOM)), (1_000_000, 1_000_000_000 + BOND / 2));
    assert_invariants(&mut chain);
}

#[test]
fn approval_comes_before_the_key_and_frees_the_bond_where_it_does_not_come() {
    let (mut chain, _) = selling();
    let id = offer(&mut chain, OWNER, TermsContent { needs_approval: true, title: "asked".into(), ..sealed() }).unwrap();
    buy(&mut chain, order(&id)).unwrap();
    assert_eq!((status(&mut chain), deposited(&mut chain)), (LicenseStatus::Pending, (100_000, BOND)));
    refused(grant(&mut chain, OWNER, 1, wrapped(1)), wrong(LicenseStatus::Paid, LicenseStatus::Pending));
    chain.block.height = 50;
    chain.tx(|ctx| Licensing.approve_license(ctx, MsgApproveLicense { owner: name(OWNER), license_id: 1 })).unwrap();
    assert_eq!((status(&mut chain), license(&mut chain, 1).deadline), (LicenseStatus::Paid, 150));
    grant(&mut chain, OWNER, 1, wrapped(1)).unwrap();
    end_block(&mut chain, 100);
    assert_eq!((status(&mut chain), deposited(&mut chain)), (LicenseStatus::Final, (300_000, 0)));
    // Rejected, and not answered: nothing of the bond is lost.
    for silence in [false, true] {
        let bought = buy(&mut chain, order(&id)).unwrap();
        assert_eq!(deposited(&mut chain), (100_000, BOND));
        if silence {
            end_block(&mut chain, 200);
        } else {
            chain.tx(|ctx| Licensing.reject_license(ctx, MsgRejectLicense { owner: name(OWNER), license_id: bought })).unwrap();
        }
        assert_eq!((license(&mut chain, bought).status(), deposited(&mut chain)), (LicenseStatus::Refunded, (300_000, 0)));
        assert_invariants(&mut chain);
    }
}

#[test]
fn whose_bond_it_is_may_grant_after_the_asset_changed_hands() {
    let mut chain = paid();
    let m = asset_v1::MsgTransferAsset { owner: name(OWNER), asset_id: 1, new_owner: name(6) };
    chain.tx(|ctx| Asset.transfer_asset(ctx, m)).unwrap();
    chain.tx(|ctx| Asset.accept_asset(ctx, asset_v1::MsgAcceptAsset { new_owner: name(6), asset_id: 1 })).unwrap();
    refused(grant(&mut chain, 7, 1, wrapped(1)), Error::NotOwner { asset: 1, signer: name(7) });
    let mut twin = paid();
    grant(&mut chain, OWNER, 1, wrapped(1)).unwrap();
    let m = asset_v1::MsgTransferAsset { owner: name(OWNER), asset_id: 1, new_owner: name(6) };
    twin.tx(|ctx| Asset.transfer_asset(ctx, m)).unwrap();
    twin.tx(|ctx| Asset.accept_asset(ctx, asset_v1::MsgAcceptAsset { new_owner: name(6), asset_id: 1 })).unwrap();
    grant(&mut twin, 6, 1, wrapped(1)).unwrap();
    assert_invariants(&mut twin);
}

#[test]
fn a_transferred_licence_takes_its_key_along() {
    let mut chain = paid();
    grant(&mut chain, OWNER, 1, wrapped(1)).unwrap();
    end_block(&mut chain, 60);
    let right = MsgTransferLicense {
        licensee: name(BUYER),
        license_id: 1,
        new_licensee: name(7),
        public_key: public_key(&[8; 32]).to_vec(),
        wrapped_key: wrap(&key(), &ROOT, 1, &PublicKey::parse(&public_key(&[8; 32])).unwrap(), [4; 32]).unwrap().to_vec(),
        ..Default::default()
    };
    for (m, error) in [
        (MsgTransferLicense { public_key: vec![], ..right.clone() }, Error::PublicKey),
        (MsgTransferLicense { public_key: vec![0; 32], ..right.clone() }, Error::PublicKey),
        (MsgTransferLicense { wrapped_key: vec![0; 79], ..right.clone() }, Error::WrappedKey(79)),
    ] {
        refused(chain.tx(|ctx| Licensing.transfer_license(ctx, m)), error);
    }
    chain.tx(|ctx| Licensing.transfer_license(ctx, right)).unwrap();
    let held = license(&mut chain, 1).key.unwrap();
    assert_eq!(cairn_content::open(&held.wrapped_key, &ROOT, &key().commitment(&ROOT), 1, &[8; 32]).unwrap(), key());
    assert_invariants(&mut chain);
}

#[test]
fn purchases_keep_the_rules_of_their_day() {
    let mut chain = paid();
    let rules = cairn_proto::cairn::licensing::v1::Params {
        grant_blocks: 1,
        fault_blocks: 1,
        complaint_bond: Some(coin(BASE_DENOM, 1)),
        ..crate::test_params()
    };
    let m = cairn_proto::cairn::licensing::v1::MsgUpdateParams { authority: cairn_auth::authority().to_string(), params: Some(rules) };
    chain.tx(|ctx| Licensing.update_params(ctx, m)).unwrap();
    end_block(&mut chain, 109);
    grant(&mut chain, OWNER, 1, wrapped(1)).unwrap();
    assert_eq!(license(&mut chain, 1).deadline, 159);
    report(&mut chain, BUYER, &PRIVATE).unwrap();
    assert_eq!(balance(&mut chain, BUYER, BASE_DENOM), 1_000_000_000 - 1_000 - 1_000_000);
}

#[test]
fn keys_and_deposits_survive_export_and_import() {
    let mut before = paid();
    let exported = before.run(|ctx| Licensing.export(ctx)).unwrap();
    let mut after = chain();
    publish_encrypted(&mut after);
    let held = [Coin::base(301_000)];
    after.tx(|ctx| bank::send(ctx, &user(BUYER), &crate::ACCOUNT.address(), &held)).unwrap();
    after.tx(|ctx| Licensing.init(ctx, exported.clone())).unwrap();
    assert_eq!(after.run(|ctx| Licensing.export(ctx)).unwrap(), exported);
    assert_invariants(&mut after);
    grant(&mut after, OWNER, 1, wrapped(1)).unwrap();
    end_block(&mut after, 60);
    assert_eq!(status(&mut after), LicenseStatus::Final);
    assert_invariants(&mut after);
}
