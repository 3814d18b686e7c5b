//! Proven jobs, and private weights: keys from files, real proofs, paid at once; a liar about private weights is convicted by a proof.
use std::{cell::RefCell, fs, os::unix::fs::PermissionsExt, path::Path, rc::Rc, sync::Arc};

use ark_bn254::Fr;
use cairn_agent::{
    liar::Liar,
    proofs::{SaltedInputs, salt_text, weights_element},
    run::World as _,
};
use cairn_circuits::{Circuit, Head, Job as Proven, Kind, Layer, LayerShape, Network, Prover, Shape, program_of};
use cairn_compute::{RecordFile, key_registration};
use cairn_device::open;
use cairn_kernel::{Address, chain32};
use cairn_models::{Card, ModelFile, write_inputs};
use cairn_program::{Graph, Kind as Bytes, Node, Op, Operand, TensorType};
use cairn_proto::{
    cairn::compute::v1::{CircuitLayer, CircuitSizes, JobOutcome, JobState, MsgPostJob, Seal, SealOpening, Verification},
    pack,
};
use cairn_verifier::{Context, Serves};
use rand::rngs::OsRng;

use crate::{
    place::{BOND, LOCKED, PRICE, PROVIDER, Place, REQUESTER, WATCHER, agent, draw, honest, killed_once, until_closed},
    support::{CHAIN_ID, coin},
};

/// Salt of the commitment to the private network's weights.
const SALT: u64 = 99;

fn network() -> Network {
    let shape = Shape { inputs: 3, layers: vec![LayerShape { outputs: 2, shift: 0, relu: false }], head: Head::Argmax };
    Network::new(shape, vec![Layer { weights: vec![3, -2, 7, -1, 5, 2], biases: vec![1, -1] }]).expect("a network")
}

/// The network as a public model, and as one whose weights are private.
fn public() -> ModelFile {
    let (graph, tensors) = program_of(&network());
    ModelFile::new(Card::default(), graph, tensors).expect("a model")
}

fn private() -> ModelFile {
    let circuit = network().shape().sizes().sealed(&weights_element(Fr::from(SALT), &network()));
    let nodes = vec![Node { op: Op::Sealed { circuit, outputs: 1, kind: Bytes::I32 }, operands: vec![Operand::Input] }];
    ModelFile::new(Card::default(), Graph::new(TensorType::new(Bytes::I8, &[3]), vec![], nodes), vec![]).expect("a model")
}

fn prover(kind: Kind, runs: usize) -> Prover {
    Prover::for_tests(Circuit::new(kind, runs).expect("a circuit"), [7; 32]).expect("a key")
}

impl Place {
    /// The requester registers a key.
    fn key(&mut self, prover: &Prover, serves: &Serves) -> Vec<u8> {
        let file = RecordFile::of(prover.record(), serves, u32::try_from(prover.circuit().runs()).expect("few"));
        let message = key_registration(&file, self.name(REQUESTER)).expect("a record");
        self.send(REQUESTER, pack(&message)).expect("registered");
        prover.record().id().to_vec()
    }
    /// The private program with its seal and the key of its runs.
    fn sealed(&mut self, runs: &Prover) -> Vec<u8> {
        let serves = Serves::Sizes(network().shape().sizes());
        let opens = prover(Kind::Registration(network().shape().clone()), 0);
        let key_id = self.key(&opens, &serves);
        let owner = Address::parse(&self.name(REQUESTER)).expect("an address");
        let context = Context { chain: chain32(CHAIN_ID), job: 0, prover: owner.as_bytes().to_vec(), program: private().id(), nonce: 0 };
        let job = Proven { context, network: network(), weights_salt: Fr::from(SALT), inputs: vec![] };
        let proof = opens.prove(&job, &mut OsRng).expect("a proof").1.to_vec();
        let sizes = CircuitSizes { inputs: 3, layers: vec![CircuitLayer { outputs: 2, shift: 0, relu: false }], values: false };
        let weights = weights_element(Fr::from(SALT), &network()).bytes().to_vec();
        self.register(&private(), vec![SealOpening { seal: Some(Seal { node: 0, sizes: Some(sizes), weights, key_id }), proof }]);
        self.key(runs, &serves)
    }
}

/// Puts a proving key and the private network where an agent looks for them.
fn equip(folder: &Path, prover: &Prover) {
    for part in ["keys", "private"] {
        fs::create_dir_all(folder.join(part)).expect("a folder");
    }
    let mut key = Vec::new();
    prover.write(&mut key).expect("a key");
    fs::write(folder.join("keys/any name"), key).expect("written");
    fs::write(folder.join("keys/README"), "not a key").expect("written");
    fs::write(folder.join("private/net.safetensors"), public().write().expect("a file")).expect("written");
    let salt = folder.join("private/net.salt");
    fs::write(&salt, salt_text(Fr::from(SALT))).expect("written");
    fs::set_permissions(&salt, fs::Permissions::from_mode(0o600)).expect("set");
}

fn salted(model: &ModelFile, runs: usize) -> SaltedInputs {
    SaltedInputs::new(draw(model, runs), (0..runs as u64).map(Fr::from).collect()).expect("salted")
}

fn proven(key: Vec<u8>) -> MsgPostJob {
    MsgPostJob { keys: vec![key], verification: Verification::Groth16.into(), ..MsgPostJob::default() }
}

/// A chain on which a proven job of four runs waits, two runs a proof, of the public or the private network.
fn place(prover: &Prover, sealed: bool) -> Rc<RefCell<Place>> {
    let model = if sealed { private() } else { public() };
    let inputs = salted(&model, 4);
    let mut place = Place::new(&model, inputs.write().expect("a file"));
    let key = if sealed {
        place.sealed(prover)
    } else {
        place.register(&model, vec![]);
        place.key(prover, &Serves::Program(model.id()))
    };
    place.post(&model, inputs.root(), 4, proven(key));
    Rc::new(RefCell::new(place))
}

fn paid_once(prover: &Prover, sealed: bool) {
    let mut paid = Vec::new();
    for kill in 0.. {
        let (place, folder) = (place(prover, sealed), tempfile::tempdir().expect("a folder"));
        equip(folder.path(), prover);
        let before = place.borrow().wealth(PROVIDER);
        let (left, job) = killed_once(&place, PROVIDER, kill, folder.path());
        assert_eq!((job.outcome(), job.case_id), (JobOutcome::Paid, 0), "killed at {kill}");
        let classes = |run: &Vec<u8>| u32::from_le_bytes(run.as_slice().try_into().expect("a class"));
        let right: Vec<u32> = draw(&public(), 4).tensors().iter().map(|input| class(&input.values)).collect();
        assert_eq!(job.outputs.iter().map(classes).collect::<Vec<_>>(), right);
        paid.push(place.borrow().wealth(PROVIDER) - before);
        let provider = agent(&place, PROVIDER, 9, honest(), folder.path()).world().provider().expect("an answer").expect("a provider");
        assert_eq!((provider.paid, provider.late, provider.bond), (1, 0, Some(coin(BOND))), "killed at {kill}");
        if left > 0 || kill == 40 {
            break;
        }
    }
    assert!(paid.len() > 10 && paid[0] > 0 && paid.iter().all(|pay| *pay == paid[0]), "{paid:?}");
}

fn class(input: &[i32]) -> u32 {
    let values: Vec<i8> = input.iter().map(|value| i8::try_from(*value).expect("int8")).collect();
    network().run(&values).expect("an answer").elements()[0].cast_unsigned()
}

#[test]
fn a_prover_killed_at_any_call_is_paid_at_once_and_once() {
    paid_once(&prover(Kind::Constant(network()), 2), false);
}

#[test]
fn a_prover_with_private_weights_is_paid_for_what_it_proves() {
    paid_once(&prover(Kind::Committed(network().shape().clone()), 2), true);
}

#[test]
fn a_job_without_its_key_weights_or_inputs_is_left_alone() {
    let (committed, prover) = (prover(Kind::Committed(network().shape().clone()), 2), prover(Kind::Constant(network()), 2));
    for (case, sealed) in [("no key", false), ("another key", false), ("other inputs", false), ("no weights", true)] {
        let (place, folder) = (place(if sealed { &committed } else { &prover }, sealed), tempfile::tempdir().expect("a folder"));
        match case {
            "no key" => (),
            "another key" => equip(folder.path(), &committed),
            "other inputs" => {
                equip(folder.path(), &prover);
                place.borrow_mut().serve(write_inputs(draw(&public(), 4).tensors()).expect("a file"));
            }
            _ => {
                equip(folder.path(), &committed);
                fs::remove_dir_all(folder.path().join("private")).expect("removed");
            }
        }
        let mut agent = agent(&place, PROVIDER, usize::MAX, honest(), folder.path());
        for _ in 0..3 {
            agent.step().expect("the disk");
            place.borrow_mut().net.run(vec![]);
        }
        assert_eq!(place.borrow().job().state(), JobState::Open, "{case}");
    }
}

#[test]
fn who_lies_about_private_weights_is_convicted_by_a_proof() {
    let prover = prover(Kind::Committed(network().shape().clone()), 1);
    let inputs = draw(&private(), 2);
    let mut place = Place::new(&private(), write_inputs(inputs.tensors()).expect("a file"));
    let key = place.sealed(&prover);
    place.post(&private(), inputs.root(), 2, MsgPostJob { keys: vec![key], ..MsgPostJob::default() });
    let (place, folders) = (Rc::new(RefCell::new(place)), [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")]);
    folders.iter().for_each(|folder| equip(folder.path(), &prover));
    let before: Vec<u128> = (0..3).map(|who| place.borrow().wealth(who)).collect();
    let liar = Liar::new(open("reference").expect("a device"), 0);
    let mut liar = agent(&place, PROVIDER, usize::MAX, Arc::new(liar), folders[0].path());
    let mut watcher = agent(&place, WATCHER, usize::MAX, honest(), folders[1].path());
    let job = until_closed(&place, || {
        liar.step().expect("the disk");
        watcher.step().expect("the disk");
    });
    assert_eq!((job.outcome(), job.case_id), (JobOutcome::Wrong, 1));
    let place = place.borrow();
    assert_eq!(place.wealth(WATCHER), before[WATCHER] + LOCKED * 35 / 100);
    assert_eq!(place.wealth(REQUESTER), before[REQUESTER] + PRICE, "refunded");
}
