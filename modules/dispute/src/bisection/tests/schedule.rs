//! Random contests: movers that are honest, lie, are silent, send garbage, come late, or wait until their last height, in any order. Whatever they
//! do, what must hold holds after every block, every contest ends in time, no money is made or lost, and a right root with somebody who moves for it
//! wins.
use std::collections::BTreeMap;

use cairn_kernel::Address;
use cairn_program::testing::Dice;
use cairn_proto::cairn::dispute::v1::{Fate, Stage};
use sha2::{Digest, Sha256};

use super::{
    book::{Book, Place, Story},
    world::{BOND, PRICE, World, market, provider, user},
};
use crate::{CaseState, MAX_CLAIMS};

/// A place below `n`.
fn place(dice: &mut Dice, n: usize) -> usize {
    usize::try_from(dice.below(n as u64)).unwrap()
}

/// How an account plays for its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// At once, whatever it can.
    Prompt,
    /// At the last height of its clock.
    Last,
    /// Now and then.
    Sometimes,
    /// Never.
    Silent,
    /// At once, but spoils the leaf.
    Spoils,
}

struct Player {
    account: Address,
    book: usize,
    mood: Mood,
}

struct Schedule {
    world: World,
    dice: Dice,
    books: Vec<Book>,
    players: Vec<Player>,
    case: u64,
    right: usize,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let story = Story::random(&mut dice);
        let mut books = vec![Book::new(&story)];
        for _ in 1..=dice.below(9) {
            let lie = Self::lie(&story, &mut dice);
            if books.iter().all(|book| book.root != lie.root) {
                books.push(lie);
            }
        }
        if books.len() < 2 {
            books.push(Book::new(&story.altered(0, 0, 0)));
        }
        let right = place(&mut dice, books.len());
        books.swap(0, right);
        let world = World::new(10 + dice.below(12));
        Self { world, dice, books, players: vec![], case: 0, right }
    }
    /// A trace that is wrong somewhere, at any level.
    fn lie(story: &Story, dice: &mut Dice) -> Book {
        let run = place(dice, story.outputs.len());
        let node = place(dice, story.outputs[run].len());
        let chunk = place(dice, story.chunks(node));
        let garbage: [u8; 32] = Sha256::digest(dice.below(u64::MAX).to_be_bytes()).into();
        let at = |place: Place| Book::lying(story, &BTreeMap::from([(place, garbage)]));
        match dice.below(7) {
            0 => at(Place::Chunk(run, node, chunk)),
            1 => at(Place::Node(run, node)),
            2 => at(Place::NodesRoot(run)),
            3 => at(Place::Output(run)),
            4 => at(Place::Run(run)),
            5 => Book::new(&story.altered(run, node, chunk).altered(0, 0, 0)),
            _ => Book::new(&story.altered(run, node, chunk)),
        }
    }
    fn enter(&mut self) {
        self.world.fund(market(), PRICE + BOND);
        let honest = Book::new(&self.books[self.right].story);
        let terms = self.world.terms(7, &honest, &self.books[0]);
        let mood = self.mood();
        self.players.push(Player { account: provider(), book: 0, mood });
        for n in 0..40_u16 {
            let place = place(&mut self.dice, self.books.len());
            let account = user(100 + n);
            if let Ok(case) = self.world.enter(&terms, self.books[place].root, account) {
                self.case = case;
                let mood = self.mood();
                self.players.push(Player { account, book: place, mood });
            }
            if self.dice.below(12) == 0 {
                self.world.block();
            }
        }
        if self.case == 0 {
            let rival = 1;
            self.case = self.world.enter(&terms, self.books[rival].root, user(99)).unwrap_or(0);
        }
        self.world.run_to(terms.window_end + 1);
    }
    fn mood(&mut self) -> Mood {
        [Mood::Prompt, Mood::Last, Mood::Sometimes, Mood::Silent, Mood::Spoils][place(&mut self.dice, 5)]
    }
    fn act(&mut self, player: usize) {
        let Player { account, book, mood } = self.players[player];
        for game in self.world.running(self.case) {
            let asked = self.world.ask(self.case, game.number);
            let now = self.world.height();
            let mine = asked.awaited.iter().find(|awaited| awaited.root == self.books[book].root);
            let Some(awaited) = mine else { continue };
            let goes = match mood {
                Mood::Prompt | Mood::Spoils => true,
                Mood::Last => awaited.until == now,
                Mood::Sometimes => self.dice.below(3) == 0,
                Mood::Silent => false,
            };
            if goes && mood == Mood::Spoils && awaited.stage() == Stage::Leaf {
                let game = asked.r#match.unwrap();
                let m = self.books[book].malformed_leaves(&account, &game).remove(0);
                self.world.prove(m).ok();
            } else if goes {
                self.world.play(account, self.case, game.number, &self.books[book]);
            }
        }
    }
    /// Plays to the end. `backed` says whether somebody moves for the right root at every block, before or after the others.
    fn run(&mut self, backed: bool) -> Fate {
        self.enter();
        if self.case == 0 {
            return Fate::Unspecified;
        }
        let begun = self.world.height();
        let most = self.world.chain.run(|ctx| crate::longest_contest(ctx)).unwrap();
        while self.world.state(self.case) != CaseState::Closed {
            assert!(self.world.height() - begun <= most, "it ends in time");
            let mut order: Vec<usize> = (0..self.players.len()).collect();
            for i in (1..order.len()).rev() {
                let j = place(&mut self.dice, i + 1);
                order.swap(i, j);
            }
            let first = self.dice.below(2) == 0;
            if backed && first {
                self.help();
            }
            order.into_iter().for_each(|player| self.act(player));
            if backed {
                self.help();
            }
            self.world.block();
        }
        self.world.contest(self.case).fate()
    }
    /// A stranger moves for the right root.
    fn help(&mut self) {
        for game in self.world.running(self.case) {
            self.world.play(user(98), self.case, game.number, &self.books[self.right]);
        }
    }
}

#[test]
fn random_contests_break_no_invariant_and_a_right_root_that_is_moved_for_wins() {
    let (mut fates, mut right_claims, mut sunk) = ([0_u32; 4], 0, 0);
    for seed in 1..=60 {
        let mut schedule = Schedule::new(seed);
        let backed = seed % 3 > 0;
        let fate = schedule.run(backed);
        fates[usize::try_from(i32::from(fate)).unwrap()] += 1;
        if fate == Fate::Unspecified {
            continue;
        }
        let Schedule { ref mut world, case, ref books, right, .. } = schedule;
        assert_eq!(world.balance(crate::ACCOUNT.address()), 0, "all bonds are out");
        assert_eq!(world.balance(market()), 0);
        assert!(world.contest(case).matches < MAX_CLAIMS);
        let claims = world.claims(case);
        let Some(claim) = claims.iter().find(|claim| claim.root == books[right].root) else { continue };
        right_claims += u32::from(backed);
        let standing = claim.backers.iter().any(|backer| !backer.struck) || (claim.number == 0 && !world.contest(case).provider_struck);
        if backed && standing {
            let ending = world.ending(case).unwrap();
            assert_eq!(ending.winner, Some(books[right].root), "seed {seed}: {ending:?}");
        } else if backed && claim.fall() != cairn_proto::cairn::dispute::v1::Fall::Unspecified {
            assert_eq!(claim.fall(), cairn_proto::cairn::dispute::v1::Fall::Malformed, "seed {seed}");
            sunk += 1;
        }
    }
    println!(
        "60 random contests: {} stand, {} wrong, {} both late; {right_claims} right claims that a stranger moved for, {sunk} sunk by their last backer",
        fates[1], fates[2], fates[3]
    );
    assert!(fates[1..].iter().all(|count| *count > 0), "{fates:?}");
}
