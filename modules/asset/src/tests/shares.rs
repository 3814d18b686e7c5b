//! Tokenization, allotment, claims.
use cairn_kernel::{BASE_DENOM, merkle};
use cairn_proto::cairn::asset::v1::{
    ClaimTree, MsgClaimShares, QueryClaimPoolRequest, QueryClaimedRequest, QueryHoldersRequest, QueryPortfolioRequest,
};

use super::*;
use crate::{MINTER, allot, claim_leaf};

const SUPPLY: u64 = 1_000_000;

#[test]
fn allotment_is_exact_and_gives_the_rest_to_the_largest_remainders() {
    assert_eq!(allot(10, &[1, 1, 1]).unwrap(), [4, 3, 3]);
    assert_eq!(allot(10, &[0, 5, 0]).unwrap(), [0, 10, 0]);
    assert_eq!(allot(100, &[70, 10, 20]).unwrap(), [70, 10, 20]);
    assert_eq!(allot(7, &[3, 3, 1]).unwrap(), [3, 3, 1]);
    assert_eq!(allot(5, &[1, 2]).unwrap(), [2, 3]);
    assert_eq!(allot(1_000_000_000_000_000, &[u64::MAX; 500]).unwrap(), [2_000_000_000_000; 500]);
    assert!(allot(10, &[]).is_err());
    assert!(allot(10, &[0, 0]).is_err());
    let mut seeded = Seeded(1);
    for _ in 0..200 {
        let supply = seeded.below(1_000_000);
        let weights: Vec<u64> = (0..=seeded.below(40)).map(|_| 1 + seeded.below(1_000)).collect();
        let parts = allot(supply, &weights).unwrap();
        assert_eq!(parts.iter().sum::<u64>(), supply);
        let total: u64 = weights.iter().sum();
        for (part, weight) in parts.iter().zip(&weights) {
            let quota = supply * weight / total;
            assert!((quota..=quota + 1).contains(part));
        }
    }
}

#[test]
fn shares_are_minted_once_and_held_by_those_listed() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    tokenize(&mut chain, 1, 1, SUPPLY, &[(1, 7), (2, 2), (3, 1)]).unwrap();
    let held: Vec<u128> = (1..=3).map(|n| balance(&mut chain, user(n), "share/1")).collect();
    assert_eq!(held, [700_000, 200_000, 100_000]);
    assert_eq!(stored(&mut chain, 1).share_supply, SUPPLY);
    let shown = chain.run(|ctx| bank::metadata(ctx, "share/1")).unwrap().unwrap();
    assert_eq!(shown.denom_units.last().unwrap().exponent, 6);
    refused(tokenize(&mut chain, 1, 1, SUPPLY, &[(1, 1)]), Error::AlreadyTokenized(1));

    let holders = QueryHoldersRequest { asset_id: 1, pagination: None };
    let holders = chain.run(|ctx| Asset.holders(ctx, holders)).unwrap().holders;
    assert_eq!(holders.iter().map(|h| h.shares).collect::<Vec<_>>(), [700_000, 200_000, 100_000]);
    assert_invariants(&mut chain);
}

#[test]
fn tokenization_is_bounded() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    register(&mut chain, MsgRegisterAsset { version: None, ..new_asset(1, &[]) }).unwrap();
    refused(tokenize(&mut chain, 2, 1, SUPPLY, &[(1, 1)]), Error::NotOwner { asset: 1, signer: user(2).to_string() });
    refused(tokenize(&mut chain, 1, 2, SUPPLY, &[(1, 1)]), Error::NotPublished(2));
    refused(tokenize(&mut chain, 1, 1, SUPPLY - 1, &[(1, 1)]), Error::Supply(SUPPLY - 1));
    refused(tokenize(&mut chain, 1, 1, 1_000_000_000_000_001, &[(1, 1)]), Error::Supply(1_000_000_000_000_001));
    refused(tokenize(&mut chain, 1, 1, SUPPLY, &[]), Error::Holders { max: 500, found: 0 });
    refused(tokenize(&mut chain, 1, 1, SUPPLY, &[(1, 1), (1, 1)]), Error::RepeatedHolder(user(1).to_string()));
    refused(tokenize(&mut chain, 1, 1, SUPPLY, &[(1, 0)]), Error::ZeroWeight);
    let many = (0..501_u16).map(|n| Holder { address: Address::new(&n.to_be_bytes()).unwrap().to_string(), weight: 1 });
    let many = MsgTokenizeAsset { owner: user(1).to_string(), asset_id: 1, supply: SUPPLY, holders: many.collect(), claims: None };
    refused(chain.tx(|ctx| Asset.tokenize_asset(ctx, many.clone())), Error::Holders { max: 500, found: 501 });
    let module = Holder { address: FAUCET.address().to_string(), weight: 1 };
    let module = MsgTokenizeAsset { holders: vec![module], ..many.clone() };
    refused(chain.tx(|ctx| Asset.tokenize_asset(ctx, module)), Error::ModuleHolder(FAUCET.address().to_string()));
    for (tree, error) in [
        (ClaimTree { root: vec![1; 31], leaves: 1, weight: 1 }, Error::Hash { field: "claim root", found: 31 }),
        (ClaimTree { root: vec![1; 32], leaves: 0, weight: 1 }, Error::EmptyClaimTree),
        (ClaimTree { root: vec![1; 32], leaves: 1, weight: 0 }, Error::ZeroWeight),
    ] {
        let m = MsgTokenizeAsset { holders: vec![], claims: Some(tree), ..many.clone() };
        refused(chain.tx(|ctx| Asset.tokenize_asset(ctx, m)), error);
    }
    let most = MsgTokenizeAsset { holders: many.holders[..500].to_vec(), ..many };
    chain.tx(|ctx| Asset.tokenize_asset(ctx, most)).unwrap();
    assert_invariants(&mut chain);
}

#[test]
fn shares_go_to_no_module_account() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    tokenize(&mut chain, 1, 1, SUPPLY, &[(1, 1)]).unwrap();
    let mut send = |to: Address, denom: &str| chain.tx(|ctx| bank::send(ctx, &user(1), &to, &[Coin::new(denom, 5)]));
    refused(send(FAUCET.address(), "share/1"), Error::ModuleHolder(FAUCET.address().to_string()));
    refused(send(MINTER.address(), "share/1"), Error::ModuleHolder(MINTER.address().to_string()));
    refused(send(user(2), "share/2"), Error::UnknownShare("share/2".into()));
    refused(send(user(2), "share/01"), Error::UnknownShare("share/01".into()));
    send(user(2), "share/1").unwrap();
    assert!(chain.run(|ctx| crate::may_hold(ctx, &user(2))).unwrap());
    assert!(!chain.run(|ctx| crate::may_hold(ctx, &MINTER.address())).unwrap());
    let q = QueryPortfolioRequest { holder: user(2).to_string(), pagination: None };
    let holdings = chain.run(|ctx| Asset.portfolio(ctx, q.clone())).unwrap().holdings;
    assert_eq!((holdings.len(), holdings[0].shares), (1, 5));
    // Who holds nothing and is owed nothing is forgotten.
    chain.tx(|ctx| bank::send(ctx, &user(2), &user(1), &[Coin::new("share/1", 5)])).unwrap();
    assert!(chain.run(|ctx| Asset.portfolio(ctx, q)).unwrap().holdings.is_empty());
    assert_invariants(&mut chain);
}

/// Asset 1: half of the shares to user 1, half under a tree for users 10 to 14.
struct Claims {
    chain: Chain,
    leaves: Vec<merkle::Hash>,
    parts: Vec<u64>,
}

impl Claims {
    fn new() -> Self {
        let mut chain = chain();
        register(&mut chain, new_asset(1, &[])).unwrap();
        let parts = allot(SUPPLY / 2, &[5, 4, 3, 2, 1]).unwrap();
        let leaves: Vec<_> = (0..5_u8).map(|i| claim_leaf(u32::from(i), &user(10 + i), parts[usize::from(i)])).collect();
        let claims = Some(ClaimTree { root: merkle::root(&leaves).to_vec(), leaves: 5, weight: 1 });
        let holders = vec![Holder { address: user(1).to_string(), weight: 1 }];
        let m = MsgTokenizeAsset { owner: user(1).to_string(), asset_id: 1, supply: SUPPLY, holders, claims };
        chain.tx(|ctx| Asset.tokenize_asset(ctx, m)).unwrap();
        Self { chain, leaves, parts }
    }
    fn msg(&self, index: u32) -> MsgClaimShares {
        let i = index as usize;
        let path = merkle::path(&self.leaves, i).unwrap().iter().map(|h| h.to_vec()).collect();
        let holder = user(10 + u8::try_from(index).unwrap()).to_string();
        MsgClaimShares { sender: user(99).to_string(), asset_id: 1, index, holder, shares: self.parts[i], path }
    }
    fn claim(&mut self, m: MsgClaimShares) -> Result<(), Refusal> {
        self.chain.tx(|ctx| Asset.claim_shares(ctx, m)).map(drop)
    }
}

#[test]
fn a_claim_brings_shares_and_their_income_since_tokenization() {
    let mut t = Claims::new();
    pay(&mut t.chain, 50, 1, BASE_DENOM, 1_000_000).unwrap();
    assert_eq!(claimable(&mut t.chain, 1, 10), []);
    t.claim(t.msg(0)).unwrap();
    assert_eq!(balance(&mut t.chain, user(10), "share/1"), u128::from(t.parts[0]));
    // 1,000,000 paid on 1,000,000 shares: one unit a share, less a fraction that stays owed.
    assert_eq!(claimable(&mut t.chain, 1, 10), [Coin::base(u128::from(t.parts[0]))]);
    assert_invariants(&mut t.chain);

    pay(&mut t.chain, 50, 1, BASE_DENOM, 1_000_000).unwrap();
    (1..5).for_each(|i| t.claim(t.msg(i)).unwrap());
    for n in 10..15_u8 {
        let due = 2 * u128::from(t.parts[usize::from(n - 10)]);
        assert_eq!(withdraw(&mut t.chain, 1, n).unwrap(), [Coin::base(due)]);
    }
    let pool = t.chain.run(|ctx| Asset.claim_pool(ctx, QueryClaimPoolRequest { asset_id: 1 })).unwrap().pool.unwrap();
    assert_eq!((pool.shares, pool.unclaimed), (SUPPLY / 2, 0));
    assert_eq!(balance(&mut t.chain, MINTER.address(), "share/1"), 0);
    assert_invariants(&mut t.chain);
}

#[test]
fn a_holder_who_claims_keeps_what_its_other_shares_earned() {
    let mut t = Claims::new();
    t.chain.tx(|ctx| bank::send(ctx, &user(1), &user(10), &[Coin::new("share/1", 100_000)])).unwrap();
    pay(&mut t.chain, 50, 1, BASE_DENOM, 1_000_000).unwrap();
    t.claim(t.msg(0)).unwrap();
    assert_eq!(claimable(&mut t.chain, 1, 10), [Coin::base(100_000 + u128::from(t.parts[0]))]);
    assert_invariants(&mut t.chain);
}

#[test]
fn a_claim_is_paid_once_and_only_as_the_tree_says() {
    let mut t = Claims::new();
    refused(t.claim(MsgClaimShares { asset_id: 2, ..t.msg(0) }), Error::NoClaimTree(2));
    refused(t.claim(MsgClaimShares { index: 5, ..t.msg(0) }), Error::ClaimIndex { last: 4, found: 5 });
    refused(t.claim(MsgClaimShares { index: 1, ..t.msg(0) }), Error::ClaimProof);
    refused(t.claim(MsgClaimShares { shares: t.parts[0] + 1, ..t.msg(0) }), Error::ClaimProof);
    refused(t.claim(MsgClaimShares { holder: user(9).to_string(), ..t.msg(0) }), Error::ClaimProof);
    refused(t.claim(MsgClaimShares { path: vec![vec![0; 31]], ..t.msg(0) }), Error::BadPath);
    let asked = |index| QueryClaimedRequest { asset_id: 1, index };
    assert!(!t.chain.run(|ctx| Asset.claimed(ctx, asked(0))).unwrap().claimed);
    t.claim(t.msg(0)).unwrap();
    assert!(t.chain.run(|ctx| Asset.claimed(ctx, asked(0))).unwrap().claimed);
    refused(t.claim(t.msg(0)), Error::AlreadyClaimed(0));
    refused(t.chain.run(|ctx| Asset.claimed(ctx, asked(5))), Error::ClaimIndex { last: 4, found: 5 });
    refused(t.chain.run(|ctx| Asset.claimed(ctx, QueryClaimedRequest { asset_id: 2, index: 0 })), Error::NoClaimTree(2));
    refused(t.chain.run(|ctx| Asset.claim_pool(ctx, QueryClaimPoolRequest { asset_id: 2 })), Error::NoClaimTree(2));
}

#[test]
fn a_tree_that_promises_too_much_gives_no_more_than_was_set_aside() {
    let mut chain = chain();
    register(&mut chain, new_asset(1, &[])).unwrap();
    let leaves = [claim_leaf(0, &user(2), SUPPLY), claim_leaf(1, &user(3), SUPPLY), claim_leaf(2, &user(4), 0)];
    let claims = Some(ClaimTree { root: merkle::root(&leaves).to_vec(), leaves: 3, weight: 1 });
    let m = MsgTokenizeAsset { owner: user(1).to_string(), asset_id: 1, supply: SUPPLY, holders: vec![], claims };
    chain.tx(|ctx| Asset.tokenize_asset(ctx, m)).unwrap();
    let mut claim = |index: u32, shares: u64| {
        let path = merkle::path(&leaves, index as usize).unwrap().iter().map(|h| h.to_vec()).collect();
        let holder = user(2 + u8::try_from(index).unwrap()).to_string();
        let m = MsgClaimShares { sender: user(1).to_string(), asset_id: 1, index, holder, shares, path };
        chain.tx(|ctx| Asset.claim_shares(ctx, m))
    };
    refused(claim(2, 0), Error::ClaimTooLarge { claimed: 0, left: SUPPLY });
    claim(0, SUPPLY).unwrap();
    refused(claim(1, SUPPLY), Error::ClaimTooLarge { claimed: SUPPLY, left: 0 });
    assert_invariants(&mut chain);
}
