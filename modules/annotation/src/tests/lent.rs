//! Bonds that requesters lend to newcomers: who gets one, and where it goes at each end of a claim and of a lease.
use cairn_kernel::{Address, Coin, Module};
use cairn_proto::cairn::annotation::v1::{
    Annotator, JobState, Lease, LeaseState, MsgCancelJob, MsgCommitLabels, MsgPostJob, MsgServer, MsgSkipTasks, QueryClaimRequest,
    QueryServer, SkipReason,
};

use super::world::{Person, Post, Posted, WEALTH, World, commitment, quick_rules, user};
use crate::{Annotation, state::DUE};

/// The bond of a lease of ten tasks at 10,000.
const BOND: u128 = 10_000;

fn lending(msg: &mut MsgPostJob) {
    msg.lent_bonds = 3;
}

fn post() -> Post {
    Post { change: lending, ..Post::default() }
}

/// Somebody without any money.
fn newcomer(n: u8) -> Address {
    user(200 + n)
}

/// A world with one lending job of quick leases.
fn world() -> (World, Posted) {
    let mut genesis = Annotation.default_genesis();
    let mut rules = quick_rules();
    (rules.lease_blocks, rules.bucket_wait, rules.reveal_window) = (8, 10, 10);
    genesis.params.as_mut().unwrap().rules = Some(rules);
    let mut world = World::with(6, genesis);
    let posted = world.post(&post());
    (world, posted)
}

/// What can be lent, is lent, was burnt or pooled.
fn books(world: &mut World, job: u64) -> [u128; 3] {
    let money = world.money(job);
    [money.lendable, money.on_loan, money.burnt + money.pool]
}

fn labels(tasks: &[u32]) -> Vec<(u32, u16)> {
    Person::new(user(2), Post::default().truth).labels(tasks)
}

/// A commitment, and blocks until it may be revealed.
fn committed(world: &mut World, lease: &Lease, tasks: &[u32]) -> Lease {
    world.commit(lease, &labels(tasks)).unwrap();
    while world.lease(lease.id).reveal_from == 0 {
        world.block();
    }
    world.lease(lease.id)
}

#[test]
fn a_newcomer_without_money_works_and_is_paid_and_the_bond_returns() {
    let (mut world, posted) = world();
    let (job, _) = world.job(posted.id);
    assert_eq!(job.lent_bonds, 3);
    assert_eq!(world.wealth(&user(1)), WEALTH - 100_000 - post().quote().total().unwrap() - 3 * BOND, "paid beside the escrow");
    assert_eq!(books(&mut world, posted.id), [3 * BOND, 0, 0]);
    assert_eq!(world.claim_lent(posted.id, &newcomer(1)).unwrap(), 0, "nothing is taken");
    let query = QueryClaimRequest { job: posted.id, annotator: newcomer(1).to_string() };
    let claim = world.ask(|ctx| Annotation.claim(ctx, query)).claim.unwrap();
    assert_eq!((claim.lent, claim.buckets, claim.bond.as_str()), (true, 1, "10000"), "one bucket, whatever was asked for");
    assert_eq!(books(&mut world, posted.id), [2 * BOND, BOND, 0]);
    (0..3).for_each(|_| world.block());
    let (lease, tasks) = world.leases(posted.id, &newcomer(1), LeaseState::Live).pop().unwrap();
    assert!(lease.lent && lease.buckets.len() == 1);
    let lease = committed(&mut world, &lease, &tasks);
    assert_eq!(world.reveal(&newcomer(1), &lease, &labels(&tasks)).unwrap(), 10);
    assert_eq!(books(&mut world, posted.id), [3 * BOND, 0, 0]);
    assert_eq!(world.wealth(&newcomer(1)), 0, "the bond was never the newcomer's");
    world.until(posted.id, JobState::Gold);
    world.open_gold(&posted);
    world.until(posted.id, JobState::Closed);
    let money = world.money(posted.id);
    assert_eq!((money.lendable, money.on_loan), (0, 0));
    assert!(money.refunded >= 3 * BOND && world.wealth(&newcomer(1)) > 0, "{money:?}");
}

#[test]
fn each_refusal_of_a_loan_has_its_code() {
    let (mut world, posted) = world();
    let plain = world.post(&Post::default()).id;
    assert_eq!(world.claim_lent(plain, &newcomer(1)).unwrap_err().code, 231, "a job that lends none");
    let (lease, _) = world.grant(posted.id, &user(2));
    assert_eq!(world.claim_lent(posted.id, &user(2)).unwrap_err().code, 232, "a lease stands");
    world.go_to(lease.end_height + 1);
    world.go_to(world.chain.block.height + 300);
    assert_eq!(world.claim_lent(posted.id, &user(2)).unwrap_err().code, 232, "a lease was lost");
    let known = Annotator { address: user(3).to_string(), settled_labels: 1, settled_jobs: 1 };
    world.tx(|ctx| crate::state::ANNOTATORS.set(ctx, &user(3), &known)).unwrap();
    assert_eq!(world.claim_lent(posted.id, &user(3)).unwrap_err().code, 233);
    for n in 1..=3 {
        world.claim_lent(posted.id, &newcomer(n)).unwrap();
    }
    assert_eq!(world.claim_lent(posted.id, &newcomer(4)).unwrap_err().code, 231, "all three are lent");
    assert_eq!(world.claim_lent(posted.id, &user(1)).unwrap_err().code, 41, "what holds for all claims holds for these");
    for (bonds, expected) in [(30, None), (31, Some(230))] {
        let found = world.post_with(&Post::default(), |msg| msg.lent_bonds = bonds);
        assert_eq!(found.err().map(|error| error.code), expected, "{bonds} bonds for 30 seats");
    }
    let poor = |msg: &mut MsgPostJob| msg.lent_bonds = u32::MAX;
    assert_eq!(world.post_with(&Post::default(), poor).err().unwrap().code, 230);
}

#[test]
fn a_lent_bond_that_its_holder_loses_is_lost_to_the_lender() {
    let (mut world, posted) = world();
    let (expires, _) = world.grant_lent(posted.id, &newcomer(1));
    let (silent, tasks) = world.grant_lent(posted.id, &newcomer(2));
    let silent = committed(&mut world, &silent, &tasks);
    world.go_to(expires.end_height.max(silent.reveal_until) + 1);
    assert_eq!(world.lease(expires.id).state(), LeaseState::Expired);
    assert_eq!(world.lease(silent.id).state(), LeaseState::Unrevealed);
    let money = world.money(posted.id);
    assert_eq!((money.lendable, money.on_loan, money.burnt, money.pool), (BOND, 0, BOND, BOND));
    assert_eq!((world.wealth(&newcomer(1)), world.wealth(&newcomer(2))), (0, 0));
    world.go_to(world.chain.block.height + 300);
    assert_eq!(world.claim_lent(posted.id, &newcomer(1)).unwrap_err().code, 232, "there is one try");
}

#[test]
fn a_lent_bond_comes_back_when_the_lease_is_given_back() {
    let (mut world, posted) = world();
    for (n, reason) in [(1, SkipReason::Unavailable), (2, SkipReason::Declined)] {
        let (lease, _) = world.grant_lent(posted.id, &newcomer(n));
        let msg = MsgSkipTasks { annotator: newcomer(n).to_string(), lease: lease.id, reason: reason.into() };
        world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).unwrap();
        assert_eq!((books(&mut world, posted.id), world.wealth(&newcomer(n))), ([3 * BOND, 0, 0], 0));
    }
    world.go_to(world.chain.block.height + 300);
    assert_eq!(world.claim_lent(posted.id, &newcomer(1)).unwrap_err().code, 38, "the skip budget is one bucket here");
    // Of a job with a larger budget it may ask again: it has had nothing but what it gave back.
    let large = world.post(&Post { tasks: 600, ..post() }).id;
    let (lease, _) = world.grant_lent(large, &newcomer(1));
    let msg = MsgSkipTasks { annotator: newcomer(1).to_string(), lease: lease.id, reason: SkipReason::Unavailable.into() };
    world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).unwrap();
    world.go_to(world.chain.block.height + 300);
    world.grant_lent(large, &newcomer(1));
}

/// Accounts that stake nothing cannot stop a job by saying that its content is not served; those with a bond of their own can.
#[test]
fn reports_on_lent_leases_stop_no_job() {
    let (mut world, _) = world();
    let change = |msg: &mut MsgPostJob| msg.lent_bonds = 30;
    let job = world.post(&Post { tasks: 600, change, ..Post::default() }).id;
    let skip = |world: &mut World, who: Address| {
        let (lease, _) = world.leases(job, &who, LeaseState::Live).pop().unwrap();
        let msg = MsgSkipTasks { annotator: who.to_string(), lease: lease.id, reason: SkipReason::Unavailable.into() };
        world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).unwrap();
    };
    (1..=8).for_each(|n| assert_eq!(world.claim_lent(job, &newcomer(n)).unwrap(), 0));
    (2..=6).for_each(|n| world.claim(job, &user(n)).unwrap());
    (0..6).for_each(|_| world.block());
    (1..=8).for_each(|n| skip(&mut world, newcomer(n)));
    assert_eq!(world.status(job).stopped_since, 0);
    (2..=6).for_each(|n| skip(&mut world, user(n)));
    assert!(world.status(job).stopped_since > 0, "five of thirteen annotators");
}

#[test]
fn a_claim_that_gets_no_seat_gives_its_loan_back_even_after_the_jobs_end() {
    let (mut world, posted) = world();
    world.fresh = false; // no draw
    world.claim_lent(posted.id, &newcomer(1)).unwrap();
    world.go_to(world.chain.block.height + 61);
    assert_eq!(books(&mut world, posted.id), [3 * BOND, 0, 0]);
    world.claim_lent(posted.id, &newcomer(1)).unwrap();
    world.tx(|ctx| Annotation.cancel_job(ctx, MsgCancelJob { requester: user(1).to_string(), job: posted.id })).unwrap();
    let before = world.wealth(&user(1));
    assert_eq!((books(&mut world, posted.id), before), ([0, BOND, 0], WEALTH - 100_000 - BOND));
    world.go_to(world.chain.block.height + 61);
    assert_eq!((books(&mut world, posted.id), world.wealth(&user(1))), ([0, 0, 0], WEALTH - 100_000), "the rest is refunded");
}

/// Gold in 20 tasks of 100 may be skipped; eleven skipped tasks cost a tenth of the bond beyond the budget of ten.
#[test]
fn what_too_many_skipped_tasks_cost_is_the_lenders_loss_and_no_reveal_fee_is_paid() {
    let (mut world, posted) = world();
    let (lease, tasks) = world.grant_lent(posted.id, &newcomer(1));
    let mut run = world.ask(|ctx| crate::leases::worker(ctx, &lease));
    run.skips = 3; // seven of the budget of ten are left
    world.tx(|ctx| crate::state::WORKERS.set(ctx, &(posted.id, run.number), &run)).unwrap();
    let skipped: Vec<(u32, u16)> = tasks.iter().map(|task| (*task, u16::MAX)).collect();
    let holder = newcomer(1);
    let commitment = commitment("cairn-test-1", &lease, &holder, &skipped);
    let msg = MsgCommitLabels { annotator: holder.to_string(), lease: lease.id, commitment, revealer: user(5).to_string() };
    world.tx(|ctx| Annotation.commit_labels(ctx, msg)).unwrap();
    while world.lease(lease.id).reveal_from == 0 {
        world.block();
    }
    let lease = world.lease(lease.id);
    assert_eq!(world.reveal(&user(5), &lease, &skipped).unwrap(), 0);
    let money = world.money(posted.id);
    assert_eq!((money.lendable, money.on_loan, money.burnt, money.pool), (3 * BOND - 3_000, 0, 1_500, 1_500));
    assert_eq!((world.claimable(&user(5)), world.wealth(&holder)), (0, 0), "nobody but the lender gets any of a lent bond");
}

#[test]
fn loans_come_back_from_a_job_that_leaves_quarantine() {
    let (mut world, posted) = world();
    let (lease, _) = world.grant_lent(posted.id, &newcomer(1));
    world.claim_lent(posted.id, &newcomer(2)).unwrap();
    // An item that names no lease fails.
    let height = world.height();
    world.tx(|ctx| DUE.insert(ctx, &(height, 1, posted.id, 999))).unwrap();
    world.block();
    assert_eq!(world.status(posted.id).state(), JobState::Quarantine);
    world.until(posted.id, JobState::Closed);
    assert_eq!(world.lease(lease.id).state(), LeaseState::Released);
    world.go_to(world.chain.block.height + 61);
    assert_eq!(books(&mut world, posted.id), [0, 0, 0]);
    assert_eq!(world.wealth(&user(1)), WEALTH - 100_000);
}

/// In another denomination than the chain's own a lost bond goes to the pool.
#[test]
fn loans_are_in_the_denomination_of_the_price() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules = Some(cairn_proto::cairn::annotation::v1::Rules { lease_blocks: 8, ..quick_rules() });
    let mut world = World::with(3, genesis);
    let posted = world.post(&Post { price: Coin::new(super::world::FOREIGN, 10_000), ..post() });
    let (lease, _) = world.grant_lent(posted.id, &newcomer(1));
    world.go_to(lease.end_height + 1);
    let money = world.money(posted.id);
    assert_eq!((money.lendable, money.on_loan, money.burnt, money.pool), (2 * BOND, 0, 0, BOND));
}
