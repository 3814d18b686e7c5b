//! A chain with one arena, and people who score and take part in it.
use std::sync::Arc;

use cairn_auth::Auth;
use cairn_bank::{self as bank, Bank};
use cairn_kernel::{Address, BASE_DENOM, Coded, Coin, Error as Refusal, Module, ModuleAccount, testing::Chain};
use cairn_proto::cairn::rewards::v1::*;

use crate::{Error, Rewards, default_params, score_commitment};

const FAUCET: ModuleAccount = ModuleAccount::new("faucet").mints();
/// What each user starts with, in `ucairn` and in `ibc/atom`.
pub(super) const WEALTH: u128 = 1_000_000_000;
pub(super) const ATOM: &str = "ibc/atom";

pub(super) fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

pub(super) fn rules() -> ArenaRules {
    ArenaRules {
        admission: ScorerAdmission::Open.into(),
        epoch_blocks: 10,
        reveal_blocks: 4,
        registration_price: "1000".into(),
        max_participants: 4,
        max_scorers: 3,
        immunity_epochs: 1,
        least_bond: "100".into(),
        dividend_bps: 5_000,
        payout_bps: 10_000,
        no_reveal_bps: 100,
        denoms: vec![ATOM.into()],
    }
}

pub(super) struct World {
    pub(super) chain: Chain,
    /// Whether invariants are checked after every block.
    pub(super) checked: bool,
}

impl World {
    /// A store without a genesis.
    pub(super) fn bare() -> Self {
        let mut chain = Chain::default();
        Arc::new(Auth).routes(&mut chain.router);
        Arc::new(Bank).routes(&mut chain.router);
        Arc::new(cairn_mint::Mint).routes(&mut chain.router);
        Arc::new(Rewards).routes(&mut chain.router);
        chain.router.hook(FAUCET);
        Self { chain, checked: true }
    }
    /// A chain whose users have money and whose ledger has epochs of 1,000 blocks.
    pub(super) fn empty() -> Self {
        let mut world = Self::bare();
        let params = Params { epoch_blocks: 1_000, ..default_params() };
        world.chain.tx(|ctx| Rewards.init(ctx, Genesis { params: Some(params), ..Genesis::default() })).unwrap();
        for n in 1..=20 {
            world.give(user(n), Coin::base(WEALTH));
            world.give(user(n), Coin::new(ATOM, WEALTH));
        }
        world
    }
    /// With arena 1 of user 1.
    pub(super) fn with(rules: ArenaRules) -> Self {
        let mut world = Self::empty();
        assert_eq!(world.create(rules).unwrap(), 1);
        world
    }
    /// With participants 1 to `participants` (users 11 and up) and one scorer a bond (users 2 and up), at the first block of the epoch in
    /// which all weigh.
    pub(super) fn started(rules: ArenaRules, participants: u8, bonds: &[u128]) -> Self {
        let mut world = Self::with(rules);
        for n in 0..participants {
            world.register(11 + n).unwrap();
        }
        for (n, bond) in (2..).zip(bonds) {
            world.bond(n, *bond).unwrap();
        }
        let ends = world.arena().ends;
        world.go_to(ends + 1);
        world
    }
    pub(super) fn give(&mut self, to: Address, coin: Coin) {
        self.chain.tx(|ctx| bank::mint(ctx, &FAUCET, std::slice::from_ref(&coin))).unwrap();
        self.chain.tx(|ctx| bank::send(ctx, &FAUCET.address(), &to, std::slice::from_ref(&coin))).unwrap();
    }
    pub(super) fn create(&mut self, rules: ArenaRules) -> Result<u64, Refusal> {
        let m = MsgCreateArena { owner: user(1).to_string(), title: "digits".into(), rules: Some(rules), ..MsgCreateArena::default() };
        self.chain.tx(|ctx| Rewards.create_arena(ctx, m)).map(|done| done.arena)
    }
    pub(super) fn update(&mut self, m: MsgUpdateArena) -> Result<(), Refusal> {
        let m = MsgUpdateArena { arena: 1, ..m };
        self.chain.tx(|ctx| Rewards.update_arena(ctx, m)).map(drop)
    }
    pub(super) fn change_rules(&mut self, rules: ArenaRules) {
        self.update(MsgUpdateArena { owner: user(1).to_string(), rules: Some(rules), ..MsgUpdateArena::default() }).unwrap();
    }
    pub(super) fn register(&mut self, n: u8) -> Result<MsgRegisterResponse, Refusal> {
        let m = MsgRegister { participant: user(n).to_string(), arena: 1, ..MsgRegister::default() };
        self.chain.tx(|ctx| Rewards.register(ctx, m))
    }
    pub(super) fn bond(&mut self, n: u8, amount: u128) -> Result<String, Refusal> {
        let m = MsgBondToScorer { scorer: user(n).to_string(), arena: 1, amount: Some(Coin::base(amount).into()) };
        self.chain.tx(|ctx| Rewards.bond_to_scorer(ctx, m)).map(|done| done.unseated)
    }
    pub(super) fn unbond(&mut self, n: u8, amount: u128) -> Result<u64, Refusal> {
        let m = MsgUnbondFromScorer { scorer: user(n).to_string(), arena: 1, amount: Some(Coin::base(amount).into()) };
        self.chain.tx(|ctx| Rewards.unbond_from_scorer(ctx, m)).map(|done| done.release_height)
    }
    pub(super) fn withdraw(&mut self, n: u8) -> Result<u128, Refusal> {
        let m = MsgWithdrawBond { scorer: user(n).to_string(), arena: 1 };
        self.chain.tx(|ctx| Rewards.withdraw_bond(ctx, m)).map(|done| Coin::try_from(done.amount.unwrap()).unwrap().amount)
    }
    pub(super) fn commitment(&self, n: u8, epoch: u64, scores: &[(u64, u16)]) -> MsgCommitScores {
        let hash = score_commitment(&self.chain.block.chain_id, 1, epoch, &user(n), scores, &[n; 32]).unwrap();
        MsgCommitScores { scorer: user(n).to_string(), arena: 1, epoch, commitment: hash.to_vec() }
    }
    pub(super) fn commit(&mut self, n: u8, scores: &[(u64, u16)]) -> Result<(), Refusal> {
        let epoch = self.arena().epoch;
        let m = self.commitment(n, epoch, scores);
        self.chain.tx(|ctx| Rewards.commit_scores(ctx, m)).map(drop)
    }
    pub(super) fn opening(n: u8, scores: &[(u64, u16)]) -> MsgRevealScores {
        let scores = scores.iter().map(|(registration, score)| Score { registration: *registration, score: (*score).into() }).collect();
        MsgRevealScores { sender: user(n).to_string(), arena: 1, scorer: user(n).to_string(), scores, salt: vec![n; 32] }
    }
    pub(super) fn reveal(&mut self, n: u8, scores: &[(u64, u16)]) -> Result<(), Refusal> {
        let m = Self::opening(n, scores);
        self.chain.tx(|ctx| Rewards.reveal_scores(ctx, m)).map(drop)
    }
    /// Runs the rest of the epoch with these scores of these scorers, from within its commit window.
    pub(super) fn score(&mut self, rows: &[(u8, &[(u64, u16)])]) {
        rows.iter().for_each(|(n, row)| self.commit(*n, row).unwrap());
        let from = self.arena().commit_until + 1;
        self.go_to(from);
        rows.iter().for_each(|(n, row)| self.reveal(*n, row).unwrap());
        let ends = self.arena().ends;
        self.go_to(ends + 1);
    }
    pub(super) fn fund(&mut self, n: u8, coins: &[Coin]) -> Result<(), Refusal> {
        let mut coins = coins.to_vec();
        coins.sort_by(|a, b| a.denom.cmp(&b.denom));
        let m = MsgFundArena { funder: user(n).to_string(), arena: 1, amount: coins.iter().map(Into::into).collect() };
        self.chain.tx(|ctx| Rewards.fund_arena(ctx, m)).map(drop)
    }
    pub(super) fn claim(&mut self, n: u8) -> Result<Vec<Coin>, Refusal> {
        let m = MsgClaimArenaReward { account: user(n).to_string(), arena: 1 };
        let paid = self.chain.tx(|ctx| Rewards.claim_arena_reward(ctx, m))?;
        Ok(paid.amount.iter().map(|coin| coin.try_into().unwrap()).collect())
    }
    /// What the user could claim in `denom`.
    pub(super) fn due(&mut self, n: u8, denom: &str) -> u128 {
        let q = QueryArenaRewardsRequest { account: user(n).to_string(), pagination: None };
        let found = self.chain.run(|ctx| Rewards.arena_rewards(ctx, q)).unwrap().rewards;
        found.iter().flat_map(|r| &r.amount).filter(|c| c.denom == denom).map(|c| c.amount.parse::<u128>().unwrap()).sum()
    }
    pub(super) fn arena(&mut self) -> Arena {
        self.chain.run(|ctx| Rewards.arena(ctx, QueryArenaRequest { arena: 1 })).unwrap().arena.unwrap()
    }
    pub(super) fn pots(&mut self) -> Vec<Coin> {
        let found = self.chain.run(|ctx| Rewards.arena(ctx, QueryArenaRequest { arena: 1 })).unwrap().pots;
        found.into_iter().map(|pot| Coin::try_from(pot.held.unwrap()).unwrap()).collect()
    }
    pub(super) fn pot(&mut self, denom: &str) -> u128 {
        self.pots().iter().find(|pot| pot.denom == denom).map_or(0, |pot| pot.amount)
    }
    pub(super) fn participant(&mut self, registration: u64) -> Participant {
        let q = QueryParticipantRequest { arena: 1, registration };
        self.chain.run(|ctx| Rewards.participant(ctx, q)).unwrap().participant.unwrap()
    }
    pub(super) fn scorer(&mut self, n: u8) -> QueryScorerResponse {
        let q = QueryScorerRequest { arena: 1, account: user(n).to_string() };
        self.chain.run(|ctx| Rewards.scorer(ctx, q)).unwrap()
    }
    /// The finished epochs.
    pub(super) fn epochs(&mut self) -> Vec<ArenaEpoch> {
        self.chain.run(|ctx| Rewards.arena_epochs(ctx, QueryArenaEpochsRequest { arena: 1, pagination: None })).unwrap().epochs
    }
    pub(super) fn balance(&mut self, n: u8, denom: &str) -> u128 {
        self.chain.run(|ctx| bank::balance(ctx, &user(n), denom)).unwrap()
    }
    pub(super) fn supply(&mut self) -> u128 {
        self.chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap()
    }
    /// Ends blocks until this is the block at `height`.
    pub(super) fn go_to(&mut self, height: u64) {
        while self.chain.block.height < height {
            // A thousand coins a block for contributions, where the parameters give them all that mint provides.
            self.chain.tx(|ctx| cairn_mint::Hooks::set_aside(&Rewards, ctx, 1_000)).unwrap();
            self.chain.tx(|ctx| Rewards.end_block(ctx)).unwrap();
            if self.checked {
                self.check();
            }
            self.chain.advance();
        }
    }
    #[track_caller]
    pub(super) fn check(&mut self) {
        for (name, check) in Rewards.invariants().into_iter().chain(Bank.invariants()) {
            self.chain.run(|ctx| check(ctx)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        }
    }
}

#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, error: Error) {
    let found = result.unwrap_err();
    assert_eq!((found.codespace, found.code, found.log), ("rewards", error.code(), error.to_string()));
}

/// A number that follows from its seed: xorshift (Marsaglia, 2003).
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % n
    }
}
