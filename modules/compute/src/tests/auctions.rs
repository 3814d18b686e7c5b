//! Auctions on the chain: sealed offers, openings, prices, and what becomes of jobs, bonds and deposits.
use cairn_auth::authority;
use cairn_kernel::{Address, Result};
use cairn_proto::cairn::compute::v1::{
    Class, JobOutcome, JobState, MsgCancelJob, MsgCommitBid, MsgLeaveProvider, MsgPostJob, MsgRevealBid, MsgServer, MsgSetClass,
    MsgUpdateParams, Offer, QueryClassRequest, QueryClassesRequest, QueryOffersRequest, QueryServer,
};

use super::world::{BOND, PRICE, World, base, provider, refused, requester, user};
use crate::{Compute, Error, Params, auction, bid_commitment, state::CLASSES, test_params};

const CLASS: u64 = 1;

/// An offer that somebody makes and opens.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) who: Address,
    pub(super) job: u64,
    pub(super) price: u128,
    pub(super) ceiling: u128,
    pub(super) capacity: u32,
}

impl Plan {
    pub(super) fn bid(job: u64, price: u128) -> Self {
        Self { who: requester(), job, price, ceiling: 0, capacity: 0 }
    }
    pub(super) fn ask(who: Address, price: u128, ceiling: u128) -> Self {
        Self { who, job: 0, price, ceiling, capacity: 1 }
    }
    fn salt(&self) -> [u8; 32] {
        [u8::try_from(self.job).unwrap() + 1; 32]
    }
    fn sealed(&self, epoch: u32, chain_id: &str) -> MsgCommitBid {
        let commitment = bid_commitment(chain_id, CLASS, epoch, &self.who, self.job, self.price, &self.salt()).to_vec();
        let ceiling = if self.job == 0 { base(self.ceiling) } else { None };
        let (bidder, job_id, capacity) = (self.who.to_string(), self.job, self.capacity);
        MsgCommitBid { bidder, class_id: CLASS, epoch, job_id, ceiling, capacity, commitment }
    }
    fn opened(&self) -> MsgRevealBid {
        let (bidder, salt) = (self.who.to_string(), self.salt().to_vec());
        MsgRevealBid { bidder, class_id: CLASS, job_id: self.job, price: base(self.price), salt }
    }
}

impl World {
    /// With a class of hardware and the program.
    pub(super) fn market() -> Self {
        let mut world = Self::new();
        world.bond(provider(), 10 * BOND).unwrap();
        world.register(world.registration(0, 0)).unwrap();
        world.set_class(0, "laptops", false).unwrap();
        world
    }
    fn set_class(&mut self, class_id: u64, name: &str, closed: bool) -> Result<u64> {
        let m = MsgSetClass {
            authority: authority().to_string(),
            class_id,
            name: name.into(),
            giga_macs: 50,
            closed,
            ..MsgSetClass::default()
        };
        self.chain.tx(|ctx| Compute.set_class(ctx, m)).map(|done| done.class_id)
    }
    pub(super) fn post_into_class(&mut self) -> u64 {
        self.post(MsgPostJob { class_id: CLASS, ..self.order() }).unwrap()
    }
    fn send_commit(&mut self, m: MsgCommitBid) -> Result<(u64, u64)> {
        self.chain.tx(|ctx| Compute.commit_bid(ctx, m)).map(|done| (done.open_from, done.open_until))
    }
    /// Makes an offer, with money for it.
    pub(super) fn offer(&mut self, plan: &Plan, epoch: u32) -> Result<(u64, u64)> {
        self.fund(plan.who, PRICE);
        let m = plan.sealed(epoch, &self.chain.block.chain_id);
        self.send_commit(m)
    }
    fn open(&mut self, m: MsgRevealBid) -> Result<()> {
        self.chain.tx(|ctx| Compute.reveal_bid(ctx, m)).map(drop)
    }
    fn class(&mut self) -> (Class, Option<cairn_proto::cairn::compute::v1::Auction>) {
        let found = self.chain.run(|ctx| Compute.class(ctx, QueryClassRequest { class_id: CLASS })).unwrap();
        (found.class.unwrap(), found.auction)
    }
    fn offers(&mut self) -> Vec<Offer> {
        let q = QueryOffersRequest { class_id: CLASS, ..QueryOffersRequest::default() };
        self.chain.run(|ctx| Compute.offers(ctx, q)).unwrap().offers
    }
    /// Makes the offers, opens them, and runs until they are settled.
    fn trade(&mut self, plans: &[Plan], epoch: u32) {
        let until = plans.iter().map(|plan| self.offer(plan, epoch).unwrap().1).max().unwrap();
        let first = self.class().1.unwrap().bid_until + 1;
        self.run_to(first);
        plans.iter().for_each(|plan| self.open(plan.opened()).unwrap());
        self.run_to(until + 4);
        assert!(self.class().1.is_none(), "the auction has ended");
    }
}

#[test]
fn a_job_finds_a_provider_at_a_price_below_its_escrow_and_is_paid() {
    let mut world = World::market();
    let job = world.post_into_class();
    let before = world.balance(requester());
    world.trade(&[Plan::bid(job, 800_000), Plan::ask(provider(), 300_000, 900_000)], 1);
    let found = world.job(job);
    assert_eq!((found.state(), found.provider.as_str()), (JobState::Running, provider().to_string().as_str()));
    assert_eq!((found.price.unwrap().amount, found.locked.unwrap().amount), ("800000".into(), "4500000".into()));
    let fee = PRICE / 1_000;
    assert_eq!(world.balance(requester()), before + PRICE + 200_000 - fee, "what it bid less is back, and the deposit");
    assert_eq!(world.provider(provider()).locked.unwrap().amount, "4500000", "what the ask had reserved for it");
    assert_eq!(world.class().0.prices, ["800000"]);
    let supplied = world.balance(provider());
    let until = world.submit(world.result(provider(), job, true)).unwrap();
    world.run_to(until + 1);
    assert_eq!((world.job(job).outcome(), world.balance(provider())), (JobOutcome::Paid, supplied + 784_000));
}

#[test]
fn an_ask_is_paid_at_most_its_ceiling_and_the_rest_goes_to_the_pool_or_back() {
    for right in [true, false] {
        let mut world = World::market();
        let job = world.post_into_class();
        world.trade(&[Plan::bid(job, 800_000), Plan::ask(provider(), 300_000, 700_000)], 1);
        let found = world.job(job);
        assert_eq!((found.price.unwrap().amount, found.surplus.unwrap().amount), ("700000".into(), "100000".into()));
        let (pool, money) = (world.balance(cairn_rewards::ACCOUNT.address()), world.balance(requester()));
        if right {
            let until = world.submit(world.result(provider(), job, true)).unwrap();
            world.run_to(until + 1);
            assert!(world.balance(cairn_rewards::ACCOUNT.address()) >= pool + 100_000);
        } else {
            let due = world.job(job).due;
            world.run_to(due + 1);
            assert_eq!(world.state(job), JobState::Open, "late: taken at its price by somebody else");
            assert_eq!(world.job(job).price.unwrap().amount, "800000", "which is all that its requester pays");
            let due = world.job(job).due;
            world.run_to(due + 1);
            assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::Expired, money + 800_000));
        }
    }
}

#[test]
fn an_offer_that_is_not_opened_loses_its_deposit_and_its_job_bids_again() {
    let mut world = World::market();
    let job = world.post(MsgPostJob { class_id: CLASS, accept_blocks: 60, ..world.order() }).unwrap();
    let (bid, ask) = (Plan::bid(job, 800_000), Plan::ask(provider(), 300_000, 900_000));
    let supply = world.supply();
    let until = world.offer(&bid, 1).unwrap().1;
    world.offer(&ask, 1).unwrap();
    world.run_to(until + 4);
    let minted = 2 * PRICE;
    assert_eq!(supply + minted - world.supply(), (100_000 + 90_000) + (1_000 + 900), "deposits and fees are burnt");
    assert_eq!((world.state(job), world.provider(provider()).locked.unwrap().amount), (JobState::Auction, "0".into()));
    assert!(world.class().0.prices.is_empty());
    world.trade(&[bid, ask], 2);
    assert_eq!((world.state(job), world.class().0.epoch), (JobState::Running, 2));
}

#[test]
fn a_job_without_a_trade_waits_until_its_height_and_is_refunded() {
    let mut world = World::market();
    let job = world.post_into_class();
    let money = world.balance(requester());
    world.trade(&[Plan::bid(job, 200_000), Plan::ask(provider(), 300_000, 900_000)], 1);
    let due = world.job(job).due;
    assert!(due > 10 && world.job(job).outcome() == JobOutcome::Expired || world.state(job) == JobState::Auction);
    world.run_to(due + 12);
    assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::Expired, money + 2 * PRICE - PRICE / 1_000));
    let job = world.post_into_class();
    let cancel = |world: &mut World, job_id| {
        world.chain.tx(|ctx| Compute.cancel_job(ctx, MsgCancelJob { requester: requester().to_string(), job_id }))
    };
    cancel(&mut world, job).unwrap();
    let job = world.post_into_class();
    world.offer(&Plan::bid(job, 1), 2).unwrap();
    refused(cancel(&mut world, job), &Error::State(job));
}

#[test]
fn offers_are_taken_and_opened_up_to_their_last_heights() {
    let mut world = World::market();
    let (job, late) = (world.post(MsgPostJob { class_id: CLASS, accept_blocks: 100, ..world.order() }).unwrap(), world.post_into_class());
    let (from, until) = world.offer(&Plan::bid(job, 800_000), 1).unwrap();
    assert_eq!((from, until), (world.height() + 13, world.height() + 22));
    world.run_to(from - 1);
    let ask = Plan::ask(provider(), 300_000, 900_000);
    let opened = |plan: &Plan| plan.opened();
    refused(world.open(opened(&Plan::bid(job, 800_000))), &Error::Epoch { class: CLASS, epoch: 1 });
    world.offer(&ask, 1).unwrap();
    world.run_to(from);
    refused(world.offer(&Plan::bid(late, 800_000), 1), &Error::Epoch { class: CLASS, epoch: 1 });
    let third = world.post_into_class();
    refused(world.offer(&Plan::bid(third, 800_000), 1), &Error::Epoch { class: CLASS, epoch: 1 });
    world.open(opened(&Plan::bid(job, 800_000))).unwrap();
    refused(world.open(opened(&Plan::bid(job, 800_000))), &Error::Epoch { class: CLASS, epoch: 1 });
    world.run_to(until);
    world.open(opened(&ask)).unwrap();
    assert!(world.offers().iter().all(|offer| offer.price.is_some()));
    world.block();
    refused(world.open(opened(&ask)), &Error::Epoch { class: CLASS, epoch: 1 });
    refused(world.offer(&Plan::bid(third, 800_000), 2), &Error::Epoch { class: CLASS, epoch: 2 });
}

#[test]
fn offers_outside_the_rules_are_refused() {
    let mut world = World::market();
    let job = world.post_into_class();
    let chain = world.chain.block.chain_id.clone();
    let (bid, ask) = (Plan::bid(job, 800_000).sealed(1, &chain), Plan::ask(provider(), 300_000, 900_000).sealed(1, &chain));
    world.fund(requester(), PRICE);
    world.fund(provider(), PRICE);
    let cases = [
        (MsgCommitBid { class_id: 9, ..bid.clone() }, Error::NoClass(9)),
        (MsgCommitBid { epoch: 2, ..bid.clone() }, Error::Epoch { class: 1, epoch: 2 }),
        (MsgCommitBid { commitment: vec![1; 31], ..bid.clone() }, Error::Hash(31)),
        (MsgCommitBid { job_id: 77, ..bid.clone() }, Error::NoJob(77)),
        (MsgCommitBid { capacity: 1, ..bid.clone() }, Error::Capacity(1)),
        (MsgCommitBid { bidder: provider().to_string(), ..bid.clone() }, Error::NotYours { job, account: provider().to_string() }),
        (MsgCommitBid { capacity: 0, ..ask.clone() }, Error::Capacity(0)),
        (MsgCommitBid { capacity: 65, ..ask.clone() }, Error::Capacity(65)),
        (MsgCommitBid { ceiling: None, ..ask.clone() }, Error::Price),
        (MsgCommitBid { bidder: user(70).to_string(), ..ask.clone() }, Error::NoProvider(user(70).to_string())),
        (MsgCommitBid { ceiling: base(30_000_000), ..ask.clone() }, Error::BondTooSmall { needed: 150_000_000, free: 11 * BOND }),
    ];
    for (m, error) in cases {
        refused(world.send_commit(m), &error);
    }
    let plain = world.post(world.order()).unwrap();
    refused(world.send_commit(MsgCommitBid { job_id: plain, ..bid.clone() }), &Error::State(plain));
    world.send_commit(bid.clone()).unwrap();
    refused(world.send_commit(bid), &Error::AlreadyBid(requester().to_string()));
    world.send_commit(ask).unwrap();
    let leave = MsgLeaveProvider { provider: provider().to_string() };
    refused(world.chain.tx(|ctx| Compute.leave_provider(ctx, leave)), &Error::Busy(provider().to_string()));

    let first = world.class().1.unwrap().bid_until + 1;
    world.run_to(first);
    let right = Plan::bid(job, 800_000).opened();
    let cases = [
        (MsgRevealBid { class_id: 9, ..right.clone() }, Error::NoBid(requester().to_string())),
        (MsgRevealBid { bidder: user(70).to_string(), ..right.clone() }, Error::NoBid(user(70).to_string())),
        (MsgRevealBid { price: base(800_001), ..right.clone() }, Error::Opening),
        (MsgRevealBid { salt: vec![9; 32], ..right.clone() }, Error::Opening),
        (MsgRevealBid { salt: vec![9; 31], ..right.clone() }, Error::Hash(31)),
        (MsgRevealBid { price: base(0), ..right.clone() }, Error::Price),
    ];
    for (m, error) in cases {
        refused(world.open(m), &error);
    }
    world.open(right).unwrap();
}

#[test]
fn a_price_above_the_ceiling_cannot_be_opened_and_a_copied_commitment_is_worth_nothing() {
    let mut world = World::market();
    let (job, other) = (world.post_into_class(), world.post_into_class());
    let high = Plan::bid(job, PRICE + 1);
    world.offer(&high, 1).unwrap();
    let copied = MsgCommitBid { job_id: other, ..high.sealed(1, &world.chain.block.chain_id) };
    world.send_commit(copied).unwrap();
    let first = world.class().1.unwrap().bid_until + 1;
    world.run_to(first);
    refused(world.open(high.opened()), &Error::Opening);
    refused(world.open(MsgRevealBid { job_id: other, ..high.opened() }), &Error::Opening);
}

#[test]
fn classes_are_governances_and_an_auction_takes_so_many_offers() {
    let mut world = World::market();
    let m = MsgSetClass { authority: user(1).to_string(), name: "x".into(), ..MsgSetClass::default() };
    assert_eq!(world.chain.tx(|ctx| Compute.set_class(ctx, m)).unwrap_err().code, 4);
    refused(world.set_class(0, "", false), &Error::Classes);
    refused(world.set_class(0, &"x".repeat(65), false), &Error::Classes);
    refused(world.set_class(7, "x", false), &Error::NoClass(7));
    let params = Params { max_offers: 2, ..test_params() };
    let update = MsgUpdateParams { authority: authority().to_string(), params: Some(params) };
    world.chain.tx(|ctx| Compute.update_params(ctx, update)).unwrap();
    let jobs: Vec<u64> = (0..3).map(|_| world.post_into_class()).collect();
    world.offer(&Plan::bid(jobs[0], 5), 1).unwrap();
    world.offer(&Plan::bid(jobs[1], 5), 1).unwrap();
    refused(world.offer(&Plan::bid(jobs[2], 5), 1), &Error::Full { class: 1, most: 2 });
    world.fund(requester(), PRICE);
    let dear = world.post(MsgPostJob { class_id: CLASS, price: base(2 * PRICE), ..world.order() }).unwrap();
    let before = world.balance(requester());
    world.offer(&Plan::bid(dear, 5), 1).unwrap();
    assert_eq!(world.balance(requester()), before + PRICE - 200_000 - 2_000 + 100_000, "the newest of the lowest has its deposit back");
    let there: Vec<u64> = world.offers().iter().map(|offer| offer.job_id).collect();
    assert_eq!(there, [jobs[0], dear]);
    world.set_class(1, "old laptops", true).unwrap();
    refused(world.offer(&Plan::ask(provider(), 5, 5), 1), &Error::NoClass(1));
    refused(world.post(MsgPostJob { class_id: CLASS, ..world.order() }), &Error::NoClass(1));
    refused(world.post(MsgPostJob { class_id: 9, ..world.order() }), &Error::NoClass(9));
    let all = world.chain.run(|ctx| Compute.classes(ctx, QueryClassesRequest::default())).unwrap().classes;
    assert_eq!((all.len(), all[0].name.as_str(), all[0].closed), (1, "old laptops", true));
    for _ in 1..64 {
        world.set_class(0, "more", false).unwrap();
    }
    refused(world.set_class(0, "one too many", false), &Error::Classes);
}

#[test]
fn settling_is_bounded_and_carries_over() {
    let mut world = World::market();
    let jobs: Vec<u64> = (0..5).map(|_| world.post_into_class()).collect();
    let mut plans: Vec<Plan> = jobs.iter().map(|job| Plan::bid(*job, 800_000)).collect();
    plans.push(Plan { capacity: 5, ..Plan::ask(provider(), 300_000, 400_000) });
    let until = plans.iter().map(|plan| world.offer(plan, 1).unwrap().1).max().unwrap();
    let first = world.class().1.unwrap().bid_until + 1;
    world.run_to(first);
    plans.iter().for_each(|plan| world.open(plan.opened()).unwrap());
    world.run_to(until);
    // Past the seed, with a budget of two offers a block instead of what a block has.
    for _ in 0..5 {
        world.chain.advance();
        world.begin();
        world.chain.tx(|ctx| auction::run(ctx, 2)).unwrap();
        world.check();
    }
    assert!(world.class().1.is_none());
    let runs = jobs.iter().filter(|job| world.state(**job) == JobState::Running).count();
    assert_eq!(runs, 4, "five trades are thick: the last is given up");
    assert_eq!(world.provider(provider()).locked.unwrap().amount, (4 * 5 * 400_000).to_string());
}

#[test]
fn an_auction_that_fails_holds_up_nothing_else_and_goes_on_when_it_can() {
    let mut world = World::market();
    let (job, plain) = (world.post_into_class(), world.post(world.order()).unwrap());
    let plans = [Plan::bid(job, 800_000), Plan::ask(provider(), 300_000, 900_000)];
    let until = plans.iter().map(|plan| world.offer(plan, 1).unwrap().1).max().unwrap();
    let first = world.class().1.unwrap().bid_until + 1;
    world.run_to(first);
    plans.iter().for_each(|plan| world.open(plan.opened()).unwrap());
    let remembered = |world: &mut World, prices: Vec<String>| {
        let class = Class { prices, ..world.class().0 };
        world.chain.tx(|ctx| CLASSES.set(ctx, &CLASS, &class)).unwrap();
    };
    remembered(&mut world, vec!["no number".into()]);
    world.run_to(until + 10);
    assert!(!world.class().1.unwrap().cleared);
    assert_eq!(world.job(plain).outcome(), JobOutcome::Expired);
    remembered(&mut world, vec![]);
    world.block();
    assert_eq!((world.class().1, world.state(job)), (None, JobState::Running));
}

/// Whoever asks next to nothing and delivers nothing takes a job's time. It costs a tenth of a ceiling that is at least half of what others are paid.
#[test]
fn an_ask_that_takes_jobs_to_fail_them_pays_for_it() {
    let mut world = World::market();
    let job = world.post_into_class();
    world.trade(&[Plan::bid(job, 800_000), Plan::ask(provider(), 800_000, 900_000)], 1);
    world.bond(user(71), BOND).unwrap();
    let job = world.post_into_class();
    let cheap = Plan::ask(user(71), 1, 399_999);
    refused(world.offer(&cheap, 2), &Error::Ceiling { least: 400_000 });
    let cheap = Plan { ceiling: 400_000, capacity: 4, ..cheap };
    world.trade(&[Plan::bid(job, 800_000), cheap], 2);
    let found = world.job(job);
    assert_eq!((found.provider, found.price.unwrap().amount), (user(71).to_string(), "1".into()), "it set its price itself");
    assert_eq!(world.class().0.prices, ["800000", "400000"], "and moves the memory by half at most");
    let due = found.due;
    world.run_to(due + 1);
    let lost = BOND - world.provider(user(71)).bond.unwrap().amount.parse::<u128>().unwrap();
    println!(
        "an ask of 1 at a ceiling of 400000 that delivers nothing: the attacker loses {lost} and gains 0, the requester waits and loses 0"
    );
    assert_eq!((lost, world.state(job)), (40_000, JobState::Open));
}
