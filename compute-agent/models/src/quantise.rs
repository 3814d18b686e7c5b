//! From floats to integers of 8 bits: scales are found on examples, so that hardly any value is cut.
//!
//! With x = scale * q for the input and w = unit * v for the weights of a layer, its sums are scale * unit times the sums of integers. A bias is counted in
//! these steps, with half of a step of the result more, so that the program's rounding down becomes rounding to the nearest.
use cairn_program::{Graph, Kind, Node, Op, Operand, Tensor, TensorType};

use crate::{Card, FileError, Layer, ModelFile, Network, Quantised, network::shape};

/// Values of int8.
const MOST: f32 = 127.0;
/// The part of a layer's values that is not cut.
const WITHIN: f64 = 0.9995;
/// A bias counts within these bounds.
const BIAS: f64 = 1_073_741_824.0;
/// The largest multiplier of a requantisation, and its longest shift.
const MULTIPLIER: f64 = 32_767.0;
const SHIFT: u8 = 46;

/// Why a network has no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantiseError {
    /// Nothing to find scales on, or of another shape.
    #[error("calibration needs examples of the network's input")]
    Examples,
    /// A layer's bias is too large beside its weights.
    #[error("layer {0}: its bias or its weights are out of all proportion to its values")]
    Range(usize),
    /// A tensor is larger than a program's may be.
    #[error("layer {0} is larger than a program's may be")]
    Size(usize),
}

/// How a layer's sums become int8 again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// By a shift alone: what circuits prove.
    Provable,
    /// By a multiplier and a shift, which uses all of int8.
    Fine,
}

impl Form {
    /// Multiplier and shift that take sums in steps of `step` to int8 values that reach `span`; `None` where there are none.
    fn rescale(self, step: f64, span: f64) -> Option<(i32, u8)> {
        let ratio = step * f64::from(MOST) / span;
        let (multiplier, shift) = match self {
            Self::Provable => (1.0, (-ratio.log2()).ceil().max(0.0)),
            Self::Fine => {
                let shift = (MULTIPLIER / ratio).log2().floor().clamp(0.0, f64::from(SHIFT));
                ((ratio * shift.exp2()).round(), shift)
            }
        };
        let fits = (1.0..=MULTIPLIER).contains(&multiplier) && (0.0..=f64::from(SHIFT)).contains(&shift);
        fits.then_some((multiplier as i32, shift as u8))
    }
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
pub fn quantise(network: &Network, examples: &[Vec<f32>], form: Form) -> Result<Integers, QuantiseError> {
    let inputs: usize = network.input().iter().product();
    if examples.is_empty() || examples.iter().any(|example| example.len() != inputs || !example.iter().all(|x| x.is_finite())) {
        return Err(QuantiseError::Examples);
    }
    let scale = within(examples.iter().flatten().map(|x| x.abs()).collect(), 1.0) / MOST;
    let spans = spans(network, examples);
    let input = kind_of(Kind::I8, network.input(), 0)?;
    let mut writer = Writer { form, scale: f64::from(scale), dims: network.input().to_vec(), nodes: Vec::new(), tensors: Vec::new() };
    for (number, layer) in network.layers().iter().enumerate() {
        let last = number + 1 == network.layers().len();
        writer.layer(number, layer, (!last).then(|| f64::from(spans[number])))?;
    }
    let shapes = writer.tensors.iter().map(|tensor| tensor.shape.clone()).collect();
    Ok(Integers { graph: Graph::new(input, shapes, writer.nodes), tensors: writer.tensors, scale })
}

/// Values as a program's input.
#[must_use]
pub fn steps(values: &[f32], scale: f32) -> Vec<i32> {
    // Cut to int8 first, so that the conversion is exact.
    values.iter().map(|x| (x / scale).round().clamp(-128.0, MOST) as i32).collect()
}

/// Below what nearly all values of each layer stay.
fn spans(network: &Network, examples: &[Vec<f32>]) -> Vec<f32> {
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); network.layers().len()];
    for example in examples {
        for (all, layer) in values.iter_mut().zip(network.outputs(example)) {
            all.extend(layer);
        }
    }
    values.into_iter().map(|all| within(all, WITHIN)).collect()
}

/// What so much of the values stays below; never zero.
fn within(mut values: Vec<f32>, part: f64) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    let place = (values.len().saturating_sub(1) as f64 * part) as usize;
    values.get(place).copied().unwrap_or(0.0).max(f32::MIN_POSITIVE.sqrt())
}

fn kind_of(kind: Kind, dims: &[usize], layer: usize) -> Result<TensorType, QuantiseError> {
    let dims: Option<Vec<u32>> = dims.iter().map(|dim| u32::try_from(*dim).ok()).collect();
    let shape = TensorType { kind, dims: dims.ok_or(QuantiseError::Size(layer))? };
    shape.elements().map_err(|_| QuantiseError::Size(layer))?;
    Ok(shape)
}

/// A program as far as it is written.
struct Writer {
    form: Form,
    /// What one step of the values so far stands for.
    scale: f64,
    dims: Vec<usize>,
    nodes: Vec<Node>,
    tensors: Vec<Tensor>,
}

impl Writer {
    /// The next node, on the one before it and so many weights.
    fn node(&mut self, op: Op, weights: u32) {
        let before = u32::try_from(self.nodes.len()).ok().and_then(|n| n.checked_sub(1)).map_or(Operand::Input, Operand::Node);
        let all = u32::try_from(self.tensors.len()).unwrap_or(u32::MAX);
        let operands = std::iter::once(before).chain((all - weights..all).map(Operand::Weight)).collect();
        self.nodes.push(Node { op, operands });
    }

    /// A layer whose values stay below `span`; the last has none.
    fn layer(&mut self, number: usize, layer: &Layer, span: Option<f64>) -> Result<(), QuantiseError> {
        let out = shape(layer, &self.dims).ok_or(QuantiseError::Size(number))?;
        let pair = |[a, b]: [usize; 2]| Some([u16::try_from(a).ok()?, u16::try_from(b).ok()?]);
        match layer {
            Layer::MaxPool { window } => {
                let window = pair(*window).ok_or(QuantiseError::Size(number))?;
                self.node(Op::MaxPool { window, stride: window }, 0);
            }
            Layer::Dense { weights, biases } => {
                let inputs = self.dims.iter().product();
                if self.dims.len() > 1 {
                    self.node(Op::Reshape { dims: kind_of(Kind::I8, &[inputs], number)?.dims }, 0);
                }
                self.sums(number, Op::Linear, &[biases.len(), inputs], [weights, biases], span)?;
            }
            Layer::Conv { window, weights, biases } => {
                let padding = pair(window.map(|cells| cells / 2)).ok_or(QuantiseError::Size(number))?;
                let channels = self.dims.last().copied().unwrap_or(1);
                let op = Op::Conv2d { stride: [1, 1], padding };
                self.sums(number, op, &[biases.len(), window[0], window[1], channels], [weights, biases], span)?;
            }
        }
        self.dims = out;
        Ok(())
    }

    fn sums(
        &mut self,
        number: usize,
        op: Op,
        dims: &[usize],
        [weights, biases]: [&[f32]; 2],
        span: Option<f64>,
    ) -> Result<(), QuantiseError> {
        let unit = within(weights.iter().map(|w| w.abs()).collect(), 1.0) / MOST;
        let step = self.scale * f64::from(unit);
        let rescale = match span {
            Some(span) => Some(self.form.rescale(step, span).ok_or(QuantiseError::Range(number))?),
            None => None,
        };
        let half = rescale.map_or(0.0, |(multiplier, shift)| 2_f64.powi(i32::from(shift)) / f64::from(multiplier) / 2.0);
        let bias = |bias: &f32| Some((f64::from(*bias) / step + half).round()).filter(|n| n.abs() < BIAS).map(|n| n as i32);
        let biases: Option<Vec<i32>> = biases.iter().map(bias).collect();
        let tensors = [
            Tensor::new(kind_of(Kind::I8, dims, number)?, steps(weights, unit)),
            Tensor::new(kind_of(Kind::I32, &dims[..1], number)?, biases.ok_or(QuantiseError::Range(number))?),
        ];
        self.tensors.extend(tensors.into_iter().flatten());
        self.node(op, 2);
        match rescale {
            Some((multiplier, shift)) => {
                self.node(Op::Requantise { multiplier, shift }, 0);
                self.node(Op::Relu, 0);
                self.scale = step * 2_f64.powi(i32::from(shift)) / f64::from(multiplier);
            }
            None => self.node(Op::Argmax, 0),
        }
        Ok(())
    }
}
