//! Dynamic overlap and the late round: who takes part, what is paid, what it changes and what it does not.
use cairn_kernel::Module;
use cairn_proto::cairn::annotation::v1::{
    GoldVerdict, JobState, Lease, LeaseState, MsgClaimTasks, MsgRenewLease, MsgServer, MsgSkipTasks, QueryLabelsRequest, QueryServer,
    QueryTasksRequest, SkipReason,
};

use super::world::{Person, Post, Posted, World, user};
use crate::{Annotation, rules};

/// 300 tasks in 15 buckets, three blind labels each, up to five; tasks below 95 % get more.
pub(super) fn post() -> Post {
    Post { tasks: 300, bucket_size: 20, overlap: 3, overlap_more: 2, bound_bps: 9_500, ..Post::default() }
}

/// Users 2 to 10 of middling skill.
pub(super) fn people(post: &Post) -> Vec<Person> {
    (2..=10).map(|n| Person::skilled(user(n), 78 + u64::from(n), post.truth, post.classes)).collect()
}

/// A job whose blind round is over and gold open, one block before settlement.
pub(super) fn blind(world: &mut World, post: &Post, people: &[Person]) -> Posted {
    let posted = world.post(post);
    world.work(posted.id, people);
    world.open_gold(&posted);
    posted
}

fn right(world: &mut World, posted: &Posted) -> usize {
    let tasks = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: posted.id, from: 0, limit: 1_000 })).tasks;
    tasks.iter().filter(|task| task.class == u32::from((posted.truth)(task.task))).count()
}

/// The first late lease that anybody gets, with its holder.
fn late_lease(world: &mut World, posted: &Posted) -> (u8, Lease, Vec<u32>) {
    world.settle_to(posted.id, JobState::Late);
    (2..=10).for_each(|n| drop(world.claim(posted.id, &user(n))));
    (0..3).for_each(|_| world.block());
    let mut leases = (2..=10).filter_map(|n| world.leases(posted.id, &user(n), LeaseState::Live).pop().map(|(l, t)| (n, l, t)));
    leases.next().unwrap()
}

#[test]
fn unsure_tasks_get_more_labels_and_pay_stays_what_the_blind_round_found() {
    let mut fixed = World::new(12);
    let without = Post { overlap_more: 0, bound_bps: 0, ..post() };
    let plain = blind(&mut fixed, &without, &people(&without));
    fixed.until(plain.id, JobState::Closed);
    let mut world = World::new(12);
    let posted = blind(&mut world, &post(), &people(&post()));
    world.work_late(posted.id, &people(&post()));
    world.until(posted.id, JobState::Closed);

    let (status, before) = (world.status(posted.id), fixed.status(plain.id));
    let (late, first) = (status.settlement.unwrap(), before.settlement.unwrap());
    println!(
        "{} tasks below the bound, {} late labels: {} of 300 right, {} without",
        status.late_tasks,
        status.late_labels,
        right(&mut world, &posted),
        right(&mut fixed, &plain)
    );
    assert!(status.late_tasks > 20 && status.late_labels > 20);
    assert!(right(&mut world, &posted) >= right(&mut fixed, &plain));
    assert_eq!((status.labels, late.digest), (900, first.digest), "the first inference knows nothing of it");
    assert_eq!(late.late_digest.len(), 32);
    assert_eq!(late.paid_labels, first.paid_labels + status.late_labels, "late labels stand in the contributors root");
    for n in 2..=10 {
        let (with, without) = (world.worker(posted.id, &user(n)), fixed.worker(plain.id, &user(n)));
        let (with_result, without_result) = (with.result.unwrap(), without.result.unwrap());
        assert_eq!((with_result.pay, with_result.score_q32), (without_result.pay, without_result.score_q32));
        let pay = (u128::from(with.late_labels) * 10_000 * u128::from(with_result.score_q32)) >> 32;
        assert_eq!(with_result.late_pay.parse().unwrap_or(0), pay, "price * late labels * score");
        assert!(with.late_labels <= with.labels / 4);
        assert_eq!(
            world.ask(|ctx| crate::standing::of(ctx, &user(n), "classify")).settled_labels,
            with.labels,
            "late labels make no standing"
        );
    }
    let money = world.money(posted.id);
    assert_eq!(money.in_total, post().quote().total().unwrap());
    assert_eq!(money.in_total, money.claimable + money.refunded + money.burnt + money.pool);
}

#[test]
fn every_label_of_the_late_round_is_exported_as_late_and_within_the_overlap() {
    let mut world = World::new(12);
    let posted = blind(&mut world, &post(), &people(&post()));
    world.work_late(posted.id, &people(&post()));
    world.until(posted.id, JobState::Closed);
    let tasks = world.ask(|ctx| Annotation.labels(ctx, QueryLabelsRequest { job: posted.id, from: 0, limit: 1_000 })).tasks;
    let (mut late, mut most) = (0, 0);
    for task in &tasks {
        assert_eq!(task.labels.iter().filter(|label| !label.late).count(), 3);
        late += task.labels.iter().filter(|label| label.late).count() as u64;
        most = most.max(task.labels.len());
        let mut names: Vec<_> = task.labels.iter().map(|label| &label.annotator).collect();
        names.dedup();
        assert_eq!(names.len(), task.labels.len(), "nobody labels a task twice");
    }
    assert_eq!(late, world.status(posted.id).late_labels);
    assert!((4..=7).contains(&most), "{most}: at most two above the most overlap");
}

#[test]
fn a_job_without_unsure_tasks_or_money_has_no_late_round() {
    let sure = Post { bound_bps: 5_000, ..post() };
    let perfect = |post: &Post| -> Vec<Person> { (2..=10).map(|n| Person::skilled(user(n), 100, post.truth, post.classes)).collect() };
    // No task below the bound; a fixed overlap where everybody earns all: nothing free, nothing extra.
    for post in [sure, Post { overlap_more: 0, ..post() }] {
        let mut world = World::new(12);
        let posted = blind(&mut world, &post, &perfect(&post));
        world.block();
        let status = world.status(posted.id);
        assert_eq!((status.state(), status.late_commit_until, status.late_labels), (JobState::Closed, 0, 0));
        assert!(status.pay_height > 0 && status.asset_id > 0);
    }
}

/// A fixed overlap has no free money left: what was not earned buys up to two labels more.
#[test]
fn unearned_money_buys_extra_overlap() {
    let post = Post { overlap_more: 0, ..post() };
    let mut world = World::new(12);
    let mut crew = people(&post);
    crew.push(Person::new(user(11), |_| 0));
    let posted = blind(&mut world, &post, &crew);
    world.settle_to(posted.id, JobState::Late);
    let money = world.money(posted.id);
    let unearned: u128 = world.status(posted.id).settlement.unwrap().unearned.parse().unwrap();
    assert_eq!((money.free, money.extra, money.held), (0, unearned / 2, unearned - unearned / 2));
    world.work_late(posted.id, &crew);
    world.until(posted.id, JobState::Closed);
    let status = world.status(posted.id);
    assert!(status.late_labels > 0 && u128::from(status.late_labels) * 10_000 <= unearned / 2, "{}", status.late_labels);
    let refused = world.worker(posted.id, &user(11));
    assert_eq!(refused.late_labels, 0, "who is not worth half the price takes no part");
}

#[test]
fn only_the_proven_take_late_seats_and_only_a_quarter() {
    let mut genesis = Annotation.default_genesis();
    let long = cairn_proto::cairn::annotation::v1::Rules { late_commit: 280, ..super::world::quick_rules() };
    genesis.params.as_mut().unwrap().rules = Some(long);
    let mut world = World::with(14, genesis);
    let mut crew = people(&post());
    crew.push(Person::new(user(11), |_| 0));
    let posted = blind(&mut world, &post(), &crew);
    world.settle_to(posted.id, JobState::Late);
    let answered = world.height() + rules::CLAIM_BLOCKS;
    world.go_to(answered); // claims of the blind round are over
    let claim =
        |n: u8, nonce| MsgClaimTasks { annotator: user(n).to_string(), job: posted.id, buckets: 4, nonce, ..MsgClaimTasks::default() };
    let nonce = world.height();
    assert_eq!(world.refusal(|ctx| Annotation.claim_tasks(ctx, claim(11, nonce))), 161, "a constant answer");
    assert_eq!(world.refusal(|ctx| Annotation.claim_tasks(ctx, claim(13, nonce))), 161, "never there in the blind round");
    assert_eq!(world.refusal(|ctx| Annotation.claim_tasks(ctx, claim(1, nonce))), 41, "the requester");
    let (n, lease, tasks) = late_lease(&mut world, &posted);
    let worker = world.worker(posted.id, &user(n));
    let limit = worker.result.as_ref().unwrap().late_limit;
    assert_eq!(u64::from(limit), worker.labels / 4);
    let promised: usize = world.leases(posted.id, &user(n), LeaseState::Live).iter().map(|(_, tasks)| tasks.len()).sum();
    assert!(lease.late && tasks.len() <= promised && promised <= limit as usize);
    assert_eq!(worker.late_promised as usize, promised);
    spend_quota(&mut world, posted.id, n, limit);
    let answered = world.height() + rules::CLAIM_BLOCKS;
    world.go_to(answered); // whatever claim of this one still waits
    let nonce = world.height();
    assert_eq!(world.refusal(|ctx| Annotation.claim_tasks(ctx, claim(n, nonce))), 162, "a quarter is promised");
    spend_quota(&mut world, posted.id, n, worker.late_promised);
    let until = world.status(posted.id).late_commit_until;
    world.go_to(until - rules::QUICK_LAG);
    let nonce = world.height();
    assert_eq!(world.refusal(|ctx| Annotation.claim_tasks(ctx, claim(n, nonce))), 44, "too late for a draw");
}

/// Writes how many late labels somebody promised.
fn spend_quota(world: &mut World, job: u64, n: u8, promised: u32) {
    let mut worker = world.worker(job, &user(n));
    worker.late_promised = promised;
    world.tx(|ctx| crate::state::WORKERS.set(ctx, &(job, worker.number), &worker)).unwrap();
}

#[test]
fn late_leases_commit_and_reveal_in_the_windows_of_the_round() {
    let mut world = World::new(12);
    let posted = blind(&mut world, &post(), &people(&post()));
    let (n, lease, tasks) = late_lease(&mut world, &posted);
    let (status, person) = (world.status(posted.id), Person::skilled(user(n), 90, post().truth, 4));
    assert_eq!(status.late_reveal_until, status.late_commit_until + 60);
    assert_eq!(lease.end_height, status.late_commit_until, "a lease of 300 blocks ends with the round");
    let renew = MsgRenewLease { annotator: user(n).to_string(), lease: lease.id };
    assert_eq!(world.refusal(|ctx| Annotation.renew_lease(ctx, renew)), 50);
    world.go_to(status.late_commit_until);
    world.commit(&lease, &person.labels(&tasks)).unwrap();
    let lease = world.lease(lease.id);
    assert_eq!((lease.reveal_from, lease.reveal_until), (status.late_commit_until + 1, status.late_reveal_until));
    let early = super::world::reveal(&user(n), &lease, &person.labels(&tasks));
    assert_eq!(world.refusal(|ctx| Annotation.reveal_labels(ctx, early.clone())), 54);
    world.go_to(status.late_reveal_until);
    assert_eq!(world.status(posted.id).state(), JobState::Late, "it waits for the one reveal");
    assert_eq!(world.reveal(&user(n), &lease, &person.labels(&tasks)).unwrap() as usize, tasks.len());
    world.until(posted.id, JobState::Closed);
    assert_eq!(world.height(), status.late_reveal_until + 1, "over with the last reveal");
    assert_eq!(world.status(posted.id).late_labels, tasks.len() as u64);
}

#[test]
fn a_commitment_one_block_late_is_refused_and_its_lease_expires() {
    let mut world = World::new(12);
    let posted = blind(&mut world, &post(), &people(&post()));
    let (n, lease, tasks) = late_lease(&mut world, &posted);
    let (before, reserved) = (world.wealth(&user(n)), world.money(posted.id).reserved);
    assert!(reserved >= u128::from(lease.tasks) * 10_000);
    let until = world.status(posted.id).late_commit_until;
    world.go_to(until + 1);
    let person = Person::skilled(user(n), 90, post().truth, 4);
    assert_eq!(world.commit(&lease, &person.labels(&tasks)).unwrap_err().code, 47, "expired at the end of the window");
    let status = world.status(posted.id);
    assert_eq!((status.state(), status.late_labels), (JobState::Closed, 0), "nothing is left to reveal: over at once");
    assert_eq!(world.wealth(&user(n)), before, "the bond is lost");
    let money = world.money(posted.id);
    assert_eq!(money.in_total, money.claimable + money.refunded + money.burnt + money.pool);
}

#[test]
fn a_late_lease_not_revealed_loses_its_bond_and_not_standing() {
    let mut world = World::new(12);
    let posted = blind(&mut world, &post(), &people(&post()));
    let (n, lease, tasks) = late_lease(&mut world, &posted);
    world.commit(&lease, &Person::skilled(user(n), 90, post().truth, 4).labels(&tasks)).unwrap();
    let standing = world.ask(|ctx| crate::standing::of(ctx, &user(n), "classify"));
    let free = world.money(posted.id).free;
    let until = world.status(posted.id).late_reveal_until;
    world.go_to(until + 1);
    assert_eq!(world.lease(lease.id).state(), LeaseState::Unrevealed);
    assert_eq!(world.status(posted.id).state(), JobState::Closed);
    assert!(world.money(posted.id).refunded >= free);
    assert_eq!(world.worker(posted.id, &user(n)).late_promised, 0);
    let after = world.ask(|ctx| crate::standing::of(ctx, &user(n), "classify"));
    assert_eq!((after.settled_labels, after.labels_ppm), (standing.settled_labels, standing.labels_ppm));
    assert!(after.gold_seen_ppm >= standing.gold_seen_ppm);
}

#[test]
fn a_late_lease_given_back_frees_seat_money_and_quota() {
    let mut world = World::new(12);
    let posted = blind(&mut world, &post(), &people(&post()));
    let (n, lease, _) = late_lease(&mut world, &posted);
    let (money, wealth) = (world.money(posted.id), world.wealth(&user(n)));
    let seats = |world: &mut World| world.ask(|ctx| crate::buckets::load(ctx, posted.id, lease.buckets[0])).free_seats;
    let before = seats(&mut world);
    let skip = MsgSkipTasks { annotator: user(n).to_string(), lease: lease.id, reason: SkipReason::Declined.into() };
    world.tx(|ctx| Annotation.skip_tasks(ctx, skip)).unwrap();
    world.check();
    let price = u128::from(lease.tasks) * 10_000;
    let after = world.money(posted.id);
    assert_eq!((after.reserved, after.free + after.extra), (money.reserved - price, money.free + money.extra + price));
    assert_eq!(after.extra - money.extra, lease.from_extra.parse().unwrap_or(0), "to where it came from");
    assert_eq!(world.wealth(&user(n)), wealth + lease.bond.parse::<u128>().unwrap());
    assert_eq!((seats(&mut world), world.worker(posted.id, &user(n)).late_promised), (before + 1, 0));
}

#[test]
fn overlap_and_bound_are_checked_at_posting() {
    let mut world = World::new(2);
    let gold = post().gold(&world.chain.block.chain_id.clone(), 1);
    let mut refused = |min, max, bound| {
        let msg = cairn_proto::cairn::annotation::v1::MsgPostJob {
            overlap_min: min,
            overlap_max: max,
            posterior_bound_bps: bound,
            ..post().msg(&gold)
        };
        world.refusal(|ctx| Annotation.post_job(ctx, msg))
    };
    assert_eq!(refused(3, 5, 0), 12, "who decides between 3 and 5?");
    assert_eq!(refused(5, 3, 9_000), 12);
    assert_eq!(refused(2, 5, 9_000), 13);
    assert_eq!(refused(3, 33, 9_000), 13);
    assert_eq!(refused(3, 5, 4_999), 160);
    assert_eq!(refused(3, 5, 10_000), 160);
    for bound in [5_000, 9_999] {
        world.post(&Post { bound_bps: bound, ..post() });
    }
}

/// Whatever the budget of a block, the same late round; its steps are bounded too.
#[test]
fn a_small_budget_settles_the_late_round_alike() {
    let run = |visits| {
        let mut genesis = Annotation.default_genesis();
        genesis.params.as_mut().unwrap().label_visits_per_block = visits;
        let mut world = World::with(12, genesis);
        let posted = blind(&mut world, &post(), &people(&post()));
        world.work_late(posted.id, &people(&post()));
        let begun = world.height();
        world.until(posted.id, JobState::Closed);
        (world.status(posted.id).settlement.unwrap(), world.money(posted.id), world.height() - begun)
    };
    let ((fast, money, _), (slow, slow_money, blocks)) = (run(2_000_000), run(1));
    assert!(blocks > 6, "{blocks}");
    assert_eq!(fast.gold(), GoldVerdict::Sound);
    assert_eq!((fast.digest, fast.late_unearned.is_empty()), (slow.digest, slow.late_unearned.is_empty()));
    assert_eq!(money.in_total, slow_money.in_total);
}

/// A day's cap holds in the draw too: what was left when the claim was made may be used up since.
#[test]
fn a_late_lease_keeps_the_cap_of_the_day() {
    let mut genesis = Annotation.default_genesis();
    let rules = genesis.params.as_mut().unwrap().rules.as_mut().unwrap();
    (rules.labels_per_day, rules.day_blocks, rules.appeal_window) = (500, 1_000_000, 0);
    let mut world = World::with(12, genesis);
    let posted = blind(&mut world, &post(), &people(&post()));
    world.settle_to(posted.id, JobState::Late);
    for n in 2..=10 {
        let _waits_already = world.claim(posted.id, &user(n));
        let used = cairn_proto::cairn::annotation::v1::DayCount { day: 0, labels: 500 - u64::from(n % 4) };
        world.tx(|ctx| crate::state::DAYS.set(ctx, &user(n), &used)).unwrap();
    }
    (0..20).for_each(|_| world.block());
    let found = (2..=10).flat_map(|n| world.leases(posted.id, &user(n), LeaseState::Unspecified).into_iter().map(move |lease| (n, lease)));
    let late: Vec<(u8, u32)> = found.filter(|(_, (lease, _))| lease.late).map(|(n, (lease, _))| (n, lease.tasks)).collect();
    assert!(late.len() > 4 && late.iter().all(|(n, tasks)| *tasks <= u32::from(n % 4)), "{late:?}");
}
