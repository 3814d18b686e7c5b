//! What a slash takes, from whom, and in which order.
use cairn_kernel::Dec;

use super::*;

fn tenth() -> Dec {
    Dec::with_places(1, 1).unwrap()
}

#[test]
fn tokens_go_and_shares_stay() {
    let mut world = World::of(&[10 * M]);
    let height = world.chain.block.height;
    assert_eq!(world.slash(1, height, 10, &tenth()).unwrap(), M);
    assert_eq!(world.heard(), ["modified 1", "slashed 1 0.100000000000000000"]);
    assert_eq!((world.tokens(1), world.shares(1, 1)), (9 * M, Dec::from_int(10 * M)));
    assert_eq!(world.end(), [(1, 9)]);
    // Later tokens buy shares at the new price.
    world.delegate(2, 1, 9 * M).unwrap();
    assert_eq!(world.shares(2, 1), Dec::from_int(10 * M));
    world.check();
}

#[test]
fn the_power_at_the_fault_is_what_counts() {
    let mut world = World::of(&[10 * M]);
    let height = world.chain.block.height;
    assert_eq!(world.slash(1, height, 5, &tenth()).unwrap(), M / 2);
    // Never more than there is.
    assert_eq!(world.slash(1, height, 10_000, &Dec::one()).unwrap(), 10 * M - M / 2);
    assert_eq!(world.slash(1, height, 10, &tenth()).unwrap(), 0);
    assert_eq!(code(world.delegate(2, 1, M)), ("staking", 34), "shares without tokens have no price");
    world.check();
}

#[test]
fn what_cannot_be_is_refused() {
    let mut world = World::of(&[10 * M, M]);
    let height = world.chain.block.height;
    assert_eq!(code(world.slash(1, height + 1, 10, &tenth())), ("staking", 63));
    assert_eq!(world.slash(9, height, 10, &tenth()).unwrap(), 0, "who is gone is no error");
    world.jail(2);
    world.end_after(UNBONDING);
    world.end();
    assert_eq!(code(world.slash(2, height, 1, &tenth())), ("staking", 63), "unbonded delegators are free");
}

#[test]
fn what_left_after_the_fault_pays_first() {
    let mut world = World::of(&[10 * M, M]);
    world.undelegate(1, 1, M).unwrap();
    world.end();
    let fault = world.chain.block.height;
    world.undelegate(1, 1, 4 * M).unwrap();
    world.end();
    // 9 of power at the fault: 0.9 M due, 0.4 M of it from what left since then; what left before is free.
    assert_eq!(world.slash(1, fault, 9, &tenth()).unwrap(), M / 2);
    assert_eq!(world.tokens(1), 5 * M - M / 2);
    world.check();
    world.end_after(UNBONDING);
    world.end();
    assert_eq!(world.balance(1), FUNDS - 10 * M + M + 4 * M - 4 * M / 10);
}

#[test]
fn a_fault_in_this_very_block_leaves_the_leavers_alone() {
    let mut world = World::of(&[10 * M, M]);
    let height = world.chain.block.height;
    world.undelegate(1, 1, 5 * M).unwrap();
    assert_eq!(world.slash(1, height, 10, &tenth()).unwrap(), M);
    assert_eq!(world.tokens(1), 4 * M);
}

#[test]
fn what_moved_after_the_fault_pays_at_its_new_place() {
    let mut world = World::of(&[10 * M, 2 * M]);
    world.delegate(3, 1, 10 * M).unwrap();
    world.end();
    let fault = world.chain.block.height;
    world.redelegate(3, 1, 2, 8 * M).unwrap();
    world.end();
    world.heard();
    // 20 of power at the fault: 2 M due, of which 0.8 M moved to the second validator.
    assert_eq!(world.slash(1, fault, 20, &tenth()).unwrap(), 2 * M - 8 * M / 10);
    assert_eq!((world.tokens(1), world.tokens(2)), (12 * M - 12 * M / 10, 10 * M - 8 * M / 10));
    assert_eq!(world.shares(3, 2), Dec::from_int(8 * M - 8 * M / 10));
    world.check();
    assert_eq!(world.end(), [(1, 10), (2, 9)]);
}

#[test]
fn what_moved_and_left_from_there_pays_from_its_exit() {
    let mut world = World::of(&[10 * M, 2 * M]);
    world.delegate(3, 1, 10 * M).unwrap();
    world.end();
    let fault = world.chain.block.height;
    world.redelegate(3, 1, 2, 8 * M).unwrap();
    world.undelegate(3, 2, 8 * M).unwrap();
    world.end();
    assert_eq!(world.slash(1, fault, 20, &tenth()).unwrap(), 2 * M - 8 * M / 10);
    assert_eq!(world.tokens(2), 2 * M, "the second validator's own delegators lose nothing");
    world.end_after(UNBONDING);
    world.end();
    assert_eq!(world.balance(3), FUNDS - 10 * M + 8 * M - 8 * M / 10);
}

#[test]
fn what_is_out_of_its_time_is_free() {
    let mut world = World::of(&[10 * M, M]);
    let fault = world.chain.block.height;
    world.undelegate(1, 1, 5 * M).unwrap();
    world.redelegate(1, 1, 2, M).unwrap();
    // The time is over, but the block that would release them has not ended.
    world.end_after(UNBONDING);
    assert_eq!(world.slash(1, fault, 10, &tenth()).unwrap(), M);
    assert_eq!((world.tokens(1), world.tokens(2)), (3 * M, 2 * M));
    world.end();
    assert_eq!(world.balance(1), FUNDS - 5 * M);
}

#[test]
fn a_hook_that_refuses_stops_the_slash() {
    let mut world = World::of(&[10 * M]);
    *world.ear.refuses.lock().unwrap() = Some("slashed");
    let height = world.chain.block.height;
    assert_eq!(code(world.slash(1, height, 10, &tenth())), ("sdk", 4));
    assert_eq!(world.tokens(1), 10 * M);
}
