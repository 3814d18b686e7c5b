//! A cheating agent loses, wherever it cheats: at every operator, in every run, node and chunk, in outputs, in trees at every level, whether it computes
//! on from its lie or not, is silent from some move on, or cannot open what it committed to.
use std::collections::BTreeMap;

use cairn_program::{
    Program,
    testing::{self, Dice},
};
use cairn_proto::cairn::dispute::v1::{Fall, Fate, Stage};

use super::{
    book::{Book, Place, Story},
    world::{World, provider, user},
};

/// Plays a liar against the right trace, as provider and as rival; the liar must lose. Gives where the match ended.
#[track_caller]
fn loses(right: &Book, liar: &Book, what: &str) -> (u32, u32, u32) {
    assert_ne!(right.root, liar.root, "{what}");
    let mut place = (0, 0, 0);
    for provides in [true, false] {
        let mut world = World::new(20);
        let (committed, rival) = if provides { (liar, right) } else { (right, liar) };
        let case = world.duel(right, committed, rival);
        let ending = world.play_out(case, &[(provider(), committed), (user(10), rival)]);
        assert_eq!(ending.winner, Some(right.root), "{what}");
        assert_eq!(ending.committed, if provides { Fate::Wrong } else { Fate::Stands }, "{what}");
        let game = world.game(case, 1);
        place = (game.run, game.node, game.chunk);
        let fall = world.claims(case)[usize::from(!provides)].fall();
        // A liar whose trees hold no operands sends a leaf that cannot be computed.
        assert!([Fall::Wrong, Fall::Late, Fall::Malformed].contains(&fall), "{what}");
    }
    place
}

#[test]
fn cheats_at_every_operator_lose_at_the_chunk_they_changed() {
    for (seed, (name, graph)) in (1..).zip(testing::every_operator()) {
        let story = Story::right(Program::check(graph).unwrap(), 2, seed);
        let right = Book::new(&story);
        for chunk in [0, story.chunks(0) / 2, story.chunks(0) - 1] {
            let found = loses(&right, &Book::new(&story.altered(1, 0, chunk)), name);
            assert_eq!(found, (1, 0, u32::try_from(chunk).unwrap()), "{name}");
        }
    }
}

#[test]
fn cheats_in_every_run_node_and_chunk_of_a_program_lose_whether_they_compute_on_or_not() {
    let story = Story::small();
    let right = Book::new(&story);
    for (run, node) in (0..3).flat_map(|run| (0..5).map(move |node| (run, node))) {
        for chunk in (0..story.chunks(node)).step_by(7) {
            let at = (u32::try_from(run).unwrap(), u32::try_from(node).unwrap(), u32::try_from(chunk).unwrap());
            assert_eq!(loses(&right, &Book::new(&story.altered(run, node, chunk)), "altered"), at);
            let consistent = story.consistent(run, node, chunk);
            assert_eq!(loses(&right, &Book::new(&consistent), "consistent"), at);
        }
    }
}

#[test]
fn cheats_in_the_trees_at_every_level_lose() {
    let story = Story::small();
    let right = Book::new(&story);
    let places = [
        Place::Chunk(1, 2, 19),
        Place::Chunk(0, 0, 0),
        Place::Node(2, 4),
        Place::Node(0, 0),
        Place::NodesRoot(1),
        Place::Output(2),
        Place::Run(0),
        Place::Run(2),
    ];
    for place in places {
        loses(&right, &Book::lying(&story, &BTreeMap::from([(place, [9; 32])])), &format!("{place:?}"));
    }
    // Its output is what it likes, and its nodes are right: it has no path that shows the one to be the other.
    let wish = Book::new(&story.altered(1, 4, 0));
    let hash = wish.node_root(1, 4);
    loses(&right, &Book::lying(&story, &BTreeMap::from([(Place::Output(1), hash)])), "an output that is no node's");
}

#[test]
fn cheats_in_random_programs_lose() {
    let mut dice = Dice::new(7);
    for n in 0..40 {
        let story = Story::random(&mut dice);
        let right = Book::new(&story);
        let mut below = |n: usize| usize::try_from(dice.below(n as u64)).unwrap();
        let run = below(story.outputs.len());
        let node = below(story.outputs[run].len());
        let chunk = below(story.chunks(node));
        let liar = if n % 2 == 0 { story.altered(run, node, chunk) } else { story.consistent(run, node, chunk) };
        let found = loses(&right, &Book::new(&liar), "random");
        assert_eq!(found, (u32::try_from(run).unwrap(), u32::try_from(node).unwrap(), u32::try_from(chunk).unwrap()));
    }
}

/// A liar that stops moving at any one stage, from then on, loses by its clock.
#[test]
fn cheats_that_fall_silent_at_any_stage_lose() {
    let story = Story::small();
    let (right, liar) = (Book::new(&story), Book::new(&story.altered(1, 2, 17)));
    for stop in [Stage::Runs, Stage::Record, Stage::Nodes, Stage::Chunks, Stage::Leaf] {
        let mut world = World::new(20);
        let case = world.duel(&right, &liar, &right);
        while world.ending(case).is_none() {
            let stage = world.game(case, 1).stage();
            if stage != Stage::Closed && i32::from(stage) < i32::from(stop) {
                world.play(provider(), case, 1, &liar);
            }
            // Not at the leaf, so that it is seen who lets it stand there.
            if stage != Stage::Closed {
                world.play(user(10), case, 1, &right);
            }
            world.block();
        }
        assert_eq!(world.ending(case).unwrap().winner, Some(right.root), "{stop:?}");
    }
}

/// A liar that has prepared a lie for each place, and enters whichever root suits it: each is one root, and each loses to the same honest mover at the same
/// time, whichever order they play in.
#[test]
fn cheats_with_a_root_for_every_occasion_lose_to_one_honest_mover() {
    let story = Story::small();
    let right = Book::new(&story);
    let garbage = |place| Book::lying(&story, &BTreeMap::from([(place, [3; 32])]));
    let lies = [
        Book::new(&story.altered(0, 0, 0)),
        Book::new(&story.consistent(1, 1, 3)),
        Book::new(&story.altered(2, 4, 0)),
        garbage(Place::Chunk(1, 2, 5)),
        garbage(Place::NodesRoot(0)),
        garbage(Place::Output(2)),
    ];
    let mut world = World::new(20);
    world.fund(super::world::market(), super::world::PRICE + super::world::BOND);
    let terms = world.terms(1, &right, &lies[0]);
    let mut case = 0;
    for (n, lie) in (20..).zip(&lies[1..]) {
        case = world.enter(&terms, lie.root, user(n)).unwrap();
    }
    world.enter(&terms, right.root, user(10)).unwrap();
    world.run_to(terms.window_end + 1);
    let mut players: Vec<_> = lies.iter().map(|lie| (user(30), lie)).collect();
    players.push((user(10), &right));
    let ending = world.play_out(case, &players);
    assert_eq!((ending.winner, ending.finders), (Some(right.root), vec![user(10)]));
}
