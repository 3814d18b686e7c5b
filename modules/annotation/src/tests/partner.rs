//! Partner rewards: who pays them, what they pay for, where the rest goes; invariants after every block.
use cairn_dispute::Choice;
use cairn_kernel::{Address, Coin, Result};
use cairn_proto::cairn::annotation::v1::{
    JobState, LeaseState, MsgCancelJob, MsgFundPartner, MsgPostJob, MsgServer, MsgSkipTasks, SkipReason,
};

use super::{
    appeals::{appeal, decide, published_with},
    jobs::honest,
    late,
    world::{FOREIGN, Person, Post, Posted, WEALTH, World, noise, user},
};
use crate::{Annotation, escrow::Money};

const REWARD: u128 = 500;

fn rewarded(msg: &mut MsgPostJob) {
    msg.partner_reward = Some(Coin::new(FOREIGN, REWARD).into());
}

fn fund(world: &mut World, partner: u8, job: u64, amount: Coin) -> Result<String> {
    let msg = MsgFundPartner { partner: user(partner).to_string(), job, amount: Some(amount.into()) };
    world.tx(|ctx| Annotation.fund_partner(ctx, msg)).map(|answer| answer.missing)
}

fn foreign(world: &mut World, of: &Address) -> u128 {
    world.ask(|ctx| Ok(cairn_bank::balance(ctx, of, FOREIGN)? + crate::escrow::claimable(ctx, of, FOREIGN)?))
}

fn money(world: &mut World, job: u64) -> Money {
    Money::read(&world.status(job).partner_escrow.unwrap()).unwrap()
}

fn settle(world: &mut World, posted: &Posted, people: &[Person]) {
    world.work(posted.id, people);
    if world.status(posted.id).state() == JobState::Gold {
        world.open_gold(posted);
    }
    world.until(posted.id, JobState::Closed);
}

#[test]
fn a_reward_of_the_requester_is_paid_by_the_same_score() {
    let (mut world, post) = (World::new(8), Post::default());
    let posted = world.post_with(&post, rewarded).unwrap();
    assert_eq!(foreign(&mut world, &user(1)), WEALTH - 300 * REWARD);
    settle(&mut world, &posted, &honest(&post));
    let mut paid = 0;
    for n in 2..=6 {
        let worker = world.worker(posted.id, &user(n));
        let result = worker.result.unwrap();
        assert_eq!((worker.labels, worker.partner_labels), (60, 60));
        let share = u128::from(result.score_q32);
        let pay = (60 * REWARD * share) >> 32;
        assert_eq!(result.partner_pay.unwrap().amount, pay.to_string());
        assert_eq!(foreign(&mut world, &user(n)), WEALTH + pay);
        paid += pay;
    }
    let money = money(&mut world, posted.id);
    assert_eq!((money.in_total, money.claimable), (300 * REWARD, paid));
    assert_eq!(foreign(&mut world, &user(1)), WEALTH - 300 * REWARD + money.refunded);
}

/// A lazy worker's reward is half the pool's and half the partner's, and never the requester's.
#[test]
fn what_is_not_earned_goes_back_to_who_funded_it() {
    let (mut world, post) = (World::new(9), Post { tasks: 400, bucket_size: 20, duration: 20_000, ..Post::default() });
    let change = |msg: &mut MsgPostJob| {
        rewarded(msg);
        msg.partner = user(9).to_string();
    };
    let posted = world.post_with(&post, change).unwrap();
    let all = 400 * 3 * REWARD;
    assert_eq!(fund(&mut world, 9, posted.id, Coin::new(FOREIGN, all - 1_000)).unwrap(), "1000");
    assert_eq!(fund(&mut world, 9, posted.id, Coin::new(FOREIGN, 1_001)).unwrap_err().code, 149);
    assert_eq!(fund(&mut world, 9, posted.id, Coin::new(FOREIGN, 499)).unwrap_err().code, 29);
    assert_eq!(fund(&mut world, 9, posted.id, Coin::base(1_000)).unwrap_err().code, 28);
    assert_eq!(fund(&mut world, 1, posted.id, Coin::new(FOREIGN, 1_000)).unwrap_err().code, 148);
    assert_eq!(fund(&mut world, 9, posted.id, Coin::new(FOREIGN, 1_000)).unwrap(), "0");
    assert_eq!(world.claim(posted.id, &user(9)).unwrap_err().code, 43, "a partner is a funder");
    let mut people = honest(&post);
    people.push(Person::new(user(7), |_| 0));
    settle(&mut world, &posted, &people);
    let money = money(&mut world, posted.id);
    let lazy = world.worker(posted.id, &user(7)).partner_labels;
    assert!(lazy > 0 && world.worker(posted.id, &user(7)).result.unwrap().partner_pay.unwrap().amount == "0");
    let unearned = money.in_total - money.claimable;
    assert!(unearned >= u128::from(lazy) * REWARD);
    assert_eq!((money.pool, money.refunded, money.burnt), (unearned / 2, unearned - unearned / 2, 0));
    assert_eq!(foreign(&mut world, &user(9)), WEALTH - all + money.refunded);
    assert_eq!(foreign(&mut world, &user(1)), WEALTH);
}

/// Leases granted before the money was there do not carry the reward, those after it do.
#[test]
fn a_lease_carries_the_reward_if_the_money_is_there() {
    let (mut world, post) = (World::new(9), Post::default());
    let change = |msg: &mut MsgPostJob| {
        rewarded(msg);
        msg.partner = user(9).to_string();
    };
    let posted = world.post_with(&post, change).unwrap();
    assert!(!world.grant(posted.id, &user(2)).0.partner);
    fund(&mut world, 9, posted.id, Coin::new(FOREIGN, 10 * REWARD)).unwrap();
    let (lease, _) = world.grant(posted.id, &user(3));
    assert!(lease.partner);
    assert_eq!(money(&mut world, posted.id).reserved, 10 * REWARD);
    assert!(!world.grant(posted.id, &user(4)).0.partner, "the money is reserved");
    // The lease expires: its money is free again.
    world.go_to(lease.end_height + 1);
    assert_eq!((money(&mut world, posted.id).reserved, money(&mut world, posted.id).free), (0, 10 * REWARD));
    assert!(world.grant(posted.id, &user(5)).0.partner);
    world.until(posted.id, JobState::Closed);
    assert_eq!(foreign(&mut world, &user(9)), WEALTH, "nobody delivered anything");
}

#[test]
fn skipped_tasks_free_their_reward() {
    let (mut world, post) = (World::new(6), Post::default());
    let posted = world.post_with(&post, rewarded).unwrap();
    let skips = |task: u32, truth: u16| if noise(3, task).is_multiple_of(20) { u16::MAX } else { truth };
    let truth = post.truth;
    let people: Vec<Person> = (2..=6).map(|n| Person::new(user(n), move |task| skips(task, truth(task)))).collect();
    settle(&mut world, &posted, &people);
    let labels: u64 = (2..=6).map(|n| world.worker(posted.id, &user(n)).partner_labels).sum();
    assert!(world.status(posted.id).skipped > 0 && labels == world.status(posted.id).labels);
}

#[test]
fn unopened_gold_leaves_nothing_of_what_is_held_to_the_partner() {
    let (mut world, post) = (World::new(8), Post { tasks: 400, bucket_size: 20, duration: 20_000, ..Post::default() });
    let posted = world.post_with(&post, rewarded).unwrap();
    let mut people = honest(&post);
    people.push(Person::new(user(7), |_| 0));
    world.work(posted.id, &people);
    world.until(posted.id, JobState::Closed);
    let money = money(&mut world, posted.id);
    assert_eq!(money.pool, money.in_total - money.claimable, "every seat was taken: all that was not earned was held");
    assert_eq!(money.refunded, 0);
}

#[test]
fn a_cancelled_job_gives_the_reward_back_to_the_partner() {
    let mut world = World::new(9);
    let change = |msg: &mut MsgPostJob| {
        rewarded(msg);
        msg.partner = user(9).to_string();
    };
    let id = world.post_with(&Post::default(), change).unwrap().id;
    fund(&mut world, 9, id, Coin::new(FOREIGN, 5_000)).unwrap();
    world.tx(|ctx| Annotation.cancel_job(ctx, MsgCancelJob { requester: user(1).to_string(), job: id })).unwrap();
    world.check();
    assert_eq!((foreign(&mut world, &user(9)), foreign(&mut world, &user(1))), (WEALTH, WEALTH));
    assert_eq!(fund(&mut world, 9, id, Coin::new(FOREIGN, 5_000)).unwrap_err().code, 26);
}

#[test]
fn each_fault_of_a_reward_has_its_code() {
    let mut world = World::new(2);
    let mut refused = |coin: Option<Coin>, partner: &str| {
        let change = |msg: &mut MsgPostJob| {
            msg.partner_reward = coin.map(Into::into);
            msg.partner = partner.into();
        };
        world.post_with(&Post::default(), change).err().map(|error| error.code)
    };
    assert_eq!(refused(Some(Coin::new(FOREIGN, 99)), ""), Some(145));
    assert_eq!(refused(Some(Coin::base(100)), ""), Some(146));
    assert_eq!(refused(None, &user(2).to_string()), Some(2));
    assert!(refused(Some(Coin::new(FOREIGN, 100)), "nobody").is_some());
    assert!(refused(Some(Coin::new(FOREIGN, WEALTH)), "").is_some(), "more than the requester has");
    assert_eq!(refused(Some(Coin::new(FOREIGN, 100)), ""), None);
    let id = world.post(&Post::default()).id;
    assert_eq!(fund(&mut world, 1, id, Coin::new(FOREIGN, 5_000)).unwrap_err().code, 147);
}

/// A job with a reward whose blind round is over.
fn in_late_round() -> (World, Post, Posted) {
    let mut world = World::new(12);
    let post = late::post();
    let posted = world.post_with(&post, rewarded).unwrap();
    world.work(posted.id, &late::people(&post));
    world.open_gold(&posted);
    world.settle_to(posted.id, JobState::Late);
    (world, post, posted)
}

/// A late label earns the reward as it earns the price: by the score of the blind round, out of what is left in the partner's escrow.
#[test]
fn late_labels_earn_the_reward_too() {
    let (mut world, post, posted) = in_late_round();
    let before = money(&mut world, posted.id);
    assert_eq!(before.in_total, 300 * 5 * REWARD);
    assert!(before.free >= 600 * REWARD && before.extra > 0, "what the blind round did not need or earn");
    world.work_late(posted.id, &late::people(&post));
    world.until(posted.id, JobState::Closed);
    let (mut paid, mut late) = (0, 0);
    for n in 2..=10 {
        let worker = world.worker(posted.id, &user(n));
        let result = worker.result.unwrap();
        assert_eq!(worker.partner_late_labels, worker.late_labels, "there was money for all of them");
        let pay = |labels: u64| (u128::from(labels) * REWARD * u128::from(result.score_q32)) >> 32;
        assert_eq!(result.late_partner_pay.parse().unwrap_or(0), pay(worker.late_labels));
        paid += pay(worker.late_labels) + pay(worker.partner_labels);
        late += worker.late_labels;
        assert_eq!(foreign(&mut world, &user(n)), WEALTH + pay(worker.late_labels) + pay(worker.partner_labels));
    }
    let after = money(&mut world, posted.id);
    assert!(late > 20 && after.claimable == paid);
    assert_eq!((after.free, after.extra, after.held, after.reserved), (0, 0, 0, 0));
    assert_eq!(after.in_total, after.claimable + after.refunded + after.pool);
}

/// Where every seat is blind, half of what was not earned rewards the late labels, and a lease given back puts it back there.
#[test]
fn unearned_rewards_go_to_late_labels_first() {
    let mut world = World::new(12);
    let post = Post { overlap_more: 0, ..late::post() };
    let mut crew = late::people(&post);
    crew.push(Person::new(user(11), |_| 0));
    let posted = world.post_with(&post, rewarded).unwrap();
    world.work(posted.id, &crew);
    world.open_gold(&posted);
    world.settle_to(posted.id, JobState::Late);
    let before = money(&mut world, posted.id);
    assert_eq!((before.free, before.extra), (0, (before.in_total - before.claimable) / 2));
    (2..=10).for_each(|n| drop(world.claim(posted.id, &user(n))));
    (0..3).for_each(|_| world.block());
    let mut leases = (2..=10).filter_map(|n| world.leases(posted.id, &user(n), LeaseState::Live).pop().map(|(lease, _)| (n, lease)));
    let (n, lease) = leases.next().unwrap();
    let (carried, granted) = (u128::from(lease.tasks) * REWARD, money(&mut world, posted.id));
    assert!(lease.partner && lease.partner_from_extra == carried.to_string() && granted.reserved >= carried);
    let skip = MsgSkipTasks { annotator: user(n).to_string(), lease: lease.id, reason: SkipReason::Declined.into() };
    world.tx(|ctx| Annotation.skip_tasks(ctx, skip)).unwrap();
    world.check();
    let back = money(&mut world, posted.id);
    assert_eq!((back.reserved, back.extra, back.free), (granted.reserved - carried, granted.extra + carried, 0));
    world.work_late(posted.id, &crew);
    world.until(posted.id, JobState::Closed);
    let (late, after) = (world.status(posted.id).late_labels, money(&mut world, posted.id));
    assert!(late > 0 && after.claimable > before.claimable);
    assert_eq!(after.in_total, after.claimable + after.refunded + after.pool);
    let unearned = after.in_total - after.claimable;
    assert!(after.refunded <= unearned && after.pool > 0, "what late labels leave of extra is the pool's");
}

/// Who won an appeal was judged wrongly in both denominations and gets both.
#[test]
fn a_won_appeal_pays_the_reward_too() {
    let (mut world, posted) = published_with(true, rewarded);
    let worker = world.worker(posted.id, &user(11));
    let (before, held) = (foreign(&mut world, &user(11)), money(&mut world, posted.id));
    let missing = u128::from(worker.partner_labels) * REWARD;
    assert_eq!(worker.result.unwrap().partner_pay.unwrap().amount, "0");
    assert!(missing > 0 && missing <= held.held + held.extra);
    let case = appeal(&mut world, &posted, 11);
    decide(&mut world, case, Choice::Overturn);
    world.until(posted.id, JobState::Closed);
    assert_eq!(foreign(&mut world, &user(11)), before + missing);
    let (result, status) = (world.worker(posted.id, &user(11)).result.unwrap(), world.status(posted.id));
    assert_eq!((result.partner_awarded, result.won_share_q32), (missing.to_string(), cairn_truth::ONE));
    assert_eq!((status.partner_appeals_won, status.partner_appeals_pot), (missing.to_string(), (held.held + held.extra).to_string()));
    let after = money(&mut world, posted.id);
    assert_eq!(after.claimable, held.claimable + missing);
    assert_eq!(after.in_total, after.claimable + after.refunded + after.pool);
}

#[test]
fn a_lost_appeal_leaves_the_reward_where_it_is() {
    let (mut world, posted) = published_with(true, rewarded);
    let before = foreign(&mut world, &user(11));
    let case = appeal(&mut world, &posted, 11);
    decide(&mut world, case, Choice::Uphold);
    world.until(posted.id, JobState::Closed);
    assert_eq!(foreign(&mut world, &user(11)), before);
    let money = money(&mut world, posted.id);
    let unearned = money.in_total - money.claimable;
    assert_eq!((money.pool, money.refunded), (unearned / 2, unearned - unearned / 2));
}

/// A late round that is left in quarantine pays the reward of its labels in full.
#[test]
fn late_labels_in_quarantine_earn_the_whole_reward() {
    let (mut world, post, posted) = in_late_round();
    loop {
        world.work_one(posted.id, &late::people(&post));
        if world.status(posted.id).late_labels > 0 {
            break; // revealed and not settled
        }
        world.block();
    }
    world.tx(|ctx| crate::quarantine::contain(ctx, posted.id, 0, 0, &crate::Error::Overflow.into())).unwrap();
    world.until(posted.id, JobState::Closed);
    let rewarded = (2..=10).map(|n| world.worker(posted.id, &user(n))).filter(|worker| worker.late_labels > 0);
    let mut found = 0;
    for worker in rewarded.collect::<Vec<_>>() {
        found += worker.partner_late_labels;
        assert_eq!(worker.result.unwrap().late_partner_pay, (u128::from(worker.partner_late_labels) * REWARD).to_string());
    }
    assert!(found > 0);
}
