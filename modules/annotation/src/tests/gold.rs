//! Gold: openings and their refusals, buckets that reach over a chunk's edge, windows and verdicts.
use std::collections::BTreeMap;

use cairn_proto::cairn::annotation::v1::{
    GoldVerdict, JobState, Label, MsgOpenGold, MsgServer, QueryGoldStateRequest, QueryServer, Settlement,
};

use super::{
    jobs::honest,
    world::{GoldSecret, Post, Posted, World, user},
};
use crate::{
    Annotation,
    formats::{self, GoldTree},
};

fn open(world: &mut World, msg: MsgOpenGold) -> Result<u32, u32> {
    world.tx(|ctx| Annotation.open_gold(ctx, msg)).map(|answer| answer.chunks_left).map_err(|error| {
        assert_eq!(error.codespace, "annotation", "{error}");
        error.code
    })
}

/// A job whose reveals are closed.
fn closed(post: &Post) -> (World, Posted) {
    let mut world = World::new(8);
    let posted = world.post(post);
    world.work(posted.id, &honest(post));
    (world, posted)
}

#[test]
fn gold_is_opened_once_by_anybody_who_knows_it() {
    let post = Post::default();
    let mut world = World::new(8);
    let posted = world.post(&post);
    let msg = MsgOpenGold { sender: user(8).to_string(), ..posted.gold.opening(posted.id, 0, 100) };
    assert_eq!(open(&mut world, msg.clone()).unwrap_err(), 26, "not before the reveals are closed");
    world.work(posted.id, &honest(&post));
    assert_eq!(open(&mut world, msg.clone()), Ok(0));
    assert_eq!(open(&mut world, msg).unwrap_err(), 26, "all gold is open: the inference has begun");
    let state = world.ask(|ctx| Annotation.gold_state(ctx, QueryGoldStateRequest { job: posted.id }));
    assert_eq!((state.opened, state.opened_chunks, state.chunks), (10, vec![0], 1));
    world.block();
    world.until(posted.id, JobState::Closed);
    let state = world.ask(|ctx| Annotation.gold_state(ctx, QueryGoldStateRequest { job: posted.id }));
    assert_eq!((state.verdict(), state.void), (GoldVerdict::Sound, 0));
}

#[test]
fn each_wrong_opening_has_its_code() {
    let (mut world, posted) = closed(&Post::default());
    let good = posted.gold.opening(posted.id, 0, 100);
    let mut refused = |change: &dyn Fn(&mut MsgOpenGold)| {
        let mut msg = good.clone();
        change(&mut msg);
        open(&mut world, msg).unwrap_err()
    };
    assert_eq!(refused(&|m| m.job = 9), 25);
    assert_eq!(refused(&|m| m.seed = vec![5; 31]), 9);
    assert_eq!(refused(&|m| m.truths = vec![Label::default(); 1_025]), 7);
    assert_eq!(refused(&|m| m.chunk = 1), 64);
    assert_eq!(refused(&|m| m.truths.swap(0, 1)), 67);
    assert_eq!(refused(&|m| m.truths[9].task = 100), 68);
    assert_eq!(refused(&|m| m.truths[0].class = 4), 69);
    assert_eq!(refused(&|m| m.seed[31] ^= 1), 72);
    assert_eq!(refused(&|m| m.truths[0].class = (m.truths[0].class + 1) % 4), 72, "another truth");
    assert_eq!(refused(&|m| m.truths.truncate(9)), 72, "a gold task left out");
    assert_eq!(refused(&|m| m.path = vec![vec![0; 32]]), 72);
    assert_eq!(refused(&|m| m.path = vec![vec![0; 31]]), 71);
    assert_eq!(refused(&|m| m.path = vec![vec![0; 32]; 65]), 71);
    assert_eq!(open(&mut world, good), Ok(0));
}

#[test]
fn the_gold_window_ends_to_the_block() {
    let post = Post::default();
    let (mut world, posted) = closed(&post);
    let deadline = world.status(posted.id).gold_deadline;
    world.go_to(deadline);
    let msg = posted.gold.opening(posted.id, 0, 100);
    let mut late = World::new(8);
    let same = late.post(&post);
    late.work(same.id, &honest(&post));
    assert_eq!(open(&mut world, msg), Ok(0), "the last height counts");
    late.go_to(deadline + 1);
    assert_eq!(open(&mut late, same.gold.opening(same.id, 0, 100)).unwrap_err(), 26);
    late.until(same.id, JobState::Closed);
    assert_eq!(late.status(same.id).settlement.unwrap().gold(), GoldVerdict::Unopened);
}

/// 2,100 tasks in 210 buckets of 10: buckets 102 and 204 reach over the edges at 1,024 and 2,048.
fn three_chunks(truths: impl Fn(&BTreeMap<u32, u16>) -> BTreeMap<u32, u16>) -> (World, u64, GoldSecret) {
    let post = Post { tasks: 2_100, ..Post::default() };
    let mut world = World::new(8);
    let honest_gold = post.gold(&world.chain.block.chain_id.clone(), 1);
    let truths = truths(&honest_gold.truths);
    let tree = GoldTree::new(&world.chain.block.chain_id, &[3; 32], &honest_gold.seed, 2_100, &truths);
    let gold = GoldSecret { seed: honest_gold.seed, truths, tree };
    let msg = post.msg(&gold);
    let job = world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap().job;
    // Brought to the gold window without three thousand leases.
    world
        .tx(|ctx| {
            let mut run = crate::job::Running::load(ctx, job)?;
            run.enter(ctx, JobState::Gold)?;
            run.status.gold_deadline = 1_000;
            run.status.settlement = Some(Settlement::default());
            run.save(ctx)
        })
        .unwrap();
    (world, job, gold)
}

#[test]
fn chunks_are_opened_in_any_order_under_one_seed() {
    let (mut world, job, gold) = three_chunks(Clone::clone);
    assert_eq!(gold.truths.len(), 210);
    assert_eq!(open(&mut world, gold.opening(job, 2, 2_100)), Ok(2));
    assert_eq!(open(&mut world, gold.opening(job, 2, 2_100)).unwrap_err(), 65);
    let other = MsgOpenGold { seed: vec![1; 32], ..gold.opening(job, 0, 2_100) };
    assert_eq!(open(&mut world, other).unwrap_err(), 66);
    let wrong = MsgOpenGold { chunk: 1, ..gold.opening(job, 0, 2_100) };
    assert_eq!(open(&mut world, wrong).unwrap_err(), 68);
    assert_eq!(open(&mut world, gold.opening(job, 0, 2_100)), Ok(1));
    assert_eq!(open(&mut world, gold.opening(job, 1, 2_100)), Ok(0));
    assert_eq!(world.status(job).gold_opened, 210);
}

/// Moves the gold task of a bucket.
fn moved(truths: &BTreeMap<u32, u16>, from: std::ops::Range<u32>, to: Option<u32>) -> BTreeMap<u32, u16> {
    let mut out: BTreeMap<u32, u16> = truths.iter().filter(|(task, _)| !from.contains(task)).map(|(t, c)| (*t, *c)).collect();
    out.extend(to.map(|task| (task, 0)));
    out
}

#[test]
fn every_bucket_holds_exactly_its_gold() {
    let (mut world, job, gold) = three_chunks(|truths| moved(truths, 50..60, None));
    assert_eq!(open(&mut world, gold.opening(job, 0, 2_100)).unwrap_err(), 70, "bucket 5 has none");
    let (mut world, job, gold) = three_chunks(|truths| {
        let mut more = truths.clone();
        more.extend([(50, 0), (51, 0)]);
        more
    });
    assert_eq!(open(&mut world, gold.opening(job, 0, 2_100)).unwrap_err(), 70, "bucket 5 has two");
}

#[test]
fn a_bucket_over_a_chunks_edge_is_counted_when_both_are_open() {
    // Gold on one side of the edge only, then on none, then on both.
    let (mut world, job, gold) = three_chunks(|truths| moved(truths, 1_020..1_030, Some(1_028)));
    assert_eq!(open(&mut world, gold.opening(job, 0, 2_100)), Ok(2));
    assert_eq!(open(&mut world, gold.opening(job, 1, 2_100)), Ok(1));
    let (mut world, job, gold) = three_chunks(|truths| moved(truths, 1_020..1_030, None));
    assert_eq!(open(&mut world, gold.opening(job, 1, 2_100)), Ok(2));
    assert_eq!(open(&mut world, gold.opening(job, 0, 2_100)).unwrap_err(), 70);
    let (mut world, job, gold) = three_chunks(|truths| {
        let mut more = moved(truths, 1_020..1_030, Some(1_021));
        more.insert(1_029, 0);
        more
    });
    assert_eq!(open(&mut world, gold.opening(job, 0, 2_100)), Ok(2));
    assert_eq!(open(&mut world, gold.opening(job, 1, 2_100)).unwrap_err(), 70);
}

#[test]
fn void_gold_counts_neither_for_nor_against_a_worker() {
    // The requester errs in one gold task of ten: a tenth is not more than a tenth.
    let post = Post {
        gold_truth: |task| {
            if task < 10 { (u16::try_from(super::world::noise(1, task) % 4).unwrap() + 1) % 4 } else { (Post::default().truth)(task) }
        },
        ..Post::default()
    };
    let mut world = World::new(8);
    let people: Vec<_> = honest(&post).into_iter().map(|person| super::world::Person::new(person.address, post.truth)).collect();
    let posted = world.run_job(&post, &people);
    let status = world.status(posted.id);
    let settlement = status.settlement.unwrap();
    assert_eq!((settlement.gold(), settlement.gold_void), (GoldVerdict::Sound, 1));
    for n in 2..=6 {
        let worker = world.worker(posted.id, &user(n)).result.unwrap();
        assert_eq!(worker.gold_seen, worker.gold_hits);
    }
    assert_eq!(formats::chunks(100), 1);
    assert_eq!(world.money(posted.id).refunded, 300_000, "the bond comes back");
}
