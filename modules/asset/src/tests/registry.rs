//! Registration, versions, lineage, ownership, deprecation, limits.
use cairn_kernel::{BASE_DENOM, merkle};
use cairn_proto::{
    cairn::asset::v1::{
        AssetStatus, Metadata, MsgAcceptAsset, MsgDeprecateAsset, MsgPublishVersion, MsgTransferAsset, MsgUpdateMetadata, MsgUpdateParams,
        Params, QueryAncestorsRequest, QueryAssetsRequest, QueryDescendantsRequest, QueryItemProofRequest, QueryVersionRequest,
        QueryVersionsRequest, Royalty,
    },
    cosmos::base::query::v1beta1::PageRequest,
};

use super::*;
use crate::DEFAULT_PARAMS;

fn publish(chain: &mut Chain, owner: u8, asset_id: u64, content: Option<VersionContent>) -> Result<u64, Refusal> {
    let m = MsgPublishVersion { owner: user(owner).to_string(), asset_id, content };
    chain.tx(|ctx| Asset.publish_version(ctx, m)).map(|response| response.number)
}

fn ids(chain: &mut Chain, q: QueryAssetsRequest) -> Vec<u64> {
    chain.run(|ctx| Asset.assets(ctx, q)).unwrap().assets.iter().map(|asset| asset.id).collect()
}

#[test]
fn an_asset_is_registered_with_its_first_version_and_found_by_owner_kind_and_parent() {
    let mut chain = chain();
    assert_eq!(register(&mut chain, new_asset(1, &[])).unwrap(), 1);
    let model = MsgRegisterAsset { kind: AssetKind::Model.into(), version: None, ..new_asset(2, &[(1, 500)]) };
    assert_eq!(register(&mut chain, model).unwrap(), 2);

    let first = stored(&mut chain, 1);
    assert_eq!((first.versions, first.status(), first.share_supply), (1, AssetStatus::Active, 0));
    assert_eq!(stored(&mut chain, 2).versions, 0);
    assert_eq!(ids(&mut chain, QueryAssetsRequest::default()), [1, 2]);
    assert_eq!(ids(&mut chain, QueryAssetsRequest { owner: user(2).to_string(), ..Default::default() }), [2]);
    assert_eq!(ids(&mut chain, QueryAssetsRequest { kind: AssetKind::Dataset.into(), ..Default::default() }), [1]);
    assert_eq!(ids(&mut chain, QueryAssetsRequest { parent: 1, ..Default::default() }), [2]);
    let page = PageRequest { limit: 1, count_total: true, ..Default::default() };
    let found = chain.run(|ctx| Asset.assets(ctx, QueryAssetsRequest { pagination: Some(page), ..Default::default() })).unwrap();
    assert_eq!((found.assets.len(), found.pagination.unwrap().total), (1, 2));
    let both = QueryAssetsRequest { owner: user(1).to_string(), parent: 1, ..Default::default() };
    refused(chain.run(|ctx| Asset.assets(ctx, both)), Error::Filter);
    assert_invariants(&mut chain);
}

#[test]
fn what_registration_states_is_bounded() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    let long = "x".repeat(129);
    let cases = [
        (MsgRegisterAsset { kind: 0, ..new_asset(1, &[]) }, Error::Kind(0)),
        (MsgRegisterAsset { kind: 9, ..new_asset(1, &[]) }, Error::Kind(9)),
        (MsgRegisterAsset { title: String::new(), ..new_asset(1, &[]) }, Error::Text { field: "title", max: 128, found: 0 }),
        (MsgRegisterAsset { title: long, ..new_asset(1, &[]) }, Error::Text { field: "title", max: 128, found: 129 }),
        (MsgRegisterAsset { title: "a\nb".into(), ..new_asset(1, &[]) }, Error::Text { field: "title", max: 128, found: 3 }),
        (MsgRegisterAsset { title: "\u{2028}".into(), ..new_asset(1, &[]) }, Error::Text { field: "title", max: 128, found: 3 }),
        (
            MsgRegisterAsset { metadata: Some(Metadata { uri: "a b".into(), sha256: vec![0; 32] }), ..new_asset(1, &[]) },
            Error::Uri("metadata uri"),
        ),
        (
            MsgRegisterAsset { metadata: Some(Metadata { uri: "a".into(), sha256: vec![0; 31] }), ..new_asset(1, &[]) },
            Error::Hash { field: "metadata sha256", found: 31 },
        ),
        (new_asset(1, &[(2, 0)]), Error::NoAsset(2)),
        (new_asset(1, &[(1, 0), (1, 0)]), Error::RepeatedParent(1)),
        (MsgRegisterAsset { income_denoms: vec!["share/1".into()], ..new_asset(1, &[]) }, Error::ShareIncome("share/1".into())),
    ];
    for (m, error) in cases {
        refused(register(&mut chain, m), error);
    }
    let mut unrelated = new_asset(1, &[(1, 0)]);
    unrelated.parents[0].relation = 0;
    refused(register(&mut chain, unrelated), Error::Relation(0));
    let bad_denom = MsgRegisterAsset { income_denoms: vec!["a".into()], ..new_asset(1, &[]) };
    assert_eq!(register(&mut chain, bad_denom).unwrap_err().code, 10);
    let no_address = MsgRegisterAsset { owner: "cairn1".into(), ..new_asset(1, &[]) };
    assert_eq!(register(&mut chain, no_address).unwrap_err().codespace, "sdk");
    assert_eq!(register(&mut chain, MsgRegisterAsset { title: "x".repeat(128), ..new_asset(1, &[]) }).unwrap(), 2);
}

#[test]
fn what_a_version_states_is_bounded() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    let cases = [
        (None, Error::NoContent),
        (Some(VersionContent { manifest_root: vec![1; 33], ..content() }), Error::Hash { field: "manifest root", found: 33 }),
        (Some(VersionContent { items: 0, ..content() }), Error::NoItems),
        (Some(VersionContent { media_type: "png".into(), ..content() }), Error::MediaType),
        (Some(VersionContent { media_type: format!("image/{}", "x".repeat(123)), ..content() }), Error::MediaType),
        (Some(VersionContent { content_addresses: vec!["a".into(); 9], ..content() }), Error::TooManyAddresses { max: 8, found: 9 }),
        (Some(VersionContent { content_addresses: vec![String::new()], ..content() }), Error::Uri("content address")),
        (Some(VersionContent { croissant_sha256: vec![1], ..content() }), Error::Hash { field: "croissant sha256", found: 1 }),
        (Some(VersionContent { encryption: 0, ..content() }), Error::Encryption(0)),
        (Some(VersionContent { key_commitment: vec![1; 32], ..content() }), Error::KeyCommitment),
        (Some(VersionContent { encryption: Encryption::Envelope.into(), ..content() }), Error::Hash { field: "key commitment", found: 0 }),
    ];
    for (content, error) in cases {
        refused(publish(&mut chain, 1, 1, content), error);
    }
    refused(publish(&mut chain, 2, 1, Some(content())), Error::NotOwner { asset: 1, signer: user(2).to_string() });
    refused(publish(&mut chain, 1, 2, Some(content())), Error::NoAsset(2));

    let sealed = VersionContent {
        encryption: Encryption::Envelope.into(),
        key_commitment: vec![1; 32],
        croissant_sha256: vec![2; 32],
        content_addresses: vec!["x".repeat(512); 8],
        ..content()
    };
    chain.block.height = 77;
    assert_eq!(publish(&mut chain, 1, 1, Some(sealed)).unwrap(), 2);
    let asset = stored(&mut chain, 1);
    assert_eq!((asset.versions, asset.encrypted_versions), (2, 1));
    let versions = QueryVersionsRequest { asset_id: 1, pagination: None };
    assert_eq!(chain.run(|ctx| Asset.versions(ctx, versions)).unwrap().versions.len(), 2);
    let newest = QueryVersionRequest { asset_id: 1, number: 0 };
    let newest = chain.run(|ctx| QueryServer::version(&Asset, ctx, newest)).unwrap().version.unwrap();
    assert_eq!((newest.number, newest.published_height, newest.source_job), (2, 77, 0));
    let third = QueryVersionRequest { asset_id: 1, number: 3 };
    refused(chain.run(|ctx| QueryServer::version(&Asset, ctx, third)), Error::NoVersion { asset: 1, number: 3 });
}

#[test]
fn a_stack_adds_up_what_comes_by_several_ways() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    register(&mut chain, new_asset(1, &[(1, 100)])).unwrap();
    register(&mut chain, new_asset(1, &[(1, 0), (2, 300)])).unwrap();
    let stack = chain.run(|ctx| Asset.ancestors(ctx, QueryAncestorsRequest { asset_id: 3 })).unwrap().ancestors;
    assert_eq!(stack, [Royalty { asset_id: 1, bps: 100 }, Royalty { asset_id: 2, bps: 300 }]);
    let down = QueryDescendantsRequest { asset_id: 1, pagination: None };
    let down = chain.run(|ctx| Asset.descendants(ctx, down)).unwrap().descendants;
    assert_eq!(down, [Royalty { asset_id: 2, bps: 100 }, Royalty { asset_id: 3, bps: 100 }]);
    assert_invariants(&mut chain);
}

#[test]
fn parents_ancestors_and_royalties_are_limited() {
    let mut chain = chain();
    for _ in 0..9 {
        register(&mut chain, new_asset(1, &[])).unwrap();
    }
    let parents: Vec<_> = (1..=9).map(|id| (id, 0)).collect();
    refused(register(&mut chain, new_asset(1, &parents)), Error::TooManyParents { max: 8, found: 9 });
    register(&mut chain, new_asset(1, &parents[..8])).unwrap();
    refused(register(&mut chain, new_asset(1, &[(1, 5_001)])), Error::RoyaltyTooHigh { max: 5_000, found: 5_001 });
    refused(register(&mut chain, new_asset(1, &[(1, u32::MAX), (2, 1)])), Error::RoyaltyTooHigh { max: 5_000, found: 1 << 32 });
    let half = register(&mut chain, new_asset(1, &[(1, 5_000)])).unwrap();
    refused(register(&mut chain, new_asset(1, &[(half, 1)])), Error::RoyaltyTooHigh { max: 5_000, found: 5_001 });
    register(&mut chain, new_asset(1, &[(half, 0)])).unwrap();

    let mut line = register(&mut chain, new_asset(1, &[])).unwrap();
    for _ in 0..64 {
        line = register(&mut chain, new_asset(1, &[(line, 1)])).unwrap();
    }
    assert_eq!(stored(&mut chain, line).stack.len(), 64);
    refused(register(&mut chain, new_asset(1, &[(line, 1)])), Error::StackTooLong { max: 64, found: 65 });
    assert_invariants(&mut chain);
}

#[test]
fn ownership_moves_in_two_steps() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    let offer = |owner: u8, to: String| MsgTransferAsset { owner: user(owner).to_string(), asset_id: 1, new_owner: to };
    let accept = |who: u8| MsgAcceptAsset { new_owner: user(who).to_string(), asset_id: 1 };
    let not_offered = |who: u8| Error::NotOffered { asset: 1, signer: user(who).to_string() };

    refused(chain.tx(|ctx| Asset.accept_asset(ctx, accept(2))), not_offered(2));
    refused(
        chain.tx(|ctx| Asset.transfer_asset(ctx, offer(2, user(2).to_string()))),
        Error::NotOwner { asset: 1, signer: user(2).to_string() },
    );
    refused(chain.tx(|ctx| Asset.transfer_asset(ctx, offer(1, user(1).to_string()))), Error::SameOwner(user(1).to_string()));
    assert_eq!(chain.tx(|ctx| Asset.transfer_asset(ctx, offer(1, "nobody".into()))).unwrap_err().code, 7);

    chain.tx(|ctx| Asset.transfer_asset(ctx, offer(1, user(2).to_string()))).unwrap();
    assert_eq!(stored(&mut chain, 1).owner, user(1).to_string());
    refused(chain.tx(|ctx| Asset.accept_asset(ctx, accept(3))), not_offered(3));
    chain.tx(|ctx| Asset.transfer_asset(ctx, offer(1, String::new()))).unwrap();
    refused(chain.tx(|ctx| Asset.accept_asset(ctx, accept(2))), not_offered(2));

    chain.tx(|ctx| Asset.transfer_asset(ctx, offer(1, user(2).to_string()))).unwrap();
    chain.tx(|ctx| Asset.accept_asset(ctx, accept(2))).unwrap();
    let asset = stored(&mut chain, 1);
    assert_eq!((asset.owner, asset.pending_owner), (user(2).to_string(), String::new()));
    assert_eq!(ids(&mut chain, QueryAssetsRequest { owner: user(1).to_string(), ..Default::default() }), [] as [u64; 0]);
    assert_eq!(ids(&mut chain, QueryAssetsRequest { owner: user(2).to_string(), ..Default::default() }), [1]);
    refused(publish(&mut chain, 1, 1, Some(content())), Error::NotOwner { asset: 1, signer: user(1).to_string() });
}

#[test]
fn a_description_is_replaced_by_the_owner() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    let update = |owner: u8, title: &str| MsgUpdateMetadata {
        owner: user(owner).to_string(),
        asset_id: 1,
        title: title.into(),
        metadata: Some(Metadata { uri: "ipfs://x".into(), sha256: vec![3; 32] }),
    };
    refused(chain.tx(|ctx| Asset.update_metadata(ctx, update(2, "t"))), Error::NotOwner { asset: 1, signer: user(2).to_string() });
    refused(chain.tx(|ctx| Asset.update_metadata(ctx, update(1, ""))), Error::Text { field: "title", max: 128, found: 0 });
    chain.tx(|ctx| Asset.update_metadata(ctx, update(1, "new"))).unwrap();
    let asset = stored(&mut chain, 1);
    assert_eq!((asset.title.as_str(), asset.metadata.unwrap().uri.as_str()), ("new", "ipfs://x"));
}

#[test]
fn a_deprecated_asset_takes_no_versions_and_stays_deprecated() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    register(&mut chain, new_asset(1, &[])).unwrap();
    let deprecate = |owner: u8, reason: &str, successor: u64| MsgDeprecateAsset {
        owner: user(owner).to_string(),
        asset_id: 1,
        reason: reason.into(),
        successor,
    };
    refused(chain.tx(|ctx| Asset.deprecate_asset(ctx, deprecate(2, "old", 0))), Error::NotOwner { asset: 1, signer: user(2).to_string() });
    refused(chain.tx(|ctx| Asset.deprecate_asset(ctx, deprecate(1, "", 0))), Error::Text { field: "reason", max: 256, found: 0 });
    refused(chain.tx(|ctx| Asset.deprecate_asset(ctx, deprecate(1, "old", 1))), Error::Successor(1));
    refused(chain.tx(|ctx| Asset.deprecate_asset(ctx, deprecate(1, "old", 3))), Error::NoAsset(3));
    chain.tx(|ctx| Asset.deprecate_asset(ctx, deprecate(1, "old", 2))).unwrap();
    let asset = stored(&mut chain, 1);
    assert_eq!((asset.status(), asset.successor, asset.deprecation_reason.as_str()), (AssetStatus::Deprecated, 2, "old"));
    refused(publish(&mut chain, 1, 1, Some(content())), Error::Deprecated(1));
    refused(chain.tx(|ctx| Asset.deprecate_asset(ctx, deprecate(1, "old", 0))), Error::Deprecated(1));
    // Its income still flows.
    pay(&mut chain, 5, 1, BASE_DENOM, 10).unwrap();
    assert_eq!(balance(&mut chain, user(1), BASE_DENOM), 10);
}

#[test]
fn only_governance_sets_limits_and_only_within_bounds() {
    let mut chain = chain();
    let update = |authority: Address, params| MsgUpdateParams { authority: authority.to_string(), params };
    let gov = cairn_auth::authority();
    assert_eq!(chain.tx(|ctx| Asset.update_params(ctx, update(user(1), Some(DEFAULT_PARAMS)))).unwrap_err().code, 4);
    refused(chain.tx(|ctx| Asset.update_params(ctx, update(gov, None))), Error::NoParams);
    let wild = Params { max_income_denoms: 17, ..DEFAULT_PARAMS };
    let error = Error::Params { name: "max_income_denoms", least: 1, most: 16, found: 17 };
    refused(chain.tx(|ctx| Asset.update_params(ctx, update(gov, Some(wild)))), error);
    let none = Params { max_parents: 0, ..DEFAULT_PARAMS };
    refused(
        chain.tx(|ctx| Asset.update_params(ctx, update(gov, Some(none)))),
        Error::Params { name: "max_parents", least: 1, most: 64, found: 0 },
    );

    register(&mut chain, new_asset(1, &[])).unwrap();
    register(&mut chain, new_asset(1, &[])).unwrap();
    chain.tx(|ctx| Asset.update_params(ctx, update(gov, Some(Params { max_parents: 1, ..DEFAULT_PARAMS })))).unwrap();
    refused(register(&mut chain, new_asset(1, &[(1, 0), (2, 0)])), Error::TooManyParents { max: 1, found: 2 });
}

#[test]
fn an_items_place_in_the_manifest_is_checked() {
    let mut chain = chain();
    let leaves: Vec<_> = (0_u32..5).map(|i| merkle::leaf_hash(&i.to_be_bytes())).collect();
    let version = VersionContent { manifest_root: merkle::root(&leaves).to_vec(), items: 5, ..content() };
    register(&mut chain, MsgRegisterAsset { version: Some(version), ..new_asset(1, &[]) }).unwrap();
    let path: Vec<_> = merkle::path(&leaves, 3).unwrap().iter().map(|h| h.to_vec()).collect();
    let q = QueryItemProofRequest { asset_id: 1, number: 0, index: 3, leaf: leaves[3].to_vec(), path };
    let mut ask = |q: QueryItemProofRequest| chain.run(|ctx| Asset.item_proof(ctx, q));
    assert!(ask(q.clone()).unwrap().included);
    assert!(!ask(QueryItemProofRequest { index: 2, ..q.clone() }).unwrap().included);
    assert!(!ask(QueryItemProofRequest { index: 8, ..q.clone() }).unwrap().included);
    refused(ask(QueryItemProofRequest { leaf: vec![], ..q.clone() }), Error::Hash { field: "leaf", found: 0 });
    refused(ask(QueryItemProofRequest { path: vec![vec![]], ..q.clone() }), Error::BadPath);
    refused(ask(QueryItemProofRequest { number: 2, ..q }), Error::NoVersion { asset: 1, number: 2 });
}
