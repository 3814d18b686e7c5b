//! Export and import in the middle of jobs, and refused genesis files.
use cairn_bank::{self as bank, Bank};
use cairn_beacon::Beacon;
use cairn_dispute::Dispute;
use cairn_kernel::{Error as Refusal, Module};
use cairn_proto::cairn::compute::v1::{Genesis, MsgLeaveProvider, MsgPostJob, MsgServer};
use cairn_rewards::Rewards;

use super::{
    auctions::Plan,
    audits::always,
    world::{BOND, World, provider, user},
};
use crate::Compute;

/// A job in every state, a provider that leaves.
fn busy() -> World {
    let mut world = World::market();
    world.bond(provider(), BOND * 3).unwrap();
    let (_, until) = world.delivered_again(true);
    world.run_to(until + 1);
    world.bond(user(60), BOND).unwrap();
    world.set_params(always());
    let (job, _) = world.delivered_again(false);
    world.challenge(user(10), job, world.work.right.root()).unwrap();
    world.delivered_again(true);
    let soon = world.height() + 4;
    world.run_to(soon);
    world.delivered_again(true);
    let job = world.post(world.order()).unwrap();
    world.accept(provider(), job).unwrap();
    world.post(world.order()).unwrap();
    let redundant = world.post(MsgPostJob { redundancy: 2, ..world.order() }).unwrap();
    world.accept(user(60), redundant).unwrap();
    let job = world.post_into_class();
    world.offer(&Plan::bid(job, 800_000), 1).unwrap();
    world.offer(&Plan::ask(provider(), 500_000, 600_000), 1).unwrap();
    world.bond(user(40), BOND).unwrap();
    world.chain.tx(|ctx| Compute.leave_provider(ctx, MsgLeaveProvider { provider: user(40).to_string() })).unwrap();
    world
}

pub(super) fn copy(from: &mut World, genesis: Genesis) -> (World, Result<(), Refusal>) {
    let (mut coins, pool, cases) =
        from.chain.run(|ctx| (Bank.export(ctx).unwrap(), Rewards.export(ctx).unwrap(), Dispute.export(ctx).unwrap()));
    let beacons = from.chain.run(|ctx| Beacon.export(ctx)).unwrap();
    coins.params = Some(bank::DEFAULT_PARAMS);
    let mut world = World::unstarted();
    world.chain.block = from.chain.block.clone();
    world.chain.tx(|ctx| Bank.init(ctx, coins)).unwrap();
    world.chain.tx(|ctx| Rewards.init(ctx, pool)).unwrap();
    world.chain.tx(|ctx| Dispute.init(ctx, cases)).unwrap();
    world.chain.tx(|ctx| Beacon.init(ctx, beacons)).unwrap();
    let done = world.chain.tx(|ctx| Compute.init(ctx, genesis));
    (world, done)
}

#[test]
fn export_and_import_are_inverse_and_the_chain_goes_on_alike() {
    let mut before = busy();
    let exported = before.chain.run(|ctx| Compute.export(ctx)).unwrap();
    assert_eq!((exported.programs.len(), exported.providers.len(), exported.jobs.len()), (1, 3, 8));
    // One is drawn, another not yet; the fund held no second pay.
    let drawn: Vec<_> = exported.audits.iter().map(|audit| !audit.auditor.is_empty()).collect();
    assert_eq!((drawn, exported.audit_fund.is_empty()), (vec![true, false], false));
    let (mut after, done) = copy(&mut before, exported.clone());
    done.unwrap();
    after.check();
    assert_eq!(after.chain.run(|ctx| Compute.export(ctx)).unwrap(), exported);
    for world in [&mut before, &mut after] {
        let until = world.height() + 70;
        world.run_to(until);
        world.play_out(1, Some(user(10)), Some(provider()));
        let until = world.height() + 3_000;
        world.run_to(until);
    }
    let ends = [&mut before, &mut after].map(|world| world.chain.run(|ctx| Compute.export(ctx)).unwrap());
    assert_eq!(ends[0], ends[1]);
    assert!(ends[0].jobs.iter().all(|job| job.due == 0));
}

#[test]
fn a_genesis_that_contradicts_itself_is_refused() {
    let mut world = busy();
    let exported = world.chain.run(|ctx| Compute.export(ctx)).unwrap();
    type Spoil = fn(&mut Genesis);
    let cases: [Spoil; 28] = [
        |g| g.params.as_mut().unwrap().bond_multiple = 0,
        |g| g.programs[0].nodes = 9,
        |g| g.programs[0].id[0] ^= 1,
        |g| g.programs.push(g.programs[0].clone()),
        |g| g.programs[0].graph.clear(),
        |g| g.providers.push(g.providers[0].clone()),
        |g| g.providers[0].bond = None,
        |g| g.jobs[0].id = 9,
        |g| g.jobs[1].params = None,
        |g| g.jobs[1].state = 0,
        |g| g.jobs[2].due = 0,
        |g| g.jobs[0].due = 7,
        |g| g.jobs[7].class_id = 9,
        |g| g.jobs[7].surplus = None,
        |g| g.classes[0].id = 2,
        |g| g.classes[0].name.clear(),
        |g| g.auctions[0].epoch = 2,
        |g| g.auctions.push(g.auctions[0].clone()),
        |g| g.offers.push(g.offers[0].clone()),
        |g| g.offers_numbered = 1,
        |g| g.audits.push(g.audits[0].clone()),
        |g| g.audits[0].until = 0,
        |g| g.audits[0].pay = None,
        |g| g.audits[0].job_id = 99,
        |g| g.audit_fund = "x".into(),
        |g| g.jobs[6].redundancy = 9,
        |g| g.jobs[6].members[0].root = vec![1],
        |g| g.providers[0].number = g.providers[1].number,
    ];
    for (i, spoil) in cases.iter().enumerate() {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        assert_eq!(copy(&mut world, genesis).1.unwrap_err().codespace, "compute", "case {i}");
    }
}

#[test]
fn invariants_notice_what_is_wrong() {
    let mut world = busy();
    let exported = world.chain.run(|ctx| Compute.export(ctx)).unwrap();
    type Spoil = fn(&mut Genesis);
    let spoils: [(&str, Spoil); 5] = [
        ("the module holds", |g| g.providers[1].bond.as_mut().unwrap().amount = "1".into()),
        ("the module holds", |g| g.offers[0].deposit.as_mut().unwrap().amount = "1".into()),
        ("the module holds", |g| g.audit_fund = "1".into()),
        ("offers belong", |g| g.offers[0].job_id = 1),
        ("what jobs have locked", |g| g.jobs[4].locked.as_mut().unwrap().amount = "1".into()),
    ];
    for (name, spoil) in spoils {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        let (mut other, done) = copy(&mut world, genesis);
        done.unwrap();
        let found: Vec<_> = Compute.invariants().into_iter().filter(|(_, check)| other.chain.run(|ctx| check(ctx)).is_err()).collect();
        assert!(found.iter().any(|(found, _)| found.starts_with(name)), "{name}");
    }
}
