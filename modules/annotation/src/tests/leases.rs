//! Leases: their ends to the block, renewal, giving back, expiry, and content that is not served.
use cairn_kernel::{Address, Module, Payload};
use cairn_proto::cairn::annotation::v1::{
    LeaseState, MsgCommitLabels, MsgRenewLease, MsgResumeJob, MsgServer, MsgSkipTasks, QueryLeaseRequest, QueryServer, SkipReason,
};

use super::world::{Person, Post, WEALTH, World, standing, user};
use crate::{Annotation, rules};

fn person(n: u8) -> Person {
    let post = Post::default();
    Person::skilled(user(n), 95, post.truth, post.classes)
}

fn skip(world: &mut World, n: u8, lease: u64, reason: SkipReason) -> cairn_kernel::Result<u64> {
    let msg = MsgSkipTasks { annotator: user(n).to_string(), lease, reason: reason.into() };
    world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).map(|answer| answer.paused_until)
}

#[test]
fn a_commitment_at_the_last_height_counts_and_one_later_does_not() {
    let mut world = World::new(3);
    let job = world.post(&Post::default()).id;
    let (in_time, tasks) = world.grant(job, &user(2));
    let (late, late_tasks) = world.grant(job, &user(3));
    world.go_to(in_time.end_height);
    world.commit(&in_time, &person(2).labels(&tasks)).unwrap();
    world.go_to(late.end_height + 1);
    assert_eq!(world.lease(in_time.id).state(), LeaseState::Committed);
    let error = world.commit(&late, &person(3).labels(&late_tasks)).unwrap_err();
    assert_eq!(error.code, 47, "it expired at the end of its last block: {error}");
}

/// Also where the queue of expiries is so long that the lease's turn has not come: the height alone decides.
#[test]
fn a_late_commitment_is_refused_before_the_expiry_is_handled() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().expiries_per_block = 1;
    let mut world = World::with(12, genesis);
    let job = world.post(&Post::default()).id;
    for n in 2..=12 {
        world.claim(job, &user(n)).unwrap();
    }
    (0..5).for_each(|_| world.block());
    let live: Vec<_> = (2..=12).flat_map(|n| world.leases(job, &user(n), LeaseState::Live)).collect();
    let end = live.iter().map(|(lease, _)| lease.end_height).max().unwrap();
    world.go_to(end + 1);
    let (lease, tasks) = live.iter().find(|(lease, _)| world.lease(lease.id).state() == LeaseState::Live).unwrap().clone();
    let n = lease.annotator.clone();
    let labels: Vec<_> = tasks.iter().map(|task| (*task, 0)).collect();
    assert_eq!(world.commit(&lease, &labels).unwrap_err().code, 48, "{n}");
    // The queue carries over, one a block, and every seat comes free.
    (0..20).for_each(|_| world.block());
    assert_eq!(world.status(job).live_seats, 0);
    assert_eq!(world.money(job).reserved, 0);
}

#[test]
fn an_expired_lease_frees_its_seats_in_that_block_and_loses_its_bond() {
    let mut world = World::new(3);
    let job = world.post(&Post::default()).id;
    let (lease, _) = world.grant(job, &user(2));
    let free = world.status(job).live_seats;
    assert_eq!(free, 10);
    world.go_to(lease.end_height);
    assert_eq!(world.lease(lease.id).state(), LeaseState::Live);
    world.block();
    let lease = world.lease(lease.id);
    assert_eq!((lease.state(), lease.ended_height), (LeaseState::Expired, lease.end_height));
    assert_eq!(world.status(job).live_seats, 0);
    assert_eq!(world.money(job).free, 3_000_000);
    let bucket = world.ask(|ctx| crate::buckets::load(ctx, job, lease.buckets[0]));
    assert_eq!((bucket.free_seats, bucket.live), (3, 0));
    assert_eq!(world.wealth(&user(2)), WEALTH - 10_000, "the bond is lost, half of it burnt");
    assert_eq!(world.wealth(&user(1)), WEALTH - 100_000 - 3_360_000, "and never reaches the requester");
    let pause = lease.end_height + 300;
    assert_eq!(world.claim(job, &user(2)).unwrap_err().code, 37);
    world.go_to(pause - 1);
    assert_eq!(world.claim(job, &user(2)).unwrap_err().code, 37);
    world.go_to(pause);
    world.claim(job, &user(2)).unwrap();
}

#[test]
fn a_lease_is_renewed_once() {
    let mut world = World::new(3);
    let job = world.post(&Post::default()).id;
    let (lease, tasks) = world.grant(job, &user(2));
    let renew = |world: &mut World, n: u8| {
        let msg = MsgRenewLease { annotator: user(n).to_string(), lease: lease.id };
        world.tx(|ctx| Annotation.renew_lease(ctx, msg)).map(|answer| answer.end_height)
    };
    assert_eq!(renew(&mut world, 3).unwrap_err().code, 46);
    world.go_to(lease.end_height);
    assert_eq!(renew(&mut world, 2).unwrap(), lease.end_height + 300);
    assert_eq!(renew(&mut world, 2).unwrap_err().code, 49);
    world.go_to(lease.end_height + 300);
    assert_eq!(world.lease(lease.id).state(), LeaseState::Live);
    let lease_now = world.lease(lease.id);
    world.commit(&lease_now, &person(2).labels(&tasks)).unwrap();
}

#[test]
fn a_renewed_lease_expires_at_its_new_end_and_never_past_the_deadline() {
    let mut world = World::new(3);
    let job = world.post(&Post { duration: 800, ..Post::default() }).id;
    let (lease, _) = world.grant(job, &user(2));
    let renew = |world: &mut World, n: u8, lease: u64| {
        world.tx(|ctx| Annotation.renew_lease(ctx, MsgRenewLease { annotator: user(n).to_string(), lease }))
    };
    renew(&mut world, 2, lease.id).unwrap();
    world.go_to(300);
    let (other, _) = world.grant(job, &user(3));
    assert_eq!(renew(&mut world, 3, other.id).unwrap_err().code, 50);
    world.go_to(lease.end_height + 300);
    assert_eq!(world.lease(lease.id).state(), LeaseState::Live);
    world.block();
    assert_eq!(world.lease(lease.id).state(), LeaseState::Expired);
}

#[test]
fn committing_has_its_refusals() {
    let mut world = World::new(3);
    let job = world.post(&Post::default()).id;
    let (lease, tasks) = world.grant(job, &user(2));
    let labels = person(2).labels(&tasks);
    let send = |world: &mut World, n: u8, lease: u64, commitment: Vec<u8>, revealer: String| {
        let msg = MsgCommitLabels { annotator: user(n).to_string(), lease, commitment, revealer };
        world.tx(|ctx| Annotation.commit_labels(ctx, msg)).map_err(|error| (error.codespace, error.code))
    };
    assert_eq!(send(&mut world, 2, lease.id, vec![1; 31], String::new()).unwrap_err(), ("annotation", 9));
    assert_eq!(send(&mut world, 2, 99, vec![1; 32], String::new()).unwrap_err(), ("annotation", 45));
    assert_eq!(send(&mut world, 3, lease.id, vec![1; 32], String::new()).unwrap_err(), ("annotation", 46));
    assert_eq!(send(&mut world, 2, lease.id, vec![1; 32], "nobody".into()).unwrap_err(), ("sdk", 7));
    world.commit(&lease, &labels).unwrap();
    assert_eq!(send(&mut world, 2, lease.id, vec![1; 32], String::new()).unwrap_err(), ("annotation", 53));
    assert_eq!(skip(&mut world, 2, lease.id, SkipReason::Declined).unwrap_err().code, 47);
}

#[test]
fn a_lease_given_back_costs_skip_budget_and_time_but_no_money() {
    let mut world = World::new(3);
    let job = world.post(&Post::default()).id;
    let (lease, _) = world.grant(job, &user(2));
    assert_eq!(skip(&mut world, 2, lease.id, SkipReason::Unspecified).unwrap_err().code, 51);
    assert_eq!(skip(&mut world, 3, lease.id, SkipReason::Declined).unwrap_err().code, 46);
    let paused = skip(&mut world, 2, lease.id, SkipReason::Declined).unwrap();
    assert_eq!(paused, world.height() + 300);
    assert_eq!(world.wealth(&user(2)), WEALTH);
    let lease = world.lease(lease.id);
    assert_eq!(lease.state(), LeaseState::Returned);
    assert_eq!((world.status(job).live_seats, world.money(job).reserved), (0, 0));
    let worker = world.worker(job, &user(2));
    assert_eq!((worker.skips, worker.seats, worker.live_leases), (10, 0, 0));
    // The budget of a job of 100 tasks is one bucket: it is spent.
    world.go_to(paused);
    assert_eq!(world.claim(job, &user(2)).unwrap_err().code, 38);
}

#[test]
fn more_than_the_skip_budget_is_not_given_back() {
    let mut genesis = Annotation.default_genesis();
    genesis.standings = vec![standing(2, 100)];
    let mut world = World::with(2, genesis);
    let job = world.post(&Post::default()).id;
    let (lease, tasks) = world.grant(job, &user(2));
    assert_eq!(tasks.len(), 20);
    assert_eq!(skip(&mut world, 2, lease.id, SkipReason::Unavailable).unwrap_err().code, 52);
}

/// Five accounts and a fifth of the holders report: no leases, live ones become longer, until the requester resumes.
#[test]
fn reports_of_content_not_served_stop_the_leases() {
    let mut world = World::new(9);
    let job = world.post(&Post { tasks: 400, ..Post::default() }).id;
    let mut held = Vec::new();
    for n in 2..=7 {
        held.push((n, world.grant(job, &user(n))));
    }
    let (_, (last, tasks)) = held.pop().unwrap();
    world.claim(job, &user(8)).unwrap();
    for (n, (lease, _)) in held {
        assert_eq!(world.status(job).stopped_since, 0);
        skip(&mut world, n, lease.id, SkipReason::Unavailable).unwrap();
    }
    let since = world.height();
    assert_eq!(world.status(job).stopped_since, since);
    assert_eq!(world.claim(job, &user(9)).unwrap_err().code, 32);
    (0..5).for_each(|_| world.block());
    assert!(world.leases(job, &user(8), LeaseState::Unspecified).is_empty(), "a waiting claim is not drawn");

    // Past its end the last lease still stands: it is longer by the blocks for which the job is stopped.
    world.go_to(last.end_height + 50);
    let query = QueryLeaseRequest { lease: last.id };
    let until = world.ask(|ctx| Annotation.lease(ctx, query)).commit_until;
    assert_eq!(until, last.end_height + (world.height() - since));
    let resume =
        |world: &mut World, n: u8| world.tx(|ctx| Annotation.resume_job(ctx, MsgResumeJob { requester: user(n).to_string(), job }));
    assert_eq!(resume(&mut world, 2).unwrap_err().code, 27);
    resume(&mut world, 1).unwrap();
    assert_eq!(resume(&mut world, 1).unwrap_err().code, 31);
    let stopped = world.height() - since;
    let until = world.ask(|ctx| Annotation.lease(ctx, query)).commit_until;
    assert_eq!(until, last.end_height + stopped);
    world.go_to(until);
    assert_eq!(world.lease(last.id).state(), LeaseState::Live);
    let lease = world.lease(last.id);
    world.commit(&lease, &person(7).labels(&tasks)).unwrap();
    world.claim(job, &user(9)).unwrap();
}

#[test]
fn a_lengthened_lease_expires_when_its_time_is_over() {
    let mut world = World::new(9);
    let job = world.post(&Post { tasks: 400, ..Post::default() }).id;
    let held: Vec<_> = (2..=7).map(|n| (n, world.grant(job, &user(n)).0)).collect();
    for (n, lease) in &held[..5] {
        skip(&mut world, *n, lease.id, SkipReason::Unavailable).unwrap();
    }
    let since = world.height();
    world.go_to(since + 40);
    world.tx(|ctx| Annotation.resume_job(ctx, MsgResumeJob { requester: user(1).to_string(), job })).unwrap();
    let end = held[5].1.end_height + 40;
    world.go_to(end);
    assert_eq!(world.lease(held[5].1.id).state(), LeaseState::Live);
    world.block();
    assert_eq!(world.lease(held[5].1.id).state(), LeaseState::Expired);
}

/// Its end passes while the job is stopped; resumed, it expires to the block at the end that is longer by that time.
#[test]
fn a_lease_whose_end_passed_in_a_stop_expires_to_the_block() {
    let mut world = World::new(9);
    let job = world.post(&Post { tasks: 400, ..Post::default() }).id;
    let held: Vec<_> = (2..=7).map(|n| (n, world.grant(job, &user(n)).0)).collect();
    for (n, lease) in &held[..5] {
        skip(&mut world, *n, lease.id, SkipReason::Unavailable).unwrap();
    }
    let (since, last) = (world.height(), held[5].1.clone());
    world.go_to(last.end_height + 30);
    world.tx(|ctx| Annotation.resume_job(ctx, MsgResumeJob { requester: user(1).to_string(), job })).unwrap();
    let end = last.end_height + (world.height() - since);
    world.go_to(end);
    assert_eq!(world.lease(last.id).state(), LeaseState::Live);
    world.block();
    assert_eq!(world.lease(last.id).ended_height, end);
}

/// Resuming recalls what the stop put off and nothing else: neither the commit deadline nor the end of anybody's reveal comes early.
#[test]
fn resuming_brings_nothing_else_forward() {
    let mut world = World::new(9);
    let posted = world.post(&Post { tasks: 2_000, duration: 500, ..Post::default() });
    let job = posted.id;
    let held: Vec<_> = (2..=7).map(|n| (n, world.grant(job, &user(n)).0)).collect();
    for (n, lease) in &held[..5] {
        skip(&mut world, *n, lease.id, SkipReason::Unavailable).unwrap();
    }
    world.tx(|ctx| Annotation.resume_job(ctx, MsgResumeJob { requester: user(1).to_string(), job })).unwrap();
    (0..5).for_each(|_| world.block());
    let status = world.status(job);
    assert_eq!((status.state(), status.buckets_revealing), (cairn_proto::cairn::annotation::v1::JobState::Open, 0));
    let deadline = world.job(job).0.commit_deadline;
    world.go_to(deadline);
    assert_eq!(world.status(job).buckets_revealing, 0);
    world.block();
    assert_eq!(world.status(job).buckets_revealing, 200);
}

#[test]
fn a_stopped_job_ends_at_its_deadline() {
    let mut world = World::new(9);
    let job = world.post(&Post { tasks: 400, duration: 500, ..Post::default() }).id;
    let held: Vec<_> = (2..=7).map(|n| (n, world.grant(job, &user(n)).0)).collect();
    for (n, lease) in &held[..5] {
        skip(&mut world, *n, lease.id, SkipReason::Unavailable).unwrap();
    }
    let deadline = world.job(job).0.commit_deadline;
    world.go_to(deadline);
    assert_eq!(world.lease(held[5].1.id).state(), LeaseState::Live);
    world.block();
    assert_eq!(world.lease(held[5].1.id).state(), LeaseState::Expired);
    (0..3).for_each(|_| world.block());
    assert_eq!(world.status(job).state(), cairn_proto::cairn::annotation::v1::JobState::Closed);
}

/// 3,000 leases end in one block: 2,000 are handled in it, the rest in the next, and no commitment slips in between.
#[test]
fn an_expiry_storm_is_worked_off_in_bounded_parts() {
    let mut world = World::new(1);
    world.checked = false;
    let accounts: Vec<Address> =
        (0..3_000_u32).map(|n| Address::new(&[&[200; 16], n.to_be_bytes().as_slice()].concat()).unwrap()).collect();
    for account in &accounts {
        let coins = [cairn_kernel::Coin::base(20_000)];
        world.tx(|ctx| cairn_bank::send(ctx, &user(1), account, &coins)).unwrap();
    }
    let job = world.post(&Post { tasks: 30_000, ..Post::default() }).id;
    for account in &accounts {
        world.claim(job, account).unwrap();
    }
    (0..70).for_each(|_| world.block());
    let granted = world.status(job).leases;
    assert!(granted >= 1_500, "{granted}");
    let ends: Vec<u64> = world.ask(|ctx| {
        let due = crate::state::DUE.range(ctx, &[]).collect::<cairn_kernel::Result<Vec<_>>>()?;
        Ok(due.into_iter().filter(|(_, kind, ..)| *kind == 1).map(|(height, ..)| height).collect())
    });
    // Bring all ends to one height.
    let end = ends.iter().copied().max().unwrap();
    world
        .tx(|ctx| {
            for (height, kind, job, lease) in crate::state::DUE.range(ctx, &[]).collect::<cairn_kernel::Result<Vec<_>>>()? {
                if kind == 1 {
                    crate::state::DUE.remove(ctx, &(height, kind, job, lease))?;
                    crate::state::DUE.insert(ctx, &(end, kind, job, lease))?;
                    let mut found = crate::state::LEASES.get(ctx, &lease)?.unwrap();
                    found.end_height = end;
                    crate::state::LEASES.set(ctx, &lease, &found)?;
                }
            }
            Ok(())
        })
        .unwrap();
    let live = world.status(job).live_seats / 10;
    world.go_to(end);
    let mut parts = Vec::new();
    while world.status(job).live_seats > 0 {
        let before = world.status(job).live_seats;
        world.block();
        parts.push((before - world.status(job).live_seats) / 10);
    }
    println!("{live} leases expired in blocks of {parts:?}");
    assert!(parts.iter().all(|part| *part <= 2_000));
    assert_eq!(parts.iter().sum::<u64>(), live);
    world.check();
}

#[test]
fn losing_a_bond_is_announced() {
    let mut world = World::new(2);
    let job = world.post(&Post::default()).id;
    let (lease, _) = world.grant(job, &user(2));
    world.go_to(lease.end_height);
    let events = world.chain.run(|ctx| {
        Annotation.end_block(ctx).unwrap();
        ctx.take_events()
    });
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert!(kinds.contains(&"cairn.annotation.v1.EventLeaseEnded"), "{kinds:?}");
    assert!(kinds.contains(&"cairn.annotation.v1.EventBondLost"));
    assert!(events.iter().any(|event| matches!(&event.payload, Payload::Typed(_))));
    assert_eq!(rules::PAUSE_BLOCKS, 300);
}
