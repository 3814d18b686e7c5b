//! Data sets that jobs publish.
use cairn_proto::cairn::asset::v1::{ClaimTree, QueryVersionRequest};

use super::*;
use crate::{JobResult, MINTER, publish_from_job};

fn result() -> JobResult {
    JobResult {
        owner: user(1),
        job: 42,
        title: "digits, labelled".into(),
        metadata: None,
        parents: vec![],
        income_denoms: vec![ATOM.into()],
        content: content(),
        contributors_root: [9; 32],
        supply: 1_000_000,
        holders: vec![(user(1), 70), (user(2), 20), (user(3), 0), (user(2), 10)],
        claims: None,
    }
}

#[test]
fn a_job_registers_publishes_and_tokenizes_at_once() {
    let mut chain = chain();
    let id = chain.run(|ctx| publish_from_job(ctx, result())).unwrap();
    let asset = stored(&mut chain, id);
    assert_eq!((asset.kind(), asset.owner.as_str(), asset.source_job), (AssetKind::Dataset, user(1).to_string().as_str(), 42));
    let q = QueryVersionRequest { asset_id: id, number: 1 };
    let version = chain.run(|ctx| QueryServer::version(&Asset, ctx, q)).unwrap().version.unwrap();
    assert_eq!((version.source_job, version.contributors_root), (42, vec![9; 32]));
    // Equal addresses are merged, weights of zero left out.
    assert_eq!(balance(&mut chain, user(1), "share/1"), 700_000);
    assert_eq!(balance(&mut chain, user(2), "share/1"), 300_000);
    assert_eq!(balance(&mut chain, user(3), "share/1"), 0);
    pay(&mut chain, 5, id, ATOM, 1_000_000).unwrap();
    assert_eq!(claimable(&mut chain, id, 2), [Coin::new(ATOM, 300_000)]);
    assert_invariants(&mut chain);
}

#[test]
fn a_refused_result_leaves_nothing_behind() {
    let mut chain = chain();
    let module = JobResult { holders: vec![(MINTER.address(), 1)], ..result() };
    refused(chain.run(|ctx| publish_from_job(ctx, module)), Error::ModuleHolder(MINTER.address().to_string()));
    refused(chain.run(|ctx| publish_from_job(ctx, JobResult { supply: 1, ..result() })), Error::Supply(1));
    refused(chain.run(|ctx| crate::asset(ctx, 1)), Error::NoAsset(1));
    assert_eq!(chain.run(|ctx| publish_from_job(ctx, result())).unwrap(), 1);
}

#[test]
fn more_holders_than_fit_inline_claim_theirs() {
    let mut chain = chain();
    let claims = Some(ClaimTree { root: vec![4; 32], leaves: 100_000, weight: 30 });
    chain.run(|ctx| publish_from_job(ctx, JobResult { holders: vec![(user(1), 70)], claims, ..result() })).unwrap();
    assert_eq!(balance(&mut chain, user(1), "share/1"), 700_000);
    assert_eq!(balance(&mut chain, MINTER.address(), "share/1"), 300_000);
    assert_invariants(&mut chain);
}
