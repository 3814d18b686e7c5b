//! Offering and retiring terms.
use cairn_proto::{
    cairn::licensing::v1::{MsgRetireTerms, MsgUpdateParams, Params, QueryParamsRequest, QueryTermsByAssetRequest, QueryTermsRequest},
    cosmos::base::query::v1beta1::PageRequest,
};
use prost::Message;
use sha2::{Digest, Sha256};

use super::*;

fn retire(chain: &mut Chain, owner: u8, terms_id: &str) -> Result<(), Refusal> {
    let m = MsgRetireTerms { owner: name(owner), terms_id: terms_id.into() };
    chain.tx(|ctx| Licensing.retire_terms(ctx, m)).map(drop)
}

#[test]
fn terms_are_named_by_the_hash_of_their_content() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, one_off()).unwrap();
    let mut preimage = b"cairn.terms.v1\0\0".to_vec();
    preimage.extend(one_off().encode_to_vec());
    assert_eq!(id, hex::encode(Sha256::digest(&preimage)));
    let terms = chain.run(|ctx| QueryServer::terms(&Licensing, ctx, QueryTermsRequest { terms_id: id.clone() })).unwrap().terms.unwrap();
    assert_eq!((terms.content.unwrap(), terms.offered_height, terms.retired_height, terms.sold), (one_off(), 10, 0, 0));
    refused(offer(&mut chain, OWNER, one_off()), Error::TermsExist(id.clone()));
    assert_ne!(offer(&mut chain, OWNER, TermsContent { title: "other".into(), ..one_off() }).unwrap(), id);
    for unknown in ["", "00", "zz", &id.to_uppercase(), &"0".repeat(64)] {
        let q = QueryTermsRequest { terms_id: unknown.to_owned() };
        refused(chain.run(|ctx| QueryServer::terms(&Licensing, ctx, q)), Error::NoTerms(unknown.to_owned()));
    }
    assert_invariants(&mut chain);
}

#[test]
fn what_terms_say_is_bounded() {
    let mut chain = chain();
    let scope = Some(Scope { derive: true, ..Scope::default() });
    let text = |uri: &str, len: usize| Some(LegalText { uri: uri.into(), sha256: vec![0; len] });
    let cases = [
        (TermsContent { title: String::new(), ..one_off() }, Error::Title(0)),
        (TermsContent { title: "x".repeat(129), ..one_off() }, Error::Title(129)),
        (TermsContent { title: "\u{7}".into(), ..one_off() }, Error::Title(1)),
        (TermsContent { versions: vec![1, 1], ..one_off() }, Error::Versions),
        (TermsContent { versions: (1..=65).collect(), ..one_off() }, Error::Versions),
        (TermsContent { versions: vec![0], ..one_off() }, Error::UnknownVersion { asset: 1, newest: 1, found: 0 }),
        (TermsContent { versions: vec![1, 2], ..one_off() }, Error::UnknownVersion { asset: 1, newest: 1, found: 2 }),
        (TermsContent { scope: None, ..one_off() }, Error::Scope),
        (TermsContent { scope: Some(Scope::default()), ..one_off() }, Error::Scope),
        (TermsContent { pricing: 0, ..one_off() }, Error::Pricing(0)),
        (TermsContent { pricing: 5, ..one_off() }, Error::Pricing(5)),
        (TermsContent { providers: vec![name(8)], ..one_off() }, Error::Providers),
        (TermsContent { provider_bps: 1, ..one_off() }, Error::Providers),
        (TermsContent { provider_bps: 10_001, ..per_call() }, Error::Providers),
        (TermsContent { providers: vec![name(8), name(8)], ..per_call() }, Error::Providers),
        (TermsContent { providers: (0..17).map(name).collect(), ..per_call() }, Error::Providers),
        (TermsContent { prices: vec![], ..per_call() }, Error::Prices("terms of PERIOD and PER_CALL need a price")),
        (TermsContent { key_bond: Some(coin(BASE_DENOM, 100_000)), ..one_off() }, Error::KeyBond { least: 0, found: 100_000 }),
        (TermsContent { revenue_share_bps: 1, ..one_off() }, Error::RevenueShare(1)),
        (TermsContent { revenue_share_bps: 0, ..revenue_share() }, Error::RevenueShare(0)),
        (TermsContent { revenue_share_bps: 10_001, ..revenue_share() }, Error::RevenueShare(10_001)),
        (TermsContent { term_blocks: 0, ..revenue_share() }, Error::TermBlocks(0)),
        (TermsContent { term_blocks: 0, ..period() }, Error::TermBlocks(0)),
        (TermsContent { term_blocks: 1_000_000_001, ..one_off() }, Error::TermBlocks(1_000_000_001)),
        (TermsContent { seats: 0, ..one_off() }, Error::Seats(0)),
        (TermsContent { seats: 1_001, ..one_off() }, Error::Seats(1_001)),
        (TermsContent { derivative_royalty_bps: 1, ..one_off() }, Error::DerivativeRoyalty(1)),
        (TermsContent { derivative_royalty_bps: 5_001, scope, ..one_off() }, Error::DerivativeRoyalty(5_001)),
        (TermsContent { legal_text: None, ..one_off() }, Error::LegalText),
        (TermsContent { legal_text: text("", 32), ..one_off() }, Error::LegalText),
        (TermsContent { legal_text: text("a b", 32), ..one_off() }, Error::LegalText),
        (TermsContent { legal_text: text("a", 31), ..one_off() }, Error::LegalText),
        (
            TermsContent { prices: (0..9).map(|i| coin(&format!("coin{i}"), 1)).collect(), ..one_off() },
            Error::Prices("a price list has at most 8 entries"),
        ),
        (TermsContent { prices: vec![], ..period() }, Error::Prices("terms of PERIOD and PER_CALL need a price")),
    ];
    for (content, error) in cases {
        refused(offer(&mut chain, OWNER, content), error);
    }
    let unsorted = TermsContent { prices: vec![coin(BASE_DENOM, 1), coin(ATOM, 1)], ..one_off() };
    assert_eq!(offer(&mut chain, OWNER, unsorted).unwrap_err().code, 10);
    let zero = TermsContent { prices: vec![coin(BASE_DENOM, 0)], ..one_off() };
    assert_eq!(offer(&mut chain, OWNER, zero).unwrap_err().code, 10);
    refused(chain.tx(|ctx| Licensing.offer_terms(ctx, MsgOfferTerms { owner: name(OWNER), content: None })), Error::NoContent);
    refused(offer(&mut chain, BUYER, one_off()), Error::NotOwner { asset: 1, signer: name(BUYER) });
    assert_eq!(offer(&mut chain, OWNER, TermsContent { asset_id: 2, ..one_off() }).unwrap_err().codespace, "asset");

    let widest = TermsContent {
        title: "x".repeat(128),
        versions: vec![1],
        scope,
        term_blocks: 1_000_000_000,
        seats: 1_000,
        derivative_royalty_bps: 5_000,
        ..one_off()
    };
    offer(&mut chain, OWNER, widest).unwrap();
    assert_invariants(&mut chain);
}

#[test]
fn nothing_is_offered_that_cannot_be_delivered() {
    let mut chain = chain();
    let empty = MsgRegisterAsset { version: None, ..new_asset(OWNER) };
    chain.tx(|ctx| Asset.register_asset(ctx, empty)).unwrap();
    refused(offer(&mut chain, OWNER, TermsContent { asset_id: 2, ..one_off() }), Error::NotPublished(2));
    publish(&mut chain, 1, true);
    let unstaked = Error::KeyBond { least: 100_000, found: 0 };
    refused(offer(&mut chain, OWNER, one_off()), unstaked.clone());
    refused(offer(&mut chain, OWNER, TermsContent { versions: vec![1, 2], ..one_off() }), unstaked);
    offer(&mut chain, OWNER, TermsContent { versions: vec![1], ..one_off() }).unwrap();
    deprecate(&mut chain);
    refused(offer(&mut chain, OWNER, TermsContent { versions: vec![1], ..period() }), Error::Deprecated(1));
}

#[test]
fn a_price_must_be_a_denomination_that_the_asset_and_its_ancestors_can_take() {
    let mut chain = chain();
    let parents = vec![asset_v1::Parent { asset_id: 1, relation: asset_v1::Relation::DerivedFrom.into(), royalty_bps: 100, license_id: 0 }];
    chain.tx(|ctx| Asset.register_asset(ctx, MsgRegisterAsset { parents, ..new_asset(OWNER) })).unwrap();
    let child = TermsContent { asset_id: 2, ..one_off() };
    let found = offer(&mut chain, OWNER, child.clone()).unwrap_err();
    assert_eq!((found.codespace, found.log.as_str()), ("asset", "ancestor 1 does not accept ibc/atom"));
    offer(&mut chain, OWNER, one_off()).unwrap();
    offer(&mut chain, OWNER, child).unwrap();
    let share = TermsContent { prices: vec![coin("share/1", 1)], title: "shares".into(), ..one_off() };
    assert_eq!(offer(&mut chain, OWNER, share).unwrap_err().codespace, "asset");
}

#[test]
fn retired_terms_sell_nothing_and_stay_retired() {
    let mut chain = chain();
    let id = offer(&mut chain, OWNER, period()).unwrap();
    let other = offer(&mut chain, OWNER, one_off()).unwrap();
    let bought = buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 200)))).unwrap();
    refused(retire(&mut chain, BUYER, &id), Error::NotOwner { asset: 1, signer: name(BUYER) });
    refused(retire(&mut chain, OWNER, "x"), Error::NoTerms("x".into()));
    retire(&mut chain, OWNER, &id).unwrap();
    refused(retire(&mut chain, OWNER, &id), Error::Retired(id.clone()));
    refused(offer(&mut chain, OWNER, period()), Error::TermsExist(id.clone()));
    refused(buy(&mut chain, purchase(&id, Some(coin(BASE_DENOM, 200)))), Error::Retired(id.clone()));
    assert!(licensed(&mut chain, BUYER));
    assert_eq!(license(&mut chain, bought).expires, 110);

    let mut listed = |open: bool| {
        let pagination = Some(PageRequest { limit: 1, count_total: true, ..Default::default() });
        let found = chain.run(|ctx| Licensing.terms_by_asset(ctx, QueryTermsByAssetRequest { asset_id: 1, open, pagination })).unwrap();
        (found.terms[0].id.clone(), found.pagination.unwrap().total)
    };
    assert_eq!(listed(true), (other, 1));
    assert_eq!(listed(false).1, 2);
    assert_invariants(&mut chain);
}

#[test]
fn only_governance_sets_the_fee_and_only_within_bounds() {
    let mut chain = chain();
    let mut update = |authority: Address, params: Option<Params>| {
        chain.tx(|ctx| Licensing.update_params(ctx, MsgUpdateParams { authority: authority.to_string(), params }))
    };
    let gov = cairn_auth::authority();
    assert_eq!(update(user(1), Some(crate::test_params())).unwrap_err().code, 4);
    refused(update(gov, None), Error::NoParams);
    refused(update(gov, Some(Params { fee_bps: 2_001, ..crate::test_params() })), Error::Fee(2_001));
    let params = Params { complaint_bond: Some(coin(ATOM, 1)), ..crate::test_params() };
    refused(update(gov, Some(params)), Error::BondDenom("1ibc/atom".into()));
    for found in [0, 10_000_001] {
        let params = Params { approval_blocks: found, ..crate::test_params() };
        refused(update(gov, Some(params)), Error::Window { name: "approval_blocks", found });
    }
    update(gov, Some(crate::main_params())).unwrap();
    assert_eq!(chain.run(|ctx| Licensing.params(ctx, QueryParamsRequest {})).unwrap().params.unwrap().fee_bps, 200);
}
