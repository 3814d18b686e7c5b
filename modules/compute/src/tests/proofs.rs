//! Results that are proven, with real proofs of the smallest networks: what is paid, what is refused, and who may register which key.
use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_std::rand::{SeedableRng, rngs::StdRng};
use cairn_auth::authority;
use cairn_circuits::{
    Circuit, Head, Input, Job, Kind, Layer, LayerShape, Network, Prover, Shape, input_commitment, program_of, weights_commitment,
};
use cairn_kernel::{Address, Module, Result, chain32, tag};
use cairn_program::{Graph, Kind as Bytes, Node, Op, Operand, Program as Checked, TensorType, Weights};
use cairn_proto::cairn::compute::v1::{
    CircuitLayer, CircuitSizes, Genesis, JobOutcome, JobState, MsgPostJob, MsgRegisterCircuit, MsgRegisterProgram, MsgRetireCircuit,
    MsgServer, MsgSubmitResult, QueryCircuitRequest, QueryCircuitsRequest, QueryServer, SealOpening, Trust, Verification,
};
use cairn_verifier::{Context, Element, KeyError, ProofError, Provenance, RecordFile, SealFile, Serves};
use sha2::{Digest, Sha256};

use super::{
    genesis::copy,
    world::{BOND, PRICE, World, owner, provider, refused, requester, user},
};
use crate::{Compute, Error, Params, key_registration, main_params, seal_opening, test_params};

/// Runs of a job, and of a proof of the constant circuit.
const RUNS: usize = 2;
/// The requester's inputs: class 0, then class 1.
pub(super) const INPUTS: [[i8; 2]; 2] = [[10, 0], [0, 10]];
/// The salt of the commitment to the private network's weights.
pub(super) const WEIGHTS_SALT: u64 = 99;

pub(super) fn network() -> Network {
    let layer = Layer { weights: vec![3, -2, -1, 5], biases: vec![1, -1] };
    let shape = Shape { inputs: 2, layers: vec![LayerShape { outputs: 2, shift: 0, relu: false }], head: Head::Argmax };
    Network::new(shape, vec![layer]).unwrap()
}

fn prover(kind: Kind, runs: usize) -> Prover {
    Prover::for_tests(Circuit::new(kind, runs).unwrap(), [7; 32]).unwrap()
}

static CONSTANT: LazyLock<Prover> = LazyLock::new(|| prover(Kind::Constant(network()), 1));
pub(super) static COMMITTED: LazyLock<Prover> = LazyLock::new(|| prover(Kind::Committed(network().shape().clone()), 1));
static REGISTRATION: LazyLock<Prover> = LazyLock::new(|| prover(Kind::Registration(network().shape().clone()), 0));

fn sizes() -> CircuitSizes {
    CircuitSizes { inputs: 2, layers: vec![CircuitLayer { outputs: 2, shift: 0, relu: false }], values: false }
}

fn weights() -> Element {
    weights_commitment(Fr::from(WEIGHTS_SALT), &network()).into()
}

/// A program with public weights, and one that is a private network.
fn public() -> (Checked, [u8; 32]) {
    let (graph, tensors) = program_of(&network());
    let checked = Checked::check(graph).unwrap();
    let root = Weights::new(&checked, tensors).unwrap().root();
    (checked, root)
}

pub(super) fn private() -> (Checked, [u8; 32]) {
    let circuit = network().shape().sizes().sealed(&weights());
    let nodes = vec![Node { op: Op::Sealed { circuit, outputs: 1, kind: Bytes::I32 }, operands: vec![Operand::Input] }];
    (Checked::check(Graph::new(TensorType::new(Bytes::I8, &[2]), vec![], nodes)).unwrap(), [0; 32])
}

fn registration((program, root): &(Checked, [u8; 32])) -> MsgRegisterProgram {
    let (graph, weights_root) = (program.encoded().to_vec(), root.to_vec());
    MsgRegisterProgram { owner: owner().to_string(), graph, weights_root, ..MsgRegisterProgram::default() }
}

/// The key of a prover as its message, from its record; of a program, or of sizes.
fn key(prover: &Prover, registrar: Address, program: Option<&[u8]>) -> MsgRegisterCircuit {
    let sizes = Serves::Sizes(network().shape().sizes());
    let serves = program.map_or(sizes, |id| Serves::Program(id.try_into().unwrap()));
    let file = RecordFile::of(prover.record(), &serves, u32::try_from(prover.circuit().runs()).unwrap());
    key_registration(&file, registrar.to_string()).unwrap()
}

impl World {
    fn circuit(&mut self, m: MsgRegisterCircuit) -> Result<Vec<u8>> {
        self.fund(Address::parse(&m.registrar).unwrap(), 100_000);
        self.chain.tx(|ctx| Compute.register_circuit(ctx, m)).map(|done| done.key_id)
    }
    fn retire(&mut self, registrar: Address, key_id: &[u8], program_id: &[u8]) -> Result<()> {
        let m = MsgRetireCircuit { registrar: registrar.to_string(), key_id: key_id.to_vec(), program_id: program_id.to_vec() };
        self.chain.tx(|ctx| Compute.retire_circuit(ctx, m)).map(drop)
    }
    pub(super) fn context(&self, job: u64, prover: Address, program: &[u8], nonce: u64) -> Context {
        let (chain, program) = (chain32(&self.chain.block.chain_id), program.try_into().unwrap());
        Context { chain, job, prover: prover.as_bytes().to_vec(), program, nonce }
    }
    /// The public program with its key. Gives both.
    fn constant(&mut self) -> (Vec<u8>, Vec<u8>) {
        let program = self.register(registration(&public())).unwrap();
        let key = self.circuit(key(&CONSTANT, owner(), Some(&program))).unwrap();
        (program, key)
    }
    /// What proves that the private program's commitment opens to weights.
    fn seal_opening(&self, key_id: Vec<u8>) -> SealOpening {
        let (program, root) = private();
        let context = self.context(0, owner(), &program.id(&root), 0);
        let job = Job { context, network: network(), weights_salt: Fr::from(WEIGHTS_SALT), inputs: vec![] };
        let proof = REGISTRATION.prove(&job, &mut StdRng::seed_from_u64(1)).unwrap().1.to_vec();
        let file = SealFile {
            node: 0,
            sizes: network().shape().sizes(),
            weights: hex::encode(weights().bytes()),
            key: hex::encode(key_id),
            proof: hex::encode(proof),
        };
        seal_opening(&file).unwrap()
    }
    /// The private program with its keys. Gives the program and the key of its runs.
    pub(super) fn sealed(&mut self) -> (Vec<u8>, Vec<u8>) {
        let opens = self.circuit(key(&REGISTRATION, user(60), None)).unwrap();
        let runs = self.circuit(key(&COMMITTED, user(60), None)).unwrap();
        let seals = vec![self.seal_opening(opens)];
        (self.register(MsgRegisterProgram { seals, ..registration(&private()) }).unwrap(), runs)
    }
    /// The result of a proven job, by somebody.
    fn proven(&self, prover: &Prover, job_id: u64, program: &[u8], by: Address, seed: u64) -> MsgSubmitResult {
        let mut random = StdRng::seed_from_u64(seed);
        let prove = |(nonce, input): (u64, Input)| {
            let context = self.context(job_id, by, program, nonce);
            let job = Job { context, network: network(), weights_salt: Fr::from(WEIGHTS_SALT), inputs: vec![input] };
            prover.prove(&job, &mut random).unwrap().1.to_vec()
        };
        let proofs = (0..).zip(inputs()).map(prove).collect();
        let outputs = vec![0_i32.to_le_bytes().to_vec(), 1_i32.to_le_bytes().to_vec()];
        MsgSubmitResult { provider: by.to_string(), job_id, inputs: commitments(), outputs, proofs, ..MsgSubmitResult::default() }
    }
    fn running(&mut self, program: &[u8], key: &[u8]) -> u64 {
        let job = self.post(ask(program, key)).unwrap();
        self.accept(provider(), job).unwrap();
        job
    }
}

fn inputs() -> Vec<Input> {
    let input = |(values, salt): ([i8; 2], u64)| Input { values: values.to_vec(), salt: Fr::from(salt), answer_salt: Fr::from(0_u64) };
    INPUTS.into_iter().zip(5..).map(input).collect()
}

fn commitments() -> Vec<Vec<u8>> {
    inputs().iter().map(|input| Element::from(input_commitment(input.salt, &input.values)).bytes().to_vec()).collect()
}

fn ask(program: &[u8], key: &[u8]) -> MsgPostJob {
    let root = commitments().iter().fold(Sha256::new().chain_update(tag("cairn.inputs.v1")), |hash, input| hash.chain_update(input));
    MsgPostJob {
        requester: requester().to_string(),
        program_id: program.to_vec(),
        input_root: root.finalize().to_vec(),
        runs: u32::try_from(RUNS).unwrap(),
        price: super::world::base(PRICE),
        accept_blocks: 10,
        run_blocks: 20,
        verification: Verification::Groth16.into(),
        keys: vec![key.to_vec()],
        ..MsgPostJob::default()
    }
}

fn bad(number: u32, fault: ProofError) -> Error {
    Error::Proof { number, fault }
}

#[test]
fn a_result_whose_proofs_hold_is_paid_at_once() {
    let mut world = World::new();
    let (program, key) = world.constant();
    let job = world.running(&program, &key);
    let found = world.job(job);
    assert_eq!((found.verification(), found.trust()), (Verification::Groth16, Trust::TestKey));
    assert_eq!(found.locked.unwrap().amount, PRICE.to_string(), "once the price");
    let m = world.proven(&CONSTANT, job, &program, provider(), 1);
    let outputs = m.outputs.clone();
    assert_eq!(world.submit(m).unwrap(), 0);
    let found = world.job(job);
    assert_eq!((found.state(), found.outcome(), found.outputs), (JobState::Closed, JobOutcome::Paid, outputs));
    assert!(world.balance(provider()) >= PRICE * 97 / 100);
    assert_eq!(world.provider(provider()).bond.unwrap().amount, BOND.to_string());
    world.check();
    refused(world.challenge(user(10), job, [1; 32]), &Error::State(job));
}

#[test]
fn whoever_is_late_with_proofs_loses_its_part_of_the_price() {
    let mut world = World::new();
    let (program, key) = world.constant();
    let job = world.running(&program, &key);
    let due = world.job(job).due;
    world.run_to(due + 1);
    assert_eq!(world.state(job), JobState::Open);
    let lost = PRICE * u128::from(test_params().late_bps) / 10_000;
    assert_eq!(world.provider(provider()).bond.unwrap().amount, (BOND - lost).to_string());
}

#[test]
fn auctions_take_what_every_provider_can_do() {
    let mut world = World::market();
    world.bond(provider(), BOND).unwrap();
    let (program, key) = world.constant();
    refused(world.post(MsgPostJob { class_id: 1, ..ask(&program, &key) }), &Error::Auctioned);
    let (program, key) = world.sealed();
    let refereed = MsgPostJob { verification: 0, class_id: 1, ..ask(&program, &key) };
    refused(world.post(refereed.clone()), &Error::Auctioned);
    world.post(MsgPostJob { class_id: 0, ..refereed }).unwrap();
    let exported = world.chain.run(|ctx| Compute.export(ctx)).unwrap();
    let spoils: [fn(&mut Genesis); 3] =
        [|g| g.jobs[0].class_id = 1, |g| g.jobs[0].set_trust(Trust::Referee), |g| g.jobs[0].set_verification(Verification::Redundant)];
    for (i, spoil) in spoils.iter().enumerate() {
        let mut spoilt = exported.clone();
        spoil(&mut spoilt);
        assert_eq!(copy(&mut world, spoilt).1.unwrap_err().codespace, "compute", "case {i}");
    }
    copy(&mut world, exported).1.unwrap();
}

#[test]
fn copied_replayed_swapped_and_broken_proofs_are_refused_and_the_job_runs_on() {
    let mut world = World::new();
    let (program, key) = world.constant();
    let (job, other) = (world.running(&program, &key), world.running(&program, &key));
    let right = world.proven(&CONSTANT, job, &program, provider(), 1);
    let mut copied = world.proven(&CONSTANT, job, &program, user(70), 1);
    copied.provider = provider().to_string();
    refused(world.submit(copied), &bad(0, ProofError::False));
    refused(world.submit(MsgSubmitResult { job_id: other, ..right.clone() }), &bad(0, ProofError::False));
    let chain = std::mem::replace(&mut world.chain.block.chain_id, "another-1".into());
    refused(world.submit(right.clone()), &bad(0, ProofError::False));
    world.chain.block.chain_id = chain;
    let spoilt = |spoil: fn(&mut MsgSubmitResult)| {
        let mut m = right.clone();
        spoil(&mut m);
        m
    };
    let cases: [(MsgSubmitResult, Error); 10] = [
        (spoilt(|m| m.proofs.swap(0, 1)), bad(0, ProofError::False)),
        (spoilt(|m| m.proofs[1].truncate(127)), bad(1, ProofError::Length)),
        (spoilt(|m| m.proofs[1][..32].fill(255)), bad(1, ProofError::Point("A"))),
        (spoilt(|m| m.outputs[0] = 1_i32.to_le_bytes().to_vec()), bad(0, ProofError::False)),
        (spoilt(|m| m.outputs[0] = (-1_i32).to_le_bytes().to_vec()), Error::Result),
        (spoilt(|m| m.outputs[0] = vec![0; 3]), Error::Result),
        (spoilt(|m| m.inputs.swap(0, 1)), Error::Inputs),
        (spoilt(|m| m.inputs[0] = vec![255; 32]), Error::Inputs),
        (spoilt(|m| m.proofs.truncate(1)), Error::Result),
        (spoilt(|m| m.nodes_roots.push(vec![0; 32])), Error::Result),
    ];
    for (m, error) in cases {
        refused(world.submit(m), &error);
    }
    assert_eq!(world.state(job), JobState::Running);
    // Other bytes for the same statement are as good, once.
    let again = world.proven(&CONSTANT, job, &program, provider(), 2);
    assert_ne!(again.proofs, right.proofs);
    world.submit(again).unwrap();
    refused(world.submit(right), &Error::State(job));
}

#[test]
fn a_private_network_is_proven_by_what_its_program_pins() {
    let mut world = World::new();
    let (program, key) = world.sealed();
    let job = world.running(&program, &key);
    let constant = world.proven(&COMMITTED, job, &program, user(70), 1);
    refused(world.submit(MsgSubmitResult { provider: provider().to_string(), ..constant }), &bad(0, ProofError::False));
    world.submit(world.proven(&COMMITTED, job, &program, provider(), 1)).unwrap();
    assert_eq!(world.job(job).outcome(), JobOutcome::Paid);
    let refereed = MsgPostJob { verification: 0, ..ask(&program, &key) };
    let job = world.post(refereed.clone()).unwrap();
    assert_eq!(world.job(job).trust(), Trust::TestKey, "a key stands for the sealed operator");
    refused(world.post(MsgPostJob { keys: vec![], ..refereed }), &Error::Keys { needed: 1, found: 0 });
}

#[test]
fn private_weights_of_which_nothing_is_proven_are_refused() {
    let mut world = World::new();
    let opens = world.circuit(key(&REGISTRATION, user(60), None)).unwrap();
    let runs = world.circuit(key(&COMMITTED, user(60), None)).unwrap();
    let right = world.seal_opening(opens);
    let with = |seals| MsgRegisterProgram { seals, ..registration(&private()) };
    let mut other = right.clone();
    other.seal.as_mut().unwrap().weights = vec![1; 32];
    let mut foreign = right.clone();
    foreign.seal.as_mut().unwrap().key_id = runs;
    let mut wide = right.clone();
    wide.seal.as_mut().unwrap().sizes.as_mut().unwrap().inputs = 3;
    for (seals, error) in [
        (vec![], Error::Seals),
        (vec![right.clone(), right.clone()], Error::Seals),
        (vec![other], Error::Seals),
        (vec![wide], Error::Seals),
        (vec![foreign], Error::OtherCircuit),
        (vec![SealOpening { proof: vec![0; 127], ..right.clone() }], bad(0, ProofError::Length)),
    ] {
        refused(world.register(with(seals)), &error);
    }
    let stolen = MsgRegisterProgram { owner: user(61).to_string(), ..with(vec![right.clone()]) };
    refused(world.register(stolen), &bad(0, ProofError::False));
    world.register(with(vec![right])).unwrap();
}

#[test]
fn keys_are_taken_from_whom_they_may_come() {
    let mut world = World::new();
    let program = world.register(registration(&public())).unwrap();
    let right = key(&CONSTANT, owner(), Some(&program));
    let shared = key(&COMMITTED, user(60), None);
    let ceremony = Provenance::Ceremony { contributions: 3, transcript: [1; 32] }.encode().to_vec();
    let mut degenerate = right.clone();
    let gamma = degenerate.key[96..160].to_vec();
    degenerate.key[160..224].copy_from_slice(&gamma);
    let cases = [
        (MsgRegisterCircuit { registrar: user(60).to_string(), ..right.clone() }, Error::NotProgramOwner(user(60).to_string())),
        (MsgRegisterCircuit { program_id: vec![1; 32], ..right.clone() }, Error::NoProgram(hex::encode([1; 32]))),
        (MsgRegisterCircuit { provenance: ceremony.clone(), ..right.clone() }, Error::Provenance),
        (MsgRegisterCircuit { provenance: vec![9; 37], ..right.clone() }, Error::Key(KeyError::Provenance)),
        (MsgRegisterCircuit { key: right.key[..295].to_vec(), ..right.clone() }, Error::KeySize(295)),
        (MsgRegisterCircuit { runs: 65, ..right.clone() }, Error::ProofRuns { runs: 65, most: 64 }),
        (MsgRegisterCircuit { runs: 0, ..right.clone() }, Error::ProofRuns { runs: 0, most: 64 }),
        (MsgRegisterCircuit { sizes: Some(sizes()), ..right.clone() }, Error::Sizes),
        (MsgRegisterCircuit { sizes: None, ..shared.clone() }, Error::Sizes),
        (MsgRegisterCircuit { runs: 2, ..shared.clone() }, Error::OtherCircuit),
        (degenerate, Error::Key(KeyError::DeltaIsGamma)),
    ];
    for (m, error) in cases {
        refused(world.circuit(m), &error);
    }
    let supply = world.supply();
    let id = world.circuit(right.clone()).unwrap();
    assert_eq!(world.supply(), supply, "what it was given was burnt");
    refused(world.circuit(right.clone()), &Error::CircuitRegistered(hex::encode(&id)));
    let by_vote = MsgRegisterCircuit { registrar: authority().to_string(), provenance: ceremony, ..right };
    let voted = world.circuit(by_vote).unwrap();
    let ask = |key: &[u8]| QueryCircuitRequest { key_id: hex::encode(key), program_id: hex::encode(&program) };
    let found = [&id, &voted].map(|key| world.chain.run(|ctx| Compute.circuit(ctx, ask(key))).unwrap().circuit.unwrap().trust());
    assert_eq!(found, [Trust::TestKey, Trust::Ceremony]);
    let all = |program_id| QueryCircuitsRequest { program_id, pagination: None };
    assert_eq!(world.chain.run(|ctx| Compute.circuits(ctx, all(hex::encode(&program)))).unwrap().circuits.len(), 2);
}

#[test]
fn a_retired_key_serves_the_jobs_that_it_serves_and_no_new_ones() {
    let mut world = World::new();
    let (program, key) = world.constant();
    let job = world.running(&program, &key);
    refused(world.retire(user(60), &key, &program), &Error::NotRegistrar(user(60).to_string()));
    world.retire(owner(), &key, &program).unwrap();
    refused(world.retire(authority(), &key, &program), &Error::Retired(hex::encode(&key)));
    refused(world.post(ask(&program, &key)), &Error::Retired(hex::encode(&key)));
    world.submit(world.proven(&CONSTANT, job, &program, provider(), 1)).unwrap();
    assert_eq!(world.job(job).outcome(), JobOutcome::Paid);
}

#[test]
fn orders_that_no_key_can_prove_are_refused() {
    let mut world = World::new();
    let (program, key) = world.constant();
    let right = ask(&program, &key);
    let other = world.register(world.registration(0, 0)).unwrap();
    let cases = [
        (MsgPostJob { keys: vec![], ..right.clone() }, Error::Keys { needed: 1, found: 0 }),
        (MsgPostJob { keys: vec![vec![1; 32]], ..right.clone() }, Error::NoCircuit(hex::encode([1; 32]))),
        (MsgPostJob { keys: vec![vec![1]], ..right.clone() }, Error::Hash(1)),
        (MsgPostJob { runs: 65, ..right.clone() }, Error::ProofRuns { runs: 65, most: 64 }),
        (MsgPostJob { verification: Verification::Tee.into(), ..right.clone() }, Error::NoEnclave(hex::encode(&right.keys[0]))),
        (MsgPostJob { verification: 9, ..right.clone() }, Error::Verification),
        (MsgPostJob { redundancy: 3, ..right.clone() }, Error::Verification),
        (MsgPostJob { verification: 0, ..right.clone() }, Error::Keys { needed: 0, found: 1 }),
    ];
    for (m, error) in cases {
        refused(world.post(m), &error);
    }
    assert_eq!(world.post(MsgPostJob { program_id: other, ..right }).unwrap_err().code, 40, "it answers several classes");
}

#[test]
fn a_chain_without_test_keys_does_not_start_with_one_and_never_takes_them() {
    let mut world = World::new();
    world.constant();
    world.sealed();
    let exported = world.chain.run(|ctx| Compute.export(ctx)).unwrap();
    assert_eq!(exported.circuits.len(), 3);
    let circuits = |params: Params| Genesis { params: Some(params), providers: vec![], ..exported.clone() };
    let mut same = World::unstarted();
    same.chain.tx(|ctx| Compute.init(ctx, circuits(test_params()))).unwrap();
    let again = same.chain.run(|ctx| Compute.export(ctx)).unwrap();
    assert_eq!((again.circuits, again.programs), (exported.circuits.clone(), exported.programs.clone()));
    refused(World::unstarted().chain.tx(|ctx| Compute.init(ctx, circuits(main_params()))), &Error::Provenance);
    let spoils: [fn(&mut Genesis); 3] = [|g| g.circuits[0].trust = 2, |g| g.circuits[0].key_id[0] ^= 1, |g| g.programs[0].seals.clear()];
    for spoil in spoils {
        let mut spoilt = circuits(test_params());
        spoilt.programs.sort_by_key(|program| program.seals.is_empty());
        spoil(&mut spoilt);
        assert_eq!(World::unstarted().chain.tx(|ctx| Compute.init(ctx, spoilt)).unwrap_err().codespace, "compute");
    }
    let mut main = World::unstarted();
    main.chain.tx(|ctx| Compute.init(ctx, Genesis { params: Some(main_params()), ..Genesis::default() })).unwrap();
    refused(main.circuit(key(&COMMITTED, user(60), None)), &Error::Provenance);
}
