//! Exams whose answers are sets or drafts in the clear: the same game, another measure of what is right.
use cairn_kernel::{Address, Result, merkle};
use cairn_proto::cairn::annotation::v1::{Exam, Label, MsgAnswerExam, MsgOpenExam, MsgPostJob, MsgQualify, MsgServer, Qualification};
use cairn_truth::{Draft, DraftKind, Rect, Span};

use super::{multi_label, shapes};
use crate::{
    Annotation, formats,
    tests::{
        exams::close,
        world::{Post, World, user},
    },
};

const SEED: [u8; 32] = [7; 32];
const SALT: [u8; 32] = [8; 32];
const ITEMS: u32 = 4;

/// An exam of one batch with these truths.
struct Sheet {
    labels: Vec<Label>,
    payloads: Vec<Vec<u8>>,
}

impl Sheet {
    fn of_sets(sets: [u64; ITEMS as usize]) -> Self {
        let payloads: Vec<_> = sets.into_iter().map(multi_label::bytes).collect();
        Self { labels: labels(payloads.iter().map(|set| Label { set: set.clone(), ..Label::default() })), payloads }
    }
    fn of_drafts(drafts: [Vec<u8>; ITEMS as usize]) -> Self {
        let payloads = drafts.iter().map(|draft| formats::shapes_payload(draft).to_vec()).collect();
        Self { labels: labels(drafts.into_iter().map(|draft| Label { draft, ..Label::default() })), payloads }
    }
    fn leaf(&self) -> merkle::Hash {
        let chain = formats::chain32("cairn-test-1");
        formats::exam_payload_leaf(&chain, &[3; 32], 0, &self.payloads, &formats::exam_salt(&SEED, 0)).unwrap()
    }
    fn post(&self, world: &mut World, post: &Post, pass: u32) -> Result<u64> {
        let exam = Exam { root: self.leaf().to_vec(), batches: 1, items: ITEMS, pass, content_address: "https://exam.example/".into() };
        let asked = Qualification { exam: Some(exam), ..Qualification::default() };
        world.post_with(post, |msg: &mut MsgPostJob| msg.qualification = Some(asked)).map(|posted| posted.id)
    }
    fn opening(&self, job: u64) -> MsgOpenExam {
        let (sender, salt) = (user(1).to_string(), formats::exam_salt(&SEED, 0).to_vec());
        MsgOpenExam { sender, job, batch: 0, salt, truths: vec![], path: vec![], truth_labels: self.labels.clone() }
    }
    fn sit(&self, world: &mut World, job: u64, annotator: &Address) {
        let commitment = formats::exam_payload_commitment("cairn-test-1", job, 0, annotator, &SALT, &self.payloads).unwrap().to_vec();
        let msg = MsgQualify { annotator: annotator.to_string(), job, batch: 0, commitment, ..MsgQualify::default() };
        world.tx(|ctx| Annotation.qualify(ctx, msg)).unwrap();
    }
    fn answer(&self, world: &mut World, job: u64, annotator: &Address) -> Result<(bool, u32)> {
        let msg = MsgAnswerExam {
            annotator: annotator.to_string(),
            job,
            salt: SALT.to_vec(),
            answers: vec![],
            answer_labels: self.labels.clone(),
        };
        world.tx(|ctx| Annotation.answer_exam(ctx, msg)).map(|answer| (answer.passed, answer.right))
    }
}

/// Numbered from 0.
fn labels(given: impl Iterator<Item = Label>) -> Vec<Label> {
    (0..).zip(given).map(|(task, label)| Label { task, ..label }).collect()
}

fn a_box(moved: u32) -> Vec<u8> {
    Draft::boxes(vec![(1, Rect::new(moved, moved, moved + 100, moved + 100).unwrap())]).unwrap().encode()
}

fn a_span(start: u32) -> Vec<u8> {
    Draft::spans(vec![Span::new(start, start + 100, 0).unwrap()]).unwrap().encode()
}

/// A set is right where every label of it is.
#[test]
fn an_exam_of_sets_counts_whole_sets() {
    let mut world = World::new(5);
    let truths = Sheet::of_sets([0b1, 0b10, 0b11, 0]);
    let job = truths.post(&mut world, &multi_label::post(), 3).unwrap();
    let (good, bad) = (Sheet::of_sets([0b1, 0b10, 0b11, 0b1]), Sheet::of_sets([0b1, 0b11, 0b11, 0b1]));
    good.sit(&mut world, job, &user(2));
    bad.sit(&mut world, job, &user(3));
    close(&mut world);
    let opening = truths.opening(job);
    let mut refused = |change: fn(&mut MsgOpenExam)| {
        let mut msg = opening.clone();
        change(&mut msg);
        world.refusal(|ctx| Annotation.open_exam(ctx, msg))
    };
    assert_eq!(refused(|m| m.truths = vec![1, 2, 3, 0]), 200, "classes beside sets");
    assert_eq!(refused(|m| m.truth_labels.truncate(3)), 200);
    assert_eq!(refused(|m| m.truth_labels[1].task = 0), 200, "items are in order");
    assert_eq!(refused(|m| m.truth_labels[1].set = vec![]), 200, "none without a truth");
    assert_eq!(refused(|m| m.truth_labels[1].set = vec![0, 0b100]), 158);
    assert_eq!(refused(|m| m.truth_labels[1].class = 1), 150);
    assert_eq!(refused(|m| m.truth_labels[1].set[0] ^= 1), 139);
    world.tx(|ctx| Annotation.open_exam(ctx, opening.clone())).unwrap();
    assert_eq!(world.refusal(|ctx| Annotation.open_exam(ctx, opening)), 137);
    assert_eq!(bad.answer(&mut world, job, &user(2)).unwrap_err().code, 142);
    assert_eq!(good.answer(&mut world, job, &user(2)).unwrap(), (true, 3));
    assert_eq!(bad.answer(&mut world, job, &user(3)).unwrap(), (false, 2));
    assert_eq!(world.claim(job, &user(3)).unwrap_err().code, 125);
    world.grant(job, &user(2));
}

/// A draft is right where it agrees with the truth as well as drafts of gold tasks must: 70 % here.
#[test]
fn an_exam_of_drafts_measures_their_agreement() {
    let mut world = World::new(5);
    let truths = Sheet::of_drafts([a_box(0), a_box(50), a_box(100), a_box(200)]);
    let job = truths.post(&mut world, &shapes::post(shapes::boxes), 3).unwrap();
    // Moved by 8 of 100 pixels each way: 92^2 / (2 * 100^2 - 92^2) = 73 %; by 10: 68 %.
    let good = Sheet::of_drafts([a_box(8), a_box(58), a_box(92), a_box(500)]);
    let bad = Sheet::of_drafts([a_box(10), a_box(60), a_box(100), a_box(200)]);
    good.sit(&mut world, job, &user(2));
    bad.sit(&mut world, job, &user(3));
    close(&mut world);
    let mut torn = truths.opening(job);
    torn.truth_labels[0].draft.pop();
    assert_eq!(world.refusal(|ctx| Annotation.open_exam(ctx, torn)), 145);
    world.tx(|ctx| Annotation.open_exam(ctx, truths.opening(job))).unwrap();
    assert_eq!(good.answer(&mut world, job, &user(2)).unwrap(), (true, 3));
    assert_eq!(bad.answer(&mut world, job, &user(3)).unwrap(), (false, 2));
    world.grant(job, &user(2));
}

#[test]
fn an_exam_of_spans_is_judged_alike() {
    let mut world = World::new(3);
    let truths = Sheet::of_drafts([a_span(0), a_span(10), a_span(20), a_span(30)]);
    let job = truths.post(&mut world, &shapes::post(|msg| shapes::draws(msg, shapes::SPAN, DraftKind::Spans)), 4).unwrap();
    truths.sit(&mut world, job, &user(2));
    close(&mut world);
    world.tx(|ctx| Annotation.open_exam(ctx, truths.opening(job))).unwrap();
    assert_eq!(truths.answer(&mut world, job, &user(2)).unwrap(), (true, 4));
}

/// Labels have nothing to say in an exam of classes.
#[test]
fn an_exam_of_classes_takes_classes_only() {
    let mut world = World::new(3);
    let (posted, sheets) = crate::tests::exams::post(&mut world, &Post::default(), 6);
    crate::tests::exams::sit(&mut world, posted.id, &user(2), 0, &crate::tests::exams::truths(0)).unwrap();
    close(&mut world);
    let msg = MsgOpenExam { truth_labels: vec![Label::default()], ..sheets.opening(posted.id, 0) };
    assert_eq!(world.refusal(|ctx| Annotation.open_exam(ctx, msg)), 200);
}
