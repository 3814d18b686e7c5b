//! The late round of jobs of sets: who copies in it, what it finds and what it pays.
use std::collections::BTreeMap;

use cairn_kernel::Address;
use cairn_proto::cairn::annotation::v1::{
    GoldMark, JobState, LabelReason, MsgServer, QueryDecisionsRequest, QueryLabelsRequest, QueryServer, QueryTasksRequest, TaskLabels,
};

use super::multi_label::{Crowd, LABELS, answer, opening, post, truth, work, work_while};
use crate::{
    Annotation, formats,
    tests::world::{Post, World, user},
};

/// Three blind sets a task, up to five; tasks with a label below 90 % get more.
fn unsure() -> Post {
    Post { overlap_more: 2, bound_bps: 9_000, ..post() }
}

/// Users 2 to 6, each right in about nine labels of ten.
fn middling() -> Crowd {
    (2..=6).map(|n| (user(n), Box::new(move |task| answer(n, 86 + u64::from(n), task)) as _)).collect()
}

/// A job at P, about to go into its late round if it has one.
fn blind(world: &mut World, post: &Post, crowd: &Crowd) -> u64 {
    let posted = world.post(post);
    work(world, posted.id, crowd);
    world.tx(|ctx| Annotation.open_gold(ctx, opening(posted.id))).unwrap();
    posted.id
}

fn settle(world: &mut World, job: u64, crowd: &Crowd) {
    world.settle_to(job, JobState::Late);
    work_while(world, job, crowd, &[JobState::Late]);
    world.until(job, JobState::Closed);
}

fn all_labels(world: &mut World, job: u64) -> Vec<TaskLabels> {
    world.ask(|ctx| Annotation.labels(ctx, QueryLabelsRequest { job, from: 0, limit: 1_000 })).tasks
}

/// Labels that the result has wrong.
fn wrong(world: &mut World, job: u64) -> u32 {
    let tasks = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job, from: 0, limit: 1_000 })).tasks;
    tasks.iter().map(|task| (u64::from(u16::from_le_bytes([task.set[0], task.set[1]])) ^ truth(task.task)).count_ones()).sum()
}

#[test]
fn unsure_sets_get_more_answers_and_pay_stays_what_the_blind_round_found() {
    let (mut fixed, mut world) = (World::new(8), World::new(8));
    let plain = blind(&mut fixed, &post(), &middling());
    fixed.until(plain, JobState::Closed);
    let job = blind(&mut world, &unsure(), &middling());
    settle(&mut world, job, &middling());

    let (status, before) = (world.status(job), fixed.status(plain));
    let (late, first) = (status.settlement.unwrap(), before.settlement.unwrap());
    let (with, without) = (wrong(&mut world, job), wrong(&mut fixed, plain));
    println!(
        "{} tasks below the bound, {} late sets: {with} of 1000 labels wrong, {without} without",
        status.late_tasks, status.late_labels
    );
    assert!(status.late_tasks > 20 && status.late_labels > 20 && with < without);
    assert_eq!((status.labels, late.digest), (300, first.digest), "the first inference knows nothing of it");
    assert_eq!(late.late_digest.len(), 32);
    assert_eq!(late.paid_labels, first.paid_labels + status.late_labels);
    assert_eq!(late.posterior_histogram.iter().sum::<u64>(), 100);
    for n in 2..=6 {
        let (with, without) = (world.worker(job, &user(n)), fixed.worker(plain, &user(n)));
        let (result, alone) = (with.result.unwrap(), without.result.unwrap());
        assert_eq!((result.pay, result.score_q32), (alone.pay, alone.score_q32));
        let pay = (u128::from(with.late_labels) * 10_000 * u128::from(result.score_q32)) >> 32;
        assert_eq!(result.late_pay.parse().unwrap_or(0), pay, "price * late sets * score");
        assert!(with.late_labels <= with.labels / 4);
    }
    let money = world.money(job);
    assert_eq!(money.in_total, money.claimable + money.refunded + money.burnt + money.pool);
}

/// Late sets are told as such, stand in the contributors root, and nobody answers a task twice.
#[test]
fn late_sets_are_exported_as_late_and_paid_ones_are_proved() {
    let mut world = World::new(8);
    let job = blind(&mut world, &unsure(), &middling());
    settle(&mut world, job, &middling());
    let chain = formats::chain32("cairn-test-1");
    let (mut leaves, mut late) = (Vec::new(), 0);
    for task in all_labels(&mut world, job) {
        assert_eq!(task.labels.iter().filter(|label| !label.late).count(), 3);
        assert!(task.labels.len() <= 7, "at most two above the most overlap");
        late += task.labels.iter().filter(|label| label.late).count() as u64;
        let mut workers: Vec<u32> = task.labels.iter().map(|label| label.worker).collect();
        workers.dedup();
        assert_eq!(workers.len(), task.labels.len(), "nobody answers a task twice, and answers stand by worker");
        for label in task.labels.iter().filter(|label| label.paid) {
            let annotator = Address::parse(&label.annotator).unwrap();
            leaves.push(formats::paid_payload_leaf(&chain, job, task.task, &annotator, &label.set).unwrap());
        }
    }
    assert_eq!(late, world.status(job).late_labels);
    assert_eq!(world.status(job).settlement.unwrap().contributors_root, cairn_kernel::merkle::root(&leaves));
    let query = QueryDecisionsRequest { job, annotator: user(6).to_string(), pagination: None };
    let decided = world.ask(|ctx| Annotation.decisions(ctx, query)).leases;
    let marks: Vec<GoldMark> = decided.iter().flat_map(|lease| &lease.labels).map(|label| label.gold()).collect();
    assert!(marks.contains(&GoldMark::Right) && marks.contains(&GoldMark::Wrong), "a set is right where all of it is");
    let late = decided.iter().filter(|lease| lease.late).flat_map(|lease| &lease.labels);
    assert!(late.clone().count() > 0 && late.clone().all(|label| label.reason() != LabelReason::Pending));
}

/// Whoever copies the public majority of each label late earns for it what its blind sets were worth.
#[test]
fn late_copier_of_sets_earns_no_more_than_blind_skill() {
    let mut world = World::new(8);
    let mut crowd = middling();
    crowd.push((user(7), Box::new(|_| 0b11)));
    let job = blind(&mut world, &unsure(), &crowd);
    world.settle_to(job, JobState::Late);
    let majority: BTreeMap<u32, u64> = all_labels(&mut world, job)
        .into_iter()
        .map(|task| {
            let sets: Vec<u64> = task.labels.iter().map(|label| u64::from(u16::from_le_bytes([label.set[0], label.set[1]]))).collect();
            let on = |label: u16| sets.iter().filter(|set| *set >> label & 1 == 1).count() * 2 > sets.len();
            (task.task, (0..LABELS).fold(0, |set, label| set | u64::from(on(label)) << label))
        })
        .collect();
    let copiers: Crowd = crowd
        .into_iter()
        .map(|(account, _)| {
            let majority = majority.clone();
            (account, Box::new(move |task: u32| majority[&task]) as _)
        })
        .collect();
    work_while(&mut world, job, &copiers, &[JobState::Late]);
    world.until(job, JobState::Closed);
    let mut late = 0;
    for n in 2..=6 {
        let worker = world.worker(job, &user(n));
        let result = worker.result.unwrap();
        let (pay, blind): (u128, u128) = (result.late_pay.parse().unwrap_or(0), result.pay.unwrap().amount.parse().unwrap());
        let (per_late, per_blind) = (pay * 1_000 / u128::from(worker.late_labels.max(1)), blind * 1_000 / u128::from(worker.labels));
        println!("user {n}: {} late sets at {per_late}, blind ones at {per_blind}", worker.late_labels);
        assert!(per_late <= per_blind + 1 + 1_000 / u128::from(worker.labels) && worker.late_labels <= worker.labels / 4);
        late += worker.late_labels;
    }
    assert!(late > 0 && world.worker(job, &user(7)).late_labels == 0, "who always says the same gets no late seat to copy in");
}

/// Of tasks whose every label is sure nothing more is asked.
#[test]
fn sets_that_are_sure_have_no_late_round() {
    let mut world = World::new(8);
    let perfect: Crowd = (2..=6).map(|n| (user(n), Box::new(truth) as _)).collect();
    let job = blind(&mut world, &Post { bound_bps: 6_000, ..unsure() }, &perfect);
    world.until(job, JobState::Closed);
    assert_eq!((world.status(job).late_tasks, world.status(job).late_commit_until), (0, 0));
}

/// Whatever the budget of a block, the same late round of sets.
#[test]
fn a_small_budget_settles_late_sets_alike() {
    let run = |visits| {
        let mut genesis = cairn_kernel::Module::default_genesis(&Annotation);
        let params = genesis.params.as_mut().unwrap();
        (params.label_visits_per_block, params.rules.as_mut().unwrap().appeal_window) = (visits, 0);
        let mut world = World::with(8, genesis);
        let job = blind(&mut world, &unsure(), &middling());
        settle(&mut world, job, &middling());
        world.status(job)
    };
    let (fast, slow) = (run(2_000_000), run(30_000));
    assert!(slow.closed_height > fast.closed_height);
    assert_eq!(fast.late_tasks, slow.late_tasks);
    assert_eq!(fast.settlement.unwrap().digest, slow.settlement.unwrap().digest);
}

/// A set that late ones left unsure gets more of them in another wave.
#[test]
fn sets_have_waves_too() {
    let mut genesis = cairn_kernel::Module::default_genesis(&Annotation);
    let rules = genesis.params.as_mut().unwrap().rules.as_mut().unwrap();
    (rules.late_waves, rules.appeal_window) = (4, 0);
    let mut world = World::with(12, genesis);
    let crowd: Crowd = (2..=9).map(|n| (user(n), Box::new(move |task| answer(n, 88, task)) as _)).collect();
    let job = blind(&mut world, &Post { overlap_more: 4, ..unsure() }, &crowd);
    world.settle_to(job, JobState::Late);
    work_while(&mut world, job, &crowd, &[JobState::Late]);
    world.until(job, JobState::Closed);
    let status = world.status(job);
    println!("{} waves, {} late sets", status.late_wave, status.late_labels);
    assert!((2..=4).contains(&status.late_wave) && status.late_labels > status.late_labels_before.min(1));
    assert!(all_labels(&mut world, job).iter().all(|task| task.labels.len() <= 9));
}
