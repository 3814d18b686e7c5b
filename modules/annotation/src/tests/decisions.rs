//! Every unpaid label has its reason, and a requester cannot change what it promised.
use std::collections::BTreeMap;

use cairn_kernel::{Coin, Module};
use cairn_proto::{
    cairn::annotation::v1::{
        GoldMark, JobState, LabelReason, LeaseState, MsgCancelJob, MsgFundJob, MsgServer, MsgSkipTasks, MsgUpdateParams,
        QueryDecisionsRequest, QueryDecisionsResponse, QueryServer, SkipReason,
    },
    cosmos::base::query::v1beta1::PageRequest,
};

use super::{
    jobs::honest,
    world::{Person, Post, World, noise, user},
};
use crate::{Annotation, formats::SKIPPED, rules};

fn ask(world: &mut World, job: u64, n: u8) -> QueryDecisionsResponse {
    let query = QueryDecisionsRequest { job, annotator: user(n).to_string(), pagination: None };
    world.ask(|ctx| Annotation.decisions(ctx, query))
}

/// How often each reason occurs.
fn reasons(answer: &QueryDecisionsResponse) -> BTreeMap<LabelReason, usize> {
    let mut counts = BTreeMap::new();
    for label in answer.leases.iter().flat_map(|lease| &lease.labels) {
        *counts.entry(label.reason()).or_default() += 1;
    }
    let told: Vec<LabelReason> = answer.reasons.iter().map(|told| told.reason()).collect();
    assert_eq!(told, counts.keys().copied().collect::<Vec<_>>(), "each reason that occurs is told in words");
    assert!(answer.reasons.iter().all(|told| !told.text.is_empty()));
    counts
}

#[test]
fn every_label_has_its_reason() {
    let post = Post { tasks: 400, bucket_size: 20, gold_per_bucket: 2, overlap: 5, duration: 3_000, ..Post::default() };
    let mut world = World::new(11);
    let posted = world.post(&post);
    let job = posted.id;
    // User 10 gives its first lease back, user 11 lets it expire.
    let (returned, _) = world.grant(job, &user(10));
    let msg = MsgSkipTasks { annotator: user(10).to_string(), lease: returned.id, reason: SkipReason::Declined.into() };
    world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).unwrap();
    let (expired, _) = world.grant(job, &user(11));
    assert_eq!(reasons(&ask(&mut world, job, 11)), BTreeMap::from([(LabelReason::Pending, 20)]));
    world.go_to(expired.end_height + 1);

    let truth = post.truth;
    let skips = move |task: u32| if noise(4, task).is_multiple_of(60) { SKIPPED } else { truth(task) };
    let mut people = honest(&post);
    people.push(Person::new(user(7), |_| 0));
    people.push(Person::new(user(8), move |task| (truth(task) + 1) % 4));
    people.push(Person { reveals: false, ..Person::new(user(9), truth) });
    people[0] = Person::new(user(2), skips);
    world.work(job, &people);
    world.open_gold(&posted);
    world.until(job, JobState::Closed);

    assert_eq!(reasons(&ask(&mut world, job, 10)), BTreeMap::from([(LabelReason::GivenBack, 20)]));
    assert_eq!(reasons(&ask(&mut world, job, 11)), BTreeMap::from([(LabelReason::NotCommitted, 20)]));
    let silent = reasons(&ask(&mut world, job, 9));
    assert!(silent.len() == 1 && silent[&LabelReason::NotRevealed] >= 20);
    let wrong = ask(&mut world, job, 8);
    assert_eq!(reasons(&wrong).keys().copied().collect::<Vec<_>>(), [LabelReason::Gated]);
    assert!(wrong.text.contains("gate"));
    let lazy = reasons(&ask(&mut world, job, 7));
    assert!(lazy.len() == 1 && !lazy.contains_key(&LabelReason::Paid), "{lazy:?}");
    for n in 3..=6 {
        let answer = ask(&mut world, job, n);
        let worker = answer.worker.clone().unwrap();
        let counts = reasons(&answer);
        let paid = if worker.result.unwrap().score_q32 == 1 << 32 { LabelReason::Paid } else { LabelReason::PaidInPart };
        assert_eq!(counts, BTreeMap::from([(paid, usize::try_from(worker.labels).unwrap())]));
    }
    let skipper = ask(&mut world, job, 2);
    let skipped = skipper.leases.iter().flat_map(|lease| &lease.labels).filter(|label| label.reason() == LabelReason::Skipped);
    let skipped: Vec<u32> = skipped.map(|label| label.task).collect();
    assert!(!skipped.is_empty() && skipped.iter().all(|task| skips(*task) == SKIPPED));
}

/// Gold is marked as the settlement counted it.
#[test]
fn gold_is_marked_right_wrong_or_void() {
    let post =
        Post { tasks: 200, gold_truth: |task| if task < 20 { 3 } else { u16::try_from(noise(1, task) % 4).unwrap() }, ..Post::default() };
    let mut world = World::new(8);
    let posted = world.post(&post);
    world.work(posted.id, &honest(&post));
    assert!(ask(&mut world, posted.id, 2).leases.iter().flat_map(|lease| &lease.labels).all(|label| label.gold() == GoldMark::None));
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    let (mut void, mut seen, mut hits) = (0, 0, 0);
    for n in 2..=6 {
        let marks: Vec<GoldMark> =
            ask(&mut world, posted.id, n).leases.iter().flat_map(|lease| &lease.labels).map(|label| label.gold()).collect();
        let count = |mark: GoldMark| u32::try_from(marks.iter().filter(|found| **found == mark).count()).unwrap();
        let result = world.worker(posted.id, &user(n)).result.unwrap();
        assert_eq!(count(GoldMark::Right), result.gold_hits);
        assert_eq!(count(GoldMark::Right) + count(GoldMark::Wrong), result.gold_seen);
        (void, seen, hits) = (void + count(GoldMark::Void), seen + result.gold_seen, hits + result.gold_hits);
    }
    assert_eq!(void + seen, 60, "three voters on each of 20 gold tasks");
    assert!(hits > 40);
}

#[test]
fn decisions_come_in_pages_of_leases() {
    let mut world = World::new(3);
    let posted = world.post(&Post::default());
    let id = posted.id;
    world.grant(id, &user(2));
    world.grant(id, &user(2));
    let page = PageRequest { limit: 1, ..PageRequest::default() };
    let query = QueryDecisionsRequest { job: id, annotator: user(2).to_string(), pagination: Some(page) };
    let answer = world.ask(|ctx| Annotation.decisions(ctx, query));
    assert_eq!(answer.leases.len(), 1);
    assert!(!answer.pagination.unwrap().next_key.is_empty());
    let query = QueryDecisionsRequest { job: id, annotator: user(3).to_string(), pagination: None };
    assert_eq!(world.refusal(|ctx| Annotation.decisions(ctx, query)), 79);
}

/// Price, classes and rules of a job are what they were when it was posted, whatever anybody sends; a job with a lease cannot be cancelled.
#[test]
fn price_classes_and_rules_are_frozen() {
    let (mut world, post) = (World::new(8), Post::default());
    let posted = world.post(&post);
    let before = world.job(posted.id).0;
    let (lease, _) = world.grant(posted.id, &user(2));
    let cancel = MsgCancelJob { requester: user(1).to_string(), job: posted.id };
    assert_eq!(world.refusal(|ctx| Annotation.cancel_job(ctx, cancel.clone())), 30);
    let fund = MsgFundJob { funder: user(1).to_string(), job: posted.id, amount: Some(Coin::base(1_000_000).into()) };
    world.tx(|ctx| Annotation.fund_job(ctx, fund)).unwrap();
    let mut params = rules::test_params();
    let changed = params.rules.as_mut().unwrap();
    (changed.fee_bps, changed.lease_bond_bps, changed.gold_window, changed.account_seats_bps) = (900, 5_000, 1, 1);
    let authority = cairn_auth::authority().to_string();
    world.tx(|ctx| Annotation.update_params(ctx, MsgUpdateParams { authority, params: Some(params) })).unwrap();
    assert_eq!(world.job(posted.id).0, before);
    // The lease is over without labels: it stays impossible.
    world.go_to(lease.end_height + 1);
    assert!(world.leases(posted.id, &user(2), LeaseState::Live).is_empty());
    assert_eq!(world.refusal(|ctx| Annotation.cancel_job(ctx, cancel)), 30);
    world.work(posted.id, &honest(&post));
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    assert_eq!(world.job(posted.id).0, before);
    let paid = world.worker(posted.id, &user(3)).result.unwrap();
    assert_eq!(paid.fee.unwrap().amount, (paid.pay.unwrap().amount.parse::<u128>().unwrap() / 50).to_string(), "2 %, as posted");
    assert_eq!(Annotation.default_genesis().params.unwrap().rules.unwrap().fee_bps, 200);
}
