//! PostJob, FundJob, CancelJob, UpdateParams and the genesis file: success, each refusal, boundary values.
use cairn_kernel::{Coin, Module};
use cairn_proto::cairn::annotation::v1::{
    ClusterMember, Genesis, JobState, MsgCancelJob, MsgFundJob, MsgPostJob, MsgServer, MsgUpdateParams, Params, Publication,
};

use super::world::{FOREIGN, Post, WEALTH, World, standing, user};
use crate::{Annotation, Error, rules};
use cairn_kernel::Coded;

fn posts(world: &mut World, change: impl FnOnce(&mut MsgPostJob)) -> cairn_kernel::Result<u64> {
    let post = Post::default();
    let gold = post.gold(&world.chain.block.chain_id.clone(), noise(world));
    let mut msg = post.msg(&gold);
    change(&mut msg);
    world.tx(|ctx| Annotation.post_job(ctx, msg)).map(|answer| answer.job)
}

/// Another seed for every job of a test.
fn noise(world: &mut World) -> u64 {
    world.ask(|ctx| crate::state::JOB_IDS.last(ctx)) + 1
}

fn refused(change: impl FnOnce(&mut MsgPostJob)) -> (&'static str, u32) {
    let mut world = World::new(1);
    let error = posts(&mut world, change).unwrap_err();
    assert_eq!(world.balance(&user(1)), WEALTH, "a refused job costs nothing");
    (error.codespace, error.code)
}

#[test]
fn a_posted_job_is_paid_and_opened() {
    let mut world = World::new(1);
    let id = posts(&mut world, |_| {}).unwrap();
    let (job, status) = world.job(id);
    assert_eq!((id, job.posted_height, job.commit_deadline), (1, 1, 2_001));
    assert_eq!(job.rules, Some(super::world::quick_rules()));
    assert_eq!((status.state(), status.buckets, status.buckets_opened, status.buckets_free), (JobState::Open, 10, 10, 10));
    let quote = Post::default().quote();
    assert_eq!((quote.labels, quote.fee, quote.gold_bond), (3_000_000, 60_000, 300_000));
    assert_eq!(world.balance(&user(1)), WEALTH - 100_000 - 3_360_000);
    world.check();
}

#[test]
fn each_fault_of_a_job_has_its_code() {
    let annotation = |code| ("annotation", code);
    assert_eq!(refused(|m| m.price = None), annotation(2));
    assert_eq!(refused(|m| m.publication = None), annotation(2));
    assert_eq!(refused(|m| m.r#type = 0), annotation(3));
    assert_eq!(refused(|m| m.r#type = 99), annotation(3));
    assert_eq!(refused(|m| m.item_kind = 0), annotation(4));
    assert_eq!(refused(|m| m.item_kind = 99), annotation(4));
    assert_eq!(refused(|m| m.visibility = 0), annotation(5));
    assert_eq!(refused(|m| m.title = String::new()), annotation(6));
    assert_eq!(refused(|m| m.title = "x".repeat(129)), annotation(6));
    assert_eq!(refused(|m| m.description = "x".repeat(4_097)), annotation(6));
    assert_eq!(refused(|m| m.media_type = String::new()), annotation(6));
    assert_eq!(refused(|m| m.classes[2] = "x".repeat(65)), annotation(6));
    assert_eq!(refused(|m| m.content_addresses[0] = "x".repeat(513)), annotation(6));
    assert_eq!(refused(|m| m.title = "two\nlines".into()), annotation(84));
    assert_eq!(refused(|m| m.classes[0] = "a\u{2028}b".into()), annotation(84));
    assert_eq!(refused(|m| m.description = "bell \u{7}".into()), annotation(84));
    assert_eq!(refused(|m| m.classes.truncate(1)), annotation(7));
    assert_eq!(refused(|m| m.classes = (0..65).map(|n| n.to_string()).collect()), annotation(7));
    assert_eq!(refused(|m| m.content_addresses = vec!["x".into(); 9]), annotation(7));
    assert_eq!(refused(|m| m.classes[1] = m.classes[0].clone()), annotation(8));
    assert_eq!(refused(|m| m.manifest_root = vec![3; 31]), annotation(9));
    assert_eq!(refused(|m| m.gold_root = vec![3; 33]), annotation(9));
    assert_eq!(refused(|m| m.tasks = 9), annotation(10));
    assert_eq!(refused(|m| m.tasks = 4_194_305), annotation(10));
    assert_eq!(refused(|m| m.price = Some(Coin::base(999).into())), annotation(11));
    assert_eq!(refused(|m| m.overlap_min = 4), annotation(12));
    assert_eq!(refused(|m| (m.overlap_min, m.overlap_max) = (2, 2)), annotation(13));
    assert_eq!(refused(|m| (m.overlap_min, m.overlap_max) = (33, 33)), annotation(13));
    assert_eq!(refused(|m| m.bucket_size = 9), annotation(14));
    assert_eq!(refused(|m| m.bucket_size = 51), annotation(14));
    assert_eq!(refused(|m| m.gold_per_bucket = 0), annotation(15));
    assert_eq!(refused(|m| m.gold_per_bucket = 6), annotation(15));
    assert_eq!(refused(|m| m.tasks = 90), annotation(16));
    assert_eq!(refused(|m| m.kappa_target_bps = 3_999), annotation(18));
    assert_eq!(refused(|m| m.kappa_target_bps = 8_001), annotation(18));
    assert_eq!(refused(|m| m.gate_bits = 1), annotation(19));
    assert_eq!(refused(|m| m.gate_bits = -5), annotation(19));
    assert_eq!(refused(|m| m.publication = Some(Publication { publish: true, requester_bps: 10_001 })), annotation(20));
    assert_eq!(refused(|m| m.duration = 359), annotation(21));
    assert_eq!(refused(|m| m.duration = 100_001), annotation(21));
}

#[test]
fn faults_of_coins_addresses_and_funds_have_the_sdk_s_codes() {
    assert_eq!(refused(|m| m.requester = "cosmos1abc".into()), ("sdk", 7));
    assert_eq!(refused(|m| m.price.as_mut().unwrap().amount = "-1".into()), ("sdk", 10));
    assert_eq!(refused(|m| m.price.as_mut().unwrap().denom = "!".into()), ("sdk", 10));
    assert_eq!(refused(|m| m.price = Some(Coin::base(WEALTH).into())), ("sdk", 5));
    assert_eq!(refused(|m| m.price = Some(Coin::base(u128::MAX).into())), ("annotation", Error::Overflow.code()));
    // What the data set could not be published with is refused by its registry.
    assert_eq!(refused(|m| m.media_type = "png".into()).0, "asset");
    assert_eq!(refused(|m| m.content_addresses[0] = "not an address".into()).0, "asset");
}

#[test]
fn boundary_values_are_accepted() {
    let mut world = World::new(1);
    for change in [
        |m: &mut MsgPostJob| m.duration = 360,
        |m: &mut MsgPostJob| m.duration = 100_000,
        |m: &mut MsgPostJob| m.price = Some(Coin::base(1_000).into()),
        |m: &mut MsgPostJob| (m.kappa_target_bps, m.gate_bits) = (4_000, -4),
        |m: &mut MsgPostJob| (m.kappa_target_bps, m.gate_bits) = (8_000, 0),
        |m: &mut MsgPostJob| m.gold_per_bucket = 5,
        |m: &mut MsgPostJob| (m.overlap_min, m.overlap_max) = (32, 32),
        |m: &mut MsgPostJob| (m.bucket_size, m.gold_per_bucket) = (50, 5),
        |m: &mut MsgPostJob| (m.title, m.description) = ("x".repeat(128), "x\n".repeat(2_048)),
        |m: &mut MsgPostJob| m.classes = (0..64).map(|n| n.to_string()).collect(),
    ] {
        posts(&mut world, change).unwrap();
    }
    world.check();
}

#[test]
fn a_gold_root_is_accepted_once() {
    let mut world = World::new(1);
    let root = vec![8; 32];
    posts(&mut world, |m| m.gold_root = root.clone()).unwrap();
    assert_eq!(posts(&mut world, |m| m.gold_root = root.clone()).unwrap_err().code, 17);
}

#[test]
fn a_requester_has_a_limited_number_of_open_jobs() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().open_jobs_max = 2;
    let mut world = World::with(1, genesis);
    posts(&mut world, |_| {}).unwrap();
    posts(&mut world, |_| {}).unwrap();
    assert_eq!(posts(&mut world, |_| {}).unwrap_err().code, 22);
    cancel(&mut world, 1, 1).unwrap();
    posts(&mut world, |_| {}).unwrap();
}

fn cancel(world: &mut World, sender: u8, job: u64) -> cairn_kernel::Result<u128> {
    let msg = MsgCancelJob { requester: user(sender).to_string(), job };
    world.tx(|ctx| Annotation.cancel_job(ctx, msg)).map(|answer| answer.refunded.unwrap().amount.parse().unwrap())
}

#[test]
fn a_job_without_leases_is_cancelled_and_refunded() {
    let mut world = World::new(3);
    let id = posts(&mut world, |_| {}).unwrap();
    assert_eq!(cancel(&mut world, 2, id).unwrap_err().code, 27);
    assert_eq!(cancel(&mut world, 1, 9).unwrap_err().code, 25);
    world.claim(id, &user(2)).unwrap();
    assert_eq!(cancel(&mut world, 1, id).unwrap(), 3_360_000);
    assert_eq!(cancel(&mut world, 1, id).unwrap_err().code, 26);
    assert_eq!(world.status(id).state(), JobState::Cancelled);
    assert_eq!(world.wealth(&user(1)), WEALTH - 100_000);
    // The waiting claim gets NO_SEAT and its bond.
    (0..70).for_each(|_| world.block());
    assert_eq!(world.wealth(&user(2)), WEALTH);
    assert_eq!(world.status(id).leases, 0);
}

#[test]
fn a_leased_job_is_not_cancelled() {
    let mut world = World::new(3);
    let id = posts(&mut world, |_| {}).unwrap();
    world.grant(id, &user(2));
    assert_eq!(cancel(&mut world, 1, id).unwrap_err().code, 30);
}

#[test]
fn money_is_added_as_it_is_divided_at_posting() {
    let mut world = World::new(3);
    let id = posts(&mut world, |_| {}).unwrap();
    let mut fund = |amount: Coin| {
        let msg = MsgFundJob { funder: user(2).to_string(), job: id, amount: Some(amount.into()) };
        world.tx(|ctx| Annotation.fund_job(ctx, msg))
    };
    assert_eq!(fund(Coin::base(11_199)).unwrap_err().code, 29, "10,000 + 200 + 1,000 pay one label");
    assert_eq!(fund(Coin::new(FOREIGN, 11_200)).unwrap_err().code, 28);
    fund(Coin::base(11_200)).unwrap();
    fund(Coin::base(1_000_001)).unwrap();
    let money = world.money(id);
    assert_eq!(money.in_total, 3_360_000 + 11_200 + 1_000_001);
    assert_eq!(money.fee_held, 60_000 + 200 + 17_858, "ceil of 2 % of 892,858");
    assert_eq!(money.gold_bond, 300_000 + 1_000 + 89_286);
    assert_eq!(money.free, 3_000_000 + 10_000 + 892_857);
    world.check();
    // A funder never leases in the job, and gets nothing back: refunds are the requester's.
    assert_eq!(world.claim(id, &user(2)).unwrap_err().code, 43);
    cancel(&mut world, 1, id).unwrap();
    assert_eq!(world.wealth(&user(1)), WEALTH - 100_000 + 11_200 + 1_000_001);
    assert_eq!(
        world.refusal(|ctx| {
            let msg = MsgFundJob { funder: user(2).to_string(), job: id, amount: Some(Coin::base(20_000).into()) };
            Annotation.fund_job(ctx, msg)
        }),
        26
    );
}

#[test]
fn parameters_change_for_new_jobs_only() {
    let mut world = World::new(1);
    let first = posts(&mut world, |_| {}).unwrap();
    let mut params = rules::test_params();
    params.rules.as_mut().unwrap().fee_bps = 500;
    let update = |world: &mut World, authority: String, params: Option<Params>| {
        world.tx(|ctx| Annotation.update_params(ctx, MsgUpdateParams { authority, params }))
    };
    let authority = cairn_auth::authority().to_string();
    assert_eq!(update(&mut world, user(1).to_string(), Some(params.clone())).unwrap_err().codespace, "sdk");
    assert_eq!(update(&mut world, authority.clone(), None).unwrap_err().code, 2);
    for spoil in [
        |p: &mut Params| p.rules.as_mut().unwrap().lease_blocks = 0,
        |p: &mut Params| p.rules.as_mut().unwrap().fee_bps = 10_001,
        |p: &mut Params| p.overlap_max = 33,
        |p: &mut Params| p.overlap_min = 33,
        |p: &mut Params| p.tasks_max = 4_194_305,
        |p: &mut Params| p.label_visits_per_block = 0,
    ] {
        let mut bad = params.clone();
        spoil(&mut bad);
        assert_eq!(update(&mut world, authority.clone(), Some(bad)).unwrap_err().code, 74);
    }
    let mut foreign = params.clone();
    foreign.posting_fee = Some(Coin::new(FOREIGN, 1).into());
    assert_eq!(update(&mut world, authority.clone(), Some(foreign)).unwrap_err().code, 28);
    update(&mut world, authority, Some(params)).unwrap();
    let second = posts(&mut world, |_| {}).unwrap();
    assert_eq!(world.job(first).0.rules.unwrap().fee_bps, 200);
    assert_eq!(world.job(second).0.rules.unwrap().fee_bps, 500);
}

#[test]
fn a_genesis_file_comes_out_as_it_went_in() {
    let member = ClusterMember { account: user(2).to_string(), head: user(9).to_string() };
    let standings = vec![standing(2, 7)];
    let genesis = Genesis { clusters: vec![member.clone()], genesis_accounts: 3, standings, ..Annotation.default_genesis() };
    let mut world = World::with(3, genesis.clone());
    assert_eq!(world.ask(|ctx| Annotation.export(ctx)), genesis);
    let twice = Genesis { clusters: vec![member.clone(), member], ..Annotation.default_genesis() };
    let error = std::panic::catch_unwind(|| World::with(1, twice)).err();
    assert!(error.is_some(), "an account listed twice is refused");
}
