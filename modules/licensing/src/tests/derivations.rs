//! What derived assets owe their parents.
use cairn_proto::cairn::asset::v1::{Parent, Relation};

use super::*;

fn derive(chain: &mut Chain, owner: u8, relation: Relation, royalty_bps: u32, license_id: u64) -> Result<u64, Refusal> {
    let parents = vec![Parent { asset_id: 1, relation: relation.into(), royalty_bps, license_id }];
    let m = MsgRegisterAsset { parents, ..new_asset(owner) };
    chain.tx(|ctx| Asset.register_asset(ctx, m)).map(|response| response.asset_id)
}

fn terms(title: &str, bps: u32) -> TermsContent {
    let scope = Some(Scope { derive: true, ..Scope::default() });
    TermsContent { title: title.into(), scope, derivative_royalty_bps: bps, seats: 2, ..period() }
}

/// User 5 may derive for 10 % (licence 1, user 7 too) and 20 % (licence 2); licence 3 does not permit it.
fn deriving() -> Chain {
    let mut chain = chain();
    for content in [terms("tenth", 1_000), terms("fifth", 2_000), period()] {
        let id = offer(&mut chain, OWNER, content).unwrap();
        let m = MsgBuyLicense { users: vec![name(7)], ..purchase(&id, Some(coin(BASE_DENOM, 200))) };
        buy(&mut chain, m).unwrap();
    }
    chain
}

fn low(least: u32, found: u32) -> Error {
    Error::RoyaltyTooLow { parent: 1, least, found }
}

#[test]
fn who_may_derive_cannot_register_a_child_that_gives_less() {
    let mut chain = deriving();
    for relation in [Relation::DerivedFrom, Relation::TrainedOn, Relation::LabelledFrom] {
        refused(derive(&mut chain, BUYER, relation, 999, 0), low(1_000, 999));
        derive(&mut chain, BUYER, relation, 1_000, 0).unwrap();
    }
    refused(derive(&mut chain, 7, Relation::DistilledFrom, 0, 0), low(1_000, 0));
    refused(derive(&mut chain, 7, Relation::FinetunedFrom, 0, 0), low(1_000, 0));
    // What is measured or built upon is not derived; the owner owes itself nothing; who holds no licence declares what it wants.
    derive(&mut chain, BUYER, Relation::EvaluatedOn, 0, 0).unwrap();
    derive(&mut chain, BUYER, Relation::Uses, 0, 0).unwrap();
    derive(&mut chain, OWNER, Relation::DerivedFrom, 0, 0).unwrap();
    derive(&mut chain, 9, Relation::DerivedFrom, 0, 0).unwrap();
    chain.block.height = 110;
    derive(&mut chain, BUYER, Relation::DerivedFrom, 0, 0).unwrap();
    assert_invariants(&mut chain);
}

#[test]
fn a_named_licence_must_permit_what_was_done_under_it() {
    let mut chain = deriving();
    refused(derive(&mut chain, BUYER, Relation::DerivedFrom, 1_999, 2), low(2_000, 1_999));
    refused(derive(&mut chain, BUYER, Relation::DerivedFrom, 5_000, 3), Error::NoDerivation(3));
    refused(derive(&mut chain, BUYER, Relation::DerivedFrom, 5_000, 9), Error::NoLicense(9));
    refused(derive(&mut chain, 8, Relation::DerivedFrom, 5_000, 1), Error::NotLicensee { license: 1, signer: name(8) });
    let child = derive(&mut chain, 7, Relation::DerivedFrom, 2_000, 2).unwrap();
    let found = chain.run(|ctx| cairn_asset::asset(ctx, child)).unwrap();
    assert_eq!(found.parents[0].license_id, 2);
    let parents = vec![Parent { asset_id: child, relation: Relation::Uses.into(), royalty_bps: 0, license_id: 1 }];
    let m = MsgRegisterAsset { parents, ..new_asset(BUYER) };
    let error = Error::OtherAsset { license: 1, asset: 1, expected: child };
    refused(chain.tx(|ctx| Asset.register_asset(ctx, m)), error);
    chain.block.height = 110;
    refused(derive(&mut chain, BUYER, Relation::DerivedFrom, 2_000, 2), Error::Expired { license: 2, expires: 110 });
    assert_invariants(&mut chain);
}
