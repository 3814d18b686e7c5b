//! Many claims at once: pairs in parallel, rounds, claims without a partner, claims that both lose.
use cairn_proto::cairn::dispute::v1::{EventMatchOpened, Fall, Fate};

use super::{
    book::{Book, Story},
    world::{BASE, BOND, PRICE, World, market, user},
};
use crate::CaseState;

/// Seven wrong traces, each in another chunk, and the right one in the place of number `right`; 0 is the committed one.
fn eight(right: usize) -> Vec<Book> {
    let story = Story::small();
    let wrong = |n: usize| Book::new(&story.altered(n % 3, 2, n));
    (0..8).map(|n| if n == right { Book::new(&story) } else { wrong(n) }).collect()
}

fn contest(books: &[Book], right: &Book, clock: u64) -> (World, u64) {
    let mut world = World::new(clock);
    world.fund(market(), PRICE + BOND);
    let terms = world.terms(1, right, &books[0]);
    let mut case = 0;
    for (n, book) in (10..).zip(&books[1..]) {
        case = world.enter(&terms, book.root, user(n)).unwrap();
    }
    world.run_to(terms.window_end + 1);
    (world, case)
}

#[test]
fn the_right_one_of_eight_claims_wins_from_every_place_in_three_rounds() {
    for place in 0..8 {
        let books = eight(place);
        let (mut world, case) = contest(&books, &books[place], 20);
        let opened = world.game(case, 1).opened;
        assert_eq!(world.running(case).len(), 4, "four pairs at the same time");
        let players: Vec<_> = (9..).map(user).zip(&books).collect();
        let ending = world.play_out(case, &players);
        let fate = if place == 0 { Fate::Stands } else { Fate::Wrong };
        assert_eq!((ending.committed, ending.winner), (fate, Some(books[place].root)));
        let rounds: Vec<_> = world.all(case).matches.iter().map(|game| game.round).collect();
        assert_eq!(rounds, [1, 1, 1, 1, 2, 2, 3]);
        let closed = world.all(case).case.unwrap().closed;
        assert!(closed - opened <= 3 * 2 * 20);
        assert_eq!(world.balance(crate::ACCOUNT.address()), 0);
    }
}

/// Every liar waits until the last height of its clock with each move: the contest lasts no longer than both clocks in each round.
#[test]
fn a_contest_of_eight_lasts_at_most_three_rounds_of_both_clocks() {
    let books = eight(7);
    let (mut world, case) = contest(&books, &books[7], 20);
    let opened = world.game(case, 1).opened;
    for _ in 0..200 {
        for game in world.running(case) {
            for book in &books {
                let asked = world.ask(case, game.number);
                let now = world.height();
                let mine = asked.awaited.iter().any(|a| a.root == book.root && (a.until == now || book.root == books[7].root));
                if mine {
                    world.play(user(70), case, game.number, book);
                }
            }
        }
        world.block();
    }
    let found = world.all(case).case.unwrap();
    assert_eq!(found.state(), CaseState::Closed);
    assert_eq!(world.ending(case).unwrap().winner, Some(books[7].root));
    println!("eight claims, clocks of 20 blocks: {} blocks", found.closed - opened);
    assert!(found.closed - opened <= world.chain.run(|ctx| crate::longest_contest(ctx)).unwrap());
}

#[test]
fn an_odd_claim_goes_on_by_itself_and_two_that_lose_leave_it_alone() {
    let books = eight(7);
    let (mut world, case) = contest(&books[..3], &books[7], 10);
    assert_eq!(world.running(case).len(), 1);
    // Claims 0 and 1 are silent; claim 2 has nobody left to play.
    let ending = world.play_out(case, &[]);
    assert_eq!((ending.committed, ending.winner), (Fate::BothLate, Some(books[2].root)));
    assert_eq!(ending.finders, [user(11)]);
    assert_eq!(world.balance(user(11)), BASE * 2, "its bond");
    let falls: Vec<_> = world.claims(case).iter().map(|claim| claim.fall()).collect();
    assert_eq!(falls, [Fall::BothLate, Fall::BothLate, Fall::Unspecified]);
}

#[test]
fn a_round_begins_when_the_last_match_before_it_is_over() {
    let books = eight(0);
    let (mut world, case) = contest(&books[..4], &books[0], 20);
    while world.running(case).len() == 2 {
        let players = [(user(9), &books[0]), (user(10), &books[1])];
        for (mover, book) in players {
            world.play(mover, case, 1, book);
        }
        world.block();
    }
    assert_eq!(world.contest(case).round, 1, "the other pair is silent and has time");
    world.play_out(case, &[(user(9), &books[0])]);
    let rounds: Vec<_> = world.seen::<EventMatchOpened>().iter().map(|event| event.round).collect();
    assert_eq!(rounds, [1, 1], "claims 2 and 3 were both late: claim 0 has nobody left to play");
}
