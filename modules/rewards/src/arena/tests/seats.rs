//! Seats, bonds and places: who gets them and who has to go.
use cairn_kernel::BASE_DENOM;
use cairn_proto::cairn::rewards::v1::*;

use super::world::{WEALTH, World, refused, rules, user};
use crate::{Error, Rewards};

#[test]
fn a_larger_bond_takes_the_seat_of_the_smallest() {
    let mut world = World::started(rules(), 1, &[300, 200, 400]);
    refused(world.bond(5, 200), Error::SeatsTaken { arena: 1, most: 3 });
    assert_eq!(world.bond(5, 201).unwrap(), user(3).to_string());
    let out = world.scorer(3).scorer.unwrap();
    assert_eq!((out.seated, out.bond.as_str(), out.counted.as_str()), (false, "200", "0"));
    assert_eq!(world.arena().scorers, 3);
    // Back again by more; who has committed keeps its seat.
    world.commit(2, &[(1, 1)]).unwrap();
    assert_eq!(world.bond(3, 50).unwrap(), user(5).to_string());
    refused(world.bond(5, 49), Error::SeatsTaken { arena: 1, most: 3 });
    assert_eq!(world.bond(5, 50).unwrap(), user(3).to_string());
    assert_eq!(world.bond(3, 100).unwrap(), user(5).to_string());
    assert_eq!(world.bond(5, 150).unwrap(), user(3).to_string());
    // Left are 300 with a commitment, 400 and 401: nobody makes room for less.
    refused(world.bond(3, 50), Error::SeatsTaken { arena: 1, most: 3 });
    world.check();
}

#[test]
fn a_bond_leaves_after_its_time_and_not_while_it_stands_for_a_commitment() {
    let mut world = World::started(rules(), 1, &[1_000]);
    world.commit(2, &[(1, 1)]).unwrap();
    refused(world.unbond(2, 1), Error::BondLocked(user(2).to_string()));
    world.go_to(18);
    world.reveal(2, &[(1, 1)]).unwrap();
    world.go_to(22);
    refused(world.unbond(2, 1_001), Error::BondExceeded { held: 1_000, wanted: 1_001 });
    refused(world.withdraw(2), Error::NothingReleased(user(2).to_string()));
    assert_eq!(world.unbond(2, 300).unwrap(), 322);
    assert_eq!(world.scorer(2).scorer.unwrap().bond, "700");
    // What leaves weighs nothing at once.
    assert_eq!(world.chain.run(|ctx| crate::arena::weight(ctx, 1, &user(2))).unwrap(), 700);
    // Below the least bond the seat goes too, and with it the arena's last scorer.
    assert_eq!(world.unbond(2, 650).unwrap(), 322);
    assert!(!world.scorer(2).scorer.unwrap().seated);
    world.go_to(32);
    assert_eq!(world.arena().state(), ArenaState::Dormant);
    world.unbond(2, 50).unwrap();
    world.go_to(321);
    refused(world.withdraw(2), Error::NothingReleased(user(2).to_string()));
    world.go_to(322);
    assert_eq!(world.scorer(2).unbondings.len(), 2);
    assert_eq!(world.withdraw(2).unwrap(), 950);
    world.go_to(332);
    assert_eq!(world.withdraw(2).unwrap(), 50);
    assert_eq!(world.balance(2, BASE_DENOM), WEALTH);
    let q = QueryScorerRequest { arena: 1, account: user(2).to_string() };
    refused(world.chain.run(|ctx| Rewards.scorer(ctx, q)), Error::NoScorer { account: user(2).to_string(), arena: 1 });
}

#[test]
fn listed_arenas_seat_whom_the_owner_admits_and_dismiss_at_the_end_of_the_epoch() {
    let mut world = World::with(ArenaRules { admission: ScorerAdmission::Listed.into(), ..rules() });
    refused(world.bond(2, 500), Error::NotAdmitted(user(2).to_string()));
    let owner = user(1).to_string();
    world.update(MsgUpdateArena { owner: owner.clone(), admit: vec![user(2).to_string()], ..MsgUpdateArena::default() }).unwrap();
    let q = QueryScorerListingsRequest { arena: 1, pagination: None };
    let listed = world.chain.run(|ctx| Rewards.scorer_listings(ctx, q)).unwrap().listings;
    assert_eq!(listed, [ArenaScorerListing { arena: 1, account: user(2).to_string() }]);
    world.bond(2, 500).unwrap();
    world.update(MsgUpdateArena { owner, dismiss: vec![user(2).to_string()], ..MsgUpdateArena::default() }).unwrap();
    assert!(world.scorer(2).scorer.unwrap().seated);
    world.go_to(12);
    assert!(!world.scorer(2).scorer.unwrap().seated);
    assert_eq!(world.arena().state(), ArenaState::Dormant);
}

#[test]
fn a_full_arena_evicts_the_lowest_standing_and_never_gives_a_number_again() {
    let mut world = World::started(rules(), 4, &[500]);
    // All registered before epoch 1; immune through epoch 1, evictable in epoch 2.
    world.score(&[(2, &[(1, 5), (2, 1), (3, 1), (4, 3)])]);
    let done = world.register(15).unwrap();
    assert_eq!((done.registration, done.evicted), (5, 2), "of equal standing the oldest goes");
    // What was evicted keeps what it earned, and may come back under a new number.
    let back = world.register(12).unwrap();
    assert_eq!((back.registration, back.evicted), (6, 3));
    // 5 and 6 are immune; 4 stands lower than 1.
    assert_eq!(world.register(16).unwrap().evicted, 4);
    assert_eq!(world.register(17).unwrap().evicted, 1);
    refused(world.register(18), Error::Full { arena: 1, most: 4 });
    // A score for a registration that is gone is passed over.
    world.score(&[(2, &[(1, 5), (2, 1), (5, 1), (99, 7)])]);
    assert_eq!(world.participant(5).incentive_q32, 1 << 32);
    world.check();
}

#[test]
fn registrations_burn_their_price_and_creation_its_fee() {
    let mut world = World::empty();
    let supply = world.supply();
    assert_eq!(world.create(rules()).unwrap(), 1);
    assert_eq!(world.supply(), supply - 1_000_000);
    assert_eq!(world.balance(1, BASE_DENOM), WEALTH - 1_000_000);
    assert_eq!(world.register(11).unwrap(), MsgRegisterResponse { registration: 1, evicted: 0 });
    assert_eq!(world.supply(), supply - 1_001_000);
    refused(world.register(11), Error::Registered { account: user(11).to_string(), registration: 1, arena: 1 });
}
