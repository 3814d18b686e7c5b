//! Epochs from the first bond to the payout.
use cairn_kernel::{BASE_DENOM, Coin, Module, key_prefix};
use cairn_proto::cairn::rewards::v1::*;

use super::world::{ATOM, World, refused, rules, user};
use crate::{
    Error, Rewards,
    state::{ARENAS, PARTICIPANTS},
};

const Q32: u64 = 1 << 32;

#[test]
fn an_epoch_pays_participants_by_consensus_and_scorers_by_bonds() {
    let mut world = World::started(rules(), 2, &[600, 300]);
    world.fund(1, &[Coin::base(1_001), Coin::new(ATOM, 400)]).unwrap();
    world.score(&[(2, &[(1, 3), (2, 1)]), (3, &[(1, 3), (2, 1)])]);
    assert_eq!((world.due(11, BASE_DENOM), world.due(12, BASE_DENOM)), (375, 125));
    assert_eq!((world.due(2, BASE_DENOM), world.due(3, BASE_DENOM)), (333, 166));
    assert_eq!((world.due(11, ATOM), world.due(12, ATOM), world.due(2, ATOM), world.due(3, ATOM)), (150, 50, 133, 66));
    // Half of the odd unit and of the dust stays in the pots.
    assert_eq!((world.pot(BASE_DENOM), world.pot(ATOM)), (2, 1));
    let first = world.participant(1);
    assert_eq!((first.consensus_q32, first.incentive_q32, first.standing_q32), (Q32 / 4 * 3, Q32 / 4 * 3, Q32 / 4 * 3 / 10));
    let scorer = world.scorer(2);
    let bonds: Vec<_> = scorer.bonds.unwrap().bonds.iter().map(|b| (b.registration, b.bond_q32)).collect();
    assert_eq!(bonds, [(1, Q32 / 15), (2, Q32 / 15)]);
    assert_eq!(scorer.scorer.unwrap().trust_q32, Q32);
    let epoch = world.epochs().pop().unwrap();
    assert_eq!((epoch.number, epoch.scorers, epoch.committed, epoch.revealed, epoch.participants), (2, 2, 2, 2, 2));
    assert_eq!((epoch.weight.as_str(), epoch.weight_revealed.as_str(), epoch.minted.as_str()), ("900", "900", "0"));
    assert_eq!((epoch.closed, epoch.ends, epoch.digest.len()), (epoch.ends, 21, 32));
    let sums = |coins: &[cairn_proto::cosmos::base::v1beta1::Coin]| coins.iter().map(|c| c.amount.clone()).collect::<Vec<_>>();
    assert_eq!(
        (sums(&epoch.budget), sums(&epoch.incentives), sums(&epoch.dividends)),
        (vec!["400".to_owned(), "1001".to_owned()], vec!["200".to_owned(), "500".to_owned()], vec!["199".to_owned(), "499".to_owned()],)
    );

    let before = world.balance(11, BASE_DENOM);
    assert_eq!(world.claim(11).unwrap(), [Coin::new(ATOM, 150), Coin::base(375)]);
    assert_eq!(world.balance(11, BASE_DENOM), before + 375);
    refused(world.claim(11), Error::NoArenaReward { account: user(11).to_string(), arena: 1 });
    world.check();
}

#[test]
fn a_bond_counts_from_the_next_epoch_on() {
    let mut world = World::with(rules());
    world.register(11).unwrap();
    assert_eq!(world.arena().state(), ArenaState::Dormant);
    world.bond(2, 500).unwrap();
    let arena = world.arena();
    assert_eq!((arena.state(), arena.epoch, arena.starts, arena.commit_until, arena.ends), (ArenaState::Running, 1, 2, 7, 11));
    world.go_to(2);
    refused(world.commit(2, &[(1, 1)]), Error::NoWeight(user(2).to_string()));
    world.go_to(12);
    world.commit(2, &[(1, 1)]).unwrap();
    // A bond that grows after its commitment, or after others revealed, weighs what it weighed.
    world.bond(2, 500).unwrap();
    world.bond(3, 100_000).unwrap();
    let from = world.arena().commit_until + 1;
    world.go_to(from);
    world.reveal(2, &[(1, 1)]).unwrap();
    world.go_to(22);
    let epoch = world.epochs().pop().unwrap();
    assert_eq!((epoch.weight.as_str(), epoch.weight_revealed.as_str()), ("500", "500"));
    assert_eq!(world.participant(1).incentive_q32, Q32);
}

#[test]
fn a_silent_majority_leaves_the_pots_as_they_are() {
    let mut world = World::started(rules(), 1, &[500, 500]);
    world.fund(1, &[Coin::base(1_000)]).unwrap();
    world.score(&[(2, &[(1, 1)])]);
    assert_eq!((world.pot(BASE_DENOM), world.due(11, BASE_DENOM)), (1_000, 0));
    world.score(&[(2, &[(1, 1)]), (3, &[(1, 1)])]);
    assert_eq!((world.pot(BASE_DENOM), world.due(11, BASE_DENOM)), (0, 500));
}

#[test]
fn who_commits_and_hides_loses_a_part_of_its_bond_and_earns_nothing() {
    let mut world = World::started(rules(), 1, &[10_000, 4_000]);
    world.fund(1, &[Coin::base(1_000)]).unwrap();
    let (supply, row) = (world.supply(), [(1, 1)]);
    world.commit(2, &row).unwrap();
    world.commit(3, &row).unwrap();
    world.go_to(18);
    world.reveal(2, &row).unwrap();
    world.go_to(22);
    let hidden = world.scorer(3).scorer.unwrap();
    assert_eq!((hidden.bond.as_str(), hidden.missed, hidden.dividend_q32), ("3960", 1, 0));
    assert_eq!(world.supply(), supply - 20, "half of the slashed part is burnt");
    assert_eq!((world.due(2, BASE_DENOM), world.due(3, BASE_DENOM)), (500, 0));
    // Who does not commit is not slashed; its bonds in participants fade all the same.
    world.score(&[(2, &row)]);
    let idle = world.scorer(3).scorer.unwrap();
    assert_eq!((idle.bond.as_str(), idle.missed, idle.seated), ("3960", 2, true));
}

#[test]
fn three_silent_epochs_cost_the_seat_and_an_arena_without_scorers_sleeps() {
    let mut world = World::started(rules(), 1, &[500]);
    world.go_to(12 + 30);
    let (arena, scorer) = (world.arena(), world.scorer(2).scorer.unwrap());
    assert_eq!((arena.state(), arena.scorers, arena.epoch), (ArenaState::Dormant, 0, 4));
    assert_eq!((scorer.seated, scorer.bond.as_str(), scorer.counted.as_str()), (false, "500", "0"));
    refused(world.commit(2, &[(1, 1)]), Error::Dormant(1));
    world.go_to(60);
    // A bond wakes it, and its scorer has a seat again.
    world.bond(2, 1).unwrap();
    let arena = world.arena();
    assert_eq!((arena.state(), arena.scorers, arena.epoch, arena.starts), (ArenaState::Running, 1, 5, 61));
}

#[test]
fn scorers_of_an_arena_without_participants_miss_nothing() {
    let mut world = World::started(rules(), 0, &[500]);
    world.go_to(100);
    let scorer = world.scorer(2).scorer.unwrap();
    assert_eq!((scorer.missed, scorer.seated), (0, true));
}

#[test]
fn changed_rules_hold_from_the_next_epoch_on() {
    let mut world = World::started(rules(), 1, &[500]);
    let changed = ArenaRules { epoch_blocks: 20, reveal_blocks: 10, ..rules() };
    world.change_rules(changed.clone());
    let arena = world.arena();
    assert_eq!((arena.ends, arena.rules.unwrap(), arena.next_rules.unwrap()), (21, rules(), changed.clone()));
    world.score(&[(2, &[(1, 1)])]);
    let arena = world.arena();
    assert_eq!((arena.starts, arena.commit_until, arena.ends), (22, 31, 41));
    assert_eq!((arena.rules.unwrap(), arena.next_rules), (changed, None));
}

#[test]
fn issuance_is_minted_for_listed_arenas_with_a_consensus_and_never_above_the_limit() {
    let mut world = World::started(rules(), 1, &[500]);
    let list = |world: &mut World, authority: String, issuance: &str| {
        let m = MsgListArena { authority, arena: 1, issuance: issuance.into() };
        world.chain.tx(|ctx| Rewards.list_arena(ctx, m))
    };
    let gov = cairn_auth::authority().to_string();
    assert_eq!(list(&mut world, user(1).to_string(), "1").unwrap_err().code, 4);
    refused(list(&mut world, gov.clone(), "-1"), Error::Amount("issuance"));
    list(&mut world, gov.clone(), "600").unwrap();
    // The list alone mints nothing: governance has allowed nothing for arenas.
    world.score(&[(2, &[(1, 1)])]);
    assert_eq!((world.due(11, BASE_DENOM), world.epochs().pop().unwrap().minted.as_str()), (0, "0"));
    let params = Params { epoch_blocks: 1_000, arena_issuance: "1000".into(), issuance_share_bps: 10_000, ..crate::default_params() };
    let m = MsgUpdateParams { authority: gov.clone(), params: Some(params) };
    world.chain.tx(|ctx| Rewards.update_params(ctx, m)).unwrap();
    let supply = world.supply();
    // No consensus, nothing minted.
    world.score(&[(2, &[])]);
    assert_eq!(world.supply(), supply);
    let mut minted = Vec::new();
    for _ in 0..3 {
        world.score(&[(2, &[(1, 1)])]);
        minted.push(world.epochs().pop().unwrap().minted);
    }
    assert_eq!(minted, ["600", "400", "0"]);
    assert_eq!((world.supply(), world.due(11, BASE_DENOM), world.due(2, BASE_DENOM)), (supply + 1_000, 500, 500));
    let ledger = world.chain.run(|ctx| Rewards.epoch(ctx, QueryEpochRequest { number: 0 })).unwrap().epoch.unwrap();
    let totals = world.chain.run(|ctx| Rewards.totals(ctx, QueryTotalsRequest {})).unwrap().totals.unwrap();
    assert_eq!((ledger.arenas_minted.as_str(), totals.arenas_minted.as_str(), totals.minted.as_str()), ("1000", "1000", "0"));
    list(&mut world, gov, "0").unwrap();
    assert_eq!(world.arena().issuance, "0");
}

/// Damages the arena's participant, so that the end of the epoch cannot be worked out.
fn damage(world: &mut World) -> Participant {
    let sound = world.participant(1);
    let broken = Participant { account: "nobody".into(), ..sound.clone() };
    world.chain.run(|ctx| PARTICIPANTS.set(ctx, &(1, 1), &broken)).unwrap();
    sound
}

#[test]
fn an_arena_that_fails_is_contained_and_can_be_retried() {
    let mut world = World::started(rules(), 1, &[500]);
    world.checked = false;
    assert_eq!(world.create(rules()).unwrap(), 2);
    let m = MsgBondToScorer { scorer: user(5).to_string(), arena: 2, amount: Some(Coin::base(500).into()) };
    world.chain.tx(|ctx| Rewards.bond_to_scorer(ctx, m)).unwrap();
    world.fund(1, &[Coin::base(1_000)]).unwrap();
    world.commit(2, &[(1, 1)]).unwrap();
    world.go_to(18);
    world.reveal(2, &[(1, 1)]).unwrap();
    let sound = damage(&mut world);
    world.go_to(40);
    let stopped = world.arena();
    assert_eq!((stopped.state(), stopped.epoch), (ArenaState::Stopped, 2));
    let other = world.chain.run(|ctx| Rewards.arena(ctx, QueryArenaRequest { arena: 2 })).unwrap().arena.unwrap();
    assert_eq!((other.state(), other.epoch), (ArenaState::Running, 3), "the other arena goes on");
    let fault = || Error::Stopped { arena: 1, fault: stopped.fault.clone() };
    refused(world.register(12), fault());
    refused(world.bond(3, 500), fault());
    refused(world.commit(2, &[(1, 1)]), fault());
    refused(world.reveal(2, &[(1, 1)]), fault());
    // Bonds can leave, and a retry that fails again changes nothing.
    world.unbond(2, 100).unwrap();
    let retry = |world: &mut World| world.chain.tx(|ctx| Rewards.retry_arena(ctx, MsgRetryArena { sender: user(9).to_string(), arena: 1 }));
    retry(&mut world).unwrap();
    world.go_to(41);
    assert_eq!(world.arena().state(), ArenaState::Stopped);
    world.chain.run(|ctx| PARTICIPANTS.set(ctx, &(1, 1), &sound)).unwrap();
    retry(&mut world).unwrap();
    world.checked = true;
    world.go_to(42);
    let arena = world.arena();
    assert_eq!((arena.state(), arena.epoch, arena.fault.as_str()), (ArenaState::Running, 3, ""));
    assert_eq!(world.due(11, BASE_DENOM), 500);
    refused(retry(&mut world), Error::NotStopped(1));
}

#[test]
fn what_one_block_cannot_do_the_next_one_does() {
    let mut world = World::empty();
    world.checked = false;
    // Each costs 64 + 1 * 9 of the 32,768 of a block: 449 fit.
    for id in 1..=460 {
        world.create(rules()).unwrap();
        let m = MsgBondToScorer { scorer: user(2).to_string(), arena: id, amount: Some(Coin::base(100).into()) };
        world.chain.tx(|ctx| Rewards.bond_to_scorer(ctx, m)).unwrap();
    }
    let closed = |world: &mut World| {
        let arenas = world.chain.run(|ctx| ARENAS.range(ctx, &[]).map(|e| e.unwrap().1).collect::<Vec<_>>());
        arenas.iter().filter(|arena| arena.epoch == 2).count()
    };
    world.go_to(12);
    assert_eq!(closed(&mut world), 449);
    world.go_to(13);
    assert_eq!(closed(&mut world), 460);
    let late = world.chain.run(|ctx| Rewards.arena(ctx, QueryArenaRequest { arena: 460 })).unwrap().arena.unwrap();
    assert_eq!((late.starts, late.ends), (13, 22), "its next epoch begins when the last one was worked out");
    world.check();
}

#[test]
fn arenas_survive_export_and_import_in_the_middle_of_an_epoch() {
    let mut world = World::started(ArenaRules { admission: ScorerAdmission::Listed.into(), ..rules() }, 0, &[]);
    let admit = vec![user(2).to_string(), user(3).to_string()];
    world.update(MsgUpdateArena { owner: user(1).to_string(), admit, ..MsgUpdateArena::default() }).unwrap();
    for n in [11, 12] {
        world.register(n).unwrap();
    }
    for n in [2, 3] {
        world.bond(n, 1_000).unwrap();
    }
    let ends = world.arena().ends;
    world.go_to(ends + 1);
    world.fund(1, &[Coin::base(777), Coin::new(ATOM, 99)]).unwrap();
    world.score(&[(2, &[(1, 2), (2, 1)]), (3, &[(1, 1), (2, 1)])]);
    world.unbond(3, 500).unwrap();
    world.change_rules(ArenaRules { admission: ScorerAdmission::Listed.into(), payout_bps: 5_000, ..rules() });
    world.fund(1, &[Coin::base(1_000)]).unwrap();
    world.commit(2, &[(2, 1)]).unwrap();
    let from = world.arena().commit_until + 1;
    world.go_to(from);
    world.reveal(2, &[(2, 1)]).unwrap();

    let (mut coins, exported) = world.chain.run(|ctx| (cairn_bank::Bank.export(ctx).unwrap(), Rewards.export(ctx).unwrap()));
    assert!([exported.scores.len(), exported.bonds.len(), exported.unbondings.len(), exported.pots.len()].iter().all(|n| *n > 0));
    coins.params = Some(cairn_bank::DEFAULT_PARAMS);
    let mut after = World::bare();
    after.chain.block = world.chain.block.clone();
    after.chain.tx(|ctx| cairn_bank::Bank.init(ctx, coins).and_then(|()| Rewards.init(ctx, exported.clone()))).unwrap();
    assert_eq!(after.chain.run(|ctx| Rewards.export(ctx)).unwrap(), exported);
    after.check();
    let ends = world.arena().ends;
    for world in [&mut world, &mut after] {
        world.go_to(ends + 1);
    }
    let all = |world: &mut World| world.chain.run(|ctx| Rewards.export(ctx)).unwrap();
    assert_eq!(all(&mut world), all(&mut after));

    let cases: [fn(&mut Genesis); 8] = [
        |g| g.arenas[0].id = 2,
        |g| g.arenas[0].rules = None,
        |g| g.arenas[0].title = String::new(),
        |g| g.participants[0].arena = 2,
        |g| g.scorers[0].bond = "x".into(),
        |g| g.bonds[0].bonds.reverse(),
        |g| g.scores[0].scores = vec![Score { registration: 1, score: 65_536 }],
        |g| g.arena_epochs[0].arena = 0,
    ];
    for (i, spoil) in cases.iter().enumerate() {
        let mut genesis = exported.clone();
        spoil(&mut genesis);
        let mut fresh = cairn_kernel::testing::Chain::default();
        assert_eq!(fresh.tx(|ctx| Rewards.init(ctx, genesis)).unwrap_err().codespace, "rewards", "case {i}");
    }
}

#[test]
fn scores_of_the_running_epoch_are_public_once_revealed_and_gone_when_it_ends() {
    let mut world = World::started(rules(), 1, &[500]);
    let shown =
        |world: &mut World| world.chain.run(|ctx| Rewards.scores(ctx, QueryScoresRequest { arena: 1, pagination: None })).unwrap().scores;
    world.commit(2, &[(1, 7)]).unwrap();
    world.go_to(18);
    assert_eq!(shown(&mut world).len(), 0);
    world.reveal(2, &[(1, 7)]).unwrap();
    let row = shown(&mut world).pop().unwrap();
    assert_eq!((row.account, row.scores), (user(2).to_string(), vec![Score { registration: 1, score: 7 }]));
    world.go_to(22);
    assert_eq!(shown(&mut world).len(), 0);
    assert!(world.chain.run(|ctx| crate::state::SCORES.range(ctx, &key_prefix(&1_u64)).next().is_none()));
    let arenas = world.chain.run(|ctx| Rewards.arenas(ctx, QueryArenasRequest { pagination: None })).unwrap().arenas;
    let scorers = world.chain.run(|ctx| Rewards.scorers(ctx, QueryScorersRequest { arena: 1, pagination: None })).unwrap().scorers;
    let q = QueryParticipantsRequest { arena: 1, pagination: None };
    let participants = world.chain.run(|ctx| Rewards.participants(ctx, q)).unwrap().participants;
    assert_eq!((arenas.len(), scorers.len(), participants.len()), (1, 1, 1));
}
