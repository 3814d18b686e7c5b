//! Jobs that nobody contests: paid, late, expired, cancelled, poison.
use cairn_asset::Asset;
use cairn_kernel::Module;
use cairn_proto::cairn::{
    asset::v1::{AssetKind, MsgRegisterAsset, MsgServer as _},
    compute::v1::{JobOutcome, JobState, MsgCancelJob, MsgLeaveProvider, MsgServer},
};

use super::world::{BOND, PRICE, World, owner, provider, refused, requester, user};
use crate::{Compute, Error};

#[test]
fn a_result_that_nobody_contests_is_paid_at_the_end_of_its_window() {
    let mut world = World::new();
    let (job, until) = world.delivered(true, 2_500);
    assert_eq!(until, world.height() + 60);
    world.run_to(until);
    assert_eq!((world.state(job), world.balance(provider())), (JobState::Window, 0));
    let supply = world.supply();
    world.block();
    let (fee, audits) = (PRICE / 100, PRICE / 100);
    let model = (PRICE - fee - audits) / 4;
    assert_eq!(world.job(job).outcome(), JobOutcome::Paid);
    assert_eq!((world.balance(owner()), world.balance(provider())), (model, PRICE - fee - audits - model));
    assert_eq!(supply - world.supply(), fee * 6 / 10, "the burnt part of the fee");
    let found = world.provider(provider());
    assert_eq!((found.paid, found.locked.unwrap().amount, found.bond.unwrap().amount), (1, "0".into(), BOND.to_string()));
}

#[test]
fn the_use_of_a_program_is_income_of_its_model_asset_and_of_the_assets_it_came_from() {
    use cairn_proto::cairn::asset::v1::Parent;
    let mut world = World::new();
    world.chain.tx(|ctx| Asset.init(ctx, Asset.default_genesis())).unwrap();
    let mut asset = |account, parents| {
        let kind = if account == owner() { AssetKind::Model } else { AssetKind::Dataset };
        let m = MsgRegisterAsset {
            owner: format!("{account}"),
            kind: kind.into(),
            title: "digits".into(),
            parents,
            ..MsgRegisterAsset::default()
        };
        world.chain.tx(|ctx| Asset.register_asset(ctx, m)).unwrap().asset_id
    };
    let data = asset(user(50), vec![]);
    let model = asset(owner(), vec![Parent { asset_id: data, relation: 1, royalty_bps: 2_000, ..Parent::default() }]);
    world.register(world.registration(model, 5_000)).unwrap();
    let (job, until) = world.delivered_again(true);
    world.run_to(until + 1);
    assert_eq!(world.job(job).outcome(), JobOutcome::Paid);
    let part = (PRICE - PRICE / 50) / 2;
    assert_eq!((world.balance(user(50)), world.balance(owner())), (part / 5, part - part / 5));
    assert_eq!(world.balance(provider()), PRICE - PRICE / 50 - part);
}

#[test]
fn a_job_that_nobody_takes_is_refunded_after_its_last_height() {
    let mut world = World::new();
    world.register(world.registration(0, 0)).unwrap();
    let job = world.post(world.order()).unwrap();
    let due = world.job(job).due;
    assert_eq!(due, world.height() + 10);
    world.run_to(due);
    world.accept(provider(), job).unwrap();
    let job = world.post(world.order()).unwrap();
    let due = world.job(job).due;
    world.run_to(due + 1);
    refused(world.accept(provider(), job), &Error::State(job));
    assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::Expired, PRICE));
}

#[test]
fn a_job_is_taken_back_until_somebody_takes_it() {
    let mut world = World::new();
    world.register(world.registration(0, 0)).unwrap();
    let job = world.post(world.order()).unwrap();
    let mut cancel = |account: cairn_kernel::Address, job_id| {
        world.chain.tx(|ctx| Compute.cancel_job(ctx, MsgCancelJob { requester: account.to_string(), job_id }))
    };
    refused(cancel(user(9), job), &Error::NotYours { job, account: user(9).to_string() });
    cancel(requester(), job).unwrap();
    refused(cancel(requester(), job), &Error::State(job));
    assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::Cancelled, PRICE));
}

#[test]
fn a_provider_that_delivers_nothing_loses_a_part_and_three_of_them_make_poison() {
    let mut world = World::new();
    world.register(world.registration(0, 0)).unwrap();
    let job = world.post(world.order()).unwrap();
    for (n, account) in [provider(), user(20), user(21)].into_iter().enumerate() {
        if n > 0 {
            world.bond(account, BOND).unwrap();
        }
        let due = world.accept(account, job).unwrap();
        let late = world.result(account, job, true);
        world.run_to(due + 1);
        refused(world.submit(late), &Error::State(job));
        let found = world.provider(account);
        assert_eq!((found.late, found.bond.unwrap().amount), (1, (BOND - PRICE / 10).to_string()));
        if n < 2 {
            refused(world.accept(account, job), &Error::FailedBefore { job, account: account.to_string() });
        }
    }
    assert_eq!((world.job(job).outcome(), world.balance(requester())), (JobOutcome::Poison, PRICE));
}

#[test]
fn a_result_at_the_last_height_is_in_time() {
    let mut world = World::new();
    world.register(world.registration(0, 0)).unwrap();
    let job = world.post(world.order()).unwrap();
    let due = world.accept(provider(), job).unwrap();
    world.run_to(due);
    world.submit(world.result(provider(), job, true)).unwrap();
    assert_eq!(world.state(job), JobState::Window);
}

#[test]
fn a_provider_leaves_without_jobs_and_has_its_bond_after_the_unbonding_time() {
    let mut world = World::new();
    world.register(world.registration(0, 0)).unwrap();
    let job = world.post(world.order()).unwrap();
    world.accept(provider(), job).unwrap();
    let account = provider().to_string();
    let mut leave = || world.chain.tx(|ctx| Compute.leave_provider(ctx, MsgLeaveProvider { provider: account.clone() }));
    refused(leave(), &Error::Busy(provider().to_string()));
    let until = world.submit(world.result(provider(), job, true)).unwrap();
    world.run_to(until + 1);
    let mut leave = || world.chain.tx(|ctx| Compute.leave_provider(ctx, MsgLeaveProvider { provider: account.clone() }));
    let leaves = leave().unwrap().leaves;
    refused(leave(), &Error::Leaving(provider().to_string()));
    assert_eq!(leaves, until + 1 + 3_000);
    let job = world.post(world.order()).unwrap();
    refused(world.accept(provider(), job), &Error::Leaving(provider().to_string()));
    refused(world.bond(provider(), 1), &Error::Leaving(provider().to_string()));
    world.run_to(leaves);
    let before = world.balance(provider());
    world.block();
    assert_eq!(world.balance(provider()) - before, BOND);
    world.bond(provider(), BOND).unwrap();
}
