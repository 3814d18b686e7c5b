//! A chain with funded users, on which blocks end as they do for real; hooks are written down.
use std::sync::{Arc, Mutex};

use cairn_auth::Auth;
use cairn_bank::Bank;
use cairn_kernel::{Address, Coin, Ctx, Dec, Error as Refusal, Event, Module, Payload, Result, Router, testing::Chain};
use cairn_proto::{
    Any, Duration,
    cosmos::{
        auth::v1beta1::GenesisState as AuthGenesis,
        bank::v1beta1::{Balance, GenesisState as BankGenesis},
        base::v1beta1::Coin as WireCoin,
        crypto::ed25519::PubKey,
        staking::v1beta1::{
            CommissionRates, Description, GenesisState, MsgBeginRedelegate, MsgCancelUnbondingDelegation, MsgCreateValidator, MsgDelegate,
            MsgServer, MsgUndelegate, Params, Validator,
        },
    },
    pack,
};

use crate::{Hooks, Power, Staking, default_params, operator_text, set, validators};

/// What each user holds at first.
pub(crate) const FUNDS: u128 = 1_000_000_000_000;
/// Seconds that delegations take to get out.
pub(crate) const UNBONDING: u64 = 1_000;
/// Millions of base units: one unit of power.
pub(crate) const M: u128 = 1_000_000;

/// Writes down which hooks were called, and refuses where it is told to.
#[derive(Default)]
pub(crate) struct Ear {
    pub(crate) heard: Mutex<Vec<String>>,
    pub(crate) refuses: Mutex<Option<&'static str>>,
}

impl Ear {
    fn hear(&self, name: &'static str, what: &[&dyn std::fmt::Display]) -> Result<()> {
        let what: Vec<String> = what.iter().map(|w| w.to_string()).collect();
        self.heard.lock().unwrap().push(format!("{name} {}", what.join(" ")).trim().to_owned());
        match *self.refuses.lock().unwrap() {
            Some(refused) if refused == name => Err(cairn_kernel::sdk::unauthorized(name)),
            _ => Ok(()),
        }
    }
}

/// Its own type, since a foreign one cannot have a foreign trait.
pub(crate) struct Listener(pub(crate) Arc<Ear>);

impl Hooks for Listener {
    fn after_validator_created(&self, _: &mut Ctx, v: &Address) -> Result<()> {
        self.0.hear("created", &[&name(v)])
    }
    fn before_validator_modified(&self, _: &mut Ctx, v: &Address) -> Result<()> {
        self.0.hear("modified", &[&name(v)])
    }
    fn after_validator_removed(&self, _: &mut Ctx, _: &Address, v: &Address) -> Result<()> {
        self.0.hear("removed", &[&name(v)])
    }
    fn after_validator_bonded(&self, _: &mut Ctx, _: &Address, v: &Address) -> Result<()> {
        self.0.hear("bonded", &[&name(v)])
    }
    fn after_validator_begin_unbonding(&self, _: &mut Ctx, _: &Address, v: &Address) -> Result<()> {
        self.0.hear("unbonding", &[&name(v)])
    }
    fn before_delegation_created(&self, _: &mut Ctx, d: &Address, v: &Address) -> Result<()> {
        self.0.hear("delegating", &[&name(d), &name(v)])
    }
    fn before_delegation_shares_modified(&self, _: &mut Ctx, d: &Address, v: &Address) -> Result<()> {
        self.0.hear("changing", &[&name(d), &name(v)])
    }
    fn before_delegation_removed(&self, _: &mut Ctx, d: &Address, v: &Address) -> Result<()> {
        self.0.hear("leaving", &[&name(d), &name(v)])
    }
    fn after_delegation_modified(&self, _: &mut Ctx, d: &Address, v: &Address) -> Result<()> {
        self.0.hear("changed", &[&name(d), &name(v)])
    }
    fn before_validator_slashed(&self, _: &mut Ctx, v: &Address, fraction: &Dec) -> Result<()> {
        self.0.hear("slashed", &[&name(v), fraction])
    }
    fn after_set_changed(&self, _: &mut Ctx, set: &[Power]) -> Result<()> {
        let shown: Vec<String> = set.iter().map(|p| format!("{}:{}", name(&p.operator), p.power)).collect();
        self.0.hear("set", &[&shown.join(",")])
    }
}

/// A user by the byte that its address repeats.
fn name(address: &Address) -> u8 {
    address.as_bytes()[0]
}

/// The user with this number; as an operator it runs the validator of that number.
pub(crate) fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

pub(crate) fn key(n: u8) -> Any {
    pack(&PubKey { key: vec![n; 32] })
}

/// The consensus address of the validator with this number.
pub(crate) fn consensus(n: u8) -> Address {
    validators::address_of(&[n; 32]).unwrap()
}

pub(crate) fn coin(amount: u128) -> Option<WireCoin> {
    Some(Coin::base(amount).into())
}

pub(crate) fn rules() -> Params {
    Params { unbonding_time: Some(Duration { seconds: UNBONDING as i64, nanos: 0 }), ..default_params() }
}

pub(crate) fn rates(rate: &str, most: &str, step: &str) -> Option<CommissionRates> {
    let wire = |text: &str| format!("{text}0000000000000000");
    Some(CommissionRates { rate: wire(rate), max_rate: wire(most), max_change_rate: wire(step) })
}

/// What a user says to validate with so many tokens: 10 % commission, at most 20 %, steps of 1 %.
pub(crate) fn creation(n: u8, tokens: u128) -> MsgCreateValidator {
    MsgCreateValidator {
        description: Some(Description { moniker: format!("validator {n}"), ..Description::default() }),
        commission: rates("10", "20", "1"),
        min_self_delegation: "1".into(),
        validator_address: operator_text(&user(n)),
        pubkey: Some(key(n)),
        value: coin(tokens),
        ..MsgCreateValidator::default()
    }
}

pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) ear: Arc<Ear>,
}

impl World {
    /// Users 1 to 9 with funds; nobody validates.
    pub(crate) fn new() -> Self {
        Self::with(GenesisState { params: Some(rules()), ..GenesisState::default() }, vec![]).unwrap()
    }
    /// From a genesis of staking and what its pools hold.
    pub(crate) fn with(genesis: GenesisState, pools: Vec<Balance>) -> Result<Self> {
        let (mut chain, ear) = (Chain::default(), Arc::new(Ear::default()));
        routes(&mut chain.router);
        chain.router.hook::<Arc<dyn Hooks>>(Arc::new(Listener(Arc::clone(&ear))));
        let funded = |n| Balance { address: user(n).to_string(), coins: vec![Coin::base(FUNDS).into()] };
        let bank = BankGenesis {
            params: Some(cairn_bank::DEFAULT_PARAMS),
            balances: (1..10).map(funded).chain(pools).collect(),
            ..BankGenesis::default()
        };
        let auth = AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] };
        chain.run(|ctx| {
            Auth.init(ctx, auth)?;
            Bank.init(ctx, bank)?;
            Staking.init(ctx, genesis)
        })?;
        Ok(Self { chain, ear })
    }
    /// With validators 1, 2, ... of so many tokens each, elected.
    pub(crate) fn of(tokens: &[u128]) -> Self {
        let mut world = Self::new();
        for (n, tokens) in (1..).zip(tokens) {
            world.create(n, *tokens).unwrap();
        }
        world.end();
        world.heard();
        world
    }
    pub(crate) fn tx<T>(&mut self, f: impl FnOnce(&mut Ctx) -> Result<T>) -> Result<T> {
        self.chain.tx(f)
    }
    /// Ends the block and begins the next one.
    pub(crate) fn end(&mut self) -> Vec<(u8, i64)> {
        self.end_after(1)
    }
    /// Ends the block, and begins the next one so many seconds later. What consensus is told, by the number of the key.
    pub(crate) fn end_after(&mut self, seconds: u64) -> Vec<(u8, i64)> {
        self.chain.run(|ctx| Staking.end_block(ctx)).unwrap();
        self.check();
        let told = self.chain.run(set::take_updates).unwrap();
        self.chain.block.height += 1;
        self.chain.block.time += seconds;
        self.chain.run(|ctx| Staking.begin_block(ctx)).unwrap();
        use cairn_proto::tendermint::crypto::public_key::Sum;
        let number = |u: &cairn_proto::tendermint::abci::ValidatorUpdate| match u.pub_key.as_ref().and_then(|k| k.sum.as_ref()) {
            Some(Sum::Ed25519(key)) => key[0],
            other => panic!("{other:?}"),
        };
        told.iter().map(|u| (number(u), u.power)).collect()
    }
    /// All invariants hold.
    pub(crate) fn check(&mut self) {
        let broken = self.chain.run(|ctx| {
            let all = Staking.invariants().into_iter().chain(Bank.invariants());
            all.filter_map(|(name, holds)| holds(ctx).err().map(|e| format!("{name}: {e}"))).collect::<Vec<_>>()
        });
        assert!(broken.is_empty(), "{broken:?}");
    }
    pub(crate) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.ear.heard.lock().unwrap())
    }
    pub(crate) fn create(&mut self, n: u8, tokens: u128) -> Result<()> {
        self.tx(|ctx| Staking.create_validator(ctx, creation(n, tokens)).map(drop))
    }
    pub(crate) fn delegate(&mut self, from: u8, to: u8, tokens: u128) -> Result<()> {
        let m =
            MsgDelegate { delegator_address: user(from).to_string(), validator_address: operator_text(&user(to)), amount: coin(tokens) };
        self.tx(|ctx| MsgServer::delegate(&Staking, ctx, m).map(drop))
    }
    pub(crate) fn undelegate(&mut self, from: u8, to: u8, tokens: u128) -> Result<u128> {
        let m =
            MsgUndelegate { delegator_address: user(from).to_string(), validator_address: operator_text(&user(to)), amount: coin(tokens) };
        let answer = self.tx(|ctx| Staking.undelegate(ctx, m))?;
        Ok(answer.amount.unwrap().amount.parse().unwrap())
    }
    pub(crate) fn redelegate(&mut self, who: u8, from: u8, to: u8, tokens: u128) -> Result<()> {
        let m = MsgBeginRedelegate {
            delegator_address: user(who).to_string(),
            validator_src_address: operator_text(&user(from)),
            validator_dst_address: operator_text(&user(to)),
            amount: coin(tokens),
        };
        self.tx(|ctx| Staking.begin_redelegate(ctx, m).map(drop))
    }
    pub(crate) fn cancel(&mut self, who: u8, at: u8, tokens: u128, created: u64) -> Result<()> {
        let m = MsgCancelUnbondingDelegation {
            delegator_address: user(who).to_string(),
            validator_address: operator_text(&user(at)),
            amount: coin(tokens),
            creation_height: created as i64,
        };
        self.tx(|ctx| Staking.cancel_unbonding_delegation(ctx, m).map(drop))
    }
    pub(crate) fn slash(&mut self, n: u8, fault: u64, power: u64, fraction: &Dec) -> Result<u128> {
        self.tx(|ctx| crate::slash(ctx, &consensus(n), fault as i64, power, fraction))
    }
    pub(crate) fn jail(&mut self, n: u8) {
        self.tx(|ctx| crate::jail(ctx, &consensus(n))).unwrap();
    }
    pub(crate) fn validator(&mut self, n: u8) -> Option<Validator> {
        self.chain.run(|ctx| crate::validator(ctx, &user(n))).unwrap()
    }
    pub(crate) fn tokens(&mut self, n: u8) -> u128 {
        self.validator(n).unwrap().tokens.parse().unwrap()
    }
    pub(crate) fn balance(&mut self, n: u8) -> u128 {
        self.chain.run(|ctx| cairn_bank::balance(ctx, &user(n), "ucairn")).unwrap()
    }
    pub(crate) fn shares(&mut self, who: u8, at: u8) -> Dec {
        let held = self.chain.run(|ctx| crate::delegation(ctx, &user(who), &user(at))).unwrap();
        held.map(|d| crate::shares(&d).unwrap()).unwrap_or_default()
    }
}

pub(crate) fn routes(router: &mut Router) {
    Arc::new(Auth).routes(router);
    Arc::new(Bank).routes(router);
    Arc::new(Staking).routes(router);
}

/// Codespace and code of a refusal.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, u32) {
    let Refusal { codespace, code, .. } = result.unwrap_err();
    (codespace, code)
}

/// The attributes of the last event of a kind.
pub(crate) fn attributes(events: &[Event], kind: &str) -> Vec<(String, String)> {
    match &events.iter().rev().find(|e| e.kind == kind).unwrap_or_else(|| panic!("no {kind}")).payload {
        Payload::Raw(pairs) => pairs.clone(),
        Payload::Typed(_) => panic!("{kind} is typed"),
    }
}
