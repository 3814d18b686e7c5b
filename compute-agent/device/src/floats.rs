//! Programs in floats: the same graphs with real numbers in place of rounded and cut ones. What comes of it differs from device to device and is never reproducible.
use std::fmt;

use burn::tensor::{
    DType, Device, Int, Tensor as Burn, TensorData, module,
    ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
};
use cairn_program::{Kind, MAX_RANK, Op, Operand, Orientation, Program, TensorType};

use crate::{DeviceInfo, Error, Limits, Need, Progress, Watch, devices::find, ops::size, tensors::guard};

/// Below this a norm takes a deviation for nothing.
const LEAST: f32 = 1e-6;

/// The largest weight of a distance in a softmax.
const MOST: f32 = 1_048_576.0;

type Flat = Burn<1>;

/// Outputs of a program in floats.
#[derive(Debug, Clone, PartialEq)]
pub struct Approximate {
    /// Where they were computed.
    pub device: DeviceInfo,
    /// The output of each run.
    pub outputs: Vec<Vec<f32>>,
}

impl Approximate {
    /// Never: floats are added in another order on another device.
    #[must_use]
    pub fn reproducible(&self) -> bool {
        false
    }
}

impl fmt::Display for Approximate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} outputs in floats on {}; not reproducible", self.outputs.len(), self.device)
    }
}

/// Runs a program in floats on the device of a name: `flex`, `wgpu`, `wgpu:0` ..
///
/// Sums, products, windows and moves are those of real numbers; Requantise multiplies by m / 2^s and neither rounds nor cuts; LayerNorm divides by the deviation;
/// Table and Softmax read the entry that is nearest; Embed the row that is nearest, or zeros.
///
/// # Errors
/// [`Error::NoDevice`], also for the reference, which has no floats; [`Error::Mismatch`] where weights or inputs have another number of values; [`Error::NotPublic`],
/// [`Error::Memory`], [`Error::Cancelled`], [`Error::Device`].
pub fn approximate(
    name: &str,
    program: &Program,
    weights: &[Vec<f32>],
    inputs: &[Vec<f32>],
    watch: &mut Watch<'_>,
) -> Result<Approximate, Error> {
    let (info, device) = find(name)?;
    let runs = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
    Need::of(program, runs).at_once(Limits::default(), runs)?;
    let fits = |values: &Vec<f32>, shape: &TensorType| shape.elements().is_ok_and(|n| size(n) == values.len());
    let types = &program.graph().weights;
    let right = weights.len() == types.len() && weights.iter().zip(types).all(|(values, shape)| fits(values, shape));
    if !right || !inputs.iter().all(|values| fits(values, &program.graph().input)) {
        return Err(Error::Mismatch { node: 0 });
    }
    let put = |values: &Vec<f32>| Flat::from_data(TensorData::new(values.clone(), [values.len()]), (&device, DType::F32));
    let work = Floats { program, device: &device, weights: guard(&info.name, || Ok(weights.iter().map(put).collect()))? };
    let all = u64::from(runs).saturating_mul(program.nodes().into());
    let mut outputs = Vec::new();
    for (run, input) in (0..).zip(inputs) {
        let mut nodes = Vec::new();
        let input = guard(&info.name, || Ok(put(input)))?;
        for node in 0..program.nodes() {
            let done = u64::from(run) * u64::from(program.nodes()) + u64::from(node);
            if watch(Progress { run, node, done, all }).is_break() {
                return Err(Error::Cancelled { run, node });
            }
            if program.is_sealed(node) {
                return Err(Error::NotPublic { node });
            }
            let found = guard(&info.name, || Ok(work.node(node, &input, &nodes)))?;
            nodes.push(found.ok_or(Error::Mismatch { node })?);
        }
        let last = nodes.pop().ok_or(Error::Mismatch { node: 0 })?;
        outputs
            .push(guard(&info.name, || last.try_into_data().map(|data| data.iter::<f32>().collect()).map_err(|error| error.to_string()))?);
    }
    Ok(Approximate { device: info, outputs })
}

struct Floats<'a> {
    program: &'a Program,
    device: &'a Device,
    weights: Vec<Flat>,
}

impl Floats<'_> {
    fn node(&self, node: u32, input: &Flat, nodes: &[Flat]) -> Option<Flat> {
        let what = self.program.graph().nodes.get(size(node))?;
        let value = |operand: &Operand| match operand {
            Operand::Input => Some(input.clone()),
            Operand::Weight(weight) => self.weights.get(size(*weight)).cloned(),
            Operand::Node(node) => nodes.get(size(*node)).cloned(),
        };
        let types: Vec<&TensorType> = what.operands.iter().map(|operand| self.program.shape(*operand)).collect::<Option<_>>()?;
        let step = Step {
            values: what.operands.iter().map(value).collect::<Option<_>>()?,
            shapes: types.iter().map(|shape| dims(shape)).collect(),
            unsigned: types.first()?.kind == Kind::I8,
            device: self.device,
        };
        let count = dims(self.program.shape(Operand::Node(node))?).iter().product::<usize>();
        let found = step.compute(&what.op)?;
        (found.dims() == [count]).then_some(found)
    }
}

/// A node's operands. Their number and shapes are as the program's check wants them.
struct Step<'a> {
    values: Vec<Flat>,
    shapes: Vec<Vec<usize>>,
    /// Whether an index is a byte, which counts without a sign.
    unsigned: bool,
    device: &'a Device,
}

impl Step<'_> {
    fn compute(&self, op: &Op) -> Option<Flat> {
        let x = || self.values[0].clone();
        Some(match op {
            Op::Linear => self.linear(),
            Op::MatMul { right } => self.matmul(*right),
            Op::Conv2d { stride, padding } => {
                let w = self.values[1].clone().reshape::<4, _>(four(&self.shapes[1])).permute([0, 3, 1, 2]);
                let options = ConvOptions::new(stride.map(usize::from), padding.map(usize::from), [1, 1], 1);
                flat(module::conv2d(self.image(), w, self.values.get(2).cloned(), options))
            }
            Op::MaxPool { window, stride } => {
                let options = MaxPoolOptions::new(window.map(usize::from)).with_stride(stride.map(usize::from));
                flat(module::max_pool2d(self.image(), options))
            }
            Op::SumPool { window, stride } => {
                let options = AvgPoolOptions { stride: stride.map(usize::from), ..AvgPoolOptions::new(window.map(usize::from)) };
                flat(module::avg_pool2d(self.image(), options)) * (f32::from(window[0]) * f32::from(window[1]))
            }
            Op::Add => x() + self.values[1].clone(),
            Op::Relu => x().clamp_min(0.0),
            Op::Requantise { multiplier, shift } => x() * (f64::from(*multiplier) / f64::from(*shift).exp2()),
            Op::Embed => self.embed(),
            Op::Table => self.values[1].clone().select(0, nearest(x() + 128.0, 255)),
            Op::Softmax { causal } => self.softmax(*causal),
            Op::LayerNorm => self.layer_norm(),
            Op::Argmax => {
                let places: Burn<2, Int> = self.rows().argmax(1);
                places.float().cast(DType::F32).flatten(0, 1)
            }
            Op::Transpose { perm } => transpose(x(), &self.shapes[0], perm),
            Op::Reshape { .. } => x(),
            Op::Slice { axis, start, len } => self.around((*axis).into(), 0).narrow(1, size(*start), size(*len)).flatten(0, 2),
            Op::Concat { axis } => Burn::cat(vec![self.around((*axis).into(), 0), self.around((*axis).into(), 1)], 1).flatten(0, 2),
            Op::Sealed { .. } => return None,
        })
    }

    /// The first operand by rows.
    fn rows(&self) -> Burn<2> {
        let width = last(&self.shapes[0]);
        let x = self.values[0].clone();
        let rows = x.dims()[0] / width;
        x.reshape([rows, width])
    }

    /// The first operand as burn has images, the channels before the rows.
    fn image(&self) -> Burn<4> {
        let shape = &self.shapes[0];
        self.values[0].clone().reshape([1, shape[0], shape[1], shape[2]]).permute([0, 3, 1, 2])
    }

    /// An operand as places before an axis, its places, and elements behind them.
    fn around(&self, axis: usize, operand: usize) -> Burn<3> {
        let shape = &self.shapes[operand];
        let (before, behind): (usize, usize) = (shape.iter().take(axis).product(), shape.iter().skip(axis + 1).product());
        self.values[operand].clone().reshape([before, shape[axis], behind])
    }

    fn linear(&self) -> Flat {
        let outputs = self.shapes[1][0];
        let sums = self.rows().matmul(self.values[1].clone().reshape([outputs, last(&self.shapes[1])]).transpose());
        let sums = match self.values.get(2) {
            Some(bias) => sums + bias.clone().reshape([1, outputs]),
            None => sums,
        };
        sums.flatten(0, 1)
    }

    fn matmul(&self, right: Orientation) -> Flat {
        let [a, b]: [Burn<3>; 2] = [0, 1].map(|operand| {
            let shape = &self.shapes[operand];
            self.values[operand].clone().reshape([shape[0], shape[1], shape[2]])
        });
        a.matmul(if right == Orientation::Plain { b } else { b.swap_dims(1, 2) }).flatten(0, 2)
    }

    fn embed(&self) -> Flat {
        let (x, beyond, width) = (self.values[0].clone(), self.shapes[1][0], self.shapes[1][1]);
        let behind = if self.unsigned { x.clone() + 256.0 } else { x.zeros_like() + beyond as f32 };
        let places = nearest(x.clone().mask_where(x.lower_scalar(-0.5), behind), beyond);
        let zeros = Flat::zeros([width], (self.device, DType::F32));
        let table: Burn<2> = Flat::cat(vec![self.values[1].clone(), zeros], 0).reshape([beyond + 1, width]);
        table.select(0, places).flatten(0, 1)
    }

    fn softmax(&self, causal: bool) -> Flat {
        let scores = self.rows();
        let [rows, width] = scores.dims();
        let scores = if causal { scores.mask_fill(self.unseen(rows, width), f32::NEG_INFINITY) } else { scores };
        let distance = scores.clone().max_dim(1) - scores;
        let unseen = distance.clone().greater_scalar(f32::MAX);
        let found = self.values[1].clone().clamp(0.0, MOST).select(0, nearest(distance.flatten(0, 1), 255));
        let parts = found.reshape([rows, width]).mask_fill(unseen, 0.0);
        (parts.clone() * 127.0 / parts.sum_dim(1).clamp_min(1.0)).flatten(0, 1)
    }

    /// True behind the diagonal of each matrix of scores.
    fn unseen(&self, rows: usize, width: usize) -> Burn<2, burn::tensor::Bool> {
        let height = self.shapes[0].iter().rev().nth(1).copied().unwrap_or(1);
        let values: Vec<bool> = (0..rows * width).map(|at| at % width > at / width % height).collect();
        Burn::from_data(TensorData::new(values, [rows, width]), self.device)
    }

    fn layer_norm(&self) -> Flat {
        let rows = self.rows();
        let [_, width] = rows.dims();
        let distance = rows.clone() - rows.mean_dim(1);
        let deviation = (distance.clone() * distance.clone()).mean_dim(1).sqrt().clamp_min(LEAST);
        let [gain, bias] = [1, 2].map(|operand| self.values[operand].clone().reshape([1, width]));
        (distance / deviation * gain + bias).flatten(0, 1)
    }
}

fn dims(shape: &TensorType) -> Vec<usize> {
    shape.dims.iter().map(|dim| size(*dim)).collect()
}

fn last(shape: &[usize]) -> usize {
    shape.last().copied().unwrap_or(1)
}

fn four(shape: &[usize]) -> [usize; 4] {
    std::array::from_fn(|axis| shape.get(axis).copied().unwrap_or(1))
}

/// An image of burn with the channels last.
fn flat(image: Burn<4>) -> Flat {
    image.permute([0, 2, 3, 1]).flatten(0, 3)
}

/// The nearest of the places up to `most`.
fn nearest(x: Flat, most: usize) -> Burn<1, Int> {
    x.clamp(0.0, most as f32).round().int().cast(DType::I32)
}

fn transpose(x: Flat, shape: &[usize], perm: &[u8]) -> Flat {
    let lead = MAX_RANK - perm.len();
    let place = |axis: usize| axis.checked_sub(lead);
    let from = std::array::from_fn::<usize, MAX_RANK, _>(|axis| place(axis).map_or(1, |place| shape[place]));
    let axes = std::array::from_fn::<usize, MAX_RANK, _>(|axis| place(axis).map_or(axis, |place| lead + usize::from(perm[place])));
    let moved: Burn<MAX_RANK> = x.reshape(from).permute(axes);
    moved.flatten(0, MAX_RANK - 1)
}
