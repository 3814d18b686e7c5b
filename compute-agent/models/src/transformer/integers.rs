//! The transformer in integers of 8 bits.
//!
//! The sum that goes through all blocks has one scale, so that it may be added to without being counted anew. Norms give 32 steps a deviation. Where an operator rounds
//! down and has no bias of its own, half a step is made up for in the sums behind it.
use burn::tensor::Tensor as Burn;
use cairn_program::{Graph, Kind, Node, Op, Operand, Orientation, Tensor, TensorType};

use super::{
    SYMBOLS, Transformer,
    training::{Block, Norm, Sums},
};
use crate::{Card, FileError, ModelFile, steps};

/// Values of int8.
const MOST: f64 = 127.0;
/// Steps of a norm's result for one deviation.
const DEVIATION: f64 = 32.0;
/// The part of values that is not cut.
const WITHIN: f64 = 0.9995;
/// The weight of the largest score in a softmax.
const WEIGHT: f64 = 1_048_576.0;

impl Transformer {
    /// The model's file: a program that sees bytes and says the next behind each. Scales are found on windows of a text.
    ///
    /// # Errors
    /// As [`ModelFile::new`], where a network of these sizes is no program.
    pub fn file(&self, windows: &[&[u8]], card: Card) -> Result<ModelFile, FileError> {
        let mut spans = Vec::new();
        drop(self.forward(windows, &mut |values| spans.push(span(&values))));
        // In the order in which they are computed: the first sum, then of each block query, key, value, scores, what is seen, the sum, hidden values, the sum.
        let sums = spans.iter().enumerate().filter(|(place, _)| matches!(place % 8, 0 | 6));
        let residual = sums.map(|(_, span)| *span).fold(0.0, f64::max) / MOST;
        let mut writer = Writer { residual, width: self.sizes.width, nodes: Vec::new(), tensors: Vec::new() };
        let mut x = writer.symbols(self);
        for (block, spans) in self.model.blocks.iter().zip(spans.get(1..).unwrap_or_default().chunks(8)) {
            x = writer.block(self, block, spans, x);
        }
        let normal = writer.norm(&self.model.norm, x);
        let logits = writer.sums(&self.model.last, normal, Scale { step: 1.0 / DEVIATION, half: 0.5 }, None);
        writer.node(Op::Argmax, &[logits]);
        let input = TensorType::new(Kind::I8, &[size(self.sizes.places)]);
        let shapes = writer.tensors.iter().map(|tensor| tensor.shape.clone()).collect();
        ModelFile::new(card, Graph::new(input, shapes, writer.nodes), writer.tensors)
    }
}

/// What one step of values stands for, and by how much of a step they are too small.
#[derive(Clone, Copy)]
struct Scale {
    step: f64,
    half: f64,
}

/// What nearly all values stay below.
fn span(values: &Burn<2>) -> f64 {
    let mut all: Vec<f32> = values.clone().abs().into_data().iter::<f32>().collect();
    all.sort_unstable_by(f32::total_cmp);
    let place = (all.len().saturating_sub(1) as f64 * WITHIN) as usize;
    all.get(place).map_or(1.0, |most| f64::from(*most)).max(1e-6)
}

fn size(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn numbers<const D: usize>(tensor: Burn<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

struct Writer {
    /// The step of the sum that goes through all blocks.
    residual: f64,
    width: usize,
    nodes: Vec<Node>,
    tensors: Vec<Tensor>,
}

impl Writer {
    fn node(&mut self, op: Op, operands: &[Operand]) -> Operand {
        self.nodes.push(Node { op, operands: operands.to_vec() });
        Operand::Node(size(self.nodes.len() - 1))
    }

    fn weight(&mut self, kind: Kind, dims: &[usize], values: Vec<i32>) -> Operand {
        let dims: Vec<u32> = dims.iter().map(|dim| size(*dim)).collect();
        self.tensors.extend(Tensor::new(TensorType::new(kind, &dims), values));
        Operand::Weight(size(self.tensors.len() - 1))
    }

    /// From one step to another: x m / 2^s with m of 15 bits.
    fn rescale(&mut self, x: Operand, from: f64, to: f64) -> Operand {
        let (multiplier, shift) = ratio(from / to);
        self.node(Op::Requantise { multiplier, shift }, &[x])
    }

    /// Two tensors in steps of the sum, cut to int8.
    fn add(&mut self, a: Operand, b: Operand) -> Operand {
        let sum = self.node(Op::Add, &[a, b]);
        self.node(Op::Requantise { multiplier: 1, shift: 0 }, &[sum])
    }

    fn symbols(&mut self, of: &Transformer) -> Operand {
        let step = self.residual as f32;
        let table = self.weight(Kind::I8, &[SYMBOLS, self.width], steps(&numbers(of.model.symbols.val()), step));
        let places = self.weight(Kind::I8, &[of.sizes.places, self.width], steps(&numbers(of.model.places.val()), step));
        let found = self.node(Op::Embed, &[Operand::Input, table]);
        self.add(found, places)
    }

    fn norm(&mut self, norm: &Norm, x: Operand) -> Operand {
        let step = (1.0 / DEVIATION) as f32;
        let gain = self.weight(Kind::I8, &[self.width], steps(&numbers(norm.gain.val()), step));
        let bias = self.weight(Kind::I8, &[self.width], steps(&numbers(norm.bias.val()), step));
        self.node(Op::LayerNorm, &[x, gain, bias])
    }

    /// Sums over values of a scale, as int8 in steps of `to`, or as they are.
    fn sums(&mut self, sums: &Sums, x: Operand, from: Scale, to: Option<f64>) -> Operand {
        let weights = sums.weights.val().transpose();
        let dims = weights.dims();
        let weights = numbers(weights);
        let unit = weights.iter().fold(1e-6_f32, |most, w| most.max(w.abs())) / MOST as f32;
        let (weights, step) = (steps(&weights, unit), from.step * f64::from(unit));
        let half = to.map_or(0.0, |to| to / step / 2.0);
        let bias = |(row, bias): (&[i32], f32)| {
            let short = row.iter().map(|w| f64::from(*w)).sum::<f64>() * from.half;
            // Far within 32 bits, since a program's rows are short.
            (f64::from(bias) / step + short + half).round() as i32
        };
        let biases = weights.chunks(dims[1]).zip(numbers(sums.biases.val())).map(bias).collect();
        let weights = self.weight(Kind::I8, &dims, weights);
        let biases = self.weight(Kind::I32, &dims[..1], biases);
        let found = self.node(Op::Linear, &[x, weights, biases]);
        match to {
            Some(to) => self.rescale(found, step, to),
            None => found,
        }
    }

    fn block(&mut self, of: &Transformer, block: &Block, spans: &[f64], x: Operand) -> Operand {
        let [query, key, value, scores, seen, _, hidden, _] = std::array::from_fn(|place| spans.get(place).map_or(1.0, |span| span / MOST));
        let normal = (self.norm(&block.first, x), Scale { step: 1.0 / DEVIATION, half: 0.5 });
        let query_at = self.sums(&block.query, normal.0, normal.1, Some(query));
        let key_at = self.sums(&block.key, normal.0, normal.1, Some(key));
        let value_at = self.sums(&block.value, normal.0, normal.1, Some(value));
        let [query_at, key_at, value_at] = [query_at, key_at, value_at].map(|x| self.heads(of, x));
        let products = self.node(Op::MatMul { right: Orientation::Transposed }, &[query_at, key_at]);
        let part = (of.sizes.width / of.sizes.heads) as f64;
        let products = self.rescale(products, query * key / part.sqrt(), scores);
        let table = (0..256).map(|distance| ((-f64::from(distance) * scores).exp() * WEIGHT).round() as i32).collect();
        let table = self.weight(Kind::I32, &[256], table);
        let parts = self.node(Op::Softmax { causal: true }, &[products, table]);
        let found = self.node(Op::MatMul { right: Orientation::Plain }, &[parts, value_at]);
        let found = self.rescale(found, value / MOST, seen);
        let found = self.node(Op::Transpose { perm: vec![1, 0, 2] }, &[found]);
        let found = self.node(Op::Reshape { dims: vec![size(of.sizes.places), size(self.width)] }, &[found]);
        let found = self.sums(&block.out, found, Scale { step: seen, half: 0.5 }, Some(self.residual));
        let x = self.add(x, found);

        let normal = self.norm(&block.second, x);
        let wide = self.sums(&block.wide, normal, Scale { step: 1.0 / DEVIATION, half: 0.5 }, Some(hidden));
        let wide = self.node(Op::Relu, &[wide]);
        let narrow = self.sums(&block.narrow, wide, Scale { step: hidden, half: 0.0 }, Some(self.residual));
        self.add(x, narrow)
    }

    /// `[places, width]` as `[heads, places, part]`.
    fn heads(&mut self, of: &Transformer, x: Operand) -> Operand {
        let dims = [of.sizes.places, of.sizes.heads, of.sizes.width / of.sizes.heads].map(size).to_vec();
        let split = self.node(Op::Reshape { dims }, &[x]);
        self.node(Op::Transpose { perm: vec![1, 0, 2] }, &[split])
    }
}

/// Multiplier and shift whose quotient is nearest to a ratio; the largest or the least there is where it is beyond them.
fn ratio(ratio: f64) -> (i32, u8) {
    let shift = (32_767.0 / ratio).log2().floor().clamp(0.0, 46.0);
    ((ratio * shift.exp2()).round().clamp(1.0, 32_767.0) as i32, shift as u8)
}
