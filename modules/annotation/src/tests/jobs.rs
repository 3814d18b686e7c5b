//! Whole jobs, from posting to the data set, and every exit by time-out.
use cairn_bank as bank;
use cairn_kernel::{BASE_DENOM, Coin};
use cairn_proto::cairn::{
    annotation::v1::{GoldVerdict, JobState, LeaseState, PayReason, QueryServer, QueryTasksRequest},
    asset::v1::Asset,
};

use super::world::{FOREIGN, Person, Post, WEALTH, World, user};
use crate::{Annotation, rules};

/// Users 2 to 6 with the skills of honest people.
pub(super) fn honest(post: &Post) -> Vec<Person> {
    (2..=6).zip([95, 92, 97, 90, 94]).map(|(n, skill)| Person::skilled(user(n), skill, post.truth, post.classes)).collect()
}

#[test]
fn a_job_of_honest_people_is_paid_and_published() {
    let mut world = World::new(8);
    let post = Post::default();
    let posted = world.run_job(&post, &honest(&post));
    let status = world.status(posted.id);
    let settlement = status.settlement.unwrap();
    assert_eq!(settlement.gold(), GoldVerdict::Sound);
    assert_eq!((status.labels, status.gold_opened, settlement.paid_labels), (300, 10, 300));
    assert_eq!(settlement.posterior_histogram.iter().sum::<u64>(), 100);
    let tasks = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: posted.id, from: 0, limit: 1_000 })).tasks;
    let right = tasks.iter().filter(|task| task.class == u32::from((posted.truth)(task.task))).count();
    assert!(right >= 97, "{right} of 100 right");
    assert_eq!(tasks.iter().filter(|task| task.gold).count(), 10);
    assert!(tasks.iter().all(|task| task.posterior.iter().sum::<u32>() == 65_535 && task.votes.iter().sum::<u32>() == 3));
    for n in 2..=6 {
        assert_eq!(world.worker(posted.id, &user(n)).result.unwrap().reason(), PayReason::Skill);
        let record = world.ask(|ctx| crate::state::ANNOTATORS.get(ctx, &user(n))).unwrap();
        assert_eq!((record.settled_labels, record.settled_jobs), (60, 1));
    }
}

/// 300 labels at 10,000: 3,000,000, fee 2 % of pay, gold bond 10 %. Everybody of this job earns the full price.
#[test]
fn the_money_of_a_job_adds_up_to_the_unit() {
    let mut world = World::new(8);
    let post = Post::default();
    let supply = world.ask(|ctx| bank::supply(ctx, BASE_DENOM));
    let posted = world.run_job(&post, &honest(&post));
    let money = world.money(posted.id);
    assert_eq!(money.in_total, 3_000_000 + 60_000 + 300_000);
    assert_eq!((money.claimable, money.refunded, money.burnt, money.pool), (3_000_000, 300_000, 36_000, 24_000));
    assert_eq!(world.wealth(&user(1)), WEALTH - 100_000 - 3_060_000, "posting fee, labels and fee");
    for n in 2..=6 {
        assert_eq!(world.wealth(&user(n)), WEALTH + 600_000);
    }
    assert_eq!(world.ask(|ctx| bank::supply(ctx, BASE_DENOM)), supply - 100_000 - 36_000, "posting fee and 60 % of the fee are burnt");
    let contributed = world.ask(|ctx| {
        use cairn_proto::cairn::rewards::v1::{QueryAccountRequest, QueryServer};
        cairn_rewards::Rewards.account(ctx, QueryAccountRequest { contributor: user(2).to_string() })
    });
    assert_eq!(contributed.totals.unwrap().kinds[0].weight, "7200", "60 % of a fee of 12,000");
}

#[test]
fn a_job_in_another_denomination_burns_nothing_of_it() {
    let mut world = World::new(8);
    let post = Post { price: Coin::new(FOREIGN, 1_000), ..Post::default() };
    let supply = world.ask(|ctx| bank::supply(ctx, FOREIGN));
    let posted = world.run_job(&post, &honest(&post));
    let money = world.money(posted.id);
    assert_eq!((money.claimable, money.refunded, money.burnt, money.pool), (300_000, 30_000, 0, 6_000));
    assert_eq!(world.ask(|ctx| bank::supply(ctx, FOREIGN)), supply);
    let owned = world.ask(|ctx| crate::escrow::claimable(ctx, &user(2), FOREIGN));
    assert!(owned > 0, "bonds and pay are in the denomination of the price");
}

#[test]
fn the_data_set_belongs_to_requester_and_annotators() {
    let mut world = World::new(8);
    let post = Post::default();
    let posted = world.run_job(&post, &honest(&post));
    let status = world.status(posted.id);
    let asset: Asset = world.ask(|ctx| cairn_asset::asset(ctx, status.asset_id));
    assert_eq!((asset.owner, asset.source_job, asset.share_supply), (user(1).to_string(), posted.id, rules::SHARE_SUPPLY));
    let version = world.ask(|ctx| cairn_asset::version(ctx, status.asset_id, 1));
    assert_eq!(version.contributors_root, status.settlement.unwrap().contributors_root);
    assert_eq!(version.content.unwrap().items, 100);
    let shares = cairn_asset::share_denom(status.asset_id);
    let held: Vec<u128> = (1..=6).map(|n| world.ask(|ctx| bank::balance(ctx, &user(n), &shares))).collect();
    assert_eq!(held[0], 700_000_000_000);
    assert_eq!(held[1..], [60_000_000_000; 5]);
}

#[test]
fn a_job_may_keep_its_result_to_itself() {
    let mut world = World::new(8);
    let post = Post { requester_bps: 10_000, ..Post::default() };
    let posted = world.run_job(&post, &honest(&post));
    let shares = cairn_asset::share_denom(world.status(posted.id).asset_id);
    assert_eq!(world.ask(|ctx| bank::balance(ctx, &user(1), &shares)), u128::from(rules::SHARE_SUPPLY));
    let gold = post.gold(&world.chain.block.chain_id.clone(), 99);
    let mut msg = post.msg(&gold);
    msg.publication.as_mut().unwrap().publish = false;
    let id = world.tx(|ctx| cairn_proto::cairn::annotation::v1::MsgServer::post_job(&Annotation, ctx, msg)).unwrap().job;
    world.work(id, &honest(&post));
    world.open_gold(&super::world::Posted { id, gold, truth: post.truth });
    world.until(id, JobState::Closed);
    let status = world.status(id);
    assert_eq!((status.asset_id, status.settlement.unwrap().paid_labels), (0, 300));
}

#[test]
fn nobody_comes_and_the_requester_gets_all_back() {
    let mut world = World::new(2);
    let post = Post::default();
    let posted = world.post(&post);
    let (job, _) = world.job(posted.id);
    world.go_to(job.commit_deadline);
    assert_eq!(world.status(posted.id).state(), JobState::Open);
    world.block();
    let status = world.status(posted.id);
    assert_eq!(status.state(), JobState::Closed, "no labels: no gold to open, nothing to infer");
    assert_eq!(world.money(posted.id).refunded, post.quote().total().unwrap());
    assert_eq!(world.wealth(&user(1)), WEALTH - 100_000);
    assert_eq!(status.asset_id, 0);
}

/// Two of three seats are taken: the bucket waits for the third until its wait is past, the others of the job until the deadline.
#[test]
fn an_unfinished_job_ends_at_its_deadline_with_what_it_has() {
    let mut world = World::new(4);
    let post = Post { duration: 500, ..Post::default() };
    let posted = world.post(&post);
    let people: Vec<_> = honest(&post).into_iter().take(2).collect();
    let deadline = world.job(posted.id).0.commit_deadline;
    world.work(posted.id, &people);
    assert!(world.height() > deadline);
    let status = world.status(posted.id);
    assert_eq!(status.state(), JobState::Gold);
    assert_eq!((status.buckets_revealing, status.labels), (10, 120), "6 bucket seats of 10 tasks each: the cap of an account");
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    let money = world.money(posted.id);
    assert_eq!(money.in_total, money.claimable + money.refunded + money.burnt + money.pool);
}

#[test]
fn a_bucket_waits_no_longer_than_its_wait() {
    let mut genesis = cairn_kernel::Module::default_genesis(&Annotation);
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().bucket_wait = 50;
    let mut world = World::with(3, genesis);
    let post = Post::default();
    let posted = world.post(&post);
    let (lease, tasks) = world.grant(posted.id, &user(2));
    let person = Person::skilled(user(2), 95, post.truth, post.classes);
    world.commit(&lease, &person.labels(&tasks)).unwrap();
    let committed = world.height();
    world.go_to(committed + 50);
    assert_eq!(world.lease(lease.id).reveal_from, 0);
    world.block();
    let lease = world.lease(lease.id);
    assert_eq!((lease.reveal_from, lease.reveal_until), (committed + 51, committed + 50 + 120), "R = first commit + wait");
    assert_eq!(world.reveal(&user(2), &lease, &person.labels(&tasks)).unwrap(), 10);
    // The bucket's two free seats are gone: nobody gets them any more.
    world.claim(posted.id, &user(3)).unwrap();
    (0..5).for_each(|_| world.block());
    let (other, _) = world.leases(posted.id, &user(3), LeaseState::Live).pop().unwrap();
    assert_ne!(other.buckets, lease.buckets);
}

#[test]
fn two_chains_of_the_same_blocks_have_the_same_state() {
    let run = || {
        let mut world = World::new(8);
        let post = Post::default();
        world.run_job(&post, &honest(&post));
        let mut state = Vec::new();
        let mut from = Vec::new();
        while let Some((key, value)) = cairn_kernel::Store::next(world.chain.store(), &from, &[0xff]) {
            from = [key.as_slice(), &[0]].concat();
            state.push((key, value));
        }
        state
    };
    let (one, other) = (run(), run());
    assert!(one.len() > 100, "{}", one.len());
    assert_eq!(one, other);
}
