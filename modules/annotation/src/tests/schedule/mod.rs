//! The ten invariants of leases under random schedules: whatever people and time do, in whatever order, to jobs of every type.
//!
//! 1 standing leases + accepted labels of a task <= overlap; 2 nobody gets a task twice; 3 every seat is paid for; 4 a commitment counts
//! up to the last height and not one block longer; 5 an expired lease frees its seats in that block; 6 nothing is drawn before its beacon;
//! 7 giving back costs no money; 8 a claim sent again is the same claim; 9 a leased job is not cancelled; 10 the bond comes back on reveal.
//! Beside these: no two accounts of a cluster on a task, nor on a draft and its making; no account above its day's cap or its seats; the
//! invariants of the module after every block, of every job that runs or ended in it, and of all of them at the end.
mod answers;
mod checks;
mod exams;
mod moves;
mod openings;
mod posts;

use std::collections::{BTreeMap, BTreeSet};

use cairn_kernel::{Address, Module};
use cairn_proto::cairn::annotation::v1::{Genesis, JobState, Label, Lease, LeaseState};

use super::{
    clusters::send,
    world::{World, noise, user},
};
use crate::{
    Annotation,
    job::is_final,
    state::{LEASE_IDS, STATUS},
};
use posts::Work;

/// Numbers that look random, from a written seed.
struct Dice(u64, u32);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.1 = self.1.wrapping_add(1);
        noise(self.0, self.1) % n
    }
    fn number(&mut self, n: u32) -> u32 {
        u32::try_from(self.below(n.into())).unwrap()
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()]
    }
}

struct Schedule {
    world: World,
    dice: Dice,
    people: Vec<Address>,
    jobs: Vec<Work>,
    /// Leases seen so far.
    seen: u64,
    /// Which tasks an account ever had.
    had: BTreeSet<(u64, Address, u32)>,
    /// Which tasks a cluster ever had.
    clusters: BTreeSet<(u64, Address, u32)>,
    /// What was committed, by lease.
    labels: BTreeMap<u64, Vec<Label>>,
    /// Heights at which open claims were made.
    claims: BTreeMap<(u64, Address), u64>,
    /// Leases of an account by the day on which they were granted.
    days: BTreeMap<(Address, u64), Vec<u64>>,
    /// Leases given back because their content was not served.
    unserved: BTreeSet<u64>,
    /// Jobs that ran at the end of the last block.
    running: BTreeSet<u64>,
    counts: BTreeMap<&'static str, u32>,
}

/// Short times, small parts a block, so that queues carry over.
fn genesis(dice: &mut Dice) -> Genesis {
    let mut genesis = Annotation.default_genesis();
    let params = genesis.params.as_mut().unwrap();
    params.expiries_per_block = dice.of(&[2, 5, 2_000]);
    params.draws_per_block = dice.of(&[2, 500]);
    params.label_visits_per_block = dice.of(&[1, 3_000, 2_000_000]);
    let rules = params.rules.as_mut().unwrap();
    rules.lease_blocks = 8 + dice.below(20);
    rules.seat_gap = 1 + dice.below(4);
    rules.bucket_wait = 20 + dice.below(60);
    rules.reveal_window = 5 + dice.below(20);
    rules.gold_window = 5 + dice.below(10);
    (rules.late_commit, rules.late_reveal) = (30 + dice.below(60), 8 + dice.below(15));
    rules.account_seats_bps = 3_000;
    rules.appeal_window = dice.below(3) * 30;
    rules.quarantine_window = 10 + dice.below(20);
    if dice.one_in(3) {
        (rules.labels_per_day, rules.day_blocks) = (40 + dice.number(40), 100);
    }
    genesis
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed, 0);
        let mut world = World::with(8, genesis(&mut dice));
        world.checked = false;
        // Five of genesis, a cluster of three, and three without money, who borrow bonds and may be paid by somebody later.
        let mut people: Vec<Address> = (2..=6).map(user).collect();
        send(&mut world, &user(1), &user(101), 500_000_000);
        for n in [102, 103] {
            send(&mut world, &user(101), &user(n), 100_000_000);
        }
        people.extend([101, 102, 103, 110, 111, 112].map(user));
        Self {
            world,
            dice,
            people,
            jobs: vec![],
            seen: 0,
            had: BTreeSet::new(),
            clusters: BTreeSet::new(),
            labels: BTreeMap::new(),
            claims: BTreeMap::new(),
            days: BTreeMap::new(),
            unserved: BTreeSet::new(),
            running: BTreeSet::new(),
            counts: BTreeMap::new(),
        }
    }
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
    fn person(&mut self) -> Address {
        self.dice.of(&self.people)
    }
    fn state(&mut self, job: u64) -> JobState {
        self.world.ask(|ctx| STATUS.get(ctx, &job)).unwrap().state()
    }
    /// A random job of the newest; often one in its late round, which is short.
    fn some_job(&mut self) -> u64 {
        let ids: Vec<u64> = self.jobs.iter().map(|job| job.id).rev().take(8).collect();
        let late = ids.iter().copied().find(|id| self.state(*id) == JobState::Late);
        if let Some(late) = late.filter(|_| self.dice.below(3) > 0) {
            return late;
        }
        self.dice.of(&ids)
    }
    /// A random recent lease, in any state; after some tries for one in `wanted`.
    fn some_lease(&mut self, wanted: LeaseState) -> Option<Lease> {
        let mut found = None;
        for _ in 0..self.dice.below(8) + 1 {
            let recent = 1 + self.dice.below(60);
            found = (self.seen > 0).then(|| self.world.lease(self.seen + 1 - recent.min(self.seen)));
            if found.as_ref().is_some_and(|lease| lease.state() == wanted) {
                break;
            }
        }
        found
    }
    fn work(&self, job: u64) -> &Work {
        self.jobs.iter().find(|work| work.id == job).unwrap()
    }
    fn running(&mut self) -> usize {
        let ids: Vec<u64> = self.jobs.iter().map(|job| job.id).collect();
        ids.into_iter().filter(|id| !is_final(self.state(*id))).count()
    }
    fn step(&mut self) {
        match self.dice.below(100) {
            0..=23 => self.claim(),
            24..=47 => self.commit(),
            48..=66 => self.reveal(),
            67..=69 => self.skip(),
            70..=71 => self.renew(),
            72 => self.cancel(),
            73 => self.withdraw(),
            74 => self.resume(),
            75..=76 => self.appeal(),
            77..=78 => self.verdict(),
            79..=81 => self.open(),
            82..=83 if self.running() < 4 => self.post(),
            84 if self.dice.one_in(2) => self.pay_somebody(),
            84 => self.leave_cluster(),
            85 if self.dice.one_in(20) => self.fail(),
            _ => self.block(),
        }
    }
    fn block(&mut self) {
        self.world.fresh = self.dice.below(20) > 0;
        let height = self.world.height();
        self.world.block();
        for id in self.seen + 1..=self.world.ask(|ctx| LEASE_IDS.last(ctx)) {
            let lease = self.world.lease(id);
            let account = Address::parse(&lease.annotator).unwrap();
            let asked = self.claims.remove(&(lease.job, account)).unwrap();
            assert!(lease.granted_height == height && asked + 2 <= height, "invariant 6: {lease:?} asked at {asked}");
            self.note(&lease, account);
        }
        self.find_stages();
        self.expiries(height);
        self.books(height);
        self.count("blocks");
    }
}

fn run(seeds: std::ops::Range<u64>, steps: u32, start: fn(&mut Schedule), exercised: &[&str]) {
    let mut counts = BTreeMap::<&'static str, u32>::new();
    for seed in seeds {
        let mut schedule = Schedule::new(seed);
        start(&mut schedule);
        for _ in 0..steps {
            schedule.step();
        }
        schedule.world.check();
        schedule.counts.into_iter().for_each(|(what, n)| *counts.entry(what).or_default() += n);
    }
    println!("{counts:?}");
    for what in exercised {
        assert!(counts.get(*what).is_some_and(|n| *n > 20), "the schedule exercises {what}: {counts:?}");
    }
}

const EVERYWHERE: [&str; 8] = [
    "leases",
    "leases on lent bonds",
    "commitments",
    "reveals",
    "claims sent again",
    "leases given back",
    "renewals",
    "leases of verifiers",
];
const LATE: [&str; 5] = ["late leases", "late commitments", "late reveals", "appeals", "verdicts"];

#[test]
fn lease_invariants_hold_under_random_schedules() {
    run(0..16, 4_000, Schedule::post, &EVERYWHERE);
}

#[test]
fn lease_invariants_hold_in_late_rounds_under_random_schedules() {
    run(50..90, 500, Schedule::ripen, &LATE);
}

#[test]
fn lease_invariants_hold_after_exams_under_random_schedules() {
    run(100..110, 1_600, Schedule::examined, &["leases", "reveals", "candidates"]);
}

/// 10^6 steps in four parts, so that they run side by side: `cargo test -p cairn-annotation _slow -- --ignored`.
#[test]
#[ignore = "minutes"]
fn lease_invariants_hold_over_a_million_steps_first_part_slow() {
    run(1_000..1_090, 4_000, Schedule::post, &EVERYWHERE);
}

#[test]
#[ignore = "minutes"]
fn lease_invariants_hold_over_a_million_steps_second_part_slow() {
    run(1_090..1_180, 4_000, Schedule::post, &EVERYWHERE);
}

#[test]
#[ignore = "minutes"]
fn lease_invariants_hold_over_a_million_steps_in_late_rounds_slow() {
    run(2_000..2_180, 1_000, Schedule::ripen, &LATE);
}

#[test]
#[ignore = "minutes"]
fn lease_invariants_hold_over_a_million_steps_after_exams_slow() {
    run(3_000..3_050, 2_000, Schedule::examined, &["leases", "reveals", "candidates"]);
}
