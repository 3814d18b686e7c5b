//! MULTI_LABEL: sets of labels, each label inferred by itself, each annotator paid once.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Coin};
use cairn_proto::cairn::annotation::v1::{
    AppealSubject, GoldVerdict, JobState, JobType, Label, LabelReason, LeaseState, MsgAppealDecision, MsgOpenGold, MsgPostJob, MsgServer,
    PayReason, QueryDecisionsRequest, QueryLabelsRequest, QueryServer, QueryTasksRequest,
};

use super::studio::{commit, reveal};
use crate::{
    Annotation,
    formats::{self, GoldTree},
    tests::world::{Post, World, noise, user},
};

pub(super) const LABELS: u16 = 10;
const SEED: [u8; 32] = [4; 32];

/// About a third of the labels is on.
pub(super) fn truth(task: u32) -> u64 {
    (0..LABELS).fold(0, |set, label| set | u64::from(noise(u64::from(label) + 50, task).is_multiple_of(3)) << label)
}

/// Each label right in `percent` of the tasks.
pub(super) fn answer(n: u8, percent: u64, task: u32) -> u64 {
    let wrong = |label: u16| noise(u64::from(n) * 1_000 + u64::from(label), task) % 100 >= percent;
    (0..LABELS).fold(truth(task), |set, label| if wrong(label) { set ^ (1 << label) } else { set })
}

pub(super) fn bytes(set: u64) -> Vec<u8> {
    set.to_le_bytes()[..2].to_vec()
}

pub(super) fn truths() -> BTreeMap<u32, u64> {
    (0..100).filter(|task| task % 10 == 3).map(|task| (task, truth(task))).collect()
}

fn tree() -> GoldTree {
    let payloads = truths().into_iter().map(|(task, set)| (task, bytes(set))).collect();
    GoldTree::of_payloads("cairn-test-1", &[3; 32], &SEED, 100, &payloads)
}

fn multi_label(msg: &mut MsgPostJob) {
    msg.set_type(JobType::MultiLabel);
    msg.classes = (0..LABELS).map(|label| format!("label {label}")).collect();
    msg.gold_root = tree().root().to_vec();
}

pub(super) fn post() -> Post {
    Post { change: multi_label, ..Post::default() }
}

pub(super) fn opening(job: u64) -> MsgOpenGold {
    let label = |(task, set)| Label { task, set: bytes(set), ..Label::default() };
    let path = tree().path(0).unwrap().iter().map(|hash| hash.to_vec()).collect();
    MsgOpenGold { sender: user(1).to_string(), job, seed: SEED.to_vec(), chunk: 0, truths: truths().into_iter().map(label).collect(), path }
}

/// Who gives which set to a task.
pub(super) type Crowd = Vec<(Address, Box<dyn Fn(u32) -> u64>)>;

pub(super) fn honest() -> Crowd {
    let mut crowd = Crowd::new();
    for (n, percent) in (2..).zip([95, 92, 97, 90, 94]) {
        crowd.push((user(n), Box::new(move |task| answer(n, percent, task))));
    }
    crowd
}

/// Lets a crowd work until the blind round is over.
pub(super) fn work(world: &mut World, job: u64, crowd: &Crowd) {
    work_while(world, job, crowd, &[JobState::Open, JobState::Revealing]);
}

/// Lets a crowd work while the job is in one of these states.
pub(super) fn work_while(world: &mut World, job: u64, crowd: &Crowd, states: &[JobState]) {
    let labels = |answer: &dyn Fn(u32) -> u64, tasks: &[u32]| -> Vec<Label> {
        tasks.iter().map(|task| Label { task: *task, set: bytes(answer(*task)), ..Label::default() }).collect()
    };
    for _ in 0..20_000 {
        if !states.contains(&world.status(job).state()) {
            return;
        }
        for (account, answer) in crowd {
            let _refused = world.claim(job, account);
            for (lease, tasks) in world.leases(job, account, LeaseState::Live) {
                commit(world, &lease, &labels(answer, &tasks)).unwrap();
            }
            for (lease, tasks) in world.leases(job, account, LeaseState::Committed) {
                if lease.reveal_from > 0 && world.height() >= lease.reveal_from {
                    reveal(world, &lease, labels(answer, &tasks)).unwrap();
                }
            }
        }
        world.block();
    }
    panic!("job {job} never ended");
}

fn refused(change: fn(&mut MsgPostJob)) -> u32 {
    let mut world = World::new(1);
    let mut msg = post().msg(&post().gold("cairn-test-1", 1));
    change(&mut msg);
    world.refusal(|ctx| Annotation.post_job(ctx, msg))
}

#[test]
fn a_job_of_sets_has_two_to_sixty_four_labels() {
    assert_eq!(refused(|m| m.classes.truncate(1)), 7);
    assert_eq!(refused(|m| m.classes.extend((10..65).map(|n| n.to_string()))), 7);
    assert_eq!(refused(|m| m.gold_root = vec![]), 9);
    for change in [|m: &mut MsgPostJob| m.classes.truncate(2), |m: &mut MsgPostJob| m.classes.extend((10..64).map(|n| n.to_string()))] {
        let mut world = World::new(1);
        let mut msg = post().msg(&post().gold("cairn-test-1", 1));
        change(&mut msg);
        world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap();
    }
}

#[test]
fn sets_are_inferred_label_by_label_and_paid_once() {
    let mut world = World::new(9);
    let posted = world.post(&Post { overlap: 5, ..post() });
    let mut crowd = honest();
    crowd.push((user(7), Box::new(|_| 0b11)));
    crowd.push((user(8), Box::new(|task| noise(8, task) % (1 << LABELS))));
    work(&mut world, posted.id, &crowd);
    world.tx(|ctx| Annotation.open_gold(ctx, opening(posted.id))).unwrap();
    world.until(posted.id, JobState::Closed);
    let tasks = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: posted.id, from: 0, limit: 1_000 })).tasks;
    let wrong: u32 =
        tasks.iter().map(|task| (u64::from(u16::from_le_bytes([task.set[0], task.set[1]])) ^ truth(task.task)).count_ones()).sum();
    assert!(wrong <= 60, "{wrong} of 1000 labels wrong");
    assert!(tasks.iter().all(|task| task.posterior.len() == 10 && task.votes.len() == 10 && task.class == 0));
    let gold: Vec<_> = tasks.iter().filter(|task| task.gold).map(|task| (task.task, task.truth_set.clone())).collect();
    assert_eq!(gold, truths().into_iter().map(|(task, set)| (task, bytes(set))).collect::<Vec<_>>());
    let pay: Vec<u128> = (2..=8).map(|n| world.pay_per_label(posted.id, &user(n)) / 1_000).collect();
    println!("pay a set of 10000; constant and random last: {pay:?}");
    assert!(pay[..5].iter().all(|pay| *pay >= 7_000), "{pay:?}");
    assert!(pay[5] <= 200 && pay[6] <= 1_000, "{pay:?}");
    let settlement = world.status(posted.id).settlement.unwrap();
    assert_eq!((settlement.gold(), settlement.model.split(',').count()), (GoldVerdict::Sound, 10));
    assert_eq!(settlement.posterior_histogram.iter().sum::<u64>(), 100);
    assert_eq!(world.worker(posted.id, &user(2)).result.unwrap().reason(), PayReason::Skill);
    let query = QueryDecisionsRequest { job: posted.id, annotator: user(2).to_string(), pagination: None };
    let decided = world.ask(|ctx| Annotation.decisions(ctx, query));
    assert!(decided.leases.iter().flat_map(|lease| &lease.labels).all(|label| label.reason() != LabelReason::Skipped));
}

/// The root over paid sets is that of the leaves which anybody can make from the exported ones.
#[test]
fn the_contributors_root_holds_every_paid_set() {
    let mut world = World::new(9);
    let posted = world.post(&post());
    work(&mut world, posted.id, &honest());
    world.tx(|ctx| Annotation.open_gold(ctx, opening(posted.id))).unwrap();
    world.until(posted.id, JobState::Closed);
    let chain = formats::chain32("cairn-test-1");
    let page = world.ask(|ctx| Annotation.labels(ctx, QueryLabelsRequest { job: posted.id, from: 0, limit: 1_000 }));
    let mut leaves = Vec::new();
    for task in page.tasks {
        for label in task.labels.iter().filter(|label| label.paid) {
            let annotator = Address::parse(&label.annotator).unwrap();
            leaves.push(formats::paid_payload_leaf(&chain, posted.id, task.task, &annotator, &label.set).unwrap());
        }
    }
    assert_eq!(leaves.len(), 300);
    assert_eq!(world.status(posted.id).settlement.unwrap().contributors_root, cairn_kernel::merkle::root(&leaves));
}

#[test]
fn false_gold_of_sets_is_slashed_label_by_label() {
    let mut world = World::new(9);
    let wrong = |task: u32| truth(task) ^ 0b11_1111;
    let payloads = truths().into_keys().map(|task| (task, bytes(wrong(task)))).collect();
    let tree = GoldTree::of_payloads("cairn-test-1", &[3; 32], &SEED, 100, &payloads);
    let mut msg = post().msg(&post().gold("cairn-test-1", 1));
    msg.gold_root = tree.root().to_vec();
    let job = world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap().job;
    work(&mut world, job, &honest());
    let label = |task| Label { task, set: bytes(wrong(task)), ..Label::default() };
    let gold = MsgOpenGold { truths: truths().into_keys().map(label).collect(), ..opening(job) };
    world.tx(|ctx| Annotation.open_gold(ctx, gold)).unwrap();
    world.until(job, JobState::Closed);
    assert_eq!(world.status(job).settlement.unwrap().gold(), GoldVerdict::False);
    assert_eq!(world.money(job).gold_bond, 0);
    assert_eq!(world.money(job).refunded, 300_000 - 180_000, "six of ten labels are false; their parts of the bond are gone");
    assert!((2..=6).all(|n| world.pay_per_label(job, &user(n)) > 7_500_000));
}

/// Several labels of a set say what gold says of an annotator, so that no one answer is appealed but the score itself.
#[test]
fn a_score_of_sets_is_appealed_and_its_gold_is_not() {
    let mut world = World::with(12, cairn_kernel::Module::default_genesis(&Annotation));
    let posted = world.post(&Post { overlap: 5, ..post() });
    let mut crowd = honest();
    crowd.push((user(7), Box::new(|_| 0b11)));
    work(&mut world, posted.id, &crowd);
    world.tx(|ctx| Annotation.open_gold(ctx, opening(posted.id))).unwrap();
    world.until(posted.id, JobState::Appeal);
    let appeal = |subject: AppealSubject| MsgAppealDecision {
        appellant: user(7).to_string(),
        job: posted.id,
        subject: subject.into(),
        task: 3,
        ..MsgAppealDecision::default()
    };
    assert_eq!(world.refusal(|ctx| Annotation.appeal_decision(ctx, appeal(AppealSubject::Gold))), 201);
    world.tx(|ctx| Annotation.appeal_decision(ctx, appeal(AppealSubject::Worker))).unwrap();
    world.until(posted.id, JobState::Closed);
}

#[test]
fn sets_are_revealed_as_they_were_committed() {
    let mut genesis = cairn_kernel::Module::default_genesis(&Annotation);
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().bucket_wait = 5;
    let mut world = World::with(8, genesis);
    let posted = world.post(&Post { price: Coin::base(1_000), ..post() });
    let (lease, tasks) = world.grant(posted.id, &user(2));
    let labels: Vec<Label> = tasks.iter().map(|task| Label { task: *task, set: bytes(truth(*task)), ..Label::default() }).collect();
    let mut skipping = labels.clone();
    skipping[0].set = vec![];
    commit(&mut world, &lease, &skipping).unwrap();
    (0..8).for_each(|_| world.block());
    let mut code = |change: fn(&mut Vec<Label>)| {
        let mut labels = skipping.clone();
        change(&mut labels);
        reveal(&mut world, &lease, labels).unwrap_err().code
    };
    assert_eq!(code(|l| l[1].class = 1), 150);
    assert_eq!(code(|l| l[1].draft = vec![1; 32]), 150);
    assert_eq!(code(|l| l[1].set = vec![0; 3]), 158);
    assert_eq!(code(|l| l[1].set = vec![0, 0b100]), 158, "label 10 of 10");
    assert_eq!(code(|l| l[1].set[0] ^= 1), 61);
    assert_eq!(code(|l| l[0].set = vec![0, 0]), 61, "no label is another answer than a skipped task");
    assert_eq!(reveal(&mut world, &lease, skipping.clone()).unwrap(), 9);
}
