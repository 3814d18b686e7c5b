//! Export and import in the middle of matches, and refused genesis files.
use cairn_bank::{self as bank, Bank};
use cairn_kernel::{Error as Refusal, Module};
use cairn_proto::cairn::dispute::v1::{Genesis, Stage};

use super::{
    rules::pair,
    world::{BOND, PRICE, World, market, provider, user},
};
use crate::Dispute;

/// A contest of four claims in its first round, one in entry, one closed.
fn busy() -> (World, u64) {
    let (right, wrong) = pair();
    let mut world = World::new(40);
    let closed = world.duel(&right, &wrong, &right);
    world.play_out(closed, &[(user(1), &wrong), (user(2), &right)]);
    world.fund(market(), 2 * (PRICE + BOND));
    let terms = world.terms(50, &right, &wrong);
    let case = world.enter(&terms, right.root, user(10)).unwrap();
    world.enter(&terms, [3; 32], user(11)).unwrap();
    world.enter(&terms, [4; 32], user(11)).unwrap();
    world.run_to(terms.window_end + 1);
    world.play(provider(), case, 1, &wrong);
    let terms = world.terms(51, &right, &wrong);
    world.enter(&terms, right.root, user(12)).unwrap();
    (world, case)
}

/// The chain that goes on from an export of another one, at the same height.
fn copy(from: &mut World, genesis: Genesis) -> (World, Result<(), Refusal>) {
    let (mut coins, pool) = from.chain.run(|ctx| (Bank.export(ctx).unwrap(), cairn_rewards::Rewards.export(ctx).unwrap()));
    coins.params = Some(bank::DEFAULT_PARAMS);
    let mut world = World::unstarted();
    world.chain.block = from.chain.block.clone();
    let graphs = from.books.lock().unwrap().graphs.clone();
    world.books.lock().unwrap().graphs = graphs;
    world.chain.tx(|ctx| Bank.init(ctx, coins)).unwrap();
    world.chain.tx(|ctx| cairn_rewards::Rewards.init(ctx, pool)).unwrap();
    let done = world.chain.tx(|ctx| Dispute.init(ctx, genesis));
    (world, done)
}

#[test]
fn export_and_import_in_the_middle_of_matches_are_inverse_and_the_chain_goes_on_alike() {
    let (mut before, case) = busy();
    let (right, wrong) = pair();
    let exported = before.chain.run(|ctx| Dispute.export(ctx)).unwrap();
    assert_eq!((exported.contests.len(), exported.claims.len(), exported.matches.len()), (3, 8, 3));
    assert!(exported.matches.iter().any(|game| game.left.as_ref().is_some_and(|side| !side.children.is_empty())), "half a move");
    let (mut after, done) = copy(&mut before, exported.clone());
    done.unwrap();
    after.check();
    assert_eq!(after.chain.run(|ctx| Dispute.export(ctx)).unwrap(), exported);
    let endings = [&mut before, &mut after].map(|world| world.play_out(case, &[(user(5), &wrong), (user(6), &right)]));
    assert_eq!(endings[0], endings[1]);
    assert_eq!(endings[0].winner, Some(right.root));
    for world in [&mut before, &mut after] {
        let until = world.height() + 300;
        world.run_to(until);
    }
    let ends = [&mut before, &mut after].map(|world| world.chain.run(|ctx| Dispute.export(ctx)).unwrap());
    assert_eq!(ends[0], ends[1]);
    assert!(ends[0].matches.iter().all(|game| game.stage() == Stage::Closed));
}

#[test]
fn a_genesis_whose_contests_contradict_themselves_is_refused() {
    let (mut world, _) = busy();
    let exported = world.chain.run(|ctx| Dispute.export(ctx)).unwrap();
    type Spoil = fn(&mut Genesis);
    let cases: [Spoil; 16] = [
        |g| g.contests[1].case_id = 1,
        |g| drop(g.contests.pop()),
        |g| g.contests[0].base_bond = None,
        |g| g.contests[0].weights_root.clear(),
        |g| g.contests[0].runs = 0,
        |g| g.claims[1].number = 5,
        |g| g.claims[1].root = g.claims[0].root.clone(),
        |g| g.claims[1].root = vec![1; 31],
        |g| drop(g.claims.pop()),
        |g| g.claims[1].backers[0].bond = None,
        |g| g.matches[0].number = 2,
        |g| g.matches[1].clock = 0,
        |g| g.matches[1].stage = 0,
        |g| g.matches[1].left.as_mut().unwrap().claim = 9,
        |g| g.matches[1].left.as_mut().unwrap().children = vec![0; 31],
        |g| g.cases[1].game = 1,
    ];
    for (i, spoil) in cases.iter().enumerate() {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        assert_eq!(copy(&mut world, genesis).1.unwrap_err().codespace, "dispute", "case {i}");
    }
}

#[test]
fn invariants_of_contests_notice_what_is_wrong() {
    let (mut world, _) = busy();
    let exported = world.chain.run(|ctx| Dispute.export(ctx)).unwrap();
    type Spoil = fn(&mut Genesis);
    let spoils: [(&str, Spoil); 4] = [
        ("the module holds", |g| g.claims[3].backers[0].bond.as_mut().unwrap().amount = "1".into()),
        ("running matches", |g| g.matches[1].clock += 1),
        ("contests play", |g| g.contests[1].playing += 1),
        ("contests play", |g| g.claims[2].fall = 1),
    ];
    for (i, (name, spoil)) in spoils.into_iter().enumerate() {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        let (mut other, done) = copy(&mut world, genesis);
        done.unwrap();
        let found: Vec<_> = Dispute.invariants().into_iter().filter(|(_, check)| other.chain.run(|ctx| check(ctx)).is_err()).collect();
        assert!(
            found.iter().any(|(found, _)| found.starts_with(name)),
            "{i}: {found:?}",
            found = found.iter().map(|f| f.0).collect::<Vec<_>>()
        );
    }
}
