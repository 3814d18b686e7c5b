//! Failures: contained, retried, and left by an exit that pays the innocent.
use cairn_kernel::Module;
use cairn_proto::cairn::annotation::v1::{JobState, LeaseState, MsgRetryQuarantined, MsgServer, PayReason};

use super::{
    jobs::honest,
    world::{Post, Posted, WEALTH, World, user},
};
use crate::{
    Annotation,
    state::{BUCKETS, PAGES, STAGED},
};

/// A job whose labels are damaged when they are to be packed.
fn damaged() -> (World, Posted, Vec<u8>) {
    let post = Post::default();
    let mut world = World::new(8);
    let posted = world.post(&post);
    let people = honest(&post);
    let mut good = None;
    for _ in 0..1_000 {
        if matches!(world.status(posted.id).state(), JobState::Gold | JobState::Quarantine) {
            break;
        }
        world.work_one(posted.id, &people);
        if good.is_none() {
            let key = (posted.id, 4);
            let full = world.ask(|ctx| crate::labels::staged::<crate::labels::Staged>(ctx, posted.id, 4)).len() == 30;
            if full {
                good = world.ask(|ctx| STAGED.get(ctx, &key));
                world.tx(|ctx| STAGED.set(ctx, &key, &vec![0xff; 7])).unwrap();
            }
        }
        world.block();
    }
    (world, posted, good.unwrap())
}

fn retry(world: &mut World, job: u64) -> cairn_kernel::Result<()> {
    world.tx(|ctx| Annotation.retry_quarantined(ctx, MsgRetryQuarantined { sender: user(8).to_string(), job })).map(drop)
}

#[test]
fn a_failed_settlement_is_contained_and_retried() {
    let (mut world, posted, good) = damaged();
    let job = posted.id;
    world.until(job, JobState::Quarantine);
    let status = world.status(job);
    assert_eq!((status.quarantined_from(), status.failed.as_ref().unwrap().kind), (JobState::Gold, 0));
    assert!(status.failed.unwrap().reason.contains("labels of a bucket"));
    assert_eq!(retry(&mut world, job).unwrap_err().code, 81, "the fault is still there");
    assert_eq!(world.status(job).state(), JobState::Quarantine);
    assert_eq!(world.claim(job, &user(7)).unwrap_err().code, 26);
    world.tx(|ctx| STAGED.set(ctx, &(job, 4), &good)).unwrap();
    retry(&mut world, job).unwrap();
    assert_eq!(world.status(job).state(), JobState::Gold);
    assert_eq!(retry(&mut world, job).unwrap_err().code, 26);
    world.open_gold(&posted);
    world.until(job, JobState::Closed);
    assert_eq!(world.status(job).settlement.unwrap().paid_labels, 300);
    world.check();
}

#[test]
fn when_nobody_retries_accepted_labels_are_paid_in_full() {
    let (mut world, posted, _) = damaged();
    let job = posted.id;
    world.until(job, JobState::Quarantine);
    let deadline = world.status(job).quarantine_deadline;
    world.go_to(deadline + 1);
    world.until(job, JobState::Closed);
    assert!(world.height() <= deadline + 3);
    for n in 2..=6 {
        let result = world.worker(job, &user(n)).result.unwrap();
        assert_eq!((result.reason(), result.pay.unwrap().amount.as_str()), (PayReason::Quarantine, "600000"));
        assert_eq!(world.wealth(&user(n)), WEALTH + 600_000);
    }
    let money = world.money(job);
    assert_eq!((money.claimable, money.refunded, money.burnt, money.pool), (3_000_000, 360_000, 0, 0));
    assert_eq!(world.status(job).asset_id, 0);
    assert_eq!(retry(&mut world, job).unwrap_err().code, 26);
}

/// A bucket that cannot be read stops its own job; another job goes on, and holders of leases get their bonds back.
#[test]
fn a_broken_bucket_stops_only_its_own_job() {
    let mut world = World::new(8);
    let (broken, whole) = (world.post(&Post::default()).id, {
        world.block();
        world.post(&Post::default()).id
    });
    let (lease, _) = world.grant(broken, &user(2));
    let (other, _) = world.grant(whole, &user(3));
    world.checked = false;
    world.tx(|ctx| BUCKETS.remove(ctx, &(broken, lease.buckets[0]))).unwrap();
    world.go_to(lease.end_height + 1);
    let status = world.status(broken);
    assert_eq!((status.state(), status.failed.unwrap().kind), (JobState::Quarantine, 1));
    world.go_to(other.end_height + 1);
    assert_eq!(world.lease(other.id).state(), LeaseState::Expired);
    assert_eq!(world.status(whole).state(), JobState::Open);
    world.go_to(status.quarantine_deadline + 1);
    world.until(broken, JobState::Closed);
    assert_eq!(world.lease(lease.id).state(), LeaseState::Released);
    assert_eq!(world.money(broken).refunded, 3_360_000);
    assert_eq!(world.wealth(&user(2)), WEALTH, "the bond comes back");
    world.check();
}

#[test]
fn the_exit_from_quarantine_releases_standing_leases() {
    let mut world = World::new(8);
    let job = world.post(&Post::default()).id;
    let (first, _) = world.grant(job, &user(2));
    let mut others = Vec::new();
    while others.len() < 3 {
        let n = u8::try_from(3 + others.len()).unwrap();
        world.go_to(world.height() + 40);
        let (lease, tasks) = world.grant(job, &user(n));
        others.push((n, lease, tasks));
    }
    let bucket = world.ask(|ctx| crate::buckets::load(ctx, job, first.buckets[0]));
    world.checked = false;
    world.tx(|ctx| BUCKETS.remove(ctx, &(job, first.buckets[0]))).unwrap();
    world.go_to(first.end_height + 1);
    assert_eq!(world.status(job).state(), JobState::Quarantine);
    world.tx(|ctx| BUCKETS.set(ctx, &(job, bucket.number), &bucket)).unwrap();
    let deadline = world.status(job).quarantine_deadline;
    world.go_to(deadline + 1);
    world.until(job, JobState::Closed);
    for (n, lease, _) in others {
        assert_eq!(world.lease(lease.id).state(), LeaseState::Released);
        assert_eq!(world.wealth(&user(n)), WEALTH);
    }
    assert_eq!(world.wealth(&user(2)), WEALTH, "the bond of the lease that failed comes back too");
    world.checked = true;
    world.check();
}

/// A fault that is nobody's of the annotators' stops no clock against them: they commit and reveal as if nothing had been.
#[test]
fn annotators_go_on_while_their_job_is_in_quarantine() {
    let mut world = World::new(8);
    let post = Post { duration: 450, ..Post::default() };
    let job = world.post(&post).id;
    let (first, _) = world.grant(job, &user(2));
    world.go_to(world.height() + 100);
    let (second, tasks) = world.grant(job, &user(3));
    let bucket = world.ask(|ctx| crate::buckets::load(ctx, job, first.buckets[0]));
    assert_ne!(first.buckets, second.buckets);
    world.checked = false;
    world.tx(|ctx| BUCKETS.remove(ctx, &(job, first.buckets[0]))).unwrap();
    world.go_to(first.end_height + 1);
    assert_eq!(world.status(job).state(), JobState::Quarantine);
    let labels: Vec<(u32, u16)> = tasks.iter().map(|task| (*task, (post.truth)(*task))).collect();
    world.commit(&second, &labels).unwrap();
    world.go_to(second.end_height + 10);
    assert_eq!(world.lease(second.id).state(), LeaseState::Committed);

    // Put in order again, all that fell due in the meantime has its turn at once.
    world.tx(|ctx| BUCKETS.set(ctx, &(job, bucket.number), &bucket)).unwrap();
    retry(&mut world, job).unwrap();
    world.checked = true;
    assert_eq!(world.lease(first.id).state(), LeaseState::Expired);
    let deadline = world.job(job).0.commit_deadline;
    world.go_to(deadline + 1);
    assert!(world.lease(second.id).reveal_from > 0);
    world.reveal(&user(3), &second, &labels).unwrap();
    world.until(job, JobState::Gold);
}

#[test]
fn a_retry_after_the_window_is_refused() {
    let (mut world, posted, good) = damaged();
    world.until(posted.id, JobState::Quarantine);
    let deadline = world.status(posted.id).quarantine_deadline;
    world.go_to(deadline);
    world.tx(|ctx| STAGED.set(ctx, &(posted.id, 4), &good)).unwrap();
    retry(&mut world, posted.id).unwrap();
    world.check();
    let (mut late, again, _) = damaged();
    late.until(again.id, JobState::Quarantine);
    late.tx(|ctx| {
        let mut run = crate::job::Running::load(ctx, again.id)?;
        run.status.quarantine_deadline = 1;
        run.save(ctx)
    })
    .unwrap();
    assert_eq!(retry(&mut late, again.id).unwrap_err().code, 33);
}

/// A page of the inference is lost while it runs.
#[test]
fn a_lost_page_stops_the_inference_and_not_the_block() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().label_visits_per_block = 1;
    let mut world = World::with(8, genesis);
    let post = Post::default();
    let posted = world.post(&post);
    world.work(posted.id, &honest(&post));
    world.open_gold(&posted);
    world.until(posted.id, JobState::Infer);
    world.block();
    let page = world.ask(|ctx| PAGES.get(ctx, &(posted.id, 1, 0, 0))).unwrap();
    world.tx(|ctx| PAGES.set(ctx, &(posted.id, 1, 0, 0), &vec![9, 9])).unwrap();
    world.until(posted.id, JobState::Quarantine);
    assert_eq!(retry(&mut world, posted.id).unwrap_err().code, 83);
    world.tx(|ctx| PAGES.set(ctx, &(posted.id, 1, 0, 0), &page)).unwrap();
    retry(&mut world, posted.id).unwrap();
    world.until(posted.id, JobState::Closed);
    assert_eq!(world.status(posted.id).settlement.unwrap().paid_labels, 300);
}

/// A late round whose labels are damaged when they are to be packed.
fn damaged_late() -> (World, u64, u32, Vec<u8>) {
    let mut world = World::new(12);
    let (post, people) = (super::late::post(), super::late::people(&super::late::post()));
    let posted = super::late::blind(&mut world, &post, &people);
    world.settle_to(posted.id, JobState::Late);
    let until = world.status(posted.id).late_commit_until;
    while world.height() <= until {
        world.work_one(posted.id, &people);
        world.block();
    }
    world.work_one(posted.id, &people);
    let ((_, bucket), good) = world.ask(|ctx| STAGED.range(ctx, &[]).next().unwrap());
    world.tx(|ctx| STAGED.set(ctx, &(posted.id, bucket), &vec![0xff; 7])).unwrap();
    world.until(posted.id, JobState::Quarantine);
    (world, posted.id, bucket, good)
}

#[test]
fn a_late_round_that_failed_is_retried() {
    let (mut world, job, bucket, good) = damaged_late();
    assert_eq!(world.status(job).quarantined_from(), JobState::Infer);
    assert_eq!(retry(&mut world, job).unwrap_err().code, 81);
    world.tx(|ctx| STAGED.set(ctx, &(job, bucket), &good)).unwrap();
    retry(&mut world, job).unwrap();
    world.until(job, JobState::Closed);
    assert!(world.status(job).asset_id > 0);
}

#[test]
fn a_late_round_left_in_quarantine_pays_its_labels_in_full() {
    let (mut world, job, ..) = damaged_late();
    let (late, extra) = (world.status(job).late_labels, world.money(job).extra);
    let before = world.money(job);
    world.until(job, JobState::Closed);
    let after = world.money(job);
    assert!(late > 0);
    assert_eq!(after.claimable - before.claimable, u128::from(late) * 10_000);
    assert_eq!(after.pool - before.pool, extra, "extra money never goes back to the requester");
    assert_eq!(after.in_total, after.claimable + after.refunded + after.burnt + after.pool);
}
