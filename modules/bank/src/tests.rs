//! Coins through the public functions, messages, queries and genesis.
use std::sync::Arc;

use cairn_auth::Auth;
use cairn_kernel::{
    Address, Coded, Coin, Ctx, Error as Refusal, Event, Module, ModuleAccount, Payload, Result, Status, sdk, testing::Chain,
};
use cairn_proto::cosmos::{
    auth::v1beta1::GenesisState as AuthGenesis,
    bank::v1beta1::{
        Balance, DenomUnit, GenesisState, Input, Metadata, MsgMultiSend, MsgSend, MsgServer, MsgSetSendEnabled, MsgUpdateParams, Output,
        Params, QueryAllBalancesRequest, QueryBalanceRequest, QueryDenomMetadataByQueryStringRequest, QueryDenomMetadataRequest,
        QueryDenomOwnersByQueryRequest, QueryDenomOwnersRequest, QueryDenomsMetadataRequest, QueryParamsRequest, QuerySendEnabledRequest,
        QueryServer, QuerySpendableBalanceByDenomRequest, QuerySpendableBalancesRequest, QuerySupplyOfRequest, QueryTotalSupplyRequest,
        SendEnabled,
    },
    base::{query::v1beta1::PageRequest, v1beta1::Coin as WireCoin},
};

use crate::{Bank, DEFAULT_PARAMS, Error, Hooks};

const MINTER: ModuleAccount = ModuleAccount::new("rewards").mints().burns();
const POOL: ModuleAccount = ModuleAccount::new("pool").receives();

/// Three users with 100 ucairn each; user 1 also has 7 ibc/ABC.
fn chain() -> Chain {
    let mut chain = empty();
    let balances =
        vec![balance_of(1, &[("ibc/ABC", 7), ("ucairn", 100)]), balance_of(2, &[("ucairn", 100)]), balance_of(3, &[("ucairn", 100)])];
    chain.run(|ctx| Bank.init(ctx, genesis(balances))).unwrap();
    chain
}

fn unstarted() -> Chain {
    let mut chain = Chain::default();
    Arc::new(Auth).routes(&mut chain.router);
    Arc::new(Bank).routes(&mut chain.router);
    chain.router.hook(MINTER).hook(POOL);
    chain
}

fn empty() -> Chain {
    let mut chain = unstarted();
    let accounts = AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] };
    chain.run(|ctx| Auth.init(ctx, accounts)).unwrap();
    chain
}

fn genesis(balances: Vec<Balance>) -> GenesisState {
    GenesisState { params: Some(DEFAULT_PARAMS), balances, ..GenesisState::default() }
}

fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn coins(list: &[(&str, u128)]) -> Vec<WireCoin> {
    list.iter().map(|(denom, amount)| Coin::new(*denom, *amount).into()).collect()
}

fn balance_of(n: u8, held: &[(&str, u128)]) -> Balance {
    Balance { address: user(n).to_string(), coins: coins(held) }
}

fn held(chain: &mut Chain, address: &Address, denom: &str) -> u128 {
    chain.run(|ctx| crate::balance(ctx, address, denom)).unwrap()
}

fn msg_send(to: &Address, amount: &[(&str, u128)]) -> MsgSend {
    MsgSend { from_address: user(1).to_string(), to_address: to.to_string(), amount: coins(amount) }
}

#[track_caller]
fn check(chain: &mut Chain) {
    for (name, holds) in Bank.invariants().into_iter().chain(Auth.invariants()) {
        assert_eq!(chain.run(|ctx| holds(ctx)), Ok(()), "{name}");
    }
}

/// Runs a refused transaction and makes sure that it left no trace.
#[track_caller]
fn refused<T: std::fmt::Debug>(chain: &mut Chain, run: impl FnOnce(&mut Ctx) -> Result<T>) -> Refusal {
    let before = chain.store().clone();
    let refusal = chain.tx(run).unwrap_err();
    assert_eq!(chain.store().entries(), before.entries());
    refusal
}

fn code(refusal: &Refusal) -> (&str, u32) {
    (refusal.codespace, refusal.code)
}

/// `kind(key=value,..)` of each event.
fn told(events: &[Event]) -> Vec<String> {
    let attributes = |event: &Event| match &event.payload {
        Payload::Raw(list) => list.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" "),
        Payload::Typed(_) => panic!("bank speaks the SDK's events only"),
    };
    events.iter().map(|event| format!("{}: {}", event.kind, attributes(event))).collect()
}

fn events_of(chain: &mut Chain, run: impl FnOnce(&mut Ctx) -> Result<()>) -> Vec<String> {
    chain.run(|ctx| {
        run(ctx).unwrap();
        told(ctx.events())
    })
}

#[test]
fn what_is_delegated_is_spent_and_received_but_sent_by_nobody() {
    let mut chain = chain();
    let (from, pool) = (user(1), user(9));
    for undone in [false, true] {
        let (giver, taker) = if undone { (&pool, &from) } else { (&from, &pool) };
        let coins = [Coin::new("ucairn", 30)];
        let events = events_of(&mut chain, |ctx| {
            if undone { crate::undelegate(ctx, giver, taker, &coins) } else { crate::delegate(ctx, giver, taker, &coins) }
        });
        assert_eq!(
            events,
            [format!("coin_spent: spender={giver} amount=30ucairn"), format!("coin_received: receiver={taker} amount=30ucairn")]
        );
        assert_eq!(held(&mut chain, taker, "ucairn"), if undone { 100 } else { 30 });
    }
}

#[test]
fn send_moves_coins_opens_the_account_and_tells_the_events_of_the_sdk() {
    let mut chain = chain();
    let events = events_of(&mut chain, |ctx| Bank.send(ctx, msg_send(&user(9), &[("ibc/ABC", 7), ("ucairn", 30)])).map(drop));
    let (from, to) = (user(1), user(9));
    assert_eq!(
        events,
        [
            format!("coin_spent: spender={from} amount=7ibc/ABC,30ucairn"),
            format!("coin_received: receiver={to} amount=7ibc/ABC,30ucairn"),
            format!("transfer: recipient={to} sender={from} amount=7ibc/ABC,30ucairn"),
            format!("message: sender={from}"),
        ]
    );
    assert_eq!((held(&mut chain, &from, "ucairn"), held(&mut chain, &from, "ibc/ABC")), (70, 0));
    assert_eq!((held(&mut chain, &to, "ucairn"), held(&mut chain, &to, "ibc/ABC")), (30, 7));
    assert!(chain.run(|ctx| cairn_auth::has_account(ctx, &to)).unwrap());
    check(&mut chain);
}

#[test]
fn whole_balance_can_be_sent_and_one_unit_more_cannot() {
    let mut chain = chain();
    let short = refused(&mut chain, |ctx| Bank.send(ctx, msg_send(&user(2), &[("ucairn", 101)])));
    assert_eq!(code(&short), ("sdk", 5));
    assert_eq!(short.log, "spendable balance 100ucairn is smaller than 101ucairn: insufficient funds");
    let none = refused(&mut chain, |ctx| Bank.send(ctx, msg_send(&user(2), &[("nothing", 1)])));
    assert_eq!(none.log, "spendable balance 0nothing is smaller than 1nothing: insufficient funds");
    chain.tx(|ctx| Bank.send(ctx, msg_send(&user(2), &[("ucairn", 100)]))).unwrap();
    assert_eq!((held(&mut chain, &user(1), "ucairn"), held(&mut chain, &user(2), "ucairn")), (0, 200));
    check(&mut chain);
}

#[test]
fn sending_to_oneself_changes_nothing() {
    let mut chain = chain();
    chain.tx(|ctx| Bank.send(ctx, msg_send(&user(1), &[("ucairn", 100)]))).unwrap();
    assert_eq!(held(&mut chain, &user(1), "ucairn"), 100);
    refused(&mut chain, |ctx| Bank.send(ctx, msg_send(&user(1), &[("ucairn", 101)])));
    check(&mut chain);
}

#[test]
fn malformed_sends_are_refused() {
    let mut chain = chain();
    for amount in [&[][..], &[("ucairn", 0)], &[("ucairn", 1), ("ibc/ABC", 1)], &[("ucairn", 1), ("ucairn", 1)], &[("u", 1)]] {
        assert_eq!(code(&refused(&mut chain, |ctx| Bank.send(ctx, msg_send(&user(2), amount)))), ("sdk", 10), "{amount:?}");
    }
    for amount in ["", "-1", "01", "1.5", "340282366920938463463374607431768211456"] {
        let mut message = msg_send(&user(2), &[("ucairn", 1)]);
        message.amount[0].amount = amount.into();
        assert_eq!(code(&refused(&mut chain, |ctx| Bank.send(ctx, message))), ("sdk", 10), "{amount:?}");
    }
    let good = msg_send(&user(2), &[("ucairn", 1)]);
    let bad_from = refused(&mut chain, |ctx| Bank.send(ctx, MsgSend { from_address: "cairn1".into(), ..good.clone() }));
    assert!(bad_from.log.starts_with("invalid from address: ") && bad_from.log.ends_with(": invalid address"), "{}", bad_from.log);
    let bad_to = refused(&mut chain, |ctx| Bank.send(ctx, MsgSend { to_address: String::new(), ..good }));
    assert_eq!((code(&bad_to), bad_to.log.starts_with("invalid to address: ")), (("sdk", 7), true));
}

#[test]
fn users_cannot_pay_modules_that_do_not_expect_it_but_modules_can() {
    let mut chain = chain();
    for closed in [MINTER, cairn_auth::FEE_COLLECTOR] {
        let refusal = refused(&mut chain, |ctx| Bank.send(ctx, msg_send(&closed.address(), &[("ucairn", 1)])));
        let text = format!("{} is not allowed to receive funds: unauthorized", closed.address());
        assert_eq!((code(&refusal), refusal.log.as_str()), (("sdk", 4), text.as_str()));
        let output = (closed.address(), vec![("ucairn", 1)]);
        assert_eq!(code(&refused(&mut chain, |ctx| Bank.multi_send(ctx, multi(&[("ucairn", 1)], &[output])))), ("sdk", 4));
    }
    chain.tx(|ctx| Bank.send(ctx, msg_send(&POOL.address(), &[("ucairn", 1)]))).unwrap();
    chain.run(|ctx| crate::send(ctx, &user(1), &MINTER.address(), &[Coin::base(2)])).unwrap();
    assert_eq!((held(&mut chain, &POOL.address(), "ucairn"), held(&mut chain, &MINTER.address(), "ucairn")), (1, 2));
    check(&mut chain);
}

fn multi(input: &[(&str, u128)], outputs: &[(Address, Vec<(&str, u128)>)]) -> MsgMultiSend {
    MsgMultiSend {
        inputs: vec![Input { address: user(1).to_string(), coins: coins(input) }],
        outputs: outputs.iter().map(|(to, list)| Output { address: to.to_string(), coins: coins(list) }).collect(),
    }
}

#[test]
fn multi_send_pays_every_output_and_tells_the_events_of_the_sdk() {
    let mut chain = chain();
    let message =
        multi(&[("ibc/ABC", 7), ("ucairn", 30)], &[(user(2), vec![("ucairn", 10)]), (user(9), vec![("ibc/ABC", 7), ("ucairn", 20)])]);
    let events = events_of(&mut chain, |ctx| Bank.multi_send(ctx, message).map(drop));
    let [from, second, ninth] = [1, 2, 9].map(user);
    assert_eq!(
        events,
        [
            format!("coin_spent: spender={from} amount=7ibc/ABC,30ucairn"),
            format!("message: sender={from}"),
            format!("coin_received: receiver={second} amount=10ucairn"),
            format!("transfer: recipient={second} amount=10ucairn"),
            format!("coin_received: receiver={ninth} amount=7ibc/ABC,20ucairn"),
            format!("transfer: recipient={ninth} amount=7ibc/ABC,20ucairn"),
        ]
    );
    assert_eq!([from, second, ninth].map(|a| held(&mut chain, &a, "ucairn")), [70, 110, 20]);
    check(&mut chain);
}

#[test]
fn multi_send_that_does_not_add_up_or_has_not_one_payer_is_refused() {
    let mut chain = chain();
    let good = multi(&[("ucairn", 5)], &[(user(2), vec![("ucairn", 5)])]);
    let mut check = |message: MsgMultiSend, expected: (&str, u32)| {
        assert_eq!(code(&refused(&mut chain, |ctx| Bank.multi_send(ctx, message))), expected);
    };
    check(MsgMultiSend { inputs: vec![], ..good.clone() }, ("bank", 2));
    check(MsgMultiSend { outputs: vec![], ..good.clone() }, ("bank", 3));
    check(MsgMultiSend { inputs: [good.inputs.clone(), good.inputs.clone()].concat(), ..good.clone() }, ("bank", 9));
    check(multi(&[("ucairn", 5)], &[(user(2), vec![("ucairn", 4)])]), ("bank", 4));
    check(multi(&[("ucairn", 5)], &[(user(2), vec![("ucairn", 6)])]), ("bank", 4));
    check(multi(&[("ucairn", 5)], &[(user(2), vec![("ibc/ABC", 5)])]), ("bank", 4));
    check(multi(&[("ucairn", 5)], &[(user(2), vec![("ucairn", 5)]), (user(3), vec![])]), ("sdk", 10));
    check(multi(&[], &[(user(2), vec![("ucairn", 5)])]), ("sdk", 10));
    check(multi(&[("ucairn", 101)], &[(user(2), vec![("ucairn", 101)])]), ("sdk", 5));
    let most = u128::MAX;
    check(multi(&[("ucairn", most)], &[(user(2), vec![("ucairn", most)]), (user(3), vec![("ucairn", 1)])]), ("sdk", 10));
    let mut nowhere = good;
    nowhere.outputs[0].address = "cosmos1lsagfzrm4gz28he4wunt63sts5xzmczw8pkek3".into();
    check(nowhere, ("sdk", 7));
}

#[test]
fn modules_send_zero_and_repeated_coins_as_their_sum() {
    let mut chain = chain();
    assert_eq!(events_of(&mut chain, |ctx| crate::send(ctx, &user(1), &user(9), &[Coin::base(0)])), Vec::<String>::new());
    assert!(!chain.run(|ctx| cairn_auth::has_account(ctx, &user(9))).unwrap());
    chain.run(|ctx| crate::send(ctx, &user(1), &user(9), &[Coin::base(1), Coin::new("ibc/ABC", 2), Coin::base(3)])).unwrap();
    assert_eq!((held(&mut chain, &user(9), "ucairn"), held(&mut chain, &user(9), "ibc/ABC")), (4, 2));
    check(&mut chain);
}

#[test]
fn mint_and_burn_change_the_supply_and_tell_it() {
    let mut chain = chain();
    let address = MINTER.address();
    let events = events_of(&mut chain, |ctx| crate::mint(ctx, &MINTER, &[Coin::base(50)]));
    let expected = [format!("coin_received: receiver={address} amount=50ucairn"), format!("coinbase: minter={address} amount=50ucairn")];
    assert_eq!(events, expected);
    assert_eq!(chain.run(|ctx| crate::supply(ctx, "ucairn")).unwrap(), 350);
    let events = events_of(&mut chain, |ctx| crate::burn(ctx, &MINTER, &[Coin::base(50)]));
    let expected = [format!("coin_spent: spender={address} amount=50ucairn"), format!("burn: burner={address} amount=50ucairn")];
    assert_eq!(events, expected);
    assert_eq!(chain.run(|ctx| crate::supply(ctx, "ucairn")).unwrap(), 300);
    let short = refused(&mut chain, |ctx| crate::burn(ctx, &MINTER, &[Coin::base(1)]));
    assert_eq!(code(&short), ("sdk", 5));
    check(&mut chain);
}

#[test]
fn minting_and_burning_need_the_right_and_the_registration() {
    let mut chain = chain();
    let one = [Coin::base(1)];
    assert_eq!(refused(&mut chain, |ctx| crate::mint(ctx, &POOL, &one)), Error::MayNotMint("pool").into());
    assert_eq!(refused(&mut chain, |ctx| crate::burn(ctx, &POOL, &one)), Error::MayNotBurn("pool").into());
    let unknown = ModuleAccount::new("unknown").mints().burns();
    assert_eq!(refused(&mut chain, |ctx| crate::mint(ctx, &unknown, &one)), Error::NotRegistered("unknown").into());
    assert_eq!(refused(&mut chain, |ctx| crate::burn(ctx, &unknown, &one)), Error::NotRegistered("unknown").into());
    // The name of a registered account with more rights than it was registered with.
    let forged = POOL.mints();
    assert_eq!(refused(&mut chain, |ctx| crate::mint(ctx, &forged, &one)), Error::NotRegistered("pool").into());
    assert_eq!(code(&refused(&mut chain, |ctx| crate::mint(ctx, &MINTER, &[Coin::new("x", 1)]))), ("sdk", 10));
}

#[test]
fn supply_stops_at_its_largest_value() {
    let mut chain = chain();
    let room = u128::MAX - 300;
    let over = refused(&mut chain, |ctx| crate::mint(ctx, &MINTER, &[Coin::base(room + 1)]));
    assert_eq!(over, Error::SupplyOverflow { denom: "ucairn".into(), supply: 300, minted: room + 1 }.into());
    chain.tx(|ctx| crate::mint(ctx, &MINTER, &[Coin::base(room)])).unwrap();
    chain.tx(|ctx| crate::send(ctx, &MINTER.address(), &user(1), &[Coin::base(room)])).unwrap();
    assert_eq!(held(&mut chain, &user(1), "ucairn"), room + 100);
    check(&mut chain);
}

/// Notes what it hears as sends to a log account, and refuses the denomination `refused`.
struct Listener;

impl Hooks for Listener {
    fn before_transfer(&self, ctx: &mut Ctx, from: &Address, to: &Address, coin: &Coin) -> Result<()> {
        if coin.denom == "refused" {
            return Err(sdk::unauthorized("not this one"));
        }
        let held = crate::balance(ctx, from, &coin.denom)?;
        ctx.emit_raw("before", &[("to", &to.to_string()), ("coin", &coin.to_string()), ("held", &held.to_string())]);
        Ok(())
    }
    fn after_user_send(&self, ctx: &mut Ctx, from: &Address, to: &Address, coins: &[Coin]) -> Result<()> {
        if coins == [Coin::base(13)] {
            return Err(sdk::unauthorized("unlucky"));
        }
        let held = crate::balance(ctx, from, "ucairn")?;
        ctx.emit_raw("after", &[("to", &to.to_string()), ("coins", &coins.len().to_string()), ("held", &held.to_string())]);
        Ok(())
    }
}

fn heard(events: Vec<String>) -> Vec<String> {
    events.into_iter().filter(|e| e.starts_with("before") || e.starts_with("after")).collect()
}

#[test]
fn hooks_hear_every_transfer_before_it_and_users_sends_after_it() {
    let mut chain = chain();
    chain.router.hook::<Arc<dyn Hooks>>(Arc::new(Listener));
    let (second, third) = (user(2), user(3));
    let events = events_of(&mut chain, |ctx| Bank.send(ctx, msg_send(&second, &[("ibc/ABC", 1), ("ucairn", 10)])).map(drop));
    let before = [format!("before: to={second} coin=1ibc/ABC held=7"), format!("before: to={second} coin=10ucairn held=100")];
    assert_eq!(heard(events), [&before[..], &[format!("after: to={second} coins=2 held=90")]].concat());

    let message = multi(&[("ucairn", 3)], &[(second, vec![("ucairn", 1)]), (third, vec![("ucairn", 2)])]);
    let events = events_of(&mut chain, |ctx| Bank.multi_send(ctx, message).map(drop));
    let expected = [
        format!("before: to={second} coin=1ucairn held=90"),
        format!("before: to={third} coin=2ucairn held=90"),
        format!("after: to={second} coins=1 held=87"),
        format!("after: to={third} coins=1 held=87"),
    ];
    assert_eq!(heard(events), expected);

    let events = events_of(&mut chain, |ctx| crate::send(ctx, &user(1), &second, &[Coin::base(1)]));
    assert_eq!(heard(events), [format!("before: to={second} coin=1ucairn held=87")]);
    let events = events_of(&mut chain, |ctx| crate::mint(ctx, &MINTER, &[Coin::base(1)]));
    assert_eq!(heard(events), Vec::<String>::new());
}

#[test]
fn hooks_can_refuse_before_and_after() {
    let mut chain = chain();
    chain.router.hook::<Arc<dyn Hooks>>(Arc::new(Listener));
    chain.run(|ctx| crate::mint(ctx, &MINTER, &[Coin::new("refused", 5)])).unwrap();
    let refusal = refused(&mut chain, |ctx| crate::send(ctx, &MINTER.address(), &user(1), &[Coin::new("refused", 5)]));
    assert_eq!(code(&refusal), ("sdk", 4));
    assert_eq!(code(&refused(&mut chain, |ctx| Bank.send(ctx, msg_send(&user(2), &[("ucairn", 13)])))), ("sdk", 4));
    let message = multi(&[("ucairn", 13)], &[(user(2), vec![("ucairn", 13)])]);
    assert_eq!(code(&refused(&mut chain, |ctx| Bank.multi_send(ctx, message))), ("sdk", 4));
}

fn enable(enabled: &[(&str, bool)], use_default_for: &[&str]) -> MsgSetSendEnabled {
    MsgSetSendEnabled {
        authority: cairn_auth::authority().to_string(),
        send_enabled: enabled.iter().map(|(denom, enabled)| SendEnabled { denom: (*denom).into(), enabled: *enabled }).collect(),
        use_default_for: use_default_for.iter().map(|d| (*d).to_owned()).collect(),
    }
}

#[expect(deprecated, reason = "the retired field is refused")]
fn params(default_send_enabled: bool, send_enabled: Vec<SendEnabled>) -> Params {
    Params { send_enabled, default_send_enabled }
}

mod authority;
mod genesis_and_queries;
mod vesting;
