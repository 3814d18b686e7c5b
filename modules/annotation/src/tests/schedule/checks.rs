//! What must hold of every new lease and after every block.
use std::collections::BTreeSet;

use cairn_kernel::Address;
use cairn_proto::cairn::annotation::v1::{JobState, Lease, LeaseState};

use super::{Schedule, posts::TASKS};
use crate::{
    clusters, invariants,
    job::{Running, state_key},
    leases,
    state::JOBS_BY_STATE,
};

/// States of jobs to which something still happens.
const RUNS: [JobState; 8] = [
    JobState::Open,
    JobState::Revealing,
    JobState::Verifying,
    JobState::Gold,
    JobState::Infer,
    JobState::Late,
    JobState::Appeal,
    JobState::Quarantine,
];
/// Blocks between two checks of everything else: closed jobs, and the other modules.
const OFTEN: u64 = 100;

impl Schedule {
    /// A new lease: nobody and no cluster gets a task twice, nor a draft where it had the task it was made of.
    pub(super) fn note(&mut self, lease: &Lease, account: Address) {
        let (run, _) = self.world.ask(|ctx| leases::load(ctx, lease.id));
        let head = self.world.ask(|ctx| clusters::head(ctx, &account));
        let parent = self.jobs.iter().find(|work| work.id == run.id).and_then(|work| work.parent).or(run.job.stage.map(|s| s.parent));
        for task in self.world.ask(|ctx| leases::tasks(ctx, &run, lease)) {
            assert!(self.had.insert((run.id, account, task)), "invariant 2: {account} gets task {task} again");
            assert!(self.clusters.insert((run.id, head, task)), "two of the cluster of {head} get task {task}");
            let Some(parent) = parent else { continue };
            let source = task % TASKS;
            assert!(!self.had.contains(&(parent, account, source)), "{account} judges drafts of a task that it had");
            assert!(!self.clusters.contains(&(parent, head, source)), "{account} judges drafts of a task that its cluster had");
        }
        let worker = self.world.ask(|ctx| leases::worker(ctx, lease));
        assert!(lease.late || worker.seats <= run.seat_cap(), "{account} has {} seats of {}", worker.seats, run.seat_cap());
        self.day(&run, lease, account);
        self.count(match (lease.late, parent.is_some(), lease.lent) {
            (true, ..) => "late leases",
            (_, true, _) => "leases of verifiers",
            (_, _, true) => "leases on lent bonds",
            _ => "leases",
        });
        self.seen = lease.id;
    }
    /// Nobody is leased more in a day than its cap, but for leases that ended through no fault of the account.
    fn day(&mut self, run: &Running, lease: &Lease, account: Address) {
        if run.rules.labels_per_day == 0 {
            return;
        }
        let day = lease.granted_height / run.rules.day_blocks;
        let of_day = self.days.entry((account, day)).or_default();
        of_day.push(lease.id);
        let of_day: Vec<Lease> = of_day.clone().into_iter().map(|id| self.world.lease(id)).collect();
        let counted = of_day.iter().filter(|lease| lease.state() != LeaseState::Released && !self.unserved.contains(&lease.id));
        let tasks: u32 = counted.map(|lease| lease.tasks).sum();
        let most = run.rules.labels_per_day;
        assert!(tasks <= most, "{account} was leased {tasks} of {most} tasks on day {day}");
    }
    /// Invariants 1 and 3 among others, after every block: of every job that runs or ended in this block, and over the money of all. Of the
    /// rest, which nothing changes, and of the other modules now and then, and at the end.
    pub(super) fn books(&mut self, height: u64) {
        let keys: Vec<u8> = RUNS.into_iter().map(|state| state_key(state).unwrap()).collect();
        let now: BTreeSet<u64> = self.world.ask(|ctx| {
            let of_state = |key: u8| JOBS_BY_STATE.range(ctx, &cairn_kernel::key_prefix(&key)).map(|entry| entry.map(|(_, id)| id));
            keys.into_iter().flat_map(of_state).collect()
        });
        let before = std::mem::replace(&mut self.running, now);
        let checked: Vec<u64> = self.running.union(&before).copied().collect();
        self.world.chain.run(|ctx| {
            let books = || checked.iter().map(|id| invariants::Books::load(ctx, *id));
            let each = books().try_for_each(|books| invariants::job(ctx, &books?));
            if let Err(what) = each.and_then(|()| invariants::covers(ctx, books())) {
                panic!("height {height}: {what}");
            }
        });
        if height.is_multiple_of(OFTEN) {
            self.world.check();
        }
    }
    /// Invariant 5, where the queue is not full: what ended at `height` is over.
    pub(super) fn expiries(&mut self, height: u64) {
        if self.world.ask(crate::state::params).expiries_per_block < 2_000 {
            return;
        }
        for id in self.seen.saturating_sub(40).max(1)..=self.seen {
            let lease = self.world.lease(id);
            if lease.state() != LeaseState::Live {
                continue;
            }
            let run = self.world.ask(|ctx| Running::load(ctx, lease.job));
            let stopped = run.status.stopped_since > 0 && height < run.deadline(&lease);
            let put_off = run.status.state() == JobState::Quarantine;
            let over = leases::commit_until(&run, &lease, height) <= height && !stopped && !put_off;
            assert!(!over, "invariant 5: {lease:?} at the end of {height}, seed {}, {:?}", self.dice.0, run.status);
        }
    }
}
