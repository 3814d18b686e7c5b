//! Terms and licences through their messages, queries, public functions and genesis.
#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]
mod approvals;
mod derivations;
mod exits;
mod grants;
mod metering;
mod offers;
mod revenues;
mod revocations;
mod rights;
mod sales;
mod version_keys;

use std::sync::Arc;

use cairn_asset::Asset;
use cairn_auth::Auth;
use cairn_bank::{self as bank, Bank};
use cairn_dispute::Dispute;
use cairn_kernel::{Address, BASE_DENOM, Coded, Coin, Error as Refusal, Module, ModuleAccount, testing::Chain};
use cairn_proto::{
    cairn::{
        asset::v1::{self as asset_v1, AssetKind, Encryption, Holder, MsgRegisterAsset, MsgServer as _, MsgTokenizeAsset, VersionContent},
        licensing::v1::{
            LegalText, License, MsgBuyLicense, MsgOfferTerms, MsgServer, Pricing, QueryLicenseRequest, QueryServer, Scope, TermsContent,
        },
    },
    cosmos::base::v1beta1 as proto,
};
use cairn_rewards::Rewards;

use crate::{Error, Licensing};

const FAUCET: ModuleAccount = ModuleAccount::new("faucet").mints();
const ATOM: &str = "ibc/atom";

/// Owner of asset 1, its two shareholders, buyers.
const OWNER: u8 = 1;
const HOLDER: u8 = 2;
const BUYER: u8 = 5;

fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn name(n: u8) -> String {
    user(n).to_string()
}

/// A chain at height 10 with asset 1 of user 1: one version, shares 1:1 to users 1 and 2; the buyer is rich.
fn chain() -> Chain {
    let mut chain = Chain::default();
    Arc::new(Auth).routes(&mut chain.router);
    Arc::new(Bank).routes(&mut chain.router);
    Arc::new(Asset).routes(&mut chain.router);
    Arc::new(Rewards).routes(&mut chain.router);
    Arc::new(Dispute).routes(&mut chain.router);
    Arc::new(Licensing).routes(&mut chain.router);
    chain.router.hook(FAUCET);
    chain.block.height = 10;
    chain.tx(|ctx| Asset.register_asset(ctx, new_asset(OWNER))).unwrap();
    let holders = [OWNER, HOLDER].map(|n| Holder { address: name(n), weight: 1 }).to_vec();
    let m = MsgTokenizeAsset { owner: name(OWNER), asset_id: 1, supply: 1_000_000, holders, claims: None };
    chain.tx(|ctx| Asset.tokenize_asset(ctx, m)).unwrap();
    for denom in [BASE_DENOM, ATOM] {
        fund(&mut chain, BUYER, denom, 1_000_000_000);
    }
    chain
}

fn new_asset(owner: u8) -> MsgRegisterAsset {
    MsgRegisterAsset {
        owner: name(owner),
        kind: AssetKind::Dataset.into(),
        title: "digits".into(),
        version: Some(version()),
        ..MsgRegisterAsset::default()
    }
}

fn version() -> VersionContent {
    VersionContent {
        manifest_root: vec![7; 32],
        items: 10,
        media_type: "image/png".into(),
        encryption: Encryption::None.into(),
        ..VersionContent::default()
    }
}

fn publish(chain: &mut Chain, asset_id: u64, encrypted: bool) {
    let mut content = version();
    if encrypted {
        content.encryption = Encryption::Envelope.into();
        content.key_commitment = vec![1; 32];
    }
    let m = asset_v1::MsgPublishVersion { owner: name(OWNER), asset_id, content: Some(content) };
    chain.tx(|ctx| Asset.publish_version(ctx, m)).unwrap();
}

fn deprecate(chain: &mut Chain) {
    let m = asset_v1::MsgDeprecateAsset { owner: name(OWNER), asset_id: 1, reason: "old".into(), successor: 0 };
    chain.tx(|ctx| Asset.deprecate_asset(ctx, m)).unwrap();
}

/// For ever, 10 ucairn a call to user 8, who keeps half.
fn per_call() -> TermsContent {
    TermsContent {
        title: "by the call".into(),
        pricing: Pricing::PerCall.into(),
        prices: vec![coin(BASE_DENOM, 10)],
        provider_bps: 5_000,
        providers: vec![name(8), name(9)],
        ..one_off()
    }
}

/// Ends the block at `height`.
fn end_block(chain: &mut Chain, height: u64) {
    chain.block.height = height;
    chain.run(|ctx| Licensing.end_block(ctx)).unwrap();
}

fn fund(chain: &mut Chain, to: u8, denom: &str, amount: u128) {
    let coins = [Coin::new(denom, amount)];
    chain.tx(|ctx| bank::mint(ctx, &FAUCET, &coins)).unwrap();
    chain.tx(|ctx| bank::send(ctx, &FAUCET.address(), &user(to), &coins)).unwrap();
}

fn balance(chain: &mut Chain, of: u8, denom: &str) -> u128 {
    chain.run(|ctx| bank::balance(ctx, &user(of), denom)).unwrap()
}

fn coin(denom: &str, amount: u128) -> proto::Coin {
    proto::Coin { denom: denom.into(), amount: amount.to_string() }
}

/// For ever, 1,000,000 ucairn or 500 atoms, one seat.
fn one_off() -> TermsContent {
    TermsContent {
        asset_id: 1,
        title: "research".into(),
        versions: vec![],
        scope: Some(Scope { train: true, evaluate: true, ..Scope::default() }),
        pricing: Pricing::OneOff.into(),
        prices: vec![coin(ATOM, 500), coin(BASE_DENOM, 1_000_000)],
        term_blocks: 0,
        seats: 1,
        transferable: true,
        needs_approval: false,
        derivative_royalty_bps: 0,
        legal_text: Some(LegalText { uri: "https://example.org/licence".into(), sha256: vec![5; 32] }),
        ..TermsContent::default()
    }
}

/// A fifth of what is reported every 100 blocks, nothing on purchase.
fn revenue_share() -> TermsContent {
    TermsContent {
        title: "a fifth".into(),
        pricing: Pricing::RevenueShare.into(),
        prices: vec![],
        term_blocks: 100,
        revenue_share_bps: 2_000,
        ..one_off()
    }
}

/// 100 blocks at 200 ucairn, three seats.
fn period() -> TermsContent {
    TermsContent {
        title: "by the hundred".into(),
        pricing: Pricing::Period.into(),
        prices: vec![coin(BASE_DENOM, 200)],
        term_blocks: 100,
        seats: 3,
        ..one_off()
    }
}

fn offer(chain: &mut Chain, owner: u8, content: TermsContent) -> Result<String, Refusal> {
    let m = MsgOfferTerms { owner: name(owner), content: Some(content) };
    chain.tx(|ctx| Licensing.offer_terms(ctx, m)).map(|response| response.terms_id)
}

/// What user 5 sends to buy under `terms_id` for `payment`.
fn purchase(terms_id: &str, payment: Option<proto::Coin>) -> MsgBuyLicense {
    MsgBuyLicense { buyer: name(BUYER), terms_id: terms_id.into(), payment, ..MsgBuyLicense::default() }
}

fn buy(chain: &mut Chain, m: MsgBuyLicense) -> Result<u64, Refusal> {
    chain.tx(|ctx| Licensing.buy_license(ctx, m)).map(|response| response.license_id)
}

fn license(chain: &mut Chain, license_id: u64) -> License {
    chain.run(|ctx| QueryServer::license(&Licensing, ctx, QueryLicenseRequest { license_id })).unwrap().license.unwrap()
}

fn licensed(chain: &mut Chain, n: u8) -> bool {
    chain.run(|ctx| crate::is_licensed(ctx, &user(n), 1)).unwrap()
}

#[track_caller]
fn assert_invariants(chain: &mut Chain) {
    let all = Licensing
        .invariants()
        .into_iter()
        .chain(Asset.invariants())
        .chain(Rewards.invariants())
        .chain(Dispute.invariants())
        .chain(Bank.invariants());
    for (name, check) in all {
        chain.run(|ctx| check(ctx)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, error: Error) {
    let found = result.unwrap_err();
    assert_eq!((found.codespace, found.code, found.log), ("licensing", error.code(), error.to_string()));
}
