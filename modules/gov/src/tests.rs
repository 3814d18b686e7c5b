//! Proposals through messages, blocks, queries and genesis.
#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod life;
mod pieces;
mod refusals;
mod views;

use std::sync::Arc;

use cairn_auth::{Auth, authority};
use cairn_bank::Bank;
use cairn_kernel::{Address, Coin, Dec, Module, Result, testing::Chain};
use cairn_proto::{
    Any,
    cosmos::{
        auth::v1beta1::{GenesisState as AuthGenesis, MsgUpdateParams as AuthParams},
        bank::v1beta1::{Balance, GenesisState as BankGenesis},
        base::v1beta1::Coin as WireCoin,
        crypto::ed25519::PubKey,
        gov::v1::{MsgDeposit, MsgServer, MsgSubmitProposal, MsgVote, MsgVoteWeighted, Proposal, ProposalStatus, WeightedVoteOption},
        staking::v1beta1::{CommissionRates, Description, MsgCreateValidator, MsgDelegate, MsgServer as _},
    },
    pack,
};
use cairn_staking::{Staking, operator_text};

use crate::{Gov, default_params};

/// What begins a vote, in base units.
const ENOUGH: u128 = 10_000_000;
const FUNDS: u128 = 1_000_000_000;
/// One unit of power.
const M: u128 = 1_000_000;
const DAY: u64 = 86_400;
const YES: i32 = 1;
const ABSTAIN: i32 = 2;
const NO: i32 = 3;
const VETO: i32 = 4;

/// Users 1 to 9 with funds; users 1 to 3 operate validators that have 50, 30 and 20 units of power.
fn chain() -> Chain {
    let mut chain = Chain::default();
    Arc::new(Auth).routes(&mut chain.router);
    Arc::new(Bank).routes(&mut chain.router);
    Arc::new(Staking).routes(&mut chain.router);
    Arc::new(Gov).routes(&mut chain.router);
    let accounts = AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] };
    chain.run(|ctx| Auth.init(ctx, accounts)).unwrap();
    let balances = (1..=9).map(|n| Balance { address: user(n).to_string(), coins: coins(FUNDS) }).collect();
    let bank = BankGenesis { params: Some(cairn_bank::DEFAULT_PARAMS), balances, ..BankGenesis::default() };
    chain.run(|ctx| Bank.init(ctx, bank)).unwrap();
    chain.run(|ctx| Staking.init(ctx, Staking.default_genesis())).unwrap();
    for (n, power) in [(1, 50), (2, 30), (3, 20)] {
        chain.run(|ctx| Staking.create_validator(ctx, creation(n, power * M))).unwrap();
    }
    chain.run(|ctx| Staking.end_block(ctx)).unwrap();
    chain.run(|ctx| Gov.init(ctx, Gov.default_genesis())).unwrap();
    chain
}

fn creation(n: u8, tokens: u128) -> MsgCreateValidator {
    let rate = |percent: u64| Dec::with_places(percent, 2).unwrap().to_wire();
    MsgCreateValidator {
        description: Some(Description { moniker: format!("validator {n}"), ..Description::default() }),
        commission: Some(CommissionRates { rate: rate(10), max_rate: rate(20), max_change_rate: rate(1) }),
        min_self_delegation: "1".into(),
        validator_address: operator_text(&user(n)),
        pubkey: Some(pack(&PubKey { key: vec![n; 32] })),
        value: coins(tokens).pop(),
        ..MsgCreateValidator::default()
    }
}

/// Stakes with the validator of `to`.
fn delegate(chain: &mut Chain, from: u8, to: u8, tokens: u128) {
    let m =
        MsgDelegate { delegator_address: user(from).to_string(), validator_address: operator_text(&user(to)), amount: coins(tokens).pop() };
    chain.tx(|ctx| Staking.delegate(ctx, m)).unwrap();
}

fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn coins(amount: u128) -> Vec<WireCoin> {
    if amount == 0 { vec![] } else { vec![Coin::base(amount).into()] }
}

/// A message by which governance sets the longest memo.
fn set_memo(characters: u64) -> Any {
    let params = cairn_proto::cosmos::auth::v1beta1::Params { max_memo_characters: characters, ..cairn_auth::DEFAULT_PARAMS };
    pack(&AuthParams { authority: authority().to_string(), params: Some(params) })
}

/// A proposal of user 9.
fn proposal(deposit: u128, messages: Vec<Any>) -> MsgSubmitProposal {
    MsgSubmitProposal {
        messages,
        initial_deposit: coins(deposit),
        proposer: user(9).to_string(),
        title: "title".into(),
        summary: "summary".into(),
        metadata: String::new(),
        expedited: false,
    }
}

fn submit(chain: &mut Chain, m: MsgSubmitProposal) -> Result<u64> {
    chain.tx(|ctx| Gov.submit_proposal(ctx, m)).map(|done| done.proposal_id)
}

fn deposit(chain: &mut Chain, id: u64, from: u8, amount: u128) -> Result<()> {
    let m = MsgDeposit { proposal_id: id, depositor: user(from).to_string(), amount: coins(amount) };
    chain.tx(|ctx| Gov.deposit(ctx, m)).map(drop)
}

fn vote(chain: &mut Chain, id: u64, voter: u8, option: i32) -> Result<()> {
    let m = MsgVote { proposal_id: id, voter: user(voter).to_string(), option, metadata: String::new() };
    chain.tx(|ctx| Gov.vote(ctx, m)).map(drop)
}

fn vote_weighted(chain: &mut Chain, id: u64, voter: u8, options: &[(i32, &str)]) -> Result<()> {
    let options = options.iter().map(|(option, weight)| WeightedVoteOption { option: *option, weight: (*weight).into() }).collect();
    let m = MsgVoteWeighted { proposal_id: id, voter: user(voter).to_string(), options, metadata: String::new() };
    chain.tx(|ctx| Gov.vote_weighted(ctx, m)).map(drop)
}

/// A proposal that is voted on.
fn active(chain: &mut Chain, messages: Vec<Any>) -> u64 {
    submit(chain, proposal(ENOUGH, messages)).unwrap()
}

/// Goes on by so many seconds and ends the block.
fn pass(chain: &mut Chain, seconds: u64) {
    chain.block.height += 1;
    chain.block.time += seconds;
    chain.run(|ctx| Gov.end_block(ctx)).unwrap();
    check(chain);
}

fn find(chain: &mut Chain, id: u64) -> Option<Proposal> {
    chain.run(|ctx| crate::proposals::find(ctx, id)).ok()
}

#[track_caller]
fn status(chain: &mut Chain, id: u64) -> ProposalStatus {
    find(chain, id).unwrap().status.try_into().unwrap()
}

fn held(chain: &mut Chain, n: u8) -> u128 {
    chain.run(|ctx| cairn_bank::balance(ctx, &user(n), "ucairn")).unwrap()
}

fn supply(chain: &mut Chain) -> u128 {
    chain.run(|ctx| cairn_bank::supply(ctx, "ucairn")).unwrap()
}

fn memo(chain: &mut Chain) -> u64 {
    chain.run(|ctx| cairn_auth::params(ctx)).unwrap().max_memo_characters
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, codespace: &str, code: u32) {
    let error = result.unwrap_err();
    assert_eq!((error.codespace, error.code), (codespace, code), "{}", error.log);
}

#[track_caller]
fn check(chain: &mut Chain) {
    for (name, holds) in Gov.invariants() {
        assert_eq!(chain.run(|ctx| holds(ctx)), Ok(()), "{name}");
    }
}

/// Sets parameters as a proposal would.
fn with_params(chain: &mut Chain, change: impl FnOnce(&mut cairn_proto::cosmos::gov::v1::Params)) {
    let mut params = default_params();
    change(&mut params);
    let m = cairn_proto::cosmos::gov::v1::MsgUpdateParams { authority: authority().to_string(), params: Some(params) };
    chain.tx(|ctx| Gov.update_params(ctx, m)).unwrap();
}
