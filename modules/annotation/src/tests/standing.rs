//! Standing: what settlement writes into it, what it forgets, and what it opens.
use cairn_kernel::Module;
use cairn_proto::cairn::annotation::v1::{
    Genesis, LeaseState, QueryServer, QueryStandingRequest, QueryStandingResponse, QueryStandingsRequest,
};
use cairn_truth::{Basis, ONE, WorkerResult};

use super::{
    jobs::honest,
    world::{Person, Post, World, standing as record, user},
};
use crate::{Annotation, rules, standing};

fn ask(world: &mut World, n: u8, skill: &str) -> QueryStandingResponse {
    let query = QueryStandingRequest { account: user(n).to_string(), skill: skill.into() };
    world.ask(|ctx| Annotation.standing(ctx, query))
}

fn result(labels: u32, share: u64, basis: Basis) -> WorkerResult {
    WorkerResult { labels, scored: labels, kappa: 0, share, basis }
}

#[test]
fn a_settled_job_counts_in_the_skill_that_it_names() {
    let mut world = World::new(8);
    let post = Post::default();
    let posted = world.post_with(&post, |msg| msg.skill = "digits".into()).unwrap();
    assert_eq!(world.job(posted.id).0.skill, "digits");
    world.work(posted.id, &honest(&post));
    world.open_gold(&posted);
    world.until(posted.id, cairn_proto::cairn::annotation::v1::JobState::Closed);
    for n in 2..=6 {
        let found = ask(&mut world, n, "digits");
        let worker = world.worker(posted.id, &user(n)).result.unwrap();
        let standing = found.standing.unwrap();
        assert_eq!((standing.settled_labels, standing.settled_jobs), (60, 1));
        assert_eq!(found.mean_kappa_ppm, worker.kappa_ppm);
        assert_eq!(standing.labels_ppm, u64::from(worker.scored) * 1_000_000);
        assert_eq!(standing.gold_seen_ppm, u64::from(worker.gold_seen) * 1_000_000);
        assert_eq!(standing.gold_hits_ppm, u64::from(worker.gold_hits) * 1_000_000);
        assert!(found.gold_ppm > 800_000 && worker.gold_seen > 0);
        let other = ask(&mut world, n, "classify");
        assert_eq!((other.standing.unwrap().settled_labels, other.mean_kappa_ppm, other.lease_buckets), (0, 0, 1));
        let query = QueryStandingsRequest { account: user(n).to_string(), pagination: None };
        assert_eq!(world.ask(|ctx| Annotation.standings(ctx, query)).standings.len(), 1);
    }
}

#[test]
fn a_job_that_names_no_skill_has_that_of_its_type() {
    let mut world = World::new(1);
    let posted = world.post(&Post::default());
    assert_eq!(world.job(posted.id).0.skill, "classify");
    for bad in ["Digits", "two words", "a_b", "\u{e9}", &"x".repeat(33)] {
        assert_eq!(world.post_with(&Post::default(), |msg| msg.skill = bad.into()).err().unwrap().code, 120, "{bad}");
    }
    world.post_with(&Post::default(), |msg| msg.skill = "x".repeat(32)).unwrap();
    let query = QueryStandingRequest { account: user(1).to_string(), skill: String::new() };
    assert_eq!(world.refusal(|ctx| Annotation.standing(ctx, query)), 120);
}

/// Whoever commits and does not reveal is taken to have missed all the gold of the lease.
#[test]
fn a_lease_that_is_not_revealed_counts_as_its_gold_missed() {
    let mut world = World::new(8);
    let post = Post::default();
    let posted = world.post(&post);
    let mut people = honest(&post);
    people.push(Person { reveals: false, ..Person::new(user(7), post.truth) });
    world.work(posted.id, &people);
    let leases = world.leases(posted.id, &user(7), LeaseState::Unrevealed).len() as u64;
    let found = ask(&mut world, 7, "classify");
    let standing = found.standing.unwrap();
    assert!(leases > 0);
    assert_eq!((standing.gold_seen_ppm, standing.gold_hits_ppm), (leases * 1_000_000, 0));
    assert_eq!((found.gold_ppm, standing.settled_labels), (0, 0));
}

#[test]
fn older_labels_count_less_by_how_many_newer_ones_there_are() {
    let mut world = World::new(2);
    let settle = |world: &mut World, result: &WorkerResult, kappa: i64| {
        world.tx(|ctx| standing::settle(ctx, &user(2), "classify", result, kappa)).unwrap();
        ask(world, 2, "classify")
    };
    settle(&mut world, &result(4_000, ONE, Basis::Kappa), 800_000);
    world.tx(|ctx| standing::count_gold(ctx, &user(2), "classify", 200, 150)).unwrap();
    // 4,000 newer labels halve what was there: (4,000 * 0.8 / 2 + 0) / (4,000 / 2 + 4,000).
    let found = settle(&mut world, &result(4_000, 0, Basis::Kappa), 0);
    assert_eq!(found.mean_kappa_ppm, 266_666);
    let after = found.standing.unwrap();
    assert_eq!((after.gold_seen_ppm, after.gold_hits_ppm), (100_000_000, 75_000_000));
    assert_eq!((after.settled_labels, after.settled_jobs), (4_000, 2), "what earned nothing is no settled label");
    // The gate counts as kappa 0; silence and one class measure nothing.
    let gated = settle(&mut world, &result(100, 0, Basis::Excluded), 900_000).mean_kappa_ppm;
    assert!(gated < 266_666);
    assert_eq!(settle(&mut world, &result(100, ONE, Basis::Silence), 900_000).mean_kappa_ppm, gated);
    assert_eq!(settle(&mut world, &result(100, ONE, Basis::OneClass), 900_000).mean_kappa_ppm, gated);
}

#[test]
fn many_small_jobs_forget_like_one_large_one() {
    let forget = |jobs: u32, labels: u32| {
        let mut world = World::new(2);
        world.tx(|ctx| standing::settle(ctx, &user(2), "classify", &result(4_000, ONE, Basis::Kappa), 1_000_000)).unwrap();
        for _ in 0..jobs {
            world.tx(|ctx| standing::settle(ctx, &user(2), "classify", &result(labels, ONE, Basis::Silence), 0)).unwrap();
        }
        ask(&mut world, 2, "classify").standing.unwrap().labels_ppm
    };
    let (one, many) = (forget(1, 1_000), forget(100, 10));
    assert_eq!(one, 3_200_000_000);
    assert!(many < one && many > one * 97 / 100, "{many}");
}

#[test]
fn larger_leases_need_labels_and_kappa() {
    let half = rules::LEASE_KAPPA_PPM;
    for (labels, kappa, expected) in [(0, half, 1), (99, half, 1), (100, half, 2), (999, half, 2), (1_000, half, 4), (1_000, half - 1, 1)] {
        assert_eq!(rules::lease_buckets(labels, kappa), expected, "{labels} labels of {kappa}");
    }
    let mut bad = record(3, 1_000);
    bad.kappa_labels_ppm = 0;
    let genesis = Genesis { standings: vec![record(2, 1_000), bad], ..Annotation.default_genesis() };
    let mut world = World::with(3, genesis);
    let job = world.post_with(&Post::default(), |msg| msg.skill = "other".into()).unwrap().id;
    assert_eq!(world.grant(job, &user(2)).0.buckets.len(), 1, "standing holds in its own skill");
    let job = world.post(&Post::default()).id;
    assert_eq!(world.grant(job, &user(2)).0.buckets.len(), 4);
    assert_eq!(world.grant(job, &user(3)).0.buckets.len(), 1, "many labels of no worth");
}

#[test]
fn disputes_learn_a_jurors_record_by_skill_and_over_all() {
    let mut other = record(2, 300);
    (other.skill, other.kappa_labels_ppm) = ("spans".into(), 300 * 900_000);
    let genesis = Genesis { standings: vec![record(2, 100), other], ..Annotation.default_genesis() };
    let mut world = World::with(3, genesis);
    let mut ask = |n: u8, skill: &str| {
        let found = world.tx(|ctx| cairn_dispute::Record::juror(&crate::jury::Standings, ctx, &user(n), skill)).unwrap();
        found.map(|record| (record.settled_labels, record.mean_kappa_ppm))
    };
    assert_eq!(ask(2, "classify"), Some((100, 500_000)));
    assert_eq!(ask(2, ""), Some((400, 800_000)));
    assert_eq!((ask(2, "boxes"), ask(3, "")), (None, None));
}
