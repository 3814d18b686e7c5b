//! BOX, POLYGON and SPAN: drafts in the clear, gold by agreement with the truth, the medoid as result.
use std::collections::BTreeMap;

use cairn_kernel::Coin;
use cairn_proto::cairn::annotation::v1::{
    DraftState, GoldVerdict, ItemKind, JobState, JobType, Label, MsgOpenGold, MsgPostJob, MsgServer, QueryGoldStateRequest, QueryServer,
    Verification,
};
use cairn_truth::{Draft, DraftKind, Rect, Span};

use super::studio::{self, Producer, commit, drafts, produce_as, reveal, verdicts, verifier};
use crate::{
    Annotation,
    formats::GoldTree,
    tests::world::{Person, Post, World, noise, user},
};

const SEED: [u8; 32] = [6; 32];
pub(super) const SPAN: JobType = JobType::Span;

/// A box somewhere in a picture of 1,000 pixels.
fn corner(task: u32) -> (u32, u32) {
    (u32::try_from(noise(1, task) % 500).unwrap(), u32::try_from(noise(2, task) % 500).unwrap())
}

/// The right shape of a task, moved a little.
fn shape(kind: DraftKind, task: u32, moved: u32) -> Vec<u8> {
    let (x, y) = corner(task);
    let (x, y) = (x + moved, y + moved);
    let draft = match kind {
        DraftKind::Boxes => Draft::boxes(vec![(1, Rect::new(x, y, x + 100, y + 80).unwrap())]),
        DraftKind::Polygons => Draft::polygons(vec![(1, vec![(x, y), (x + 100, y), (x + 100, y + 80), (x, y + 80)])]),
        DraftKind::Spans => Draft::spans(vec![Span::new(x, x + 100, 1).unwrap()]),
    };
    draft.unwrap().encode()
}

fn truths(kind: DraftKind) -> BTreeMap<u32, Vec<u8>> {
    (0..100).filter(|task| task % 10 == 3).map(|task| (task, shape(kind, task, 0))).collect()
}

fn tree(kind: DraftKind) -> GoldTree {
    let payloads = truths(kind).into_iter().map(|(task, bytes)| (task, crate::formats::shapes_payload(&bytes).to_vec())).collect();
    GoldTree::of_payloads("cairn-test-1", &[3; 32], &SEED, 100, &payloads)
}

fn opening(kind: DraftKind, job: u64) -> MsgOpenGold {
    let path = tree(kind).path(0).unwrap().iter().map(|hash| hash.to_vec()).collect();
    let truths = truths(kind).into_iter().map(|(task, draft)| Label { task, draft, ..Label::default() }).collect();
    MsgOpenGold { sender: user(1).to_string(), job, seed: SEED.to_vec(), chunk: 0, truths, path }
}

pub(super) fn draws(msg: &mut MsgPostJob, job_type: JobType, kind: DraftKind) {
    msg.set_type(job_type);
    msg.set_item_kind(if job_type == JobType::Span { ItemKind::Text } else { ItemKind::Image });
    msg.classes = vec!["cat".into(), "dog".into()];
    msg.gold_root = tree(kind).root().to_vec();
    let price = Some(Coin::base(2_000).into());
    msg.verification =
        Some(Verification { price, overlap: 5, duration: 2_000, accept_bps: 7_500, iou_bps: 7_000, ..Verification::default() });
}

pub(super) fn boxes(msg: &mut MsgPostJob) {
    draws(msg, JobType::Box, DraftKind::Boxes);
}

pub(super) fn post(change: fn(&mut MsgPostJob)) -> Post {
    Post { classes: 2, change, ..Post::default() }
}

/// Good drafts are moved by up to 4 pixels, bad ones by 90.
fn labels(kind: DraftKind, producer: &Producer, tasks: &[u32]) -> Vec<Label> {
    let moved = |task: u32| {
        let little = u32::try_from(noise(u64::from(producer.address.as_bytes()[0]) + 9, task) % 5).unwrap();
        if producer.is_good(task) { little } else { 90 }
    };
    tasks.iter().map(|task| Label { task: *task, draft: shape(kind, *task, moved(*task)), ..Label::default() }).collect()
}

fn life(change: fn(&mut MsgPostJob), kind: DraftKind) {
    let mut world = World::new(20);
    let posted = world.post(&post(change));
    let producers: Vec<_> = [(2, 95), (3, 92), (4, 50), (5, 3), (6, 90)].map(|(n, percent)| Producer::new(n, percent)).into();
    produce_as(&mut world, posted.id, &producers, |producer, tasks| labels(kind, producer, tasks));
    world.until_step(posted.id, cairn_proto::cairn::annotation::v1::SettleStep::AwaitVerdicts);
    let stage = world.status(posted.id).stage;
    let right = verdicts(&mut world, posted.id, &producers);
    let mut people: Vec<Person> = (10..).zip([95, 92, 97, 90, 94, 93]).map(|(n, skill)| verifier(n, skill, &right)).collect();
    people.push(Person::new(user(16), |_| 1));
    world.work(stage, &people);
    assert_eq!(world.tx(|ctx| Annotation.open_gold(ctx, opening(kind, posted.id))).unwrap_err().code, 26, "the stage asks for it");
    world.tx(|ctx| Annotation.open_gold(ctx, opening(kind, stage))).unwrap();
    let state = world.ask(|ctx| Annotation.gold_state(ctx, QueryGoldStateRequest { job: stage }));
    assert_eq!((state.opened, state.chunks, state.opened_chunks), (30, 1, vec![0]), "three drafts of each of ten gold tasks");
    world.until(stage, JobState::Closed);
    world.until(posted.id, JobState::Closed);
    assert_eq!(world.status(stage).settlement.unwrap().gold(), GoldVerdict::Sound);
    let found = drafts(&mut world, posted.id);
    let state = |found: &cairn_proto::cairn::annotation::v1::DraftResult| found.draft.as_ref().unwrap().state();
    let wrong = found.iter().filter(|found| (right[&found.stage_task] == 1) != (state(found) == DraftState::Accepted)).count();
    assert!(wrong <= 15, "{wrong} of 300 drafts judged wrongly");
    for task in 0..100 {
        let accepted: Vec<_> =
            found.iter().filter(|found| found.draft.as_ref().unwrap().task == task && state(found) == DraftState::Accepted).collect();
        let shapes: Vec<Draft> = accepted.iter().map(|found| Draft::decode(kind, &found.draft.as_ref().unwrap().shapes).unwrap()).collect();
        let medoid = cairn_truth::medoid(&shapes).unwrap();
        assert_eq!(accepted.iter().position(|found| found.draft.as_ref().unwrap().chosen), medoid, "task {task}");
    }
    let pay: Vec<u128> = [2, 3, 4, 5, 6].map(|n| world.pay_per_label(posted.id, &user(n)) / 1_000).into();
    println!("{kind:?}: pay a draft of 10000, good 95 92 50 3 90 %: {pay:?}");
    assert!(pay[0] >= 8_000 && pay[1] >= 8_000 && pay[4] >= 8_000 && pay[3] <= 600, "{pay:?}");
    assert_eq!(world.pay_per_label(stage, &user(16)), 0, "who always accepts earns nothing");
    assert!((10..16).all(|n| world.pay_per_label(stage, &user(n)) >= 1_600_000));
    assert!(world.status(posted.id).asset_id > 0);
}

#[test]
fn boxes_are_drawn_judged_and_chosen() {
    life(boxes, DraftKind::Boxes);
}

#[test]
fn polygons_are_drawn_judged_and_chosen() {
    life(|msg| draws(msg, JobType::Polygon, DraftKind::Polygons), DraftKind::Polygons);
}

#[test]
fn spans_are_marked_judged_and_chosen() {
    life(|msg| draws(msg, JobType::Span, DraftKind::Spans), DraftKind::Spans);
}

fn refused(change: fn(&mut MsgPostJob)) -> u32 {
    let mut world = World::new(1);
    let mut msg = post(boxes).msg(&studio::post().gold("cairn-test-1", 1));
    change(&mut msg);
    world.refusal(|ctx| Annotation.post_job(ctx, msg))
}

#[test]
fn each_fault_of_a_drawing_job_has_its_code() {
    assert_eq!(refused(|m| m.gold_root = vec![]), 9);
    assert_eq!(refused(|m| m.classes = vec![]), 7);
    assert_eq!(refused(|m| m.set_item_kind(ItemKind::Text)), 110);
    assert_eq!(refused(|m| m.set_type(JobType::Span)), 110);
    assert_eq!(refused(|m| m.verification.as_mut().unwrap().iou_bps = 999), 146);
    assert_eq!(refused(|m| m.verification.as_mut().unwrap().iou_bps = 9_501), 146);
    assert_eq!(refused(|m| m.posterior_bound_bps = 9_000), 12);
    for change in [
        |m: &mut MsgPostJob| m.classes.truncate(1),
        |m: &mut MsgPostJob| m.verification.as_mut().unwrap().iou_bps = 1_000,
        |m: &mut MsgPostJob| m.verification.as_mut().unwrap().iou_bps = 9_500,
    ] {
        let mut world = World::new(1);
        let mut msg = post(boxes).msg(&studio::post().gold("cairn-test-1", 1));
        change(&mut msg);
        world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap();
    }
}

#[test]
fn drafts_in_the_clear_must_be_canonical_and_of_the_jobs_classes() {
    let mut genesis = cairn_kernel::Module::default_genesis(&Annotation);
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().bucket_wait = 5;
    let mut world = World::with(8, genesis);
    let posted = world.post(&post(boxes));
    let producer = Producer::new(2, 100);
    let (lease, tasks) = world.grant(posted.id, &user(2));
    let good = labels(DraftKind::Boxes, &producer, &tasks);
    commit(&mut world, &lease, &good).unwrap();
    (0..8).for_each(|_| world.block());
    let mut code = |change: &dyn Fn(&mut Label)| {
        let mut labels = good.clone();
        change(&mut labels[0]);
        reveal(&mut world, &lease, labels).unwrap_err().code
    };
    assert_eq!(code(&|l| l.class = 1), 150);
    assert_eq!(code(&|l| l.set = vec![1]), 150);
    assert_eq!(code(&|l| l.draft.push(0)), 145);
    assert_eq!(code(&|l| l.draft = vec![1; 8_193]), 145);
    assert_eq!(code(&|l| l.draft = shape(DraftKind::Spans, 0, 0)), 145, "of another kind");
    assert_eq!(code(&|l| l.draft = Draft::boxes(vec![(2, Rect::new(0, 0, 5, 5).unwrap())]).unwrap().encode()), 60, "class 2 of 2");
    assert_eq!(code(&|l| l.draft = shape(DraftKind::Boxes, 0, 300)), 61);
    assert_eq!(reveal(&mut world, &lease, good.clone()).unwrap(), 10);
}

#[test]
fn a_wrong_opening_of_a_stages_gold_has_its_code() {
    let mut world = World::new(20);
    let posted = world.post(&post(boxes));
    let producers: Vec<_> = (2..7).map(|n| Producer::new(n, 90)).collect();
    produce_as(&mut world, posted.id, &producers, |producer, tasks| labels(DraftKind::Boxes, producer, tasks));
    world.until_step(posted.id, cairn_proto::cairn::annotation::v1::SettleStep::AwaitVerdicts);
    let stage = world.status(posted.id).stage;
    let right = verdicts(&mut world, posted.id, &producers);
    let people: Vec<Person> = (10..16).map(|n| verifier(n, 95, &right)).collect();
    world.work(stage, &people);
    let mut refused = |change: &dyn Fn(&mut MsgOpenGold)| {
        let mut msg = opening(DraftKind::Boxes, stage);
        change(&mut msg);
        world.refusal(|ctx| Annotation.open_gold(ctx, msg))
    };
    assert_eq!(refused(&|m| m.chunk = 1), 64);
    assert_eq!(refused(&|m| m.truths[0].draft.push(0)), 145);
    assert_eq!(refused(&|m| m.truths[0].draft = shape(DraftKind::Boxes, 3, 1)), 72, "another truth");
    assert_eq!(refused(&|m| m.truths.truncate(9)), 72);
    assert_eq!(refused(&|m| m.truths.swap(0, 1)), 67);
    assert_eq!(refused(&|m| m.seed[0] ^= 1), 72);
    world.tx(|ctx| Annotation.open_gold(ctx, opening(DraftKind::Boxes, stage))).unwrap();
}
