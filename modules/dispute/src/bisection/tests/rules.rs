//! The rules of refereed disputes, each by its number: heights, openings and money as the README says them.
use cairn_kernel::Coin;
use cairn_proto::cairn::dispute::v1::{EventMatchOpened, Fall, Fate, Match, Stage};

use super::{
    book::{Book, Story},
    world::{BASE, BOND, PRICE, World, audits, market, provider, refused, requester, user},
};
use crate::{CaseState, Error, bisection::MAX_CLAIMS};

/// A right and a wrong trace of a small program.
pub(super) fn pair() -> (Book, Book) {
    let story = Story::small();
    (Book::new(&story), Book::new(&story.altered(1, 2, 17)))
}

/// A contest with the committed claim wrong, and the books of both.
fn duel(clock: u64) -> (World, u64, Book, Book) {
    let (right, wrong) = pair();
    let mut world = World::new(clock);
    let case = world.duel(&right, &wrong, &right);
    (world, case, right, wrong)
}

/// Plays until the match has come down to its leaf.
fn to_leaf(world: &mut World, case: u64, books: [&Book; 2]) -> Match {
    while world.game(case, 1).stage() != Stage::Leaf {
        books.iter().for_each(|book| assert_eq!(world.play(user(90), case, 1, book), 1));
        world.block();
    }
    world.game(case, 1)
}

#[test]
fn rule_1_claims_are_keyed_by_root_and_anybody_moves_for_any() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let terms = world.terms(1, &right, &wrong);
    let case = world.enter(&terms, right.root, user(10)).unwrap();
    assert_eq!(world.enter(&terms, right.root, user(11)).unwrap(), case);
    assert_eq!(world.enter(&terms, wrong.root, user(12)).unwrap(), case);
    let claims = world.claims(case);
    assert_eq!(claims.len(), 2, "an equal root is no further claim");
    let backers = |n: usize| claims[n].backers.iter().map(|backer| backer.account.clone()).collect::<Vec<_>>();
    assert_eq!((backers(0), backers(1)), (vec![user(12).to_string()], vec![user(10).to_string(), user(11).to_string()]));
    world.fund(market(), PRICE + BOND);
    world.run_to(terms.window_end + 1);
    // A stranger moves for both sides and proves the leaf.
    let ending = world.play_out(case, &[(user(77), &right), (user(77), &wrong)]);
    assert_eq!((ending.committed, ending.winner, ending.finders), (Fate::Wrong, Some(right.root), vec![user(10), user(11)]));
}

#[test]
fn rule_1_entrants_bonds_double_and_claims_and_backers_are_bounded() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let terms = world.terms(1, &right, &wrong);
    let case = world.enter(&terms, [1; 32], user(10)).unwrap();
    for j in 2..MAX_CLAIMS {
        world.enter(&terms, [u8::try_from(j).unwrap(); 32], user(10)).unwrap();
    }
    let most = MAX_CLAIMS;
    refused(world.enter(&terms, [99; 32], user(10)), &Error::TooManyClaims { case, most });
    let bonds: Vec<_> = world.claims(case)[1..].iter().map(|claim| claim.backers[0].bond.clone().unwrap().amount).collect();
    assert_eq!(bonds, (0..7).map(|j| (BASE << j).to_string()).collect::<Vec<_>>());
    for n in 20..24 {
        world.enter(&terms, wrong.root, user(n)).unwrap();
    }
    refused(world.enter(&terms, wrong.root, user(24)), &Error::TooManyBackers { case, claim: 0, most: 4 });
    refused(world.enter(&terms, [1; 32], user(10)), &Error::AlreadyBacker { case, claim: 1, account: user(10).to_string() });
    refused(world.enter(&terms, wrong.root, provider()), &Error::AlreadyBacker { case, claim: 0, account: provider().to_string() });
    let backer = world.claims(case)[0].backers[3].clone();
    assert_eq!(Coin::try_from(&backer.bond.unwrap()).unwrap(), Coin::base(BASE));
}

#[test]
fn rule_1_claims_are_entered_up_to_the_last_height_of_the_window() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let terms = world.terms(1, &right, &wrong);
    refused(world.enter(&terms, wrong.root, user(10)), &Error::SameRoot);
    let case = world.enter(&terms, right.root, user(10)).unwrap();
    world.run_to(terms.window_end);
    world.enter(&terms, [3; 32], user(10)).unwrap();
    world.run_to(terms.window_end + 1);
    let (until, now) = (terms.window_end, terms.window_end + 1);
    refused(world.enter(&terms, [4; 32], user(10)), &Error::EntryOver { case, until, now });
    let opened: Vec<_> = world.seen::<EventMatchOpened>();
    assert_eq!(opened.len(), 1, "three claims: one pair, one goes on by itself");
    assert_eq!((opened[0].round, opened[0].until), (1, until + 10));
}

#[test]
fn rule_2_both_sides_open_the_same_program() {
    let (mut world, case, right, wrong) = duel(30);
    let game = to_leaf(&mut world, case, [&right, &wrong]);
    // The same computation over other inputs or weights opens nothing below the case's roots.
    for foreign in [Story::small_with_other_inputs(), Story::small_with_other_weights()] {
        let book = Book::new(&foreign);
        assert!(book.input_root != right.input_root || book.weights_root != right.weights_root);
        let mut m = book.leaf(&user(77), &game);
        m.root = right.root.to_vec();
        refused(world.prove(m), &Error::LeafMalformed { case, number: 1 });
    }
    // Terms of who joins are not looked at.
    let mut other = World::new(10);
    let terms = other.terms(1, &right, &wrong);
    let case = other.enter(&terms, right.root, user(10)).unwrap();
    let forged = crate::Terms { weights_root: [0; 32], input_root: [0; 32], runs: 9, base_bond: 1, ..terms.clone() };
    other.enter(&forged, [7; 32], user(11)).unwrap();
    let contest = other.contest(case);
    assert_eq!(
        (contest.weights_root, contest.input_root, contest.runs),
        (terms.weights_root.to_vec(), terms.input_root.to_vec(), terms.runs)
    );
    assert_eq!(other.claims(case)[2].backers[0].bond.clone().unwrap().amount, (BASE * 2).to_string());
}

#[test]
fn rule_3_a_move_at_the_deadline_height_is_in_time() {
    let (mut world, case, right, wrong) = duel(10);
    let opened = world.game(case, 1).opened;
    assert_eq!(world.play(user(1), case, 1, &wrong), 1);
    world.run_to(opened + 10);
    assert_eq!(world.play(user(10), case, 1, &right), 1);
    let side = world.game(case, 1).right.unwrap();
    assert_eq!((side.owes, side.since, side.left, side.late), (true, opened + 10, 0, false), "it owes the next move, in this block");
    assert_eq!(world.play(user(10), case, 1, &right), 1);
    world.block();
    assert_eq!(world.claims(case)[1].fall(), Fall::Unspecified, "it has moved, so its clock stands");
}

#[test]
fn rule_3_a_move_one_block_after_the_deadline_is_refused_whether_or_not_the_queue_has_come_to_it() {
    for most in [500, 0] {
        let (mut world, case, right, wrong) = duel(10);
        let game = world.game(case, 1);
        assert_eq!(world.play(user(1), case, 1, &wrong), 1);
        world.most = most;
        world.run_to(game.opened + 11);
        let m = right.dissect(&user(10), &game, &right.root).unwrap();
        let (number, until, now) = (1, game.opened + 10, game.opened + 11);
        let error = if most > 0 { Error::WrongMove { case, number } } else { Error::NotOwed { case, number, until, now } };
        refused(world.dissect(m), &error);
        world.most = 500;
        world.block();
        assert_eq!(world.claims(case)[1].fall(), Fall::Late);
        assert_eq!(world.ending(case).unwrap().committed, Fate::Stands);
    }
}

#[test]
fn rule_3_a_clock_runs_only_while_its_side_owes_a_move() {
    let (mut world, case, right, wrong) = duel(10);
    for waits in [3, 4] {
        assert_eq!(world.play(user(10), case, 1, &right), 1);
        let now = world.height();
        world.run_to(now + waits);
        assert_eq!(world.play(user(1), case, 1, &wrong), 1);
    }
    let game = world.game(case, 1);
    assert_eq!((game.left.unwrap().left, game.right.unwrap().left), (2, 9));
    assert_eq!(game.clock, world.height() + 2, "the first clock to run out");
}

#[test]
fn rule_4_who_is_silent_loses_and_two_who_are_silent_both_lose() {
    let (right, wrong) = pair();
    type Case<'a> = (Option<&'a Book>, Fate, Option<[u8; 32]>, [Fall; 2]);
    let cases: [Case; 3] = [
        (None, Fate::BothLate, None, [Fall::BothLate; 2]),
        (Some(&wrong), Fate::Stands, Some(wrong.root), [Fall::Unspecified, Fall::Late]),
        (Some(&right), Fate::Wrong, Some(right.root), [Fall::Late, Fall::Unspecified]),
    ];
    for (player, fate, winner, falls) in cases {
        let mut world = World::new(10);
        let case = world.duel(&right, &wrong, &right);
        let opened = world.game(case, 1).opened;
        let players: Vec<_> = player.into_iter().map(|book| (user(77), book)).collect();
        let ending = world.play_out(case, &players);
        assert_eq!((ending.committed, ending.winner), (fate, winner));
        assert_eq!(world.claims(case).iter().map(|claim| claim.fall()).collect::<Vec<_>>(), falls);
        assert_eq!(world.game(case, 1).closed, opened + 10);
    }
}

/// Whoever of two silent sides has more time left does not win by it: it has to move.
#[test]
fn rule_4_a_late_side_leaves_the_other_its_own_time() {
    for moves in [true, false] {
        let (mut world, case, right, wrong) = duel(10);
        let opened = world.game(case, 1).opened;
        world.run_to(opened + 4);
        assert_eq!(world.play(user(1), case, 1, &wrong), 1);
        world.run_to(opened + 7);
        assert_eq!(world.play(user(10), case, 1, &right), 1);
        // At height 7 both owe: the left side until 13, the right one until 10.
        world.run_to(opened + 11);
        let game = world.game(case, 1);
        assert_eq!((game.right.clone().unwrap().late, game.clock, game.stage()), (true, opened + 13, Stage::Record));
        world.run_to(opened + 13);
        if moves {
            assert_eq!(world.play(user(1), case, 1, &wrong), 1);
            assert_eq!(world.game(case, 1).closed, opened + 13, "its move ends the match");
        }
        world.block();
        let falls: Vec<_> = world.claims(case).iter().map(|claim| claim.fall()).collect();
        assert_eq!(falls, if moves { [Fall::Unspecified, Fall::Late] } else { [Fall::BothLate; 2] });
        assert_eq!(world.ending(case).unwrap().committed, if moves { Fate::Stands } else { Fate::BothLate });
    }
}

#[test]
fn rule_4_both_late_splits_both_bonds_in_halves_and_refunds_the_requester() {
    let (mut world, case, ..) = duel(10);
    let (burnt, pool) = (world.burnt(), world.pool());
    world.play_out(case, &[]);
    assert_eq!((world.burnt() - burnt, world.pool() - pool), ((BOND + BASE) / 2, (BOND + BASE) / 2));
    let accounts = [requester(), provider(), user(10), market()].map(|account| world.balance(account));
    assert_eq!(accounts, [PRICE, 0, 0, 0]);
}

#[test]
fn rule_5_a_malformed_leaf_is_a_loss_of_its_prover() {
    let (right, wrong) = pair();
    for sender in [provider(), user(10)] {
        let mut world = World::new(10);
        let case = world.duel(&right, &wrong, &right);
        let game = to_leaf(&mut world, case, [&right, &wrong]);
        for (i, m) in right.malformed_leaves(&user(77), &game).into_iter().enumerate() {
            refused(world.prove(m), &Error::LeafMalformed { case, number: 1 });
            assert_eq!(world.game(case, 1), game, "leaf {i} of a stranger changes nothing");
        }
        let (burnt, pool) = (world.burnt(), world.pool());
        let m = right.malformed_leaves(&sender, &game).remove(0);
        let done = world.prove(m).unwrap();
        let fell = usize::from(sender != provider());
        assert_eq!((done.malformed, done.winner), (true, if fell == 0 { 2 } else { 1 }));
        assert_eq!(world.claims(case)[fell].fall(), Fall::Malformed);
        let lost = if fell == 0 { 0 } else { BASE };
        assert_eq!((world.burnt() - burnt, world.pool() - pool), (lost / 2, lost / 2));
        world.block();
        let ending = world.ending(case).unwrap();
        assert_eq!((ending.committed == Fate::Wrong, ending.provider_struck), (fell == 0, fell == 0));
    }
}

#[test]
fn rule_5_every_malformed_leaf_of_a_backer_costs_its_bond_and_never_stalls() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let case = world.duel(&right, &wrong, &right);
    let game = to_leaf(&mut world, case, [&right, &wrong]);
    let count = right.malformed_leaves(&user(10), &game).len();
    assert!(count >= 6, "{count} ways to spoil a leaf");
    for i in 0..count {
        let mut world = World::new(10);
        let case = world.duel(&right, &wrong, &right);
        let game = to_leaf(&mut world, case, [&right, &wrong]);
        let done = world.prove(right.malformed_leaves(&user(10), &game).remove(i)).unwrap();
        assert_eq!((done.malformed, done.winner), (true, 1), "leaf {i}");
        world.block();
        assert_eq!(world.state(case), CaseState::Closed);
    }
}

#[test]
fn rule_5_a_backer_who_sabotages_a_claim_does_not_sink_it_while_another_stands_behind_it() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    world.fund(market(), PRICE + BOND);
    let terms = world.terms(1, &right, &wrong);
    let case = world.enter(&terms, right.root, user(10)).unwrap();
    world.enter(&terms, right.root, user(11)).unwrap();
    world.run_to(terms.window_end + 1);
    let game = to_leaf(&mut world, case, [&right, &wrong]);
    let spoilt = || right.malformed_leaves(&user(10), &game).remove(0);
    assert!(world.prove(spoilt()).unwrap().malformed);
    refused(world.prove(spoilt()), &Error::LeafMalformed { case, number: 1 });
    let ending = world.play_out(case, &[(user(11), &right)]);
    assert_eq!((ending.committed, ending.finders), (Fate::Wrong, vec![user(11)]));
    assert_eq!((world.balance(user(10)), world.balance(user(11))), (0, BASE + BOND * 35 / 100));
}

#[test]
fn a_leaf_that_neither_side_committed_to_beats_both() {
    let story = Story::small();
    let (right, wrong) = (Book::new(&story), Book::new(&story.altered(1, 2, 17)));
    let other = Book::new(&story.altered(1, 2, 17).altered(1, 2, 17).garbled(1, 2, 17));
    let mut world = World::new(10);
    let case = world.duel(&right, &wrong, &other);
    let (burnt, pool) = (world.burnt(), world.pool());
    let ending = world.play_out(case, &[(user(1), &wrong), (user(10), &other)]);
    assert_eq!((ending.committed, ending.winner, ending.finders.len()), (Fate::Wrong, None, 0));
    assert_eq!(world.claims(case).iter().map(|claim| claim.fall()).collect::<Vec<_>>(), [Fall::Wrong; 2]);
    assert_eq!(world.pool() - pool, BASE / 2);
    assert_eq!(world.burnt() - burnt, BASE / 2 + BOND * 85 / 100);
}

#[test]
fn a_wrong_result_pays_its_finder_and_refunds_the_requester() {
    let (mut world, case, right, wrong) = duel(10);
    let burnt = world.burnt();
    world.play_out(case, &[(provider(), &wrong), (user(10), &right)]);
    let accounts = [requester(), provider(), user(10), audits(), market()].map(|account| world.balance(account));
    assert_eq!(accounts, [PRICE, 0, BASE + BOND * 35 / 100, BOND * 15 / 100, 0]);
    assert_eq!(world.burnt() - burnt, BOND / 2);
}

#[test]
fn a_lost_challenge_pays_the_provider_half_of_its_bond() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let case = world.duel(&right, &right, &wrong);
    let burnt = world.burnt();
    let ending = world.play_out(case, &[(provider(), &right), (user(10), &wrong)]);
    assert_eq!((ending.committed, ending.winner, ending.finders.len()), (Fate::Stands, Some(right.root), 0));
    assert_eq!((world.balance(provider()), world.balance(user(10))), (PRICE + BOND + BASE / 2, 0));
    assert_eq!(world.burnt() - burnt, BASE / 2);
}

#[test]
fn backers_of_the_committed_result_get_their_bonds_back_or_lose_them() {
    for stands in [true, false] {
        let (right, wrong) = pair();
        let mut world = World::new(10);
        world.fund(market(), PRICE + BOND);
        let (committed, rival) = if stands { (&right, &wrong) } else { (&wrong, &right) };
        let terms = world.terms(1, &right, committed);
        let case = world.enter(&terms, rival.root, user(10)).unwrap();
        world.enter(&terms, committed.root, user(12)).unwrap();
        world.run_to(terms.window_end + 1);
        world.play_out(case, &[(user(77), &right), (user(77), &wrong)]);
        assert_eq!(world.balance(user(12)), if stands { BASE } else { 0 });
    }
}
