//! Mint: its numbers beside the SDK's, a chain on which it issues, its message, queries and genesis.
#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
use std::sync::{Arc, Mutex};

use cairn_auth::{Auth, FEE_COLLECTOR};
use cairn_bank::Bank;
use cairn_kernel::{Address, Coin, Ctx, Dec, Event, Module, Payload, Result, testing::Chain};
use cairn_proto::cosmos::{
    auth::v1beta1::GenesisState as AuthGenesis,
    bank::v1beta1::{Balance, GenesisState as BankGenesis},
    mint::v1beta1::{
        GenesisState, Minter, MsgServer, MsgUpdateParams, Params, QueryAnnualProvisionsRequest, QueryInflationRequest, QueryParamsRequest,
        QueryServer,
    },
    staking::v1beta1::GenesisState as StakingGenesis,
};
use cairn_staking::Staking;

use crate::{ACCOUNT, Hooks, Mint, default_params, initial_minter, minter, params::Rules};

const SUPPLY: u128 = 1_000_000_000_000;

fn user() -> Address {
    Address::new(&[1; 20]).unwrap()
}

fn percent(n: u64) -> String {
    Dec::with_places(n, 2).unwrap().to_wire()
}

/// A hundred blocks a year.
fn rules() -> Params {
    Params { blocks_per_year: 100, ..default_params() }
}

/// Sets aside what it is told to.
struct Claim(Arc<Mutex<u128>>);

impl Hooks for Claim {
    fn set_aside(&self, _: &mut Ctx, provision: u128) -> Result<u128> {
        assert!(provision > 0);
        Ok(*self.0.lock().unwrap())
    }
}

fn chain(genesis: GenesisState) -> Result<Chain> {
    let mut chain = Chain::default();
    Arc::new(Auth).routes(&mut chain.router);
    Arc::new(Bank).routes(&mut chain.router);
    Arc::new(Staking).routes(&mut chain.router);
    Arc::new(Mint).routes(&mut chain.router);
    let balances = vec![Balance { address: user().to_string(), coins: vec![Coin::base(SUPPLY).into()] }];
    chain.run(|ctx| {
        Auth.init(ctx, AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] })?;
        Bank.init(ctx, BankGenesis { params: Some(cairn_bank::DEFAULT_PARAMS), balances, ..BankGenesis::default() })?;
        Staking.init(ctx, StakingGenesis { params: Some(cairn_staking::default_params()), ..StakingGenesis::default() })?;
        Mint.init(ctx, genesis)
    })?;
    Ok(chain)
}

fn start() -> Chain {
    chain(GenesisState { minter: Some(initial_minter()), params: Some(rules()) }).unwrap()
}

fn collected(chain: &mut Chain) -> u128 {
    chain.run(|ctx| cairn_bank::balance(ctx, &FEE_COLLECTOR.address(), "ucairn")).unwrap()
}

fn supply(chain: &mut Chain) -> u128 {
    chain.run(|ctx| cairn_bank::supply(ctx, "ucairn")).unwrap()
}

fn block(chain: &mut Chain) -> Vec<Event> {
    chain.advance();
    chain.run(|ctx| {
        ctx.atomic(|ctx| Mint.begin_block(ctx)).unwrap();
        assert!(Mint.invariants().iter().all(|(_, holds)| holds(ctx).is_ok()));
        ctx.take_events()
    })
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, u32) {
    let refusal = result.unwrap_err();
    (refusal.codespace, refusal.code)
}

#[test]
fn numbers_are_those_of_the_sdk() {
    let mut lines = 0;
    for line in include_str!("inflation_vectors.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [before, bonded, supply, change, max, min, goal, blocks, "=", expected @ ..] = words.as_slice() else { panic!("{line}") };
        let [inflation_rate_change, inflation_max, inflation_min, goal_bonded] = [change, max, min, goal].map(|text| (*text).to_owned());
        let blocks_per_year = blocks.parse().unwrap();
        let mint_denom = "ucairn".to_owned();
        let params = Params { mint_denom, inflation_rate_change, inflation_max, inflation_min, goal_bonded, blocks_per_year };
        let (rules, supply) = (Rules::of(&params).unwrap(), supply.parse().unwrap());
        let ratio = minter::bonded_ratio(bonded.parse().unwrap(), supply).unwrap();
        let inflation = minter::next_inflation(&Dec::from_wire(before).unwrap(), &ratio, &rules).unwrap();
        let annual = minter::annual_provisions(&inflation, supply).unwrap();
        let provision = minter::block_provision(&annual, &rules).unwrap().to_string();
        assert_eq!([ratio.to_wire(), inflation.to_wire(), annual.to_wire(), provision].as_slice(), expected, "{line}");
        lines += 1;
    }
    assert!(lines >= 300, "{lines}");
}

#[test]
fn a_block_issues_its_part_of_a_year() {
    let mut chain = start();
    let events = block(&mut chain);
    // Nothing is bonded: 13 % and a hundredth of 13 % more.
    let issued = 1_313_000_000;
    assert_eq!((collected(&mut chain), supply(&mut chain)), (issued, SUPPLY + issued));
    let Payload::Raw(pairs) = &events.last().unwrap().payload else { panic!() };
    let expected = [
        ("bonded_ratio", "0.000000000000000000"),
        ("inflation", "0.131300000000000000"),
        ("annual_provisions", "131300000000.000000000000000000"),
        ("amount", "1313000000"),
    ];
    assert_eq!(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    chain.run(|ctx| {
        let inflation = Mint.inflation(ctx, QueryInflationRequest {}).unwrap().inflation;
        let annual = Mint.annual_provisions(ctx, QueryAnnualProvisionsRequest {}).unwrap().annual_provisions;
        assert_eq!((inflation, annual), (b"131300000000000000".to_vec(), b"131300000000000000000000000000".to_vec()));
        assert_eq!(Mint.params(ctx, QueryParamsRequest {}).unwrap().params, Some(rules()));
    });
    let exported = chain.run(|ctx| Mint.export(ctx)).unwrap();
    assert_eq!(exported.minter.unwrap().inflation, "131300000000000000");
}

#[test]
fn a_year_issues_no_more_than_the_highest_inflation_allows() {
    let mut chain = start();
    let mut before = SUPPLY;
    for _ in 0..100 {
        block(&mut chain);
        let now = supply(&mut chain);
        assert!((now - before) * 100 * 5 <= before, "a block issues at most a fifth of the supply a year");
        before = now;
    }
    // 20 % issued in a hundred equal parts of what there is then.
    assert!(before < SUPPLY * 122_020 / 100_000, "{before}");
    let stopped = Params { inflation_max: "0".into(), inflation_min: "0".into(), ..rules() };
    let m = MsgUpdateParams { authority: cairn_auth::authority().to_string(), params: Some(stopped) };
    chain.tx(|ctx| Mint.update_params(ctx, m)).unwrap();
    block(&mut chain);
    assert_eq!(supply(&mut chain), before, "without inflation nothing is issued");
}

#[test]
fn what_is_set_aside_is_issued_later_or_never() {
    let mut chain = start();
    let claim = Arc::new(Mutex::new(1_000_000_000));
    chain.router.hook::<Arc<dyn Hooks>>(Arc::new(Claim(Arc::clone(&claim))));
    block(&mut chain);
    assert_eq!((collected(&mut chain), supply(&mut chain)), (313_000_000, SUPPLY + 313_000_000));
    chain.run(|ctx| crate::issue(ctx, &user(), 600_000_000)).unwrap();
    chain.run(|ctx| crate::issue(ctx, &user(), 0)).unwrap();
    assert_eq!(supply(&mut chain), SUPPLY + 913_000_000);
    *claim.lock().unwrap() = u128::MAX;
    chain.advance();
    assert_eq!(code(chain.tx(|ctx| Mint.begin_block(ctx))), ("mint", 62), "nobody sets aside more than there is");
    assert_eq!(chain.run(|ctx| cairn_bank::balance(ctx, &ACCOUNT.address(), "ucairn")).unwrap(), 0);
}

#[test]
fn parameters_have_bounds() {
    let mut chain = start();
    let mut update = |params: Option<Params>, authority: Address| {
        let m = MsgUpdateParams { authority: authority.to_string(), params };
        chain.tx(|ctx| Mint.update_params(ctx, m).map(drop))
    };
    let governance = cairn_auth::authority();
    let one = percent(100);
    update(
        Some(Params { inflation_max: one.clone(), inflation_min: one, goal_bonded: "1".into(), blocks_per_year: 1, ..rules() }),
        governance,
    )
    .unwrap();
    assert_eq!(code(update(Some(rules()), user())), ("sdk", 4));
    assert_eq!(code(update(None, governance)), ("mint", 60));
    let breaks: [fn(&mut Params); 10] = [
        |p| p.mint_denom = "other".into(),
        |p| p.inflation_rate_change = percent(101),
        |p| p.inflation_rate_change = String::new(),
        |p| p.inflation_max = percent(101),
        |p| p.inflation_max = percent(6),
        |p| p.inflation_min = "-1".into(),
        |p| p.inflation_min = percent(21),
        |p| p.goal_bonded = "0".into(),
        |p| p.goal_bonded = percent(101),
        |p| p.blocks_per_year = 0,
    ];
    for (i, change) in breaks.into_iter().enumerate() {
        let mut params = rules();
        change(&mut params);
        assert_eq!(code(update(Some(params), governance)), ("mint", 60), "{i}");
    }
    assert_eq!(code(update(Some(Params { mint_denom: "u".into(), ..rules() }), governance)), ("sdk", 10));
}

#[test]
fn genesis_files() {
    let genesis = GenesisState { minter: Some(initial_minter()), params: Some(default_params()) };
    assert_eq!(Mint.default_genesis(), genesis);
    let mut started = chain(genesis.clone()).unwrap();
    assert_eq!(started.run(|ctx| Mint.export(ctx)).unwrap(), genesis);
    let refused = |g: GenesisState| code(chain(g).map(drop));
    assert_eq!(refused(GenesisState { params: None, ..genesis.clone() }), ("mint", 61));
    assert_eq!(refused(GenesisState { minter: None, ..genesis.clone() }), ("mint", 61));
    let minter = |inflation: &str| Some(Minter { inflation: inflation.into(), ..initial_minter() });
    assert_eq!(refused(GenesisState { minter: minter("1000000000000000001"), ..genesis.clone() }), ("mint", 61));
    assert!(chain(GenesisState { minter: minter("x"), ..genesis.clone() }).is_err());
    assert_eq!(refused(GenesisState { params: Some(Params { blocks_per_year: 0, ..rules() }), ..genesis }), ("mint", 60));
}
