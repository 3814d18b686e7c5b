//! Allowances through messages, use, queries, genesis and the end of blocks.
use std::sync::Arc;

use cairn_auth::Auth;
use cairn_kernel::{Address, Coin, Module, Result, testing::Chain};
use cairn_proto::{
    Any, Duration, Timestamp,
    cosmos::{
        auth::v1beta1::GenesisState as AuthGenesis,
        base::v1beta1::Coin as WireCoin,
        feegrant::v1beta1::{
            AllowedMsgAllowance, BasicAllowance, GenesisState, Grant, MsgGrantAllowance, MsgPruneAllowances, MsgRevokeAllowance, MsgServer,
            PeriodicAllowance, QueryAllowanceRequest, QueryAllowancesByGranterRequest, QueryAllowancesRequest, QueryServer,
        },
    },
    pack, unpack,
};

use crate::{Feegrant, use_grant};

const NOW: i64 = 1_700_000_000;
const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";

fn chain() -> Chain {
    let mut chain = Chain::default();
    Arc::new(Auth).routes(&mut chain.router);
    Arc::new(Feegrant).routes(&mut chain.router);
    let accounts = AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] };
    chain.run(|ctx| Auth.init(ctx, accounts)).unwrap();
    chain
}

fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn coins(amount: u128) -> Vec<WireCoin> {
    vec![Coin::base(amount).into()]
}

fn time(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn basic(limit: u128, expiration: Option<Timestamp>) -> BasicAllowance {
    BasicAllowance { spend_limit: if limit == 0 { vec![] } else { coins(limit) }, expiration }
}

/// 10 in 100 seconds, `limit` in all.
fn periodic(limit: u128) -> PeriodicAllowance {
    PeriodicAllowance {
        basic: Some(basic(limit, None)),
        period: Some(Duration { seconds: 100, nanos: 0 }),
        period_spend_limit: coins(10),
        period_can_spend: coins(10),
        period_reset: time(NOW + 100),
    }
}

fn for_sends(allowance: Any) -> AllowedMsgAllowance {
    AllowedMsgAllowance { allowance: Some(allowance), allowed_messages: vec![SEND.into()] }
}

fn grant(chain: &mut Chain, granter: u8, grantee: u8, allowance: Any) -> Result<()> {
    let m = MsgGrantAllowance { granter: user(granter).to_string(), grantee: user(grantee).to_string(), allowance: Some(allowance) };
    chain.tx(|ctx| Feegrant.grant_allowance(ctx, m)).map(|_| ())
}

/// User 2 spends what user 1 allows.
fn spend(chain: &mut Chain, amount: u128) -> Result<()> {
    chain.tx(|ctx| use_grant(ctx, &user(1), &user(2), &[Coin::base(amount)], &[SEND]))
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, codespace: &str, code: u32) {
    let error = result.unwrap_err();
    assert_eq!((error.codespace, error.code), (codespace, code), "{}", error.log);
}

fn allowance(chain: &mut Chain) -> Option<Any> {
    let q = QueryAllowanceRequest { granter: user(1).to_string(), grantee: user(2).to_string() };
    chain.run(|ctx| Feegrant.allowance(ctx, q)).ok().and_then(|a| a.allowance?.allowance)
}

#[track_caller]
fn check(chain: &mut Chain) {
    for (name, holds) in Feegrant.invariants() {
        assert_eq!(chain.run(|ctx| holds(ctx)), Ok(()), "{name}");
    }
}

#[test]
fn a_basic_allowance_pays_until_it_is_used_up() {
    let mut chain = chain();
    grant(&mut chain, 1, 2, pack(&basic(10, None))).unwrap();
    assert!(chain.run(|ctx| cairn_auth::has_account(ctx, &user(2))).unwrap(), "the grantee has an account to sign with");
    spend(&mut chain, 4).unwrap();
    assert_eq!(unpack::<BasicAllowance>(&allowance(&mut chain).unwrap()).unwrap(), basic(6, None));
    refused(spend(&mut chain, 7), "feegrant", 2);
    check(&mut chain);
    spend(&mut chain, 6).unwrap();
    assert_eq!(allowance(&mut chain), None);
    refused(spend(&mut chain, 1), "sdk", 38);
    check(&mut chain);
}

#[test]
fn an_allowance_without_limit_pays_anything_and_one_of_other_coins_nothing() {
    let mut chain = chain();
    grant(&mut chain, 1, 2, pack(&basic(0, None))).unwrap();
    spend(&mut chain, u128::MAX).unwrap();
    chain.tx(|ctx| use_grant(ctx, &user(1), &user(2), &[Coin::new("other", 5)], &[])).unwrap();
    grant(&mut chain, 3, 2, pack(&basic(5, None))).unwrap();
    refused(chain.tx(|ctx| use_grant(ctx, &user(3), &user(2), &[Coin::new("other", 5)], &[])), "feegrant", 2);
}

#[test]
fn an_allowance_pays_in_the_second_in_which_it_ends_and_not_after() {
    let mut chain = chain();
    grant(&mut chain, 1, 2, pack(&basic(10, time(NOW)))).unwrap();
    spend(&mut chain, 1).unwrap();
    chain.block.nanos = 1;
    refused(spend(&mut chain, 1), "feegrant", 3);
    refused(grant(&mut chain, 1, 3, pack(&basic(10, time(NOW)))), "sdk", 18);
}

#[test]
fn a_periodic_allowance_starts_anew_on_its_rhythm() {
    let mut chain = chain();
    grant(&mut chain, 1, 2, pack(&periodic(25))).unwrap();
    spend(&mut chain, 10).unwrap();
    refused(spend(&mut chain, 1), "feegrant", 2);
    chain.block.time += 150;
    spend(&mut chain, 9).unwrap();
    let left: PeriodicAllowance = unpack(&allowance(&mut chain).unwrap()).unwrap();
    assert_eq!((left.period_reset, left.period_can_spend), (time(NOW + 200), coins(1)), "one period on, not from now");
    chain.block.time += 1_000;
    refused(spend(&mut chain, 7), "feegrant", 2);
    spend(&mut chain, 5).unwrap();
    let left: PeriodicAllowance = unpack(&allowance(&mut chain).unwrap()).unwrap();
    assert_eq!(left.period_reset, time(NOW + 1_250), "after a pause, from now");
    assert_eq!(left.period_can_spend, coins(1), "never above what is left in all");
    spend(&mut chain, 1).unwrap();
    assert_eq!(allowance(&mut chain), None);
    check(&mut chain);
}

#[test]
fn an_allowance_for_messages_pays_for_these_alone() {
    let mut chain = chain();
    grant(&mut chain, 1, 2, pack(&for_sends(pack(&basic(10, time(NOW + 5)))))).unwrap();
    spend(&mut chain, 1).unwrap();
    for urls in [&["/other"][..], &[SEND, "/other"]] {
        refused(chain.tx(|ctx| use_grant(ctx, &user(1), &user(2), &[Coin::base(1)], urls)), "feegrant", 7);
    }
    let left: AllowedMsgAllowance = unpack(&allowance(&mut chain).unwrap()).unwrap();
    assert_eq!(unpack::<BasicAllowance>(&left.allowance.unwrap()).unwrap(), basic(9, time(NOW + 5)));
    check(&mut chain);
}

#[test]
fn each_allowance_that_makes_no_sense_is_refused() {
    let mut chain = chain();
    let many = AllowedMsgAllowance { allowed_messages: vec!["/m".into(); 101], ..for_sends(pack(&basic(1, None))) };
    let long = AllowedMsgAllowance { allowed_messages: vec!["m".repeat(257)], ..for_sends(pack(&basic(1, None))) };
    let none = AllowedMsgAllowance { allowed_messages: vec![], ..for_sends(pack(&basic(1, None))) };
    let unsorted = BasicAllowance { spend_limit: [coins(1), coins(1)].concat(), expiration: None };
    let other_coin = PeriodicAllowance { period_spend_limit: vec![Coin::new("other", 5).into()], ..periodic(5) };
    let backwards = PeriodicAllowance { period: Some(Duration { seconds: -1, nanos: 0 }), ..periodic(5) };
    let cases = [
        (Any::default(), "sdk", 29),
        (pack(&for_sends(pack(&for_sends(pack(&basic(1, None)))))), "sdk", 29),
        (pack(&AllowedMsgAllowance { allowance: None, ..for_sends(Any::default()) }), "feegrant", 5),
        (pack(&none), "feegrant", 6),
        (pack(&many), "sdk", 18),
        (pack(&long), "sdk", 18),
        (pack(&unsorted), "sdk", 10),
        (pack(&BasicAllowance { spend_limit: coins(0), expiration: None }), "sdk", 10),
        (pack(&basic(1, time(-1))), "feegrant", 4),
        (pack(&other_coin), "sdk", 10),
        (pack(&PeriodicAllowance { period_spend_limit: vec![], ..periodic(5) }), "sdk", 10),
        (pack(&backwards), "feegrant", 4),
        (pack(&PeriodicAllowance { period_reset: time(-1), ..periodic(5) }), "feegrant", 4),
        (Any { value: vec![0xff], ..pack(&basic(1, None)) }, "sdk", 34),
    ];
    for (packed, codespace, code) in cases {
        refused(grant(&mut chain, 1, 2, packed), codespace, code);
    }
    let nothing = MsgGrantAllowance { granter: user(1).to_string(), grantee: user(2).to_string(), allowance: None };
    refused(chain.tx(|ctx| Feegrant.grant_allowance(ctx, nothing)), "feegrant", 5);
}

#[test]
fn a_pair_has_one_allowance_and_nobody_grants_himself() {
    let mut chain = chain();
    grant(&mut chain, 1, 2, pack(&basic(1, None))).unwrap();
    refused(grant(&mut chain, 1, 2, pack(&basic(1, None))), "sdk", 18);
    refused(grant(&mut chain, 1, 1, pack(&basic(1, None))), "sdk", 7);
    grant(&mut chain, 2, 1, pack(&basic(1, None))).unwrap();
}

#[test]
fn the_granter_revokes() {
    let mut chain = chain();
    let revoke = |granter: u8, grantee: u8| MsgRevokeAllowance { granter: user(granter).to_string(), grantee: user(grantee).to_string() };
    grant(&mut chain, 1, 2, pack(&basic(1, time(NOW + 9)))).unwrap();
    refused(chain.tx(|ctx| Feegrant.revoke_allowance(ctx, revoke(2, 1))), "sdk", 38);
    refused(chain.tx(|ctx| Feegrant.revoke_allowance(ctx, revoke(1, 1))), "sdk", 7);
    chain.tx(|ctx| Feegrant.revoke_allowance(ctx, revoke(1, 2))).unwrap();
    refused(spend(&mut chain, 1), "sdk", 38);
    check(&mut chain);
}

#[test]
fn what_has_ended_goes_in_bounded_steps() {
    let mut chain = chain();
    for n in 2..=251 {
        grant(&mut chain, 1, n, pack(&basic(1, time(NOW)))).unwrap();
    }
    grant(&mut chain, 1, 252, pack(&basic(1, time(NOW + 100)))).unwrap();
    let left = |chain: &mut Chain| chain.run(|ctx| Feegrant.export(ctx)).unwrap().allowances.len();
    chain.run(|ctx| Feegrant.end_block(ctx)).unwrap();
    assert_eq!(left(&mut chain), 251, "the second in which they end still counts");
    chain.advance();
    chain.run(|ctx| Feegrant.end_block(ctx)).unwrap();
    assert_eq!(left(&mut chain), 51);
    let prune = MsgPruneAllowances { pruner: user(9).to_string() };
    chain.tx(|ctx| Feegrant.prune_allowances(ctx, prune)).unwrap();
    assert_eq!(left(&mut chain), 1);
    check(&mut chain);
}

#[test]
fn queries_find_by_either_side() {
    let mut chain = chain();
    for (granter, grantee) in [(1, 2), (1, 3), (4, 2)] {
        grant(&mut chain, granter, grantee, pack(&basic(1, None))).unwrap();
    }
    let to = QueryAllowancesRequest { grantee: user(2).to_string(), pagination: None };
    let found = chain.run(|ctx| Feegrant.allowances(ctx, to)).unwrap().allowances;
    assert_eq!(found.iter().map(|g| &g.granter).collect::<Vec<_>>(), [&user(1).to_string(), &user(4).to_string()]);
    let by = QueryAllowancesByGranterRequest { granter: user(1).to_string(), pagination: None };
    let found = chain.run(|ctx| Feegrant.allowances_by_granter(ctx, by)).unwrap().allowances;
    assert_eq!(found.iter().map(|g| &g.grantee).collect::<Vec<_>>(), [&user(2).to_string(), &user(3).to_string()]);
    let missing = QueryAllowanceRequest { granter: user(2).to_string(), grantee: user(1).to_string() };
    let error = chain.run(|ctx| Feegrant.allowance(ctx, missing)).unwrap_err();
    assert_eq!(error.log, "fee-grant not found: not found");
}

#[test]
fn genesis_goes_there_and_back() {
    let mut one = chain();
    grant(&mut one, 1, 2, pack(&for_sends(pack(&basic(10, time(NOW + 5)))))).unwrap();
    grant(&mut one, 1, 3, pack(&periodic(0))).unwrap();
    let exported = one.run(|ctx| Feegrant.export(ctx)).unwrap();
    let mut other = chain();
    other.run(|ctx| Feegrant.init(ctx, exported.clone())).unwrap();
    check(&mut other);
    assert_eq!(other.run(|ctx| Feegrant.export(ctx)).unwrap(), exported);
    let twice = GenesisState { allowances: [&exported.allowances[..], &exported.allowances[..]].concat() };
    refused(chain().run(|ctx| Feegrant.init(ctx, twice)), "sdk", 18);
    let broken = GenesisState { allowances: vec![Grant { allowance: None, ..exported.allowances[0].clone() }] };
    refused(chain().run(|ctx| Feegrant.init(ctx, broken)), "sdk", 29);
}
