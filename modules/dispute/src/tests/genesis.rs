//! Genesis, export and settings.
use cairn_auth::authority;
use cairn_bank::{self as bank, Bank};
use cairn_kernel::{Address, Module};
use cairn_proto::cairn::dispute::v1::{Genesis, MsgServer, MsgUpdateParams, QueryParamsRequest, QueryServer};

use super::world::{World, escrow, juror, refused, user};
use crate::{CaseState, Choice, Dispute, Error, Params, main_params, test_params};

#[test]
fn only_governance_sets_parameters_and_only_within_bounds() {
    let mut world = World::new(0);
    let mut update = |authority: Address, params: Option<Params>| {
        world.chain.tx(|ctx| Dispute.update_params(ctx, MsgUpdateParams { authority: authority.to_string(), params }))
    };
    assert_eq!(update(user(1), Some(test_params())).unwrap_err().code, 4);
    refused(update(authority(), None), &Error::NoParams);
    let bounds = |name, least, most, found| Error::Bounds { name, least, most, found };
    let cases = [
        (Params { commit_blocks: 0, ..test_params() }, bounds("commit_blocks", 1, 10_000_000, 0)),
        (Params { reveal_blocks: 10_000_001, ..test_params() }, bounds("reveal_blocks", 1, 10_000_000, 10_000_001)),
        (Params { appeal_blocks: 0, ..test_params() }, bounds("appeal_blocks", 1, 10_000_000, 0)),
        (Params { quorum: 0, ..test_params() }, bounds("quorum", 1, 101, 0)),
        (Params { jury_size: 2, ..test_params() }, bounds("jury_size", 3, 101, 2)),
        (Params { second_size: 4, ..test_params() }, bounds("second_size", 5, 101, 4)),
        (Params { second_size: 102, ..test_params() }, bounds("second_size", 5, 101, 102)),
        (Params { absence_bps: 10_001, ..test_params() }, bounds("absence_bps", 0, 10_000, 10_001)),
        (Params { min_kappa_ppm: 1_000_001, ..test_params() }, bounds("min_kappa_ppm", 0, 1_000_000, 1_000_001)),
        (Params { max_open: 0, ..test_params() }, bounds("max_open", 1, 1_000, 0)),
        (Params { clock_blocks: 19, ..test_params() }, bounds("clock_blocks", 20, 10_000_000, 19)),
        (Params { juror_bond: "-1".into(), ..test_params() }, Error::Amount("juror_bond")),
        (Params { fee: String::new(), ..test_params() }, Error::Amount("fee")),
        (Params { appeal_bond: format!("1{}1", "0".repeat(29)), ..test_params() }, Error::Amount("appeal_bond")),
    ];
    for (params, error) in cases {
        refused(update(authority(), Some(params)), &error);
    }
    update(authority(), Some(main_params())).unwrap();
    let params = world.chain.run(|ctx| Dispute.params(ctx, QueryParamsRequest {})).unwrap().params.unwrap();
    assert_eq!(params, main_params());
}

/// A chain with cases in every state.
fn busy() -> World {
    let mut world = World::new(16);
    let case = world.complain(user(1), 1).unwrap();
    world.vote(case, &[Some(Choice::Uphold); 5]);
    world.fund(user(1), 1_000_000);
    world.complain(user(2), 2).unwrap();
    world.until(2, CaseState::Commit);
    world.complain(user(3), 2).unwrap();
    let jury = world.jury(2);
    world.commit(jury[0], 2, Choice::Overturn).unwrap();
    world.appeal(user(1), case).unwrap();
    world.complain(user(4), 3).unwrap();
    world.leave(juror(1)).unwrap();
    world.fund(escrow(), 9_000_000);
    world
}

/// The chain that goes on from an export of another one, at the same height.
fn copy(from: &mut World, genesis: Genesis) -> (World, Result<(), cairn_kernel::Error>) {
    let (beacons, mut coins, pool) = from
        .chain
        .run(|ctx| (cairn_beacon::Beacon.export(ctx).unwrap(), Bank.export(ctx).unwrap(), cairn_rewards::Rewards.export(ctx).unwrap()));
    coins.params = Some(bank::DEFAULT_PARAMS);
    let mut world = World::unstarted();
    world.chain.block = from.chain.block.clone();
    world.chain.tx(|ctx| cairn_beacon::Beacon.init(ctx, beacons)).unwrap();
    world.chain.tx(|ctx| Bank.init(ctx, coins)).unwrap();
    world.chain.tx(|ctx| cairn_rewards::Rewards.init(ctx, pool)).unwrap();
    let done = world.chain.tx(|ctx| Dispute.init(ctx, genesis));
    (world, done)
}

#[test]
fn export_and_import_are_inverse_and_the_chain_goes_on_alike() {
    let mut before = busy();
    let exported = before.chain.run(|ctx| Dispute.export(ctx)).unwrap();
    assert_eq!((exported.cases.len(), exported.jurors.len(), exported.seats.len()), (3, 16, 10));
    let (mut after, done) = copy(&mut before, exported.clone());
    done.unwrap();
    after.check();
    assert_eq!(after.chain.run(|ctx| Dispute.export(ctx)).unwrap(), exported);
    for world in [&mut before, &mut after] {
        let until = world.height() + 400;
        world.run_to(until);
    }
    let ends = [&mut before, &mut after].map(|world| world.chain.run(|ctx| Dispute.export(ctx)).unwrap());
    assert_eq!(ends[0], ends[1]);
    assert!(ends[0].cases.iter().all(|case| case.state() == CaseState::Closed));
}

#[test]
fn a_genesis_that_contradicts_itself_is_refused() {
    let mut world = busy();
    let exported = world.chain.run(|ctx| Dispute.export(ctx)).unwrap();
    let cases: [fn(&mut Genesis); 12] = [
        |g| g.params.as_mut().unwrap().quorum = 0,
        |g| g.cases[0].id = 2,
        |g| g.cases[1].subject = g.cases[0].subject.clone(),
        |g| g.cases[0].params = None,
        |g| g.cases[0].clock = 7,
        |g| g.cases[1].clock = 0,
        |g| g.cases[1].state = 0,
        |g| g.seats[0].round = 9,
        |g| g.seats[1] = g.seats[0].clone(),
        |g| g.jurors[0].number = 2,
        |g| g.jurors[1].account = g.jurors[0].account.clone(),
        |g| g.jurors[0].leaves = 0,
    ];
    for (i, spoil) in cases.iter().enumerate() {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        assert_eq!(copy(&mut world, genesis).1.unwrap_err().codespace, "dispute", "case {i}");
    }
}

#[test]
fn invariants_notice_what_is_wrong() {
    let mut world = busy();
    let exported = world.chain.run(|ctx| Dispute.export(ctx)).unwrap();
    type Spoil = fn(&mut Genesis);
    let spoils: [(&str, Spoil); 2] =
        [("the module holds", |g| g.jurors[5].bond.as_mut().unwrap().amount = "1".into()), ("jurors' seats", |g| g.jurors[0].seats += 1)];
    for (name, spoil) in spoils {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        let (mut other, done) = copy(&mut world, genesis);
        done.unwrap();
        let found: Vec<_> = Dispute.invariants().into_iter().filter(|(_, check)| other.chain.run(|ctx| check(ctx)).is_err()).collect();
        assert!(found.iter().any(|(found, _)| found.starts_with(name)), "{name}");
    }
}
