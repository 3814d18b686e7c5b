//! Genesis files: a chain that begins, the way there and back, and what is refused.
use cairn_kernel::{Coin, Module};
use cairn_proto::cosmos::{
    bank::v1beta1::Balance,
    distribution::v1beta1::{DelegatorWithdrawInfo, GenesisState, MsgServer, MsgSetWithdrawAddress},
    staking::v1beta1::GenesisState as StakingGenesis,
};
use cairn_staking::{BONDED_POOL, NOT_BONDED_POOL, Staking};

use super::*;
use crate::{ACCOUNT, Distribution};

/// A chain in the middle of its life.
fn lived() -> World {
    let mut world = World::new();
    world.create(1, 10 * M, 10).unwrap();
    world.create(2, 5 * M, 5).unwrap();
    world.delegate(3, 1, 7 * M).unwrap();
    world.block(0);
    world.block(1_000);
    let height = world.chain.block.height;
    world.slash(1, height, 50).unwrap();
    world.block(333);
    world.redelegate(3, 1, 2, M).unwrap();
    let m = MsgSetWithdrawAddress { delegator_address: user(3).to_string(), withdraw_address: user(4).to_string() };
    world.tx(|ctx| Distribution.set_withdraw_address(ctx, m)).unwrap();
    world.block(77);
    world.undelegate(3, 2, M / 2).unwrap();
    world
}

type Parts = (StakingGenesis, GenesisState, Vec<Balance>);

fn parts(world: &mut World) -> Parts {
    let held = [BONDED_POOL, NOT_BONDED_POOL, ACCOUNT].map(|account| {
        let held = world.balance(&account.address());
        Balance { address: account.address().to_string(), coins: vec![Coin::base(held).into()] }
    });
    let held = held.into_iter().filter(|balance| balance.coins[0].amount != "0").collect();
    world.chain.run(|ctx| (Staking.export(ctx).unwrap(), Distribution.export(ctx).unwrap(), held))
}

#[test]
fn an_exported_state_starts_the_same_chain() {
    let mut world = lived();
    world.chain.block.proposer = vec![1; 20];
    let (staking, genesis, held) = parts(&mut world);
    assert!(!genesis.validator_slash_events.is_empty());
    let mut again = World::with(staking.clone(), genesis.clone(), held).unwrap();
    again.chain.block = world.chain.block.clone();
    again.check();
    assert_eq!(parts(&mut again).1, genesis);
    for _ in 0..3 {
        world.block(500);
        again.block(500);
    }
    for (who, at) in [(1, 1), (2, 2), (3, 1), (3, 2)] {
        assert_eq!(world.withdraw(who, at).unwrap(), again.withdraw(who, at).unwrap());
    }
    assert_eq!(parts(&mut again).1, parts(&mut world).1);
}

#[test]
fn a_new_chain_begins_with_what_staking_has() {
    let mut world = World::new();
    world.create(1, 10 * M, 0).unwrap();
    world.delegate(2, 1, 10 * M).unwrap();
    world.block(0);
    let (staking, _, held) = parts(&mut world);
    let genesis = GenesisState { params: Some(crate::default_params()), ..GenesisState::default() };
    let mut new = World::with(staking, genesis, held).unwrap();
    new.check();
    new.block(0);
    new.block(100);
    assert_eq!((new.earned(1, 1), new.earned(2, 1)), (base("49.000000000000000000"), base("49.000000000000000000")));
}

fn refused(change: impl FnOnce(&mut Parts)) -> (&'static str, u32) {
    let mut parts = parts(&mut lived());
    change(&mut parts);
    code(World::with(parts.0, parts.1, parts.2).map(drop))
}

#[test]
fn what_contradicts_itself_is_refused() {
    let breaks: [fn(&mut Parts); 11] = [
        |p| p.1.params = None,
        |p| p.2[2].coins[0] = coin(1),
        |p| p.1.fee_pool.as_mut().unwrap().community_pool[0].amount = "1".into(),
        |p| p.1.outstanding_rewards.truncate(1),
        |p| p.1.validator_historical_rewards.truncate(1),
        |p| p.1.validator_historical_rewards[0].rewards.as_mut().unwrap().reference_count += 1,
        |p| p.1.validator_slash_events.clear(),
        |p| p.1.validator_slash_events[0].period += 1,
        |p| p.1.validator_current_rewards[0].rewards.as_mut().unwrap().period = 0,
        |p| p.1.delegator_starting_infos[0].delegator_address = user(8).to_string(),
        |p| p.1.outstanding_rewards[0].validator_address = cairn_staking::operator_text(&user(8)),
    ];
    for (i, change) in breaks.into_iter().enumerate() {
        assert_eq!(refused(change), ("distribution", 61), "{i}");
    }
    assert_eq!(refused(|p| p.1.params.as_mut().unwrap().community_tax = "x".into()), ("distribution", 60));
    assert_eq!(refused(|p| p.1.previous_proposer = "x".into()), ("sdk", 7));
    let info = DelegatorWithdrawInfo { delegator_address: user(1).to_string(), withdraw_address: "x".into() };
    assert_eq!(refused(|p| p.1.delegator_withdraw_infos.push(info)), ("sdk", 7));
}
