//! Export and import.
use cairn_kernel::{BASE_DENOM, merkle};
use cairn_proto::cairn::asset::v1::{ClaimTree, Genesis, MsgClaimShares};

use super::*;
use crate::claim_leaf;

/// A chain with lineage, income, settled and unsettled holders, a half-claimed tree.
fn lived() -> Chain {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    register(&mut chain, MsgRegisterAsset { income_denoms: vec![], ..new_asset(2, &[(1, 700)]) }).unwrap();
    tokenize(&mut chain, 1, 1, 3_000_000, &[(1, 1), (2, 2)]).unwrap();
    let leaves = [claim_leaf(0, &user(7), 400_000), claim_leaf(1, &user(8), 600_000)];
    let claims = Some(ClaimTree { root: merkle::root(&leaves).to_vec(), leaves: 2, weight: 1 });
    let m = MsgTokenizeAsset { owner: user(2).to_string(), asset_id: 2, supply: 1_000_000, holders: vec![], claims };
    chain.tx(|ctx| Asset.tokenize_asset(ctx, m)).unwrap();
    pay(&mut chain, 5, 2, BASE_DENOM, 1_234_567).unwrap();
    let claim = MsgClaimShares {
        sender: user(7).to_string(),
        asset_id: 2,
        index: 0,
        holder: user(7).to_string(),
        shares: 400_000,
        path: vec![leaves[1].to_vec()],
    };
    chain.tx(|ctx| Asset.claim_shares(ctx, claim)).unwrap();
    withdraw(&mut chain, 1, 2).unwrap();
    pay(&mut chain, 5, 2, BASE_DENOM, 89).unwrap();
    chain
}

#[test]
fn export_and_import_are_inverse() {
    let mut before = lived();
    let (mut coins, assets) = before.run(|ctx| (Bank.export(ctx).unwrap(), Asset.export(ctx).unwrap()));
    coins.params = Some(bank::DEFAULT_PARAMS);
    let mut after = chain();
    let init = after.tx(|ctx| Bank.init(ctx, coins).and_then(|()| Asset.init(ctx, assets.clone())));
    init.unwrap();
    assert_eq!(after.run(|ctx| Asset.export(ctx)).unwrap(), assets);
    assert_invariants(&mut after);
    for (asset, holder) in [(1, 1), (1, 2), (2, 7)] {
        assert_eq!(claimable(&mut after, asset, holder), claimable(&mut before, asset, holder));
    }
    assert_eq!(register(&mut after, new_asset(9, &[(2, 0)])).unwrap(), 3);
}

#[test]
fn a_genesis_that_contradicts_itself_is_refused() {
    let exported = lived().run(|ctx| Asset.export(ctx)).unwrap();
    let cases: [fn(&mut Genesis); 7] = [
        |g| g.assets.swap(0, 1),
        |g| g.assets[1].parents[0].asset_id = 2,
        |g| drop(g.incomes.pop()),
        |g| g.incomes[0].streams[0].shared = vec![0, 1],
        |g| g.holders[0].settled = vec![Default::default(); 9],
        |g| g.claim_pools[0].root = vec![],
        |g| g.assets[0].kind = 0,
    ];
    for (i, spoil) in cases.iter().enumerate() {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        let found = chain().tx(|ctx| Asset.init(ctx, genesis)).unwrap_err();
        assert_eq!(found.codespace, "asset", "case {i}");
    }
    assert!(chain().tx(|ctx| Asset.init(ctx, Genesis::default())).is_ok());
}

#[test]
fn invariants_notice_lost_money() {
    let mut chain = lived();
    let mut genesis = chain.run(|ctx| Asset.export(ctx)).unwrap();
    genesis.incomes[1].streams[0].remainder = vec![];
    genesis.incomes[0].streams[0].withdrawn = vec![1];
    let mut other = super::chain();
    other.tx(|ctx| Asset.init(ctx, genesis)).unwrap();
    let faults: Vec<_> = Asset.invariants().iter().filter_map(|(name, check)| other.run(|ctx| check(ctx)).err().map(|_| *name)).collect();
    assert_eq!(faults, ["income is neither lost nor made", "the module holds what it owes", "shares are all somewhere"]);
}
