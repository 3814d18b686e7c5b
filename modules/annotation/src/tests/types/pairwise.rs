//! PAIRWISE: which of two items is better, and the ranking that follows.
use cairn_proto::cairn::annotation::v1::{
    ItemKind, JobState, JobType, MsgOpenPairs, MsgPostJob, MsgServer, Pair, QueryPairsRequest, QueryRankingRequest, QueryServer,
    QueryTasksRequest, TaskPair,
};

use crate::{
    Annotation,
    formats::{self, PairsTree, Side},
    tests::world::{Person, Post, Posted, World, noise, user},
};

/// Contestants of the jobs; the better one has the higher number.
const CONTESTANTS: u32 = 8;
/// The chain of the tests.
const CHAIN: &str = "cairn-test-1";

/// The seed of `Post::gold`.
fn seed() -> [u8; 32] {
    let mut seed = [5; 32];
    seed[..8].copy_from_slice(&1_u64.to_be_bytes());
    seed
}

/// Who is compared in a task.
fn compared(task: u32) -> (u32, u32) {
    let (left, distance) = (task % CONTESTANTS, 1 + u32::try_from(noise(4, task) % u64::from(CONTESTANTS - 1)).unwrap());
    (left, (left + distance) % CONTESTANTS)
}

fn better(task: u32) -> u16 {
    let (left, right) = compared(task);
    u16::from(right > left)
}

fn pairs() -> Vec<(u32, u32)> {
    (0..100).map(compared).collect()
}

fn tree() -> PairsTree {
    PairsTree::new(CHAIN, &[3; 32], &seed(), &pairs())
}

fn pairwise(msg: &mut MsgPostJob) {
    msg.set_type(JobType::Pairwise);
    msg.set_item_kind(ItemKind::Pair);
    msg.media_type = formats::PAIR_MEDIA_TYPE.into();
    msg.classes = ["left", "right"].map(str::to_owned).to_vec();
}

fn post() -> Post {
    Post { classes: 2, truth: better, gold_truth: better, change: pairwise, ..Post::default() }
}

/// The same with a ranking. Of the first job of a world.
fn ranked() -> Post {
    let change = |msg: &mut MsgPostJob| {
        pairwise(msg);
        msg.contestants = CONTESTANTS;
        msg.pairs_root = tree().root().to_vec();
    };
    Post { change, ..post() }
}

fn opening(job: u64) -> MsgOpenPairs {
    let pairs = pairs().into_iter().map(|(left, right)| Pair { left, right }).collect();
    let path = tree().path(0).unwrap().into_iter().map(|hash| hash.to_vec()).collect();
    MsgOpenPairs { sender: user(8).to_string(), job, seed: seed().to_vec(), chunk: 0, pairs, path }
}

fn honest() -> Vec<Person> {
    (2..).zip([95, 92, 97, 90, 94]).map(|(n, skill)| Person::skilled(user(n), skill, better, 2)).collect()
}

/// A ranked job whose reveals are closed.
fn closed() -> (World, Posted) {
    let mut world = World::new(8);
    let posted = world.post(&ranked());
    world.work(posted.id, &honest());
    assert_eq!(world.status(posted.id).state(), JobState::Gold);
    (world, posted)
}

fn refused(change: fn(&mut MsgPostJob)) -> u32 {
    let mut world = World::new(1);
    let mut msg = ranked().msg(&post().gold(CHAIN, 1));
    change(&mut msg);
    world.refusal(|ctx| Annotation.post_job(ctx, msg))
}

#[test]
fn pairs_have_fixed_classes_and_items() {
    assert_eq!(refused(|m| m.classes[1] = "tie".into()), 111);
    assert_eq!(refused(|m| m.classes.extend(["tie".into(), "neither".into()])), 111);
    assert_eq!(refused(|m| m.set_item_kind(ItemKind::Image)), 110);
    assert_eq!(refused(|m| m.contestants = 1), 113);
    assert_eq!(refused(|m| m.contestants = 65_537), 113);
    assert_eq!(refused(|m| m.contestants = 0), 113);
    assert_eq!(refused(|m| m.pairs_root = vec![]), 9);
    assert_eq!(refused(|m| m.set_type(JobType::Classify)), 112);
    for change in [|m: &mut MsgPostJob| m.classes.push("tie".into()), |m: &mut MsgPostJob| m.contestants = 65_536] {
        let mut world = World::new(1);
        let mut msg = ranked().msg(&post().gold(CHAIN, 1));
        change(&mut msg);
        world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap();
    }
}

#[test]
fn preferences_are_inferred_and_paid() {
    let mut world = World::new(9);
    let mut people = honest();
    people.push(Person::new(user(7), |_| 0));
    let posted = world.run_job(&post(), &people);
    let tasks = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: posted.id, from: 0, limit: 1_000 })).tasks;
    let right = tasks.iter().filter(|task| task.class == u32::from(better(task.task))).count();
    assert!(right >= 92, "{right} of 100 right");
    assert!((2..=6).all(|n| world.pay_per_label(posted.id, &user(n)) > 7_000_000));
    assert_eq!(world.pay_per_label(posted.id, &user(7)), 0, "always left");
}

#[test]
fn each_wrong_opening_of_pairs_has_its_code() {
    let (mut world, posted) = closed();
    let mut refused = |change: &dyn Fn(&mut MsgOpenPairs)| {
        let mut msg = opening(posted.id);
        change(&mut msg);
        world.refusal(|ctx| Annotation.open_pairs(ctx, msg))
    };
    assert_eq!(refused(&|m| m.job = 9), 25);
    assert_eq!(refused(&|m| m.seed = vec![5; 31]), 9);
    assert_eq!(refused(&|m| m.pairs = vec![]), 7);
    assert_eq!(refused(&|m| m.pairs = vec![Pair::default(); 1_025]), 7);
    assert_eq!(refused(&|m| m.chunk = 1), 64);
    assert_eq!(refused(&|m| m.pairs.truncate(99)), 115);
    assert_eq!(refused(&|m| m.pairs[5].left = CONTESTANTS), 116);
    assert_eq!(refused(&|m| m.pairs[5].right = m.pairs[5].left), 116);
    assert_eq!(refused(&|m| m.pairs[5] = Pair { left: m.pairs[5].right, right: m.pairs[5].left }), 118);
    assert_eq!(refused(&|m| m.seed[31] ^= 1), 118);
    assert_eq!(refused(&|m| m.path = vec![vec![0; 32]]), 118);
    assert_eq!(refused(&|m| m.path = vec![vec![0; 31]]), 71);
    let ask = |from, limit| move |ctx: &cairn_kernel::Ctx| Annotation.pairs(ctx, QueryPairsRequest { job: 1, from, limit });
    assert_eq!(world.ask(ask(0, 0)).pairs, []);
    world.tx(|ctx| Annotation.open_pairs(ctx, opening(posted.id))).unwrap();
    assert_eq!(world.refusal(|ctx| Annotation.open_pairs(ctx, opening(posted.id))), 117);
    let page = world.ask(ask(98, 1));
    let (left, right) = compared(98);
    assert_eq!((page.pairs, page.next), (vec![TaskPair { task: 98, left, right }], 99));
    assert_eq!(world.ask(ask(0, 0)).pairs.len(), 100);
    // The gold must come under the same seed.
    world
        .tx(|ctx| {
            let mut run = crate::job::Running::load(ctx, posted.id)?;
            run.status.gold_seed[0] ^= 1;
            run.save(ctx)
        })
        .unwrap();
    assert_eq!(world.refusal(|ctx| Annotation.open_gold(ctx, posted.gold.opening(posted.id, 0, 100))), 66);
}

#[test]
fn pairs_are_opened_in_the_gold_window_of_a_ranked_job() {
    let mut world = World::new(8);
    let posted = world.post(&ranked());
    assert_eq!(world.refusal(|ctx| Annotation.open_pairs(ctx, opening(posted.id))), 26);
    let plain = world.post(&post());
    assert_eq!(world.refusal(|ctx| Annotation.open_pairs(ctx, opening(plain.id))), 114);
    world.work(posted.id, &honest());
    let deadline = world.status(posted.id).gold_deadline;
    world.open_gold(&posted);
    world.block();
    assert_eq!(world.status(posted.id).state(), JobState::Gold, "the pairs may still come");
    world.go_to(deadline);
    world.tx(|ctx| Annotation.open_pairs(ctx, opening(posted.id))).unwrap();
    assert_eq!(world.status(posted.id).state(), JobState::Infer, "all is open");
}

#[test]
fn pairs_that_are_not_opened_cost_the_ranking_and_nothing_else() {
    let (mut world, posted) = closed();
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    assert!((2..=6).all(|n| world.pay_per_label(posted.id, &user(n)) > 7_000_000));
    let money = world.money(posted.id);
    assert!(world.status(posted.id).settlement.unwrap().ranking_digest.is_empty());
    assert_eq!((money.burnt > 0, money.refunded >= 200_000), (true, true), "the gold bond is back");
}

#[test]
fn contestants_are_ranked_by_what_was_inferred() {
    let (mut world, posted) = closed();
    let ask = |from, limit| move |ctx: &cairn_kernel::Ctx| Annotation.ranking(ctx, QueryRankingRequest { job: 1, from, limit });
    world.tx(|ctx| Annotation.open_pairs(ctx, opening(posted.id))).unwrap();
    world.open_gold(&posted);
    assert_eq!(world.ask(ask(0, 0)).ranking, []);
    world.until(posted.id, JobState::Closed);
    let page = world.ask(ask(0, 0));
    let order: Vec<u32> = page.ranking.iter().map(|ranked| ranked.contestant).collect();
    assert_eq!(order, [7, 6, 5, 4, 3, 2, 1, 0], "the better one has the higher number");
    assert_eq!((page.ranking[0].place, page.next), (1, 0));
    assert_eq!(page.ranking.iter().map(|ranked| ranked.comparisons).sum::<u64>(), 200);
    assert!(page.ranking.is_sorted_by(|a, b| a.rating_q16 >= b.rating_q16 && a.elo >= b.elo));
    let rest = world.ask(ask(6, 1));
    assert_eq!((rest.ranking[0].place, rest.ranking[0].contestant, rest.next), (7, 1, 7));
    assert_eq!(world.status(posted.id).settlement.unwrap().ranking_digest.len(), 32);
}

#[test]
fn a_pair_is_read_as_it_was_written() {
    let (left, right) = (Side { media_type: "image/png", content: b"abc" }, Side { media_type: "text/plain", content: b"" });
    let bytes = formats::pair(&left, &right).unwrap();
    assert_eq!(bytes.len(), 16 + 1 + 9 + 8 + 3 + 1 + 10 + 8);
    assert_eq!(formats::read_pair(&bytes), Some((left, right)));
    for end in 0..bytes.len() {
        assert_eq!(formats::read_pair(&bytes[..end]), None);
    }
    assert_eq!(formats::read_pair(&[&bytes[..], &[0]].concat()), None, "to the last byte");
    let mut huge = bytes.clone();
    huge[26..34].fill(0xff);
    assert_eq!(formats::read_pair(&huge), None);
    assert!(formats::pair(&Side { media_type: &"x".repeat(256), content: b"" }, &right).is_none());
}
