//! Programs with weights and inputs on which a device is compared with the reference.
use cairn_program::{
    Graph, Inputs, Kind, Node, Op, Operand, Orientation, Program, Tensor, TensorType, Weights,
    testing::{self, Dice},
};

use crate::Error;

/// A program with what it is run on.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What it shows.
    pub name: String,
    /// The program.
    pub program: Program,
    /// Its weights.
    pub weights: Weights,
    /// Its inputs.
    pub inputs: Inputs,
}

/// Runs of each sample: more than one, since devices take several at once.
const RUNS: u32 = 3;

impl Sample {
    /// With random weights and inputs.
    ///
    /// # Errors
    /// [`Error::Sample`] where the graph is no program.
    pub fn random(name: &str, graph: Graph, runs: u32, dice: &mut Dice) -> Result<Self, Error> {
        let program = Program::check(graph).map_err(|fault| Error::Sample { name: name.into(), fault: Some(fault) })?;
        let wrong = || Error::Sample { name: name.into(), fault: None };
        let weights = testing::weights(&program, dice).ok_or_else(wrong)?;
        let inputs = testing::inputs(&program, runs, dice).ok_or_else(wrong)?;
        Ok(Self { name: name.into(), program, weights, inputs })
    }

    /// One operator whose operands, the first of them the input, take the values of cycles.
    fn cycles(name: &str, op: Op, operands: &[Cycle<'_>]) -> Result<Self, Error> {
        let shapes: Vec<TensorType> = operands.iter().map(|(kind, dims, _)| TensorType::new(*kind, dims)).collect();
        let mut tensors: Vec<Tensor> = shapes.iter().zip(operands).filter_map(|(shape, (.., cycle))| fill(shape, cycle)).collect();
        let wrong = |fault| Error::Sample { name: name.into(), fault };
        if tensors.len() != operands.len() || tensors.is_empty() {
            return Err(wrong(None));
        }
        let places = std::iter::once(Operand::Input).chain((0..).map(Operand::Weight)).take(shapes.len()).collect();
        let (input, weights) = (tensors.remove(0), tensors);
        let graph = Graph::new(input.shape.clone(), shapes[1..].to_vec(), vec![Node { op, operands: places }]);
        let program = Program::check(graph).map_err(|fault| wrong(Some(fault)))?;
        let weights = Weights::new(&program, weights).ok_or_else(|| wrong(None))?;
        let inputs = Inputs::new(&program, vec![input; 2]).ok_or_else(|| wrong(None))?;
        Ok(Self { name: name.into(), program, weights, inputs })
    }
}

/// Kind and shape of a tensor, and the values that it repeats.
type Cycle<'a> = (Kind, &'a [u32], &'a [i32]);

fn fill(shape: &TensorType, cycle: &[i32]) -> Option<Tensor> {
    let count = usize::try_from(shape.elements().ok()?).ok()?;
    Tensor::new(shape.clone(), cycle.iter().copied().cycle().take(count).collect())
}

/// All samples of the test of a device.
pub(crate) fn samples() -> Result<Vec<Sample>, Error> {
    let mut dice = Dice::new(1);
    let every = testing::every_operator().into_iter().map(|(name, graph)| Sample::random(name, graph, RUNS, &mut dice));
    let mut all: Vec<Sample> = every.collect::<Result<_, _>>()?;
    all.extend(products()?);
    all.extend(elements()?);
    all.extend(rows()?);
    all.extend(moves(&mut dice)?);
    all.extend(roles(&mut dice)?);
    Ok(all)
}

const LEAST: &[i32] = &[-128];
const MOST: &[i32] = &[127];
/// Around the ends of 32 bits, of 16, of 8, and around zero.
const EDGES: &[i32] = &[
    i32::MIN,
    i32::MIN + 1,
    i32::MAX,
    i32::MAX - 1,
    -65_537,
    -65_536,
    -65_535,
    65_535,
    65_536,
    65_537,
    -32_769,
    -32_768,
    32_767,
    32_768,
    -257,
    -256,
    -255,
    255,
    256,
    -129,
    -128,
    -127,
    126,
    127,
    128,
    -3,
    -2,
    -1,
    0,
    1,
    2,
    3,
];

/// Sums at their bounds, and more rows and matrices than go to a device at once.
fn products() -> Result<Vec<Sample>, Error> {
    use Kind::{I8, I32};
    let (conv, plain) = (Op::Conv2d { stride: [1, 1], padding: [1, 1] }, Op::MatMul { right: Orientation::Plain });
    Ok(vec![
        Sample::cycles("linear, longest rows", Op::Linear, &[(I8, &[1, 30_000], LEAST), (I8, &[1, 30_000], LEAST)])?,
        Sample::cycles("linear, longest negative rows", Op::Linear, &[(I8, &[1, 30_000], LEAST), (I8, &[1, 30_000], MOST)])?,
        Sample::cycles(
            "linear, extreme bias",
            Op::Linear,
            &[(I8, &[2, 16_000], LEAST), (I8, &[3, 16_000], LEAST), (I32, &[3], &[i32::MAX, i32::MIN, 1 << 30])],
        )?,
        Sample::cycles("linear, many rows", Op::Linear, &[(I8, &[40_000, 2], &[-128, 127, 5]), (I8, &[3, 2], &[-128, 1, 127])])?,
        Sample::cycles("matmul, many matrices", plain, &[(I8, &[40_000, 1, 2], &[-128, 127, 5]), (I8, &[40_000, 2, 1], &[-128, 3])])?,
        Sample::cycles(
            "conv2d, extremes",
            conv,
            &[(I8, &[5, 4, 3], LEAST), (I8, &[2, 3, 3, 3], &[-128, 127]), (I32, &[2], &[i32::MIN, i32::MAX])],
        )?,
        Sample::cycles("max pool of the least", Op::MaxPool { window: [2, 2], stride: [2, 2] }, &[(I8, &[4, 4, 2], LEAST)])?,
        Sample::cycles("sum pool of the least", Op::SumPool { window: [4, 4], stride: [1, 1] }, &[(I8, &[4, 4, 2], LEAST)])?,
    ])
}

fn elements() -> Result<Vec<Sample>, Error> {
    use Kind::{I8, I32};
    let mut all = vec![
        Sample::cycles("relu of words", Op::Relu, &[(I32, &[32], EDGES)])?,
        Sample::cycles(
            "embed, edges",
            Op::Embed,
            &[(I32, &[40], &[-1, 0, 1, 2, 3, 4, i32::MIN, i32::MAX]), (I8, &[3, 2], &[-128, 127, 1])],
        )?,
        Sample::cycles("table, ends", Op::Table, &[(I8, &[4], &[-128, 127, 0, -1]), (I8, &[256], &[-128, 5, 127])])?,
    ];
    for multiplier in [1, 3, 20_001, 32_767, 32_768] {
        for shift in [0, 1, 8, 15, 16, 17, 30, 31, 32, 46] {
            let name = format!("requantise by {multiplier} and {shift}");
            all.push(Sample::cycles(&name, Op::Requantise { multiplier, shift }, &[(I32, &[32], EDGES)])?);
        }
    }
    Ok(all)
}

fn rows() -> Result<Vec<Sample>, Error> {
    use Kind::{I8, I32};
    let softmax = |causal| Op::Softmax { causal };
    let norm = |name: &str, dims: &[u32], x: &[i32], gain: &[i32]| {
        let width = &dims[dims.len() - 1..];
        Sample::cycles(name, Op::LayerNorm, &[(I8, dims, x), (I8, width, gain), (I8, width, &[127, -128, 0, 1])])
    };
    Ok(vec![
        Sample::cycles("softmax, sums beyond 32 bits", softmax(false), &[(I8, &[2, 5_000], &[3, 3, 3, 7]), (I32, &[256], &[i32::MAX])])?,
        Sample::cycles("softmax, weights of zero", softmax(false), &[(I8, &[3, 5], &[-128, 127, 0]), (I32, &[256], &[0, -5])])?,
        Sample::cycles("softmax, one column", softmax(true), &[(I8, &[3, 1], LEAST), (I32, &[256], &[1])])?,
        Sample::cycles("softmax, most first", softmax(true), &[(I8, &[6, 9], &[-128, 127, 126, 4]), (I32, &[256], &[1 << 20, 1_000, 3])])?,
        norm("layer norm, widest spread", &[2, 4_096], &[-128, 127], &[-128, 127, 1, 0, -1])?,
        norm("layer norm, one outlier", &[2, 4_095], &[127, 127, 127, 127, 127, 127, 127, 127, 127, 127, -128], &[127, -128])?,
        norm("layer norm, one column", &[4, 1], &[-128, 127, 0, 1], &[127])?,
        norm("layer norm, rounding", &[16, 3], &[1, 0, 0, -1, 5, 2, 7, -9, 4, 0, 0], &[1, -1, 2])?,
        Sample::cycles("argmax, equals", Op::Argmax, &[(I32, &[4, 6], &[i32::MIN, 7, 7, -1, i32::MAX, i32::MAX, i32::MIN])])?,
        Sample::cycles("argmax, all the least", Op::Argmax, &[(I32, &[3, 5], &[i32::MIN])])?,
        Sample::cycles("argmax of bytes", Op::Argmax, &[(I8, &[7], &[-128, -128, -5, -5])])?,
    ])
}

fn moves(dice: &mut Dice) -> Result<Vec<Sample>, Error> {
    let wide = TensorType::new(Kind::I32, &[2, 3, 4, 5]);
    let of = |op: Op, operands: &[Operand]| {
        let weights = operands.iter().filter(|operand| matches!(operand, Operand::Weight(_))).map(|_| wide.clone()).collect();
        Graph::new(wide.clone(), weights, vec![Node { op, operands: operands.to_vec() }])
    };
    let mut all = Vec::new();
    for perm in [[3, 1, 0, 2], [1, 0, 3, 2], [0, 1, 2, 3]] {
        all.push(Sample::random("transpose of four", of(Op::Transpose { perm: perm.to_vec() }, &[Operand::Input]), RUNS, dice)?);
    }
    for axis in 0..4 {
        let (start, len) = (1, 1 + u32::from(axis) / 2);
        all.push(Sample::random("slice", of(Op::Slice { axis, start, len }, &[Operand::Input]), RUNS, dice)?);
        all.push(Sample::random("concat", of(Op::Concat { axis }, &[Operand::Weight(0), Operand::Input]), RUNS, dice)?);
        all.push(Sample::random("concat with itself", of(Op::Concat { axis }, &[Operand::Input, Operand::Input]), RUNS, dice)?);
    }
    Ok(all)
}

/// Operands in places where one does not expect them: weights on the left, inputs where weights are usual, and weights alone.
fn roles(dice: &mut Dice) -> Result<Vec<Sample>, Error> {
    use Operand::{Input, Node as Of, Weight};
    let square = || TensorType::new(Kind::I8, &[6, 6]);
    let node = |op: Op, operands: &[Operand]| Node { op, operands: operands.to_vec() };
    let of = |weights: Vec<TensorType>, nodes: Vec<Node>| Graph::new(square(), weights, nodes);
    let cube = |dims: &[u32]| Op::Reshape { dims: dims.to_vec() };
    let turned = Op::MatMul { right: Orientation::Transposed };
    let graphs = [
        ("linear by its input", of(vec![], vec![node(Op::Linear, &[Input, Input])])),
        ("linear of weights by the input", of(vec![square()], vec![node(Op::Linear, &[Weight(0), Input])])),
        (
            "weights alone",
            of(vec![square()], vec![node(Op::Relu, &[Weight(0)]), node(Op::Add, &[Of(0), Weight(0)]), node(Op::Add, &[Weight(0), Input])]),
        ),
        (
            "attention without weights",
            of(
                vec![],
                vec![
                    node(cube(&[1, 6, 6]), &[Input]),
                    node(turned, &[Of(0), Of(0)]),
                    node(Op::Requantise { multiplier: 9, shift: 12 }, &[Of(1)]),
                ],
            ),
        ),
        ("look-up in the input", of(vec![TensorType::new(Kind::I32, &[5])], vec![node(Op::Embed, &[Weight(0), Input])])),
        ("norm by the input", of(vec![], vec![node(cube(&[36]), &[Input]), node(Op::LayerNorm, &[Of(0), Of(0), Of(0)])])),
    ];
    graphs.into_iter().map(|(name, graph)| Sample::random(name, graph, RUNS, dice)).collect()
}

/// Random programs of a seed: a chain of operators, and one each of those that a chain does not have. What turns out to be no program is left out.
pub(crate) fn random(seed: u64) -> Result<Vec<Sample>, Error> {
    let mut dice = Dice::new(seed);
    let mut graphs = vec![convolution(&mut dice), pooling(&mut dice), product(&mut dice)];
    graphs.extend(testing::random(&mut dice, 12).map(|program| program.graph().clone()));
    let fits = graphs.into_iter().filter(|graph| Program::check(graph.clone()).is_ok());
    fits.map(|graph| Sample::random(&format!("random program of seed {seed}"), graph, RUNS, &mut dice)).collect()
}

/// 1 to `most`.
fn dim(dice: &mut Dice, most: u64) -> u32 {
    u32::try_from(dice.below(most) + 1).unwrap_or(1)
}

fn pair(dice: &mut Dice, most: u64) -> [u16; 2] {
    [0, 1].map(|_| u16::try_from(dice.below(most) + 1).unwrap_or(1))
}

fn convolution(dice: &mut Dice) -> Graph {
    let (image, channels, filters) = ([dim(dice, 12), dim(dice, 12)], dim(dice, 6), dim(dice, 9));
    let (window, stride) = (pair(dice, 4), pair(dice, 3));
    let padding = window.map(|cells| u16::try_from(dice.below(cells.into())).unwrap_or(0));
    let input = TensorType::new(Kind::I8, &[image[0], image[1], channels]);
    let filter = TensorType::new(Kind::I8, &[filters, window[0].into(), window[1].into(), channels]);
    let operands = vec![Operand::Input, Operand::Weight(0), Operand::Weight(1)];
    let node = Node { op: Op::Conv2d { stride, padding }, operands };
    Graph::new(input, vec![filter, TensorType::new(Kind::I32, &[filters])], vec![node])
}

fn pooling(dice: &mut Dice) -> Graph {
    let input = TensorType::new(Kind::I8, &[dim(dice, 14), dim(dice, 14), dim(dice, 9)]);
    let (window, stride) = (pair(dice, 4), pair(dice, 3));
    let nodes = [Op::MaxPool { window, stride }, Op::SumPool { window, stride }].map(|op| Node { op, operands: vec![Operand::Input] });
    Graph::new(input, Vec::new(), nodes.into())
}

fn product(dice: &mut Dice) -> Graph {
    let (batch, height, depth, width) = (dim(dice, 5), dim(dice, 20), dim(dice, 70), dim(dice, 20));
    let plain = dice.below(2) > 0;
    let (right, dims) = if plain { (Orientation::Plain, [batch, depth, width]) } else { (Orientation::Transposed, [batch, width, depth]) };
    let node = Node { op: Op::MatMul { right }, operands: vec![Operand::Input, Operand::Weight(0)] };
    Graph::new(TensorType::new(Kind::I8, &[batch, height, depth]), vec![TensorType::new(Kind::I8, &dims)], vec![node])
}
