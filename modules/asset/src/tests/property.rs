//! Random graphs, share moves, claims, payments and withdrawals in any order: nothing is lost and nothing is made.
use std::collections::BTreeMap;

use cairn_kernel::{BASE_DENOM, merkle};
use cairn_proto::cairn::asset::v1::{ClaimTree, MsgClaimShares};

use super::*;
use crate::{MINTER, allot, claim_leaf};

const USERS: u64 = 12;
const DENOMS: [&str; 3] = [BASE_DENOM, ATOM, "uosmo"];

/// A claim tree: who may take which leaf.
struct Tree {
    leaves: Vec<merkle::Hash>,
    parts: Vec<(u8, u64)>,
}

struct World {
    chain: Chain,
    seeded: Seeded,
    assets: u64,
    trees: BTreeMap<u64, Tree>,
    done: BTreeMap<&'static str, u32>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chain = chain();
        for n in 0..USERS {
            DENOMS.iter().for_each(|denom| fund(&mut chain, user(n as u8 + 1), denom, 1 << 60));
        }
        Self { chain, seeded: Seeded(seed), assets: 0, trees: BTreeMap::new(), done: BTreeMap::new() }
    }
    fn any_user(&mut self) -> u8 {
        self.seeded.below(USERS) as u8 + 1
    }
    fn any_asset(&mut self) -> u64 {
        1 + self.seeded.below(self.assets.max(1))
    }
    fn register(&mut self) -> bool {
        let mut parents = BTreeMap::new();
        for _ in 0..self.seeded.below(4) {
            if self.assets > 0 {
                parents.insert(self.any_asset(), self.seeded.below(1_500) as u32);
            }
        }
        let parents: Vec<_> = parents.into_iter().collect();
        let owner = self.any_user();
        let mut m = new_asset(owner, &parents);
        m.income_denoms = DENOMS[1..].iter().map(|d| (*d).to_owned()).collect();
        let made = register(&mut self.chain, m).is_ok();
        self.assets += u64::from(made);
        made
    }
    fn tokenize(&mut self) -> bool {
        let id = self.any_asset();
        let Ok(asset) = self.chain.run(|ctx| crate::asset(ctx, id)) else { return false };
        let supply = [1_000_000, 1_000_000_000_000_000, 1_000_003, 7_919_000_017][self.seeded.below(4) as usize];
        let users: Vec<u8> = (0..=self.seeded.below(5)).map(|i| (i + self.seeded.below(2) * 5) as u8 + 1).collect();
        let mut weights: BTreeMap<u8, u64> = BTreeMap::new();
        weights.extend(users.iter().map(|n| (*n, 1 + self.seeded.below(1_000))));
        let holders: Vec<Holder> = weights.iter().map(|(n, w)| Holder { address: user(*n).to_string(), weight: *w }).collect();
        let all: Vec<u64> = weights.values().copied().chain([500]).collect();
        let set_aside = *allot(supply, &all).unwrap().last().unwrap();
        let claimants: Vec<u8> = (0..4).map(|_| self.any_user()).collect();
        let amounts = allot(set_aside, &[4, 3, 2, 1]).unwrap();
        let parts: Vec<_> = claimants.into_iter().zip(amounts).collect();
        let leaves: Vec<_> = parts.iter().enumerate().map(|(i, (n, shares))| claim_leaf(i as u32, &user(*n), *shares)).collect();
        let claims = Some(ClaimTree { root: merkle::root(&leaves).to_vec(), leaves: 4, weight: 500 });
        let m = MsgTokenizeAsset { owner: asset.owner, asset_id: id, supply, holders, claims };
        let made = self.chain.tx(|ctx| Asset.tokenize_asset(ctx, m)).is_ok();
        if made {
            self.trees.insert(id, Tree { leaves, parts });
        }
        made
    }
    fn claim(&mut self) -> bool {
        let (asset_id, i) = (self.any_asset(), self.seeded.below(4) as usize);
        let Some(tree) = self.trees.get(&asset_id) else { return false };
        let path = merkle::path(&tree.leaves, i).unwrap().iter().map(|h| h.to_vec()).collect();
        let (n, shares) = tree.parts[i];
        let holder = user(n).to_string();
        let m = MsgClaimShares { sender: holder.clone(), asset_id, index: i as u32, holder, shares, path };
        self.chain.tx(|ctx| Asset.claim_shares(ctx, m)).is_ok()
    }
    fn pay(&mut self) -> bool {
        let (from, id) = (self.any_user(), self.any_asset());
        let denom = DENOMS[self.seeded.below(3) as usize];
        let amount = 1 + u128::from(self.seeded.below([10, 1_000, 1 << 40][self.seeded.0 as usize % 3]));
        self.chain.tx(|ctx| crate::pay(ctx, id, &user(from), &[Coin::new(denom, amount)])).is_ok()
    }
    fn move_shares(&mut self) -> bool {
        let (from, to, id) = (self.any_user(), self.any_user(), self.any_asset());
        let denom = crate::share_denom(id);
        let held = balance(&mut self.chain, user(from), &denom);
        let amount = match self.seeded.below(3) {
            0 => held,
            1 => held.min(1),
            _ => u128::from(self.seeded.below(u64::try_from(held).unwrap() + 1)),
        };
        amount > 0 && self.chain.tx(|ctx| bank::send(ctx, &user(from), &user(to), &[Coin::new(denom, amount)])).is_ok()
    }
    fn withdraw(&mut self) -> bool {
        let (holder, id) = (self.any_user(), self.any_asset());
        withdraw(&mut self.chain, id, holder).is_ok()
    }
    fn step(&mut self) {
        let (name, done) = match self.seeded.below(20) {
            0 => ("register", self.register()),
            1 => ("tokenize", self.tokenize()),
            2 => ("claim", self.claim()),
            3..=9 => ("pay", self.pay()),
            10..=15 => ("move", self.move_shares()),
            _ => ("withdraw", self.withdraw()),
        };
        *self.done.entry(name).or_default() += u32::from(done);
    }
}

#[test]
fn income_is_neither_lost_nor_made_in_any_order() {
    for seed in 0..24 {
        let mut world = World::new(seed);
        for step in 0..600 {
            world.step();
            if step % 20 == 0 {
                assert_invariants(&mut world.chain);
            }
        }
        assert!(world.done.values().all(|n| *n > 0) && world.done.len() == 6, "seed {seed}: {:?}", world.done);
        // Everyone takes out what can be taken: only dust stays, less than one unit for each holder of an asset and denomination.
        let mut places = 0_u128;
        for id in 1..=world.assets {
            for n in 1..=USERS as u8 {
                let owed = claimable(&mut world.chain, id, n);
                assert_eq!(withdraw(&mut world.chain, id, n).unwrap_or(vec![]), owed);
                places += 1;
            }
        }
        assert_invariants(&mut world.chain);
        let unclaimed = (1..=world.assets).any(|id| balance(&mut world.chain, MINTER.address(), &crate::share_denom(id)) > 0);
        for denom in DENOMS {
            let dust = balance(&mut world.chain, MINTER.address(), denom);
            let outside: u128 = (1..=USERS as u8).map(|n| balance(&mut world.chain, user(n), denom)).sum();
            assert_eq!(outside + dust, u128::from(USERS) << 60);
            assert!(unclaimed || dust <= places, "seed {seed}: {dust}{denom} left");
        }
    }
}
