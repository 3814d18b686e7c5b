//! Missed blocks, jail and the way out of it.
use cairn_kernel::Status;
use cairn_proto::cosmos::slashing::v1beta1::{
    MsgServer, MsgUpdateParams, Params, QueryParamsRequest, QueryServer, QuerySigningInfoRequest, QuerySigningInfosRequest,
};
use cairn_staking::CONSENSUS_PREFIX;

use super::*;
use crate::{Slashing, state::MISSED, window};

#[test]
fn who_misses_more_than_half_of_the_window_is_slashed_and_jailed() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.blocks(10, &[]);
    world.blocks(5, &[2]);
    assert_eq!((world.tokens(2), world.info(2).missed_blocks_counter), (10 * M, 5));
    let events = world.block(&[2], &[]);
    let name = consensus(2).to_bech32(CONSENSUS_PREFIX);
    let height = world.chain.block.height;
    assert_eq!(shown(&events, "liveness"), [[format!("address={name}"), "missed_blocks=6".into(), format!("height={height}")]]);
    let slash = ["power=10", "reason=missing_signature"].map(str::to_owned);
    let [power, reason] = slash;
    assert_eq!(
        shown(&events, "slash"),
        [[format!("address={name}"), power, reason, format!("jailed={name}"), "burned_coins=100000".into()]]
    );
    assert_eq!(world.tokens(2), 10 * M - M / 10);
    assert!(world.validator(2).jailed);
    let info = world.info(2);
    assert_eq!((info.missed_blocks_counter, info.index_offset), (0, 0));
    assert_eq!(info.jailed_until.unwrap().seconds as u64, world.chain.block.time + 600);
    world.blocks(3, &[2]);
    assert_eq!(world.info(2).missed_blocks_counter, 0, "who is jailed is not judged");
}

#[test]
fn the_first_window_is_free() {
    let mut world = World::of(&[10 * M, 10 * M]);
    // It starts at height 1: the first block that may cost is the twelfth.
    world.blocks(10, &[2]);
    assert_eq!((world.chain.block.height, world.info(2).missed_blocks_counter), (11, 10));
    assert!(!world.validator(2).jailed);
    world.block(&[], &[]);
    assert!(world.validator(2).jailed, "nine are still missed");
}

#[test]
fn old_misses_leave_the_window() {
    let mut world = World::of(&[10 * M, 10 * M]);
    for _ in 0..6 {
        world.blocks(5, &[2]);
        world.blocks(5, &[]);
    }
    assert_eq!((world.info(2).missed_blocks_counter, world.info(2).index_offset), (5, 60));
    world.blocks(10, &[]);
    assert_eq!(world.info(2).missed_blocks_counter, 0);
    assert_eq!(world.chain.run(|ctx| MISSED.range(ctx, &[]).count()), 0, "empty chunks are not kept");
}

fn jailed() -> World {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.blocks(10, &[]);
    world.blocks(6, &[2]);
    assert!(world.validator(2).jailed);
    world
}

#[test]
fn jail_is_left_when_its_time_is_over() {
    let mut world = jailed();
    assert_eq!(code(world.unjail(2)), ("slashing", 4));
    world.chain.block.time += 599;
    assert_eq!(code(world.unjail(2)), ("slashing", 4));
    world.chain.block.time += 1;
    world.unjail(2).unwrap();
    assert_eq!(code(world.unjail(2)), ("slashing", 5));
    world.block(&[], &[]);
    assert_eq!(world.info(2).start_height as u64, world.chain.block.height, "its window starts again");
    world.blocks(9, &[2]);
    assert!(!world.validator(2).jailed);
}

#[test]
fn who_does_not_keep_its_promise_stays_in_jail() {
    let mut world = jailed();
    world.chain.block.time += 600;
    world.undelegate(2, 9 * M).unwrap();
    assert_eq!(code(world.unjail(2)), ("slashing", 7));
    assert_eq!(code(world.unjail(8)), ("staking", 3));
    world.undelegate(2, 9 * M / 10).unwrap();
    assert_eq!(code(world.unjail(2)), ("staking", 19));
}

#[test]
fn another_window_starts_all_counts_again() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.blocks(10, &[]);
    world.blocks(4, &[2]);
    world.set_params(|p| p.signed_blocks_window = 4).unwrap();
    assert_eq!((world.info(2).missed_blocks_counter, world.info(2).index_offset), (0, 0));
    world.blocks(2, &[2]);
    assert!(!world.validator(2).jailed);
    world.block(&[2], &[]);
    assert!(world.validator(2).jailed);
}

#[test]
fn rules_are_governances_and_within_bounds() {
    let mut world = World::of(&[M]);
    let m = MsgUpdateParams { authority: user(1).to_string(), params: Some(rules()) };
    assert_eq!(code(world.tx(|ctx| Slashing.update_params(ctx, m))), ("sdk", 4));
    let breaks: [fn(&mut Params); 7] = [
        |p| p.signed_blocks_window = 0,
        |p| p.signed_blocks_window = 10_000_001,
        |p| p.min_signed_per_window = b"1000000000000000001".to_vec(),
        |p| p.min_signed_per_window = vec![0xff],
        |p| p.downtime_jail_duration = None,
        |p| p.slash_fraction_double_sign = vec![],
        |p| p.slash_fraction_downtime = b"-1".to_vec(),
    ];
    for change in breaks {
        assert_eq!(code(world.set_params(change)), ("slashing", 60));
    }
    let told = world.chain.run(|ctx| QueryServer::params(&Slashing, ctx, QueryParamsRequest {})).unwrap();
    assert_eq!(told.params, Some(rules()));
}

#[test]
fn explorers_see_who_signs() {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.block(&[2], &[]);
    let mut ask = |cons_address: String| world.chain.run(|ctx| Slashing.signing_info(ctx, QuerySigningInfoRequest { cons_address }));
    let found = ask(consensus(2).to_bech32(CONSENSUS_PREFIX)).unwrap().val_signing_info.unwrap();
    assert_eq!((found.missed_blocks_counter, found.index_offset, found.start_height), (1, 1, 1));
    assert_eq!(ask(consensus(9).to_bech32(CONSENSUS_PREFIX)).unwrap_err().status, Status::NotFound);
    assert_eq!(ask(user(1).to_string()).unwrap_err().code, 7);
    let all = world.chain.run(|ctx| Slashing.signing_infos(ctx, QuerySigningInfosRequest { pagination: None })).unwrap();
    assert_eq!(all.info.len(), 2);
}

#[test]
fn places_of_a_long_window_are_kept_apart() {
    let mut world = World::of(&[M]);
    let who = consensus(1);
    let places = [0, 1, 7, 8, 1_023, 1_024, 2_047, 9_999_999];
    for index in places {
        assert!(!world.tx(|ctx| window::note(ctx, &who, index, true)).unwrap());
        assert!(world.tx(|ctx| window::note(ctx, &who, index, true)).unwrap());
    }
    assert_eq!(world.chain.run(|ctx| window::missed(ctx, &who)).unwrap(), places);
    assert!(world.tx(|ctx| window::note(ctx, &who, 1_024, false)).unwrap());
    assert_eq!(world.chain.run(|ctx| window::missed(ctx, &who)).unwrap().len(), 7);
    world.tx(|ctx| window::clear(ctx, &who)).unwrap();
    assert!(world.chain.run(|ctx| window::missed(ctx, &who)).unwrap().is_empty());
}
