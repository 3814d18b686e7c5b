//! The largest tensors that a program may have, on each device. Takes minutes where the device is a processor.
use std::time::Instant;

use cairn_device::{FLEX, Limits, Sample, WGPU, compare, open_within, operator};
use cairn_program::{Graph, Kind, Node, Op, Operand, Orientation, TensorType, testing::Dice};

fn programs() -> Vec<(Op, Vec<TensorType>)> {
    let bytes = |dims: &[u32]| TensorType::new(Kind::I8, dims);
    let words = |dims: &[u32]| TensorType::new(Kind::I32, dims);
    let all = 1 << 24;
    vec![
        (Op::Relu, vec![bytes(&[all])]),
        (Op::Requantise { multiplier: 20_000, shift: 20 }, vec![words(&[all])]),
        (Op::Linear, vec![bytes(&[1 << 21, 2]), bytes(&[8, 2]), words(&[8])]),
        (Op::Linear, vec![bytes(&[2, 2]), bytes(&[1 << 22, 2])]),
        (Op::MatMul { right: Orientation::Plain }, vec![bytes(&[1 << 21, 1, 2]), bytes(&[1 << 21, 2, 1])]),
        (Op::Conv2d { stride: [1, 1], padding: [1, 1] }, vec![bytes(&[1_024, 1_024, 3]), bytes(&[8, 3, 3, 3])]),
        (Op::MaxPool { window: [3, 3], stride: [1, 1] }, vec![bytes(&[1_500, 1_500, 2])]),
        (Op::LayerNorm, vec![bytes(&[(1 << 21) + 5, 2]), bytes(&[2]), bytes(&[2])]),
        (Op::Softmax { causal: false }, vec![bytes(&[1 << 22, 3]), words(&[256])]),
        (Op::Argmax, vec![words(&[1 << 22, 3])]),
        (Op::Transpose { perm: vec![2, 0, 1] }, vec![bytes(&[2_048, 2_048, 3])]),
        (Op::Table, vec![bytes(&[all]), bytes(&[256])]),
        (Op::Embed, vec![words(&[1 << 20]), bytes(&[1 << 10, 16])]),
    ]
}

fn largest(name: &str) {
    let device = open_within(name, Limits::default()).unwrap();
    for (op, shapes) in programs() {
        let (start, name) = (Instant::now(), operator(&op));
        let operands = std::iter::once(Operand::Input).chain((0..).map(Operand::Weight)).take(shapes.len()).collect();
        let graph = Graph::new(shapes[0].clone(), shapes[1..].to_vec(), vec![Node { op, operands }]);
        let sample = Sample::random(name, graph, 1, &mut Dice::new(5)).unwrap();
        let difference = compare(&*device, &sample);
        println!("{}: {name} {:?} {:?}", device.name(), difference, start.elapsed());
        assert_eq!(difference.unwrap(), None);
    }
}

#[test]
#[ignore = "minutes"]
fn largest_tensors_on_flex_slow() {
    largest(FLEX);
}

#[test]
#[ignore = "minutes"]
fn largest_tensors_on_wgpu_slow() {
    largest(WGPU);
}
