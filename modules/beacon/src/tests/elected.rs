//! Validators that staking elects: their keys come before them, and a draw counts the powers of its own height.
use std::sync::Arc;

use cairn_auth::Auth;
use cairn_bank::Bank;
use cairn_kernel::{Address, Coin, Ctx, Dec, Module, Result, Status, testing::Chain};
use cairn_proto::{
    cosmos::{
        auth::v1beta1::GenesisState as AuthGenesis,
        bank::v1beta1::{Balance, GenesisState as BankGenesis},
        crypto::ed25519::PubKey,
        staking::v1beta1::{CommissionRates, Description, MsgCreateValidator, MsgServer as StakingMsgs, MsgUndelegate},
    },
    pack,
};
use cairn_staking::{Staking, operator_text};

use super::*;
use crate::{possession, validators, vrf::PublicKey};
use cairn_proto::cairn::beacon::v1::{MsgRegisterBeaconKey, QueryRegisteredKeyRequest};

const M: u128 = 1_000_000;

fn user(n: u8) -> Address {
    Address::new(&[n; 20]).unwrap()
}

fn consensus(n: u8) -> Vec<u8> {
    Sha256::digest([n; 32])[..20].to_vec()
}

fn own_key(n: u8) -> SecretKey {
    secret(100 + u32::from(n))
}

/// Nobody validates; epochs of ten blocks.
struct World(Chain);

impl World {
    fn new() -> Self {
        let mut chain = Chain::default();
        Arc::new(Auth).routes(&mut chain.router);
        Arc::new(Bank).routes(&mut chain.router);
        Arc::new(Staking).routes(&mut chain.router);
        Arc::new(Beacon).routes(&mut chain.router);
        chain.block.app_hash = vec![1; 32];
        let balances = (1..9).map(|n| Balance { address: user(n).to_string(), coins: vec![Coin::base(1_000 * M).into()] }).collect();
        let beacon =
            GenesisState { params: Some(cairn_proto::cairn::beacon::v1::Params { epoch: 10, ..DEFAULT_PARAMS }), ..genesis(vec![]) };
        chain
            .run(|ctx| {
                Auth.init(ctx, AuthGenesis { params: Some(cairn_auth::DEFAULT_PARAMS), accounts: vec![] })?;
                Bank.init(ctx, BankGenesis { params: Some(cairn_bank::DEFAULT_PARAMS), balances, ..BankGenesis::default() })?;
                Staking.init(ctx, Staking.default_genesis())?;
                Beacon.init(ctx, beacon)
            })
            .unwrap();
        Self(chain)
    }
    fn tx<T>(&mut self, f: impl FnOnce(&mut Ctx) -> Result<T>) -> Result<T> {
        self.0.tx(f)
    }
    fn register(&mut self, n: u8, key: &SecretKey) -> Result<()> {
        let public = key.public().as_bytes();
        let proof = key.prove(&possession("cairn-test-1", &user(n), &[], public)).unwrap().to_vec();
        let m = MsgRegisterBeaconKey { operator: user(n).to_string(), vrf_key: public.to_vec(), proof };
        self.tx(|ctx| Beacon.register_beacon_key(ctx, m).map(drop))
    }
    fn create(&mut self, n: u8, tokens: u128) -> Result<()> {
        let wire = |percent: u64| Dec::with_places(percent, 2).unwrap().to_wire();
        let m = MsgCreateValidator {
            description: Some(Description { moniker: "v".into(), ..Description::default() }),
            commission: Some(CommissionRates { rate: wire(1), max_rate: wire(1), max_change_rate: wire(1) }),
            min_self_delegation: "1".into(),
            validator_address: operator_text(&user(n)),
            pubkey: Some(pack(&PubKey { key: vec![n; 32] })),
            value: Some(Coin::base(tokens).into()),
            ..MsgCreateValidator::default()
        };
        self.tx(|ctx| Staking.create_validator(ctx, m).map(drop))
    }
    fn undelegate(&mut self, n: u8, tokens: u128) {
        let m = MsgUndelegate {
            delegator_address: user(n).to_string(),
            validator_address: operator_text(&user(n)),
            amount: Some(Coin::base(tokens).into()),
        };
        self.tx(|ctx| Staking.undelegate(ctx, m)).unwrap();
    }
    /// Ends the block, and observes the next one, proposed by validator `n` with the reveal that it owes.
    fn block(&mut self, n: u8) {
        self.0.run(|ctx| Staking.end_block(ctx)).unwrap();
        self.0.advance();
        self.0.block.proposer = consensus(n);
        let key = own_key(n);
        self.0.run(|ctx| {
            let owed = reveal(ctx, &key).unwrap();
            observe(ctx, owed.as_ref()).unwrap();
            for (name, holds) in Beacon.invariants().into_iter().chain(Staking.invariants()) {
                assert_eq!(holds(ctx), Ok(()), "{name}");
            }
        });
    }
    fn powers(&mut self) -> Vec<(Vec<u8>, u64)> {
        let all = self.0.run(|ctx| validators(ctx)).unwrap();
        all.into_iter().map(|v| (v.address, v.power)).collect()
    }
    /// Whether a strong seed of this height stands.
    fn strong(&mut self, asked: u64) -> Option<u64> {
        self.0.run(|ctx| strong(ctx, asked)).unwrap().map(|seed| seed.height)
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, u32) {
    let error = result.unwrap_err();
    (error.codespace, error.code)
}

#[test]
fn a_validator_needs_a_key_that_its_operator_named_before() {
    let mut world = World::new();
    assert_eq!(refusal(world.create(1, M)), ("beacon", 20));
    world.register(1, &own_key(1)).unwrap();
    let q = QueryRegisteredKeyRequest { operator: user(1).to_string() };
    let named = world.0.run(|ctx| Beacon.registered_key(ctx, q.clone())).unwrap().key.unwrap();
    assert_eq!(named.vrf_key, own_key(1).public().as_bytes());
    world.create(1, M).unwrap();
    assert_eq!(world.0.run(|ctx| Beacon.registered_key(ctx, q)).unwrap_err().status, Status::NotFound);
    let created = world.0.run(|ctx| validators(ctx)).unwrap().remove(0);
    assert_eq!((created.power, created.active_from, created.operator), (0, 20, user(1).to_string()));
    assert_eq!(created.address, consensus(1));
    assert_eq!(refusal(world.register(1, &own_key(2))), ("beacon", 21), "who has a validator rotates");
}

#[test]
fn a_named_key_is_proven_nobody_elses_and_can_be_named_anew() {
    let mut world = World::new();
    world.register(1, &own_key(1)).unwrap();
    world.register(1, &own_key(1)).unwrap();
    assert_eq!(refusal(world.register(2, &own_key(1))), ("beacon", 17));
    world.register(1, &own_key(3)).unwrap();
    world.register(2, &own_key(1)).unwrap();
    let public = own_key(4).public().as_bytes().to_vec();
    let m = MsgRegisterBeaconKey { operator: user(4).to_string(), vrf_key: public, proof: vec![0; 80] };
    assert_eq!(refusal(world.tx(|ctx| Beacon.register_beacon_key(ctx, m.clone()))), ("beacon", 19));
    let broken = MsgRegisterBeaconKey { vrf_key: vec![0; 32], ..m };
    assert!(PublicKey::parse(&broken.vrf_key).is_err());
    assert_eq!(refusal(world.tx(|ctx| Beacon.register_beacon_key(ctx, broken))), ("beacon", 18));
    world.block(1);
}

#[test]
fn a_draw_counts_the_powers_of_its_own_height() {
    let mut world = World::new();
    for (n, tokens) in [(1, 10 * M), (2, M), (3, M)] {
        world.register(n, &own_key(n)).unwrap();
        world.create(n, tokens).unwrap();
    }
    while world.0.block.height < 20 {
        world.block(1);
    }
    let powers = world.powers();
    assert_eq!(powers.iter().map(|p| p.1).sum::<u64>(), 12);
    let asked = world.0.block.height;
    // The two small ones hold a sixth; the large one leaves after the question, and its power still counts for it.
    world.block(2);
    world.undelegate(1, 9 * M);
    world.block(3);
    assert_eq!(world.strong(asked), None);
    assert_eq!(world.strong(asked + 1), None, "one of three that are equal now: not more than a third");
    world.block(2);
    assert_eq!(world.strong(asked + 1), Some(asked + 3));
    assert_eq!(world.strong(asked), None);
    world.block(1);
    assert_eq!(world.strong(asked), Some(asked + 4));
}

#[test]
fn who_leaves_the_set_keeps_its_key_and_who_is_forgotten_loses_it() {
    let mut world = World::new();
    for n in [1, 2] {
        world.register(n, &own_key(n)).unwrap();
        world.create(n, 2 * M).unwrap();
    }
    world.block(1);
    world.undelegate(2, 2 * M);
    world.block(1);
    assert_eq!(world.powers().iter().find(|p| p.0 == consensus(2)).unwrap().1, 0);
    world.0.block.time += 3_000_000;
    world.block(1);
    assert_eq!(world.powers(), [(consensus(1), 2)]);
    world.register(2, &own_key(2)).unwrap();
    let exported = world.0.run(|ctx| Beacon.export(ctx)).unwrap();
    assert_eq!((exported.snapshots.len(), exported.registered.len()), (2, 1), "no kept beacon is older than the first set");
    let mut again = World::new();
    again.0.run(|ctx| Beacon.init(ctx, exported.clone())).unwrap();
    assert_eq!(again.0.run(|ctx| Beacon.export(ctx)).unwrap(), exported);
}
