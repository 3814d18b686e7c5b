//! Attacks by name: what each costs who tries it, and what it does to the others. Run with `--nocapture`.
use std::time::Instant;

use cairn_proto::cairn::dispute::v1::{EventMatchClosed, Fate, Stage};

use super::{
    book::{Book, Story},
    rules::pair,
    world::{BASE, BOND, PRICE, World, market, provider, requester, user},
};
use crate::{
    CaseState, Error,
    bisection::{MATCHES_A_BLOCK, MAX_CLAIMS},
    state::{MATCH_DUE, MATCHES},
};

/// The attacker's accounts: 30 and up, and the provider's where it is the attacker's.
fn crowd(n: u16) -> cairn_kernel::Address {
    user(30 + n)
}

/// The provider is its own rival: the finder's fee and the lost bond come back to it only in part.
#[test]
fn playing_both_sides_costs_money_whichever_side_wins() {
    let (right, wrong) = pair();
    for committed_right in [false, true] {
        let mut world = World::new(10);
        let (committed, rival) = if committed_right { (&right, &wrong) } else { (&wrong, &right) };
        let case = world.duel(&right, committed, rival);
        world.play_out(case, &[(provider(), committed), (user(10), rival)]);
        // What it put in: its bond, the rival's bond. What an honest provider would have at the end besides: the price.
        let out = world.balance(provider()) + world.balance(user(10));
        let honest = BOND + BASE + if committed_right { PRICE } else { 0 };
        let lost = honest.checked_sub(out).expect("no money is made");
        println!("provider against itself, committed right: {committed_right}: loses {lost} of bonds {BOND} + {BASE}");
        assert_eq!(lost, if committed_right { BASE / 2 } else { BOND * 65 / 100 });
    }
}

/// As a buyer, too: the price comes back, the bonds do not.
#[test]
fn a_buyer_that_is_provider_and_rival_loses_most_of_its_bonds() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let case = world.duel(&right, &wrong, &right);
    world.play_out(case, &[]);
    let out = [provider(), user(10), requester()].map(|account| world.balance(account)).iter().sum::<u128>();
    println!("buyer, provider and rival all silent: loses {}", BOND + BASE + PRICE - out);
    assert_eq!(BOND + BASE + PRICE - out, BOND + BASE);
}

/// A cheating provider fills the bracket with garbage before an honest rival comes.
#[test]
fn crowding_honest_rivals_out_costs_more_than_the_price() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    world.fund(market(), PRICE + BOND);
    let terms = world.terms(1, &right, &wrong);
    let mut case = 0;
    for n in 1..MAX_CLAIMS {
        case = world.enter(&terms, [u8::try_from(n).unwrap(); 32], crowd(u16::try_from(n).unwrap())).unwrap();
    }
    assert_eq!(world.enter(&terms, right.root, user(10)).unwrap_err().code, 35);
    world.run_to(terms.window_end + 1);
    let ending = world.play_out(case, &[(provider(), &wrong)]);
    assert_eq!(ending.committed, Fate::Stands, "nobody was left to contest it");
    let spent = BASE * 127;
    let back = world.balance(provider()) - PRICE - BOND;
    println!(
        "crowding out: bonds {spent}, half come back to the provider ({back}), price {PRICE}: gain {}",
        PRICE as i128 - (spent - back) as i128
    );
    assert!(spent - back > 3 * PRICE);
}

/// A cheating provider takes all places behind the right root, to send malformed leaves for it.
#[test]
fn taking_every_place_behind_the_right_root_does_not_sink_it() {
    let (right, wrong) = pair();
    let mut world = World::new(20);
    world.fund(market(), PRICE + BOND);
    let terms = world.terms(1, &right, &wrong);
    let mut case = 0;
    for n in 0..4 {
        case = world.enter(&terms, right.root, crowd(n)).unwrap();
    }
    assert_eq!(world.enter(&terms, right.root, user(10)).unwrap_err().code, 36);
    world.run_to(terms.window_end + 1);
    while world.game(case, 1).stage() != Stage::Leaf {
        world.play(provider(), case, 1, &wrong);
        world.play(user(10), case, 1, &right);
        world.block();
    }
    let game = world.game(case, 1);
    for n in 0..4 {
        assert!(world.prove(right.malformed_leaves(&crowd(n), &game).remove(0)).unwrap().malformed);
    }
    assert_eq!(world.state(case), CaseState::Play);
    // Somebody without any bond moves for the right root.
    let ending = world.play_out(case, &[(user(10), &right)]);
    assert_eq!((ending.committed, ending.winner, ending.finders.len()), (Fate::Wrong, Some(right.root), 0));
    println!("sabotage by all four backers: loses {} and the provider's bond {BOND}", BASE * 4);
    assert!((0..4).all(|n| world.balance(crowd(n)) == 0));
}

/// Rivals of a right result, to keep its provider waiting.
#[test]
fn delay_costs_bonds_that_double_while_it_lasts_three_rounds_at_most() {
    let story = Story::small();
    let right = Book::new(&story);
    let mut harm = vec![];
    for rivals in [1_usize, 3, 7] {
        let mut world = World::new(10);
        world.fund(market(), PRICE + BOND);
        let terms = world.terms(1, &right, &right);
        let books: Vec<_> = (0..rivals).map(|n| Book::new(&story.altered(0, 2, n))).collect();
        let mut case = 0;
        for (n, book) in (0..).zip(&books) {
            case = world.enter(&terms, book.root, crowd(n)).unwrap();
        }
        world.run_to(terms.window_end + 1);
        let opened = world.height();
        world.play_out(case, &[(provider(), &right)]);
        let lost = BASE * ((1 << rivals) - 1);
        let held = world.all(case).case.unwrap().closed - opened;
        assert_eq!(world.balance(provider()), PRICE + BOND + lost_to_provider(&mut world, case));
        println!("{rivals} silent rivals: cost {lost}, hold the result for {held} blocks of {} at most", 3 * 2 * 10);
        harm.push((lost, held));
    }
    assert!(harm.iter().all(|(_, held)| *held <= 60));
    assert_eq!(harm[2].0, BASE * 127);
}

/// Half of the bonds of rivals that did not lose together with another.
fn lost_to_provider(world: &mut World, case: u64) -> u128 {
    let fallen = world.claims(case).into_iter().filter(|claim| claim.fall() == cairn_proto::cairn::dispute::v1::Fall::Late);
    fallen.map(|claim| claim.backers[0].bond.clone().unwrap().amount.parse::<u128>().unwrap()).sum::<u128>() / 2
}

/// Copies of a wrong opening, forged openings, openings for others' roots: nothing moves, and nothing is lost.
#[test]
fn forged_openings_are_refused_and_cost_the_side_nothing() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let case = world.duel(&right, &wrong, &right);
    let game = world.game(case, 1);
    let honest = right.dissect(&user(66), &game, &right.root).unwrap();
    let error = Error::NotCommitted { case, number: 1 };
    for len in 0..honest.preimage.len() {
        let mut cut = honest.clone();
        cut.preimage.truncate(len);
        assert_eq!(world.dissect(cut).unwrap_err().log, error.to_string());
    }
    for at in 0..honest.preimage.len() {
        let mut forged = honest.clone();
        forged.preimage[at] ^= 1;
        assert_eq!(world.dissect(forged).unwrap_err().log, error.to_string());
    }
    let mut foreign = honest.clone();
    foreign.root = vec![9; 32];
    assert_eq!(world.dissect(foreign).unwrap_err().code, 42);
    let mut short = honest.clone();
    short.root = vec![9; 31];
    assert_eq!(world.dissect(short).unwrap_err().code, 41);
    let mut large = honest.clone();
    large.preimage = vec![0; 1_025];
    assert_eq!(world.dissect(large).unwrap_err().code, 46);
    let mut long = honest.clone();
    long.path = vec![vec![]; 5];
    assert_eq!(world.dissect(long).unwrap_err().code, 46);
    assert_eq!(world.game(case, 1), game);
    world.dissect(honest.clone()).unwrap();
    assert_eq!(world.dissect(honest).unwrap_err().code, 43, "it has moved");
}

/// A hundred thousand matches whose clocks run out in one block: each block looks at 500.
#[test]
#[allow(clippy::disallowed_methods, reason = "the time of a block is a figure of the report and decides nothing")]
fn a_hundred_thousand_due_clocks_carry_over_in_bounded_blocks() {
    const MATCHES_IN_ALL: u32 = 100_000;
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let case = world.duel(&right, &wrong, &right);
    let game = world.game(case, 1);
    world.chain.run(|ctx| {
        // All of them of one case, which counts them: what a block does with each is the same.
        for number in 2..=MATCHES_IN_ALL {
            let mut game = game.clone();
            game.number = number;
            MATCHES.set(ctx, &(case, number), &game).unwrap();
            MATCH_DUE.insert(ctx, &(game.clock, case, number)).unwrap();
        }
        let mut contest = crate::state::CONTESTS.get(ctx, &case).unwrap().unwrap();
        (contest.playing, contest.matches) = (MATCHES_IN_ALL, MATCHES_IN_ALL);
        crate::state::CONTESTS.set(ctx, &case, &contest).unwrap();
    });
    world.chain.block.height = game.clock;
    let mut slowest = 0;
    for _ in 0..3 {
        let begun = Instant::now();
        let closed = world.chain.run(|ctx| {
            crate::bisection::run(ctx, MATCHES_A_BLOCK).unwrap();
            ctx.take_events().iter().filter(|event| event.kind.ends_with("EventMatchClosed")).count()
        });
        slowest = slowest.max(begun.elapsed().as_millis());
        assert_eq!(closed, 500);
        world.chain.advance();
    }
    println!("100,000 clocks due at once: 500 a block, {slowest} ms for the slowest of three blocks without optimisation");
    world.chain.run(|ctx| crate::bisection::run(ctx, MATCHES_IN_ALL)).unwrap();
    assert_eq!(world.chain.run(|ctx| MATCH_DUE.range(ctx, &[]).count()), 0);
    assert_eq!(world.seen::<EventMatchClosed>().len(), 0, "those above were taken out by hand");
    world.chain.run(|ctx| crate::clock::run(ctx, 20_000)).unwrap();
    assert_eq!(world.ending(case).unwrap().committed, Fate::BothLate);
}
