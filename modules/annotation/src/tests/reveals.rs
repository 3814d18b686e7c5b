//! Reveals: their window to the block, every way in which an opening can be wrong, bonds and fees.
use cairn_kernel::Module;
use cairn_proto::cairn::annotation::v1::{JobState, Label, Lease, LeaseState, MsgCommitLabels, MsgRevealLabels, MsgServer};

use super::world::{Person, Post, WEALTH, World, commitment, reveal, salt, standing, user};
use crate::Annotation;

type Held = (u8, Lease, Vec<u32>);

/// A job of one open bucket after another; users 2 to 4 hold and commit all three seats of one bucket.
fn committed(revealer: &str) -> (World, u64, Vec<Held>) {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().account_seats_bps = 10_000;
    let mut world = World::with(8, genesis);
    let post = Post::default();
    let job = world.post(&post).id;
    let mut held = Vec::new();
    let mut first = None;
    // Everybody claims until three hold a seat of the same bucket.
    while held.len() < 3 {
        for n in 2..=4 {
            let _refused = world.claim(job, &user(n));
        }
        world.block();
        for bucket in 0..10 {
            let seats: Vec<Held> = (2..=4)
                .filter_map(|n| {
                    let mut found = world.leases(job, &user(n), LeaseState::Live).into_iter();
                    found.find(|(lease, _)| lease.buckets == [bucket]).map(|(lease, tasks)| (n, lease, tasks))
                })
                .collect();
            if seats.len() == 3 {
                (first, held) = (Some(bucket), seats);
                break;
            }
        }
    }
    assert!(first.is_some());
    for (n, lease, tasks) in &held {
        let msg = MsgCommitLabels {
            annotator: user(*n).to_string(),
            lease: lease.id,
            commitment: commitment(&world.chain.block.chain_id.clone(), lease, &user(*n), &labels(*n, tasks)),
            revealer: revealer.into(),
        };
        world.tx(|ctx| Annotation.commit_labels(ctx, msg)).unwrap();
    }
    let held = held.into_iter().map(|(n, lease, tasks)| (n, world.lease(lease.id), tasks)).collect();
    (world, job, held)
}

fn labels(n: u8, tasks: &[u32]) -> Vec<(u32, u16)> {
    let post = Post::default();
    Person::skilled(user(n), 95, post.truth, post.classes).labels(tasks)
}

fn send(world: &mut World, msg: MsgRevealLabels) -> Result<u32, u32> {
    world.tx(|ctx| Annotation.reveal_labels(ctx, msg)).map(|answer| answer.accepted).map_err(|error| {
        assert_eq!(error.codespace, "annotation", "{error}");
        error.code
    })
}

#[test]
fn reveals_count_from_r_plus_one_to_the_windows_end() {
    let (mut world, _, held) = committed("");
    let r = world.height();
    let (n, lease, tasks) = held[0].clone();
    let msg = reveal(&user(n), &lease, &labels(n, &tasks));
    assert_eq!(send(&mut world, msg.clone()).unwrap_err(), 57, "the bucket's R comes at the end of this block");
    world.block();
    assert_eq!((world.lease(lease.id).reveal_from, world.lease(lease.id).reveal_until), (r + 1, r + 120));
    assert_eq!(send(&mut world, msg.clone()), Ok(10));
    assert_eq!(send(&mut world, msg).unwrap_err(), 56);
    let (m, other, other_tasks) = held[1].clone();
    world.go_to(r + 120);
    assert_eq!(send(&mut world, reveal(&user(m), &other, &labels(m, &other_tasks))), Ok(10));
    let (l, last, last_tasks) = held[2].clone();
    world.go_to(r + 121);
    assert_eq!(world.lease(last.id).state(), LeaseState::Unrevealed);
    assert_eq!(send(&mut world, reveal(&user(l), &last, &labels(l, &last_tasks))).unwrap_err(), 55);
}

#[test]
fn a_reveal_is_refused_while_the_lease_is_live() {
    let mut world = World::new(3);
    let job = world.post(&Post::default()).id;
    let (lease, tasks) = world.grant(job, &user(2));
    assert_eq!(send(&mut world, reveal(&user(2), &lease, &labels(2, &tasks))).unwrap_err(), 47);
    let msg = MsgRevealLabels { lease: 99, ..reveal(&user(2), &lease, &labels(2, &tasks)) };
    assert_eq!(send(&mut world, msg).unwrap_err(), 45);
}

#[test]
fn each_wrong_opening_has_its_code() {
    let (mut world, _, held) = committed("");
    world.block();
    let (n, lease, tasks) = held[0].clone();
    let good = reveal(&user(n), &lease, &labels(n, &tasks));
    let mut refused = |change: &dyn Fn(&mut MsgRevealLabels)| {
        let mut msg = good.clone();
        change(&mut msg);
        send(&mut world, msg).unwrap_err()
    };
    assert_eq!(refused(&|m| m.salt = vec![9; 31]), 9);
    assert_eq!(refused(&|m| m.labels = vec![]), 7);
    assert_eq!(refused(&|m| m.labels = vec![Label::default(); 201]), 7);
    assert_eq!(refused(&|m| m.labels.truncate(9)), 58);
    assert_eq!(refused(&|m| m.labels.swap(3, 4)), 59);
    assert_eq!(refused(&|m| m.labels[9].task += 1), 59);
    assert_eq!(refused(&|m| m.labels[2].class = 4), 60);
    assert_eq!(refused(&|m| m.labels[2].class = 65_536), 60);
    assert_eq!(refused(&|m| m.labels[2].class = (m.labels[2].class + 1) % 4), 61);
    assert_eq!(refused(&|m| m.labels[2].class = 65_535), 61, "skipping afterwards is another opening");
    assert_eq!(refused(&|m| m.salt[0] ^= 1), 61);
    assert_eq!(send(&mut world, good), Ok(10));
}

/// A commitment binds address, lease, job and chain: whoever copies one cannot open it, also with the original's labels and salt.
#[test]
fn a_copied_commitment_opens_for_nobody_but_its_maker() {
    let mut world = World::new(4);
    let post = Post { overlap: 3, ..Post::default() };
    let job = world.post(&post).id;
    let (original, tasks) = world.grant(job, &user(2));
    let (copier, copied_tasks) = world.grant(job, &user(3));
    let mine = labels(2, &tasks);
    world.commit(&original, &mine).unwrap();
    let copy = commitment(&world.chain.block.chain_id.clone(), &original, &user(2), &mine);
    let msg = MsgCommitLabels { annotator: user(3).to_string(), lease: copier.id, commitment: copy, revealer: String::new() };
    world.tx(|ctx| Annotation.commit_labels(ctx, msg)).unwrap();
    let deadline = world.job(job).0.commit_deadline;
    world.go_to(deadline + 1);
    assert_eq!(world.reveal(&user(2), &original, &mine).unwrap(), 10);
    let theirs: Vec<(u32, u16)> = copied_tasks.iter().zip(&mine).map(|(task, (_, class))| (*task, *class)).collect();
    let msg = MsgRevealLabels { salt: salt(original.id).to_vec(), ..reveal(&user(3), &copier, &theirs) };
    assert_eq!(send(&mut world, msg).unwrap_err(), 62);
    world.go_to(deadline + 121);
    assert_eq!(world.lease(copier.id).state(), LeaseState::Unrevealed);
    assert_eq!(world.wealth(&user(3)), WEALTH - 10_000, "the copier loses its bond");
}

#[test]
fn anyone_may_reveal_and_only_the_named_revealer_earns_by_it() {
    let named = user(7).to_string();
    let (mut world, job, held) = committed(&named);
    world.block();
    let bond = 10_000;
    let before: Vec<u128> = (2..=8).map(|n| world.wealth(&user(n))).collect();
    let (n, lease, tasks) = held[0].clone();
    assert_eq!(send(&mut world, reveal(&user(7), &lease, &labels(n, &tasks))), Ok(10));
    assert_eq!(world.wealth(&user(7)), before[5] + 500, "5 % of the bond");
    assert_eq!(world.wealth(&user(n)), before[usize::from(n) - 2] + bond - 500);
    let (m, other, other_tasks) = held[1].clone();
    assert_eq!(send(&mut world, reveal(&user(8), &other, &labels(m, &other_tasks))), Ok(10));
    assert_eq!(world.wealth(&user(8)), before[6], "a copied reveal earns nothing");
    assert_eq!(world.wealth(&user(m)), before[usize::from(m) - 2] + bond);
    assert_eq!(world.worker(job, &user(m)).labels, 10, "the labels count for the holder");
}

#[test]
fn skipped_tasks_are_not_paid_and_their_money_is_free_again() {
    let mut world = World::new(3);
    let job = world.post(&Post { duration: 500, ..Post::default() }).id;
    let (lease, tasks) = world.grant(job, &user(2));
    let mut mine = labels(2, &tasks);
    (mine[0].1, mine[5].1) = (u16::MAX, u16::MAX);
    world.commit(&lease, &mine).unwrap();
    let deadline = world.job(job).0.commit_deadline;
    world.go_to(deadline + 1);
    assert_eq!(world.reveal(&user(2), &lease, &mine).unwrap(), 8);
    let status = world.status(job);
    assert_eq!((status.labels, status.skipped), (8, 2));
    assert_eq!(world.money(job).reserved, 80_000);
    assert_eq!(world.claimable(&user(2)), 10_000, "within the budget the whole bond comes back");
    assert_eq!(world.worker(job, &user(2)).skips, 2);
    world.check();
}

/// The budget of this job is one bucket: the second lease is skipped at the bond's cost.
#[test]
fn tasks_skipped_beyond_the_budget_cost_their_part_of_the_bond() {
    let mut world = World::new(3);
    let job = world.post(&Post { duration: 500, ..Post::default() }).id;
    let mut held = Vec::new();
    for skips in [8, 6] {
        let (lease, tasks) = world.grant(job, &user(2));
        let mut mine = labels(2, &tasks);
        mine.iter_mut().take(skips).for_each(|label| label.1 = u16::MAX);
        world.commit(&lease, &mine).unwrap();
        held.push((lease, mine));
    }
    let deadline = world.job(job).0.commit_deadline;
    world.go_to(deadline + 1);
    for (lease, mine) in held {
        world.reveal(&user(2), &lease, &mine).unwrap();
    }
    assert_eq!(world.worker(job, &user(2)).skips, 14);
    assert_eq!(world.claimable(&user(2)), 10_000 + 10_000 - 4_000, "four of ten tasks too many");
    world.check();
}

#[test]
fn the_last_reveal_closes_the_reveals() {
    let mut world = World::new(8);
    let post = Post::default();
    let posted = world.post(&post);
    let people = super::jobs::honest(&post);
    world.work(posted.id, &people);
    let status = world.status(posted.id);
    assert_eq!(status.state(), JobState::Gold);
    assert!(status.reveals_closed > 0 && status.gold_deadline == status.reveals_closed + 120);
    assert_eq!(status.leases_committed, 0);
}

/// A lease of two buckets may be revealed when both have had their R.
#[test]
fn a_lease_of_two_buckets_waits_for_both() {
    let mut genesis = Annotation.default_genesis();
    genesis.standings = vec![standing(2, 100)];
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().bucket_wait = 60;
    let mut world = World::with(6, genesis);
    let job = world.post(&Post::default()).id;
    let (lease, tasks) = world.grant(job, &user(2));
    assert_eq!(lease.buckets.len(), 2);
    // Others hold seats of its buckets and never commit.
    let mut slow = std::collections::BTreeMap::new();
    for n in 3..=6 {
        let (other, _) = world.grant(job, &user(n));
        slow.insert(other.buckets[0], other.end_height);
    }
    slow.retain(|bucket, _| lease.buckets.contains(bucket));
    let mine = labels(2, &tasks);
    world.commit(&lease, &mine).unwrap();
    world.go_to(world.height() + 61);
    assert_eq!(world.lease(lease.id).buckets_waiting as usize, slow.len(), "those with a live lease wait on");
    assert!(!slow.is_empty(), "the seed of this test puts somebody into one of the two buckets");
    assert_eq!(send(&mut world, reveal(&user(2), &lease, &mine)).unwrap_err(), 57);
    let last = slow.into_values().max().unwrap();
    world.go_to(last + 1);
    assert_eq!(world.lease(lease.id).reveal_from, last + 1);
    assert_eq!(send(&mut world, reveal(&user(2), &lease, &mine)), Ok(20));
}
