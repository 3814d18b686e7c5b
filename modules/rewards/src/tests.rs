//! Rewards through their public functions, messages, queries, blocks and genesis.
#![allow(clippy::arithmetic_side_effects, clippy::print_stdout, reason = "a test may panic, and figures of attacks are a report")]
use std::sync::Arc;

use cairn_auth::{Auth, authority};
use cairn_bank::{self as bank, Bank};
use cairn_kernel::{Address, BASE_DENOM, Coded, Coin, Error as Refusal, Module, ModuleAccount, testing::Chain};
use cairn_proto::cairn::rewards::v1::{
    ContributionKind, Epoch, Genesis, MsgClaimReward, MsgServer, MsgUpdateParams, Params, QueryAccountRequest, QueryClaimableRequest,
    QueryContributionsRequest, QueryEpochRequest, QueryEpochsRequest, QueryParamsRequest, QueryPoolRequest, QueryServer,
    QueryTotalsRequest,
};

use crate::{Error, Rewards, Split, default_params, forfeit, fund_pool, record, take_fee};

const FAUCET: ModuleAccount = ModuleAccount::new("faucet").mints();
const LABELS: ContributionKind = ContributionKind::Labels;

fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn chain() -> Chain {
    let mut chain = Chain::default();
    Arc::new(Auth).routes(&mut chain.router);
    Arc::new(Bank).routes(&mut chain.router);
    Arc::new(cairn_mint::Mint).routes(&mut chain.router);
    Arc::new(Rewards).routes(&mut chain.router);
    chain.router.hook(FAUCET);
    chain
}

/// A chain whose epochs have 10 blocks and issue at most `issuance`, and at most `pool_spend` of the pool; mint provides plenty.
fn issuing(issuance: u128, pool_spend: u128) -> Chain {
    let mut chain = chain();
    let (issuance, pool_spend) = (issuance.to_string(), pool_spend.to_string());
    let params = Params { epoch_blocks: 10, issuance, pool_spend, issuance_share_bps: 10_000, ..default_params() };
    chain.tx(|ctx| Rewards.init(ctx, Genesis { params: Some(params), ..Genesis::default() })).unwrap();
    chain
}

/// What mint provides in a block of these tests.
const PROVISION: u128 = 1_000_000_000_000_000;

/// What is set aside of a block's provision.
fn provide(chain: &mut Chain, provision: u128) -> u128 {
    chain.tx(|ctx| cairn_mint::Hooks::set_aside(&Rewards, ctx, provision)).unwrap()
}

fn fund(chain: &mut Chain, to: Address, coin: &Coin) {
    chain.tx(|ctx| bank::mint(ctx, &FAUCET, std::slice::from_ref(coin))).unwrap();
    chain.tx(|ctx| bank::send(ctx, &FAUCET.address(), &to, std::slice::from_ref(coin))).unwrap();
}

fn balance(chain: &mut Chain, of: Address, denom: &str) -> u128 {
    chain.run(|ctx| bank::balance(ctx, &of, denom)).unwrap()
}

/// Funds user `from` and takes the fee from it.
fn fee(chain: &mut Chain, from: u8, coin: Coin, to: &[(u8, u128)]) -> Result<Split, Refusal> {
    fund(chain, user(from), &coin);
    let contributors: Vec<_> = to.iter().map(|(n, weight)| (user(*n), *weight)).collect();
    chain.tx(|ctx| take_fee(ctx, &user(from), &coin, LABELS, &contributors))
}

/// Ends blocks until `height` has ended.
fn run_to(chain: &mut Chain, height: u64) {
    while chain.block.height <= height {
        provide(chain, PROVISION);
        chain.tx(|ctx| Rewards.end_block(ctx)).unwrap();
        assert_invariants(chain);
        chain.advance();
    }
}

fn epoch(chain: &mut Chain, number: u64) -> Epoch {
    chain.run(|ctx| Rewards.epoch(ctx, QueryEpochRequest { number })).unwrap().epoch.unwrap()
}

fn claim(chain: &mut Chain, n: u8) -> Result<(u128, u32), Refusal> {
    let asked = QueryClaimableRequest { contributor: user(n).to_string() };
    let asked = chain.run(|ctx| Rewards.claimable(ctx, asked))?;
    let before = balance(chain, user(n), BASE_DENOM);
    let paid = chain.tx(|ctx| Rewards.claim_reward(ctx, MsgClaimReward { contributor: user(n).to_string() }))?;
    assert_eq!((&asked.amount, asked.epochs), (&paid.amount, paid.epochs), "the query told what the message paid");
    let amount = Coin::try_from(paid.amount.unwrap()).unwrap().amount;
    assert_eq!(balance(chain, user(n), BASE_DENOM), before + amount);
    assert_invariants(chain);
    Ok((amount, paid.epochs))
}

fn pool(chain: &mut Chain) -> Vec<Coin> {
    let pool = chain.run(|ctx| Rewards.pool(ctx, QueryPoolRequest {})).unwrap().pool;
    pool.iter().map(|coin| coin.try_into().unwrap()).collect()
}

#[track_caller]
fn assert_invariants(chain: &mut Chain) {
    for (name, check) in Rewards.invariants().into_iter().chain(Bank.invariants()) {
        chain.run(|ctx| check(ctx)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, error: Error) {
    let found = result.unwrap_err();
    assert_eq!((found.codespace, found.code, found.log), ("rewards", error.code(), error.to_string()));
}

#[test]
fn of_a_fee_sixty_percent_burn_and_the_rest_fills_the_pool() {
    let mut chain = chain();
    let split = fee(&mut chain, 1, Coin::base(1_001), &[(2, 1), (3, 2)]).unwrap();
    assert_eq!(split, Split { burnt: 600, pooled: 401 });
    assert_eq!(chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap(), 401);
    assert_eq!(pool(&mut chain), [Coin::base(401)]);
    let totals = chain.run(|ctx| Rewards.totals(ctx, QueryTotalsRequest {})).unwrap().totals.unwrap();
    assert_eq!((totals.burnt.as_str(), totals.minted.as_str(), totals.kinds[0].count), ("600", "0", 2));
    for (n, weight) in [(2, "200"), (3, "400")] {
        let q = QueryContributionsRequest { contributor: user(n).to_string(), pagination: None };
        let found = chain.run(|ctx| Rewards.contributions(ctx, q)).unwrap().contributions;
        assert_eq!((found.len(), found[0].epoch, found[0].weight.as_str()), (1, 1, weight));
        assert_eq!(found[0].contributor, user(n).to_string());
    }
    assert_eq!(epoch(&mut chain, 0).weight, "600");
    assert_invariants(&mut chain);
}

#[test]
fn other_denominations_fill_the_pool_and_weigh_nothing() {
    let mut chain = chain();
    let split = fee(&mut chain, 1, Coin::new("ibc/atom", 50), &[(2, 1)]).unwrap();
    assert_eq!(split, Split { burnt: 0, pooled: 50 });
    assert_eq!(pool(&mut chain), [Coin::new("ibc/atom", 50)]);
    assert_eq!(epoch(&mut chain, 1).weight, "0");
    let q = QueryAccountRequest { contributor: user(2).to_string() };
    let account = chain.run(|ctx| Rewards.account(ctx, q)).unwrap().totals.unwrap();
    assert_eq!((account.kinds[0].count, account.kinds[0].weight.as_str(), account.claimed.as_str()), (1, "0", "0"));
    assert_eq!(fee(&mut chain, 1, Coin::base(0), &[(2, 1)]).unwrap(), Split::default());
    assert_invariants(&mut chain);
}

#[test]
fn a_fee_needs_money_contributors_and_a_kind() {
    let mut chain = chain();
    refused(fee(&mut chain, 1, Coin::base(5), &[]), Error::NoContributors);
    refused(fee(&mut chain, 1, Coin::base(5), &[(2, 0)]), Error::NoContributors);
    refused(fee(&mut chain, 1, Coin::base(5), &[(2, u128::MAX), (3, 1)]), Error::Overflow);
    let poor = chain.tx(|ctx| take_fee(ctx, &user(9), &Coin::base(5), LABELS, &[(user(2), 1)])).unwrap_err();
    assert_eq!((poor.codespace, poor.code), ("sdk", 5));
    refused(chain.tx(|ctx| record(ctx, ContributionKind::Unspecified, &user(1), 1)), Error::Kind(0));
    assert_invariants(&mut chain);
}

#[test]
fn a_forfeit_burns_its_part_and_records_nothing() {
    let mut chain = chain();
    fund(&mut chain, user(1), &Coin::base(100));
    fund(&mut chain, user(1), &Coin::new("ibc/atom", 100));
    let mut take = |coin: Coin, rate: u32| chain.tx(|ctx| forfeit(ctx, &user(1), &coin, rate));
    assert_eq!(take(Coin::base(51), 5_000).unwrap(), Split { burnt: 25, pooled: 26 });
    assert_eq!(take(Coin::base(20), 10_000).unwrap(), Split { burnt: 20, pooled: 0 });
    assert_eq!(take(Coin::base(0), 10_000).unwrap(), Split::default());
    assert_eq!(take(Coin::new("ibc/atom", 51), 5_000).unwrap(), Split { burnt: 0, pooled: 51 });
    refused(take(Coin::base(1), 10_001), Error::Rate { name: "burn_bps", most: 10_000, found: 10_001 });
    chain.tx(|ctx| fund_pool(ctx, &user(1), &[Coin::base(4)])).unwrap();
    assert_eq!(pool(&mut chain), [Coin::new("ibc/atom", 51), Coin::base(30)]);
    assert_eq!(balance(&mut chain, user(1), BASE_DENOM), 25);
    assert_invariants(&mut chain);
}

#[test]
fn nothing_is_minted_until_governance_says_so() {
    let mut chain = chain();
    fee(&mut chain, 1, Coin::base(1_000_000), &[(2, 1)]).unwrap();
    run_to(&mut chain, 100);
    let closed = epoch(&mut chain, 1);
    assert_eq!((closed.closed, closed.starts, closed.ends, closed.budget.as_str()), (true, 1, 100, "0"));
    let open = epoch(&mut chain, 0);
    assert_eq!((open.number, open.starts, open.ends, open.closed), (2, 101, 200, false));
    assert_eq!(claim(&mut chain, 2).unwrap(), (0, 1));
    refused(claim(&mut chain, 2), Error::NothingToClaim(user(2).to_string()));
    assert_eq!(chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap(), 400_000);
}

#[test]
fn an_epoch_pays_by_weight_at_most_four_fifths_of_what_was_burnt() {
    let mut chain = issuing(1_000_000_000, 0);
    fee(&mut chain, 1, Coin::base(1_000), &[(2, 1), (3, 2)]).unwrap();
    refused(claim(&mut chain, 2), Error::NothingToClaim(user(2).to_string()));
    run_to(&mut chain, 10);
    let closed = epoch(&mut chain, 1);
    assert_eq!((closed.weight.as_str(), closed.budget.as_str(), closed.minted.as_str()), ("600", "480", "480"));
    assert_eq!(claim(&mut chain, 2).unwrap(), (160, 1));
    assert_eq!(claim(&mut chain, 3).unwrap(), (320, 1));
    assert_eq!(epoch(&mut chain, 1).claimed, "480");
    refused(claim(&mut chain, 9), Error::NothingToClaim(user(9).to_string()));
}

#[test]
fn the_schedule_limits_below_the_cap_and_dust_goes_to_the_pool() {
    let mut chain = issuing(100, 0);
    fee(&mut chain, 1, Coin::base(1_000), &[(2, 1), (3, 1), (4, 1)]).unwrap();
    run_to(&mut chain, 10);
    let before = pool(&mut chain);
    let paid: Vec<_> = (2..=4).map(|n| claim(&mut chain, n).unwrap().0).collect();
    assert_eq!(paid, [33, 33, 33]);
    assert_eq!(pool(&mut chain)[0].amount, before[0].amount + 1);
}

#[test]
fn the_pool_pays_before_anything_is_minted() {
    let mut chain = issuing(1_000, 50);
    fee(&mut chain, 1, Coin::base(1_000), &[(2, 1)]).unwrap();
    run_to(&mut chain, 10);
    let closed = epoch(&mut chain, 1);
    assert_eq!((closed.budget.as_str(), closed.minted.as_str()), ("480", "430"));
    assert_eq!(pool(&mut chain), [Coin::base(350)]);
    // Without contributions nothing is paid, whatever the schedule.
    run_to(&mut chain, 20);
    assert_eq!(epoch(&mut chain, 2).budget, "0");
    assert_eq!(claim(&mut chain, 2).unwrap(), (480, 1));
}

#[test]
fn an_epoch_mints_no_more_than_was_set_aside_for_it_and_the_rest_lapses() {
    let mut chain = chain();
    let params = Params { epoch_blocks: 1, issuance: "1000".into(), issuance_share_bps: 2_500, ..default_params() };
    chain.tx(|ctx| Rewards.init(ctx, Genesis { params: Some(params), ..Genesis::default() })).unwrap();
    let mut minted = |provision: u128, burnt: u128| {
        assert_eq!(provide(&mut chain, provision), provision / 4);
        fee(&mut chain, 1, Coin::base(burnt * 10 / 6), &[(2, 1)]).unwrap();
        chain.tx(|ctx| Rewards.end_block(ctx)).unwrap();
        chain.advance();
        assert_invariants(&mut chain);
        let number = epoch(&mut chain, 0).number - 1;
        let closed = epoch(&mut chain, number);
        (closed.set_aside, closed.minted)
    };
    let text = |a: u128, b: u128| (a.to_string(), b.to_string());
    assert_eq!(minted(400, 6_000), text(100, 100), "what was set aside limits");
    assert_eq!(minted(8_000, 6_000), text(2_000, 1_000), "what governance allows limits");
    assert_eq!(minted(8_000, 600), text(2_000, 480), "what was burnt limits");
    assert_eq!(minted(3, 6_000), text(0, 0), "nothing is left of the epochs before");
    let m = MsgUpdateParams { authority: authority().to_string(), params: Some(Params { issuance: "1000".into(), ..default_params() }) };
    chain.tx(|ctx| Rewards.update_params(ctx, m)).unwrap();
    assert_eq!(provide(&mut chain, PROVISION), 0, "at first all that mint provides is the validators'");
}

#[test]
fn claims_settle_epochs_in_order_and_at_most_a_hundred_at_once() {
    let mut chain = issuing(1_000_000, 0);
    for i in 0..103 {
        fee(&mut chain, 1, Coin::base(100), &[(2, 1)]).unwrap();
        run_to(&mut chain, (i + 1) * 10);
    }
    fee(&mut chain, 1, Coin::base(100), &[(2, 1)]).unwrap();
    assert_eq!(claim(&mut chain, 2).unwrap(), (4_800, 100));
    assert_eq!(claim(&mut chain, 2).unwrap(), (144, 3));
    refused(claim(&mut chain, 2), Error::NothingToClaim(user(2).to_string()));
    let all = chain.run(|ctx| Rewards.epochs(ctx, QueryEpochsRequest { pagination: None })).unwrap();
    assert_eq!((all.epochs.len(), all.pagination.unwrap().next_key.is_empty()), (100, false));
    refused(chain.run(|ctx| Rewards.epoch(ctx, QueryEpochRequest { number: 105 })), Error::NoEpoch(105));
}

#[test]
fn a_running_epoch_keeps_its_end() {
    let mut chain = issuing(0, 0);
    run_to(&mut chain, 3);
    let params = Params { epoch_blocks: 2, ..default_params() };
    let m = MsgUpdateParams { authority: authority().to_string(), params: Some(params.clone()) };
    chain.tx(|ctx| Rewards.update_params(ctx, m)).unwrap();
    assert_eq!(chain.run(|ctx| Rewards.params(ctx, QueryParamsRequest {})).unwrap().params.unwrap(), params);
    run_to(&mut chain, 12);
    let ends: Vec<_> = (1..=3).map(|n| epoch(&mut chain, n).ends).collect();
    assert_eq!(ends, [10, 12, 14]);
}

#[test]
fn only_governance_sets_parameters_and_only_within_bounds() {
    let mut chain = chain();
    let mut update = |authority: Address, params: Option<Params>| {
        chain.tx(|ctx| Rewards.update_params(ctx, MsgUpdateParams { authority: authority.to_string(), params }))
    };
    assert_eq!(update(user(1), Some(default_params())).unwrap_err().code, 4);
    refused(update(authority(), None), Error::NoParams);
    let cases = [
        (Params { epoch_blocks: 0, ..default_params() }, Error::EpochBlocks(0)),
        (Params { epoch_blocks: 10_000_001, ..default_params() }, Error::EpochBlocks(10_000_001)),
        (Params { fee_burnt_bps: 10_001, ..default_params() }, Error::Rate { name: "fee_burnt_bps", most: 10_000, found: 10_001 }),
        (Params { issuance_cap_bps: 8_001, ..default_params() }, Error::Rate { name: "issuance_cap_bps", most: 8_000, found: 8_001 }),
        (
            Params { issuance_share_bps: 10_001, ..default_params() },
            Error::Rate { name: "issuance_share_bps", most: 10_000, found: 10_001 },
        ),
        (Params { issuance: "-1".into(), ..default_params() }, Error::Amount("issuance")),
        (Params { pool_spend: "1.5".into(), ..default_params() }, Error::Amount("pool_spend")),
    ];
    for (params, error) in cases {
        refused(update(authority(), Some(params)), error);
    }
    update(authority(), Some(Params { epoch_blocks: 10_000_000, ..default_params() })).unwrap();
}

#[test]
fn export_and_import_are_inverse() {
    let mut before = issuing(1_000, 10);
    fee(&mut before, 1, Coin::base(1_000), &[(2, 1), (3, 2)]).unwrap();
    fee(&mut before, 1, Coin::new("ibc/atom", 7), &[(2, 1)]).unwrap();
    run_to(&mut before, 10);
    claim(&mut before, 2).unwrap();
    fee(&mut before, 1, Coin::base(500), &[(3, 2)]).unwrap();
    let (mut coins, exported) = before.run(|ctx| (Bank.export(ctx).unwrap(), Rewards.export(ctx).unwrap()));
    coins.params = Some(bank::DEFAULT_PARAMS);
    let mut after = chain();
    after.tx(|ctx| Bank.init(ctx, coins).and_then(|()| Rewards.init(ctx, exported.clone()))).unwrap();
    assert_eq!(after.run(|ctx| Rewards.export(ctx)).unwrap(), exported);
    assert_invariants(&mut after);
    assert_eq!(claim(&mut after, 3).unwrap(), claim(&mut before, 3).unwrap());

    let cases: [fn(&mut Genesis); 5] = [
        |g| g.epochs[0].number = 2,
        |g| g.epochs[1].closed = true,
        |g| g.epochs[0].weight = "x".into(),
        |g| g.contributions[0].epoch = 9,
        |g| g.params = Some(Params { epoch_blocks: 0, ..default_params() }),
    ];
    for (i, spoil) in cases.iter().enumerate() {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        assert_eq!(chain().tx(|ctx| Rewards.init(ctx, genesis)).unwrap_err().codespace, "rewards", "case {i}");
    }
}

#[test]
fn invariants_notice_a_reward_without_cover() {
    let mut chain = issuing(1_000, 0);
    fee(&mut chain, 1, Coin::base(1_000), &[(2, 1)]).unwrap();
    run_to(&mut chain, 10);
    let mut genesis = chain.run(|ctx| Rewards.export(ctx)).unwrap();
    genesis.epochs[0].budget = "481".into();
    let mut other = super::tests::chain();
    other.tx(|ctx| Rewards.init(ctx, genesis)).unwrap();
    let faults = Rewards.invariants().iter().filter(|(_, check)| other.run(|ctx| check(ctx)).is_err()).count();
    assert_eq!(faults, 2);
}

/// Paying fees to oneself to earn issuance: at a fee of 5 % of volume and 60 % burnt, at most 2.4 % of the volume returns.
#[test]
fn self_dealing_loses_fees_and_mints_less() {
    let mut chain = issuing(u128::MAX, u128::MAX);
    let (volume, rate) = (100_000_000_u128, 500_u128);
    let paid = volume * rate / 10_000;
    fee(&mut chain, 1, Coin::base(paid), &[(1, 1)]).unwrap();
    let supply = chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap() + paid * 6 / 10;
    run_to(&mut chain, 10);
    let (returned, _) = claim(&mut chain, 1).unwrap();
    println!("volume {volume}: fee {paid}, returned {returned}, attacker's loss {}", paid - returned);
    assert_eq!(returned, volume * 240 / 10_000);
    assert!(chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap() < supply);
}
