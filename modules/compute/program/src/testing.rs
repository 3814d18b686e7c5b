//! Programs, weights and inputs for tests of whoever runs or referees programs: one program an operator, and random ones. No randomness: a written seed
//! gives the same again.
use sha2::{Digest, Sha256};

use crate::{Graph, Inputs, Kind, Node, Op, Operand, Orientation, Program, Tensor, TensorType, Weights};

/// Numbers that look random, from a written seed.
#[derive(Debug, Clone, Copy)]
pub struct Dice {
    seed: u64,
    drawn: u64,
}

impl Dice {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }
    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        let hash = Sha256::digest([self.seed.to_be_bytes(), self.drawn.to_be_bytes()].concat());
        hash.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
    }
    /// One below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        self.number().checked_rem(n).unwrap_or(0)
    }
    fn dim(&mut self, most: u32) -> u32 {
        u32::try_from(self.below(most.into())).unwrap_or(0).saturating_add(1)
    }
    /// A tensor of a type. Values of i32 tensors are small, now and then extreme.
    pub fn tensor(&mut self, shape: &TensorType) -> Option<Tensor> {
        let count = shape.elements().ok()?;
        let values = (0..count).map(|_| self.value(shape.kind)).collect();
        Tensor::new(shape.clone(), values)
    }
    fn value(&mut self, kind: Kind) -> i32 {
        let [a, b, c, d, rare, ..] = self.number().to_be_bytes();
        match (kind, rare % 16) {
            (Kind::I8, 0) => i8::MIN.into(),
            (Kind::I8, 1) => i8::MAX.into(),
            (Kind::I8, _) => i8::from_be_bytes([a]).into(),
            (Kind::I32, 0) => i32::from_be_bytes([a, b, c, d]),
            (Kind::I32, _) => i32::from(i16::from_be_bytes([a, b])),
        }
    }
}

/// Random weights of a program.
#[must_use]
pub fn weights(program: &Program, dice: &mut Dice) -> Option<Weights> {
    let tensors = program.graph().weights.iter().map(|shape| dice.tensor(shape)).collect::<Option<_>>()?;
    Weights::new(program, tensors)
}

/// Random inputs of so many runs.
#[must_use]
pub fn inputs(program: &Program, runs: u32, dice: &mut Dice) -> Option<Inputs> {
    let tensors = (0..runs).map(|_| dice.tensor(&program.graph().input)).collect::<Option<_>>()?;
    Inputs::new(program, tensors)
}

fn bytes(dims: &[u32]) -> TensorType {
    TensorType::new(Kind::I8, dims)
}

fn words(dims: &[u32]) -> TensorType {
    TensorType::new(Kind::I32, dims)
}

fn node(op: Op, operands: &[Operand]) -> Node {
    Node { op, operands: operands.to_vec() }
}

/// One small program for each operator that the chain computes, by its name; most have outputs of several chunks.
#[must_use]
pub fn every_operator() -> Vec<(&'static str, Graph)> {
    use Operand::{Input, Weight};
    let one = |input: TensorType, weights: &[TensorType], op: Op| {
        let operands: Vec<_> = std::iter::once(Input).chain((0_u32..).zip(weights).map(|(i, _)| Weight(i))).collect();
        Graph::new(input, weights.to_vec(), vec![Node { op, operands }])
    };
    let image = || bytes(&[9, 8, 5]);
    let conv = Op::Conv2d { stride: [2, 1], padding: [1, 0] };
    vec![
        ("linear", one(bytes(&[7, 33]), &[bytes(&[60, 33])], Op::Linear)),
        ("linear with bias", one(bytes(&[2, 3, 40]), &[bytes(&[50, 40]), words(&[50])], Op::Linear)),
        ("matmul plain", one(bytes(&[3, 6, 17]), &[bytes(&[3, 17, 30])], Op::MatMul { right: Orientation::Plain })),
        ("matmul transposed", one(bytes(&[3, 6, 17]), &[bytes(&[3, 30, 17])], Op::MatMul { right: Orientation::Transposed })),
        ("conv2d", one(image(), &[bytes(&[12, 3, 2, 5]), words(&[12])], conv)),
        ("max pool", one(bytes(&[20, 21, 7]), &[], Op::MaxPool { window: [2, 3], stride: [2, 1] })),
        ("sum pool", one(bytes(&[20, 21, 7]), &[], Op::SumPool { window: [3, 2], stride: [1, 2] })),
        ("add", one(bytes(&[700]), &[bytes(&[700])], Op::Add)),
        ("relu", one(bytes(&[1_500]), &[], Op::Relu)),
        ("requantise", one(words(&[1_500]), &[], Op::Requantise { multiplier: 20_000, shift: 19 })),
        ("embed", one(bytes(&[40]), &[bytes(&[200, 33])], Op::Embed)),
        ("embed words", one(words(&[40]), &[bytes(&[90, 33])], Op::Embed)),
        ("table", one(bytes(&[1_300]), &[bytes(&[256])], Op::Table)),
        ("softmax", one(bytes(&[40, 30]), &[words(&[256])], Op::Softmax { causal: false })),
        ("softmax causal", one(bytes(&[2, 25, 30]), &[words(&[256])], Op::Softmax { causal: true })),
        ("layer norm", one(bytes(&[30, 48]), &[bytes(&[48]), bytes(&[48])], Op::LayerNorm)),
        ("argmax", one(words(&[300, 9]), &[], Op::Argmax)),
        ("transpose", one(bytes(&[11, 12, 13]), &[], Op::Transpose { perm: vec![2, 0, 1] })),
        ("reshape", one(bytes(&[11, 12, 13]), &[], Op::Reshape { dims: vec![13, 132] })),
        ("slice", one(bytes(&[11, 30, 13]), &[], Op::Slice { axis: 1, start: 5, len: 11 })),
        ("concat", one(bytes(&[11, 30, 3]), &[bytes(&[11, 12, 3])], Op::Concat { axis: 1 })),
    ]
}

/// A random program of up to `most` operators that passes its check.
#[must_use]
pub fn random(dice: &mut Dice, most: u64) -> Option<Program> {
    let input = bytes(&[dice.dim(12), dice.dim(40)]);
    let mut program = Program::check(Graph::new(input, Vec::new(), vec![node(Op::Relu, &[Operand::Input])])).ok()?;
    for _ in 0..dice.below(most) {
        let mut graph = program.graph().clone();
        let last = program.nodes().checked_sub(1)?;
        grow(&mut graph, program.shape(Operand::Node(last))?, last, dice);
        // A step that does not fit is left out.
        if let Ok(grown) = Program::check(graph) {
            program = grown;
        }
    }
    Some(program)
}

/// Adds one operator behind node `last`, whose output has the type `shape`.
fn grow(graph: &mut Graph, shape: &TensorType, last: u32, dice: &mut Dice) {
    let from = Operand::Node(last);
    let next = u32::try_from(graph.weights.len()).unwrap_or(u32::MAX);
    let (first, second) = (Operand::Weight(next), Operand::Weight(next.saturating_add(1)));
    if shape.kind == Kind::I32 && dice.below(4) > 0 {
        let shift = u8::try_from(dice.below(24)).unwrap_or(0);
        let multiplier = i32::try_from(dice.below(32_768)).unwrap_or(0).saturating_add(1);
        graph.nodes.push(node(Op::Requantise { multiplier, shift }, &[from]));
        return;
    }
    let (width, rows) = (shape.last(), shape.dims.first().copied().unwrap_or(1));
    let earlier = Operand::Node(u32::try_from(dice.below(u64::from(last).saturating_add(1))).unwrap_or(0));
    let (op, operands, weights) = match dice.below(12) {
        0 | 1 => {
            let m = dice.dim(60);
            (Op::Linear, vec![from, first, second], vec![bytes(&[m, width]), words(&[m])])
        }
        2 => (Op::Add, vec![from, earlier], vec![]),
        3 => (Op::Relu, vec![from], vec![]),
        4 => (Op::Table, vec![from, first], vec![bytes(&[256])]),
        5 => (Op::Softmax { causal: dice.below(2) > 0 }, vec![from, first], vec![words(&[256])]),
        6 => (Op::LayerNorm, vec![from, first, second], vec![bytes(&[width]), bytes(&[width])]),
        7 => (Op::Transpose { perm: vec![1, 0] }, vec![from], vec![]),
        8 => (Op::Concat { axis: 1 }, vec![from, earlier], vec![]),
        9 => (Op::Slice { axis: 0, start: 0, len: rows.div_ceil(2) }, vec![from], vec![]),
        10 => (Op::Argmax, vec![from], vec![]),
        _ => (Op::Embed, vec![from, first], vec![bytes(&[dice.dim(50), dice.dim(20)])]),
    };
    graph.nodes.push(Node { op, operands });
    graph.weights.extend(weights);
}
