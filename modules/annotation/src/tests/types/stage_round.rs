//! What a producing job may ask of its verification: dynamic overlap of verdicts, an exam of those who judge.
use cairn_kernel::merkle;
use cairn_proto::cairn::annotation::v1::{
    DraftState, Exam, JobState, JobStatus, MsgAnswerExam, MsgOpenExam, MsgPostJob, MsgQualify, MsgServer, QueryLabelsRequest, QueryServer,
    Verification,
};

use super::studio::{self, Producer, drafts, open_stage, produce, verdicts, verifier};
use crate::{
    Annotation, formats,
    tests::{
        exams::close,
        world::{Person, Post, Posted, World, user},
    },
};

const SEED: [u8; 32] = [7; 32];
const SALT: [u8; 32] = [8; 32];
const TRUTHS: [u16; 4] = [1, 0, 0, 1];

fn terms(msg: &mut MsgPostJob) -> &mut Verification {
    msg.verification.as_mut().unwrap()
}

/// Three verdicts a draft, up to five where less than 95 % is known of it.
fn dynamic(msg: &mut MsgPostJob) {
    studio::text(msg);
    (terms(msg).overlap_max, terms(msg).posterior_bound_bps) = (5, 9_500);
}

fn examined(msg: &mut MsgPostJob) {
    studio::text(msg);
    terms(msg).exam = Some(exam());
}

fn exam() -> Exam {
    Exam { root: leaf().to_vec(), batches: 1, items: 4, pass: 3, content_address: "https://exam.example/".into() }
}

fn leaf() -> merkle::Hash {
    formats::exam_leaf(&formats::chain32("cairn-test-1"), &[3; 32], 0, &TRUTHS, &formats::exam_salt(&SEED, 0)).unwrap()
}

fn producers() -> Vec<Producer> {
    [(2, 95), (3, 92), (4, 50), (5, 10), (6, 90)].map(|(n, percent)| Producer::new(n, percent)).into()
}

/// A job whose drafts are in and whose stage is open, with its verifiers.
fn staged(world: &mut World, change: fn(&mut MsgPostJob), skill: u64) -> (u64, Posted, Vec<Person>) {
    let posted = world.post(&Post { change, ..studio::post() });
    produce(world, posted.id, &producers());
    let right = verdicts(world, posted.id, &producers());
    let stage = open_stage(world, posted.id, &right);
    let right = verdicts(world, posted.id, &producers());
    (posted.id, stage, (10..=17).map(|n| verifier(n, skill + u64::from(n), &right)).collect())
}

/// Drafts judged as they should be.
fn judged(world: &mut World, job: u64) -> usize {
    let right = verdicts(world, job, &producers());
    let accepted = |state: DraftState| state == DraftState::Accepted;
    drafts(world, job).iter().filter(|f| (right[&f.stage_task] == 1) == accepted(f.draft.as_ref().unwrap().state())).count()
}

#[test]
fn unsure_drafts_get_more_verdicts() {
    let settle = |change: fn(&mut MsgPostJob)| {
        let mut world = World::new(20);
        let (job, stage, people) = staged(&mut world, change, 72);
        world.work(stage.id, &people);
        world.open_gold(&stage);
        world.work_late(stage.id, &people);
        world.until(job, JobState::Closed);
        (world, job, stage.id)
    };
    let (mut fixed, plain, _) = settle(studio::text);
    let (mut world, job, stage) = settle(dynamic);
    let status = world.status(stage);
    let (with, without) = (judged(&mut world, job), judged(&mut fixed, plain));
    println!(
        "{} drafts below the bound, {} late verdicts: {with} of 300 judged rightly, {without} without",
        status.late_tasks, status.late_labels
    );
    assert!(status.late_tasks > 20 && status.late_labels > 20 && with >= without);
    let (parent, _) = world.job(stage);
    assert_eq!((parent.overlap_min, parent.overlap_max, parent.posterior_bound_bps), (3, 5, 9_500));
    let shown = world.ask(|ctx| Annotation.labels(ctx, QueryLabelsRequest { job: stage, from: 0, limit: 1_024 })).tasks;
    assert!(shown.iter().all(|task| task.labels.len() <= 7));
    let found = drafts(&mut world, job);
    let holes = shown.iter().filter(|task| !found.iter().any(|draft| draft.stage_task == task.task));
    assert!(holes.map(|task| task.labels.len()).all(|labels| labels == 0), "nobody is asked about a place without a draft");
    for id in [job, stage] {
        let money = world.money(id);
        assert_eq!(money.in_total, money.claimable + money.refunded + money.burnt + money.pool + money.staged);
    }
}

/// The escrow holds the price of as many verdicts as a draft may get: 100 tasks, 3 drafts at 10,000, 5 verdicts at 2,000.
#[test]
fn the_escrow_holds_all_verdicts() {
    let mut world = World::new(2);
    let posted = world.post(&Post { change: dynamic, ..studio::post() });
    let labels = 300 * 10_000 + 300 * 5 * 2_000;
    assert_eq!(world.money(posted.id).in_total, labels + labels * 200 / 10_000 + labels / 10);
}

#[test]
fn each_fault_of_the_terms_has_its_code() {
    let mut world = World::new(2);
    let mut refused = |change: fn(&mut Verification)| {
        let change = |msg: &mut MsgPostJob| change(terms(msg));
        world.post_with(&studio::post(), change).err().map(|error| error.code)
    };
    assert_eq!(refused(|v| v.overlap_max = 5), Some(12), "who decides between 3 and 5?");
    assert_eq!(refused(|v| (v.overlap_max, v.posterior_bound_bps) = (2, 9_000)), Some(12));
    assert_eq!(refused(|v| (v.overlap_max, v.posterior_bound_bps) = (33, 9_000)), Some(13));
    assert_eq!(refused(|v| v.overlap = 2), Some(13));
    assert_eq!(refused(|v| (v.overlap_max, v.posterior_bound_bps) = (5, 4_999)), Some(160));
    assert_eq!(refused(|v| v.posterior_bound_bps = 10_000), Some(160));
    assert_eq!(refused(|v| v.exam = Some(Exam { pass: 5, ..exam() })), Some(128));
    assert_eq!(refused(|v| (v.exam, v.duration) = (Some(exam()), 1_079)), Some(21), "600 + 120 + 300 + 60");
    assert_eq!(refused(|v| v.posterior_bound_bps = 9_000), None, "extra overlap from unearned money");
    assert_eq!(refused(|v| (v.exam, v.duration) = (Some(exam()), 1_080)), None);
    assert_eq!(refused(|v| v.exam = Some(exam())), Some(17), "an exam is used once");
}

/// Verifiers of hashed drafts sit an exam of verdicts; producers have none.
#[test]
fn verifiers_pass_an_exam() {
    let mut world = World::new(20);
    let (job, stage, _) = staged(&mut world, examined, 80);
    assert_eq!(world.claim(stage.id, &user(10)).unwrap_err().code, 123);
    for (n, answers) in [(10, [1, 0, 0, 0]), (11, [0, 0, 1, 1])] {
        let commitment = formats::exam_commitment("cairn-test-1", stage.id, 0, &user(n), &SALT, &answers).unwrap().to_vec();
        let msg = MsgQualify { annotator: user(n).to_string(), job: stage.id, batch: 0, commitment, ..MsgQualify::default() };
        world.tx(|ctx| Annotation.qualify(ctx, msg)).unwrap();
    }
    close(&mut world);
    let salt = formats::exam_salt(&SEED, 0).to_vec();
    let truths = TRUTHS.map(u32::from).to_vec();
    let open = MsgOpenExam { sender: user(1).to_string(), job: stage.id, batch: 0, salt, truths, ..MsgOpenExam::default() };
    world.tx(|ctx| Annotation.open_exam(ctx, open)).unwrap();
    for (n, answers, passes) in [(10, [1, 0, 0, 0], true), (11, [0, 0, 1, 1], false)] {
        let (annotator, answers) = (user(n).to_string(), answers.to_vec());
        let msg = MsgAnswerExam { annotator, job: stage.id, salt: SALT.to_vec(), answers, ..MsgAnswerExam::default() };
        assert_eq!(world.tx(|ctx| Annotation.answer_exam(ctx, msg)).unwrap().passed, passes);
    }
    assert_eq!(world.claim(stage.id, &user(11)).unwrap_err().code, 125);
    world.grant(stage.id, &user(10));
    assert!(world.job(job).0.qualification.is_none(), "nothing is asked of producers");
}

/// An exam that nobody passes does not make drafts cheaper: without a verdict they are paid in full.
#[test]
fn an_exam_that_nobody_passes_costs_its_requester_the_full_price() {
    let settle = |change: fn(&mut MsgPostJob)| -> (World, u64, JobStatus) {
        let mut world = World::new(20);
        let (job, stage, _) = staged(&mut world, change, 80);
        world.until(job, JobState::Closed);
        let status = world.status(stage.id);
        (world, job, status)
    };
    let (mut world, job, stage) = settle(examined);
    assert_eq!(stage.labels, 0);
    assert!((2..=6).all(|n| world.pay_per_label(job, &user(n)) == 10_000_000));
    assert!(drafts(&mut world, job).iter().all(|found| found.draft.as_ref().unwrap().state() == DraftState::Released));
    let (mut world, job, _) = settle(studio::text);
    assert!((2..=6).all(|n| world.pay_per_label(job, &user(n)) < 5_000_001), "without an exam: half");
}
