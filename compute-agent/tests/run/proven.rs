//! Proven jobs, and private weights: keys from files, real proofs, paid at once; a liar about private weights is convicted by a proof.
use std::{cell::RefCell, fs, os::unix::fs::PermissionsExt, path::Path, rc::Rc};

use ark_bn254::Fr;
use cairn_agent::proofs::{SaltedInputs, salt_text, weights_element};
use cairn_circuits::{Circuit, Head, Job as Proven, Kind, Layer, LayerShape, Network, Prover, Shape, program_of};
use cairn_compute::{RecordFile, key_registration};
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
    cast::{Part, kills, play, sent},
    place::{BOND, LOCKED, PRICE, PROVIDER, Place, REQUESTER, Shared, WATCHER, draw},
    support::CHAIN_ID,
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
    fs::write(folder.join("private/net.salt"), salt_text(Fr::from(SALT))).expect("written");
    for secret in ["private/net.salt", "private/net.safetensors"] {
        fs::set_permissions(folder.join(secret), fs::Permissions::from_mode(0o600)).expect("set");
    }
}

/// A chain on which a proven job of four runs waits, two runs a proof, of the public or the private network.
fn place(prover: &Prover, sealed: bool) -> Shared {
    let model = if sealed { private() } else { public() };
    let salted = SaltedInputs::new(draw(&model, 4), (0..4).map(Fr::from).collect()).expect("salted");
    let mut place = Place::of(0, &model, salted.write().expect("a file"), salted.root(), 4);
    let key = if sealed {
        place.sealed(prover)
    } else {
        place.register(&model, vec![]);
        place.key(prover, &Serves::Program(model.id()))
    };
    place.bond(PROVIDER);
    place.post(|order| MsgPostJob { keys: vec![key], verification: Verification::Groth16.into(), ..order });
    Rc::new(RefCell::new(place))
}

fn kit(prover: &Rc<Prover>) -> Rc<dyn Fn(&Path)> {
    let prover = Rc::clone(prover);
    Rc::new(move |folder| equip(folder, &prover))
}

fn class(input: &[i32]) -> u32 {
    let values: Vec<i8> = input.iter().map(|value| i8::try_from(*value).expect("int8")).collect();
    network().run(&values).expect("an answer").elements()[0].cast_unsigned()
}

fn paid_once(prover: Prover, sealed: bool) {
    let prover = Rc::new(prover);
    let right: Vec<u32> = draw(&public(), 4).tensors().iter().map(|input| class(&input.values)).collect();
    let course = |kill: usize| {
        let place = place(&prover, sealed);
        let before = place.borrow().wealth(PROVIDER);
        let steps = play(&place, &[Part::honest(PROVIDER).equipped(&kit(&prover))], kill);
        let place = place.borrow();
        let (job, provider) = (place.job(1), place.provider(PROVIDER));
        assert_eq!((job.outcome(), job.case_id), (JobOutcome::Paid, 0), "killed at {kill}");
        let classes = |run: &Vec<u8>| u32::from_le_bytes(run.as_slice().try_into().expect("a class"));
        assert_eq!(job.outputs.iter().map(classes).collect::<Vec<_>>(), right);
        assert_eq!((provider.paid, provider.late, place.free_bond(PROVIDER)), (1, 0, BOND), "killed at {kill}");
        (steps, place.wealth(PROVIDER) - before)
    };
    let (steps, pay) = course(usize::MAX);
    assert!(sent(&steps) == 2 && pay > 0, "{steps:?}");
    for kill in kills(&steps) {
        assert_eq!(course(kill).1, pay, "killed at {kill}");
    }
}

#[test]
fn a_prover_killed_at_any_call_is_paid_at_once_and_once() {
    paid_once(prover(Kind::Constant(network()), 2), false);
}

#[test]
fn a_prover_with_private_weights_is_paid_for_what_it_proves() {
    paid_once(prover(Kind::Committed(network().shape().clone()), 2), true);
}

#[test]
fn a_job_without_its_key_weights_or_inputs_is_left_alone() {
    let (constant, committed) = (prover(Kind::Constant(network()), 2), prover(Kind::Committed(network().shape().clone()), 2));
    for case in ["no key", "another key", "other inputs", "no weights"] {
        let place = place(if case == "no weights" { &committed } else { &constant }, case == "no weights");
        let folder = tempfile::tempdir().expect("a folder");
        match case {
            "no key" => (),
            "another key" => equip(folder.path(), &committed),
            "other inputs" => {
                equip(folder.path(), &constant);
                place.borrow_mut().inputs = write_inputs(draw(&public(), 4).tensors()).expect("a file");
            }
            _ => {
                equip(folder.path(), &committed);
                fs::remove_dir_all(folder.path().join("private")).expect("removed");
            }
        }
        let part = Part::honest(PROVIDER);
        let mut agent = part.start(&place, &part.settings, usize::MAX, folder.path());
        for _ in 0..3 {
            agent.step().expect("the disk");
            place.borrow_mut().block();
        }
        assert_eq!(place.borrow().job(1).state(), JobState::Open, "{case}");
    }
}

#[test]
fn who_lies_about_private_weights_is_convicted_by_a_proof() {
    let prover = Rc::new(prover(Kind::Committed(network().shape().clone()), 1));
    let inputs = draw(&private(), 2);
    let mut place = Place::of(0, &private(), write_inputs(inputs.tensors()).expect("a file"), inputs.root(), 2);
    let key = place.sealed(&prover);
    place.bond(PROVIDER);
    place.post(|order| MsgPostJob { keys: vec![key], ..order });
    let place = Rc::new(RefCell::new(place));
    let before: Vec<u128> = (0..3).map(|who| place.borrow().wealth(who)).collect();
    let cast = [Part::honest(WATCHER), Part::liar(PROVIDER, 0)].map(|part| part.equipped(&kit(&prover)));
    play(&place, &cast, usize::MAX);
    let place = place.borrow();
    assert_eq!((place.job(1).outcome(), place.job(1).case_id), (JobOutcome::Wrong, 1));
    assert_eq!(place.wealth(WATCHER), before[WATCHER] + LOCKED * 35 / 100);
    assert_eq!(place.wealth(REQUESTER), before[REQUESTER] + PRICE, "refunded");
}
