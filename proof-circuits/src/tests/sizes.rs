//! Constraint counts, and proofs from end to end.
use cairn_verifier::{Claim, PreparedKey};

use super::*;
use crate::{Circuit, Kind, Prover, prover::constraints, verify_all};

fn count(kind: Kind, runs: usize) -> usize {
    constraints(&Circuit::new(kind, runs).expect("a circuit")).expect("constraints").0.len()
}

/// The digits network: at most 15,200 constraints with committed weights, 3,200 with constant ones.
#[test]
fn the_digits_network_keeps_to_its_bounds() {
    let digits = shape(&[64, 32, 10], Head::Argmax);
    let constant = count(Kind::Constant(network(&digits, &mut random(1))), 1);
    let committed = count(Kind::Committed(digits.clone()), 1);
    let registration = count(Kind::Registration(digits), 0);
    println!("constant {constant}, committed {committed}, registration {registration}");
    assert!(committed <= 15_200, "{committed}");
    assert!(constant <= 3_200, "{constant}");
}

#[test]
fn proofs_of_every_kind_verify() {
    let mut random = random(2);
    for (widths, head) in [(&[6, 4, 3][..], Head::Argmax), (&[5, 4], Head::Values)] {
        let shape = shape(widths, head);
        let network = network(&shape, &mut random);
        let kinds = [(Kind::Constant(network.clone()), 1), (Kind::Committed(shape.clone()), 2), (Kind::Registration(shape), 0)];
        for (kind, runs) in kinds {
            let prover = Prover::for_tests(Circuit::new(kind, runs).expect("a circuit"), [7; 32]).expect("a key");
            let (statement, proof) = prover.prove(&job(&network, runs, &mut random), &mut random).expect("a proof");
            let claim = Claim { inputs: vec![statement.input().expect("an input")], proof: &proof };
            assert_eq!(PreparedKey::new(&prover.record().key).verify(&claim), Ok(()));
        }
    }
}

#[test]
fn shared_work_has_the_verdicts_of_one_core() {
    let mut random = random(5);
    let network = network(&shape(&[3, 2], Head::Argmax), &mut random);
    let circuit = Circuit::new(Kind::Constant(network.clone()), 1).expect("a circuit");
    let prover = Prover::for_tests(circuit, [7; 32]).expect("a key");
    let made: Vec<_> = (0..9).map(|_| prover.prove(&job(&network, 1, &mut random), &mut random).expect("a proof")).collect();
    let mut claims: Vec<Claim<'_>> =
        made.iter().map(|(statement, proof)| Claim { inputs: vec![statement.input().expect("an input")], proof }).collect();
    let key = PreparedKey::new(&prover.record().key);
    assert!(verify_all(&key, &claims).iter().all(Result::is_ok));
    claims[4].inputs[0] += Fr::from(1u64);
    claims[7].proof = &[];
    assert_eq!(verify_all(&key, &claims), key.verify_all(&claims));
    assert_eq!(verify_all(&key, &claims).iter().filter(|verdict| verdict.is_err()).count(), 2);
    assert!(verify_all(&key, &[]).is_empty());
}

#[test]
fn proofs_of_one_statement_differ() {
    let mut random = random(3);
    let network = network(&shape(&[3, 2], Head::Argmax), &mut random);
    let circuit = Circuit::new(Kind::Constant(network.clone()), 1).expect("a circuit");
    let prover = Prover::for_tests(circuit, [7; 32]).expect("a key");
    let job = job(&network, 1, &mut random);
    let (one, other) = (prover.prove(&job, &mut random).expect("a proof"), prover.prove(&job, &mut random).expect("a proof"));
    assert_eq!(one.0, other.0);
    assert!(one.1.chunks(32).zip(other.1.chunks(32)).all(|(a, b)| a != b), "no point is the same");
}

/// A job of another network, of another number of runs, or with an input of another length.
#[test]
fn jobs_of_other_circuits_are_refused() {
    let mut random = random(4);
    let network = network(&shape(&[3, 2], Head::Argmax), &mut random);
    let other = self::network(&shape(&[3, 2], Head::Argmax), &mut random);
    let prover = Prover::for_tests(Circuit::new(Kind::Constant(network.clone()), 1).expect("a circuit"), [7; 32]).expect("a key");
    let mut short = job(&network, 1, &mut random);
    short.inputs[0].values.pop();
    for wrong in [job(&other, 1, &mut random), job(&network, 2, &mut random), job(&network, 0, &mut random), short] {
        assert!(matches!(prover.prove(&wrong, &mut random), Err(crate::ProveError::Network(_))));
    }
    let foreign = Circuit::new(Kind::Constant(other), 2).expect("a circuit");
    let taken = Prover::new(foreign, prover.key().clone(), prover.record().provenance);
    assert!(matches!(taken, Err(crate::ProveError::OtherCircuit(_))));
}
