//! Expiry storms: however many leases end in one block, blocks stay bounded and the queue is worked off in order.
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Module};
use cairn_proto::cairn::annotation::v1::{Claim, JobState, LeaseState, MsgCommitLabels, MsgServer};

use super::world::{Post, World, user};
use crate::{
    Annotation, claims,
    escrow::ACCOUNT,
    job::Running,
    state::{DUE, LEASE_IDS},
};

/// Claims made in one block while the job fills.
const CLAIMS: u32 = 1_200;

/// A job with so many live leases, all of which end at its deadline since its content was reported as not served.
fn stopped(leases: u32, budget: u32) -> (World, u64, u64) {
    let mut genesis = Annotation.default_genesis();
    let params = genesis.params.as_mut().unwrap();
    (params.draws_per_block, params.claims_waiting_max, params.expiries_per_block) = (100_000, 1_000_000, budget);
    let rules = params.rules.as_mut().unwrap();
    (rules.seat_gap, rules.lease_blocks, rules.appeal_window) = (1, 2_000, 0);
    let mut world = World::with(2, genesis);
    world.checked = false;
    let post = Post { tasks: leases.div_ceil(3) * 10, price: Coin::base(1_000), duration: 4_000, ..Post::default() };
    let small = Post::default().gold(&world.chain.block.chain_id.clone(), 1); // never opened
    let msg = post.msg(&small);
    let job = world.tx(|ctx| Annotation.post_job(ctx, msg)).unwrap().job;
    let (mut made, mut granted) = (0, 0);
    while granted < u64::from(leases) {
        let more = CLAIMS.min(leases - made);
        claim(&mut world, job, made..made + more);
        made += more;
        world.block();
        granted = world.ask(|ctx| LEASE_IDS.last(ctx));
        assert!(world.height() < 1_500, "{granted} of {leases} granted");
    }
    let mut run = world.ask(|ctx| Running::load(ctx, job));
    run.status.stopped_since = world.height();
    world.tx(|ctx| run.save(ctx)).unwrap();
    let deadline = run.job.commit_deadline;
    (world, job, deadline)
}

fn annotator(n: u32) -> Address {
    Address::new(&[&[0xaa; 16][..], &n.to_be_bytes()].concat()).unwrap()
}

/// Claims as the message makes them, for accounts that exist only here; their bonds come from user 2.
fn claim(world: &mut World, job: u64, accounts: std::ops::Range<u32>) {
    world
        .tx(|ctx| {
            let (mut run, height) = (Running::load(ctx, job)?, ctx.block().height);
            let bond = run.bond(10)?;
            let all = Coin::base(bond * accounts.len() as u128);
            bank::send(ctx, &user(2), &ACCOUNT.address(), &[all])?;
            for n in accounts {
                let annotator = annotator(n);
                let name = annotator.to_string();
                let claim = Claim { job, annotator: name, height, buckets: 1, nonce: 1, bond: bond.to_string(), lent: false };
                claims::enqueue(ctx, &mut run, &annotator, &claim)?;
            }
            run.save(ctx)
        })
        .unwrap();
}

fn due(world: &mut World, until: u64) -> usize {
    world.ask(|ctx| {
        Ok(DUE.range(ctx, &[]).filter(|item| item.as_ref().is_ok_and(|(height, kind, ..)| *height <= until && *kind == 1)).count())
    })
}

fn expire(leases: u32, budget: u32) {
    let (mut world, job, deadline) = stopped(leases, budget);
    world.go_to(deadline);
    assert_eq!(due(&mut world, deadline), leases as usize, "all end in one block");
    let lease = world.lease(u64::from(leases));
    let mut left = leases;
    while left > 0 {
        world.block();
        let now = due(&mut world, deadline) as u32;
        assert_eq!(left - now, left.min(budget), "a bounded number a block, and no fewer");
        left = now;
        if left > 0 {
            let late =
                MsgCommitLabels { annotator: lease.annotator.clone(), lease: lease.id, commitment: vec![1; 32], revealer: String::new() };
            assert_eq!(world.refusal(|ctx| Annotation.commit_labels(ctx, late)), 48, "ended, though its turn has not come");
        }
    }
    assert_eq!(world.lease(1).state(), LeaseState::Expired);
    world.until(job, JobState::Closed);
    world.check();
    let money = world.money(job);
    assert_eq!((money.reserved, money.refunded), (0, money.in_total));
}

#[test]
fn an_expiry_storm_is_worked_off_a_bounded_part_a_block() {
    expire(2_000, 150);
}

/// 100,000 leases: `cargo test -p cairn-annotation storm -- --ignored`.
#[test]
#[ignore = "minutes"]
fn a_hundred_thousand_leases_expire_in_one_block_slow() {
    expire(100_000, 2_000);
}
