//! Claims and their draws: who may claim, what is drawn when, and what becomes of claims without a seat.
use std::collections::{BTreeMap, BTreeSet};

use cairn_kernel::Module;
use cairn_proto::cairn::annotation::v1::{LeaseState, MsgClaimTasks, MsgClaimTasksResponse, MsgServer, QueryClaimRequest, QueryServer};

use super::world::{Person, Post, WEALTH, World, standing, user};
use crate::Annotation;

fn claim(world: &mut World, job: u64, n: u8, buckets: u32, nonce: u64) -> cairn_kernel::Result<MsgClaimTasksResponse> {
    world.tx(|ctx| {
        Annotation.claim_tasks(ctx, MsgClaimTasks { annotator: user(n).to_string(), job, buckets, nonce, ..MsgClaimTasks::default() })
    })
}

#[test]
fn a_claim_is_answered_two_blocks_later() {
    let mut world = World::new(2);
    let job = world.post(&Post::default()).id;
    let answer = claim(&mut world, job, 2, 1, 7).unwrap();
    assert_eq!((answer.height, answer.expires, answer.lease), (1, 61, 0));
    assert_eq!(answer.bond.unwrap().amount, "10000", "10 % of ten tasks at 10,000");
    assert_eq!(world.balance(&user(2)), WEALTH - 10_000);
    world.block();
    assert!(world.leases(job, &user(2), LeaseState::Unspecified).is_empty());
    world.block();
    assert!(world.leases(job, &user(2), LeaseState::Unspecified).is_empty());
    world.block();
    let (lease, tasks) = world.leases(job, &user(2), LeaseState::Live).pop().unwrap();
    assert_eq!((lease.granted_height, lease.end_height, lease.nonce, lease.tasks), (3, 303, 7, 10));
    assert_eq!(tasks.len(), 10);
    assert_eq!(world.money(job).reserved, 100_000, "every seat is paid for when it is granted");
}

#[test]
fn without_fresh_beacons_no_seat_is_drawn() {
    let mut world = World::new(2);
    let job = world.post(&Post::default()).id;
    claim(&mut world, job, 2, 1, 1).unwrap();
    world.block();
    world.fresh = false;
    (0..30).for_each(|_| world.block());
    assert_eq!(world.status(job).leases, 0);
    world.fresh = true;
    world.block();
    world.block();
    world.block();
    assert_eq!(world.status(job).leases, 1, "two fresh heights after the claim");
}

/// A claim that finds no seat is tried again in each later draw, also where nobody else claims.
#[test]
fn an_unserved_claim_is_served_when_a_seat_comes_free() {
    let mut genesis = Annotation.default_genesis();
    let rules = genesis.params.as_mut().unwrap().rules.as_mut().unwrap();
    (rules.account_seats_bps, rules.lease_blocks) = (10_000, 40);
    let mut world = World::with(8, genesis);
    let job = world.post(&Post::default()).id;
    while world.status(job).buckets_free > 0 {
        for n in 2..=4 {
            let _refused = world.claim(job, &user(n));
        }
        world.block();
    }
    world.claim(job, &user(5)).unwrap();
    let first = world.leases(job, &user(2), LeaseState::Live).iter().map(|(lease, _)| lease.end_height).min().unwrap();
    world.go_to(first);
    assert!(world.leases(job, &user(5), LeaseState::Unspecified).is_empty());
    world.block();
    let (lease, _) = world.leases(job, &user(5), LeaseState::Live).pop().unwrap();
    assert_eq!(lease.granted_height, first, "in the block in which the seat came free");
}

#[test]
fn a_claim_sent_again_is_the_same_claim_and_the_same_lease() {
    let mut world = World::new(2);
    let job = world.post(&Post::default()).id;
    claim(&mut world, job, 2, 1, 5).unwrap();
    world.block();
    let again = claim(&mut world, job, 2, 1, 5).unwrap();
    assert_eq!((again.height, again.lease, again.bond.unwrap().amount.as_str()), (1, 0, "0"));
    assert_eq!(claim(&mut world, job, 2, 1, 6).unwrap_err().code, 36, "one waiting claim an account and job");
    world.block();
    world.block();
    let (lease, _) = world.leases(job, &user(2), LeaseState::Live).pop().unwrap();
    let again = claim(&mut world, job, 2, 1, 5).unwrap();
    assert_eq!((again.height, again.lease), (0, lease.id));
    assert_eq!(claim(&mut world, job, 2, 1, 4).unwrap_err().code, 35);
    assert_eq!(claim(&mut world, job, 2, 1, 0).unwrap_err().code, 35);
    claim(&mut world, job, 2, 1, 6).unwrap();
    assert_eq!(world.status(job).leases, 1);
}

#[test]
fn who_may_not_claim_is_told_why() {
    let mut world = World::new(3);
    let job = world.post(&Post { duration: 400, ..Post::default() }).id;
    assert_eq!(claim(&mut world, job, 2, 0, 1).unwrap_err().code, 34);
    assert_eq!(claim(&mut world, job, 2, 5, 1).unwrap_err().code, 34);
    assert_eq!(claim(&mut world, 9, 2, 1, 1).unwrap_err().code, 25);
    assert_eq!(claim(&mut world, job, 1, 1, 1).unwrap_err().code, 41);
    let module = cairn_rewards::ACCOUNT.address().to_string();
    assert_eq!(
        world
            .refusal(|ctx| Annotation
                .claim_tasks(ctx, MsgClaimTasks { annotator: module, job, buckets: 1, nonce: 1, ..MsgClaimTasks::default() })),
        23
    );
    let poor = super::world::user(99);
    let error = world.claim(job, &poor).unwrap_err();
    assert_eq!((error.codespace, error.code), ("sdk", 5));
    // A lease of 300 drawn at 101 would end at 401: the last claim is at 99.
    world.go_to(99);
    claim(&mut world, job, 2, 1, 1).unwrap();
    world.block();
    assert_eq!(claim(&mut world, job, 3, 1, 1).unwrap_err().code, 44);
    world.block();
    world.block();
    assert_eq!(world.leases(job, &user(2), LeaseState::Live)[0].0.end_height, 401);
}

#[test]
fn a_claim_without_a_seat_gets_its_bond_back_after_sixty_blocks() {
    // Ten buckets with three seats each: users 2 to 4 take all of them.
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().account_seats_bps = 10_000;
    let mut world = World::with(8, genesis);
    let job = world.post(&Post::default()).id;
    while world.status(job).buckets_free > 0 {
        for n in 2..=4 {
            let _refused = world.claim(job, &user(n));
        }
        world.block();
    }
    assert_eq!(world.status(job).leases, 30);
    let before = world.wealth(&user(5));
    let height = world.height();
    world.claim(job, &user(5)).unwrap();
    world.go_to(height + 60);
    let query = QueryClaimRequest { job, annotator: user(5).to_string() };
    assert!(world.ask(|ctx| Annotation.claim(ctx, query.clone())).claim.is_some());
    world.block();
    assert!(world.ask(|ctx| Annotation.claim(ctx, query)).claim.is_none());
    assert_eq!(world.claimable(&user(5)), 10_000);
    assert_eq!(world.wealth(&user(5)), before);
    // The next bond comes from what can be withdrawn.
    let balance = world.balance(&user(5));
    world.claim(job, &user(5)).unwrap();
    assert_eq!((world.balance(&user(5)), world.claimable(&user(5))), (balance, 0));
}

#[test]
fn an_account_holds_at_most_its_part_of_the_seats() {
    let mut world = World::new(2);
    let job = world.post(&Post::default()).id;
    for _ in 0..6 {
        world.grant(job, &user(2));
    }
    assert_eq!(world.worker(job, &user(2)).seats, 6, "20 % of 30 seats");
    assert_eq!(world.claim(job, &user(2)).unwrap_err().code, 39);
}

#[test]
fn an_account_never_gets_a_bucket_twice() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().account_seats_bps = 10_000;
    let mut world = World::with(2, genesis);
    let job = world.post(&Post::default()).id;
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        let (lease, _) = world.grant(job, &user(2));
        assert!(seen.insert(lease.buckets[0]), "bucket {} came twice", lease.buckets[0]);
    }
    world.claim(job, &user(2)).unwrap();
    (0..5).for_each(|_| world.block());
    assert_eq!(world.status(job).leases, 10, "all buckets have free seats, none for this account");
}

#[test]
fn lease_sizes_grow_with_standing() {
    let mut genesis = Annotation.default_genesis();
    let settled = [(2, 99), (3, 100), (4, 999), (5, 1_000)];
    genesis.standings = settled.map(|(n, labels)| standing(n, labels)).to_vec();
    let mut world = World::with(5, genesis);
    let job = world.post(&Post::default()).id;
    for (n, expected) in [(2, 1), (3, 2), (4, 2), (5, 4)] {
        let before = world.balance(&user(n));
        let (lease, tasks) = world.grant(job, &user(n));
        assert_eq!((lease.buckets.len(), tasks.len()), (expected, 10 * expected));
        assert!(lease.buckets.is_sorted() && tasks.is_sorted());
        assert_eq!(before - world.balance(&user(n)), 10_000 * expected as u128);
    }
    let asked = claim(&mut world, job, 5, 3, 1_000).unwrap();
    assert_eq!(asked.bond.unwrap().amount, "30000", "fewer buckets may be asked for");
}

#[test]
fn waiting_claims_of_a_job_are_limited() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().claims_waiting_max = 2;
    let mut world = World::with(4, genesis);
    let job = world.post(&Post::default()).id;
    world.claim(job, &user(2)).unwrap();
    world.claim(job, &user(3)).unwrap();
    assert_eq!(world.claim(job, &user(4)).unwrap_err().code, 40);
    (0..3).for_each(|_| world.block());
    world.claim(job, &user(4)).unwrap();
}

/// Claims of an earlier block go first, whatever the draw says; within a block the draw decides.
#[test]
fn the_oldest_claims_go_first_and_the_draw_decides_among_equals() {
    let mut winners = BTreeMap::<u8, u32>::new();
    for round in 0..40 {
        let mut genesis = Annotation.default_genesis();
        genesis.params.as_mut().unwrap().draws_per_block = 1;
        let mut world = World::with(6, genesis);
        world.checked = false;
        let job = world.post(&Post::default()).id;
        (0..round).for_each(|_| world.block());
        world.claim(job, &user(6)).unwrap();
        world.block();
        for n in 2..=5 {
            world.claim(job, &user(n)).unwrap();
        }
        (0..2).for_each(|_| world.block());
        assert_eq!(world.leases(job, &user(6), LeaseState::Live).len(), 1, "the oldest claim");
        world.block();
        let first = (2..=5).find(|n| !world.leases(job, &user(*n), LeaseState::Live).is_empty()).unwrap();
        *winners.entry(first).or_default() += 1;
    }
    println!("first of four claims of one block, in 40 draws: {winners:?}");
    assert_eq!(winners.len(), 4, "each of four came first at least once in 40 draws");
}

#[test]
fn a_bucket_gives_one_seat_a_draw_and_one_a_gap() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().seat_gap = 5;
    let mut world = World::with(60, genesis);
    let job = world.post(&Post { overlap: 5, ..Post::default() }).id;
    for n in 2..=60 {
        world.claim(job, &user(n)).unwrap();
    }
    let mut last = BTreeMap::<u32, u64>::new();
    let mut granted = BTreeMap::<u64, usize>::new();
    for _ in 0..60 {
        world.block();
    }
    for n in 2..=60 {
        for (lease, _) in world.leases(job, &user(n), LeaseState::Unspecified) {
            *granted.entry(lease.granted_height).or_default() += 1;
            last.insert(lease.buckets[0], lease.granted_height);
        }
    }
    let heights: Vec<u64> = granted.keys().copied().collect();
    assert_eq!(granted.values().max(), Some(&10), "ten buckets, ten seats a draw");
    assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= 5), "{heights:?}");
    assert_eq!(world.status(job).leases, 50);
}

#[test]
fn buckets_are_opened_in_order_as_others_fill() {
    let mut world = World::new(2);
    let job = world.post(&Post { tasks: 6_000, ..Post::default() }).id;
    let status = world.status(job);
    assert_eq!((status.buckets, status.buckets_opened, status.buckets_free), (600, 75, 75), "an eighth of 600");
    let (lease, _) = world.grant(job, &user(2));
    assert!(lease.buckets[0] < 75);
    let small = world.post(&Post { tasks: 1_000, ..Post::default() }).id;
    assert_eq!(world.status(small).buckets_opened, 64);
}

#[test]
fn draws_are_bounded_a_block_and_go_round_the_jobs() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().draws_per_block = 3;
    let mut world = World::with(9, genesis);
    let jobs = [world.post(&Post::default()).id, {
        world.block();
        world.post(&Post::default()).id
    }];
    for job in jobs {
        for n in 2..=9 {
            world.claim(job, &user(n)).unwrap();
        }
    }
    world.block();
    world.block();
    for blocks in 1..=6_u64 {
        world.block();
        let granted: u64 = jobs.iter().map(|job| world.status(*job).leases).sum();
        assert!(granted <= 3 * blocks, "{granted} after {blocks} draws");
    }
    assert!(jobs.iter().all(|job| world.status(*job).leases == 8));
}

/// A claim burst and its draw: the annotator's labels end up where its lease says.
#[test]
fn a_lease_is_of_whole_buckets_of_one_job() {
    let mut world = World::new(3);
    let post = Post { tasks: 105, ..Post::default() };
    let job = world.post(&post).id;
    let (lease, tasks) = world.grant(job, &user(2));
    let expected: Vec<u32> = post.buckets().tasks(lease.buckets[0]).collect();
    assert_eq!(tasks, expected);
    assert!((9..=10).contains(&tasks.len()), "105 tasks in 11 buckets");
    let person = Person::skilled(user(2), 95, post.truth, post.classes);
    world.commit(&lease, &person.labels(&tasks)).unwrap();
    assert_eq!(world.lease(lease.id).state(), LeaseState::Committed);
}
