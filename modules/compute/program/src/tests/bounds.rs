//! What is refused, at its bounds.
use crate::{Error, Graph, Kind, MAX_GRAPH_BYTES, Node, Op, Operand, Orientation, Program, TensorType, testing};

fn bytes(dims: &[u32]) -> TensorType {
    TensorType::new(Kind::I8, dims)
}

fn one(input: TensorType, weights: &[TensorType], op: Op) -> Result<Program, Error> {
    let operands = std::iter::once(Operand::Input).chain((0..weights.len()).map(|i| Operand::Weight(i as u32))).collect();
    Program::check(Graph::new(input, weights.to_vec(), vec![Node { op, operands }]))
}

#[track_caller]
fn fault(found: Result<Program, Error>) -> &'static str {
    match found {
        Err(Error::Node { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn encodings_are_one_to_one_and_bounded() {
    for (name, graph) in testing::every_operator() {
        let encoded = graph.encode().unwrap();
        assert_eq!(Graph::decode(&encoded).unwrap(), graph, "{name}");
        for len in 0..encoded.len() {
            assert_eq!(Graph::decode(&encoded[..len]), Err(Error::Encoding), "{name}");
        }
        assert_eq!(Graph::decode(&[encoded.clone(), vec![0]].concat()), Err(Error::Encoding));
        for at in 0..encoded.len() {
            let mut other = encoded.clone();
            other[at] ^= 1;
            assert!(Graph::decode(&other).map_or(true, |found| found != graph), "{name}: byte {at}");
            Program::decode(&other).ok();
        }
    }
    let found = MAX_GRAPH_BYTES + 1;
    assert_eq!(Graph::decode(&vec![0; found]), Err(Error::Size { most: MAX_GRAPH_BYTES, found }));
    let relu = |count: usize| Graph::new(bytes(&[1]), vec![], vec![Node { op: Op::Relu, operands: vec![Operand::Input] }; count]);
    assert!(Program::check(relu(4_096)).is_ok());
    assert_eq!(Program::check(relu(4_097)), Err(Error::Count { nodes: 4_097, weights: 0 }));
    assert_eq!(Program::check(relu(0)), Err(Error::Count { nodes: 0, weights: 0 }));
    assert_eq!(Program::check(Graph { version: 2, ..relu(1) }), Err(Error::Version(2)));
    // A length of 2^32 - 1 elements in 70 bytes allocates nothing.
    let mut bomb = relu(1).encode().unwrap();
    bomb[3..7].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Graph::decode(&bomb), Err(Error::Encoding));
}

#[test]
fn shapes_are_bounded() {
    let relu = |dims: &[u32]| one(bytes(dims), &[], Op::Relu);
    assert!(relu(&[1 << 24]).is_ok());
    for dims in [vec![], vec![0], vec![1, 1, 1, 1, 1], vec![(1 << 24) + 1], vec![u32::MAX, u32::MAX]] {
        assert_eq!(relu(&dims).unwrap_err(), Error::Shape);
    }
    let late = Node { op: Op::Relu, operands: vec![Operand::Node(0)] };
    let found = Program::check(Graph::new(bytes(&[1]), vec![], vec![late]));
    assert_eq!(fault(found), "an operand is no input, weight or earlier node");
}

#[test]
fn sums_that_could_overflow_are_refused() {
    let deep = |k: u32| one(bytes(&[1, k]), &[bytes(&[1, k])], Op::Linear);
    // Rows this long do not fit a leaf either: it says the same, to split along k.
    assert!(fault(deep(131_072)).contains("split along k"));
    assert!(fault(deep(40_000)).contains("split it along k"));
    assert!(deep(20_000).is_ok());
    let add = |kind| one(TensorType::new(kind, &[4]), &[TensorType::new(kind, &[4])], Op::Add);
    assert!(add(Kind::I8).is_ok());
    assert_eq!(fault(add(Kind::I32)), "values could leave 32 bits");
}

#[test]
fn every_chunk_fits_a_leaf() {
    let wide = one(bytes(&[64, 4_096]), &[bytes(&[4_096, 4_096])], Op::Linear).unwrap();
    let cost = wide.leaf_cost(0).unwrap();
    println!("64 x 4,096 by 4,096: chunk of {} elements, {cost:?}", wide.chunk_elements(Operand::Node(0)));
    assert!(cost.macs <= 1 << 20 && cost.bytes <= 65_536 && cost.opening <= 131_072 && cost.entries <= 512);
    let plain = one(bytes(&[8, 64, 64]), &[bytes(&[8, 64, 64])], Op::MatMul { right: Orientation::Plain }).unwrap();
    assert!(plain.leaf_cost(0).unwrap().entries <= 512);
    assert!(plain.macs() >= 8 * 64 * 64 * 64);
}

#[test]
fn operators_refuse_operands_that_do_not_fit() {
    let pool = |window, stride| one(bytes(&[4, 4, 1]), &[], Op::MaxPool { window, stride });
    assert!(pool([4, 4], [1, 1]).is_ok());
    let cases = [
        one(bytes(&[2, 3]), &[bytes(&[2, 4])], Op::Linear),
        one(TensorType::new(Kind::I32, &[2, 3]), &[bytes(&[2, 3])], Op::Linear),
        one(bytes(&[2, 3]), &[bytes(&[2, 3]), bytes(&[2])], Op::Linear),
        one(bytes(&[1, 2, 3]), &[bytes(&[2, 3, 3])], Op::MatMul { right: Orientation::Plain }),
        one(bytes(&[4, 4, 1]), &[bytes(&[1, 2, 2, 1])], Op::Conv2d { stride: [0, 1], padding: [0, 0] }),
        one(bytes(&[4, 4, 1]), &[bytes(&[1, 2, 2, 1])], Op::Conv2d { stride: [1, 1], padding: [2, 0] }),
        pool([5, 1], [1, 1]),
        pool([0, 1], [1, 1]),
        pool([1, 1], [1, 0]),
        one(bytes(&[4]), &[], Op::Requantise { multiplier: 0, shift: 1 }),
        one(bytes(&[4]), &[], Op::Requantise { multiplier: 32_769, shift: 1 }),
        one(bytes(&[4]), &[], Op::Requantise { multiplier: 1, shift: 47 }),
        one(bytes(&[4]), &[bytes(&[255])], Op::Table),
        one(bytes(&[4]), &[TensorType::new(Kind::I32, &[256])], Op::Softmax { causal: true }),
        one(bytes(&[1, 4_097]), &[bytes(&[4_097]), bytes(&[4_097])], Op::LayerNorm),
        one(bytes(&[2, 3]), &[], Op::Transpose { perm: vec![0, 0] }),
        one(bytes(&[2, 3]), &[], Op::Transpose { perm: vec![0] }),
        one(bytes(&[2, 3]), &[], Op::Reshape { dims: vec![5] }),
        one(bytes(&[2, 3]), &[], Op::Slice { axis: 2, start: 0, len: 1 }),
        one(bytes(&[2, 3]), &[], Op::Slice { axis: 1, start: 2, len: 2 }),
        one(bytes(&[2, 3]), &[], Op::Slice { axis: 1, start: 0, len: 0 }),
        one(bytes(&[2, 3]), &[bytes(&[3, 3])], Op::Concat { axis: 1 }),
        one(bytes(&[4_097]), &[], Op::Sealed { circuit: [0; 32], outputs: 1, kind: Kind::I8 }),
        one(bytes(&[4]), &[], Op::Sealed { circuit: [0; 32], outputs: 257, kind: Kind::I8 }),
        one(bytes(&[4]), &[bytes(&[4])], Op::Relu),
        one(bytes(&[4]), &[], Op::Add),
    ];
    for (i, found) in cases.into_iter().enumerate() {
        assert!(matches!(found, Err(Error::Node { node: 0, .. })), "case {i}: {found:?}");
    }
}

/// Whatever graph the bytes of others decode to: it is refused, or it runs, every value lies in the interval that was proved, and its chunks are refereed.
#[test]
fn spoilt_graphs_are_refused_or_run_within_their_intervals() {
    let mut dice = testing::Dice::new(5);
    let (mut ran, mut refused) = (0, 0);
    let mut graphs: Vec<Graph> = testing::every_operator().into_iter().map(|(_, graph)| graph).collect();
    graphs.extend((0..30).map(|_| testing::random(&mut dice, 12).unwrap().graph().clone()));
    for graph in graphs {
        let encoded = graph.encode().unwrap();
        for round in 0..40 {
            let mut bytes = encoded.clone();
            for _ in 0..round % 4 {
                let at = dice.below(bytes.len() as u64) as usize;
                bytes[at] = bytes[at].wrapping_add([1, 2, 128, 255][dice.below(4) as usize]);
            }
            let small = |p: &Program| p.macs() < 2_000_000 && p.graph().weights.iter().all(|w| w.elements().unwrap() < 100_000);
            match Program::decode(&bytes) {
                Ok(program) if small(&program) && program.graph().input.elements().unwrap() < 100_000 => {
                    ran += 1;
                    check_intervals(program, round);
                }
                Ok(_) => {}
                Err(_) => refused += 1,
            }
        }
    }
    println!("{ran} graphs ran, {refused} were refused");
    assert!(ran > 300 && refused > 300);
}

fn check_intervals(program: Program, seed: u64) {
    let done = super::done(program, 1, seed);
    for (node, tensor) in (0..).zip(done.trace.tensors(0).unwrap()) {
        let (least, most) = done.program.range(Operand::Node(node));
        assert!(tensor.values.iter().all(|value| (least..=most).contains(&i64::from(*value))), "node {node}");
    }
}
