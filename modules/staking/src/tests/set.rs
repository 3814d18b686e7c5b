//! Who is elected, what consensus hears of it, and what becomes of those who are not.
use cairn_auth::authority;
use cairn_proto::cosmos::staking::v1beta1::{BondStatus, MsgServer, MsgUpdateParams, Params};

use super::*;
use crate::{Staking, history, set};

fn seats(world: &mut World, max_validators: u32) {
    let m = MsgUpdateParams { authority: authority().to_string(), params: Some(Params { max_validators, ..rules() }) };
    world.tx(|ctx| Staking.update_params(ctx, m)).unwrap();
}

fn status(world: &mut World, n: u8) -> BondStatus {
    world.validator(n).unwrap().status()
}

#[test]
fn the_most_tokens_win_and_among_equals_the_lower_operator() {
    let mut world = World::new();
    seats(&mut world, 2);
    for (n, tokens) in [(3, 5 * M), (2, 5 * M), (1, 5 * M), (4, M - 1)] {
        world.create(n, tokens).unwrap();
    }
    assert_eq!(world.end(), [(1, 5), (2, 5)]);
    assert_eq!(status(&mut world, 3), BondStatus::Unbonded);
    world.delegate(9, 3, M).unwrap();
    world.heard();
    assert_eq!(world.end(), [(3, 6), (2, 0)]);
    assert_eq!(world.heard(), ["bonded 3", "unbonding 2", "set 1:5,3:6"]);
    assert_eq!(status(&mut world, 2), BondStatus::Unbonding);
    assert!(world.end().is_empty());
}

#[test]
fn who_has_less_than_a_unit_of_power_is_not_elected() {
    let mut world = World::of(&[M, M - 1]);
    assert_eq!(status(&mut world, 2), BondStatus::Unbonded);
    world.delegate(2, 2, 1).unwrap();
    assert_eq!(world.end(), [(2, 1)]);
}

#[test]
fn fewer_seats_put_the_last_ones_out() {
    let mut world = World::of(&[3 * M, 2 * M, M]);
    seats(&mut world, 1);
    assert_eq!(world.end(), [(2, 0), (3, 0)]);
    seats(&mut world, 3);
    assert_eq!(world.end(), [(2, 2), (3, 1)]);
    assert_eq!(status(&mut world, 3), BondStatus::Bonded);
}

#[test]
fn an_unbonding_validator_is_free_when_its_time_is_over_and_can_come_back() {
    let mut world = World::of(&[3 * M, 2 * M]);
    world.jail(2);
    assert_eq!(world.end_after(UNBONDING), [(2, 0)]);
    let out = world.validator(2).unwrap();
    assert_eq!((out.status(), out.unbonding_height, out.unbonding_ids.as_slice()), (BondStatus::Unbonding, 2, &[1][..]));
    world.end();
    assert_eq!(status(&mut world, 2), BondStatus::Unbonded);
    world.tx(|ctx| crate::unjail(ctx, &consensus(2))).unwrap();
    assert_eq!(world.end(), [(2, 2)]);
    assert_eq!(status(&mut world, 2), BondStatus::Bonded);
}

#[test]
fn a_validator_that_comes_back_in_time_is_not_put_out_later() {
    let mut world = World::of(&[3 * M, 2 * M]);
    world.jail(2);
    world.end();
    world.tx(|ctx| crate::unjail(ctx, &consensus(2))).unwrap();
    assert_eq!(world.end_after(2 * UNBONDING), [(2, 2)]);
    world.end();
    assert_eq!(status(&mut world, 2), BondStatus::Bonded);
}

#[test]
fn a_validator_without_delegations_is_forgotten() {
    let mut world = World::of(&[3 * M, 2 * M]);
    world.undelegate(2, 2, 2 * M).unwrap();
    assert_eq!(world.end_after(UNBONDING), [(2, 0)]);
    assert!(world.validator(2).is_some(), "it unbonds");
    world.heard();
    world.end();
    assert!(world.validator(2).is_none());
    assert_eq!(world.heard(), ["removed 2"]);
    assert_eq!(world.balance(2), FUNDS);
    // Operator and key are free again; one that was never elected goes at once.
    world.create(2, M - 1).unwrap();
    world.end();
    world.undelegate(2, 2, M - 1).unwrap();
    assert!(world.validator(2).is_none());
    world.check();
}

#[test]
fn the_set_is_never_empty() {
    let mut world = World::of(&[3 * M]);
    world.undelegate(1, 1, 3 * M).unwrap();
    assert!(world.end().is_empty(), "consensus cannot go on without validators");
    assert_eq!(status(&mut world, 1), BondStatus::Bonded);
    world.create(2, M).unwrap();
    assert_eq!(world.end(), [(2, 1), (1, 0)]);
}

#[test]
fn jail_is_entered_and_left_once() {
    let mut world = World::of(&[3 * M, M]);
    assert_eq!(code(world.tx(|ctx| crate::unjail(ctx, &consensus(1)))), ("staking", 64));
    world.jail(1);
    assert_eq!(code(world.tx(|ctx| crate::jail(ctx, &consensus(1)))), ("staking", 64));
    assert_eq!(code(world.tx(|ctx| crate::jail(ctx, &consensus(9)))), ("staking", 3));
}

#[test]
fn no_more_is_staked_than_consensus_can_count() {
    let mut world = World::of(&[M]);
    let huge = crate::MAX_STAKED;
    let pool = cairn_kernel::ModuleAccount::new("mint").mints();
    world.chain.router.hook(pool);
    world
        .tx(|ctx| {
            cairn_bank::mint(ctx, &pool, &[cairn_kernel::Coin::base(huge)])?;
            cairn_bank::send(ctx, &pool.address(), &user(9), &[cairn_kernel::Coin::base(huge)])
        })
        .unwrap();
    assert_eq!(code(world.delegate(9, 1, huge)), ("staking", 62));
    world.delegate(9, 1, huge - M).unwrap();
    assert_eq!(world.end(), [(1, 1 << 60)]);
}

#[test]
fn past_blocks_are_kept_as_long_as_the_rules_say() {
    let mut world = World::of(&[3 * M, 2 * M]);
    let first = world.chain.block.height;
    for _ in 0..3 {
        world.end();
    }
    world.delegate(9, 2, 5 * M).unwrap();
    world.end();
    let kept = |world: &mut World, height| world.chain.run(|ctx| history::info(ctx, height)).unwrap();
    let early = kept(&mut world, first + 3).unwrap();
    assert_eq!(early.header.unwrap().height as u64, first + 3);
    let order = |info: &cairn_proto::cosmos::staking::v1beta1::HistoricalInfo| {
        info.valset.iter().map(|v| v.operator_address.clone()).collect::<Vec<_>>()
    };
    let height = world.chain.block.height;
    let now = kept(&mut world, height).unwrap();
    assert_eq!(order(&now), [2, 1].map(|n| crate::operator_text(&user(n))), "more power first");
    assert_eq!(early.valset[0].tokens, (3 * M).to_string());

    let m = MsgUpdateParams { authority: authority().to_string(), params: Some(Params { historical_entries: 2, ..rules() }) };
    world.tx(|ctx| Staking.update_params(ctx, m)).unwrap();
    for _ in 0..6 {
        world.end();
    }
    let height = world.chain.block.height;
    assert!(kept(&mut world, height - 2).is_none());
    assert_eq!(kept(&mut world, height - 1).unwrap().valset.len(), 2);
    assert_eq!(kept(&mut world, height).unwrap().valset.len(), 2);
    let sets = world.chain.run(|ctx| crate::state::VALSETS.range(ctx, &[]).count());
    assert_eq!(sets, 1, "sets without headers are dropped");
}

#[test]
fn powers_are_those_of_the_set() {
    let mut world = World::of(&[3 * M, 2 * M]);
    let powers = world.chain.run(|ctx| set::powers(ctx)).unwrap();
    let shown: Vec<_> = powers.iter().map(|p| (p.operator, p.consensus, p.power)).collect();
    assert_eq!(shown, [(user(1), consensus(1), 3), (user(2), consensus(2), 2)]);
}
