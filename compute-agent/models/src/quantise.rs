//! From f32 to int8: scales by calibration, then a program.
//!
//! A tensor of scale s holds round(x / s), cut to int8. A layer's accumulators have the scale of its input times that of its weights; `Requantise` brings them
//! to int8 by m / 2^k. As `Requantise` rounds down, half a step is added to the bias, so that what comes out is rounded to the nearest. With
//! [`Form::Provable`] m is 1 and scales differ by powers of two: networks of linear layers are then what circuits prove.
use cairn_program::{Graph, Kind, Node, Op, Operand, Tensor, TensorType};

use crate::{Card, FileError, Layer, ModelFile, Network, Quantised};

/// Longest row of products of one node: what a referee can compute with room to spare. Longer ones are cut along it and added.
const PART: usize = 8_192;
/// Steps of int8 on either side of zero.
const STEPS: f32 = 127.0;
/// A bias beyond this is refused by programs.
const MAX_BIAS: f64 = (1_u64 << 30) as f64;
/// Most bits of a multiplier.
const MULTIPLIER_BITS: i32 = 15;
/// Most bits of a shift, as programs have it.
const MAX_SHIFT: i32 = 46;

/// Why a network has no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantiseError {
    /// Nothing to find scales on, or of another shape.
    #[error("calibration needs examples of the network's input")]
    Examples,
    /// A layer whose numbers do not fit int8 and its sums.
    #[error("layer {layer}: {why}")]
    Layer {
        /// Its place, from 0.
        layer: usize,
        /// What is wrong.
        why: &'static str,
    },
}

/// How a layer's sums become int8 again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// By a shift alone: what circuits prove.
    Provable,
    /// By a multiplier of 15 bits and a shift, which uses all of int8.
    Fine,
}

/// What the program answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The number of the largest output.
    Class,
    /// The outputs as int8.
    Values,
}

/// A program that answers as a network of floats does, nearly.
#[derive(Debug, Clone)]
pub struct Integers {
    /// The program.
    pub graph: Graph,
    /// Its weights.
    pub tensors: Vec<Tensor>,
    /// What one step of its input stands for.
    pub scale: f32,
    /// What one step of its output stands for; of a class, of the sums that it is the largest of.
    pub output_scale: f32,
}

impl Integers {
    /// The model's file.
    ///
    /// # Errors
    /// As [`ModelFile::new`].
    pub fn file(self, card: Card) -> Result<ModelFile, FileError> {
        ModelFile::new(Card { input: Some(Quantised { scale: self.scale }), ..card }, self.graph, self.tensors)
    }
}

/// Finds scales on examples and writes the program.
///
/// # Errors
/// [`QuantiseError`].
pub fn quantise(network: &Network, examples: &[Vec<f32>], form: Form, answer: Answer) -> Result<Integers, QuantiseError> {
    let size: usize = network.input().iter().product();
    let finite = |input: &Vec<f32>| input.len() == size && input.iter().all(|x| x.is_finite());
    if examples.is_empty() || !examples.iter().all(finite) {
        return Err(QuantiseError::Examples);
    }
    let seen = Seen::new(network, examples);
    let scale = fit(&examples.concat(), |wanted| wanted);
    let input = TensorType::new(Kind::I8, &dims(network.input()));
    let last = network.layers().len() - 1;
    let mut builder = Builder { form, answer, weights: Vec::new(), nodes: Vec::new(), at: Operand::Input, scale, last };
    for (number, layer) in network.layers().iter().enumerate() {
        builder.layer(network, number, layer, &seen).map_err(|why| QuantiseError::Layer { layer: number, why })?;
    }
    if answer == Answer::Class {
        builder.class(network);
    }
    let types = builder.weights.iter().map(|tensor| tensor.shape.clone()).collect();
    let output_scale = builder.scale;
    Ok(Integers { graph: Graph::new(input, types, builder.nodes), tensors: builder.weights, scale, output_scale })
}

/// Values as a program's input.
#[must_use]
pub fn steps(values: &[f32], scale: f32) -> Vec<i32> {
    values.iter().map(|x| step(*x, scale)).collect()
}

/// A value as int8: the nearest step; no number is 0.
fn step(x: f32, scale: f32) -> i32 {
    // Cut to int8 first, so that the conversion is exact.
    (x / scale).round().clamp(-128.0, 127.0) as i32
}

/// What the layers computed on the calibration inputs.
struct Seen(Vec<Vec<f32>>);

impl Seen {
    fn new(net: &Network, calibration: &[Vec<f32>]) -> Self {
        let mut all = vec![Vec::new(); net.layers().len()];
        for input in calibration {
            for (values, found) in all.iter_mut().zip(net.activations(input)) {
                values.extend(found);
            }
        }
        Self(all)
    }
}

/// The scale with the least squared error among those that cut nothing off and a few that do; `round` makes a scale one that is allowed.
fn fit(values: &[f32], round: impl Fn(f32) -> f32) -> f32 {
    let most = values.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    if most <= f32::MIN_POSITIVE * STEPS {
        return round(1.0 / STEPS);
    }
    let error = |scale: f32| -> f64 {
        let one = |x: &f32| f64::from(x - scale * step(*x, scale) as f32).powi(2);
        values.iter().map(one).sum()
    };
    let shrunk = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.25].map(|part| round(most / STEPS * part));
    let mut best = (error(shrunk[0]), shrunk[0]);
    for scale in shrunk {
        let found = (error(scale), scale);
        if found.0 < best.0 {
            best = found;
        }
    }
    best.1
}

fn dims(shape: &[usize]) -> Vec<u32> {
    // A checked network has at most 2^24 elements a tensor.
    shape.iter().map(|dim| *dim as u32).collect()
}

/// A layer of weights, as rows of so many products.
struct Dense<'a> {
    weights: &'a [f32],
    bias: &'a [f32],
    op: Op,
    /// Height and width of the window; 1 and 1 of a linear layer.
    window: [usize; 2],
    /// Elements that each place of the window holds: channels, or all inputs.
    channels: usize,
}

struct Builder {
    form: Form,
    answer: Answer,
    weights: Vec<Tensor>,
    nodes: Vec<Node>,
    /// Where the layers so far end, and its scale.
    at: Operand,
    scale: f32,
    last: usize,
}

impl Builder {
    fn add(&mut self, op: Op, operands: Vec<Operand>) -> Operand {
        self.nodes.push(Node { op, operands });
        Operand::Node(self.nodes.len() as u32 - 1)
    }

    fn weight(&mut self, shape: &TensorType, values: Vec<i32>) -> Result<Operand, &'static str> {
        self.weights.push(Tensor::new(shape.clone(), values).ok_or("its weights do not fit int8")?);
        Ok(Operand::Weight(self.weights.len() as u32 - 1))
    }

    fn layer(&mut self, net: &Network, number: usize, layer: &Layer, seen: &Seen) -> Result<(), &'static str> {
        let at = self.at;
        self.at = match layer {
            Layer::Linear { weights, bias } => {
                let channels = net.shape(number)[0];
                return self.dense(net, number, seen, &Dense { weights, bias, op: Op::Linear, window: [1, 1], channels });
            }
            Layer::Conv2d { weights, bias, window, stride, padding } => {
                let op = Op::Conv2d { stride: *stride, padding: *padding };
                let channels = net.shape(number)[2];
                return self.dense(net, number, seen, &Dense { weights, bias, op, window: window.map(usize::from), channels });
            }
            Layer::Relu => self.add(Op::Relu, vec![at]),
            Layer::MaxPool { window, stride } => self.add(Op::MaxPool { window: *window, stride: *stride }, vec![at]),
            Layer::AveragePool { window, stride } => {
                let sums = self.add(Op::SumPool { window: *window, stride: *stride }, vec![at]);
                let (multiplier, shift) = ratio(1.0 / (f64::from(window[0]) * f64::from(window[1]))).ok_or("its window is too large")?;
                self.add(Op::Requantise { multiplier, shift }, vec![sums])
            }
            Layer::Flatten if net.shape(number).len() == 1 => at,
            Layer::Flatten => self.add(Op::Reshape { dims: dims(net.shape(number + 1)) }, vec![at]),
        };
        Ok(())
    }

    fn dense(&mut self, net: &Network, number: usize, seen: &Seen, dense: &Dense<'_>) -> Result<(), &'static str> {
        let weight_scale = fit(dense.weights, |shrunk| shrunk);
        let sums = self.scale * weight_scale;
        if !sums.is_normal() {
            return Err("its numbers are too small or too large to be scaled");
        }
        // The accumulators of the last layer are compared, or go to int8 like those of all others.
        let compared = number == self.last && self.answer == Answer::Class;
        let relu = matches!(net.layers().get(number + 1), Some(Layer::Relu));
        let (scale, requantise) = if compared { (sums, None) } else { self.target(sums, &seen.0[number + usize::from(relu)])? };
        let half = requantise.as_ref().map_or(0.0, |_| f64::from(scale) / 2.0);
        let bias = |bias: &f32| ((f64::from(*bias) + half) / f64::from(sums)).round();
        let bias: Vec<f64> = dense.bias.iter().map(bias).collect();
        if bias.iter().any(|bias| bias.abs() > MAX_BIAS) {
            return Err("a bias is out of proportion to its weights and inputs");
        }
        self.at = self.products(dense, weight_scale, bias.into_iter().map(|bias| bias as i32).collect())?;
        self.scale = scale;
        if let Some(op) = requantise {
            self.at = self.add(op, vec![self.at]);
        }
        Ok(())
    }

    /// The scale that accumulators are brought to, and how.
    fn target(&self, sums: f32, values: &[f32]) -> Result<(f32, Option<Op>), &'static str> {
        let fault = "its results are out of proportion to its inputs";
        match self.form {
            Form::Provable => {
                let shift = |wanted: f32| (wanted / sums).log2().ceil().max(0.0);
                let scale = fit(values, |wanted| sums * shift(wanted).exp2());
                let shift = (scale / sums).log2().round();
                if !scale.is_finite() || shift > MAX_SHIFT as f32 {
                    return Err(fault);
                }
                Ok((scale, Some(Op::Requantise { multiplier: 1, shift: shift as u8 })))
            }
            Form::Fine => {
                let scale = fit(values, |wanted| wanted);
                let (multiplier, shift) = ratio(f64::from(sums) / f64::from(scale)).ok_or(fault)?;
                Ok((scale, Some(Op::Requantise { multiplier, shift })))
            }
        }
    }

    /// The accumulators: one node, or parts along the channels that are added.
    fn products(&mut self, dense: &Dense<'_>, scale: f32, bias: Vec<i32>) -> Result<Operand, &'static str> {
        let (outputs, area, x) = (bias.len(), dense.window[0] * dense.window[1], self.at);
        let width = (PART / area).max(1);
        let bias = (TensorType::new(Kind::I32, &dims(&[outputs])), bias);
        let mut sum = None;
        for start in (0..dense.channels).step_by(width) {
            let len = width.min(dense.channels - start);
            let places = dense.weights.chunks(dense.channels);
            let values: Vec<i32> = places.flat_map(|place| &place[start..start + len]).map(|w| step(*w, scale)).collect();
            let shape = match dense.op {
                Op::Linear => dims(&[outputs, len]),
                _ => dims(&[outputs, dense.window[0], dense.window[1], len]),
            };
            let weight = self.weight(&TensorType::new(Kind::I8, &shape), values)?;
            let part = if len == dense.channels {
                x
            } else {
                let axis = if dense.op == Op::Linear { 0 } else { 2 };
                self.add(Op::Slice { axis, start: start as u32, len: len as u32 }, vec![x])
            };
            let mut operands = vec![part, weight];
            if sum.is_none() {
                operands.push(self.weight(&bias.0, bias.1.clone())?);
            }
            let products = self.add(dense.op.clone(), operands);
            sum = Some(match sum {
                None => products,
                Some(before) => self.add(Op::Add, vec![before, products]),
            });
        }
        sum.ok_or("it has no inputs")
    }

    /// The class: the largest of the last values, as a row.
    fn class(&mut self, net: &Network) {
        if net.shape(self.last + 1).len() > 1 {
            self.at = self.add(Op::Reshape { dims: dims(&[net.outputs()]) }, vec![self.at]);
        }
        self.at = self.add(Op::Argmax, vec![self.at]);
    }
}

/// `multiplier / 2^shift` nearest to a ratio; `None` where there is none.
fn ratio(wanted: f64) -> Option<(i32, u8)> {
    if !wanted.is_finite() || wanted <= 0.0 {
        return None;
    }
    // The multiplier is below 2^15, and at least 2^14 where the shift allows.
    let mut shift = (MULTIPLIER_BITS - 1 - wanted.log2().floor() as i32).clamp(0, MAX_SHIFT);
    let mut multiplier = (wanted * f64::from(shift).exp2()).round() as i32;
    while multiplier > 0 && multiplier % 2 == 0 && shift > 0 {
        (multiplier, shift) = (multiplier / 2, shift - 1);
    }
    (1..=1 << MULTIPLIER_BITS).contains(&multiplier).then(|| u8::try_from(shift).ok().map(|shift| (multiplier, shift))).flatten()
}
