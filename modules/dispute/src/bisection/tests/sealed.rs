//! Leaves of operators with private weights: a proof stands for what the chain cannot compute.
use cairn_proto::cairn::dispute::v1::{Fall, Fate, Match, Stage};

use super::{
    book::{Book, Story, sealed_program},
    world::{World, provider, refused, user},
};
use crate::Error;

/// A match about the sealed operator of run 2, the committed claim wrong.
fn at_leaf() -> (World, u64, Book, Book, Match) {
    let story = Story::right(sealed_program(), 3, 1);
    let (right, wrong) = (Book::new(&story), Book::new(&story.altered(2, 1, 0)));
    let mut world = World::new(20);
    let case = world.duel(&right, &wrong, &right);
    while world.game(case, 1).stage() != Stage::Leaf {
        assert_eq!(world.play(user(1), case, 1, &wrong) + world.play(user(10), case, 1, &right), 2);
        world.block();
    }
    let game = world.game(case, 1);
    assert_eq!((game.run, game.node, game.chunk), (2, 1, 0));
    (world, case, right, wrong, game)
}

#[test]
fn a_proof_of_the_right_output_wins_for_its_claim() {
    let (mut world, case, right, _, game) = at_leaf();
    // A stranger's will do: it is bound to whoever sends it.
    let done = world.prove(right.leaf(&user(77), &game)).unwrap();
    assert_eq!((done.winner, done.malformed), (2, false));
    world.block();
    assert_eq!(world.ending(case).unwrap().committed, Fate::Wrong);
}

#[test]
fn a_proof_of_a_wrong_output_is_a_malformed_leaf() {
    let (mut world, case, _, wrong, game) = at_leaf();
    refused(world.prove(wrong.leaf(&user(77), &game)), &Error::LeafMalformed { case, number: 1 });
    let done = world.prove(wrong.leaf(&provider(), &game)).unwrap();
    assert_eq!((done.winner, done.malformed), (2, true));
    assert_eq!(world.claims(case)[0].fall(), Fall::Malformed);
    world.block();
    assert!(world.ending(case).unwrap().provider_struck);
}

#[test]
fn a_proof_that_was_copied_forged_or_left_out_is_malformed() {
    let (mut world, case, right, _, game) = at_leaf();
    let own = right.leaf(&user(77), &game);
    let mut copied = own.clone();
    copied.mover = user(78).to_string();
    let mut forged = own.clone();
    forged.proof[0] ^= 1;
    let mut none = own.clone();
    none.proof.clear();
    let mut closed = own.clone();
    closed.preimages.pop();
    for m in [copied, forged, none, closed] {
        refused(world.prove(m), &Error::LeafMalformed { case, number: 1 });
    }
    assert_eq!(world.prove(own).unwrap().winner, 2);
}

#[test]
fn an_operator_before_a_sealed_one_is_computed() {
    let story = Story::right(sealed_program(), 3, 1);
    let (right, wrong) = (Book::new(&story), Book::new(&story.consistent(1, 0, 2)));
    let mut world = World::new(20);
    let case = world.duel(&right, &wrong, &right);
    let ending = world.play_out(case, &[(provider(), &wrong), (user(10), &right)]);
    assert_eq!(ending.winner, Some(right.root));
    assert_eq!(world.game(case, 1).node, 0);
}
