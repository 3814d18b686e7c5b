//! The referee computes every chunk of every node as the run had it, and nothing else.
use std::collections::BTreeSet;

use super::{Done, done};
use crate::{
    Graph, Kind, Node, Op, Operand, Program, Roots, Spot, TensorType, Trace, TreeKind, Verdict, Weights, Witness, chunk_hash, judge,
    open_sealed,
    tensor::encode,
    testing::{self, Dice},
};

fn roots(done: &Done) -> Roots {
    Roots { weights_root: done.weights.root(), input_root: done.inputs.root(), runs: done.inputs.runs() }
}

fn spots(done: &Done) -> Vec<Spot> {
    let mut spots = vec![];
    for run in 0..done.inputs.runs() {
        for node in 0..done.program.nodes() {
            spots.extend((0..done.program.chunks(Operand::Node(node))).map(|chunk| Spot { run, node, chunk }));
        }
    }
    spots
}

/// The hash of a chunk as the trace has it.
fn said(done: &Done, spot: Spot) -> [u8; 32] {
    let tensor = &done.trace.tensors(spot.run).unwrap()[spot.node as usize];
    let (from, to) = done.program.chunk_range(Operand::Node(spot.node), spot.chunk).unwrap();
    chunk_hash(&encode(tensor.shape.kind, &tensor.values[from..to]))
}

fn check_all(done: &Done) -> (usize, usize) {
    let mut largest = (0, 0);
    for spot in spots(done) {
        let nodes_root = done.trace.claim().nodes_roots[spot.run as usize];
        let witness = done.trace.witness(&done.program, &done.weights, &done.inputs, spot).unwrap();
        assert_eq!(judge(&done.program, &roots(done), spot, &nodes_root, &witness), Verdict::Computed(said(done, spot)), "{spot:?}");
        let (cost, bytes) = (done.program.leaf_cost(spot.node).unwrap(), witness.preimages.iter().map(Vec::len).sum::<usize>());
        assert!(bytes as u64 <= cost.opening && witness.preimages.len() as u64 <= cost.entries, "{spot:?}: {bytes}, {cost:?}");
        largest = (largest.0.max(bytes), largest.1.max(witness.preimages.len()));
    }
    largest
}

#[test]
fn the_referee_agrees_with_the_run_at_every_operator() {
    for (seed, (name, graph)) in (1..).zip(testing::every_operator()) {
        let done = done(Program::check(graph).unwrap_or_else(|e| panic!("{name}: {e}")), 2, seed);
        let (bytes, entries) = check_all(&done);
        println!("{name}: {} chunks, witness at most {bytes} bytes in {entries} parts", done.program.chunks(Operand::Node(0)));
    }
}

#[test]
fn the_referee_agrees_with_the_run_in_random_programs() {
    let mut operators = BTreeSet::new();
    for seed in 1..=40 {
        let program = testing::random(&mut Dice::new(seed), 24).unwrap();
        operators.extend(program.graph().nodes.iter().map(|node| format!("{:?}", node.op).split(' ').next().unwrap().to_owned()));
        check_all(&done(program, 1 + u32::try_from(seed % 3).unwrap(), seed));
    }
    assert!(operators.len() >= 10, "{operators:?}");
}

/// Without any one of its preimages, or with any of its bytes flipped, a witness opens too little.
#[test]
fn a_witness_with_any_part_spoilt_is_malformed() {
    for (seed, (name, graph)) in (1..).zip(testing::every_operator()) {
        let done = done(Program::check(graph).unwrap(), 17, seed);
        let spot = Spot { run: 16, node: 0, chunk: done.program.chunks(Operand::Node(0)) - 1 };
        let root = done.trace.claim().nodes_roots[16];
        let right = done.trace.witness(&done.program, &done.weights, &done.inputs, spot).unwrap();
        let found = |witness: &Witness| judge(&done.program, &roots(&done), spot, &root, witness);
        for i in 0..right.preimages.len() {
            let mut less = right.clone();
            less.preimages.remove(i);
            assert_eq!(found(&less), Verdict::Malformed, "{name}: without part {i}");
            for at in (0..right.preimages[i].len()).step_by(37) {
                let mut flipped = right.clone();
                flipped.preimages[i][at] ^= 0x40;
                assert_eq!(found(&flipped), Verdict::Malformed, "{name}: byte {at} of part {i}");
            }
            let mut long = right.clone();
            long.preimages[i].push(0);
            assert_eq!(found(&long), Verdict::Malformed, "{name}");
        }
        let mut more = right.clone();
        more.preimages.extend([vec![], vec![1, 2, 3]]);
        more.preimages.reverse();
        assert_eq!(found(&more), found(&right), "{name}: order and what is not needed do not matter");
    }
}

#[test]
fn places_that_are_not_there_are_malformed() {
    let done = done(Program::check(testing::every_operator().remove(0).1).unwrap(), 2, 1);
    let root = done.trace.claim().nodes_roots[0];
    let right = Spot { run: 0, node: 0, chunk: 0 };
    let witness = done.trace.witness(&done.program, &done.weights, &done.inputs, right).unwrap();
    for spot in [Spot { run: 2, ..right }, Spot { node: 1, ..right }, Spot { chunk: 99, ..right }, Spot { chunk: u32::MAX, ..right }] {
        assert_eq!(judge(&done.program, &roots(&done), spot, &root, &witness), Verdict::Malformed, "{spot:?}");
        assert_eq!(done.trace.witness(&done.program, &done.weights, &done.inputs, spot), None);
    }
    let full = |count: usize, bytes: usize| Witness { preimages: vec![vec![0; bytes]; count] };
    for witness in [full(513, 0), full(1, 131_073), full(2, 65_537)] {
        assert_eq!(judge(&done.program, &roots(&done), right, &root, &witness), Verdict::Malformed);
    }
    let foreign = Roots { weights_root: [1; 32], ..roots(&done) };
    assert_eq!(judge(&done.program, &foreign, right, &root, &witness), Verdict::Malformed);
}

#[test]
fn a_sealed_operator_is_opened_and_never_computed() {
    let input = TensorType::new(Kind::I8, &[2_000]);
    let seal = Op::Sealed { circuit: [7; 32], outputs: 10, kind: Kind::I8 };
    let nodes = vec![Node { op: Op::Relu, operands: vec![Operand::Input] }, Node { op: seal, operands: vec![Operand::Node(0)] }];
    let program = Program::check(Graph::new(input, vec![], nodes)).unwrap();
    assert!(program.is_sealed(1) && !program.is_sealed(0) && !program.is_sealed(9));
    let weights = Weights::new(&program, vec![]).unwrap();
    let inputs = testing::inputs(&program, 3, &mut Dice::new(1)).unwrap();
    assert!(Trace::execute(&program, &weights, &inputs, &|_, _| None).is_none());
    let trace = Trace::execute(&program, &weights, &inputs, &|_, input| Some(input[..10].to_vec())).unwrap();
    let roots = Roots { weights_root: weights.root(), input_root: inputs.root(), runs: 3 };
    let spot = Spot { run: 2, node: 1, chunk: 0 };
    let root = trace.claim().nodes_roots[2];
    let witness = trace.witness(&program, &weights, &inputs, spot).unwrap();
    assert_eq!(judge(&program, &roots, spot, &root, &witness), Verdict::Malformed);
    let claimed = chunk_hash(&trace.claim().outputs[2]);
    let opening = open_sealed(&program, &roots, spot, &root, &claimed, &witness).unwrap();
    assert_eq!(opening.input, trace.tensors(2).unwrap()[0].values);
    assert_eq!(opening.output, trace.tensors(2).unwrap()[1].values);
    assert_eq!(open_sealed(&program, &roots, spot, &root, &[0; 32], &witness), None);
    assert_eq!(open_sealed(&program, &roots, Spot { node: 0, ..spot }, &root, &claimed, &witness), None);
    assert_eq!(TreeKind::Nodes, TreeKind::Nodes);
}
