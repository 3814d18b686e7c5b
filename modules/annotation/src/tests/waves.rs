//! Waves of the late round: tasks that are still unsure after one get another, as long as rules, money, quota and overlap allow it.
use cairn_kernel::Module;
use cairn_proto::cairn::annotation::v1::{JobState, JobStatus, QueryLabelsRequest, QueryServer, QueryTasksRequest, Rules};

use super::{
    late::{blind, people, post},
    world::{Post, Posted, World, quick_rules, user},
};
use crate::Annotation;

fn world(waves: u32) -> World {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules = Some(Rules { late_waves: waves, ..quick_rules() });
    World::with(14, genesis)
}

/// Unsure tasks of few blind labels and money for many more.
fn many() -> Post {
    Post { overlap_more: 4, ..post() }
}

/// Lets everybody work until the job is closed. Gives its state when each wave opened.
fn run(world: &mut World, posted: &Posted, post: &Post) -> Vec<JobStatus> {
    let mut waves = Vec::new();
    for _ in 0..20_000 {
        let status = world.status(posted.id);
        if status.state() == JobState::Closed {
            return waves;
        }
        if status.state() == JobState::Late {
            if waves.last().is_none_or(|before: &JobStatus| before.late_wave < status.late_wave) {
                waves.push(status);
            }
            world.work_one(posted.id, &people(post));
        }
        world.block();
    }
    panic!("job {} never ended", posted.id);
}

fn right(world: &mut World, posted: &Posted) -> usize {
    let tasks = world.ask(|ctx| Annotation.tasks(ctx, QueryTasksRequest { job: posted.id, from: 0, limit: 1_000 })).tasks;
    tasks.iter().filter(|task| task.class == u32::from((posted.truth)(task.task))).count()
}

#[test]
fn tasks_that_are_still_unsure_get_another_wave() {
    let settle = |waves| {
        let mut world = world(waves);
        let posted = blind(&mut world, &many(), &people(&many()));
        let opened = run(&mut world, &posted, &many());
        (world, posted, opened)
    };
    let (mut one, first, opened) = settle(1);
    assert_eq!(opened.len(), 1);
    let (mut world, posted, opened) = settle(4);
    let (before, after) = (one.status(first.id), world.status(posted.id));
    let listed: Vec<u32> = opened.iter().map(|wave| wave.late_wave_tasks).collect();
    println!(
        "tasks by wave {listed:?}; {} late labels and {} of 300 right, {} and {} in one wave",
        after.late_labels,
        right(&mut world, &posted),
        before.late_labels,
        right(&mut one, &first)
    );
    assert!(opened.len() >= 2 && opened.len() <= 4);
    assert!(listed.is_sorted_by(|a, b| a > b), "later waves are about fewer tasks");
    assert_eq!(after.late_tasks, listed[0]);
    assert!(after.late_labels > before.late_labels && right(&mut world, &posted) + 3 >= right(&mut one, &first));
    for (wave, next) in opened.iter().zip(opened.iter().skip(1)) {
        assert!(next.late_commit_until >= wave.late_reveal_until.min(wave.late_commit_until + 1) + 120 - 1, "windows of its own");
        assert!(next.late_labels_before > wave.late_labels_before);
    }
    let (settlement, alone) = (after.settlement.unwrap(), before.settlement.unwrap());
    assert_eq!(settlement.digest, alone.digest, "the first inference knows nothing of it");
    assert_eq!(settlement.paid_labels, 900 + after.late_labels);
    for n in 2..=10 {
        let worker = world.worker(posted.id, &user(n));
        let result = worker.result.unwrap();
        assert!(worker.late_labels <= u64::from(result.late_limit), "the quarter is of all waves together");
        let pay = (u128::from(worker.late_labels) * 10_000 * u128::from(result.score_q32)) >> 32;
        assert_eq!(result.late_pay.parse().unwrap_or(0), pay, "paid once for all of them");
    }
    let money = world.money(posted.id);
    assert_eq!(money.in_total, money.claimable + money.refunded + money.burnt + money.pool);
}

/// Nobody labels a task twice in different waves, and no task gets more than two labels above the most overlap.
#[test]
fn waves_keep_the_overlap_and_the_one_seat() {
    let mut world = world(8);
    let posted = blind(&mut world, &post(), &people(&post()));
    let opened = run(&mut world, &posted, &post());
    assert!(opened.len() <= 8);
    let tasks = world.ask(|ctx| Annotation.labels(ctx, QueryLabelsRequest { job: posted.id, from: 0, limit: 1_000 })).tasks;
    for task in tasks {
        assert!(task.labels.len() <= 7, "task {}: {} labels", task.task, task.labels.len());
        let mut workers: Vec<u32> = task.labels.iter().map(|label| label.worker).collect();
        workers.sort_unstable();
        workers.dedup();
        assert_eq!(workers.len(), task.labels.len());
    }
}

/// Rules without a number of waves are those of before there were any.
#[test]
fn no_number_is_one_wave() {
    let mut world = world(0);
    let posted = blind(&mut world, &many(), &people(&many()));
    assert_eq!(run(&mut world, &posted, &many()).len(), 1);
}

/// A wave in which nobody labels anything is the last: the job goes on with what the waves before brought.
#[test]
fn a_wave_without_labels_is_the_last() {
    let mut world = world(8);
    let posted = blind(&mut world, &many(), &people(&many()));
    world.settle_to(posted.id, JobState::Late);
    while world.status(posted.id).late_wave < 2 {
        world.work_one(posted.id, &people(&many()));
        world.block();
    }
    let status = world.status(posted.id);
    assert!(status.late_labels > 0 && status.late_labels == status.late_labels_before);
    world.until(posted.id, JobState::Closed);
    let closed = world.status(posted.id);
    assert_eq!((closed.late_wave, closed.late_labels), (2, status.late_labels));
    assert!(closed.closed_height <= status.late_reveal_until + 1);
    assert_eq!(closed.settlement.unwrap().late_digest.len(), 32, "its labels count");
}

/// Whatever the budget of a block, waves come to their end.
#[test]
fn waves_end_under_a_small_budget() {
    let mut genesis = Annotation.default_genesis();
    let params = genesis.params.as_mut().unwrap();
    (params.label_visits_per_block, params.rules) = (1, Some(Rules { late_waves: 3, ..quick_rules() }));
    let mut world = World::with(14, genesis);
    let posted = blind(&mut world, &many(), &people(&many()));
    let opened = run(&mut world, &posted, &many());
    assert!((2..=3).contains(&opened.len()));
}

#[test]
fn the_number_of_waves_has_its_range() {
    let params = |waves| {
        let mut params = crate::rules::test_params();
        params.rules = Some(Rules { late_waves: waves, ..quick_rules() });
        crate::rules::check_params(&params).map_err(|error| error.code)
    };
    assert_eq!((params(0), params(8)), (Ok(()), Ok(())));
    assert_eq!(params(9), Err(crate::rules::check_params(&wrong_gap()).unwrap_err().code));
}

/// Another parameter that is out of range.
fn wrong_gap() -> cairn_proto::cairn::annotation::v1::Params {
    let rules = Some(Rules { seat_gap: 0, ..quick_rules() });
    cairn_proto::cairn::annotation::v1::Params { rules, ..crate::rules::test_params() }
}
