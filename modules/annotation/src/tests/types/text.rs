//! TEXT: producers write, verifiers accept or reject, and both are paid by what that is worth.
use std::collections::BTreeSet;

use cairn_kernel::Coin;
use cairn_proto::cairn::annotation::v1::{
    DraftResult, DraftState, Exam, GoldVerdict, JobState, LabelReason, LeaseState, MsgPostJob, PayReason, Qualification,
    QueryDecisionsRequest, QueryServer, SettleStep,
};

use super::studio::{self, Producer, drafts, open_stage, produce, verdicts, verifier, verify};
use crate::Annotation;
use crate::tests::world::{FOREIGN, Person, Post, WEALTH, World, noise, user};

/// Five writers of all kinds: 2 and 3 good, 4 half good, 5 bad, 6 good.
fn producers() -> Vec<Producer> {
    [(2, 95), (3, 92), (4, 50), (5, 3), (6, 90)].map(|(n, percent)| Producer::new(n, percent)).into()
}

#[test]
fn a_text_job_pays_good_writers_and_honest_judges_and_nobody_else() {
    let mut world = World::new(20);
    let five = |msg: &mut MsgPostJob| {
        studio::text(msg);
        msg.verification.as_mut().unwrap().overlap = 5;
    };
    let posted = world.post(&Post { change: five, ..studio::post() });
    let producers = producers();
    produce(&mut world, posted.id, &producers);
    let right = verdicts(&mut world, posted.id, &producers);
    assert_eq!(right.len(), 300);
    let stage = open_stage(&mut world, posted.id, &right);
    let right = verdicts(&mut world, posted.id, &producers);
    let mut people: Vec<Person> = (10..).zip([95, 92, 97, 90, 94, 93]).map(|(n, skill)| verifier(n, skill, &right)).collect();
    people.push(Person::new(user(16), |_| 1));
    people.push(Person::new(user(17), |task| u16::try_from(noise(17, task) % 2).unwrap()));
    verify(&mut world, posted.id, &stage, &people);

    let found = drafts(&mut world, posted.id);
    let state = |found: &DraftResult| found.draft.as_ref().unwrap().state();
    let wrong = found.iter().filter(|found| (right[&found.stage_task] == 1) != (state(found) == DraftState::Accepted)).count();
    assert!(wrong <= 15, "{wrong} of 300 drafts judged wrongly by five verdicts each");
    for task in 0..100 {
        let of_task: Vec<_> = found.iter().filter(|found| found.draft.as_ref().unwrap().task == task).collect();
        let chosen: Vec<_> = of_task.iter().filter(|found| found.draft.as_ref().unwrap().chosen).collect();
        assert_eq!(chosen.len(), usize::from(of_task.iter().any(|found| state(found) == DraftState::Accepted)), "task {task}");
    }
    let pay: Vec<u128> = [2, 3, 4, 5, 6].map(|n| world.pay_per_label(posted.id, &user(n)) / 1_000).into();
    println!("pay a draft of 10000, good 95 92 50 3 90 %: {pay:?}");
    assert!(pay[0] >= 8_500 && pay[1] >= 8_000 && pay[4] >= 8_000, "{pay:?}");
    assert!((4_000..6_000).contains(&pay[2]) && pay[3] <= 600, "{pay:?}");
    let judges: Vec<u128> = (10..=17).map(|n| world.pay_per_label(stage.id, &user(n)) / 1_000).collect();
    println!("pay a verdict of 2000; constant and random last: {judges:?}");
    assert!(judges[..6].iter().all(|pay| *pay >= 1_600), "{judges:?}");
    assert_eq!(judges[6], 0, "who always accepts earns nothing");
    assert!(judges[7] <= 200, "{judges:?}");
    let worker = world.worker(posted.id, &user(2)).result.unwrap();
    assert_eq!(worker.reason(), PayReason::Drafts);
    let query = QueryDecisionsRequest { job: posted.id, annotator: user(5).to_string(), pagination: None };
    let decided = world.ask(|ctx| Annotation.decisions(ctx, query));
    let reasons: BTreeSet<_> = decided.leases.iter().flat_map(|lease| lease.labels.iter().map(|label| label.reason())).collect();
    assert!(reasons.contains(&LabelReason::DraftRejected) && decided.text.contains("drafts"), "{reasons:?}");
    let (status, verdict) = (world.status(posted.id), world.status(stage.id).settlement.unwrap().gold());
    assert_eq!((verdict, status.settlement.unwrap().gold()), (GoldVerdict::Sound, GoldVerdict::Sound));
    assert!(status.asset_id > 0 && world.status(stage.id).asset_id == 0);
}

/// 300 drafts at 10,000, 900 verdicts at 2,000: 4,800,000; everybody is right.
#[test]
fn the_money_of_both_stages_adds_up_to_the_unit() {
    let mut world = World::new(20);
    let posted = world.post(&studio::post());
    let total = 4_800_000 + 96_000 + 480_000;
    assert_eq!(world.money(posted.id).in_total, total);
    let producers: Vec<_> = [(2, 100), (3, 100), (4, 50), (5, 0), (6, 100)].map(|(n, percent)| Producer::new(n, percent)).into();
    produce(&mut world, posted.id, &producers);
    let right = verdicts(&mut world, posted.id, &producers);
    let stage = open_stage(&mut world, posted.id, &right);
    assert_eq!(world.money(stage.id).in_total, 1_800_000 + 36_000 + 480_000);
    let right = verdicts(&mut world, posted.id, &producers);
    let people: Vec<Person> = (10..16).map(|n| verifier(n, 100, &right)).collect();
    verify(&mut world, posted.id, &stage, &people);
    let (first, second) = (world.money(posted.id), world.money(stage.id));
    assert_eq!(first.in_total, first.claimable + first.refunded + first.burnt + first.pool + first.staged);
    assert_eq!(first.staged, second.in_total);
    assert_eq!(second.in_total, second.claimable + second.refunded + second.burnt + second.pool);
    assert_eq!((second.claimable, second.refunded), (1_800_000, 480_000), "all verdicts paid, the gold bond back");
    let good = right.values().filter(|verdict| **verdict == 1).count() as u128;
    assert!(first.claimable <= good * 10_000 && first.claimable >= good * 9_900, "{} for {good} good drafts", first.claimable);
    let spent = first.claimable + second.claimable + first.burnt + second.burnt + first.pool + second.pool;
    assert_eq!(world.wealth(&user(1)), WEALTH - 100_000 - spent);
}

#[test]
fn nobody_judges_his_own_drafts_or_those_of_his_cluster() {
    let mut world = World::new(20);
    let posted = world.post(&studio::post());
    // 7 is of one cluster with 2, who funded it.
    world.tx(|ctx| crate::clusters::settle(ctx, &user(7), &user(2))).unwrap();
    world.tx(|ctx| crate::clusters::settle(ctx, &user(2), &user(2))).unwrap();
    let producers = producers();
    produce(&mut world, posted.id, &producers);
    let right = verdicts(&mut world, posted.id, &producers);
    let stage = open_stage(&mut world, posted.id, &right);
    let right = verdicts(&mut world, posted.id, &producers);
    // Producers judge too, where they may.
    let people: Vec<Person> = [2, 3, 4, 5, 6, 7, 10, 11, 12, 13].map(|n| verifier(n, 95, &right)).into();
    verify(&mut world, posted.id, &stage, &people);
    let buckets = world.job(posted.id).0.tasks.div_ceil(10);
    let mut seats = |job: u64, n: u8| -> BTreeSet<u32> {
        let states = [LeaseState::Revealed];
        let found = states.into_iter().flat_map(|state| world.leases(job, &user(n), state)).collect::<Vec<_>>();
        found.into_iter().flat_map(|(lease, _)| lease.buckets).map(|bucket| bucket % buckets).collect()
    };
    let mut judged = 0;
    for n in 2..=6 {
        let (made, checked) = (seats(posted.id, n), seats(stage.id, n));
        assert!(made.is_disjoint(&checked), "{n}: made {made:?}, judged {checked:?}");
        judged += checked.len();
    }
    assert!(judged > 0, "producers judge the drafts of others");
    assert!(seats(posted.id, 2).is_disjoint(&seats(stage.id, 7)), "nor does 7 judge those of 2");
}

#[test]
fn copied_drafts_earn_nothing() {
    let mut world = World::new(20);
    let posted = world.post(&studio::post());
    let producers = [(2, 100), (3, 100), (4, 60), (5, 100), (6, 0)].map(|(n, percent)| Producer::new(n, percent));
    // 5 always says what 2 says, and says it later: it comes last in each block.
    let original = Producer::new(2, 100);
    let order = [0, 1, 2, 4, 3].map(|place: usize| Producer::new(producers[place].address.as_bytes()[0], producers[place].percent));
    studio::produce_as(&mut world, posted.id, &order, |producer, tasks| {
        if producer.address == user(5) { original.labels(tasks) } else { producer.labels(tasks) }
    });
    let right = verdicts(&mut world, posted.id, &producers);
    let stage = open_stage(&mut world, posted.id, &right);
    let found = drafts(&mut world, posted.id);
    let copies: Vec<_> = found.iter().filter(|found| found.draft.as_ref().unwrap().state() == DraftState::Copied).collect();
    assert!(copies.len() >= 20, "{} copies", copies.len());
    for copy in &copies {
        let draft = copy.draft.as_ref().unwrap();
        let same = |found: &&DraftResult| {
            let other = found.draft.as_ref().unwrap();
            (other.task, &other.payload) == (draft.task, &draft.payload) && other.state() != DraftState::Copied
        };
        let first = found.iter().find(same).unwrap().draft.clone().unwrap();
        assert!((first.committed_height, first.worker) < (draft.committed_height, draft.worker));
    }
    let right = verdicts(&mut world, posted.id, &producers);
    let people: Vec<Person> = (10..16).map(|n| verifier(n, 97, &right)).collect();
    verify(&mut world, posted.id, &stage, &people);
    let status = world.status(posted.id);
    assert_eq!((status.drafts + status.draft_copies, status.draft_copies), (300, copies.len() as u64));
    // Of two equal drafts one is paid; together 2 and 5 earn no more than one of them.
    let paid = |world: &mut World, n| world.worker(posted.id, &user(n)).draft_units;
    let pair = paid(&mut world, 2) + paid(&mut world, 5);
    let tasks: BTreeSet<u32> = found
        .iter()
        .filter(|f| [user(2).to_string(), user(5).to_string()].contains(&f.annotator))
        .map(|f| f.draft.as_ref().unwrap().task)
        .collect();
    assert!(pair <= tasks.len() as u64 * 65_535);
}

#[test]
fn without_verdict_gold_the_bond_is_lost_and_people_are_paid() {
    let mut world = World::new(20);
    let posted = world.post(&studio::post());
    let producers = producers();
    produce(&mut world, posted.id, &producers);
    world.until_step(posted.id, SettleStep::AwaitVerdictGold);
    let until = world.status(posted.id).gold_deadline;
    world.go_to(until);
    assert_eq!(world.status(posted.id).stage, 0);
    world.block();
    let stage = world.status(posted.id).stage;
    assert!(stage > 0, "the stage opens at the end of the window");
    let right = verdicts(&mut world, posted.id, &producers);
    let people: Vec<Person> = (10..16).map(|n| verifier(n, 95, &right)).collect();
    world.work(stage, &people);
    world.until(stage, JobState::Closed);
    world.until(posted.id, JobState::Closed);
    let settlement = world.status(stage).settlement.unwrap();
    assert_eq!(settlement.gold(), GoldVerdict::Unopened);
    assert!((10..16).all(|n| world.worker(stage, &user(n)).result.unwrap().reason() == PayReason::GoldUnopened));
    assert_eq!(world.money(stage).gold_bond, 0);
    assert!(world.money(stage).pool >= 240_000 && world.money(stage).burnt >= 240_000, "the bond is slashed");
    assert!(world.pay_per_label(posted.id, &user(2)) > 8_000_000);
}

#[test]
fn drafts_that_nobody_judges_earn_half() {
    let mut world = World::new(20);
    let posted = world.post(&studio::post());
    let producers = producers();
    produce(&mut world, posted.id, &producers);
    let right = verdicts(&mut world, posted.id, &producers);
    let stage = open_stage(&mut world, posted.id, &right);
    world.until(stage.id, JobState::Closed);
    world.until(posted.id, JobState::Closed);
    assert!((2..=6).all(|n| world.pay_per_label(posted.id, &user(n)) / 1_000 == 4_999));
    assert!(drafts(&mut world, posted.id).iter().all(|found| found.draft.as_ref().unwrap().state() == DraftState::Unjudged));
}

#[test]
fn nobody_writes_and_the_requester_gets_all_back() {
    let mut world = World::new(3);
    let posted = world.post(&studio::post());
    world.until(posted.id, JobState::Closed);
    assert_eq!(world.wealth(&user(1)), WEALTH - 100_000);
    assert_eq!((world.status(posted.id).stage, world.status(posted.id).asset_id), (0, 0));
}

#[test]
fn a_task_that_some_skip_has_fewer_drafts_to_judge() {
    let mut world = World::new(20);
    let posted = world.post(&studio::post());
    let producers = producers();
    studio::produce_as(&mut world, posted.id, &producers, |producer, tasks| {
        let mut labels = producer.labels(tasks);
        let skips = |task: u32| task.is_multiple_of(17) && producer.address != user(3);
        labels.iter_mut().filter(|label| skips(label.task)).for_each(|label| label.draft = vec![]);
        labels
    });
    let right = verdicts(&mut world, posted.id, &producers);
    assert!(right.len() < 300 && right.len() > 280);
    let stage = open_stage(&mut world, posted.id, &right);
    let right = verdicts(&mut world, posted.id, &producers);
    let people: Vec<Person> = (10..16).map(|n| verifier(n, 95, &right)).collect();
    verify(&mut world, posted.id, &stage, &people);
    assert_eq!(world.status(stage.id).labels, right.len() as u64 * 3);
    assert_eq!(world.money(stage.id).in_total, Coin::base(right.len() as u128 * 6_000).amount * 102 / 100 + 480_000);
}

#[test]
fn a_stage_that_fails_pays_its_drafts_in_full() {
    let mut world = World::new(20);
    let posted = world.post(&studio::post());
    let producers = producers();
    produce(&mut world, posted.id, &producers);
    let right = verdicts(&mut world, posted.id, &producers);
    let stage = open_stage(&mut world, posted.id, &right);
    let right = verdicts(&mut world, posted.id, &producers);
    let people: Vec<Person> = (10..16).map(|n| verifier(n, 95, &right)).collect();
    world.work(stage.id, &people);
    // The record of its inference cannot be read.
    world.tx(|ctx| crate::state::INFERENCES.set(ctx, &stage.id, &vec![1, 2, 3])).unwrap();
    world.checked = false;
    world.until(stage.id, JobState::Quarantine);
    world.until(posted.id, JobState::Closed);
    world.check();
    assert!((2..=6).all(|n| world.pay_per_label(posted.id, &user(n)) == 10_000_000));
    assert!(drafts(&mut world, posted.id).iter().all(|found| found.draft.as_ref().unwrap().state() == DraftState::Released));
}

/// Drafts carry a partner reward as labels do, and the stage none; an exam has nothing to ask in such a job.
#[test]
fn drafts_earn_the_partner_reward_by_the_same_score() {
    const REWARD: u128 = 500;
    let mut world = World::new(20);
    let change = |msg: &mut MsgPostJob| {
        studio::text(msg);
        let exam = Exam { root: vec![9; 32], batches: 1, items: 2, pass: 1, content_address: "https://exam.example/".into() };
        msg.qualification = Some(Qualification { exam: Some(exam), ..Qualification::default() });
    };
    assert_eq!(world.post_with(&studio::post(), change).err().unwrap().code, 119);
    let reward = |msg: &mut MsgPostJob| {
        studio::text(msg);
        msg.partner_reward = Some(Coin::new(FOREIGN, REWARD).into());
    };
    let posted = world.post_with(&studio::post(), reward).unwrap();
    let producers = producers();
    produce(&mut world, posted.id, &producers);
    let right = verdicts(&mut world, posted.id, &producers);
    let stage = open_stage(&mut world, posted.id, &right);
    let right = verdicts(&mut world, posted.id, &producers);
    let people: Vec<Person> = (10..).zip([95, 92, 97, 90, 94, 93]).map(|(n, skill)| verifier(n, skill, &right)).collect();
    verify(&mut world, posted.id, &stage, &people);
    let mut paid = 0;
    for n in 2..=6 {
        let worker = world.worker(posted.id, &user(n));
        let result = worker.result.unwrap();
        let pay = (u128::from(worker.partner_labels) * REWARD * u128::from(result.score_q32)) >> 32;
        assert_eq!((worker.partner_labels, result.partner_pay.unwrap().amount), (worker.labels, pay.to_string()));
        paid += pay;
    }
    let money = crate::escrow::Money::read(&world.status(posted.id).partner_escrow.unwrap()).unwrap();
    assert_eq!((money.in_total, money.claimable), (300 * REWARD, paid));
    assert!(paid > 0 && world.status(stage.id).partner_escrow.is_none());
    assert_eq!(money.refunded + money.pool, money.in_total - paid);
}
