//! A chain with a market of one kind of result, whose programs are contested.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use cairn_auth::Auth;
use cairn_bank::{self as bank, Bank};
use cairn_beacon::Beacon;
use cairn_kernel::{
    Address, BASE_DENOM, Coded, Coin, Ctx, Error as Refusal, Gas, Module, ModuleAccount, Payload, Result, sdk, testing::Chain,
};
use cairn_proto::cairn::dispute::v1::{
    Claim, Contest, Match, MsgDissect, MsgProveLeaf, MsgProveLeafResponse, MsgServer, QueryContestRequest, QueryContestResponse,
    QueryMatchRequest, QueryMatchResponse, QueryServer, Stage,
};
use cairn_rewards::{self as rewards, Rewards};
use prost::{Message, Name};

use super::book::{Book, seal};
use crate::{
    CaseState, Circuits, Dispute, Ending, Error, Fate, Params, Referee, SealedLeaf, Subject, Terms,
    bisection::{self, MATCHES_A_BLOCK},
    challenge, clock,
    rules::BLOCK_BUDGET,
    state::PARAMS,
    test_params,
};

const FAUCET: ModuleAccount = ModuleAccount::new("faucet").mints();
/// The first rival's bond.
pub(super) const BASE: u128 = 50_000;
/// Price of a result, which the requester has paid into the market.
pub(super) const PRICE: u128 = 1_000_000;
/// The provider's bond for a result: five times its price.
pub(super) const BOND: u128 = 5 * PRICE;
/// Blocks to enter a rival.
pub(super) const WINDOW: u64 = 5;

/// The account of number `n`.
pub(super) fn user(n: u16) -> Address {
    let mut bytes = [9; 20];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Address::new(&bytes).unwrap()
}

/// Who submits results.
pub(super) fn provider() -> Address {
    user(1)
}

/// Who ordered them.
pub(super) fn requester() -> Address {
    user(2)
}

/// Where the market keeps prices and providers' bonds.
pub(super) fn market() -> Address {
    Address::module("market")
}

/// Where the market puts the part of a slash that pays for audits.
pub(super) fn audits() -> Address {
    user(3)
}

pub(super) fn subject(id: u64) -> Subject {
    Subject { module: "market".into(), kind: 1, id, item: 0 }
}

/// What the market knows and was told.
#[derive(Default)]
pub(super) struct Books {
    /// Programs by result.
    pub(super) graphs: BTreeMap<u64, Vec<u8>>,
    pub(super) endings: Vec<Ending>,
    pub(super) fails: bool,
}

/// A market that pays, refunds and slashes as results end: 50 burnt, 15 for audits, 35 to finders, of a wrong result.
struct TestMarket(Arc<Mutex<Books>>);

impl Referee for TestMarket {
    fn module(&self) -> &'static str {
        "market"
    }
    fn graph(&self, _: &Ctx, subject: &Subject) -> Result<Vec<u8>> {
        self.0.lock().unwrap().graphs.get(&subject.id).cloned().ok_or_else(|| sdk::not_found("a program"))
    }
    fn closed(&self, ctx: &mut Ctx, ending: &Ending) -> Result<()> {
        assert_eq!(crate::case(ctx, ending.case).unwrap().state(), CaseState::Closed);
        assert_eq!(crate::ending(ctx, ending.case).unwrap().as_ref(), Some(ending));
        let mut books = self.0.lock().unwrap();
        if books.fails {
            return Err(sdk::not_supported("an end"));
        }
        books.endings.push(ending.clone());
        settle(ctx, ending)
    }
}

fn settle(ctx: &mut Ctx, ending: &Ending) -> Result<()> {
    let paid = |ctx: &mut Ctx, to: &Address, amount: u128| bank::send(ctx, &market(), to, &[Coin::base(amount)]);
    let buyer = if ending.committed == Fate::Stands { provider() } else { requester() };
    paid(ctx, &buyer, PRICE)?;
    let finders = u128::try_from(ending.finders.len()).unwrap();
    match ending.committed {
        Fate::Stands if !ending.provider_struck => paid(ctx, &provider(), BOND),
        Fate::Wrong => {
            let fee = (BOND * 35 / 100).checked_div(finders).unwrap_or(0);
            for finder in &ending.finders {
                paid(ctx, finder, fee)?;
            }
            paid(ctx, &audits(), BOND * 15 / 100)?;
            let left = BOND - BOND * 15 / 100 - fee * finders;
            rewards::forfeit(ctx, &market(), &Coin::base(left), 10_000).map(drop)
        }
        Fate::Stands | Fate::BothLate => rewards::forfeit(ctx, &market(), &Coin::base(BOND), 5_000).map(drop),
        Fate::Unspecified => panic!("an end without a result"),
    }
}

/// Its proofs name case, match and mover, and hold where the output is what the private weights give.
impl Circuits for TestMarket {
    fn module(&self) -> &'static str {
        "market"
    }
    fn sealed(&self, _: &mut Ctx, leaf: &SealedLeaf) -> Result<bool> {
        assert!(leaf.program.is_sealed(leaf.node) && leaf.subject.module == "market" && leaf.run < 3);
        let names = [leaf.case.to_be_bytes().as_slice(), &leaf.match_number.to_be_bytes(), leaf.mover.as_bytes()].concat();
        Ok(leaf.proof == names && seal(leaf.node, leaf.input).as_deref() == Some(leaf.output))
    }
}

pub(super) struct World {
    pub(super) chain: Chain,
    pub(super) books: Arc<Mutex<Books>>,
    /// Matches looked at in a block.
    pub(super) most: u32,
    /// Events of the blocks' ends, by name.
    pub(super) events: Vec<(String, Vec<u8>)>,
    minted: u128,
}

impl World {
    /// With clocks of so many blocks.
    pub(super) fn new(clock_blocks: u64) -> Self {
        let mut world = Self::unstarted();
        let params = Params { clock_blocks, ..test_params() };
        // Shorter clocks than governance may set, so that tests are short.
        world.chain.run(|ctx| PARAMS.set(ctx, &params)).unwrap();
        world
    }
    /// Before the genesis of anything.
    pub(super) fn unstarted() -> Self {
        let books: Arc<Mutex<Books>> = Arc::default();
        let mut chain = Chain::default();
        let router = &mut chain.router;
        Arc::new(Auth).routes(router);
        Arc::new(Bank).routes(router);
        Arc::new(Beacon).routes(router);
        Arc::new(Rewards).routes(router);
        Arc::new(Dispute).routes(router);
        router.hook(FAUCET);
        router.hook::<Arc<dyn Referee>>(Arc::new(TestMarket(Arc::clone(&books))));
        router.hook::<Arc<dyn Circuits>>(Arc::new(TestMarket(Arc::clone(&books))));
        Self { chain, books, most: MATCHES_A_BLOCK, events: vec![], minted: 0 }
    }
    pub(super) fn fund(&mut self, to: Address, amount: u128) {
        let coins = [Coin::base(amount)];
        self.minted += amount;
        self.chain.tx(|ctx| bank::mint(ctx, &FAUCET, &coins)).unwrap();
        self.chain.tx(|ctx| bank::send(ctx, &FAUCET.address(), &to, &coins)).unwrap();
    }
    pub(super) fn balance(&mut self, of: Address) -> u128 {
        self.chain.run(|ctx| bank::balance(ctx, &of, BASE_DENOM)).unwrap()
    }
    /// What rewards' pool holds.
    pub(super) fn pool(&mut self) -> u128 {
        self.balance(rewards::ACCOUNT.address())
    }
    /// What was ever minted and is gone.
    pub(super) fn burnt(&mut self) -> u128 {
        self.minted - self.chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap()
    }
    pub(super) fn height(&self) -> u64 {
        self.chain.block.height
    }

    /// The terms of a committed result.
    pub(super) fn terms(&mut self, id: u64, honest: &Book, committed: &Book) -> Terms {
        self.books.lock().unwrap().graphs.insert(id, honest.graph());
        Terms {
            subject: subject(id),
            committed: committed.root,
            provider: provider(),
            weights_root: honest.weights_root,
            input_root: honest.input_root,
            runs: honest.runs(),
            window_end: self.height() + WINDOW,
            base_bond: BASE,
        }
    }
    /// Enters a claim, with money for its bond.
    pub(super) fn enter(&mut self, terms: &Terms, root: [u8; 32], backer: Address) -> Result<u64> {
        self.fund(backer, BASE << 7);
        let before = self.balance(backer);
        let done = self.challenge(terms, root, backer);
        let taken = before - self.balance(backer);
        // What was not taken goes back, so that balances show what was won and lost.
        let rest = (BASE << 7) - taken;
        self.chain.tx(|ctx| bank::send(ctx, &backer, &user(9_999), &[Coin::base(rest)])).unwrap();
        done
    }
    pub(super) fn challenge(&mut self, terms: &Terms, root: [u8; 32], backer: Address) -> Result<u64> {
        self.chain.tx(|ctx| challenge(ctx, terms, root, &backer))
    }
    /// A contest of two claims in play, the committed one of the provider and one of user 10; price and bond lie with the market.
    pub(super) fn duel(&mut self, honest: &Book, committed: &Book, rival: &Book) -> u64 {
        self.fund(market(), PRICE + BOND);
        let id = u64::from(u32::from_be_bytes(committed.root[..4].try_into().unwrap()));
        let terms = self.terms(id, honest, committed);
        let case = self.enter(&terms, rival.root, user(10)).unwrap();
        self.run_to(terms.window_end + 1);
        case
    }

    /// Ends the block, checks what must hold, and begins the next.
    pub(super) fn block(&mut self) {
        let most = self.most;
        let events = self.chain.run(|ctx| {
            ctx.atomic(|ctx| {
                bisection::run(ctx, most)?;
                clock::run(ctx, BLOCK_BUDGET)
            })
            .unwrap();
            ctx.take_events()
        });
        for event in events {
            if let Payload::Typed(bytes) = event.payload {
                self.events.push((event.kind, bytes));
            }
        }
        self.check();
        self.chain.advance();
    }
    pub(super) fn run_to(&mut self, height: u64) {
        while self.height() < height {
            self.block();
        }
    }
    #[track_caller]
    pub(super) fn check(&mut self) {
        for (name, check) in Dispute.invariants().into_iter().chain(Bank.invariants()).chain(Rewards.invariants()) {
            self.chain.run(|ctx| check(ctx)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        }
    }
    pub(super) fn seen<E: Message + Name + Default>(&self) -> Vec<E> {
        let name = E::full_name();
        self.events.iter().filter(|(kind, _)| *kind == name).map(|(_, bytes)| E::decode(bytes.as_slice()).unwrap()).collect()
    }

    pub(super) fn all(&mut self, case_id: u64) -> QueryContestResponse {
        self.chain.run(|ctx| Dispute.contest(ctx, QueryContestRequest { case_id })).unwrap()
    }
    pub(super) fn contest(&mut self, case: u64) -> Contest {
        self.all(case).contest.unwrap()
    }
    pub(super) fn claims(&mut self, case: u64) -> Vec<Claim> {
        self.all(case).claims
    }
    pub(super) fn state(&mut self, case: u64) -> CaseState {
        self.all(case).case.unwrap().state()
    }
    pub(super) fn ask(&mut self, case_id: u64, match_number: u32) -> QueryMatchResponse {
        self.chain.run(|ctx| Dispute.r#match(ctx, QueryMatchRequest { case_id, match_number })).unwrap()
    }
    pub(super) fn game(&mut self, case: u64, number: u32) -> Match {
        self.ask(case, number).r#match.unwrap()
    }
    /// Matches that are being played.
    pub(super) fn running(&mut self, case: u64) -> Vec<Match> {
        self.all(case).matches.into_iter().filter(|game| game.stage() != Stage::Closed).collect()
    }
    pub(super) fn ending(&mut self, case: u64) -> Option<Ending> {
        self.chain.run(|ctx| crate::ending(ctx, case)).unwrap()
    }

    pub(super) fn dissect(&mut self, m: MsgDissect) -> Result<Stage> {
        self.chain.tx(|ctx| Dispute.dissect(ctx, m)).map(|done| done.stage())
    }
    pub(super) fn prove(&mut self, m: MsgProveLeaf) -> Result<MsgProveLeafResponse> {
        self.chain.tx(|ctx| Dispute.prove_leaf(ctx, m))
    }
    /// As [`World::prove`] and [`World::dissect`], with the gas that it used.
    pub(super) fn metered<T>(&mut self, f: impl FnOnce(&mut Ctx) -> Result<T>) -> (Result<T>, u64) {
        let gas = Gas::unlimited();
        let done = self.chain.tx(|ctx| ctx.metered(&gas, f));
        (done, gas.used())
    }
    /// Makes the moves that a book can make in a match, as `mover`. Gives how many.
    pub(super) fn play(&mut self, mover: Address, case: u64, number: u32, book: &Book) -> usize {
        let asked = self.ask(case, number);
        let game = asked.r#match.unwrap();
        let mut made = 0;
        for awaited in asked.awaited.iter().filter(|awaited| awaited.root == book.root) {
            made += match awaited.stage() {
                Stage::Leaf => usize::from(self.prove(book.leaf(&mover, &game)).is_ok()),
                _ => usize::from(book.dissect(&mover, &game, &awaited.hash).is_some_and(|m| self.dissect(m).is_ok())),
            };
        }
        made
    }
    /// Lets books play all matches of a case until it is closed, each book's moves made by its account.
    pub(super) fn play_out(&mut self, case: u64, players: &[(Address, &Book)]) -> Ending {
        for _ in 0..20_000 {
            for game in self.running(case) {
                for (mover, book) in players {
                    if self.game(case, game.number).stage() != Stage::Closed {
                        self.play(*mover, case, game.number, book);
                    }
                }
            }
            self.block();
            if let Some(ending) = self.ending(case) {
                return ending;
            }
        }
        panic!("case {case} does not end: {:?}", self.all(case));
    }
}

#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, error: &Error) {
    let found = result.unwrap_err();
    assert_eq!((found.codespace, found.code, found.log), ("dispute", error.code(), error.to_string()));
}
