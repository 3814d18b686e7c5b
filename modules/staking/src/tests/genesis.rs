//! Genesis files: a set elected from nothing, the way there and back, and what is refused.
use cairn_kernel::{Coin, Dec, Module, Result};
use cairn_proto::cosmos::{
    bank::v1beta1::Balance,
    staking::v1beta1::{BondStatus, Delegation, GenesisState, Validator},
};

use super::*;
use crate::{BONDED_POOL, NOT_BONDED_POOL, Staking, operator_text};

/// A chain in the middle of its life: three validators, one jailed, with entries of every kind.
fn lived() -> World {
    let mut world = World::of(&[10 * M, 5 * M, 2 * M]);
    world.delegate(4, 1, 7 * M).unwrap();
    world.end();
    world.undelegate(4, 1, M).unwrap();
    world.redelegate(4, 1, 2, M).unwrap();
    world.jail(3);
    let height = world.chain.block.height;
    world.slash(2, height, 5, &Dec::with_places(1, 2).unwrap()).unwrap();
    world.end();
    world
}

fn pools(world: &mut World) -> Vec<Balance> {
    [BONDED_POOL, NOT_BONDED_POOL]
        .iter()
        .map(|pool| {
            let held = world.chain.run(|ctx| cairn_bank::balance(ctx, &pool.address(), "ucairn")).unwrap();
            Balance { address: pool.address().to_string(), coins: vec![Coin::base(held).into()] }
        })
        .collect()
}

fn exported(world: &mut World) -> GenesisState {
    world.chain.run(|ctx| Staking.export(ctx)).unwrap()
}

#[test]
fn an_exported_state_starts_the_same_chain() {
    let mut world = lived();
    let (genesis, pools) = (exported(&mut world), pools(&mut world));
    let mut again = World::with(genesis.clone(), pools).unwrap();
    again.check();
    assert_eq!(exported(&mut again), genesis);
    assert!(again.heard().is_empty());
    again.chain.block = world.chain.block.clone();
    for _ in 0..3 {
        assert_eq!(again.end_after(UNBONDING / 2), world.end_after(UNBONDING / 2));
        assert_eq!(exported(&mut again), exported(&mut world));
    }
    assert!(exported(&mut world).unbonding_delegations.is_empty());
}

/// A validator as a new chain's maker writes it.
fn founder(n: u8, tokens: u128) -> (Validator, Delegation) {
    let mut world = World::of(&[]);
    world.create(n, tokens).unwrap();
    let validator = world.validator(n).unwrap();
    let delegation = Delegation {
        delegator_address: user(n).to_string(),
        validator_address: operator_text(&user(n)),
        shares: Dec::from_int(tokens).to_wire(),
    };
    (validator, delegation)
}

fn pool(pool: &cairn_kernel::ModuleAccount, amount: u128) -> Balance {
    Balance { address: pool.address().to_string(), coins: vec![Coin::base(amount).into()] }
}

#[test]
fn a_new_chain_elects_its_first_set() {
    let (validators, delegations): (Vec<_>, Vec<_>) = [founder(1, 3 * M), founder(2, 2 * M)].into_iter().unzip();
    let genesis = GenesisState { params: Some(rules()), validators, delegations, ..GenesisState::default() };
    let mut world = World::with(genesis, vec![pool(&NOT_BONDED_POOL, 5 * M)]).unwrap();
    world.check();
    assert!(world.heard().is_empty());
    let powers = world.chain.run(|ctx| crate::powers(ctx)).unwrap();
    assert_eq!(powers.iter().map(|p| p.power).collect::<Vec<_>>(), [3, 2]);
    assert!(world.end().is_empty(), "consensus has them from its own part of the file");
}

fn refused(change: impl FnOnce(&mut GenesisState)) -> (&'static str, u32) {
    let mut world = lived();
    let (mut genesis, pools) = (exported(&mut world), pools(&mut world));
    change(&mut genesis);
    code(World::with(genesis, pools).map(drop) as Result<()>)
}

#[test]
fn what_contradicts_itself_is_refused() {
    let breaks: [fn(&mut GenesisState); 15] = [
        |g| g.params = None,
        |g| g.validators.push(g.validators[0].clone()),
        |g| g.validators[1].consensus_pubkey = g.validators[0].consensus_pubkey.clone(),
        |g| g.validators[0].status = BondStatus::Unspecified.into(),
        |g| g.validators[0].unbonding_on_hold_ref_count = 1,
        |g| g.validators[0].commission = None,
        |g| g.validators[0].tokens = (9 * M).to_string(),
        |g| g.delegations.push(g.delegations[0].clone()),
        |g| g.delegations[0].shares = "0".into(),
        |g| g.delegations[0].shares = "1".into(),
        |g| g.delegations[0].validator_address = operator_text(&user(8)),
        |g| g.unbonding_delegations[0].entries.clear(),
        |g| g.unbonding_delegations[0].entries[0].balance = "1".into(),
        |g| g.redelegations[0].entries[0].unbonding_id = g.unbonding_delegations[0].entries[0].unbonding_id,
        |g| g.last_validator_powers.truncate(1),
    ];
    for (i, change) in breaks.into_iter().enumerate() {
        assert_eq!(refused(change), ("staking", 61), "{i}");
    }
    assert_eq!(refused(|g| g.last_validator_powers[0].power = 0), ("staking", 61));
    assert_eq!(refused(|g| g.validators[0].unbonding_height = -1), ("staking", 61));
    assert_eq!(refused(|g| g.last_validator_powers[0].address = operator_text(&user(8))), ("staking", 61));
    assert_eq!(refused(|g| g.validators[0].min_self_delegation = "0".into()), ("sdk", 18));
    assert_eq!(refused(|g| g.validators[0].description = None), ("sdk", 18));
    assert_eq!(refused(|g| g.redelegations[0].entries[0].completion_time = None), ("sdk", 18));
    assert_eq!(refused(|g| g.validators[0].consensus_pubkey = None), ("staking", 6));
}
