//! A small chain with every module that annotation stands on, fresh beacons, invariants after every block, and people who work on jobs.
use std::sync::Arc;

use cairn_asset::Asset;
use cairn_auth::Auth;
use cairn_bank::{self as bank, Bank};
use cairn_beacon::{Beacon, vrf::SecretKey};
use cairn_dispute::Dispute;
use cairn_kernel::{Address, Coin, Ctx, Module, Result, testing::Chain};
use cairn_proto::{
    cairn::{
        annotation::v1::{
            Genesis, Job, JobState, JobStatus, Label, Lease, LeaseState, MsgClaimTasks, MsgCommitLabels, MsgPostJob, MsgRevealLabels,
            MsgServer, QueryJobRequest, QueryLeasesRequest, QueryServer, QueryWorkerRequest, Rules, SettleStep, Standing, Worker,
        },
        beacon::v1::{GenesisState as BeaconGenesis, Validator},
    },
    cosmos::{auth::v1beta1::GenesisState as AuthGenesis, bank::v1beta1::Balance, bank::v1beta1::GenesisState as BankGenesis},
};
use cairn_rewards::Rewards;

pub(crate) use super::post::{GoldSecret, Post, Posted};
use crate::{Annotation, formats};

/// What users own at the start, in ucairn and in `ibc/ABC`.
pub(crate) const WEALTH: u128 = 1_000_000_000_000;
/// A denomination that is not the chain's own.
pub(crate) const FOREIGN: &str = "ibc/ABC";
const PROPOSER: [u8; 20] = [0xee; 20];

/// A user of the genesis file, from 1.
pub(crate) fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

/// The standing of a user with so many settled labels of kappa 1/2 in `classify`.
pub(crate) fn standing(n: u8, labels: u64) -> Standing {
    let (labels_ppm, worth) = (labels * 1_000_000, i64::try_from(labels * 500_000).unwrap());
    let (address, skill) = (user(n).to_string(), "classify".to_owned());
    Standing { address, skill, settled_labels: labels, settled_jobs: 1, labels_ppm, kappa_labels_ppm: worth, ..Standing::default() }
}

/// The rules of a test network without appeals, and with one wave of late labels.
pub(crate) fn quick_rules() -> Rules {
    Rules { appeal_window: 0, late_waves: 1, ..crate::rules::TEST_RULES }
}

/// The chain and its proposer.
pub(crate) struct World {
    pub(crate) chain: Chain,
    secret: SecretKey,
    /// Whether blocks carry a reveal.
    pub(crate) fresh: bool,
    /// Whether invariants are checked after each block.
    pub(crate) checked: bool,
    /// What is done besides after each block.
    pub(crate) after_block: Option<fn(&mut World)>,
}

impl World {
    /// With so many users of [`WEALTH`] and the parameters of a test network but for an appeal window, so that jobs close at once.
    pub(crate) fn new(users: u8) -> Self {
        let mut genesis = Annotation.default_genesis();
        genesis.params.as_mut().unwrap().rules = Some(quick_rules());
        Self::with(users, genesis)
    }
    pub(crate) fn with(users: u8, genesis: Genesis) -> Self {
        let mut chain = Self::chain();
        let secret = SecretKey::from_seed(&[7; 32]);
        let balances = (1..=users)
            .map(|n| Balance { address: user(n).to_string(), coins: vec![Coin::new(FOREIGN, WEALTH).into(), Coin::base(WEALTH).into()] });
        let bank = BankGenesis { balances: balances.collect(), ..Bank.default_genesis() };
        let key = secret.public().as_bytes().to_vec();
        let validator = Validator { address: PROPOSER.to_vec(), power: 1, vrf_key: key, active_from: 1, ..Validator::default() };
        let beacon = BeaconGenesis { validators: vec![validator], ..Beacon.default_genesis() };
        let start = |ctx: &mut Ctx| {
            Auth.init(ctx, AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] })?;
            Bank.init(ctx, bank)?;
            Beacon.init(ctx, beacon)?;
            Asset.init(ctx, Asset.default_genesis())?;
            Rewards.init(ctx, Rewards.default_genesis())?;
            Dispute.init(ctx, Dispute.default_genesis())?;
            Annotation.init(ctx, genesis)
        };
        chain.block.proposer = PROPOSER.to_vec();
        chain.tx(start).unwrap();
        let mut world = Self { chain, secret, fresh: true, checked: true, after_block: None };
        world.observe();
        world
    }
    /// An empty chain of these modules.
    pub(super) fn chain() -> Chain {
        let mut chain = Chain::default();
        Arc::new(Auth).routes(&mut chain.router);
        Arc::new(Bank).routes(&mut chain.router);
        Arc::new(Beacon).routes(&mut chain.router);
        Arc::new(Asset).routes(&mut chain.router);
        Arc::new(cairn_mint::Mint).routes(&mut chain.router);
        Arc::new(Rewards).routes(&mut chain.router);
        Arc::new(Dispute).routes(&mut chain.router);
        Arc::new(Annotation).routes(&mut chain.router);
        chain
    }
    fn observe(&mut self) {
        let (secret, fresh) = (&self.secret, self.fresh);
        self.chain.run(|ctx| {
            let reveal = if fresh { cairn_beacon::reveal(ctx, secret).unwrap() } else { None };
            cairn_beacon::observe(ctx, reveal.as_ref()).unwrap();
        });
    }
    pub(crate) fn height(&self) -> u64 {
        self.chain.block.height
    }
    /// Ends the block and begins the next one.
    pub(crate) fn block(&mut self) {
        self.chain.run(|ctx| Dispute.end_block(ctx)).unwrap();
        self.chain.run(|ctx| Annotation.end_block(ctx)).unwrap();
        // Mint provides plenty, of which the parameters of rewards decide how much is set aside.
        self.chain.run(|ctx| cairn_mint::Hooks::set_aside(&Rewards, ctx, WEALTH)).unwrap();
        self.chain.run(|ctx| Rewards.end_block(ctx)).unwrap();
        if self.checked {
            self.check();
        }
        if let Some(also) = self.after_block {
            also(self);
        }
        self.chain.advance();
        self.observe();
    }
    /// Blocks until this one is at `height`.
    pub(crate) fn go_to(&mut self, height: u64) {
        while self.height() < height {
            self.block();
        }
    }
    /// Every invariant of every module.
    pub(crate) fn check(&mut self) {
        let height = self.height();
        let all = [Bank.invariants(), Asset.invariants(), Rewards.invariants(), Dispute.invariants(), Annotation.invariants()].concat();
        self.chain.run(|ctx| {
            for (name, check) in all {
                if let Err(what) = check(ctx) {
                    panic!("height {height}: {name}: {what}");
                }
            }
        });
    }
    pub(crate) fn tx<T>(&mut self, f: impl FnOnce(&mut Ctx) -> Result<T>) -> Result<T> {
        self.chain.tx(f)
    }
    pub(crate) fn ask<T>(&mut self, f: impl FnOnce(&Ctx) -> Result<T>) -> T {
        self.chain.run(|ctx| f(ctx)).unwrap()
    }
    /// The code of a refusal of this module.
    pub(crate) fn refusal<T: std::fmt::Debug>(&mut self, f: impl FnOnce(&mut Ctx) -> Result<T>) -> u32 {
        let error = self.tx(f).unwrap_err();
        assert_eq!(error.codespace, "annotation", "{error}");
        error.code
    }
    pub(crate) fn balance(&mut self, of: &Address) -> u128 {
        self.ask(|ctx| bank::balance(ctx, of, cairn_kernel::BASE_DENOM))
    }
    pub(crate) fn claimable(&mut self, of: &Address) -> u128 {
        self.ask(|ctx| crate::escrow::claimable(ctx, of, cairn_kernel::BASE_DENOM))
    }
    /// Balance and what can be withdrawn.
    pub(crate) fn wealth(&mut self, of: &Address) -> u128 {
        self.balance(of) + self.claimable(of)
    }
    pub(crate) fn job(&mut self, id: u64) -> (Job, JobStatus) {
        let found = self.ask(|ctx| Annotation.job(ctx, QueryJobRequest { job: id }));
        (found.job.unwrap(), found.status.unwrap())
    }
    pub(crate) fn status(&mut self, id: u64) -> JobStatus {
        self.job(id).1
    }
    pub(crate) fn money(&mut self, id: u64) -> crate::escrow::Money {
        crate::escrow::Money::read(&self.status(id).escrow.unwrap()).unwrap()
    }
    pub(crate) fn worker(&mut self, job: u64, annotator: &Address) -> Worker {
        let query = QueryWorkerRequest { job, annotator: annotator.to_string() };
        self.ask(|ctx| Annotation.worker(ctx, query)).worker.unwrap()
    }
    pub(crate) fn leases(&mut self, job: u64, annotator: &Address, state: LeaseState) -> Vec<(Lease, Vec<u32>)> {
        let query = QueryLeasesRequest { annotator: annotator.to_string(), job, state: state.into(), pagination: None };
        let found = self.ask(|ctx| Annotation.leases(ctx, query));
        found.leases.into_iter().map(|entry| (entry.lease.unwrap(), entry.tasks)).collect()
    }
    pub(crate) fn lease(&mut self, id: u64) -> Lease {
        self.ask(|ctx| crate::state::LEASES.get(ctx, &id)).unwrap()
    }
    pub(crate) fn claim(&mut self, job: u64, annotator: &Address) -> Result<()> {
        let nonce = self.height();
        self.tx(|ctx| {
            Annotation
                .claim_tasks(ctx, MsgClaimTasks { annotator: annotator.to_string(), job, buckets: 4, nonce, ..MsgClaimTasks::default() })
        })
        .map(drop)
    }
    /// A claim whose bond the requester lends. Gives what was taken from the annotator.
    pub(crate) fn claim_lent(&mut self, job: u64, annotator: &Address) -> Result<u128> {
        let msg = MsgClaimTasks { annotator: annotator.to_string(), job, buckets: 4, nonce: self.height(), lent_bond: true };
        let taken = self.tx(|ctx| Annotation.claim_tasks(ctx, msg))?.bond.unwrap().amount;
        Ok(taken.parse().unwrap())
    }
    /// A claim and blocks until it is answered: the lease.
    pub(crate) fn grant(&mut self, job: u64, annotator: &Address) -> (Lease, Vec<u32>) {
        self.claim(job, annotator).unwrap();
        self.drawn(job, annotator)
    }
    /// The same on a lent bond.
    pub(crate) fn grant_lent(&mut self, job: u64, annotator: &Address) -> (Lease, Vec<u32>) {
        self.claim_lent(job, annotator).unwrap();
        self.drawn(job, annotator)
    }
    fn drawn(&mut self, job: u64, annotator: &Address) -> (Lease, Vec<u32>) {
        (0..3).for_each(|_| self.block());
        self.leases(job, annotator, LeaseState::Live).pop().unwrap()
    }
    /// Commits to labels of a lease under the salt of [`salt`].
    pub(crate) fn commit(&mut self, lease: &Lease, labels: &[(u32, u16)]) -> Result<()> {
        let annotator = Address::parse(&lease.annotator).unwrap();
        let commitment = commitment(&self.chain.block.chain_id, lease, &annotator, labels);
        let msg = MsgCommitLabels { annotator: lease.annotator.clone(), lease: lease.id, commitment, revealer: String::new() };
        self.tx(|ctx| Annotation.commit_labels(ctx, msg)).map(drop)
    }
    pub(crate) fn reveal(&mut self, sender: &Address, lease: &Lease, labels: &[(u32, u16)]) -> Result<u32> {
        let msg = reveal(sender, lease, labels);
        self.tx(|ctx| Annotation.reveal_labels(ctx, msg)).map(|answer| answer.accepted)
    }
    /// Posts a job of user 1 and keeps what its gold is opened with.
    pub(crate) fn post(&mut self, post: &Post) -> Posted {
        self.post_with(post, |_| {}).unwrap()
    }
    /// The same, with the message changed before it is sent.
    pub(crate) fn post_with(&mut self, post: &Post, change: impl FnOnce(&mut MsgPostJob)) -> Result<Posted> {
        let salt = self.ask(|ctx| crate::state::JOB_IDS.last(ctx)) + 1;
        let gold = post.gold(&self.chain.block.chain_id, salt);
        let mut msg = post.msg(&gold);
        change(&mut msg);
        let job = self.tx(|ctx| Annotation.post_job(ctx, msg))?.job;
        Ok(Posted { id: job, gold, truth: post.truth })
    }
    /// Opens all gold of a job.
    pub(crate) fn open_gold(&mut self, posted: &Posted) {
        let (job, _) = self.job(posted.id);
        for chunk in 0..formats::chunks(job.tasks) {
            let msg = posted.gold.opening(posted.id, chunk, job.tasks);
            self.tx(|ctx| Annotation.open_gold(ctx, msg)).unwrap();
        }
    }
    /// Blocks until the job is in `state`.
    pub(crate) fn until(&mut self, job: u64, state: JobState) {
        for _ in 0..20_000 {
            if self.status(job).state() == state {
                return;
            }
            self.block();
        }
        panic!("job {job} never got to {state:?}: {:?}", self.status(job));
    }
    /// Blocks until the job's settlement is at `step`.
    pub(crate) fn until_step(&mut self, job: u64, step: SettleStep) {
        for _ in 0..20_000 {
            if self.status(job).settlement.is_some_and(|settlement| settlement.step() == step) {
                return;
            }
            self.block();
        }
        panic!("job {job} never got to {step:?}: {:?}", self.status(job));
    }
    /// Lets people work on a job until all reveals are closed.
    pub(crate) fn work(&mut self, job: u64, people: &[Person]) {
        for _ in 0..20_000 {
            if !matches!(self.status(job).state(), JobState::Open | JobState::Revealing) {
                return;
            }
            self.work_one(job, people);
            self.block();
        }
        panic!("job {job} never ended");
    }
    /// Lets people work in the late round of a job until it is over, if it has one.
    pub(crate) fn work_late(&mut self, job: u64, people: &[Person]) {
        self.settle_to(job, JobState::Late);
        while self.status(job).state() == JobState::Late {
            self.work_one(job, people);
            self.block();
        }
    }
    /// Blocks until the job is in `state` or closed.
    pub(crate) fn settle_to(&mut self, job: u64, state: JobState) {
        while self.status(job).state() != state && self.status(job).state() != JobState::Closed {
            self.block();
        }
    }
    /// Lets people work in this block.
    pub(crate) fn work_one(&mut self, job: u64, people: &[Person]) {
        people.iter().for_each(|person| self.turn(job, person));
    }
    /// What one person does in a block: claims, commits, reveals.
    fn turn(&mut self, job: u64, person: &Person) {
        let _refused = self.claim(job, &person.address);
        for (lease, tasks) in self.leases(job, &person.address, LeaseState::Live) {
            if person.commits {
                self.commit(&lease, &person.labels(&tasks)).unwrap();
            }
        }
        let height = self.height();
        for (lease, tasks) in self.leases(job, &person.address, LeaseState::Committed) {
            if person.reveals && lease.reveal_from > 0 && height >= lease.reveal_from {
                self.reveal(&person.address, &lease, &person.labels(&tasks)).unwrap();
            }
        }
    }
    /// A whole job: worked on, gold opened, settled.
    pub(crate) fn run_job(&mut self, post: &Post, people: &[Person]) -> Posted {
        let posted = self.post(post);
        self.work(posted.id, people);
        if self.status(posted.id).state() == JobState::Gold {
            self.open_gold(&posted);
        }
        self.until(posted.id, JobState::Closed);
        posted
    }
    /// What a person was paid a label of the job, in base units, times 1,000.
    pub(crate) fn pay_per_label(&mut self, job: u64, annotator: &Address) -> u128 {
        let worker = self.worker(job, annotator);
        let pay: u128 = worker.result.unwrap().pay.unwrap().amount.parse().unwrap();
        pay * 1_000 / u128::from(worker.labels.max(1))
    }
}

/// The salt that all commitments of these tests use.
pub(crate) fn salt(lease: u64) -> [u8; 32] {
    let mut salt = [9; 32];
    salt[..8].copy_from_slice(&lease.to_be_bytes());
    salt
}

pub(crate) fn commitment(chain_id: &str, lease: &Lease, annotator: &Address, labels: &[(u32, u16)]) -> Vec<u8> {
    let labels: Vec<_> = labels.iter().map(|(task, class)| (*task, formats::class_payload(*class))).collect();
    formats::label_commitment(chain_id, lease.job, lease.id, annotator, &salt(lease.id), &labels).unwrap().to_vec()
}

pub(crate) fn reveal(sender: &Address, lease: &Lease, labels: &[(u32, u16)]) -> MsgRevealLabels {
    let labels = labels.iter().map(|(task, class)| Label { task: *task, class: (*class).into(), ..Label::default() }).collect();
    MsgRevealLabels { sender: sender.to_string(), lease: lease.id, salt: salt(lease.id).to_vec(), labels }
}

/// Somebody who works on a job.
pub(crate) struct Person {
    pub(crate) address: Address,
    pub(crate) answer: Box<dyn Fn(u32) -> u16>,
    pub(crate) commits: bool,
    pub(crate) reveals: bool,
}

impl Person {
    pub(crate) fn new(address: Address, answer: impl Fn(u32) -> u16 + 'static) -> Self {
        Self { address, answer: Box::new(answer), commits: true, reveals: true }
    }
    /// Right in `percent` of the tasks, else another class at random; seeded by the address.
    pub(crate) fn skilled(address: Address, percent: u64, truth: fn(u32) -> u16, classes: u16) -> Self {
        let salt = address.as_bytes().iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        Self::new(address, move |task| {
            let dice = noise(salt, task);
            if dice % 100 < percent {
                return truth(task);
            }
            let other = u16::try_from(dice / 100 % u64::from(classes - 1)).unwrap();
            if other < truth(task) { other } else { other + 1 }
        })
    }
    pub(crate) fn labels(&self, tasks: &[u32]) -> Vec<(u32, u16)> {
        tasks.iter().map(|task| (*task, (self.answer)(*task))).collect()
    }
}

/// A number that looks random, from two others.
pub(crate) fn noise(salt: u64, task: u32) -> u64 {
    let mut z = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(u64::from(task).wrapping_mul(0xbf58_476d_1ce4_e5b9));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
