//! Layers of f32: what they compute and what does not fit.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic"
)]
use cairn_models::{Layer, Network, NetworkError};

fn conv(window: [u16; 2], padding: [u16; 2]) -> Layer {
    let depth = usize::from(window[0]) * usize::from(window[1]);
    Layer::Conv2d { weights: (0..depth).map(|n| n as f32).collect(), bias: vec![0.5], window, stride: [1, 1], padding }
}

#[test]
fn layers_compute_what_they_say() {
    let image: Vec<f32> = (1..=9).map(|n| n as f32).collect();
    let net = |layers| Network::new(&[3, 3, 1], layers).unwrap();
    // The middle of the padded convolution sees the whole image: sum of n (n + 1).
    let padded = net(vec![conv([3, 3], [1, 1])]).forward(&image);
    assert_eq!((padded.len(), padded[4]), (9, 240.5));
    // Its corner sees four pixels under the last two rows and columns of the window.
    assert_eq!(padded[0], 4.0 + 5.0 * 2.0 + 7.0 * 4.0 + 8.0 * 5.0 + 0.5);
    assert_eq!(net(vec![Layer::MaxPool { window: [2, 2], stride: [1, 1] }]).forward(&image), [5.0, 6.0, 8.0, 9.0]);
    assert_eq!(net(vec![Layer::AveragePool { window: [3, 1], stride: [1, 1] }]).forward(&image), [4.0, 5.0, 6.0]);
    let rows = Layer::Linear { weights: [[1.0; 9], [-1.0; 9]].concat(), bias: vec![1.0, 2.0] };
    assert_eq!(net(vec![Layer::Flatten, rows, Layer::Relu]).forward(&image), [46.0, 0.0]);
}

#[test]
fn layers_that_do_not_fit_are_named() {
    let refused = |input: &[usize], layers| Network::new(input, layers).unwrap_err();
    let linear = |inputs, outputs| Layer::Linear { weights: vec![0.0; inputs * outputs], bias: vec![0.0; outputs] };
    assert_eq!(refused(&[4], vec![]), NetworkError::Layers(0));
    assert_eq!(refused(&[4, 4], vec![Layer::Relu]), NetworkError::Input);
    assert_eq!(refused(&[0], vec![Layer::Relu]), NetworkError::Input);
    let at = |input: &[usize], layers| match refused(input, layers) {
        NetworkError::Layer { layer, .. } => layer,
        other => panic!("{other}"),
    };
    assert_eq!(at(&[4], vec![linear(4, 3), linear(4, 2)]), 1);
    assert_eq!(at(&[2, 2, 1], vec![Layer::Relu, linear(4, 3)]), 1);
    assert_eq!(at(&[4], vec![linear(4, 2), conv([1, 1], [0, 0])]), 1);
    assert_eq!(at(&[2, 2, 1], vec![conv([3, 3], [0, 0])]), 0);
    assert_eq!(at(&[2, 2, 1], vec![conv([1, 1], [1, 0])]), 0);
    assert_eq!(at(&[2, 2, 1], vec![Layer::MaxPool { window: [1, 1], stride: [0, 1] }]), 0);
    assert_eq!(at(&[2], vec![Layer::Linear { weights: vec![f32::NAN, 0.0], bias: vec![0.0] }]), 0);
}
