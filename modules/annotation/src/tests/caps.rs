//! Caps: tasks a day, probation, seats of an account.
use cairn_kernel::Module;
use cairn_proto::cairn::annotation::v1::{Genesis, JobState, MsgServer, MsgSkipTasks, Rules, SkipReason};

use super::world::{Post, World, standing, user};
use crate::{Annotation, rules};

fn world(users: u8, change: impl FnOnce(&mut Rules), standings: Vec<cairn_proto::cairn::annotation::v1::Standing>) -> World {
    let mut genesis = Genesis { standings, ..Annotation.default_genesis() };
    change(genesis.params.as_mut().unwrap().rules.as_mut().unwrap());
    World::with(users, genesis)
}

#[test]
fn an_account_is_leased_so_many_tasks_a_day_over_all_jobs() {
    let mut world = world(3, |rules| (rules.labels_per_day, rules.day_blocks) = (25, 100), vec![]);
    let (first, second) = (world.post(&Post::default()).id, world.post(&Post::default()).id);
    world.grant(first, &user(2));
    world.grant(second, &user(2));
    assert_eq!(world.claim(first, &user(2)).unwrap_err().code, 143, "5 left of 25, a bucket has 10");
    world.grant(first, &user(3));
    world.go_to(99);
    assert_eq!(world.claim(first, &user(2)).unwrap_err().code, 143);
    world.go_to(100);
    world.grant(first, &user(2));
}

/// Ten buckets are asked for in different jobs before any is drawn: the draw looks again.
#[test]
fn claims_that_wait_together_keep_the_cap() {
    let mut world = world(2, |rules| (rules.labels_per_day, rules.day_blocks) = (20, 10_000), vec![standing(2, 1_000)]);
    let jobs: Vec<u64> = (0..4).map(|_| world.post(&Post::default()).id).collect();
    for job in &jobs {
        world.claim(*job, &user(2)).unwrap();
    }
    (0..5).for_each(|_| world.block());
    let tasks: u32 = jobs
        .iter()
        .flat_map(|job| world.leases(*job, &user(2), cairn_proto::cairn::annotation::v1::LeaseState::Live))
        .map(|(lease, _)| lease.tasks)
        .sum();
    assert_eq!(tasks, 20);
}

#[test]
fn probation_ends_with_a_hundred_settled_labels() {
    let change = |rules: &mut Rules| (rules.labels_per_day, rules.probation_labels_per_day, rules.day_blocks) = (30, 10, 10_000);
    let mut world = world(3, change, vec![standing(2, 99), standing(3, 100)]);
    let job = world.post(&Post::default()).id;
    assert_eq!(world.grant(job, &user(2)).1.len(), 10);
    assert_eq!(world.claim(job, &user(2)).unwrap_err().code, 143);
    assert_eq!(world.grant(job, &user(3)).1.len(), 20);
    assert_eq!(world.grant(job, &user(3)).1.len(), 10, "what is left of the day");
    assert_eq!(world.claim(job, &user(3)).unwrap_err().code, 143);
}

#[test]
fn a_job_may_set_the_seats_of_an_account() {
    let mut world = World::new(2);
    for (bps, expected) in [(0, 6), (500, 1), (10_000, 30)] {
        let id = world.post_with(&Post::default(), |msg| msg.account_seats_bps = bps).unwrap().id;
        let found = world.ask(|ctx| crate::job::Running::load(ctx, id)).seat_cap();
        assert_eq!(found, expected, "of 30 seats at {bps}");
    }
    for bps in [499, 10_001] {
        assert_eq!(world.post_with(&Post::default(), |msg| msg.account_seats_bps = bps).err().unwrap().code, 128);
    }
    let id = world.post_with(&Post::default(), |msg| msg.account_seats_bps = 500).unwrap().id;
    world.grant(id, &user(2));
    assert_eq!(world.claim(id, &user(2)).unwrap_err().code, 39);
}

#[test]
fn caps_need_days_of_a_length() {
    let mut params = rules::test_params();
    let rules = params.rules.as_mut().unwrap();
    (rules.labels_per_day, rules.day_blocks) = (1, 0);
    assert!(rules::check_params(&params).is_err());
    params.rules.as_mut().unwrap().labels_per_day = 0;
    rules::check_params(&params).unwrap();
    params.identity_price = Some(cairn_kernel::Coin::new("other", 1).into());
    assert!(rules::check_params(&params).is_err());
}

/// A lease whose content is not served, or whose job failed, was no work: it does not count. One that expired or was declined does, or its
/// holder could draw again and again in a day.
#[test]
fn leases_that_end_through_no_fault_of_the_account_leave_its_day() {
    let change = |rules: &mut Rules| {
        (rules.labels_per_day, rules.day_blocks, rules.lease_blocks) = (10, 10_000, 20);
    };
    let mut world = world(4, change, vec![]);
    let jobs: Vec<u64> = (0..3).map(|_| world.post(&Post::default()).id).collect();
    let mut skip = |n: u8, reason: SkipReason| {
        let (lease, _) = world.grant(jobs[0], &user(n));
        assert_eq!(world.claim(jobs[1], &user(n)).unwrap_err().code, 143, "one bucket a day");
        let msg = MsgSkipTasks { annotator: user(n).to_string(), lease: lease.id, reason: reason.into() };
        world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).unwrap();
    };
    skip(2, SkipReason::Unavailable);
    skip(3, SkipReason::Declined);
    world.grant(jobs[1], &user(2));
    assert_eq!(world.claim(jobs[1], &user(3)).unwrap_err().code, 143);
    let (lease, _) = world.grant(jobs[1], &user(4));
    world.go_to(lease.end_height + 1);
    assert_eq!(world.claim(jobs[2], &user(4)).unwrap_err().code, 143, "expired, and counted");
}

#[test]
fn leases_released_from_quarantine_leave_the_day() {
    let change = |rules: &mut Rules| (rules.labels_per_day, rules.day_blocks) = (10, 10_000);
    let mut world = world(2, change, vec![]);
    let (failing, other) = (world.post(&Post::default()).id, world.post(&Post::default()).id);
    world.grant(failing, &user(2));
    let height = world.height();
    world.tx(|ctx| crate::state::DUE.insert(ctx, &(height, 1, failing, 999))).unwrap();
    world.until(failing, JobState::Closed);
    world.grant(other, &user(2));
}
