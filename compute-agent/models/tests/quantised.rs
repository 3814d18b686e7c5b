//! Quantised networks against their f32 originals.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]
use std::ops::ControlFlow;

use cairn_device::open;
use cairn_models::{Answer, Form, Integers, Layer, Network, QuantiseError, quantise, steps};
use cairn_program::{Inputs, Program, Tensor, Weights};

/// Numbers of -1 to 1 that follow from a seed (a linear congruential generator).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
    fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
    fn linear(&mut self, inputs: usize, outputs: usize) -> Layer {
        Layer::Linear { weights: self.take(inputs * outputs), bias: self.take(outputs) }
    }
    fn conv(&mut self, channels: usize, outputs: usize, window: [u16; 2], padding: [u16; 2]) -> Layer {
        let depth = usize::from(window[0]) * usize::from(window[1]) * channels;
        Layer::Conv2d { weights: self.take(depth * outputs), bias: self.take(outputs), window, stride: [1, 1], padding }
    }
}

fn values(network: &Network, examples: &[Vec<f32>], form: Form) -> Integers {
    quantise(network, examples, form, Answer::Values).expect("a program")
}

/// The largest difference from the original in parts of the largest output, over some inputs.
fn difference(network: &Network, integers: &Integers, inputs: &[Vec<f32>]) -> f32 {
    let program = Program::check(integers.graph.clone()).expect("a program");
    let weights = Weights::new(&program, integers.tensors.clone()).expect("weights");
    let tensor = |input: &Vec<f32>| Tensor::new(program.graph().input.clone(), steps(input, integers.scale)).expect("an input");
    let tensors = Inputs::new(&program, inputs.iter().map(tensor).collect()).expect("inputs");
    let device = open("reference").expect("the reference");
    let outputs = device.run(&program, &weights, &tensors, &mut |_| ControlFlow::Continue(())).expect("outputs");
    let wanted: Vec<Vec<f32>> = inputs.iter().map(|input| network.forward(input)).collect();
    let most = wanted.iter().flatten().fold(0.0_f32, |most, x| most.max(x.abs()));
    let outputs = outputs.iter().flat_map(|nodes| &nodes[nodes.len() - 1].values);
    outputs.zip(wanted.iter().flatten()).map(|(step, x)| (*step as f32 * integers.output_scale - x).abs() / most).fold(0.0, f32::max)
}

#[test]
fn every_layer_stays_close_to_its_original() {
    let mut numbers = Numbers(7);
    let pools = [Layer::MaxPool { window: [2, 2], stride: [2, 2] }, Layer::AveragePool { window: [2, 2], stride: [2, 2] }];
    for pool in pools {
        let layers = vec![
            numbers.conv(2, 4, [3, 3], [1, 1]),
            Layer::Relu,
            pool,
            numbers.conv(4, 3, [1, 2], [0, 1]),
            Layer::Flatten,
            numbers.linear(3 * 4 * 5, 6),
            Layer::Relu,
            numbers.linear(6, 5),
        ];
        let net = Network::new(&[8, 8, 2], layers).expect("a network");
        let inputs: Vec<Vec<f32>> = (0..40).map(|_| numbers.take(128)).collect();
        for form in [Form::Fine, Form::Provable] {
            let integers = values(&net, &inputs, form);
            let found = difference(&net, &integers, &inputs);
            assert!(found < 0.08, "{form:?}: {found}");
        }
    }
}

#[test]
fn rows_too_long_for_a_referee_are_cut_and_added() {
    let mut numbers = Numbers(3);
    let inputs: Vec<Vec<f32>> = (0..3).map(|_| numbers.take(20_000)).collect();
    let net = Network::new(&[20_000], vec![numbers.linear(20_000, 4)]).expect("a network");
    let integers = values(&net, &inputs, Form::Fine);
    // Three parts with three slices, two additions, one Requantise.
    assert_eq!(integers.graph.nodes.len(), 9);
    assert!(difference(&net, &integers, &inputs) < 0.03);
    let deep = Network::new(&[2, 2, 10_000], vec![numbers.conv(10_000, 2, [2, 2], [0, 0])]).expect("a network");
    let inputs: Vec<Vec<f32>> = (0..2).map(|_| numbers.take(40_000)).collect();
    let integers = values(&deep, &inputs, Form::Fine);
    assert!(difference(&deep, &integers, &inputs) < 0.05);
}

#[test]
fn numbers_out_of_proportion_are_refused() {
    let net =
        |weight: f32, bias: f32| Network::new(&[1], vec![Layer::Linear { weights: vec![weight], bias: vec![bias] }]).expect("a network");
    let refused = |net: &Network, inputs: &[Vec<f32>]| quantise(net, inputs, Form::Fine, Answer::Values).err();
    assert!(refused(&net(1.0, 1.0), &[vec![1.0]]).is_none());
    assert!(refused(&net(0.0, 0.0), &[vec![0.0]]).is_none());
    assert!(matches!(refused(&net(1.0, 1.0), &[]), Some(QuantiseError::Examples)));
    assert!(matches!(refused(&net(1.0, 1.0), &[vec![1.0, 2.0]]), Some(QuantiseError::Examples)));
    assert!(matches!(refused(&net(1.0, 1.0), &[vec![f32::INFINITY]]), Some(QuantiseError::Examples)));
    assert!(matches!(refused(&net(1.0, 1e9), &[vec![1.0]]), Some(QuantiseError::Layer { layer: 0, .. })));
    assert!(matches!(refused(&net(1e-30, 0.0), &[vec![1e-30]]), Some(QuantiseError::Layer { layer: 0, .. })));
}
