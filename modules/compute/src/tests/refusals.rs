//! Every refusal by its code.
use cairn_auth::authority;
use cairn_kernel::Coin;
use cairn_proto::{
    cairn::compute::v1::{MsgPostJob, MsgRegisterProgram, MsgServer, MsgUpdateParams, QueryProgramRequest, QueryServer},
    cosmos::base::v1beta1::Coin as Wire,
};

use super::world::{BOND, PRICE, World, base, provider, refused, user};
use crate::{Compute, Error, Params, main_params, test_params};

#[test]
fn programs_that_do_not_pass_are_refused() {
    let mut world = World::new();
    let right = world.registration(0, 0);
    let cases = [
        (MsgRegisterProgram { weights_root: vec![0; 31], ..right.clone() }, Error::Hash(31)),
        (MsgRegisterProgram { uri: "x".repeat(513), ..right.clone() }, Error::Uri(513)),
        (MsgRegisterProgram { model_bps: 10_001, ..right.clone() }, Error::Part(10_001)),
        (MsgRegisterProgram { graph: vec![1], ..right.clone() }, Error::Graph(cairn_program::Error::Encoding)),
    ];
    for (m, error) in cases {
        refused(world.register(m), &error);
    }
    let id = world.register(right.clone()).unwrap();
    refused(world.register(right), &Error::Registered(hex::encode(&id)));
    let foreign = MsgRegisterProgram { asset_id: 7, weights_root: vec![9; 32], ..world.registration(0, 0) };
    assert_eq!(world.register(foreign).unwrap_err().codespace, "asset");
    let ask = |program_id: String| QueryProgramRequest { program_id };
    let found = world.chain.run(|ctx| Compute.program(ctx, ask(hex::encode(&id)))).unwrap().program.unwrap();
    assert_eq!((found.id, found.nodes), (id, 3));
    refused(world.chain.run(|ctx| Compute.program(ctx, ask("zz".into()))), &Error::NoProgram("zz".into()));
}

#[test]
fn orders_that_cannot_be_met_are_refused() {
    let mut world = World::new();
    world.register(world.registration(0, 0)).unwrap();
    let right = world.order();
    let other: Option<Wire> = Some(Coin::new("share/1", 5).into());
    let cases = [
        (MsgPostJob { program_id: vec![1; 32], ..right.clone() }, Error::NoProgram(hex::encode([1; 32]))),
        (MsgPostJob { input_root: vec![], ..right.clone() }, Error::Hash(0)),
        (MsgPostJob { uri: "x".repeat(513), ..right.clone() }, Error::Uri(513)),
        (MsgPostJob { price: base(0), ..right.clone() }, Error::Price),
        (MsgPostJob { price: other, ..right.clone() }, Error::Price),
        (MsgPostJob { price: None, ..right.clone() }, Error::Price),
        (MsgPostJob { runs: 0, ..right.clone() }, Error::Runs(0)),
        (MsgPostJob { runs: 1_025, ..right.clone() }, Error::Runs(1_025)),
        (MsgPostJob { accept_blocks: 0, ..right.clone() }, Error::Blocks(0)),
        (MsgPostJob { run_blocks: 10_000_001, ..right.clone() }, Error::Blocks(10_000_001)),
    ];
    for (m, error) in cases {
        refused(world.post(m), &error);
    }
    assert_eq!(world.post(MsgPostJob { price: base(PRICE * 100), ..right }).unwrap_err().code, 5);
}

#[test]
fn providers_need_a_bond_that_covers_their_jobs() {
    let mut world = World::new();
    world.register(world.registration(0, 0)).unwrap();
    refused(world.bond(user(30), 999_999), &Error::LeastBond { least: 1_000_000, found: 999_999 });
    world.bond(user(30), 1_000_000).unwrap();
    let job = world.post(world.order()).unwrap();
    refused(world.accept(user(30), job), &Error::BondTooSmall { needed: 5 * PRICE, free: 1_000_000 });
    refused(world.accept(user(31), job), &Error::NoProvider(user(31).to_string()));
    refused(world.accept(provider(), 9), &Error::NoJob(9));
    world.accept(provider(), job).unwrap();
    refused(world.accept(provider(), job), &Error::State(job));
    let second = world.post(world.order()).unwrap();
    world.accept(provider(), second).unwrap();
    let third = world.post(world.order()).unwrap();
    refused(world.accept(provider(), third), &Error::BondTooSmall { needed: 5 * PRICE, free: BOND - 10 * PRICE });
}

#[test]
fn results_that_are_no_claim_of_the_job_are_refused() {
    let mut world = World::new();
    world.register(world.registration(0, 0)).unwrap();
    let job = world.post(world.order()).unwrap();
    refused(world.submit(world.result(provider(), job, true)), &Error::State(job));
    world.accept(provider(), job).unwrap();
    refused(world.submit(world.result(user(9), job, true)), &Error::NotYours { job, account: user(9).to_string() });
    let right = world.result(provider(), job, true);
    let mut less = right.clone();
    less.nodes_roots.pop();
    let mut short = right.clone();
    short.outputs[0].pop();
    let mut long = right.clone();
    long.outputs[0] = vec![0; 65_537];
    for m in [less, short, long] {
        refused(world.submit(m), &Error::Result);
    }
    let mut cut = right.clone();
    cut.nodes_roots[0].pop();
    refused(world.submit(cut), &Error::Hash(31));
    world.submit(right).unwrap();
}

#[test]
fn only_governance_sets_parameters_and_only_within_bounds() {
    let mut world = World::unstarted();
    let mut update =
        |authority: String, params: Option<Params>| world.chain.tx(|ctx| Compute.update_params(ctx, MsgUpdateParams { authority, params }));
    assert_eq!(update(user(1).to_string(), Some(test_params())).unwrap_err().code, 4);
    let gov = || authority().to_string();
    refused(update(gov(), None), &Error::NoParams);
    let bounds = |name, least, most, found| Error::Bounds { name, least, most, found };
    let cases = [
        (Params { bond_multiple: 0, ..test_params() }, bounds("bond_multiple", 1, 1_000, 0)),
        (Params { window_blocks: 0, ..test_params() }, bounds("window_blocks", 1, 10_000_000, 0)),
        (Params { fee_bps: 2_001, ..test_params() }, bounds("fee_bps", 0, 2_000, 2_001)),
        (Params { late_bps: 10_001, ..test_params() }, bounds("late_bps", 0, 10_000, 10_001)),
        (Params { challenge_bps: 0, ..test_params() }, bounds("challenge_bps", 1, 10_000, 0)),
        (Params { max_failures: 0, ..test_params() }, bounds("max_failures", 1, 100, 0)),
        (Params { least_bond: "-1".into(), ..test_params() }, Error::Amount("least_bond")),
    ];
    for (params, error) in cases {
        refused(update(gov(), Some(params)), &error);
    }
    refused(update(gov(), Some(main_params())), &Error::Fixed("test_keys"));
    update(gov(), Some(Params { test_keys: true, ..main_params() })).unwrap();
}
