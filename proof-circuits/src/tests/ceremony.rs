//! A ceremony from the powers to a proof, and what is wrong with others.
use std::sync::LazyLock;

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use cairn_verifier::{Claim, PreparedKey, Provenance};

use super::*;
use crate::{
    Circuit, Kind, Prover,
    ceremony::{Beacon, Ceremony, CeremonyError, Powers, initial_key, powers_needed},
};

const BEACON: Beacon = Beacon { value: [9; 32], rounds: 4 };

#[derive(Clone)]
struct Made {
    circuit: Circuit,
    initial: ark_groth16::ProvingKey<ark_bn254::Bn254>,
    ceremony: Ceremony,
    network: Network,
}

/// One ceremony for all tests: seconds of work.
fn made() -> Made {
    static MADE: LazyLock<Made> = LazyLock::new(make);
    MADE.clone()
}

fn make() -> Made {
    let mut random = random(21);
    let layers = vec![LayerShape { outputs: 2, shift: 7, relu: true }];
    let network = network(&Shape { inputs: 2, layers, head: Head::Argmax }, &mut random);
    let circuit = Circuit::new(Kind::Constant(network.clone()), 1).expect("a circuit");
    let power = powers_needed(&circuit).expect("a circuit").ilog2();
    let powers = Powers::known(power, Fr::from(1234u64), Fr::from(77u64), Fr::from(99u64));
    let initial = initial_key(&circuit, &powers).expect("a key");
    let mut ceremony = Ceremony::new(circuit.digest(), initial.clone());
    for name in ["Ada", "Blaise", "Carl"] {
        ceremony.contribute(name, b"dice", &mut random).expect("a contribution");
    }
    ceremony.close("block 1234", BEACON, &mut random).expect("a beacon");
    Made { circuit, initial, ceremony, network }
}

#[test]
fn a_ceremony_makes_a_key_that_proves() {
    let made = made();
    let mut random = random(22);
    made.ceremony.verify(&made.initial, &mut random).expect("a ceremony");
    assert!(made.ceremony.is_closed());
    let provenance = made.ceremony.provenance();
    assert!(matches!(provenance, Provenance::Ceremony { contributions: 3, .. }) && provenance.is_for_production());
    let prover = Prover::new(made.circuit.clone(), made.ceremony.key.clone(), provenance).expect("a key");
    let job = job(&made.network, 1, &mut random);
    let (statement, proof) = prover.prove(&job, &mut random).expect("a proof");
    let claim = Claim { inputs: vec![statement.input().expect("an input")], proof: &proof };
    assert_eq!(PreparedKey::new(&prover.record().key).verify(&claim), Ok(()));
    let before = Prover::new(made.circuit, made.initial, Provenance::Test);
    assert!(matches!(before, Err(crate::ProveError::Key(cairn_verifier::KeyError::DeltaIsGamma))), "the initial key is no key");
}

#[test]
fn changed_ceremonies_are_refused() {
    let made = made();
    let mut random = random(23);
    let point = G1Affine::generator();
    type Change = fn(&mut Ceremony, G1Affine);
    let changes: [(&str, Change); 14] = [
        ("delta", |c, p| c.key.delta_g1 = p),
        ("delta in G2", |c, _| c.key.vk.delta_g2 = G2Affine::generator()),
        ("l", |c, p| c.key.l_query[3] = (c.key.l_query[3] + p).into_affine()),
        ("h", |c, p| c.key.h_query[5] = (c.key.h_query[5] + p).into_affine()),
        ("h's length", |c, _| c.key.h_query.truncate(5)),
        ("a", |c, p| c.key.a_query[1] = p),
        ("an input", |c, p| c.key.vk.gamma_abc_g1[1] = p),
        ("gamma", |c, _| c.key.vk.gamma_g2 = c.key.vk.delta_g2),
        ("a contribution less", |c, _| drop(c.contributions.remove(1))),
        ("the order", |c, _| c.contributions.swap(0, 1)),
        ("a name", |c, _| c.contributions[1].name = "Emmy".to_owned()),
        ("an answer", |c, _| c.contributions[2].answer += Fr::ONE),
        ("the beacon's value", |c, _| c.contributions[3].beacon = Some(Beacon { value: [8; 32], rounds: 4 })),
        ("no beacon", |c, _| c.contributions[3].beacon = None),
    ];
    for (name, change) in changes {
        let mut changed = made.ceremony.clone();
        change(&mut changed, point);
        assert!(changed.verify(&made.initial, &mut random).is_err(), "{name}");
    }
    let mut other = made.ceremony.clone();
    other.circuit = [1; 32];
    assert!(matches!(other.verify(&made.initial, &mut random), Err(CeremonyError::Contribution(1))));
}

#[test]
fn a_closed_ceremony_takes_nothing_more() {
    let Made { mut ceremony, .. } = made();
    let mut random = random(24);
    assert!(matches!(ceremony.contribute("late", b"", &mut random), Err(CeremonyError::Over)));
    assert!(matches!(ceremony.close("late", BEACON, &mut random), Err(CeremonyError::Over)));
    ceremony.contributions.pop();
    let long = "x".repeat(201);
    assert!(matches!(ceremony.contribute(&long, b"", &mut random), Err(CeremonyError::Format(_))));
}

#[test]
fn files_hold_what_was_written_and_nothing_else() {
    let made = made();
    let mut file = Vec::new();
    made.ceremony.write(&mut file).expect("in memory");
    assert_eq!(Ceremony::read(&made.circuit, &mut &file[..]).expect("a ceremony"), made.ceremony);
    let prover = Prover::new(made.circuit.clone(), made.ceremony.key.clone(), made.ceremony.provenance()).expect("a key");
    let mut key = Vec::new();
    prover.write(&mut key).expect("in memory");
    assert_eq!(Prover::record_of(&mut &key[..]).expect("a record").id(), prover.record().id(), "its head tells which key it is");
    assert!(Prover::record_of(&mut &key[..700]).is_err() && Prover::record_of(&mut &key[1..]).is_err());
    let again = Prover::read(made.circuit.clone(), &mut &key[..]).expect("a key");
    assert_eq!((again.record(), again.key()), (prover.record(), prover.key()));
    for length in [0, 15, 16, 47, 48, 52, 60, 100, 400, file.len() / 2, file.len() - 1] {
        assert!(Ceremony::read(&made.circuit, &mut &file[..length]).is_err(), "{length}");
        assert!(Prover::read(made.circuit.clone(), &mut &key[..length.min(key.len() - 1)]).is_err(), "{length}");
    }
    assert!(Ceremony::read(&made.circuit, &mut &[&file[..], &[0]].concat()[..]).is_err());
    for at in [0, 20, 49, 52, 60, 70, 90, 130, 170, 400, file.len() - 10] {
        let mut changed = file.clone();
        changed[at] ^= 0x11;
        let verified = Ceremony::read(&made.circuit, &mut &changed[..]).and_then(|read| read.verify(&made.initial, &mut random(25)));
        assert!(verified.is_err(), "{at}");
    }
    let other = Circuit::new(Kind::Constant(made.network), 2).expect("a circuit");
    assert!(matches!(Ceremony::read(&other, &mut &file[..]), Err(CeremonyError::Format("it is of another circuit"))));
}
