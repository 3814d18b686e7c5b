//! What the circuits promise.
mod ceremony;
mod program;
mod sizes;
mod soundness;

use ark_bn254::Fr;
use ark_std::rand::{Rng, SeedableRng, rngs::StdRng};
use cairn_verifier::Context;

use crate::{Head, Input, Job, Layer, LayerShape, Network, Shape};

pub(crate) fn random(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// A network of these widths: ReLU between layers, shifts that keep values in the middle of int8.
pub(crate) fn shape(widths: &[usize], head: Head) -> Shape {
    let shift = |inputs: usize| 7 + inputs.ilog2() / 2;
    let layers = widths.windows(2).map(|pair| LayerShape { outputs: pair[1], shift: shift(pair[0]), relu: true }).collect();
    Shape { inputs: widths[0], layers, head }
}

pub(crate) fn network(shape: &Shape, random: &mut StdRng) -> Network {
    let layer = |number: usize| {
        let outputs = shape.layers[number].outputs;
        let weights = (0..outputs * shape.inputs_of(number)).map(|_| random.r#gen()).collect();
        Layer { weights, biases: (0..outputs).map(|_| random.gen_range(-1000..1000)).collect() }
    };
    Network::new(shape.clone(), (0..shape.layers.len()).map(layer).collect()).expect("a network")
}

pub(crate) fn job(network: &Network, runs: usize, random: &mut StdRng) -> Job {
    let context = Context { chain: [1; 32], job: 7, prover: vec![2; 20], program: [3; 32], nonce: 0 };
    let mut input = || Input {
        values: (0..network.shape().inputs).map(|_| random.r#gen()).collect(),
        salt: Fr::from(random.r#gen::<u128>()),
        answer_salt: Fr::from(random.r#gen::<u128>()),
    };
    let inputs = (0..runs).map(|_| input()).collect();
    Job { context, network: network.clone(), weights_salt: Fr::from(random.r#gen::<u128>()), inputs }
}
