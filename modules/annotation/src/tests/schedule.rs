//! The ten invariants of leases under random schedules: whatever people and time do, in whatever order.
//!
//! 1 standing leases + accepted labels of a task <= overlap; 2 nobody gets a task twice; 3 every seat is paid for; 4 a commitment counts
//! up to the last height and not one block longer; 5 an expired lease frees its seats in that block; 6 nothing is drawn before its beacon;
//! 7 giving back costs no money; 8 a claim sent again is the same claim; 9 a leased job is not cancelled; 10 the bond comes back on reveal.
use std::collections::{BTreeMap, BTreeSet};

use cairn_dispute::{Court as _, Verdict};
use cairn_kernel::{Address, Module};
use cairn_proto::cairn::annotation::v1::{
    AppealSubject, Genesis, JobState, Lease, LeaseState, MsgAppealDecision, MsgCancelJob, MsgClaimTasks, MsgRenewLease, MsgResumeJob,
    MsgServer, MsgSkipTasks, MsgWithdrawEarnings, SkipReason,
};

use super::{
    clusters::send,
    world::{Person, Post, Posted, World, noise, user},
};
use crate::{
    Annotation, leases,
    state::{APPEALS, CLAIMS, LEASE_IDS},
};

/// Numbers that look random, from a written seed.
struct Dice(u64, u32);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.1 = self.1.wrapping_add(1);
        noise(self.0, self.1) % n
    }
}

struct Schedule {
    world: World,
    dice: Dice,
    people: Vec<Address>,
    jobs: Vec<Posted>,
    /// Leases seen so far.
    seen: u64,
    /// Which tasks an account ever had.
    had: BTreeSet<(u64, Address, u32)>,
    /// Which tasks a cluster ever had.
    clusters: BTreeSet<(u64, Address, u32)>,
    /// What was committed, by lease.
    labels: BTreeMap<u64, Vec<(u32, u16)>>,
    /// Heights at which open claims were made.
    claims: BTreeMap<(u64, Address), u64>,
    counts: BTreeMap<&'static str, u32>,
}

/// Right in four of five, skipped in one of forty.
fn answer(dice: u64, task: u32) -> u16 {
    match dice % 40 {
        0 => u16::MAX,
        1..=8 => u16::try_from(dice / 40 % 4).unwrap(),
        _ => (Post::default().truth)(task),
    }
}

/// Short times, small parts a block, so that queues carry over.
fn genesis(dice: &mut Dice) -> Genesis {
    let mut genesis = Annotation.default_genesis();
    let params = genesis.params.as_mut().unwrap();
    params.expiries_per_block = [2, 5, 2_000][usize::try_from(dice.below(3)).unwrap()];
    params.draws_per_block = [2, 500][usize::try_from(dice.below(2)).unwrap()];
    params.label_visits_per_block = [1, 3_000, 2_000_000][usize::try_from(dice.below(3)).unwrap()];
    let rules = params.rules.as_mut().unwrap();
    rules.lease_blocks = 8 + dice.below(20);
    rules.seat_gap = 1 + dice.below(4);
    rules.bucket_wait = 20 + dice.below(60);
    rules.reveal_window = 5 + dice.below(20);
    rules.gold_window = 5 + dice.below(10);
    (rules.late_commit, rules.late_reveal) = (30 + dice.below(60), 8 + dice.below(15));
    rules.account_seats_bps = 3_000;
    rules.appeal_window = dice.below(3) * 30;
    genesis
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed, 0);
        let mut world = World::with(8, genesis(&mut dice));
        world.checked = false;
        // Five of genesis, and a cluster of three.
        let mut people: Vec<Address> = (2..=6).map(user).collect();
        send(&mut world, &user(1), &user(101), 500_000_000);
        for n in [102, 103] {
            send(&mut world, &user(101), &user(n), 100_000_000);
        }
        people.extend([user(101), user(102), user(103)]);
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
            counts: BTreeMap::new(),
        }
    }
    /// Lets everybody work honestly through a blind round, so that chance begins with the late one.
    fn ripen(&mut self) {
        let post = Post { bound_bps: 9_900, overlap_more: 2, duration: 1_000, ..Post::default() };
        let people: Vec<Person> = self.people.iter().map(|who| Person::skilled(*who, 85, post.truth, post.classes)).collect();
        let posted = self.world.post(&post);
        self.world.work(posted.id, &people);
        self.world.open_gold(&posted);
        self.world.settle_to(posted.id, JobState::Late);
        for id in self.seen + 1..=self.world.ask(|ctx| LEASE_IDS.last(ctx)) {
            self.note(id);
        }
        for entry in self.world.ask(|ctx| CLAIMS.range(ctx, &[]).collect::<cairn_kernel::Result<Vec<_>>>()) {
            self.claims.insert(entry.0, entry.1.height);
        }
        self.jobs = vec![posted];
    }
    /// A new lease: nobody and no cluster gets a task twice.
    fn note(&mut self, id: u64) {
        let (run, lease) = self.world.ask(|ctx| leases::load(ctx, id));
        let account = Address::parse(&lease.annotator).unwrap();
        for task in self.world.ask(|ctx| leases::tasks(ctx, &run, &lease)) {
            assert!(self.had.insert((run.id, account, task)), "invariant 2: {account} gets task {task} again");
            let head = self.world.ask(|ctx| crate::clusters::head(ctx, &account));
            assert!(self.clusters.insert((run.id, head, task)), "two of the cluster of {head} get task {task}");
        }
        self.count(if lease.late { "late leases" } else { "leases" });
        self.seen = id;
    }
    fn post(&mut self) {
        // Half of the jobs have a late round.
        let late = self.dice.below(2) == 0;
        let post = Post {
            overlap: 3 + u32::try_from(self.dice.below(3)).unwrap(),
            overlap_more: if late { u32::try_from(self.dice.below(3)).unwrap() } else { 0 },
            bound_bps: if late { 9_500 } else { 0 },
            duration: 150 + self.dice.below(400),
            ..Post::default()
        };
        let posted = self.world.post(&post);
        self.jobs.push(posted);
    }
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
    fn person(&mut self) -> Address {
        let n = self.dice.below(self.people.len() as u64);
        self.people[usize::try_from(n).unwrap()]
    }
    /// A random job; often one in its late round, which is short.
    fn some_job(&mut self) -> u64 {
        let ids: Vec<u64> = self.jobs.iter().map(|job| job.id).collect();
        if let Some(late) = ids.into_iter().find(|id| self.world.status(*id).state() == JobState::Late).filter(|_| self.dice.below(3) > 0) {
            return late;
        }
        let n = self.dice.below(self.jobs.len() as u64);
        self.jobs[usize::try_from(n).unwrap()].id
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
    fn step(&mut self) {
        match self.dice.below(100) {
            0..=24 => self.claim(),
            25..=49 => self.commit(),
            50..=69 => self.reveal(),
            70..=72 => self.skip(),
            73..=74 => self.renew(),
            75 => self.cancel(),
            76 => self.withdraw(),
            77 => self.resume(),
            81..=82 => self.appeal(),
            83..=85 => self.verdict(),
            78..=79 => self.gold(),
            80 if self.jobs.iter().filter(|job| self.world.chain.run(|ctx| is_running(ctx, job.id))).count() < 3 => self.post(),
            _ => self.block(),
        }
    }
    fn claim(&mut self) {
        let (account, job) = (self.person(), self.some_job());
        let waiting = self.world.ask(|ctx| CLAIMS.get(ctx, &(job, account)));
        let nonce = waiting.as_ref().map_or(self.world.height(), |claim| claim.nonce);
        let msg = MsgClaimTasks { annotator: account.to_string(), job, buckets: 1, nonce };
        let before = self.world.wealth(&account);
        match (self.world.tx(|ctx| Annotation.claim_tasks(ctx, msg)), waiting) {
            (Ok(answer), Some(claim)) => {
                assert_eq!((answer.height, self.world.wealth(&account)), (claim.height, before), "invariant 8");
                self.count("claims sent again");
            }
            (Ok(answer), None) if answer.lease == 0 => {
                self.claims.insert((job, account), self.world.height());
                self.count("claims");
            }
            (Ok(answer), None) => assert_eq!(self.world.lease(answer.lease).annotator, account.to_string(), "invariant 8"),
            (Err(_), Some(claim)) => panic!("a claim sent again was refused: {claim:?}"),
            (Err(_), None) => self.count("claims refused"),
        }
    }
    fn commit(&mut self) {
        let Some(lease) = self.some_lease(LeaseState::Live) else { return };
        let (run, _) = self.world.ask(|ctx| leases::load(ctx, lease.id));
        let salt = self.dice.below(1 << 40);
        let tasks = self.world.ask(|ctx| leases::tasks(ctx, &run, &lease));
        let labels: Vec<(u32, u16)> = tasks.into_iter().map(|task| (task, answer(noise(salt, task), task))).collect();
        let in_time = self.world.height() <= leases::commit_until(&run, &lease, self.world.height());
        let expected = lease.state() == LeaseState::Live && in_time && matches!(run.status.state(), JobState::Open | JobState::Late);
        let done = self.world.commit(&lease, &labels);
        assert_eq!(done.is_ok(), expected, "invariant 4: {lease:?} at {}: {done:?}", self.world.height());
        if expected {
            self.labels.insert(lease.id, labels);
            self.count(if lease.late { "late commitments" } else { "commitments" });
        }
    }
    fn reveal(&mut self) {
        let Some(lease) = self.some_lease(LeaseState::Committed) else { return };
        let Some(labels) = self.labels.get(&lease.id).cloned() else { return };
        let (sender, holder) = (self.person(), Address::parse(&lease.annotator).unwrap());
        let skipped = labels.iter().filter(|(_, class)| *class == u16::MAX).count();
        let (before, worker) = (self.world.claimable(&holder), self.world.ask(|ctx| leases::worker(ctx, &lease)));
        let (run, _) = self.world.ask(|ctx| leases::load(ctx, lease.id));
        let height = self.world.height();
        let in_window = lease.reveal_from > 0 && (lease.reveal_from..=lease.reveal_until).contains(&height);
        let done = self.world.reveal(&sender, &lease, &labels);
        assert_eq!(done.is_ok(), lease.state() == LeaseState::Committed && in_window, "{lease:?} at {height}: {done:?}");
        if done.is_ok() {
            let within = usize::try_from(run.skip_budget().saturating_sub(worker.skips)).unwrap() >= skipped;
            let back = self.world.claimable(&holder) - before;
            let bond: u128 = lease.bond.parse().unwrap();
            assert!(if within { back == bond } else { back < bond }, "invariant 10");
            self.count(if lease.late { "late reveals" } else { "reveals" });
        }
    }
    fn skip(&mut self) {
        let Some(lease) = self.some_lease(LeaseState::Live) else { return };
        let holder = Address::parse(&lease.annotator).unwrap();
        let before = self.world.wealth(&holder);
        let reason = if self.dice.below(2) == 0 { SkipReason::Unavailable } else { SkipReason::Declined };
        let msg = MsgSkipTasks { annotator: lease.annotator.clone(), lease: lease.id, reason: reason.into() };
        if self.world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).is_ok() {
            let bond: u128 = lease.bond.parse().unwrap();
            assert_eq!(self.world.wealth(&holder), before + bond, "invariant 7");
            self.count("leases given back");
        }
    }
    fn renew(&mut self) {
        let Some(lease) = self.some_lease(LeaseState::Live) else { return };
        let msg = MsgRenewLease { annotator: lease.annotator.clone(), lease: lease.id };
        let done = self.world.tx(|ctx| Annotation.renew_lease(ctx, msg));
        assert!(!(done.is_ok() && lease.renewed), "one renewal");
        if done.is_ok() {
            self.count("renewals");
        }
    }
    fn cancel(&mut self) {
        let job = self.some_job();
        let leased = self.world.status(job).leases > 0;
        let done = self.world.tx(|ctx| Annotation.cancel_job(ctx, MsgCancelJob { requester: user(1).to_string(), job }));
        assert!(!(done.is_ok() && leased), "invariant 9");
    }
    fn withdraw(&mut self) {
        let account = self.person();
        let (owned, before) = (self.world.claimable(&account), self.world.balance(&account));
        let msg = MsgWithdrawEarnings { account: account.to_string(), denoms: vec![] };
        assert_eq!(self.world.tx(|ctx| Annotation.withdraw_earnings(ctx, msg)).is_ok(), owned > 0);
        assert_eq!(self.world.balance(&account), before + owned);
    }
    fn resume(&mut self) {
        let job = self.some_job();
        if self.world.tx(|ctx| Annotation.resume_job(ctx, MsgResumeJob { requester: user(1).to_string(), job })).is_ok() {
            self.count("jobs resumed");
        }
    }
    fn appeal(&mut self) {
        let (account, job, task) = (self.person(), self.some_job(), u32::try_from(self.dice.below(100)).unwrap());
        let subject = [AppealSubject::Worker, AppealSubject::Gold][usize::try_from(self.dice.below(2)).unwrap()].into();
        let msg = MsgAppealDecision { appellant: account.to_string(), job, subject, task, ..MsgAppealDecision::default() };
        if self.world.tx(|ctx| Annotation.appeal_decision(ctx, msg)).is_ok() {
            self.count("appeals");
        }
    }
    /// A verdict about some open case; without it the case ends by its clocks, since nobody is a juror here.
    fn verdict(&mut self) {
        let open = self.world.ask(|ctx| APPEALS.range(ctx, &[]).collect::<cairn_kernel::Result<Vec<_>>>());
        let Some((_, case)) = open.get(usize::try_from(self.dice.below(8)).unwrap()).copied() else { return };
        let case = self.world.ask(|ctx| cairn_dispute::case(ctx, case));
        let verdict = [Verdict::Overturned, Verdict::VoidGold, Verdict::Upheld][usize::try_from(self.dice.below(3)).unwrap()];
        self.world.tx(|ctx| crate::appeals::Court.verdict(ctx, &case, verdict)).unwrap();
        self.count("verdicts");
    }
    fn gold(&mut self) {
        let ids: Vec<u64> = self.jobs.iter().map(|job| job.id).collect();
        let waits = ids.iter().position(|id| self.world.status(*id).state() == JobState::Gold);
        let n = waits.unwrap_or(0);
        let msg = self.jobs[n].gold.opening(self.jobs[n].id, 0, 100);
        if self.world.tx(|ctx| Annotation.open_gold(ctx, msg)).is_ok() {
            self.count("gold opened");
        }
    }
    fn block(&mut self) {
        self.world.fresh = self.dice.below(20) > 0;
        let height = self.world.height();
        self.world.block();
        let last = self.world.ask(|ctx| LEASE_IDS.last(ctx));
        for id in self.seen + 1..=last {
            let (run, lease) = self.world.ask(|ctx| leases::load(ctx, id));
            let account = Address::parse(&lease.annotator).unwrap();
            let asked = self.claims.remove(&(run.id, account)).unwrap();
            assert!(lease.granted_height == height && asked + 2 <= height, "invariant 6: {lease:?} asked at {asked}");
            self.note(id);
        }
        self.expiries(height);
        if height.is_multiple_of(25) {
            self.world.check(); // invariants 1 and 3 among others
        }
        self.count("blocks");
    }
    /// Invariant 5, where the queue is not full: what ended at `height` is over.
    fn expiries(&mut self, height: u64) {
        if self.world.ask(crate::state::params).expiries_per_block < 2_000 {
            return;
        }
        for id in self.seen.saturating_sub(40).max(1)..=self.seen {
            let (run, lease) = self.world.ask(|ctx| leases::load(ctx, id));
            let stopped = run.status.stopped_since > 0 && height < run.deadline(&lease);
            let over = leases::commit_until(&run, &lease, height) <= height && !stopped;
            let status = &run.status;
            assert!(
                !(over && lease.state() == LeaseState::Live),
                "invariant 5: {lease:?} at the end of {height}, seed {}, {status:?}",
                self.dice.0
            );
        }
    }
}

fn is_running(ctx: &cairn_kernel::Ctx, job: u64) -> bool {
    let run = crate::job::Running::load(ctx, job).unwrap();
    !crate::job::is_final(run.status.state())
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
        assert!(counts.get(*what).is_some_and(|n| *n > 20), "the schedule exercises {what}");
    }
}

#[test]
fn lease_invariants_hold_under_random_schedules() {
    run(0..10, 2_000, Schedule::post, &["leases", "commitments", "reveals", "claims sent again", "leases given back", "renewals"]);
}

#[test]
fn lease_invariants_hold_in_late_rounds_under_random_schedules() {
    run(50..80, 500, Schedule::ripen, &["late leases", "late commitments", "late reveals", "appeals", "verdicts"]);
}

/// 10^6 steps: `cargo test -p cairn-annotation _slow -- --ignored`.
#[test]
#[ignore = "minutes"]
fn lease_invariants_hold_over_a_million_steps_slow() {
    run(1_000..1_360, 2_500, Schedule::post, &["leases", "reveals"]);
    run(2_000..2_100, 1_000, Schedule::ripen, &["late leases", "late reveals"]);
}
