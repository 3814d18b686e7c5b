//! A network and its program compute the same.
use ark_std::rand::Rng;
use cairn_program::{Graph, Inputs, Kind, Node, Op, Operand, Program, Tensor, TensorType, Trace, Weights};

use super::*;
use crate::{Answer, BridgeError, network_of, program_of};

/// What the program answers.
fn answer(graph: Graph, tensors: &[Tensor], input: &[i8]) -> Vec<i32> {
    let program = Program::check(graph).expect("a program");
    let weights = Weights::new(&program, tensors.to_vec()).expect("its weights");
    let input = Tensor::new(program.graph().input.clone(), input.iter().map(|x| i32::from(*x)).collect()).expect("a tensor");
    let inputs = Inputs::new(&program, vec![input]).expect("its input");
    let trace = Trace::execute(&program, &weights, &inputs, &|_, _| None).expect("a run");
    trace.tensors(0).expect("the run").last().expect("an output").values.clone()
}

fn plain(answer: Answer) -> Vec<i32> {
    match answer {
        Answer::Class(class) => vec![class as i32],
        Answer::Values(values) => values.into_iter().map(i32::from).collect(),
    }
}

#[test]
fn a_network_and_its_program_agree_and_lead_back() {
    let mut random = random(21);
    for widths in [vec![1, 1], vec![3, 2], vec![64, 32, 10], vec![9, 17, 5, 31, 4]] {
        for head in [Head::Argmax, Head::Values] {
            let mut shape = shape(&widths, head);
            if let (Head::Argmax, Some(last)) = (head, shape.layers.last_mut()) {
                (last.shift, last.relu) = (0, false); // an answer by argmax uses neither
            }
            let network = network(&shape, &mut random);
            let (graph, tensors) = program_of(&network);
            let program = Program::check(graph.clone()).expect("a program");
            assert_eq!(network_of(&program, &tensors).as_ref(), Ok(&network));
            for _ in 0..20 {
                let input: Vec<i8> = (0..widths[0]).map(|_| random.r#gen()).collect();
                assert_eq!(answer(graph.clone(), &tensors, &input), plain(network.run(&input).expect("an answer")));
            }
        }
    }
}

/// A layer of two inputs and two outputs, and what follows it.
fn after(ops: &[Op]) -> (Graph, Vec<Tensor>) {
    let rows = TensorType::new(Kind::I8, &[2, 2]);
    let mut nodes = vec![Node { op: Op::Linear, operands: vec![Operand::Input, Operand::Weight(0)] }];
    for op in ops {
        let before = Operand::Node(nodes.len() as u32 - 1);
        nodes.push(Node { op: op.clone(), operands: vec![before] });
    }
    let tensors = vec![Tensor::new(rows.clone(), vec![-128, 127, 3, -4]).expect("weights")];
    (Graph::new(TensorType::new(Kind::I8, &[2]), vec![rows], nodes), tensors)
}

#[test]
fn other_ways_to_write_a_layer_are_the_same_network() {
    let half = |multiplier, shift| Op::Requantise { multiplier, shift };
    for ops in
        [vec![Op::Relu, half(1, 5)], vec![half(8, 8), Op::Relu], vec![Op::Reshape { dims: vec![1, 2] }, half(1, 5), Op::Relu, Op::Relu]]
    {
        let (graph, tensors) = after(&ops);
        let program = Program::check(graph.clone()).expect("a program");
        let network = network_of(&program, &tensors).expect("a network");
        assert_eq!((network.shape().layers[0].shift, network.shape().layers[0].relu), (5, true));
        for input in [[0, 0], [-128, -128], [127, -128], [-1, 1], [5, 77]] {
            assert_eq!(answer(graph.clone(), &tensors, &input), plain(network.run(&input).expect("an answer")), "{ops:?} {input:?}");
        }
    }
}

#[test]
fn what_no_circuit_computes_is_named() {
    let requantise = Op::Requantise { multiplier: 1, shift: 5 };
    let cases = [
        (vec![], 0, "the last layer"),
        (vec![Op::Relu], 1, "the last layer"),
        (vec![Op::Requantise { multiplier: 3, shift: 5 }], 1, "power of two"),
        (vec![Op::Requantise { multiplier: 4, shift: 1 }], 1, "power of two"),
        (vec![requantise.clone(), requantise.clone()], 2, "circuits have"),
        (vec![requantise.clone(), Op::Argmax], 2, "circuits have"),
        (vec![Op::Relu, Op::Argmax], 2, "circuits have"),
        (vec![Op::Argmax, Op::Reshape { dims: vec![1, 1] }], 2, "after the answer"),
        (vec![requantise.clone(), Op::Transpose { perm: vec![0] }], 2, "circuits have"),
    ];
    for (ops, at, words) in cases {
        let (graph, tensors) = after(&ops);
        let Ok(program) = Program::check(graph) else { panic!("{ops:?} is a program") };
        match network_of(&program, &tensors) {
            Err(BridgeError::Node { node, why }) => assert!(node == at && why.contains(words), "{ops:?}: {node} {why}"),
            other => panic!("{ops:?}: {other:?}"),
        }
    }
    let (graph, tensors) = after(&[requantise]);
    let program = Program::check(graph).expect("a program");
    assert_eq!(network_of(&program, &[]), Err(BridgeError::Weights));
    let wide = |bias| {
        let mut network = program_of(&network_of(&program, &tensors).expect("a network"));
        network.1[1].values[0] = bias;
        network_of(&Program::check(network.0).expect("a program"), &network.1)
    };
    assert!(wide(1000).is_ok());
    assert_eq!(wide(1 << 28), Err(BridgeError::Network(crate::NetworkError::Bias)));
}
