//! No constraint is missing, and none is there twice.
use std::collections::BTreeMap;

use ark_ff::{AdditiveGroup, Field, UniformRand};

use super::*;
use crate::{
    Circuit, Kind,
    cs::{Cs, INSTANCE, Row, Terms},
    prover::constraints,
};

struct Built {
    rows: Vec<Row>,
    values: Vec<Fr>,
    /// Decompositions into bits that the circuit makes.
    decompositions: usize,
}

impl Built {
    fn violated(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|number| !self.rows[*number].holds(&self.values)).collect()
    }
}

/// Rows and witness of a job, in which the bits of one number may be those of another.
fn built(kind: &Kind, job: &Job, lie: Option<usize>) -> Built {
    let circuit = Circuit::new(kind.clone(), job.inputs.len()).expect("a circuit");
    let mut cs = Cs::witness();
    cs.lie.about = lie;
    circuit.build(&mut cs, job).expect("a witness");
    let (rows, variables) = constraints(&circuit).expect("constraints");
    assert_eq!(variables, cs.values.len(), "shape and witness have the same variables");
    Built { rows, decompositions: cs.lie.met, values: cs.values }
}

struct Case {
    name: String,
    kind: Kind,
    job: Job,
    /// Values that nothing but the statement binds: two limbs of the context, salts, committed weights.
    secrets: usize,
    /// Equations that committed weights satisfy beside: one a block and run.
    equations: usize,
}

/// Networks whose neurons saturate, or do not, with either head, in each kind of circuit.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, shift, head) in [("class", 0, Head::Argmax), ("values", 0, Head::Values), ("unsaturated", 12, Head::Values)] {
        let layers = vec![LayerShape { outputs: 3, shift, relu: true }, LayerShape { outputs: 2, shift, relu: false }];
        let shape = Shape { inputs: 3, layers, head };
        let mut random = random(11);
        let network = network(&shape, &mut random);
        let slots = crate::commit::weight_elements(&network).len();
        let mut case = |kind: Kind, runs: usize, secrets: usize, equations: usize| {
            let job = job(&network, runs, &mut random);
            cases.push(Case { name: format!("{name}, {runs} runs"), kind, job, secrets, equations });
        };
        case(Kind::Constant(network.clone()), 1, 2 + 2, 0);
        case(Kind::Committed(shape.clone()), 2, 2 + 4 + 1 + slots, 2 * 2);
        case(Kind::Registration(shape), 0, 2 + 1, 0);
    }
    cases
}

/// Inverses that nothing asks for: where an accumulator does not saturate, any number does. They are followed by their flag.
fn idle_inverses(built: &Built) -> Vec<usize> {
    let is_idle = |at: &usize| {
        let uses = |terms: &Terms, at: usize| terms.iter().any(|(_, variable)| *variable == at);
        let mut rows = built.rows.iter().filter(|row| [&row.a, &row.b, &row.c].iter().any(|terms| uses(terms, *at)));
        let (Some(row), None) = (rows.next(), rows.next()) else { return false };
        let factor: Fr = row.a.iter().map(|(coefficient, variable)| *coefficient * built.values[*variable]).sum();
        uses(&row.b, *at) && uses(&row.c, at + 1) && factor == Fr::ZERO
    };
    (INSTANCE..built.values.len()).filter(is_idle).collect()
}

#[test]
fn witnesses_satisfy_and_no_changed_one_does() {
    let mut random = random(5);
    for case in cases() {
        let mut built = built(&case.kind, &case.job, None);
        assert!(built.violated().is_empty(), "{}", case.name);
        let idle = idle_inverses(&built);
        let mut mentions = vec![Vec::new(); built.values.len()];
        for (number, row) in built.rows.iter().enumerate() {
            row.a.iter().chain(&row.b).chain(&row.c).for_each(|(_, variable)| mentions[*variable].push(number));
        }
        for (at, rows) in mentions.iter().enumerate() {
            let before = built.values[at];
            built.values[at] += if at % 2 == 0 { Fr::ONE } else { Fr::rand(&mut random) };
            let holds = rows.iter().all(|number| built.rows[*number].holds(&built.values));
            assert_eq!(holds, idle.contains(&at), "{}: variable {at}", case.name);
            built.values[at] = before;
        }
    }
}

/// Rows of the Jacobian, reduced one after the other; the pivot of a row is its newest variable.
fn dependent_rows(built: &Built) -> Vec<usize> {
    let value = |terms: &Terms| -> Fr { terms.iter().map(|(coefficient, variable)| *coefficient * built.values[*variable]).sum() };
    let mut pivots: BTreeMap<usize, BTreeMap<usize, Fr>> = BTreeMap::new();
    let mut dependent = Vec::new();
    for (number, row) in built.rows.iter().enumerate() {
        let mut reduced: BTreeMap<usize, Fr> = BTreeMap::new();
        for (terms, factor) in [(&row.a, value(&row.b)), (&row.b, value(&row.a)), (&row.c, -Fr::ONE)] {
            for (coefficient, variable) in terms.iter().filter(|(_, variable)| *variable >= INSTANCE) {
                *reduced.entry(*variable).or_default() += *coefficient * factor;
            }
        }
        reduced.retain(|_, coefficient| *coefficient != Fr::ZERO);
        while let Some((newest, coefficient)) = reduced.last_key_value().map(|(variable, coefficient)| (*variable, *coefficient)) {
            let Some(pivot) = pivots.get(&newest) else { break };
            for (variable, of_pivot) in pivot {
                *reduced.entry(*variable).or_default() -= coefficient * of_pivot;
            }
            reduced.retain(|_, coefficient| *coefficient != Fr::ZERO);
        }
        match reduced.last_key_value().map(|(variable, coefficient)| (*variable, *coefficient)) {
            None => dependent.push(number),
            Some((newest, coefficient)) => {
                let inverse = coefficient.inverse().expect("not zero");
                reduced.values_mut().for_each(|value| *value *= inverse);
                pivots.insert(newest, reduced);
            }
        }
    }
    dependent
}

/// Whoever falsifies the bits of one number, and makes everything that follows fit, breaks the one row that compares them.
fn rows_that_compare_bits(case: &Case) -> Vec<usize> {
    let count = built(&case.kind, &case.job, None).decompositions;
    let row = |lie: usize| {
        let mut false_one = built(&case.kind, &case.job, Some(lie));
        let statement = false_one.rows.len() - 1;
        let hashed: Fr = false_one.rows[statement].a.iter().map(|(coefficient, at)| *coefficient * false_one.values[*at]).sum();
        false_one.values[1] = hashed;
        let violated = false_one.violated();
        assert_eq!(violated.len(), 1, "{}, decomposition {lie}: {violated:?}", case.name);
        violated[0]
    };
    (0..count).map(row).collect()
}

/// Near a witness the constraints are independent but for those that compare bits, which the test above breaks one by one, and
/// that exactly one flag is set, which the test below breaks. They leave as many degrees of freedom as there are secrets, less one
/// for the statement: so every constraint is needed, since without it there were a freedom more, and none is missing.
#[test]
fn every_constraint_is_needed_and_none_is_missing() {
    for case in cases() {
        let built = built(&case.kind, &case.job, None);
        let idle = idle_inverses(&built).len();
        let compared = rows_that_compare_bits(&case);
        let dependent = dependent_rows(&built);
        let others = dependent.iter().filter(|row| !compared.contains(row)).count();
        let flags = usize::from(case.kind_has_flags()) * case.job.inputs.len();
        assert_eq!(others, idle + flags, "{}", case.name);
        let free = built.values.len() - INSTANCE - (built.rows.len() - dependent.len());
        assert_eq!(free, case.secrets - 1 + idle - case.equations, "{}", case.name);
    }
}

impl Case {
    fn kind_has_flags(&self) -> bool {
        self.job.network.shape().head == Head::Argmax
    }
}

/// Where no accumulator is above zero, a cheater who sets no flag at all breaks one row: that the flags sum to one.
#[test]
fn exactly_one_flag_is_set() {
    let mut cs = Cs::shape();
    let mut sum = |value: i64| crate::gadgets::Sum { value: cs.variable(crate::commit::field(value)), bits: Vec::new() };
    let sums = [sum(-3), sum(-1), sum(-2)];
    crate::gadgets::argmax(&mut cs, &sums, 4, 7);
    let values = cs.values.clone();
    assert_eq!(cs.into_rows().iter().filter(|row| !row.holds(&values)).count(), 1);
}

/// Every accumulator of a layer of 12 bits, with and without ReLU, at every shift: the circuit's output is the reference's.
#[test]
fn requantisation_is_that_of_the_reference() {
    for shift in 0..10 {
        for relu in [false, true] {
            let layer = LayerShape { outputs: 1, shift, relu };
            for sum in -2048..2048i32 {
                let mut cs = Cs::witness();
                let bits = cs.bits(crate::commit::field(i64::from(sum) + 2048), 12);
                let value = cs.zero();
                let output = crate::gadgets::requantise(&mut cs, &crate::gadgets::Sum { value, bits }, &layer);
                let expected = crate::network::requantise(sum, &layer);
                assert_eq!(output.value, crate::commit::field(i64::from(expected)), "{sum} >> {shift}, relu {relu}");
            }
        }
    }
}

/// Whom the flags name wins, or the constraints do not hold: for all triples of small accumulators.
#[test]
fn only_the_lowest_of_the_largest_wins() {
    let values = [-8i32, -1, 0, 1, 7];
    for first in values {
        for second in values {
            for third in values {
                let sums = [first, second, third];
                for winner in 0..3u32 {
                    let mut cs = Cs::shape();
                    let sums_in: Vec<_> = sums
                        .iter()
                        .map(|sum| {
                            let value = cs.variable(crate::commit::field(i64::from(*sum)));
                            crate::gadgets::Sum { value, bits: Vec::new() }
                        })
                        .collect();
                    let named = crate::gadgets::argmax(&mut cs, &sums_in, 4, winner);
                    assert_eq!(named.value, Fr::from(winner));
                    let assignment = cs.values.clone();
                    let holds = cs.into_rows().iter().all(|row| row.holds(&assignment));
                    assert_eq!(holds, winner == crate::network::argmax(&sums), "{sums:?} {winner}");
                }
            }
        }
    }
}

/// Weights, inputs and biases at the ends of their ranges: the native network, its accumulators and the constraints agree.
#[test]
fn extremes_agree() {
    for (weight, value, bias) in [(i8::MIN, i8::MIN, 1), (i8::MIN, i8::MAX, -1), (i8::MAX, i8::MIN, -1), (i8::MAX, i8::MAX, 1), (0, 0, 1)] {
        for head in [Head::Argmax, Head::Values] {
            let layers = vec![LayerShape { outputs: 2, shift: 9, relu: false }, LayerShape { outputs: 3, shift: 3, relu: true }];
            let shape = Shape { inputs: 4, layers, head };
            let bound = |layer: usize| 1i32 << (shape.committed_bits(layer) - 2);
            let bias = |layer: usize| if bias > 0 { bound(layer) - 1 } else { -bound(layer) };
            let layer = |number: usize, outputs: usize, inputs: usize| Layer {
                weights: vec![weight; outputs * inputs],
                biases: vec![bias(number); outputs],
            };
            let network = Network::new(shape.clone(), vec![layer(0, 2, 4), layer(1, 3, 2)]).expect("a network");
            let mut job = job(&network, 1, &mut random(1));
            job.inputs[0].values = vec![value; 4];
            for kind in [Kind::Constant(network.clone()), Kind::Committed(shape.clone())] {
                assert!(built(&kind, &job, None).violated().is_empty(), "{weight} {value} {head:?}");
            }
            let outside = Layer { biases: vec![bound(0); 2], ..network.layers()[0].clone() };
            let refused = Network::new(shape, vec![outside, network.layers()[1].clone()]);
            assert_eq!(refused, Err(crate::NetworkError::Bias));
        }
    }
}

/// Why committed weights need a registration: a slot that runs over into its neighbour is a commitment like any other.
#[test]
fn slots_fit_their_element_for_every_shape() {
    for inputs in [1, 2, 3, 64, 1000, 1024] {
        for relu in [false, true] {
            let layers = vec![LayerShape { outputs: inputs, shift: 7, relu }, LayerShape { outputs: 2, shift: 7, relu: false }];
            let shape = Shape { inputs, layers, head: Head::Argmax };
            for layer in 0..2 {
                let bits = shape.committed_bits(layer);
                assert!(Shape::slots(bits) as u32 * bits <= 253);
                let products = shape.inputs_of(layer) as i64 * 128 * shape.magnitude(layer);
                assert!(products + (1 << (bits - 2)) <= 1 << (bits - 1), "{inputs} inputs");
            }
        }
    }
}
