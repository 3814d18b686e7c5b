//! What a referee's work takes, by operator: the report that gas is calibrated by.
use std::time::Instant;

use super::done;
use crate::{Graph, Kind, Node, Op, Operand, Orientation, Program, Roots, Spot, TensorType, Verdict, judge, testing};

fn bytes(dims: &[u32]) -> TensorType {
    TensorType::new(Kind::I8, dims)
}

/// Programs whose chunks come close to what a leaf may cost.
fn large() -> Vec<(&'static str, Graph)> {
    let one = |input: TensorType, weights: &[TensorType], op: Op| {
        let operands = std::iter::once(Operand::Input).chain((0..weights.len()).map(|i| Operand::Weight(i as u32))).collect();
        Graph::new(input, weights.to_vec(), vec![Node { op, operands }])
    };
    vec![
        ("linear 4,096 deep", one(bytes(&[2, 4_096]), &[bytes(&[64, 4_096])], Op::Linear)),
        ("linear 128 wide", one(bytes(&[64, 128]), &[bytes(&[128, 128])], Op::Linear)),
        ("matmul 64", one(bytes(&[1, 64, 64]), &[bytes(&[1, 64, 64])], Op::MatMul { right: Orientation::Plain })),
        ("conv 3 x 3 x 64", one(bytes(&[16, 16, 64]), &[bytes(&[64, 3, 3, 64])], Op::Conv2d { stride: [1, 1], padding: [1, 1] })),
        ("softmax 512", one(bytes(&[64, 512]), &[TensorType::new(Kind::I32, &[256])], Op::Softmax { causal: false })),
        ("layer norm 1,024", one(bytes(&[64, 1_024]), &[bytes(&[1_024]), bytes(&[1_024])], Op::LayerNorm)),
    ]
}

/// Best of five.
#[allow(clippy::disallowed_methods, reason = "the time is the report")]
fn micros(f: impl Fn()) -> u128 {
    let time = |_| {
        let begun = Instant::now();
        f();
        begun.elapsed().as_micros()
    };
    (0..5).map(time).min().unwrap()
}

#[test]
fn leaves_report_what_they_take() {
    for (name, graph) in testing::every_operator().into_iter().chain(large()) {
        let done = done(Program::check(graph).unwrap_or_else(|e| panic!("{name}: {e}")), 1, 3);
        let roots = Roots { weights_root: done.weights.root(), input_root: done.inputs.root(), runs: 1 };
        let spot = Spot { run: 0, node: 0, chunk: 0 };
        let witness = done.trace.witness(&done.program, &done.weights, &done.inputs, spot).unwrap();
        let root = done.trace.claim().nodes_roots[0];
        let took = micros(|| assert_ne!(judge(&done.program, &roots, spot, &root, &witness), Verdict::Malformed));
        let checked = micros(|| drop(Program::decode(done.program.encoded()).unwrap()));
        let (cost, size) = (done.program.leaf_cost(0).unwrap(), witness.preimages.iter().map(Vec::len).sum::<usize>());
        let elements = done.program.chunk_elements(Operand::Node(0));
        println!("{name}: {elements} elements, {} MACs, {size} bytes opened: {took} us; decoding and checking {checked} us", cost.macs);
    }
}

#[test]
fn checking_the_largest_programs_takes_bounded_time() {
    let mut nodes = vec![Node { op: Op::Relu, operands: vec![Operand::Input] }];
    nodes.extend((0..3_800).map(|n| Node { op: Op::Transpose { perm: vec![1, 0, 2] }, operands: vec![Operand::Node(n)] }));
    let graph = Graph::new(bytes(&[64, 64, 64]), vec![], nodes);
    let encoded = graph.encode().unwrap();
    println!("{} nodes in {} bytes: {} us", graph.nodes.len(), encoded.len(), micros(|| drop(Program::decode(&encoded).unwrap())));
}
