//! Nodes as layers.
use std::collections::BTreeMap;

use super::{
    FLOAT,
    settings::{Settings, Windows},
    takes_bias,
    wire::{Constant, Node},
};
use crate::{Layer, MAX_LAYERS, MAX_VALUES};

const INT64: i32 = 7;
const BOOL: i32 = 9;
const EXTERNAL: i32 = 1;
/// Most weights of all layers together: as many as fit into a file. Nodes may name a constant again and again, and each layer has a copy.
const MAX_WEIGHTS: usize = super::MAX_BYTES / size_of::<f32>();

/// What a node before left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// An image of so many channels, rows, columns.
    Image([usize; 3]),
    /// So many values; where they were an image, its channels, rows and columns.
    Row(usize, Option<[usize; 3]>),
}

/// The chain so far.
pub(super) struct Reader {
    constants: BTreeMap<String, Constant>,
    /// The name of what the chain gives so far.
    at: String,
    flow: Flow,
    input: Vec<usize>,
    batch: i64,
    layers: Vec<Layer>,
    /// Weights of all layers so far.
    weights: usize,
    /// After a softmax nothing comes.
    ended: bool,
}

impl Reader {
    pub(super) fn new(at: String, input: Vec<usize>, batch: i64, constants: BTreeMap<String, Constant>) -> Self {
        let (flow, input) = match input[..] {
            [channels, height, width] => (Flow::Image([channels, height, width]), vec![height, width, channels]),
            _ => (Flow::Row(input[0], None), input),
        };
        Self { constants, at, flow, input, batch, layers: Vec::new(), weights: 0, ended: false }
    }

    /// The layers and the shape of their input.
    pub(super) fn finish(self, output: &str) -> Result<(Vec<Layer>, Vec<usize>), String> {
        if output != self.at {
            return Err("its output is not what its last node gives".to_owned());
        }
        let moved = |[channels, height, width]: [usize; 3]| channels > 1 && height * width > 1;
        match self.flow {
            Flow::Row(_, Some(image)) if moved(image) => Err("its output is a flattened image, whose order would change".to_owned()),
            _ => Ok((self.layers, self.input)),
        }
    }

    pub(super) fn node(&mut self, node: &Node) -> Result<(), String> {
        if !matches!(node.domain.as_str(), "" | "ai.onnx") {
            return Err(format!("operators of `{}` are not known", node.domain));
        }
        let (output, settings) = (node.output.first().cloned().ok_or("it gives nothing")?, Settings::of(node)?);
        if node.op_type == "Constant" {
            let value = settings.get("value").and_then(|attribute| attribute.t.clone()).ok_or("it has no `value`")?;
            self.constants.insert(output, value);
            return Ok(());
        }
        if self.ended {
            return Err("nothing comes after a softmax".to_owned());
        }
        if self.layers.len() >= MAX_LAYERS {
            return Err(format!("a network has at most {MAX_LAYERS} layers"));
        }
        // Of a sum the chain may be on either side.
        let added = node.op_type == "Add" && node.input.get(1) == Some(&self.at);
        if node.input.first() != Some(&self.at) && !added {
            return Err(format!("it takes `{}`, not `{}`: networks are one chain", node.input.first().map_or("", String::as_str), self.at));
        }
        self.layer(node, settings, usize::from(!added))?;
        self.at = output;
        Ok(())
    }

    fn layer(&mut self, node: &Node, settings: Settings<'_>, other: usize) -> Result<(), String> {
        match node.op_type.as_str() {
            "Relu" => self.layers.push(Layer::Relu),
            "Dropout" if self.trains(node) => return Err("its training_mode is not a constant false".to_owned()),
            "Identity" | "Dropout" => (),
            "Softmax" | "LogSoftmax" => {
                // From version 13 on the last axis is meant where none is named, before it the second: of a row they are one.
                if !matches!(self.flow, Flow::Row(..)) || settings.axis(1, 2) != 1 {
                    return Err("it is known at the end alone, over a row".to_owned());
                }
                self.ended = true;
            }
            "Gemm" => self.gemm(node, settings)?,
            "MatMul" => {
                let (dims, values) = self.constant(node, 1)?;
                self.linear(&dims, &values, false, |_| 0.0)?;
            }
            "Add" => self.add(node, other)?,
            "Conv" => self.conv(node, settings)?,
            "MaxPool" | "AveragePool" => self.pool(node, settings)?,
            "GlobalAveragePool" => {
                let Flow::Image([_, height, width]) = self.flow else { return Err("it takes an image".to_owned()) };
                let windows = Windows { window: [side(height)?, side(width)?], stride: [1, 1], padding: [0, 0] };
                self.push_windows(Layer::AveragePool { window: windows.window, stride: windows.stride }, &windows, None)?;
            }
            "Flatten" if settings.axis(1, if matches!(self.flow, Flow::Image(_)) { 4 } else { 2 }) == 1 => self.flatten(),
            "Flatten" => return Err("its axis is not 1".to_owned()),
            "Reshape" => self.reshape(node, settings)?,
            _ => return Err("this operator is not known here".to_owned()),
        }
        Ok(())
    }

    /// Whether a dropout may drop.
    fn trains(&self, node: &Node) -> bool {
        let Some(name) = node.input.get(2).filter(|name| !name.is_empty()) else { return false };
        let constant = self.constants.get(name);
        !constant.is_some_and(|constant| constant.data_type == BOOL && constant.raw_data == [0])
    }

    fn gemm(&mut self, node: &Node, settings: Settings<'_>) -> Result<(), String> {
        if settings.int("transA", 0) != 0 {
            return Err("transA is not 0".to_owned());
        }
        let (alpha, beta) = (settings.float("alpha", 1.0), settings.float("beta", 1.0));
        let (dims, mut values) = self.constant(node, 1)?;
        values.iter_mut().for_each(|value| *value *= alpha);
        let transposed = settings.int("transB", 0) != 0;
        let outputs = *dims.get(usize::from(!transposed)).ok_or("its B is no matrix")?;
        let named = node.input.get(2).is_some_and(|name| !name.is_empty());
        let bias = if named { a_row(&self.constant(node, 2)?, outputs).ok_or("its C is not one number an output")? } else { vec![0.0] };
        self.linear(&dims, &values, transposed, |output| beta * bias[output % bias.len()])
    }

    /// A linear layer with `[inputs, outputs]`, or `[outputs, inputs]` where transposed; a flattened image's columns are put in the order of images here.
    fn linear(&mut self, dims: &[usize], values: &[f32], transposed: bool, bias: impl Fn(usize) -> f32) -> Result<(), String> {
        let Flow::Row(width, image) = self.flow else { return Err("it takes a row; flatten the image first".to_owned()) };
        let [rows, columns] = *dims else { return Err("its weights are no matrix".to_owned()) };
        let (outputs, inputs) = if transposed { (rows, columns) } else { (columns, rows) };
        if inputs != width || outputs == 0 {
            return Err(format!("its weights take {inputs} values, not {width}"));
        }
        self.take(values.len())?;
        let place = |at: usize| match image {
            Some([channels, height, width]) => at % channels * height * width + at / channels,
            None => at,
        };
        let weight =
            |output: usize, input: usize| if transposed { values[output * inputs + input] } else { values[input * outputs + output] };
        let weights = (0..outputs).flat_map(|output| (0..inputs).map(move |at| (output, at))).map(|(output, at)| weight(output, place(at)));
        self.layers.push(Layer::Linear { weights: weights.collect(), bias: (0..outputs).map(bias).collect() });
        self.flow = Flow::Row(outputs, None);
        Ok(())
    }

    fn add(&mut self, node: &Node, other: usize) -> Result<(), String> {
        let found = self.constant(node, other)?;
        let bias = takes_bias(self.layers.last_mut()).ok_or("sums are known after MatMul and Gemm alone")?;
        let values = a_row(&found, bias.len()).ok_or("it adds another number of values than there are outputs")?;
        (0..bias.len()).for_each(|at| bias[at] += values[at % values.len()]);
        Ok(())
    }

    fn conv(&mut self, node: &Node, settings: Settings<'_>) -> Result<(), String> {
        let (dims, values) = self.constant(node, 1)?;
        self.take(values.len())?;
        let [outputs, channels, height, width] = dims[..] else { return Err("its weights are not [O, C, kh, kw]".to_owned()) };
        if settings.int("group", 1) != 1 {
            return Err("its group is not 1".to_owned());
        }
        let image = match self.flow {
            Flow::Image([found, high, wide]) if found == channels => [high, wide],
            _ => return Err("it takes an image of as many channels as its weights have".to_owned()),
        };
        let bias = match node.input.get(2).filter(|name| !name.is_empty()).map(|_| self.constant(node, 2)).transpose()? {
            None => vec![0.0; outputs],
            Some((shape, values)) if shape == [outputs] => values,
            Some(_) => return Err("its B is not one number an output".to_owned()),
        };
        let windows = settings.windows(Some([side(height)?, side(width)?]), image)?;
        let area = height * width;
        let weight = |at: usize| values[((at / (area * channels)) * channels + at % channels) * area + at / channels % area];
        let weights = (0..values.len()).map(weight).collect();
        let Windows { window, stride, padding } = windows;
        self.push_windows(Layer::Conv2d { weights, bias, window, stride, padding }, &windows, Some(outputs))
    }

    fn pool(&mut self, node: &Node, settings: Settings<'_>) -> Result<(), String> {
        let Flow::Image([_, height, width]) = self.flow else { return Err("it takes an image".to_owned()) };
        let windows = settings.windows(None, [height, width])?;
        if windows.padding != [0, 0] || settings.int("ceil_mode", 0) != 0 {
            return Err("pools with padding or ceil_mode are not known".to_owned());
        }
        let Windows { window, stride, .. } = windows;
        let layer = if node.op_type == "MaxPool" { Layer::MaxPool { window, stride } } else { Layer::AveragePool { window, stride } };
        self.push_windows(layer, &windows, None)
    }

    /// A layer over windows of the image, with so many channels after it or as many as before.
    fn push_windows(&mut self, layer: Layer, windows: &Windows, channels: Option<usize>) -> Result<(), String> {
        let Flow::Image([before, height, width]) = self.flow else { return Err("it takes an image".to_owned()) };
        let places = |size: usize, axis: usize| -> Option<usize> {
            let room = (size + 2 * usize::from(windows.padding[axis])).checked_sub(windows.window[axis].into())?;
            Some(room.checked_div(windows.stride[axis].into())? + 1)
        };
        let (down, right) = places(height, 0).zip(places(width, 1)).ok_or("no window fits, or the stride is 0")?;
        let image = [channels.unwrap_or(before), down, right];
        super::volume(&image).ok_or("its result has more than 2^24 elements")?;
        self.layers.push(layer);
        self.flow = Flow::Image(image);
        Ok(())
    }

    /// Counts weights that a layer is given a copy of.
    fn take(&mut self, count: usize) -> Result<(), String> {
        self.weights = self.weights.saturating_add(count);
        if self.weights > MAX_WEIGHTS { Err(format!("all layers have more than {MAX_WEIGHTS} weights together")) } else { Ok(()) }
    }

    fn flatten(&mut self) {
        if let Flow::Image(image) = self.flow {
            self.layers.push(Layer::Flatten);
            self.flow = Flow::Row(image.iter().product(), Some(image));
        }
    }

    fn reshape(&mut self, node: &Node, settings: Settings<'_>) -> Result<(), String> {
        let name = node.input.get(1).ok_or("it has no shape")?;
        let constant = self.constants.get(name).ok_or("its shape is not constant")?;
        let size: usize = match self.flow {
            Flow::Image(image) => image.iter().product(),
            Flow::Row(size, _) => size,
        };
        let wanted = integers(constant)?;
        if settings.int("allowzero", 0) != 0 && wanted.contains(&0) {
            return Err("with allowzero a 0 is no row of values".to_owned());
        }
        let flat = |row: i64| row == -1 || usize::try_from(row) == Ok(size);
        match wanted[..] {
            [first, row] if (first == self.batch || matches!(first, 0 | 1) || (first == -1 && row != -1)) && flat(row) => self.flatten(),
            _ => return Err(format!("it reshapes to {wanted:?}; known is a row of all {size} values")),
        }
        Ok(())
    }

    /// A constant operand of floats: its shape, at most four dimensions, and values.
    fn constant(&self, node: &Node, operand: usize) -> Result<(Vec<usize>, Vec<f32>), String> {
        let name = node.input.get(operand).ok_or("an operand is missing")?;
        let constant = self.constants.get(name).ok_or_else(|| format!("`{name}` is not constant"))?;
        let fault = |why: &str| format!("`{name}`: {why}");
        let count = count(constant).ok_or_else(|| fault("its shape is out of bounds"))?;
        if constant.data_type != FLOAT || constant.data_location == EXTERNAL {
            return Err(fault("it is not float, or in another file"));
        }
        let raw = || constant.raw_data.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
        let values: Vec<f32> = if constant.float_data.is_empty() { raw() } else { constant.float_data.clone() };
        let dims = constant.dims.iter().map(|dim| usize::try_from(*dim).unwrap_or(0)).collect();
        if values.len() == count { Ok((dims, values)) } else { Err(fault("it has another number of values than its shape")) }
    }
}

/// A constant that is added to a row of so many outputs: one number each, or one for all. A column would be added to several rows.
fn a_row((dims, values): &(Vec<usize>, Vec<f32>), outputs: usize) -> Option<Vec<f32>> {
    let before = dims.split_last().map_or(&[][..], |(_, before)| before);
    let fits = dims.len() <= 2 && before.iter().all(|dim| *dim == 1) && (values.len() == outputs || values.len() == 1);
    fits.then(|| values.clone())
}

/// Elements of a constant, at least one.
fn count(constant: &Constant) -> Option<usize> {
    let product = constant.dims.iter().try_fold(1_usize, |n, dim| n.checked_mul(usize::try_from(*dim).ok()?));
    product.filter(|n| (1..=MAX_VALUES).contains(n) && constant.dims.len() <= 4)
}

fn integers(constant: &Constant) -> Result<Vec<i64>, String> {
    if constant.data_type != INT64 || constant.data_location == EXTERNAL || count(constant).is_none_or(|n| n > 8) {
        return Err("its shape is no short row of int64".to_owned());
    }
    let raw = || constant.raw_data.as_chunks::<8>().0.iter().map(|word| i64::from_le_bytes(*word)).collect();
    Ok(if constant.int64_data.is_empty() { raw() } else { constant.int64_data.clone() })
}

fn side(size: usize) -> Result<u16, String> {
    u16::try_from(size).map_err(|_| "its window is too large".to_owned())
}
