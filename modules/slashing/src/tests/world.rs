//! Validators on a chain whose blocks they sign or miss.
use std::sync::Arc;

use cairn_auth::Auth;
use cairn_bank::Bank;
use cairn_kernel::{Address, Coin, Ctx, Event, Infraction, Module, Payload, Result, Vote, testing::Chain};
use cairn_proto::{
    Duration,
    cosmos::{
        auth::v1beta1::GenesisState as AuthGenesis,
        bank::v1beta1::{Balance, GenesisState as BankGenesis},
        crypto::ed25519::PubKey,
        slashing::v1beta1::{GenesisState, MsgServer, MsgUnjail, MsgUpdateParams, Params, ValidatorSigningInfo},
        staking::v1beta1::{
            CommissionRates, Description, GenesisState as StakingGenesis, MsgCreateValidator, MsgServer as StakingMsgs, MsgUndelegate,
            Validator,
        },
    },
    pack,
};
use cairn_staking::{Staking, operator_text};
use sha2::{Digest, Sha256};

use crate::{Evidence, Slashing, default_params};

pub(crate) const M: u128 = 1_000_000;
/// Seconds that delegations take to get out.
pub(crate) const UNBONDING: u64 = 10_000;

pub(crate) fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

pub(crate) fn consensus(n: u8) -> Address {
    Address::new(&Sha256::digest([n; 32])[..20]).unwrap()
}

/// A window of ten blocks of which half must be signed.
pub(crate) fn rules() -> Params {
    Params { signed_blocks_window: 10, ..default_params() }
}

pub(crate) struct World {
    pub(crate) chain: Chain,
    validators: u8,
}

impl World {
    /// Validators 1, 2, ... of so many tokens each, in a set that signs every block.
    pub(crate) fn of(tokens: &[u128]) -> Self {
        let mut world = Self { chain: Chain::default(), validators: tokens.len() as u8 };
        let router = &mut world.chain.router;
        Arc::new(Auth).routes(router);
        Arc::new(Bank).routes(router);
        Arc::new(Staking).routes(router);
        Arc::new(Evidence).routes(router);
        Arc::new(Slashing).routes(router);
        let balances = (1..9).map(|n| Balance { address: user(n).to_string(), coins: vec![Coin::base(1_000 * M).into()] }).collect();
        let mut params = cairn_staking::default_params();
        params.unbonding_time = Some(Duration { seconds: UNBONDING as i64, nanos: 0 });
        world
            .chain
            .run(|ctx| {
                Auth.init(ctx, AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] })?;
                Bank.init(ctx, BankGenesis { params: Some(cairn_bank::DEFAULT_PARAMS), balances, ..BankGenesis::default() })?;
                Staking.init(ctx, StakingGenesis { params: Some(params), ..StakingGenesis::default() })?;
                Slashing.init(ctx, GenesisState { params: Some(rules()), ..GenesisState::default() })
            })
            .unwrap();
        for (n, tokens) in (1..).zip(tokens) {
            world.create(n, n, *tokens).unwrap();
        }
        world.chain.run(|ctx| Staking.end_block(ctx)).unwrap();
        world
    }
    pub(crate) fn create(&mut self, n: u8, key: u8, tokens: u128) -> Result<()> {
        let wire = |percent: u64| cairn_kernel::Dec::with_places(percent, 2).unwrap().to_wire();
        let m = MsgCreateValidator {
            description: Some(Description { moniker: "v".into(), ..Description::default() }),
            commission: Some(CommissionRates { rate: wire(10), max_rate: wire(20), max_change_rate: wire(1) }),
            min_self_delegation: "1000000".into(),
            validator_address: operator_text(&user(n)),
            pubkey: Some(pack(&PubKey { key: vec![key; 32] })),
            value: Some(Coin::base(tokens).into()),
            ..MsgCreateValidator::default()
        };
        self.chain.tx(|ctx| Staking.create_validator(ctx, m).map(drop))
    }
    /// The next block: all but `absent` signed the one before; proofs against `doubles`, each of (validator, height, power). Its events.
    pub(crate) fn block(&mut self, absent: &[u8], doubles: &[(u8, u64, u64)]) -> Vec<Event> {
        self.chain.advance();
        let powers = self.chain.run(|ctx| cairn_staking::powers(ctx)).unwrap();
        let vote = |n| {
            let power = powers.iter().find(|p| p.consensus == consensus(n)).map_or(1, |p| p.power);
            Vote { validator: consensus(n).as_bytes().to_vec(), power, present: !absent.contains(&n) }
        };
        let votes = (1..=self.validators).map(vote).collect();
        let found = |&(n, height, power): &(u8, u64, u64)| Infraction {
            validator: consensus(n).as_bytes().to_vec(),
            power,
            height,
            time: 1_700_000_000,
            nanos: 0,
        };
        self.chain.block.votes = votes;
        self.chain.block.misbehavior = doubles.iter().map(found).collect();
        let events = self.chain.run(|ctx| {
            Slashing.begin_block(ctx).unwrap();
            Evidence.begin_block(ctx).unwrap();
            Staking.begin_block(ctx).unwrap();
            ctx.take_events()
        });
        self.chain.run(|ctx| Staking.end_block(ctx)).unwrap();
        let broken = self.chain.run(|ctx| {
            let all = Slashing.invariants().into_iter().chain(Staking.invariants());
            all.filter_map(|(name, holds)| holds(ctx).err().map(|e| format!("{name}: {e}"))).collect::<Vec<_>>()
        });
        assert!(broken.is_empty(), "{broken:?}");
        events
    }
    pub(crate) fn blocks(&mut self, count: u32, absent: &[u8]) {
        (0..count).for_each(|_| drop(self.block(absent, &[])));
    }
    pub(crate) fn tx<T>(&mut self, f: impl FnOnce(&mut Ctx) -> Result<T>) -> Result<T> {
        self.chain.tx(f)
    }
    pub(crate) fn unjail(&mut self, n: u8) -> Result<()> {
        let m = MsgUnjail { validator_addr: operator_text(&user(n)) };
        self.tx(|ctx| Slashing.unjail(ctx, m).map(drop))
    }
    pub(crate) fn undelegate(&mut self, n: u8, tokens: u128) -> Result<()> {
        let m = MsgUndelegate {
            delegator_address: user(n).to_string(),
            validator_address: operator_text(&user(n)),
            amount: Some(Coin::base(tokens).into()),
        };
        self.tx(|ctx| Staking.undelegate(ctx, m).map(drop))
    }
    pub(crate) fn set_params(&mut self, change: impl FnOnce(&mut Params)) -> Result<()> {
        let mut params = rules();
        change(&mut params);
        let m = MsgUpdateParams { authority: cairn_auth::authority().to_string(), params: Some(params) };
        self.tx(|ctx| Slashing.update_params(ctx, m).map(drop))
    }
    pub(crate) fn validator(&mut self, n: u8) -> Validator {
        self.chain.run(|ctx| cairn_staking::validator(ctx, &user(n))).unwrap().unwrap()
    }
    pub(crate) fn tokens(&mut self, n: u8) -> u128 {
        self.validator(n).tokens.parse().unwrap()
    }
    pub(crate) fn info(&mut self, n: u8) -> ValidatorSigningInfo {
        self.chain.run(|ctx| crate::signing_info(ctx, &consensus(n))).unwrap().unwrap()
    }
}

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
