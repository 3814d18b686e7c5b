//! Grants through messages, execution, queries, genesis and the beginning of blocks.
use std::sync::Arc;

use cairn_auth::Auth;
use cairn_bank::Bank;
use cairn_kernel::{Address, Coin, Module, Payload, Result, testing::Chain};
use cairn_proto::{
    Any, Timestamp,
    cosmos::{
        auth::v1beta1::GenesisState as AuthGenesis,
        authz::v1beta1::{
            GenericAuthorization, GenesisState, Grant, MsgExec, MsgGrant, MsgRevoke, MsgServer, QueryGranteeGrantsRequest,
            QueryGranterGrantsRequest, QueryGrantsRequest, QueryServer,
        },
        bank::v1beta1::{Balance, GenesisState as BankGenesis, Input, MsgMultiSend, MsgSend, Output, SendAuthorization},
        base::v1beta1::Coin as WireCoin,
        staking::v1beta1::{
            AuthorizationType, MsgDelegate, StakeAuthorization,
            stake_authorization::{Validators, ValidatorsChoice},
        },
    },
    pack, unpack,
};
use prost::{Message, Name};

use crate::{
    Authz,
    authorization::{Authorization, Left},
};

const NOW: i64 = 1_700_000_000;

/// Users 1 to 3 with 100 ucairn each.
fn chain() -> Chain {
    let mut chain = Chain::default();
    Arc::new(Auth).routes(&mut chain.router);
    Arc::new(Bank).routes(&mut chain.router);
    Arc::new(Authz).routes(&mut chain.router);
    let accounts = AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] };
    chain.run(|ctx| Auth.init(ctx, accounts)).unwrap();
    let balances = (1..=3).map(|n| Balance { address: user(n).to_string(), coins: coins(100) }).collect();
    let bank = BankGenesis { params: Some(cairn_bank::DEFAULT_PARAMS), balances, ..BankGenesis::default() };
    chain.run(|ctx| Bank.init(ctx, bank)).unwrap();
    chain
}

fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn coins(amount: u128) -> Vec<WireCoin> {
    vec![Coin::base(amount).into()]
}

fn send(from: u8, to: u8, amount: u128) -> Any {
    pack(&MsgSend { from_address: user(from).to_string(), to_address: user(to).to_string(), amount: coins(amount) })
}

fn generic(url: &str) -> Any {
    pack(&GenericAuthorization { msg: url.into() })
}

fn sends(limit: u128, allowed: &[u8]) -> Any {
    let allow_list = allowed.iter().map(|n| user(*n).to_string()).collect();
    pack(&SendAuthorization { spend_limit: coins(limit), allow_list })
}

fn grant_until(chain: &mut Chain, granter: u8, grantee: u8, authorization: Any, end: Option<i64>) -> Result<()> {
    let expiration = end.map(|seconds| Timestamp { seconds, nanos: 0 });
    let grant = Some(Grant { authorization: Some(authorization), expiration });
    let m = MsgGrant { granter: user(granter).to_string(), grantee: user(grantee).to_string(), grant };
    chain.tx(|ctx| Authz.grant(ctx, m)).map(drop)
}

fn grant(chain: &mut Chain, authorization: Any) -> Result<()> {
    grant_until(chain, 1, 2, authorization, None)
}

/// User 2 runs messages.
fn exec(chain: &mut Chain, msgs: Vec<Any>) -> Result<Vec<Vec<u8>>> {
    let m = MsgExec { grantee: user(2).to_string(), msgs };
    chain.tx(|ctx| Authz.exec(ctx, m)).map(|done| done.results)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, codespace: &str, code: u32) {
    let error = result.unwrap_err();
    assert_eq!((error.codespace, error.code), (codespace, code), "{}", error.log);
}

fn held(chain: &mut Chain, n: u8) -> u128 {
    chain.run(|ctx| cairn_bank::balance(ctx, &user(n), "ucairn")).unwrap()
}

#[track_caller]
fn check(chain: &mut Chain) {
    for (name, holds) in Authz.invariants() {
        assert_eq!(chain.run(|ctx| holds(ctx)), Ok(()), "{name}");
    }
}

#[test]
fn a_grantee_runs_what_was_granted_and_nothing_else() {
    let mut chain = chain();
    refused(exec(&mut chain, vec![send(1, 3, 5)]), "authz", 2);
    grant(&mut chain, generic(&MsgSend::type_url())).unwrap();
    assert_eq!(exec(&mut chain, vec![send(1, 3, 5), send(1, 2, 6)]).unwrap().len(), 2);
    assert_eq!([1, 2, 3].map(|n| held(&mut chain, n)), [89, 106, 105]);
    let multi = MsgMultiSend {
        inputs: vec![Input { address: user(1).to_string(), coins: coins(1) }],
        outputs: vec![Output { address: user(2).to_string(), coins: coins(1) }],
    };
    refused(exec(&mut chain, vec![pack(&multi)]), "authz", 2);
    refused(exec(&mut chain, vec![send(3, 2, 5)]), "authz", 2);
    check(&mut chain);
}

#[test]
fn what_one_signs_oneself_needs_no_grant() {
    let mut chain = chain();
    exec(&mut chain, vec![send(2, 3, 5)]).unwrap();
    assert_eq!(held(&mut chain, 3), 105);
}

#[test]
fn all_messages_run_or_none() {
    let mut chain = chain();
    grant(&mut chain, sends(10, &[])).unwrap();
    refused(exec(&mut chain, vec![send(1, 3, 5), send(1, 3, 6)]), "sdk", 5);
    assert_eq!(held(&mut chain, 3), 100);
    exec(&mut chain, vec![send(1, 3, 5), send(1, 3, 5)]).unwrap();
    refused(exec(&mut chain, vec![send(1, 3, 1)]), "authz", 2);
    check(&mut chain);
}

#[test]
fn a_refusal_of_the_message_itself_keeps_its_code() {
    let mut chain = chain();
    grant(&mut chain, generic(&MsgSend::type_url())).unwrap();
    let error = exec(&mut chain, vec![send(1, 3, 500)]).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 5));
    assert!(error.log.starts_with("failed to execute message; message /cosmos.bank.v1beta1.MsgSend: "), "{}", error.log);
}

#[test]
fn a_right_to_send_shrinks_and_names_recipients() {
    let mut chain = chain();
    grant(&mut chain, sends(10, &[3])).unwrap();
    refused(exec(&mut chain, vec![send(1, 2, 1)]), "sdk", 4);
    exec(&mut chain, vec![send(1, 3, 4)]).unwrap();
    let q = QueryGrantsRequest { granter: user(1).to_string(), grantee: user(2).to_string(), ..QueryGrantsRequest::default() };
    let left = chain.run(|ctx| Authz.grants(ctx, q)).unwrap().grants.remove(0).authorization.unwrap();
    assert_eq!(unpack::<SendAuthorization>(&left).unwrap().spend_limit, coins(6));
    let other = MsgSend { amount: vec![Coin::new("other", 1).into()], ..unpack(&send(1, 3, 1)).unwrap() };
    refused(exec(&mut chain, vec![pack(&other)]), "sdk", 5);
}

#[test]
fn a_grant_is_over_at_its_last_moment_deleted_or_not() {
    let mut chain = chain();
    refused(grant_until(&mut chain, 1, 2, sends(10, &[]), Some(NOW)), "authz", 3);
    grant_until(&mut chain, 1, 2, sends(10, &[]), Some(NOW + 1)).unwrap();
    exec(&mut chain, vec![send(1, 3, 4)]).unwrap();
    chain.advance();
    refused(exec(&mut chain, vec![send(1, 3, 4)]), "authz", 6);
    chain.run(|ctx| Authz.begin_block(ctx)).unwrap();
    refused(exec(&mut chain, vec![send(1, 3, 4)]), "authz", 2);
    check(&mut chain);
}

#[test]
fn what_has_ended_goes_in_bounded_steps() {
    let mut chain = chain();
    for grantee in 2..=252 {
        grant_until(&mut chain, 1, grantee, sends(10, &[]), Some(NOW + 1)).unwrap();
    }
    chain.advance();
    let left = |chain: &mut Chain| chain.run(|ctx| Authz.export(ctx)).unwrap().authorization.len();
    chain.run(|ctx| Authz.begin_block(ctx)).unwrap();
    assert_eq!(left(&mut chain), 51);
    check(&mut chain);
    chain.run(|ctx| Authz.begin_block(ctx)).unwrap();
    assert_eq!(left(&mut chain), 0);
    check(&mut chain);
}

#[test]
fn a_new_grant_replaces_the_old_one_and_its_end() {
    let mut chain = chain();
    for end in [Some(NOW + 5), Some(NOW + 9), None, Some(NOW + 2)] {
        grant_until(&mut chain, 1, 2, generic(&MsgSend::type_url()), end).unwrap();
        check(&mut chain);
    }
    chain.block.time += 2;
    refused(exec(&mut chain, vec![send(1, 3, 4)]), "authz", 6);
}

#[test]
fn the_granter_revokes() {
    let mut chain = chain();
    grant(&mut chain, generic(&MsgSend::type_url())).unwrap();
    let url = MsgSend::type_url();
    let m = MsgRevoke { granter: user(1).to_string(), grantee: user(2).to_string(), msg_type_url: url };
    let nothing = MsgRevoke { msg_type_url: String::new(), ..m.clone() };
    let oneself = MsgRevoke { grantee: m.granter.clone(), ..m.clone() };
    refused(chain.tx(|ctx| Authz.revoke(ctx, nothing)), "sdk", 18);
    refused(chain.tx(|ctx| Authz.revoke(ctx, oneself)), "authz", 7);
    chain.tx(|ctx| Authz.revoke(ctx, m.clone())).unwrap();
    refused(chain.tx(|ctx| Authz.revoke(ctx, m)), "authz", 2);
    refused(exec(&mut chain, vec![send(1, 3, 4)]), "authz", 2);
    check(&mut chain);
}

#[test]
fn each_grant_that_makes_no_sense_is_refused() {
    let mut chain = chain();
    let many: Vec<String> = (0..101_u8).map(|n| user(n).to_string()).collect();
    let list = |allow_list: Vec<String>| pack(&SendAuthorization { spend_limit: coins(1), allow_list });
    let cases = [
        (Any::default(), "sdk", 29),
        (generic(""), "sdk", 18),
        (generic("/no.such.Msg"), "sdk", 29),
        (pack(&SendAuthorization { spend_limit: vec![], allow_list: vec![] }), "sdk", 10),
        (pack(&SendAuthorization { spend_limit: coins(0), allow_list: vec![] }), "sdk", 10),
        (sends(1, &[3, 4, 3]), "sdk", 18),
        (list(many), "sdk", 18),
        (list(vec!["nobody".into()]), "sdk", 7),
        (stake(AuthorizationType::Delegate, None, true, &[1]), "sdk", 29),
        (Any { value: vec![0xff], ..generic("x") }, "sdk", 34),
    ];
    for (authorization, codespace, code) in cases {
        refused(grant(&mut chain, authorization), codespace, code);
    }
    refused(grant_until(&mut chain, 1, 1, generic(&MsgSend::type_url()), None), "authz", 7);
    let m = MsgGrant { granter: user(1).to_string(), grantee: user(2).to_string(), grant: None };
    refused(chain.tx(|ctx| Authz.grant(ctx, m)), "sdk", 29);
}

#[test]
fn execution_is_bounded_in_count_and_depth() {
    let mut chain = chain();
    refused(exec(&mut chain, vec![]), "sdk", 18);
    refused(exec(&mut chain, vec![send(2, 3, 1); 65]), "sdk", 18);
    exec(&mut chain, vec![send(2, 3, 1); 64]).unwrap();
    let nested =
        |depth: usize| (0..depth).fold(send(2, 3, 1), |inner, _| pack(&MsgExec { grantee: user(2).to_string(), msgs: vec![inner] }));
    exec(&mut chain, vec![nested(3)]).unwrap();
    refused(exec(&mut chain, vec![nested(4)]), "kernel", 4);
    refused(exec(&mut chain, vec![nested(200)]), "kernel", 4);
}

#[test]
fn messages_have_one_signer_and_a_handler() {
    let mut chain = chain();
    let input = |n| Input { address: user(n).to_string(), coins: coins(1) };
    let two = MsgMultiSend { inputs: vec![input(1), input(2)], outputs: vec![] };
    refused(exec(&mut chain, vec![pack(&two)]), "authz", 9);
    refused(exec(&mut chain, vec![pack(&MsgMultiSend::default())]), "authz", 9);
    refused(exec(&mut chain, vec![Any { type_url: "/no.such.Msg".into(), value: vec![] }]), "sdk", 6);
    refused(exec(&mut chain, vec![Any { value: vec![0xff], ..send(1, 2, 1) }]), "sdk", 18);
}

#[test]
fn events_of_what_runs_carry_its_place() {
    let mut chain = chain();
    let m = MsgExec { grantee: user(2).to_string(), msgs: vec![send(2, 3, 1), send(2, 3, 2)] };
    let events = chain.run(|ctx| {
        Authz.exec(ctx, m).unwrap();
        ctx.take_events()
    });
    let places: Vec<_> = events
        .iter()
        .filter(|e| e.kind == "transfer")
        .map(|e| match &e.payload {
            Payload::Raw(pairs) => pairs.last().unwrap().clone(),
            Payload::Typed(_) => panic!("raw"),
        })
        .collect();
    assert_eq!(places, ["0", "1"].map(|n| ("authz_msg_index".to_owned(), n.to_owned())));
}

/// A right to stake with these validators only, or with all others.
fn stake(kind: AuthorizationType, limit: Option<u128>, allowed: bool, validators: &[u8]) -> Any {
    let list = Validators { address: validators.iter().map(|n| user(*n).to_bech32("cairnvaloper")).collect() };
    let validators_choice = Some(if allowed { ValidatorsChoice::AllowList(list) } else { ValidatorsChoice::DenyList(list) });
    let max_tokens = limit.map(|amount| Coin::base(amount).into());
    pack(&StakeAuthorization { max_tokens, authorization_type: kind.into(), validators_choice })
}

#[test]
fn a_right_to_stake_names_validators_and_shrinks() {
    let mut chain = chain();
    let delegate = |validator: u8, amount: u128| {
        let validator_address = user(validator).to_bech32("cairnvaloper");
        pack(&MsgDelegate { delegator_address: user(1).to_string(), validator_address, amount: Some(Coin::base(amount).into()) })
    };
    let mut some = Authorization::read(&stake(AuthorizationType::Delegate, Some(10), true, &[7])).unwrap();
    assert_eq!(some.message(), MsgDelegate::type_url());
    chain.run(|ctx| {
        refused(some.accept(ctx, &delegate(8, 1)), "sdk", 4);
        assert_eq!(some.accept(ctx, &delegate(7, 4)), Ok(Left::Less));
        refused(some.accept(ctx, &delegate(7, 7)), "sdk", 5);
        assert_eq!(some.accept(ctx, &delegate(7, 6)), Ok(Left::Nothing));
        let mut others = Authorization::read(&stake(AuthorizationType::Delegate, None, false, &[7])).unwrap();
        refused(others.accept(ctx, &delegate(7, 1)), "sdk", 4);
        assert_eq!(others.accept(ctx, &delegate(8, 1)), Ok(Left::Unchanged));
    });
    refused(Authorization::read(&stake(AuthorizationType::Unspecified, None, true, &[7])), "authz", 4);
    refused(Authorization::read(&stake(AuthorizationType::Redelegate, Some(0), true, &[7])), "sdk", 10);
    refused(Authorization::read(&stake(AuthorizationType::Redelegate, None, true, &[7, 7])), "sdk", 18);
    let packed = stake(AuthorizationType::CancelUnbondingDelegation, Some(3), false, &[7, 8]);
    assert_eq!(Authorization::read(&packed).unwrap().packed(), packed);
}

#[test]
fn queries_find_by_either_side() {
    let mut chain = chain();
    for (granter, grantee) in [(1, 2), (1, 3), (3, 2)] {
        grant_until(&mut chain, granter, grantee, generic(&MsgSend::type_url()), None).unwrap();
    }
    let by = QueryGranterGrantsRequest { granter: user(1).to_string(), pagination: None };
    let found = chain.run(|ctx| Authz.granter_grants(ctx, by)).unwrap().grants;
    assert_eq!(found.iter().map(|g| &g.grantee).collect::<Vec<_>>(), [&user(2).to_string(), &user(3).to_string()]);
    let to = QueryGranteeGrantsRequest { grantee: user(2).to_string(), pagination: None };
    let found = chain.run(|ctx| Authz.grantee_grants(ctx, to)).unwrap().grants;
    assert_eq!(found.iter().map(|g| &g.granter).collect::<Vec<_>>(), [&user(1).to_string(), &user(3).to_string()]);
    let one = |url: &str| QueryGrantsRequest {
        granter: user(1).to_string(),
        grantee: user(2).to_string(),
        msg_type_url: url.into(),
        pagination: None,
    };
    assert_eq!(chain.run(|ctx| Authz.grants(ctx, one(&MsgSend::type_url()))).unwrap().grants.len(), 1);
    refused(chain.run(|ctx| Authz.grants(ctx, one("/x"))), "authz", 2);
}

#[test]
fn genesis_goes_there_and_back() {
    let mut one = chain();
    grant_until(&mut one, 1, 2, sends(5, &[3]), Some(NOW + 9)).unwrap();
    grant_until(&mut one, 1, 3, generic(&MsgSend::type_url()), None).unwrap();
    let exported = one.run(|ctx| Authz.export(ctx)).unwrap();
    let mut other = chain();
    other.run(|ctx| Authz.init(ctx, exported.clone())).unwrap();
    check(&mut other);
    assert_eq!(other.run(|ctx| Authz.export(ctx)).unwrap().encode_to_vec(), exported.encode_to_vec());
    let twice = GenesisState { authorization: [&exported.authorization[..], &exported.authorization[..]].concat() };
    refused(chain().run(|ctx| Authz.init(ctx, twice)), "sdk", 18);
}
