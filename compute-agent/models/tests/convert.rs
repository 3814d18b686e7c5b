//! Networks from ONNX and safetensors: what they compute, and what is refused by its name.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
use cairn_models::{
    Answer, ConvertError, Form, Layer, Named, Network, NetworkError,
    onnx::{
        self,
        wire::{Attribute, Constant, Dimension, Graph, Model, Node, OperatorSet, Shape, TensorType, Type, Value},
    },
    quantise,
};
use cairn_program::Program;
use prost::Message;
use safetensors::{Dtype, tensor::TensorView};

/// Numbers that are no pattern a mistake could keep.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|n| ((n * 37 + seed * 101) % 61) as f32 / 30.0 - 1.0).collect()
}

fn constant(name: &str, dims: &[i64], seed: usize) -> Constant {
    let values = numbers(dims.iter().product::<i64>() as usize, seed);
    Constant { name: name.into(), dims: dims.to_vec(), data_type: 1, float_data: values, ..Constant::default() }
}

fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: ints.to_vec(), ..Attribute::default() }
}

fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.into(), i, ..Attribute::default() }
}

fn node(op: &str, input: &[&str], output: &str, attribute: Vec<Attribute>) -> Node {
    let input = input.iter().map(|name| (*name).to_owned()).collect();
    Node { input, output: vec![output.into()], name: format!("the_{output}"), op_type: op.into(), attribute, ..Node::default() }
}

fn value(name: &str, dims: &[i64]) -> Value {
    let dim = dims.iter().map(|value| Dimension { value: *value }).collect();
    let tensor = Some(TensorType { elem_type: 1, shape: Some(Shape { dim }) });
    Value { name: name.into(), r#type: Some(Type { tensor }) }
}

fn file(input: &[i64], nodes: &[Node], constants: &[Constant]) -> Vec<u8> {
    let output = nodes.last().map_or("x", |node| node.output[0].as_str());
    let graph = Graph {
        node: nodes.iter().map(Message::encode_to_vec).collect(),
        initializer: constants.iter().map(Message::encode_to_vec).collect(),
        input: vec![value("x", input).encode_to_vec()],
        output: vec![value(output, &[]).encode_to_vec()],
    };
    let opset_import = vec![OperatorSet { domain: String::new(), version: 17 }];
    Model { ir_version: 8, graph: graph.encode_to_vec(), opset_import }.encode_to_vec()
}

/// A small network with all operators that are known.
fn example() -> (Vec<Node>, Vec<Constant>) {
    let nodes = vec![
        node("Conv", &["x", "w0", "b0"], "c0", vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 1]), ints("strides", &[1, 1])]),
        node("Relu", &["c0"], "r0", vec![]),
        node("MaxPool", &["r0"], "p0", vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]),
        node("Conv", &["p0", "w1"], "c1", vec![ints("strides", &[1, 2])]),
        node("AveragePool", &["c1"], "p1", vec![ints("kernel_shape", &[2, 1])]),
        node("Reshape", &["p1", "shape"], "f", vec![]),
        node("Gemm", &["f", "w2", "b2"], "g", vec![int("transB", 1), Attribute { name: "alpha".into(), f: 0.5, ..Attribute::default() }]),
        node("Relu", &["g"], "r1", vec![]),
        node("MatMul", &["r1", "w3"], "m", vec![]),
        node("Add", &["b3", "m"], "a", vec![]),
        node("Softmax", &["a"], "y", vec![int("axis", -1)]),
    ];
    // Values may be bytes as well.
    let mut raw = constant("w1", &[3, 4, 2, 2], 3);
    raw.raw_data = raw.float_data.drain(..).flat_map(f32::to_le_bytes).collect();
    let row = Constant { name: "shape".into(), dims: vec![2], data_type: 7, int64_data: vec![0, -1], ..Constant::default() };
    let constants = vec![
        constant("w0", &[4, 2, 3, 3], 1),
        constant("b0", &[4], 2),
        raw,
        row,
        constant("w2", &[5, 3], 4),
        constant("b2", &[5], 5),
        constant("w3", &[5, 3], 6),
        constant("b3", &[3], 7),
    ];
    (nodes, constants)
}

/// A convolution as ONNX says it: images `[C, H, W]`, weights `[O, C, kh, kw]`.
fn conv(
    x: &[f32],
    [c, h, w]: [usize; 3],
    (k, [o, kh, kw]): (&[f32], [usize; 3]),
    bias: &[f32],
    stride: [usize; 2],
    pad: usize,
) -> Vec<f32> {
    let (down, right) = ((h + 2 * pad - kh) / stride[0] + 1, (w + 2 * pad - kw) / stride[1] + 1);
    let mut out = vec![0.0; o * down * right];
    for (at, out) in out.iter_mut().enumerate() {
        let (filter, top, left) = (at / (down * right), at / right % down * stride[0], at % right * stride[1]);
        *out = bias[filter];
        for (place, weight) in k[filter * c * kh * kw..][..c * kh * kw].iter().enumerate() {
            let (channel, y, z) = (place / (kh * kw), top + place / kw % kh, left + place % kw);
            if (pad..h + pad).contains(&y) && (pad..w + pad).contains(&z) {
                *out += weight * x[(channel * h + y - pad) * w + z - pad];
            }
        }
    }
    out
}

fn relu(x: Vec<f32>) -> Vec<f32> {
    x.into_iter().map(|x| x.max(0.0)).collect()
}

/// The example by the formulas of ONNX, without its softmax.
fn by_hand(image: &[f32]) -> Vec<f32> {
    let x = relu(conv(image, [2, 6, 6], (&numbers(72, 1), [4, 3, 3]), &numbers(4, 2), [1, 1], 1));
    let largest = |at: usize| {
        let (channel, top, left) = (at / 9, at / 3 % 3 * 2, at % 3 * 2);
        [0, 1, 6, 7].map(|step| x[channel * 36 + top * 6 + left + step]).into_iter().fold(f32::MIN, f32::max)
    };
    let x: Vec<f32> = (0..36).map(largest).collect();
    // [3, 2, 1]: stride 2 to the right leaves one column.
    let x = conv(&x, [4, 3, 3], (&numbers(48, 3), [3, 2, 2]), &[0.0; 3], [1, 2], 0);
    let x: Vec<f32> = x.chunks(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
    assert_eq!(x.len(), 3);
    let (w2, b2, w3, b3) = (numbers(15, 4), numbers(5, 5), numbers(15, 6), numbers(3, 7));
    let x = relu((0..5).map(|o| b2[o] + (0..3).map(|i| 0.5 * w2[o * 3 + i] * x[i]).sum::<f32>()).collect());
    (0..3).map(|o| b3[o] + (0..5).map(|i| w3[i * 3 + o] * x[i]).sum::<f32>()).collect()
}

#[test]
fn an_onnx_file_computes_what_onnx_says() {
    let (nodes, constants) = example();
    let network = onnx::read(&file(&[0, 2, 6, 6], &nodes, &constants)).expect("a network");
    assert_eq!((network.input(), network.outputs()), ([6, 6, 2].as_slice(), 3));
    let mut inputs = Vec::new();
    for seed in 0..20 {
        let image = numbers(72, seed);
        let turned: Vec<f32> = (0..72).map(|at| image[at % 2 * 36 + at / 2]).collect();
        let (found, wanted) = (network.forward(&turned), by_hand(&image));
        assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?} {wanted:?}");
        inputs.push(turned);
    }
    for form in [Form::Provable, Form::Fine] {
        let integers = quantise(&network, &inputs, form, Answer::Class).expect("integers");
        assert!(Program::check(integers.graph).is_ok());
    }
}

/// `data/library.onnx` was written by the onnx package for Python, 1.23.2, operators of version 17: Conv, Relu, MaxPool, Reshape, Gemm, Relu, MatMul, Add and Softmax over
/// `[N, 1, 4, 4]` with the weights of `numbers`; the numbers wanted are those of its reference evaluator.
#[test]
fn a_file_of_the_onnx_library_computes_what_the_library_does() {
    let network = onnx::read(include_bytes!("data/library.onnx")).expect("a network");
    let found = network.forward(&numbers(16, 9));
    // A softmax keeps the distances.
    assert!((found[1] - found[0] + 2.661_911).abs() < 1e-4 && (found[2] - found[0] + 3.438_207).abs() < 1e-4, "{found:?}");
}

#[test]
fn a_flattened_image_keeps_its_order() {
    let nodes = [node("Flatten", &["x"], "f", vec![]), node("Gemm", &["f", "w"], "y", vec![])];
    let network = onnx::read(&file(&[1, 2, 2, 2], &nodes, &[constant("w", &[8, 3], 1)])).expect("a network");
    let (image, weights) = (numbers(8, 9), numbers(24, 1));
    let turned: Vec<f32> = (0..8).map(|at| image[at % 2 * 4 + at / 2]).collect();
    let wanted: Vec<f32> = (0..3).map(|o| (0..8).map(|i| image[i] * weights[i * 3 + o]).sum()).collect();
    assert!(network.forward(&turned).iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-5));
}

#[test]
fn nodes_that_are_not_known_are_named() {
    let weights = [constant("w", &[4, 3], 1), constant("b", &[2], 1), constant("k", &[1, 1, 2, 2], 1)];
    let refused = |input: &[i64], nodes: &[Node]| match onnx::read(&file(input, nodes, &weights)) {
        Err(ConvertError::Node { node, operator, .. }) => format!("{node} {operator}"),
        other => panic!("{other:?}"),
    };
    let row: &[i64] = &[1, 4];
    assert_eq!(refused(row, &[node("Sigmoid", &["x"], "y", vec![])]), "the_y Sigmoid");
    assert_eq!(refused(row, &[Node { name: String::new(), ..node("Tanh", &["x"], "y", vec![]) }]), "0 Tanh");
    assert_eq!(refused(row, &[node("Relu", &["z"], "y", vec![])]), "the_y Relu");
    assert_eq!(refused(row, &[node("Gemm", &["x", "w", "b"], "y", vec![])]), "the_y Gemm");
    assert_eq!(refused(row, &[node("Gemm", &["x", "w"], "y", vec![int("transB", 1)])]), "the_y Gemm");
    assert_eq!(refused(row, &[node("Gemm", &["x", "none"], "y", vec![])]), "the_y Gemm");
    assert_eq!(refused(row, &[node("Add", &["x", "b"], "y", vec![])]), "the_y Add");
    assert_eq!(refused(row, &[node("Softmax", &["x"], "s", vec![]), node("Relu", &["s"], "y", vec![])]), "the_y Relu");
    assert_eq!(refused(row, &[Node { domain: "other".into(), ..node("Relu", &["x"], "y", vec![]) }]), "the_y Relu");
    let image: &[i64] = &[1, 1, 4, 4];
    assert_eq!(refused(image, &[node("MatMul", &["x", "w"], "y", vec![])]), "the_y MatMul");
    for wrong in
        [int("group", 2), ints("dilations", &[2, 2]), ints("pads", &[1, 0, 0, 0]), ints("strides", &[0, 1]), ints("strides", &[-1, 1])]
    {
        assert_eq!(refused(image, &[node("Conv", &["x", "k"], "y", vec![wrong])]), "the_y Conv");
    }
    assert_eq!(refused(image, &[node("MaxPool", &["x"], "y", vec![])]), "the_y MaxPool");
    assert_eq!(refused(image, &[node("MaxPool", &["x"], "y", vec![ints("kernel_shape", &[5, 5])])]), "the_y MaxPool");
}

#[test]
fn files_that_are_none_are_refused() {
    let (nodes, constants) = example();
    let good = file(&[1, 2, 6, 6], &nodes, &constants);
    assert!(onnx::read(&good).is_ok());
    for length in 0..good.len() {
        // Cut anywhere: refused or read, never a panic; only the last field of all may be left out.
        let _ = onnx::read(&good[..length]);
    }
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 0x81;
        let _ = onnx::read(&changed);
    }
    let format = |bytes: &[u8]| matches!(onnx::read(bytes), Err(ConvertError::Format(_)));
    assert!(
        format(b"") && format(b"no onnx") && format(&file(&[1, 2, 0, 6], &nodes, &constants)) && format(&file(&[4], &nodes, &constants))
    );
    let many = vec![node("Relu", &["x"], "x", vec![]); 1_025];
    assert!(matches!(onnx::read(&file(&[1, 4], &many, &[])), Err(ConvertError::Size)));
    let external = [Constant { data_location: 1, ..constant("w", &[4, 1], 1) }];
    assert!(matches!(onnx::read(&file(&[1, 4], &[node("MatMul", &["x", "w"], "y", vec![])], &external)), Err(ConvertError::Node { .. })));
    let other = [Constant { dims: vec![4, i64::MAX], ..constant("w", &[4, 1], 1) }];
    assert!(matches!(onnx::read(&file(&[1, 4], &[node("MatMul", &["x", "w"], "y", vec![])], &other)), Err(ConvertError::Node { .. })));
}

#[test]
fn a_network_keeps_in_its_file() {
    let (nodes, constants) = example();
    let network = onnx::read(&file(&[1, 2, 6, 6], &nodes, &constants)).expect("a network");
    let named = Named { network, classes: vec!["a".into(), "b".into(), "c".into()] };
    let bytes = named.write().expect("a file");
    assert_eq!(Named::read(&bytes).expect("a network"), named);
    for length in 0..bytes.len() {
        assert!(Named::read(&bytes[..length]).is_err(), "cut at {length}");
    }
    let mut huge = bytes.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(Named::read(&huge), Err(ConvertError::Size)));
    let few = Named { classes: vec!["a".into()], ..named };
    assert!(matches!(Named::read(&few.write().expect("a file")), Err(ConvertError::Format(_))));
    let pool = Network::new(&[2, 2, 1], vec![Layer::MaxPool { window: [2, 2], stride: [1, 1] }]).expect("a network");
    let pool = Named { network: pool, classes: vec![] };
    assert_eq!(Named::read(&pool.write().expect("a file")).expect("a network"), pool);
}

#[test]
fn sizes_that_are_bounded_one_by_one_but_not_together_are_refused() {
    let most = 1_i64 << 24;
    let flat = [node("Flatten", &["x"], "f", vec![])];
    assert!(matches!(onnx::read(&file(&[1, most, most, most], &flat, &[])), Err(ConvertError::Format(_))));
    // An image that grows by its padding.
    let wide = vec![ints("pads", &[60_000; 4]), ints("kernel_shape", &[1, 1])];
    let grows = [node("Conv", &["x", "w"], "c", wide), node("Flatten", &["c"], "f", vec![])];
    let refused = onnx::read(&file(&[1, 1, 2, 2], &grows, &[constant("w", &[1, 1, 1, 1], 1)]));
    assert!(matches!(refused, Err(ConvertError::Node { operator, .. }) if operator == "Conv"));
}

#[test]
fn weights_named_often_are_not_copied_without_bound() {
    let names: Vec<String> = std::iter::once("x".to_owned()).chain((0..40).map(|n| format!("m{n}"))).collect();
    let nodes: Vec<Node> = names.windows(2).map(|pair| node("MatMul", &[&pair[0], "w"], &pair[1], vec![])).collect();
    let refused = onnx::read(&file(&[1, 1_024], &nodes, &[constant("w", &[1_024, 1_024], 1)]));
    assert!(matches!(refused, Err(ConvertError::Node { node, .. }) if node == "the_m32"));
    let many: Vec<String> = std::iter::once("x".to_owned()).chain((0..300).map(|n| format!("r{n}"))).collect();
    let nodes: Vec<Node> = many.windows(2).map(|pair| node("Relu", &[&pair[0]], &pair[1], vec![])).collect();
    let refused = onnx::read(&file(&[1, 4], &nodes, &[]));
    assert!(matches!(refused, Err(ConvertError::Node { node, .. }) if node == "the_r256"));
}

/// A text of a node.
fn text(name: &str, s: &str) -> Attribute {
    Attribute { name: name.into(), s: s.into(), ..Attribute::default() }
}

/// Why a network of these nodes is refused.
fn refusal(input: &[i64], nodes: &[Node], constants: &[Constant]) -> String {
    match onnx::read(&file(input, nodes, constants)) {
        Err(ConvertError::Node { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn attributes_are_heeded_or_refused_by_name() {
    let weights = [constant("w", &[4, 3], 1), constant("k", &[1, 1, 3, 3], 1)];
    let (row, image): (&[i64], &[i64]) = (&[1, 4], &[1, 1, 5, 5]);
    let one = |op: &str, name: &str, attribute| [node(op, &["x", name], "y", vec![attribute])];
    assert_eq!(refusal(row, &one("MatMul", "w", int("cube", 1)), &weights), "its attribute `cube` is not known here");
    assert_eq!(refusal(row, &[node("Relu", &["x"], "y", vec![int("axis", 1)])], &weights), "its attribute `axis` is not known here");
    let float_as_integer = Attribute { name: "alpha".into(), i: 2, r#type: 2, ..Attribute::default() };
    assert!(refusal(row, &one("Gemm", "w", float_as_integer), &weights).contains("another kind"));
    let twice = [node("Gemm", &["x", "w"], "y", vec![int("transB", 0), int("transB", 1)])];
    assert!(refusal(row, &twice, &weights).contains("twice"));
    for axis in [0, 2, -2, i64::MIN] {
        assert!(refusal(row, &[node("Softmax", &["x"], "y", vec![int("axis", axis)])], &weights).contains("over a row"));
        assert!(refusal(image, &[node("Flatten", &["x"], "y", vec![int("axis", axis)])], &weights).contains("axis"));
    }
    assert!(onnx::read(&file(&[1, 1, 1, 5], &[node("Flatten", &["x"], "y", vec![int("axis", -3)])], &[])).is_ok());
    let shape = Constant { name: "s".into(), dims: vec![2], data_type: 7, int64_data: vec![0, 25], ..Constant::default() };
    assert!(refusal(image, &one("Reshape", "s", int("allowzero", 1)), &[shape]).contains("allowzero"));
    for (name, wrong) in [("ceil_mode", 1), ("unheard_of", 0)] {
        let pool = vec![ints("kernel_shape", &[2, 2]), int(name, wrong)];
        assert!(refusal(image, &[node("AveragePool", &["x"], "y", pool)], &weights).contains(name));
    }
    let same = |k: &str, stride: i64, more: Vec<Attribute>| {
        let attributes = [vec![text("auto_pad", "SAME_UPPER"), ints("strides", &[stride; 2])], more].concat();
        [node("Conv", &["x", k], "c", attributes), node("Flatten", &["c"], "y", vec![])]
    };
    let flat = |nodes: &[Node]| onnx::read(&file(image, nodes, &weights)).map(|network| network.outputs());
    assert!(matches!((flat(&same("k", 1, vec![])), flat(&same("k", 2, vec![]))), (Ok(25), Ok(9))));
    assert!(refusal(&[1, 1, 4, 4], &same("k", 2, vec![]), &weights).contains("opposite sides"));
    assert!(refusal(image, &same("k", 1, vec![ints("pads", &[1; 4])]), &weights).contains("auto_pad"));
    assert!(refusal(image, &same("k", 0, vec![]), &weights).contains("stride"));
}

#[test]
fn what_is_added_is_a_row() {
    let sized = |dims: &[i64]| [constant("w", &[4, 3], 1), constant("c", dims, 2), constant("k", &[3, 1, 1, 1], 1)];
    let gemm = [node("Gemm", &["x", "w", "c"], "y", vec![])];
    let sum = [node("MatMul", &["x", "w"], "m", vec![]), node("Add", &["m", "c"], "y", vec![])];
    for nodes in [&gemm[..], &sum[..]] {
        for dims in [&[3][..], &[1, 3], &[1], &[1, 1]] {
            assert!(onnx::read(&file(&[1, 4], nodes, &sized(dims))).is_ok(), "{dims:?}");
        }
        for dims in [&[3, 1][..], &[2], &[1, 1, 3], &[3, 3]] {
            refusal(&[1, 4], nodes, &sized(dims));
        }
    }
    assert!(refusal(&[1, 1, 2, 2], &[node("Conv", &["x", "k", "c"], "y", vec![])], &sized(&[3, 1])).contains("B is not"));
}

#[test]
fn a_dropout_drops_nothing() {
    let flag = |value: u8| Constant { name: "t".into(), data_type: 9, raw_data: vec![value], ..Constant::default() };
    let drop = [node("Dropout", &["x", "", "t"], "y", vec![int("seed", 1)]), node("Relu", &["y"], "z", vec![])];
    assert!(onnx::read(&file(&[1, 4], &drop, &[flag(0)])).is_ok());
    assert!(refusal(&[1, 4], &drop, &[flag(1)]).contains("training_mode"));
    assert!(refusal(&[1, 4], &drop, &[]).contains("training_mode"));
}

#[test]
fn a_second_output_is_refused() {
    let nodes = [node("Relu", &["x"], "r", vec![]), node("Relu", &["r"], "y", vec![])];
    let mut model = Model::decode(file(&[1, 4], &nodes, &[]).as_slice()).expect("a model");
    assert!(onnx::read(&model.encode_to_vec()).is_ok());
    model.graph.extend(Graph { output: vec![value("r", &[]).encode_to_vec()], ..Graph::default() }.encode_to_vec());
    assert!(matches!(onnx::read(&model.encode_to_vec()), Err(ConvertError::Format(why)) if why.contains("one output")));
}

/// Lists of which each entry is a byte or two in the file and many in memory.
#[test]
fn long_lists_are_refused_before_they_are_decoded() {
    let nodes = [node("Reshape", &["x", "s"], "f", vec![]), node("Relu", &["f"], "y", vec![])];
    let shape = |numbers: Vec<i64>| Constant { name: "s".into(), dims: vec![2], data_type: 7, int64_data: numbers, ..Constant::default() };
    assert!(onnx::read(&file(&[1, 4], &nodes, &[shape(vec![0, -1])])).is_ok());
    assert!(matches!(onnx::read(&file(&[1, 4], &nodes, &[shape(vec![0; 1_025])])), Err(ConvertError::Size)));
    let many = Constant { dims: vec![1; 1_025], ..shape(vec![]) };
    assert!(matches!(onnx::read(&file(&[1, 4], &nodes, &[many])), Err(ConvertError::Size)));
    let good = file(&[1, 4], &nodes, &[shape(vec![0, -1])]);
    let sets = [&good[..], &[0x42, 0].repeat(64)].concat();
    assert!(matches!(onnx::read(&sets), Err(ConvertError::Size)));
    for tag in [0x0a, 0x2a, 0x5a, 0x62] {
        let mut model = Model::decode(good.as_slice()).expect("a model");
        model.graph.extend([tag, 0].repeat(1_025));
        assert!(matches!(onnx::read(&model.encode_to_vec()), Err(ConvertError::Size)), "{tag:x}");
    }
}

/// A file of one tensor with these layers.
fn tensors(shape: &[usize], layers: &str) -> Vec<u8> {
    let bytes = vec![0; 4 * shape.iter().product::<usize>()];
    let net = format!(r#"{{"version": 1, "input": [4], "classes": [], "layers": [{layers}]}}"#);
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &bytes).expect("a view");
    safetensors::serialize([("w", view)], Some([("cairn.net".to_owned(), net)].into())).expect("a file")
}

#[test]
fn tensors_without_elements_and_too_many_layers_are_refused() {
    let linear = r#"{"kind": "linear", "weights": "w", "bias": null}"#;
    let refused = |bytes: &[u8]| matches!(Named::read(bytes), Err(ConvertError::Layer { number: 0, .. }));
    assert!(refused(&tensors(&[1 << 60, 0], linear)) && refused(&tensors(&[0, 1 << 60], linear)) && refused(&tensors(&[0], linear)));
    let conv = r#"{"kind": "conv2d", "weights": "w", "bias": null, "window": [1, 0], "stride": [1, 1], "padding": [0, 0]}"#;
    assert!(refused(&tensors(&[1 << 60, 1, 0, 1], conv)));
    assert!(Named::read(&tensors(&[3, 4], linear)).is_ok());
    let many = |count: usize| Named::read(&tensors(&[4, 4], &vec![linear; count].join(",")));
    assert!(many(256).is_ok());
    assert!(matches!(many(257), Err(ConvertError::Network(NetworkError::Layers(257)))));
}
