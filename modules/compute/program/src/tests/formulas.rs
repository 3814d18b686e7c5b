//! Operators against plain formulas of their own, on whole tensors of random and extreme values.
use super::done;
use crate::{Graph, Inputs, Kind, Node, Op, Operand, Program, Tensor, TensorType, Trace, Weights, testing};

/// Runs an operator on given tensors.
fn apply(op: Op, input: Tensor, weights: Vec<Tensor>) -> Vec<i32> {
    let operands = std::iter::once(Operand::Input).chain((0..weights.len()).map(|i| Operand::Weight(i as u32))).collect();
    let shapes = weights.iter().map(|tensor| tensor.shape.clone()).collect();
    let program = Program::check(Graph::new(input.shape.clone(), shapes, vec![Node { op, operands }])).unwrap();
    let weights = Weights::new(&program, weights).unwrap();
    let inputs = Inputs::new(&program, vec![input]).unwrap();
    let trace = Trace::execute(&program, &weights, &inputs, &|_, _| None).unwrap();
    trace.tensors(0).unwrap()[0].values.clone()
}

fn bytes(dims: &[u32], values: &[i32]) -> Tensor {
    Tensor::new(TensorType::new(Kind::I8, dims), values.to_vec()).unwrap()
}

fn words(dims: &[u32], values: &[i32]) -> Tensor {
    Tensor::new(TensorType::new(Kind::I32, dims), values.to_vec()).unwrap()
}

/// Input, weights and output of the sample program of a name.
fn sample(name: &str) -> (Vec<Tensor>, Vec<i32>, Vec<usize>) {
    let graph = testing::every_operator().into_iter().find(|(n, _)| *n == name).unwrap().1;
    let done = done(Program::check(graph).unwrap(), 1, 99);
    let mut dice = testing::Dice::new(99);
    let mut tensors: Vec<Tensor> = done.program.graph().weights.iter().map(|shape| dice.tensor(shape).unwrap()).collect();
    tensors.insert(0, dice.tensor(&done.program.graph().input).unwrap());
    let dims = done.program.output_shape().unwrap().dims.iter().map(|d| *d as usize).collect();
    (tensors, done.trace.tensors(0).unwrap()[0].values.clone(), dims)
}

#[test]
fn sums_of_products() {
    let (t, out, dims) = sample("linear with bias");
    for (i, found) in out.iter().enumerate() {
        let (row, m) = (i / dims[2], i % dims[2]);
        let sum: i64 = (0..40).map(|k| i64::from(t[0].values[row * 40 + k]) * i64::from(t[1].values[m * 40 + k])).sum();
        assert_eq!(i64::from(*found), sum + i64::from(t[2].values[m]).clamp(-(1 << 30), 1 << 30));
    }
    let (t, out, _) = sample("matmul plain");
    let at =
        |b: usize, n: usize, m: usize| (0..17).map(|k| t[0].values[(b * 6 + n) * 17 + k] * t[1].values[(b * 17 + k) * 30 + m]).sum::<i32>();
    let expected: Vec<i32> =
        (0..3).flat_map(|b| (0..6).flat_map(move |n| (0..30).map(move |m| (b, n, m)))).map(|(b, n, m)| at(b, n, m)).collect();
    assert_eq!(out, expected);
    let (t, out, _) = sample("matmul transposed");
    let at =
        |b: usize, n: usize, m: usize| (0..17).map(|k| t[0].values[(b * 6 + n) * 17 + k] * t[1].values[(b * 30 + m) * 17 + k]).sum::<i32>();
    let expected: Vec<i32> =
        (0..3).flat_map(|b| (0..6).flat_map(move |n| (0..30).map(move |m| (b, n, m)))).map(|(b, n, m)| at(b, n, m)).collect();
    assert_eq!(out, expected);
}

#[test]
fn sums_of_products_at_their_extremes() {
    let k = 20_000;
    let row = |v: i32| bytes(&[1, k], &vec![v; k as usize]);
    assert_eq!(apply(Op::Linear, row(-128), vec![row(-128)]), [128 * 128 * 20_000]);
    assert_eq!(apply(Op::Linear, row(-128), vec![row(127)]), [-128 * 127 * 20_000]);
    let bias = |v: i32| words(&[1], &[v]);
    assert_eq!(apply(Op::Linear, row(-128), vec![row(-128), bias(i32::MAX)]), [128 * 128 * 20_000 + (1 << 30)]);
    assert_eq!(apply(Op::Linear, row(-128), vec![row(127), bias(i32::MIN)]), [-128 * 127 * 20_000 - (1 << 30)]);
}

#[test]
fn windows() {
    let (t, out, dims) = sample("conv2d");
    let (x, w, bias) = (&t[0].values, &t[1].values, &t[2].values);
    for (i, found) in out.iter().enumerate() {
        let (y, c, o) = (i / dims[2] / dims[1], i / dims[2] % dims[1], i % dims[2]);
        let mut sum = i64::from(bias[o]).clamp(-(1 << 30), 1 << 30);
        for (a, b, ch) in (0..3).flat_map(|a| (0..2).flat_map(move |b| (0..5).map(move |ch| (a, b, ch)))) {
            let (iy, ix) = ((2 * y + a) as i64 - 1, (c + b) as i64);
            if (0..9).contains(&iy) && (0..8).contains(&ix) {
                sum += i64::from(x[(iy as usize * 8 + ix as usize) * 5 + ch] * w[((o * 3 + a) * 2 + b) * 5 + ch]);
            }
        }
        assert_eq!(i64::from(*found), sum, "{y} {c} {o}");
    }
    for (name, window, stride) in [("max pool", [2, 3], [2, 1]), ("sum pool", [3, 2], [1, 2])] {
        let (t, out, dims) = sample(name);
        for (i, found) in out.iter().enumerate() {
            let (y, x, c) = (i / dims[2] / dims[1], i / dims[2] % dims[1], i % dims[2]);
            let cells = (0..window[0]).flat_map(|a| (0..window[1]).map(move |b| (a, b)));
            let values: Vec<i32> = cells.map(|(a, b)| t[0].values[((y * stride[0] + a) * 21 + x * stride[1] + b) * 7 + c]).collect();
            assert_eq!(*found, if name == "max pool" { *values.iter().max().unwrap() } else { values.iter().sum() });
        }
    }
}

#[test]
fn elements() {
    let x = bytes(&[5], &[-128, -1, 0, 1, 127]);
    assert_eq!(apply(Op::Relu, x.clone(), vec![]), [0, 0, 0, 1, 127]);
    assert_eq!(apply(Op::Add, x.clone(), vec![bytes(&[5], &[-128, -128, 0, 127, 127])]), [-256, -129, 0, 128, 254]);
    let table: Vec<i32> = (0..256).map(|n| 127 - n).collect();
    assert_eq!(apply(Op::Table, x, vec![bytes(&[256], &table)]), [127, 0, -1, -2, -128]);
    let wide = words(&[8], &[i32::MIN, i32::MAX, -1, 1, 255, -255, 256, 0]);
    assert_eq!(
        apply(Op::Requantise { multiplier: 1, shift: 1 }, wide.clone(), vec![]),
        [-128, 127, -1, 0, 127, -128, 127, 0],
        "rounds down"
    );
    assert_eq!(apply(Op::Requantise { multiplier: 32_768, shift: 46 }, wide.clone(), vec![]), [-1, 0, -1, 0, 0, -1, 0, 0]);
    assert_eq!(apply(Op::Requantise { multiplier: 32_768, shift: 0 }, wide, vec![]), [-128, 127, -128, 127, 127, -128, 127, 0]);
}

#[test]
fn look_ups() {
    let table = bytes(&[3, 2], &[1, 2, 3, 4, 5, 6]);
    assert_eq!(apply(Op::Embed, bytes(&[4], &[2, 0, 3, -1]), vec![table.clone()]), [5, 6, 1, 2, 0, 0, 0, 0]);
    assert_eq!(apply(Op::Embed, words(&[3], &[1, -1, i32::MAX]), vec![table]), [3, 4, 0, 0, 0, 0]);
    let many = bytes(&[256, 1], &(0..256).map(|n| n - 128).collect::<Vec<_>>());
    assert_eq!(apply(Op::Embed, bytes(&[2], &[-1, -128]), vec![many]), [127, 0], "bytes count as unsigned");
}

#[test]
fn rows() {
    let mut weights = vec![0; 256];
    (weights[0], weights[1], weights[255]) = (100, 50, -5);
    let weights = words(&[256], &weights);
    let softmax = |causal, x| apply(Op::Softmax { causal }, x, vec![weights.clone()]);
    assert_eq!(softmax(false, bytes(&[2, 3], &[5, 5, 4, -128, 127, 126])), [50, 50, 25, 0, 84, 42]);
    assert_eq!(softmax(true, bytes(&[3, 3], &[5, 5, 4, 1, 1, 9, 3, 4, 4])), [127, 0, 0, 63, 63, 0, 25, 50, 50]);
    let none = apply(Op::Softmax { causal: false }, bytes(&[2], &[1, 2]), vec![words(&[256], &[0; 256])]);
    assert_eq!(none, [0, 0]);
    let most = apply(Op::Softmax { causal: false }, bytes(&[1], &[1]), vec![words(&[256], &[i32::MAX; 256])]);
    assert_eq!(most, [127]);

    let x = bytes(&[1, 4], &[10, -10, 30, -30]);
    let (gain, bias) = (bytes(&[4], &[32, 32, 32, -32]), bytes(&[4], &[0, 1, 0, 127]));
    // Distances 4 x: 40, -40, 120, -120; their deviation floor(sqrt(8,000)) = 89.
    assert_eq!(apply(Op::LayerNorm, x, vec![gain, bias]), [14, -14, 43, 127]);
    let flat = apply(Op::LayerNorm, bytes(&[1, 2], &[7, 7]), vec![bytes(&[2], &[127, 127]), bytes(&[2], &[3, -3])]);
    assert_eq!(flat, [3, -3]);
    assert_eq!(apply(Op::Argmax, words(&[2, 3], &[1, 5, 5, -9, -9, i32::MIN]), vec![]), [1, 0]);
    assert_eq!(apply(Op::Argmax, bytes(&[3], &[1, 2, 3]), vec![]), [2]);
}

#[test]
fn moves() {
    let x = || bytes(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    assert_eq!(apply(Op::Transpose { perm: vec![1, 0] }, x(), vec![]), [1, 4, 2, 5, 3, 6]);
    assert_eq!(apply(Op::Reshape { dims: vec![3, 2] }, x(), vec![]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(apply(Op::Slice { axis: 1, start: 1, len: 2 }, x(), vec![]), [2, 3, 5, 6]);
    assert_eq!(apply(Op::Slice { axis: 0, start: 1, len: 1 }, x(), vec![]), [4, 5, 6]);
    assert_eq!(apply(Op::Concat { axis: 1 }, x(), vec![bytes(&[2, 1], &[7, 8])]), [1, 2, 3, 7, 4, 5, 6, 8]);
    assert_eq!(apply(Op::Concat { axis: 0 }, x(), vec![bytes(&[1, 3], &[7, 8, 9])]), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let (t, out, _) = sample("transpose");
    for (i, found) in out.iter().enumerate() {
        let (a, b, c) = (i / 132, i / 12 % 11, i % 12);
        assert_eq!(*found, t[0].values[(b * 12 + c) * 13 + a]);
    }
}
