//! The beacon block by block: what is fresh, what is rejected, which seeds come when.
use std::sync::Arc;

use cairn_kernel::{Address, Ctx, Error as Refusal, Module, Payload, Status, chain32, testing::Chain};
use cairn_proto::cairn::beacon::v1::{
    Beacon as Record, EventBeaconAdvanced, GenesisState, MsgRevealBeacon, MsgServer, NextKey, QueryBeaconRequest, QueryLatestRequest,
    QueryParamsRequest, QuerySeedRequest, QueryServer, QueryValidatorsRequest, RegisteredKey, SeedKind, Validator,
};
use prost::{Message, Name};
use sha2::{Digest, Sha256};

use crate::{
    Beacon, DEFAULT_PARAMS, Error, Seed, active_key, alpha, check, first_value, mix, observe, quick, reveal,
    state::VALIDATORS,
    strong,
    vrf::{Invalid, SecretKey},
};

mod attacks;
mod draws;
mod elected;
mod rotation;
mod seeds;

/// A chain with validators, run block by block.
struct Network {
    chain: Chain,
    secrets: Vec<SecretKey>,
}

fn secret(n: u32) -> SecretKey {
    SecretKey::from_seed(&Sha256::digest(n.to_be_bytes()).into())
}

fn address(n: usize) -> Vec<u8> {
    let mut address = vec![0; 20];
    address[..8].copy_from_slice(&(n as u64).to_be_bytes());
    address
}

fn validator(n: usize, power: u64) -> Validator {
    let vrf_key = secret(n as u32).public().as_bytes().to_vec();
    Validator { address: address(n), power, vrf_key, active_from: 1, operator: operator(n), next: None }
}

fn operator(n: usize) -> String {
    Address::derive("operator", &address(n)).to_string()
}

fn genesis(validators: Vec<Validator>) -> GenesisState {
    GenesisState { params: Some(DEFAULT_PARAMS), validators, ..GenesisState::default() }
}

impl Network {
    /// Validators with the given powers, before the first block.
    fn new(powers: &[u64]) -> Self {
        let validators = powers.iter().enumerate().map(|(n, power)| validator(n, *power)).collect();
        let mut network = Self::unstarted(powers.len());
        network.chain.run(|ctx| Beacon.init(ctx, genesis(validators))).unwrap();
        network
    }
    fn unstarted(validators: usize) -> Self {
        let mut chain = Chain::default();
        Arc::new(Beacon).routes(&mut chain.router);
        chain.block.height = 1;
        chain.block.app_hash = b"the genesis state".to_vec();
        Self { chain, secrets: (0..validators).map(|n| secret(n as u32)).collect() }
    }
    /// Says whose turn the block is.
    fn propose(&mut self, n: usize) -> &mut Self {
        self.chain.block.proposer = address(n);
        self
    }
    /// The reveal that proposer `n` owes in the present block.
    fn owed(&mut self, n: usize) -> MsgRevealBeacon {
        self.propose(n);
        let secret = &self.secrets[n];
        self.chain.run(|ctx| reveal(ctx, secret)).unwrap().unwrap()
    }
    /// Runs a block of proposer `n` with its reveal.
    fn fresh(&mut self, n: usize) -> [u8; 32] {
        let owed = self.owed(n);
        self.block(n, Some(&owed))
    }
    /// Runs a block of proposer `n` without a reveal.
    fn stale(&mut self, n: usize) -> [u8; 32] {
        self.block(n, None)
    }
    fn block(&mut self, n: usize, reveal: Option<&MsgRevealBeacon>) -> [u8; 32] {
        self.propose(n);
        self.chain.run(|ctx| observe(ctx, reveal)).unwrap();
        let value = self.latest().value.try_into().unwrap();
        if self.chain.block.height.is_multiple_of(97) {
            self.check();
        }
        self.chain.advance();
        value
    }
    fn check(&mut self) {
        for (name, holds) in Beacon.invariants() {
            assert_eq!(self.ask(holds), Ok(()), "{name}");
        }
    }
    fn latest(&mut self) -> Record {
        self.chain.run(|ctx| Beacon.latest(ctx, QueryLatestRequest {})).unwrap().beacon.unwrap()
    }
    fn ask<T>(&mut self, ask: impl FnOnce(&Ctx) -> T) -> T {
        self.chain.run(|ctx| ask(ctx))
    }
    fn quick(&mut self, asked: u64) -> Option<Seed> {
        self.ask(|ctx| quick(ctx, asked)).unwrap()
    }
    fn strong(&mut self, asked: u64) -> Option<Seed> {
        self.ask(|ctx| strong(ctx, asked)).unwrap()
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, error: Error) {
    assert_eq!(result.unwrap_err(), Refusal::from(error));
}

#[test]
fn values_are_chained_to_the_byte() {
    let mut network = Network::new(&[1, 1]);
    let before: [u8; 32] = Sha256::digest([b"cairn.mix.v1\0\0\0\0".as_slice(), b"the genesis state"].concat()).into();
    assert_eq!(first_value(b"the genesis state"), before);

    let owed = network.owed(0);
    let input = [b"cairn.beacon.v1\0".as_slice(), &chain32("cairn-test-1"), &1_u64.to_be_bytes(), &before].concat();
    assert_eq!(alpha("cairn-test-1", 1, &before), input);
    let output = network.secrets[0].public().verify(&input, &owed.proof).unwrap();
    let first = network.block(0, Some(&owed));
    let expected: [u8; 32] = Sha256::digest([b"cairn.mix.v1\0\0\0\0".as_slice(), &before, &output].concat()).into();
    assert_eq!((first, mix(&before, Some(&output))), (expected, expected));

    let second = network.stale(1);
    let expected: [u8; 32] = Sha256::digest([b"cairn.mix.v1\0\0\0\0".as_slice(), &first, &[0; 64]].concat()).into();
    assert_eq!((second, mix(&first, None)), (expected, expected));
}

#[test]
fn each_block_is_noted_with_its_proposer_and_told() {
    let mut network = Network::new(&[1, 1]);
    let value = network.fresh(1).to_vec();
    assert_eq!(network.latest(), Record { height: 1, value, fresh: true, proposer: address(1), fresh_heights: 1 });
    let value = network.stale(0).to_vec();
    assert_eq!(network.latest(), Record { height: 2, value, fresh: false, proposer: address(0), fresh_heights: 1 });
    let owed = network.owed(1);
    let event = network.chain.run(|ctx| {
        observe(ctx, Some(&owed)).unwrap();
        ctx.take_events().pop().unwrap()
    });
    assert_eq!(event.kind, EventBeaconAdvanced::full_name());
    let Payload::Typed(bytes) = event.payload else { panic!("typed events have bytes") };
    let latest = network.latest();
    assert_eq!(EventBeaconAdvanced::decode(&*bytes).unwrap(), EventBeaconAdvanced { height: 3, value: latest.value, fresh: true });
}

#[test]
fn beacon_reveal_missing_or_foreign_is_rejected() {
    let mut network = Network::new(&[1, 1]);
    network.fresh(0);
    let (owed, of_other) = (network.owed(0), network.owed(1));
    let proposer = hex::encode(address(0));
    let proof = |reason| Error::Proof { proposer: proposer.clone(), reason };
    let mut torn = owed.clone();
    torn.proof.pop();
    let cases = [
        (None, Error::Missing(proposer.clone())),
        (Some(of_other), proof(Invalid::Proof)),
        (Some(MsgRevealBeacon { height: 3, ..owed.clone() }), Error::Height { expected: 2, found: 3 }),
        (Some(MsgRevealBeacon { height: 1, ..owed.clone() }), Error::Height { expected: 2, found: 1 }),
        (Some(torn), proof(Invalid::Encoding)),
        (Some(MsgRevealBeacon { height: 2, proof: vec![] }), proof(Invalid::Encoding)),
        (Some(MsgRevealBeacon { height: 2, proof: vec![0xff; 80] }), proof(Invalid::Encoding)),
    ];
    network.propose(0);
    for (given, error) in cases {
        refused(network.ask(|ctx| check(ctx, given.as_ref())), error);
        // The same block, decided all the same, runs: the height is not fresh.
        let mut twin = Network { chain: clone(&mut network.chain), secrets: vec![] };
        twin.block(0, given.as_ref());
        assert!(!twin.latest().fresh);
    }
    network.ask(|ctx| check(ctx, Some(&owed))).unwrap();
    network.block(0, Some(&owed));
    assert!(network.latest().fresh);
}

/// A second chain with the same state and block.
fn clone(chain: &mut Chain) -> Chain {
    let exported = chain.run(|ctx| Beacon.export(ctx)).unwrap();
    let mut twin = Network::unstarted(0).chain;
    twin.block = chain.block.clone();
    twin.run(|ctx| Beacon.init(ctx, exported)).unwrap();
    twin
}

#[test]
fn reveal_of_yesterday_or_of_another_chain_is_worthless() {
    let mut network = Network::new(&[1]);
    let first = network.owed(0);
    network.block(0, Some(&first));
    let replayed = MsgRevealBeacon { height: 2, ..first };
    let expected = Error::Proof { proposer: hex::encode(address(0)), reason: Invalid::Proof };
    refused(network.ask(|ctx| check(ctx, Some(&replayed))), expected.clone());
    let owed = network.owed(0);
    network.chain.block.chain_id = "cairn-test-2".into();
    refused(network.ask(|ctx| check(ctx, Some(&owed))), expected);
}

#[test]
fn proposer_without_an_active_key_carries_no_reveal() {
    let mut network = Network::unstarted(3);
    let late = Validator { active_from: 3, ..validator(1, 1) };
    network.chain.run(|ctx| Beacon.init(ctx, genesis(vec![validator(0, 1), late]))).unwrap();
    // Validator 1 until height 3, and somebody whom the beacon does not know.
    for n in [1, 2] {
        network.propose(n);
        assert_eq!(network.ask(|ctx| active_key(ctx, &address(n))).unwrap(), None);
        assert_eq!(network.ask(|ctx| reveal(ctx, &secret(n as u32))).unwrap(), None);
        network.ask(|ctx| check(ctx, None)).unwrap();
        let (chain_id, height) = (network.chain.block.chain_id.clone(), network.chain.block.height);
        let before = if height == 1 { first_value(b"the genesis state") } else { network.latest().value.try_into().unwrap() };
        let forged = network.secrets[n].prove(&alpha(&chain_id, height, &before)).unwrap().to_vec();
        let forged = MsgRevealBeacon { height, proof: forged };
        refused(network.ask(|ctx| check(ctx, Some(&forged))), Error::Foreign(hex::encode(address(n))));
        network.block(n, Some(&forged));
        assert!(!network.latest().fresh);
    }
    assert_eq!(network.chain.block.height, 3);
    network.fresh(1);
    assert!(network.latest().fresh);
}

#[test]
fn node_with_another_key_than_registered_is_told() {
    let mut network = Network::new(&[1, 1]);
    network.propose(0);
    let other = secret(1);
    let expected = Error::OtherKey { expected: hex::encode(secret(0).public().as_bytes()), found: hex::encode(other.public().as_bytes()) };
    refused(network.ask(|ctx| reveal(ctx, &other)), expected);
}

#[test]
fn reveal_never_runs_as_a_message() {
    let mut network = Network::new(&[1]);
    let owed = network.owed(0);
    refused(network.chain.run(|ctx| Beacon.reveal_beacon(ctx, owed)), Error::NotAMessage);
    let bytes = MsgRevealBeacon::default().encode_to_vec();
    assert_eq!(network.chain.router.signers(&MsgRevealBeacon::type_url(), &bytes).unwrap(), []);
}

#[test]
fn left_out_height_is_an_error() {
    let mut network = Network::new(&[1]);
    network.fresh(0);
    network.chain.block.height = 3;
    refused(network.chain.run(|ctx| observe(ctx, None)), Error::Gap { latest: 1, height: 3 });
    network.chain.block.height = 1;
    refused(network.chain.run(|ctx| observe(ctx, None)), Error::Gap { latest: 1, height: 1 });
    network.chain.block.height = 0;
    refused(network.chain.run(|ctx| observe(ctx, None)), Error::Gap { latest: 0, height: 0 });
}

#[test]
fn queries_tell_the_state() {
    let mut network = Network::new(&[5, 7]);
    assert_eq!(network.ask(|ctx| Beacon.latest(ctx, QueryLatestRequest {})).unwrap_err().status, Status::NotFound);
    network.fresh(0);
    network.fresh(1);
    let mut beacon = |height| network.ask(|ctx| Beacon.beacon(ctx, QueryBeaconRequest { height }));
    assert_eq!(beacon(0).unwrap().beacon.unwrap().value, first_value(b"the genesis state"));
    assert_eq!(beacon(2).unwrap().beacon.unwrap().proposer, address(1));
    assert_eq!(beacon(3).unwrap_err().status, Status::NotFound);
    assert_eq!(network.ask(|ctx| Beacon.params(ctx, QueryParamsRequest {})).unwrap().params, Some(DEFAULT_PARAMS));
    let all = network.ask(|ctx| Beacon.validators(ctx, QueryValidatorsRequest { pagination: None })).unwrap().validators;
    assert_eq!(all, [validator(0, 5), validator(1, 7)]);

    let expected = network.quick(0).unwrap();
    let mut seed = |kind: i32, asked| network.ask(|ctx| Beacon.seed(ctx, QuerySeedRequest { kind, asked }));
    let quick = seed(SeedKind::Quick as i32, 0).unwrap().seed.unwrap();
    assert_eq!((quick.value, quick.height, quick.asked, quick.weak), (expected.bytes.to_vec(), 2, 0, false));
    assert_eq!(seed(SeedKind::Strong as i32, 0).unwrap().seed.unwrap().height, 1);
    assert_eq!(seed(SeedKind::Strong as i32, 2).unwrap_err().status, Status::NotFound);
    assert_eq!(seed(SeedKind::Unspecified as i32, 0).unwrap_err().status, Status::InvalidArgument);
    assert_eq!(seed(9, 0).unwrap_err().status, Status::InvalidArgument);
}

#[test]
fn export_starts_a_chain_that_goes_on_alike() {
    let mut first = Network::new(&[1, 2]);
    first.fresh(0);
    first.stale(1);
    let mut second = Network { chain: clone(&mut first.chain), secrets: vec![secret(0), secret(1)] };
    assert_eq!(first.chain.store().entries(), second.chain.store().entries());
    assert_eq!(first.fresh(1), second.fresh(1));
}

#[test]
fn malformed_genesis_is_refused() {
    let two = || genesis(vec![validator(0, 1), validator(1, 1)]);
    let record = |height, fresh_heights| Record { height, value: vec![1; 32], fresh: false, proposer: vec![], fresh_heights };
    let breaks: [fn(&mut GenesisState); 14] = [
        |g| g.params = None,
        |g| g.params.as_mut().unwrap().quick_lag = 1,
        |g| g.params.as_mut().unwrap().weak_after = 1,
        |g| g.params.as_mut().unwrap().epoch = 0,
        |g| g.registered = vec![RegisteredKey { operator: operator(5), vrf_key: g.validators[0].vrf_key.clone() }],
        |g| g.validators[0].address = vec![0; 19],
        |g| g.validators[0].vrf_key = vec![0; 32],
        |g| g.validators[1].vrf_key = g.validators[0].vrf_key.clone(),
        |g| g.validators[1].address = g.validators[0].address.clone(),
        |g| g.validators[0].vrf_key = vec![],
        |g| g.validators[0].operator = "cairn1x".into(),
        |g| g.validators[0].next = Some(NextKey { vrf_key: vec![0; 32], active_from: 100 }),
        |g| g.validators[0].next = Some(NextKey { vrf_key: g.validators[1].vrf_key.clone(), active_from: 100 }),
        |g| g.validators[0].next = Some(NextKey { vrf_key: secret(9).public().as_bytes().to_vec(), active_from: 0 }),
    ];
    let mut states: Vec<GenesisState> = breaks
        .iter()
        .map(|broken| {
            let mut g = two();
            broken(&mut g);
            g
        })
        .collect();
    let with = |beacons| GenesisState { beacons, ..two() };
    states.push(with(vec![Record { value: vec![1; 31], ..record(1, 0) }]));
    states.push(with(vec![record(1, 0), record(3, 0)]));
    states.push(with(vec![record(1, 0), record(2, 1)]));
    for (i, state) in states.into_iter().enumerate() {
        let mut network = Network::unstarted(0);
        let refusal = network.chain.tx(|ctx| Beacon.init(ctx, state)).unwrap_err();
        assert_eq!((refusal.codespace, refusal.code), ("beacon", 12), "case {i}: {refusal}");
        assert!(network.chain.store().entries().is_empty());
    }
    let mut network = Network::unstarted(0);
    network.chain.run(|ctx| Beacon.init(ctx, with(vec![record(1, 0), record(2, 0)]))).unwrap();
    assert_eq!(network.ask(|ctx| VALIDATORS.range(ctx, &[]).count()), 2);
}
