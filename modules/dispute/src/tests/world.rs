//! A chain with validators that reveal, jurors with records, and a court with an escrow.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use cairn_auth::Auth;
use cairn_bank::{self as bank, Bank};
use cairn_beacon::{self as beacon, Beacon, vrf::SecretKey};
use cairn_kernel::{Address, BASE_DENOM, Coded, Coin, Ctx, Error as Refusal, Module, ModuleAccount, Payload, Result, sdk, testing::Chain};
use cairn_proto::cairn::{
    beacon::v1::{GenesisState, Params as BeaconParams, Validator},
    dispute::v1::{
        Genesis, Juror, MsgAppealVerdict, MsgCommitVote, MsgJoinJury, MsgLeaveJury, MsgRevealVote, MsgServer, QueryCaseRequest,
        QueryJurorRequest, QueryServer, Seat,
    },
};
use cairn_rewards::Rewards;
use prost::{Message, Name};
use sha2::{Digest, Sha256};

use crate::{
    ACCOUNT, Case, CaseState, Choice, Complaint, Court, Dispute, Error, JurorRecord, Params, Record, Statement, Subject, Verdict, clock,
    rules::BLOCK_BUDGET, test_params, vote_commitment,
};

pub(super) const SKILL: &str = "images";
const FAUCET: ModuleAccount = ModuleAccount::new("faucet").mints();

/// The account of number `n`.
pub(super) fn user(n: u16) -> Address {
    let mut bytes = [7; 20];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Address::new(&bytes).unwrap()
}

/// The escrow of the court.
pub(super) fn escrow() -> Address {
    Address::module("court")
}

pub(super) fn subject(id: u64) -> Subject {
    Subject { module: "court".into(), kind: 2, id, item: 3 }
}

/// Jurors have the numbers from 100 on.
pub(super) fn juror(n: u16) -> Address {
    user(100 + n)
}

/// A court that knows parties by name, pays fees out of an escrow, and can be made to fail.
#[derive(Default)]
pub(super) struct Bench {
    pub(super) parties: BTreeSet<Address>,
    pub(super) verdicts: Vec<(Case, Verdict)>,
    pub(super) fail_verdict: bool,
    pub(super) fail_party: bool,
    pub(super) lies: bool,
}

pub(super) struct TestCourt(Arc<Mutex<Bench>>);

impl Court for TestCourt {
    fn module(&self) -> &'static str {
        "court"
    }
    fn is_party(&self, _: &mut Ctx, _: &Subject, account: &Address) -> Result<bool> {
        let bench = self.0.lock().unwrap();
        if bench.fail_party { Err(sdk::not_supported("a list of parties")) } else { Ok(bench.parties.contains(account)) }
    }
    fn verdict(&self, ctx: &mut Ctx, case: &Case, verdict: Verdict) -> Result<()> {
        assert_eq!(crate::case(ctx, case.id).unwrap(), *case, "the case is stored as closed");
        let mut bench = self.0.lock().unwrap();
        if bench.fail_verdict {
            return Err(sdk::not_supported("a verdict"));
        }
        bench.verdicts.push((case.clone(), verdict));
        Ok(())
    }
    fn jury_fee(&self, ctx: &mut Ctx, _: &Case, _: Verdict, fee: &Coin) -> Result<Coin> {
        if self.0.lock().unwrap().lies {
            return Ok(fee.clone());
        }
        let held = bank::balance(ctx, &escrow(), BASE_DENOM)?;
        let paid = Coin::base(held.min(fee.amount));
        bank::send(ctx, &escrow(), &ACCOUNT.address(), std::slice::from_ref(&paid))?;
        Ok(paid)
    }
}

/// Records by account, whatever the skill.
struct TestRecord(Arc<Mutex<BTreeMap<Address, JurorRecord>>>);

impl Record for TestRecord {
    fn juror(&self, _: &mut Ctx, account: &Address, _: &str) -> Result<Option<JurorRecord>> {
        Ok(self.0.lock().unwrap().get(account).copied())
    }
}

pub(super) struct World {
    pub(super) chain: Chain,
    pub(super) bench: Arc<Mutex<Bench>>,
    pub(super) records: Arc<Mutex<BTreeMap<Address, JurorRecord>>>,
    keys: Vec<SecretKey>,
    /// Whether proposers reveal.
    pub(super) reveals: bool,
    /// Work of a block.
    pub(super) budget: u32,
    /// Events of the blocks' ends, by name.
    pub(super) events: Vec<(String, Vec<u8>)>,
}

fn proposer(n: usize) -> Vec<u8> {
    vec![u8::try_from(n).unwrap() + 1; 20]
}

impl World {
    /// With a test network's settings and this many jurors.
    pub(super) fn new(jurors: u16) -> Self {
        Self::with(test_params(), jurors)
    }
    pub(super) fn with(params: Params, jurors: u16) -> Self {
        let mut world = Self::empty(1_000);
        world.chain.tx(|ctx| Dispute.init(ctx, Genesis { params: Some(params), ..Genesis::default() })).unwrap();
        (1..=jurors).for_each(|n| world.new_juror(n));
        world.block();
        world
    }
    /// Before the genesis of anything.
    pub(super) fn unstarted() -> Self {
        let keys = (0..4_u8).map(|n| SecretKey::from_seed(&Sha256::digest([n]).into())).collect();
        let (bench, records) = (Arc::default(), Arc::default());
        let mut world = Self { chain: Chain::default(), bench, records, keys, reveals: true, budget: BLOCK_BUDGET, events: vec![] };
        world.wire();
        world
    }
    /// Before the genesis of disputes.
    pub(super) fn empty(weak_after: u64) -> Self {
        let mut world = Self::unstarted();
        let validator = |(n, key): (usize, &SecretKey)| {
            let vrf_key = key.public().as_bytes().to_vec();
            Validator { address: proposer(n), power: 1, vrf_key, active_from: 1, ..Validator::default() }
        };
        let validators = world.keys.iter().enumerate().map(validator).collect();
        world.chain.block.app_hash = vec![1; 32];
        let params = BeaconParams { weak_after, ..beacon::DEFAULT_PARAMS };
        let genesis = GenesisState { params: Some(params), validators, ..GenesisState::default() };
        world.chain.tx(|ctx| Beacon.init(ctx, genesis)).unwrap();
        world.begin();
        world
    }
    fn wire(&mut self) {
        let router = &mut self.chain.router;
        Arc::new(Auth).routes(router);
        Arc::new(Bank).routes(router);
        Arc::new(Beacon).routes(router);
        Arc::new(Rewards).routes(router);
        Arc::new(Dispute).routes(router);
        router.hook(FAUCET).hook::<Arc<dyn Court>>(Arc::new(TestCourt(Arc::clone(&self.bench))));
        router.hook::<Arc<dyn Record>>(Arc::new(TestRecord(Arc::clone(&self.records))));
    }
    /// A juror with a record and nothing left but its bond.
    pub(super) fn new_juror(&mut self, n: u16) {
        self.qualify(juror(n));
        self.fund(juror(n), 10_000_000);
        self.join(juror(n)).unwrap();
    }
    pub(super) fn qualify(&mut self, account: Address) {
        self.records.lock().unwrap().insert(account, JurorRecord { settled_labels: 200, mean_kappa_ppm: 500_000 });
    }
    pub(super) fn fund(&mut self, to: Address, amount: u128) {
        let coins = [Coin::base(amount)];
        self.chain.tx(|ctx| bank::mint(ctx, &FAUCET, &coins)).unwrap();
        self.chain.tx(|ctx| bank::send(ctx, &FAUCET.address(), &to, &coins)).unwrap();
    }
    pub(super) fn balance(&mut self, of: Address) -> u128 {
        self.chain.run(|ctx| bank::balance(ctx, &of, BASE_DENOM)).unwrap()
    }
    pub(super) fn supply(&mut self) -> u128 {
        self.chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap()
    }
    pub(super) fn pool(&mut self) -> u128 {
        self.balance(cairn_rewards::ACCOUNT.address())
    }
    pub(super) fn height(&self) -> u64 {
        self.chain.block.height
    }

    /// Begins the block: the proposer whose turn it is reveals.
    fn begin(&mut self) {
        let n = usize::try_from(self.chain.block.height).unwrap() % self.keys.len();
        self.chain.block.proposer = proposer(n);
        let (key, reveals) = (&self.keys[n], self.reveals);
        self.chain.run(|ctx| {
            let reveal = if reveals { beacon::reveal(ctx, key).unwrap() } else { None };
            beacon::observe(ctx, reveal.as_ref()).unwrap();
        });
    }
    /// Ends the block, checks what must hold, and begins the next.
    pub(super) fn block(&mut self) {
        let budget = self.budget;
        let events = self.chain.run(|ctx| {
            ctx.atomic(|ctx| clock::run(ctx, budget)).unwrap();
            ctx.take_events()
        });
        for event in events {
            if let Payload::Typed(bytes) = event.payload {
                self.events.push((event.kind, bytes));
            }
        }
        self.check();
        self.chain.advance();
        self.begin();
    }
    /// Ends blocks until `height` has begun.
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
    /// Events of one kind at the ends of blocks so far.
    pub(super) fn seen<E: Message + Name + Default>(&self) -> Vec<E> {
        let name = E::full_name();
        self.events.iter().filter(|(kind, _)| *kind == name).map(|(_, bytes)| E::decode(bytes.as_slice()).unwrap()).collect()
    }

    /// Complains about subject `id` with nothing at stake, with money for the bond.
    pub(super) fn complain(&mut self, appellant: Address, id: u64) -> Result<u64> {
        self.fund(appellant, 500_000);
        self.open(appellant, id, Coin::base(0))
    }
    pub(super) fn open(&mut self, appellant: Address, id: u64, claim: Coin) -> Result<u64> {
        let statement = Statement::default();
        self.chain.tx(|ctx| {
            let complaint = Complaint { subject: subject(id), appellant, claim, skill: SKILL.into(), statement };
            let case = crate::open(ctx, complaint)?;
            Ok(case)
        })
    }
    pub(super) fn join(&mut self, account: Address) -> Result<u64> {
        let m = MsgJoinJury { juror: account.to_string(), skill: SKILL.into() };
        Ok(self.chain.tx(|ctx| Dispute.join_jury(ctx, m))?.number)
    }
    pub(super) fn leave(&mut self, account: Address) -> Result<u64> {
        let m = MsgLeaveJury { juror: account.to_string(), skill: SKILL.into() };
        Ok(self.chain.tx(|ctx| Dispute.leave_jury(ctx, m))?.leaves)
    }
    pub(super) fn appeal(&mut self, account: Address, case_id: u64) -> Result<()> {
        let m = MsgAppealVerdict { appellant: account.to_string(), case_id, statement: None };
        self.chain.tx(|ctx| Dispute.appeal_verdict(ctx, m)).map(drop)
    }
    /// The commitment that binds `account` to a choice in the running round.
    pub(super) fn commitment(&mut self, account: Address, case: u64, choice: Choice) -> Vec<u8> {
        let round = self.case(case).rounds.last().unwrap().number;
        vote_commitment(&self.chain.block.chain_id, case, round, &account, choice, &salt(account)).to_vec()
    }
    pub(super) fn commit(&mut self, account: Address, case: u64, choice: Choice) -> Result<()> {
        let commitment = self.commitment(account, case, choice);
        self.send_commitment(account, case, commitment)
    }
    pub(super) fn send_commitment(&mut self, account: Address, case_id: u64, commitment: Vec<u8>) -> Result<()> {
        let m = MsgCommitVote { juror: account.to_string(), case_id, commitment };
        self.chain.tx(|ctx| Dispute.commit_vote(ctx, m)).map(drop)
    }
    pub(super) fn reveal(&mut self, account: Address, case_id: u64, choice: Choice) -> Result<()> {
        let m = MsgRevealVote { juror: account.to_string(), case_id, choice: choice.into(), salt: salt(account).to_vec() };
        self.chain.tx(|ctx| Dispute.reveal_vote(ctx, m)).map(drop)
    }

    pub(super) fn case(&mut self, id: u64) -> Case {
        self.chain.run(|ctx| crate::case(ctx, id)).unwrap()
    }
    pub(super) fn seats(&mut self, case_id: u64) -> Vec<Seat> {
        self.chain.run(|ctx| Dispute.case(ctx, QueryCaseRequest { case_id })).unwrap().seats
    }
    /// The jurors of the running round.
    pub(super) fn jury(&mut self, case: u64) -> Vec<Address> {
        let round = self.case(case).rounds.last().unwrap().number;
        self.seats(case).iter().filter(|seat| seat.round == round).map(|seat| Address::parse(&seat.juror).unwrap()).collect()
    }
    pub(super) fn juror(&mut self, account: Address) -> Juror {
        let q = QueryJurorRequest { account: account.to_string() };
        self.chain.run(|ctx| Dispute.juror(ctx, q)).unwrap().jurors.remove(0)
    }
    /// What is left of a juror's bond.
    pub(super) fn bond(&mut self, account: Address) -> u128 {
        Coin::try_from(self.juror(account).bond.unwrap()).unwrap().amount
    }
    /// Runs blocks until the case is in a state.
    #[track_caller]
    pub(super) fn until(&mut self, case: u64, state: CaseState) {
        for _ in 0..2_000 {
            if self.case(case).state() == state {
                return;
            }
            self.block();
        }
        panic!("case {case} is {:?}", self.case(case));
    }
    /// Lets the jury of the running round vote in its order; who has no choice stays away. Ends with the round.
    pub(super) fn vote(&mut self, case: u64, choices: &[Option<Choice>]) {
        self.until(case, CaseState::Commit);
        let jury = self.jury(case);
        let votes: Vec<_> = jury.into_iter().zip(choices).filter_map(|(juror, choice)| choice.map(|choice| (juror, choice))).collect();
        for (juror, choice) in &votes {
            self.commit(*juror, case, *choice).unwrap();
        }
        self.until(case, CaseState::Reveal);
        for (juror, choice) in votes {
            self.reveal(juror, case, choice).unwrap();
        }
        let until = self.case(case).clock;
        self.run_to(until + 1);
    }
    /// A case of user 1 about subject 1 with its jury drawn.
    pub(super) fn drawn(jurors: u16) -> (Self, u64) {
        let mut world = Self::new(jurors);
        let case = world.complain(user(1), 1).unwrap();
        world.until(case, CaseState::Commit);
        (world, case)
    }
    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        self.bench.lock().unwrap().verdicts.iter().map(|(_, verdict)| *verdict).collect()
    }
}

/// A salt that nobody else uses; fixed, so that tests repeat.
pub(super) fn salt(account: Address) -> [u8; 32] {
    Sha256::digest(account.as_bytes()).into()
}

#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, error: &Error) {
    let found = result.unwrap_err();
    assert_eq!((found.codespace, found.code, found.log), ("dispute", error.code(), error.to_string()));
}
