//! Programs in floats are near their integers, and are labelled as what nobody reproduces.
use std::ops::ControlFlow;

use cairn_device::{Error, Executor, FLEX, Progress, REFERENCE, Reference, Sample, approximate, operator};
use cairn_program::{Graph, Kind, Node, Op, Operand, Tensor, TensorType, testing};

fn go(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn floats(tensors: &[Tensor]) -> Vec<Vec<f32>> {
    tensors.iter().map(|tensor| tensor.values.iter().map(|value| *value as f32).collect()).collect()
}

/// By how much a float may differ from the integer: nothing where neither rounds, a step where integers round down.
fn slack(op: &Op) -> f32 {
    match op {
        Op::Requantise { .. } | Op::Softmax { .. } => 1.001,
        // Its deviation is rounded down, too.
        Op::LayerNorm => 2.0,
        _ => 0.0,
    }
}

#[test]
fn floats_are_near_integers() {
    let mut dice = testing::Dice::new(4);
    for (name, graph) in testing::every_operator() {
        // Their biases reach beyond what floats count exactly.
        if ["linear with bias", "conv2d"].contains(&name) {
            continue;
        }
        let sample = Sample::random(name, graph, 1, &mut dice).unwrap();
        let right = Reference::default().run(&sample.program, &sample.weights, &sample.inputs, &mut go).unwrap();
        let found =
            approximate(FLEX, &sample.program, &floats(sample.weights.tensors()), &floats(sample.inputs.tensors()), &mut go).unwrap();
        let op = &sample.program.graph().nodes[0].op;
        let cut = matches!(op, Op::Requantise { .. } | Op::LayerNorm);
        for (found, right) in found.outputs[0].iter().zip(&right[0][0].values) {
            let found = if cut { found.clamp(-128.0, 127.0) } else { *found };
            assert!((found - *right as f32).abs() <= slack(op), "{}: {found} {right}", operator(op));
        }
        assert!(!found.reproducible() && found.to_string().contains("not reproducible"), "{found}");
    }
}

#[test]
fn windows_of_images_lie_where_they_do_in_integers() {
    let input = TensorType::new(Kind::I8, &[9, 8, 5]);
    let node = |op: Op, operands: &[Operand]| Node { op, operands: operands.to_vec() };
    let conv = node(Op::Conv2d { stride: [2, 1], padding: [1, 0] }, &[Operand::Input, Operand::Weight(0)]);
    let graph = Graph::new(input, vec![TensorType::new(Kind::I8, &[12, 3, 2, 5])], vec![conv]);
    let sample = Sample::random("conv2d", graph, 1, &mut testing::Dice::new(4)).unwrap();
    let right = Reference::default().run(&sample.program, &sample.weights, &sample.inputs, &mut go).unwrap();
    let found = approximate(FLEX, &sample.program, &floats(sample.weights.tensors()), &floats(sample.inputs.tensors()), &mut go).unwrap();
    assert_eq!(found.outputs, floats(&right[0]));
}

#[test]
fn what_floats_refuse() {
    let (_, graph) = testing::every_operator().swap_remove(0);
    let sample = Sample::random("linear", graph, 1, &mut testing::Dice::new(4)).unwrap();
    let (weights, inputs) = (floats(sample.weights.tensors()), floats(sample.inputs.tensors()));
    let run = |name: &str, weights: &[Vec<f32>], inputs: &[Vec<f32>]| approximate(name, &sample.program, weights, inputs, &mut go).err();
    assert_eq!(run(FLEX, &weights, &inputs), None);
    assert!(matches!(run(REFERENCE, &weights, &inputs), Some(Error::NoDevice { .. })));
    assert_eq!(run(FLEX, &[], &inputs), Some(Error::Mismatch { node: 0 }));
    assert_eq!(run(FLEX, &weights, &[vec![1.0]]), Some(Error::Mismatch { node: 0 }));
    let stop = approximate(FLEX, &sample.program, &weights, &inputs, &mut |_| ControlFlow::Break(()));
    assert_eq!(stop, Err(Error::Cancelled { run: 0, node: 0 }));
}
