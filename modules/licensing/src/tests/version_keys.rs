//! Several encrypted versions under the same terms, versions that come later, and keys for a licence that changed hands.
use cairn_content::{ContentKey, PublicKey, public_key, wrap};
use cairn_proto::cairn::licensing::v1::{
    LicenseKey, LicenseStatus, MsgDepositKeyBond, MsgGrantKey, MsgGrantVersionKey, MsgReportKeyFault, MsgTransferLicense,
    QueryLicenseKeysRequest, QueryLicensesByAssetRequest,
};

use super::*;

const PRIVATE: [u8; 32] = [42; 32];

/// The root and the key of a version.
fn sealed(version: u8) -> ([u8; 32], ContentKey) {
    ([version; 32], ContentKey::new([100 + version; 32]))
}

/// Publishes a version; the caller numbers it as the asset does.
fn publish_encrypted(chain: &mut Chain, number: u8) {
    let (root, key) = sealed(number);
    let content = VersionContent {
        encryption: Encryption::Envelope.into(),
        key_commitment: key.commitment(&root).to_vec(),
        manifest_root: root.to_vec(),
        ..version()
    };
    let m = asset_v1::MsgPublishVersion { owner: name(OWNER), asset_id: 1, content: Some(content) };
    chain.tx(|ctx| Asset.publish_version(ctx, m)).unwrap();
}

fn wrapped(version: u8, private: [u8; 32]) -> Vec<u8> {
    let (root, key) = sealed(version);
    wrap(&key, &root, 1, &PublicKey::parse(&public_key(&private)).unwrap(), [3; 32]).unwrap().to_vec()
}

fn grant(chain: &mut Chain, version: u8) -> Result<(), Refusal> {
    let m = MsgGrantKey { owner: name(OWNER), license_id: 1, wrapped_key: wrapped(version, PRIVATE) };
    chain.tx(|ctx| Licensing.grant_key(ctx, m)).map(drop)
}

fn grant_version(chain: &mut Chain, signer: u8, version: u64, wrapped_key: Vec<u8>) -> Result<(), Refusal> {
    let m = MsgGrantVersionKey { owner: name(signer), license_id: 1, version, wrapped_key };
    chain.tx(|ctx| Licensing.grant_version_key(ctx, m)).map(drop)
}

fn keys(chain: &mut Chain) -> Vec<LicenseKey> {
    chain.run(|ctx| Licensing.license_keys(ctx, QueryLicenseKeysRequest { license_id: 1 })).unwrap().keys
}

/// The versions whose key is due, and whether the owner is told so.
fn due(chain: &mut Chain) -> (Vec<u64>, bool) {
    let q = QueryLicensesByAssetRequest { asset_id: 1, key_due: true, pagination: None };
    let told = !chain.run(|ctx| Licensing.licenses_by_asset(ctx, q)).unwrap().licenses.is_empty();
    (keys(chain).iter().filter(|key| key.due).map(|key| key.version).collect(), told)
}

/// Version 1 of asset 1 is in the clear, 2 and 3 are encrypted. User 5 paid for licence 1 on `versions` of it.
fn paid(versions: &[u64]) -> Chain {
    let mut chain = chain();
    publish_encrypted(&mut chain, 2);
    publish_encrypted(&mut chain, 3);
    fund(&mut chain, OWNER, BASE_DENOM, 1_000_000);
    let amount = Some(coin(BASE_DENOM, 300_000));
    chain.tx(|ctx| Licensing.deposit_key_bond(ctx, MsgDepositKeyBond { owner: name(OWNER), amount })).unwrap();
    let prices = vec![coin(BASE_DENOM, 1_000)];
    let key_bond = Some(coin(BASE_DENOM, 200_000));
    let id =
        offer(&mut chain, OWNER, TermsContent { versions: versions.to_vec(), prices, key_bond, transferable: true, ..period() }).unwrap();
    let m = MsgBuyLicense { public_key: public_key(&PRIVATE).to_vec(), ..purchase(&id, Some(coin(BASE_DENOM, 1_000))) };
    assert_eq!(buy(&mut chain, m).unwrap(), 1);
    chain
}

fn not_due(version: u64) -> Error {
    Error::VersionKeyNotDue { license: 1, version }
}

#[test]
fn a_licence_begins_with_the_keys_of_all_versions_that_it_covers() {
    let mut chain = paid(&[1, 2, 3]);
    assert_eq!(due(&mut chain), (vec![2, 3], true));
    refused(grant(&mut chain, 3), Error::KeysMissing { license: 1, required: 2, granted: 0 });
    for (version, error) in [(0, not_due(0)), (1, not_due(1)), (3, not_due(3)), (4, not_due(4)), (u64::MAX, not_due(u64::MAX))] {
        refused(grant_version(&mut chain, OWNER, version, wrapped(2, PRIVATE)), error);
    }
    refused(grant_version(&mut chain, BUYER, 2, wrapped(2, PRIVATE)), Error::NotOwner { asset: 1, signer: name(BUYER) });
    refused(grant_version(&mut chain, OWNER, 2, vec![0; 81]), Error::WrappedKey(81));
    grant_version(&mut chain, OWNER, 2, wrapped(2, PRIVATE)).unwrap();
    refused(grant_version(&mut chain, OWNER, 2, wrapped(2, PRIVATE)), not_due(2));
    assert_eq!((due(&mut chain), license(&mut chain, 1).status()), ((vec![3], true), LicenseStatus::Paid));
    grant(&mut chain, 3).unwrap();
    assert_eq!((due(&mut chain), license(&mut chain, 1).status()), ((vec![], false), LicenseStatus::Granted));
    for (found, version) in keys(&mut chain).iter().zip([2, 3]) {
        let (root, key) = sealed(version);
        assert_eq!((found.version, found.granted_height), (u64::from(version), 10));
        assert_eq!(cairn_content::open(&found.wrapped_key, &root, &key.commitment(&root), 1, &PRIVATE).unwrap(), key);
    }
    // What is not covered is never owed.
    publish_encrypted(&mut chain, 4);
    assert_eq!(due(&mut chain), (vec![], false));
    refused(grant_version(&mut chain, OWNER, 4, wrapped(4, PRIVATE)), not_due(4));
    assert_invariants(&mut chain);
}

#[test]
fn a_bad_key_of_any_version_bought_brings_the_price_back() {
    for (bad, bad_version) in [(true, 2), (false, 2), (false, 3)] {
        let mut chain = paid(&[2, 3]);
        let key = if bad { wrapped(3, PRIVATE) } else { wrapped(2, PRIVATE) };
        grant_version(&mut chain, OWNER, 2, key).unwrap();
        grant(&mut chain, 3).unwrap();
        publish_encrypted(&mut chain, 4);
        let mut report = |version| {
            let m = MsgReportKeyFault { licensee: name(BUYER), license_id: 1, private_key: PRIVATE.to_vec(), version };
            chain.tx(|ctx| Licensing.report_key_fault(ctx, m)).map(|response| response.bad)
        };
        for other in [1, 4, 9] {
            refused(report(other), not_due(other));
        }
        assert_eq!(report(bad_version).unwrap(), bad, "version {bad_version}");
        let expected = if bad { LicenseStatus::Refunded } else { LicenseStatus::Final };
        assert_eq!(license(&mut chain, 1).status(), expected);
        assert_invariants(&mut chain);
    }
}

#[test]
fn terms_on_every_version_owe_the_keys_of_later_ones() {
    let mut chain = paid(&[]);
    // Of a version that came after the purchase nothing is asked before the licence begins.
    publish_encrypted(&mut chain, 4);
    assert_eq!(due(&mut chain), (vec![2, 3], true));
    refused(grant_version(&mut chain, OWNER, 4, wrapped(4, PRIVATE)), not_due(4));
    grant_version(&mut chain, OWNER, 2, wrapped(2, PRIVATE)).unwrap();
    grant(&mut chain, 3).unwrap();
    assert_eq!(due(&mut chain), (vec![4], true));
    grant_version(&mut chain, OWNER, 4, wrapped(4, PRIVATE)).unwrap();
    end_block(&mut chain, 60);
    assert_eq!((license(&mut chain, 1).status(), due(&mut chain)), (LicenseStatus::Final, (vec![], false)));
    publish_encrypted(&mut chain, 5);
    publish(&mut chain, 1, false);
    assert_eq!(due(&mut chain), (vec![5], true));
    assert_invariants(&mut chain);
    // An expired licence is owed nothing.
    let (expires, version) = (license(&mut chain, 1).expires, 5);
    chain.block.height = expires;
    assert_eq!(due(&mut chain), (vec![], false));
    refused(grant_version(&mut chain, OWNER, version, wrapped(5, PRIVATE)), Error::Expired { license: 1, expires });
    let exported = chain.run(|ctx| Licensing.export(ctx)).unwrap();
    assert_eq!(exported.version_keys.len(), 2);
    let mut twin = self::chain();
    (2..=5).for_each(|number| publish_encrypted(&mut twin, number));
    publish(&mut twin, 1, false);
    twin.tx(|ctx| bank::send(ctx, &user(BUYER), &crate::ACCOUNT.address(), &[Coin::base(300_000)])).unwrap();
    twin.tx(|ctx| Licensing.init(ctx, exported.clone())).unwrap();
    assert_eq!(twin.run(|ctx| Licensing.export(ctx)).unwrap(), exported);
    assert_invariants(&mut twin);
}

#[test]
fn a_new_licensee_is_owed_the_keys_of_all_versions_again() {
    let mut chain = paid(&[2, 3]);
    grant_version(&mut chain, OWNER, 2, wrapped(2, PRIVATE)).unwrap();
    grant(&mut chain, 3).unwrap();
    end_block(&mut chain, 60);
    let private = [8; 32];
    let pass = |chain: &mut Chain, from: u8, to: u8, private: [u8; 32], wrapped_key: Vec<u8>| {
        let (licensee, new_licensee, public_key) = (name(from), name(to), public_key(&private).to_vec());
        let m = MsgTransferLicense { licensee, license_id: 1, new_licensee, public_key, wrapped_key, ..Default::default() };
        chain.tx(|ctx| Licensing.transfer_license(ctx, m)).unwrap();
    };
    // The old licensee leaves it to the owner.
    pass(&mut chain, BUYER, 7, private, vec![]);
    assert_eq!(due(&mut chain), (vec![2, 3], true));
    assert!(keys(&mut chain).iter().all(|key| key.wrapped_key.is_empty()));
    assert_invariants(&mut chain);
    for version in [2_u8, 3] {
        grant_version(&mut chain, OWNER, version.into(), wrapped(version, private)).unwrap();
    }
    refused(grant_version(&mut chain, OWNER, 3, wrapped(3, private)), not_due(3));
    assert_eq!(due(&mut chain), (vec![], false));
    let found = keys(&mut chain).pop().unwrap();
    let (root, key) = sealed(3);
    assert_eq!(cairn_content::open(&found.wrapped_key, &root, &key.commitment(&root), 1, &private).unwrap(), key);
    // It goes on to a third, who is given the newest key; the owner still owes both, since it did not wrap them.
    pass(&mut chain, 7, 9, [9; 32], wrapped(3, [9; 32]));
    let found = keys(&mut chain);
    assert_eq!((found[0].wrapped_key.len(), found[1].wrapped_key.len(), found[1].granted_height), (0, 80, 0));
    assert_eq!(due(&mut chain), (vec![2, 3], true));
    assert_invariants(&mut chain);
    // And back to the second, whose keys are still there.
    pass(&mut chain, 9, 7, private, vec![]);
    assert_eq!(due(&mut chain), (vec![], false));
    assert_invariants(&mut chain);
}
