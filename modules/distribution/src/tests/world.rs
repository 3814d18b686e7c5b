//! A chain with funded users and validators that sign every block; fees are put into the collector by hand.
use std::sync::Arc;

use cairn_auth::{Auth, FEE_COLLECTOR};
use cairn_bank::Bank;
use cairn_kernel::{Address, Coin, Ctx, Dec, Event, Module, Payload, Result, Vote, testing::Chain};
use cairn_proto::{
    Any, Duration,
    cosmos::{
        auth::v1beta1::GenesisState as AuthGenesis,
        bank::v1beta1::{Balance, GenesisState as BankGenesis},
        base::v1beta1::Coin as WireCoin,
        crypto::ed25519::PubKey,
        distribution::v1beta1::{
            GenesisState, MsgServer, MsgWithdrawDelegatorReward, MsgWithdrawValidatorCommission, Params, QueryDelegationRewardsRequest,
            QueryServer,
        },
        staking::v1beta1::{
            CommissionRates, Description, GenesisState as StakingGenesis, MsgBeginRedelegate, MsgCreateValidator, MsgDelegate,
            MsgEditValidator, MsgServer as StakingMsgs, MsgUndelegate, Validator,
        },
    },
    pack,
};
use cairn_staking::{Staking, operator_text};

use crate::{ACCOUNT, DecCoins, Distribution, community_pool, state};

pub(crate) const FUNDS: u128 = 1_000_000_000_000_000_000;
/// Seconds that delegations take to get out.
pub(crate) const UNBONDING: u64 = 1_000;
/// Millions of base units: one unit of power.
pub(crate) const M: u128 = 1_000_000;
const DAY: u64 = 86_400;

/// The user with this number; as an operator it runs the validator of that number.
pub(crate) fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn key(n: u8) -> Any {
    pack(&PubKey { key: vec![n; 32] })
}

pub(crate) fn coin(amount: u128) -> WireCoin {
    Coin::base(amount).into()
}

pub(crate) fn base(amount: &str) -> String {
    format!("{amount}ucairn")
}

fn wire(percent: u64) -> String {
    Dec::with_places(percent, 2).unwrap().to_wire()
}

pub(crate) struct World {
    pub(crate) chain: Chain,
}

impl World {
    /// Users 1 to 9 with funds; nobody validates; the community gets nothing.
    pub(crate) fn new() -> Self {
        let none = Params { community_tax: "0".into(), ..crate::default_params() };
        let staking = StakingGenesis { params: Some(rules()), ..StakingGenesis::default() };
        Self::with(staking, GenesisState { params: Some(none), ..GenesisState::default() }, vec![]).unwrap()
    }
    /// From parts of a genesis file, and what modules hold.
    pub(crate) fn with(staking: StakingGenesis, genesis: GenesisState, held: Vec<Balance>) -> Result<Self> {
        let mut chain = Chain::default();
        let router = &mut chain.router;
        Arc::new(Auth).routes(router);
        Arc::new(Bank).routes(router);
        Arc::new(Staking).routes(router);
        Arc::new(Distribution).routes(router);
        let funded = |n| Balance { address: user(n).to_string(), coins: vec![Coin::new("junk", 1_000).into(), coin(FUNDS)] };
        let bank = BankGenesis {
            params: Some(cairn_bank::DEFAULT_PARAMS),
            balances: (1..10).map(funded).chain(held).collect(),
            ..BankGenesis::default()
        };
        let auth = AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] };
        chain.run(|ctx| {
            Auth.init(ctx, auth)?;
            Bank.init(ctx, bank)?;
            Staking.init(ctx, staking)?;
            Distribution.init(ctx, genesis)
        })?;
        Ok(Self { chain })
    }
    /// With validators 1, 2, ... of so many tokens each, elected, without commission.
    pub(crate) fn of(tokens: &[u128]) -> Self {
        let mut world = Self::new();
        for (n, tokens) in (1..).zip(tokens) {
            world.create(n, *tokens, 0).unwrap();
        }
        world.block(0);
        world
    }
    pub(crate) fn tx<T>(&mut self, f: impl FnOnce(&mut Ctx) -> Result<T>) -> Result<T> {
        self.chain.tx(f)
    }
    /// Ends the block and begins the next one, which finds `fees` in the collector. What its beginning said.
    pub(crate) fn block(&mut self, fees: u128) -> Vec<Event> {
        self.block_after(1, fees)
    }
    pub(crate) fn block_after(&mut self, seconds: u64, fees: u128) -> Vec<Event> {
        self.chain.run(|ctx| Staking.end_block(ctx)).unwrap();
        self.check();
        self.chain.run(|ctx| cairn_bank::send(ctx, &user(9), &FEE_COLLECTOR.address(), &[Coin::base(fees)])).unwrap();
        let set = self.chain.run(|ctx| cairn_staking::powers(ctx)).unwrap();
        let vote = |p: &cairn_staking::Power| Vote {
            validator: p.consensus.as_bytes().to_vec(),
            power: p.power,
            present: p.power.is_multiple_of(2),
        };
        self.chain.block.votes = set.iter().map(vote).collect();
        self.chain.block.height += 1;
        self.chain.block.time += seconds;
        self.begin()
    }
    pub(crate) fn begin(&mut self) -> Vec<Event> {
        let events = self.chain.run(|ctx| {
            Distribution.begin_block(ctx).unwrap();
            ctx.take_events()
        });
        self.chain.run(|ctx| Staking.begin_block(ctx)).unwrap();
        self.check();
        events
    }
    /// All invariants hold, and the account holds not a unit more than it owes.
    pub(crate) fn check(&mut self) {
        let broken = self.chain.run(|ctx| {
            let all = Distribution.invariants().into_iter().chain(Staking.invariants()).chain(Bank.invariants());
            all.filter_map(|(name, holds)| holds(ctx).err().map(|e| format!("{name}: {e}"))).collect::<Vec<_>>()
        });
        assert!(broken.is_empty(), "{broken:?}");
        let (held, mut sum) = (self.held(), self.pool());
        for n in 1..10 {
            sum = sum.add(&self.outstanding(n)).unwrap();
        }
        assert_eq!(sum.amount_of("ucairn"), Dec::from_int(held));
    }
    pub(crate) fn create(&mut self, n: u8, tokens: u128, commission: u64) -> Result<()> {
        let m = MsgCreateValidator {
            description: Some(Description { moniker: format!("validator {n}"), ..Description::default() }),
            commission: Some(CommissionRates { rate: wire(commission), max_rate: wire(100), max_change_rate: wire(100) }),
            min_self_delegation: "1".into(),
            validator_address: operator_text(&user(n)),
            pubkey: Some(key(n)),
            value: Some(coin(tokens)),
            ..MsgCreateValidator::default()
        };
        self.tx(|ctx| Staking.create_validator(ctx, m).map(drop))
    }
    pub(crate) fn set_commission(&mut self, n: u8, percent: u64) -> Result<()> {
        let m = MsgEditValidator {
            description: Some(Description { moniker: "again".into(), ..Description::default() }),
            validator_address: operator_text(&user(n)),
            commission_rate: wire(percent),
            ..MsgEditValidator::default()
        };
        self.chain.block.time += DAY;
        self.tx(|ctx| Staking.edit_validator(ctx, m).map(drop))
    }
    pub(crate) fn delegate(&mut self, from: u8, to: u8, tokens: u128) -> Result<()> {
        let m = MsgDelegate {
            delegator_address: user(from).to_string(),
            validator_address: operator_text(&user(to)),
            amount: Some(coin(tokens)),
        };
        self.tx(|ctx| Staking.delegate(ctx, m).map(drop))
    }
    pub(crate) fn undelegate(&mut self, from: u8, to: u8, tokens: u128) -> Result<()> {
        let m = MsgUndelegate {
            delegator_address: user(from).to_string(),
            validator_address: operator_text(&user(to)),
            amount: Some(coin(tokens)),
        };
        self.tx(|ctx| Staking.undelegate(ctx, m).map(drop))
    }
    pub(crate) fn redelegate(&mut self, who: u8, from: u8, to: u8, tokens: u128) -> Result<()> {
        let m = MsgBeginRedelegate {
            delegator_address: user(who).to_string(),
            validator_src_address: operator_text(&user(from)),
            validator_dst_address: operator_text(&user(to)),
            amount: Some(coin(tokens)),
        };
        self.tx(|ctx| Staking.begin_redelegate(ctx, m).map(drop))
    }
    /// Slashes a validator by so many thousandths of what it has now, for a fault at `height`.
    pub(crate) fn slash(&mut self, n: u8, height: u64, thousandths: u64) -> Result<u128> {
        let Some(validator) = self.validator(n) else { return Ok(0) };
        let power = u64::try_from(validator.tokens.parse::<u128>().unwrap() / M).unwrap();
        let consensus = cairn_staking::consensus_address(&validator).unwrap();
        let fraction = Dec::with_places(thousandths, 3).unwrap();
        self.tx(|ctx| cairn_staking::slash(ctx, &consensus, height as i64, power, &fraction))
    }
    pub(crate) fn jail(&mut self, n: u8) -> Result<()> {
        let Some(validator) = self.validator(n) else { return Ok(()) };
        let consensus = cairn_staking::consensus_address(&validator).unwrap();
        self.tx(|ctx| cairn_staking::jail(ctx, &consensus))
    }
    /// What a delegation is paid.
    pub(crate) fn withdraw(&mut self, who: u8, at: u8) -> Result<u128> {
        let m = MsgWithdrawDelegatorReward { delegator_address: user(who).to_string(), validator_address: operator_text(&user(at)) };
        Ok(whole(&self.tx(|ctx| Distribution.withdraw_delegator_reward(ctx, m))?.amount))
    }
    /// What a validator is paid.
    pub(crate) fn withdraw_commission(&mut self, n: u8) -> Result<u128> {
        let m = MsgWithdrawValidatorCommission { validator_address: operator_text(&user(n)) };
        let paid = self.tx(|ctx| Distribution.withdraw_validator_commission(ctx, m))?.amount;
        Ok(if paid.is_empty() { 0 } else { whole(&paid) })
    }
    /// The same, be it less than a unit.
    pub(crate) fn withdraw_commission_of(&mut self, n: u8) -> Result<()> {
        let m = MsgWithdrawValidatorCommission { validator_address: operator_text(&user(n)) };
        self.tx(|ctx| Distribution.withdraw_validator_commission(ctx, m).map(drop))
    }
    /// What a delegation could be paid, with all places.
    pub(crate) fn earned(&mut self, who: u8, at: u8) -> String {
        let q = QueryDelegationRewardsRequest { delegator_address: user(who).to_string(), validator_address: operator_text(&user(at)) };
        let rewards = self.chain.run(|ctx| Distribution.delegation_rewards(ctx, q)).unwrap().rewards;
        DecCoins::from_wire(&rewards).unwrap().to_string()
    }
    pub(crate) fn validator(&mut self, n: u8) -> Option<Validator> {
        self.chain.run(|ctx| cairn_staking::validator(ctx, &user(n))).unwrap()
    }
    pub(crate) fn delegates(&mut self, who: u8, at: u8) -> bool {
        self.chain.run(|ctx| cairn_staking::delegation(ctx, &user(who), &user(at))).unwrap().is_some()
    }
    pub(crate) fn balance(&mut self, address: &Address) -> u128 {
        self.chain.run(|ctx| cairn_bank::balance(ctx, address, "ucairn")).unwrap()
    }
    pub(crate) fn held(&mut self) -> u128 {
        self.balance(&ACCOUNT.address())
    }
    pub(crate) fn pool(&mut self) -> DecCoins {
        self.chain.run(|ctx| community_pool(ctx)).unwrap()
    }
    pub(crate) fn outstanding(&mut self, n: u8) -> DecCoins {
        self.chain.run(|ctx| state::outstanding(ctx, &user(n))).unwrap()
    }
    pub(crate) fn commission(&mut self, n: u8) -> DecCoins {
        self.chain.run(|ctx| state::commission(ctx, &user(n))).unwrap()
    }
}

fn whole(coins: &[WireCoin]) -> u128 {
    assert_eq!((coins.len(), coins[0].denom.as_str()), (1, "ucairn"));
    coins[0].amount.parse().unwrap()
}

pub(crate) fn rules() -> cairn_proto::cosmos::staking::v1beta1::Params {
    let unbonding_time = Some(Duration { seconds: UNBONDING as i64, nanos: 0 });
    cairn_proto::cosmos::staking::v1beta1::Params { unbonding_time, ..cairn_staking::default_params() }
}

/// Codespace and code of a refusal.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, u32) {
    let refusal = result.unwrap_err();
    (refusal.codespace, refusal.code)
}

/// The attributes of each event of a kind, as `key=value`.
pub(crate) fn shown(events: &[Event], kind: &str) -> Vec<Vec<String>> {
    let pairs = |event: &Event| match &event.payload {
        Payload::Raw(pairs) => pairs.iter().map(|(k, v)| format!("{k}={v}")).collect(),
        Payload::Typed(_) => panic!("{kind} is typed"),
    };
    events.iter().filter(|event| event.kind == kind).map(pairs).collect()
}
