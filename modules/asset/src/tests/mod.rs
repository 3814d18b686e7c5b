//! Assets through their messages, queries and public functions.
#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]
mod attacks;
mod genesis;
mod income;
mod job;
mod lineage;
mod property;
mod registry;
mod shares;

use std::sync::Arc;

use cairn_auth::Auth;
use cairn_bank::{self as bank, Bank};
use cairn_kernel::{Address, Coded, Coin, Error as Refusal, Module, ModuleAccount, testing::Chain};
use cairn_proto::cairn::asset::v1::{
    self as wire, AssetKind, Encryption, Holder, MsgRegisterAsset, MsgServer, MsgTokenizeAsset, Parent, QueryClaimableRequest, QueryServer,
    Relation, VersionContent,
};

use crate::{Asset, Error};

/// Gives the accounts of tests their first coins.
const FAUCET: ModuleAccount = ModuleAccount::new("faucet").mints();

/// A denomination from another chain.
const ATOM: &str = "ibc/atom";

fn chain() -> Chain {
    let mut chain = Chain::default();
    Arc::new(Auth).routes(&mut chain.router);
    Arc::new(Bank).routes(&mut chain.router);
    Arc::new(Asset).routes(&mut chain.router);
    chain.router.hook(FAUCET);
    chain
}

fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn fund(chain: &mut Chain, to: Address, denom: &str, amount: u128) {
    let coins = [Coin::new(denom, amount)];
    chain.tx(|ctx| bank::mint(ctx, &FAUCET, &coins)).unwrap();
    chain.tx(|ctx| bank::send(ctx, &FAUCET.address(), &to, &coins)).unwrap();
}

fn balance(chain: &mut Chain, of: Address, denom: &str) -> u128 {
    chain.run(|ctx| bank::balance(ctx, &of, denom)).unwrap()
}

fn content() -> VersionContent {
    VersionContent {
        manifest_root: vec![7; 32],
        items: 1_797,
        bytes: 200_000,
        media_type: "image/png".into(),
        content_addresses: vec!["https://gateway.example/manifest".into()],
        encryption: Encryption::None.into(),
        ..VersionContent::default()
    }
}

/// A data set of user `owner` with one version.
fn new_asset(owner: u8, parents: &[(u64, u32)]) -> MsgRegisterAsset {
    let parent = |(asset_id, royalty_bps): &(u64, u32)| Parent {
        asset_id: *asset_id,
        relation: Relation::DerivedFrom.into(),
        royalty_bps: *royalty_bps,
        license_id: 0,
    };
    MsgRegisterAsset {
        owner: user(owner).to_string(),
        kind: AssetKind::Dataset.into(),
        title: "digits".into(),
        parents: parents.iter().map(parent).collect(),
        version: Some(content()),
        ..MsgRegisterAsset::default()
    }
}

fn register(chain: &mut Chain, m: MsgRegisterAsset) -> Result<u64, Refusal> {
    chain.tx(|ctx| Asset.register_asset(ctx, m)).map(|response| response.asset_id)
}

fn tokenize(chain: &mut Chain, owner: u8, asset_id: u64, supply: u64, holders: &[(u8, u64)]) -> Result<(), Refusal> {
    let holders = holders.iter().map(|(n, weight)| Holder { address: user(*n).to_string(), weight: *weight }).collect();
    let m = MsgTokenizeAsset { owner: user(owner).to_string(), asset_id, supply, holders, claims: None };
    chain.tx(|ctx| Asset.tokenize_asset(ctx, m)).map(drop)
}

/// Funds user `from` with the payment and pays it.
fn pay(chain: &mut Chain, from: u8, asset: u64, denom: &str, amount: u128) -> Result<(), Refusal> {
    fund(chain, user(from), denom, amount);
    chain.tx(|ctx| crate::pay(ctx, asset, &user(from), &[Coin::new(denom, amount)]))
}

fn claimable(chain: &mut Chain, asset_id: u64, holder: u8) -> Vec<Coin> {
    let q = QueryClaimableRequest { asset_id, holder: user(holder).to_string() };
    let holding = chain.run(|ctx| QueryServer::claimable(&Asset, ctx, q)).unwrap().holding.unwrap();
    holding.claimable.iter().map(|coin| coin.try_into().unwrap()).collect()
}

fn withdraw(chain: &mut Chain, asset_id: u64, holder: u8) -> Result<Vec<Coin>, Refusal> {
    let m = wire::MsgWithdrawIncome { holder: user(holder).to_string(), asset_id };
    let response = chain.tx(|ctx| Asset.withdraw_income(ctx, m))?;
    Ok(response.amount.iter().map(|coin| coin.try_into().unwrap()).collect())
}

fn stored(chain: &mut Chain, id: u64) -> wire::Asset {
    chain.run(|ctx| crate::asset(ctx, id)).unwrap()
}

#[track_caller]
fn assert_invariants(chain: &mut Chain) {
    for (name, check) in Asset.invariants().into_iter().chain(Bank.invariants()) {
        chain.run(|ctx| check(ctx)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, error: Error) {
    let found = result.unwrap_err();
    assert_eq!((found.codespace, found.code, found.log), ("asset", error.code(), error.to_string()));
}

/// A seeded stream of numbers (splitmix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}
