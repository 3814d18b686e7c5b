//! Networks from ONNX: one chain of layers from one input to one output.
//!
//! ONNX has images as `[N, C, H, W]`; the network that comes out takes `[H, W, C]`, and weights behind a flattened image are put in that order.
mod layers;
mod settings;
pub mod wire;

use std::collections::BTreeMap;

use prost::Message;

use crate::{ConvertError, Layer, Network};
use layers::Reader;
use wire::{Constant, Graph, Model, Node, Value};

/// The largest file.
const MAX_BYTES: usize = 1 << 27;
/// Most nodes, weights and inputs.
const MAX_ENTRIES: usize = 1_024;
/// Most bytes of all nodes and inputs together: they are small, weights are elsewhere.
const MAX_NODE_BYTES: usize = 1 << 20;
/// Most versions of operators that a file names.
const MAX_OPERATOR_SETS: usize = 64;
/// Most bytes of the integers of a constant, its shape among them: those that matter are shapes.
const MAX_NUMBERS: usize = 1_024;
/// Versions of ONNX's operators in which those known here mean the same.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=25;
const FLOAT: i32 = 1;

/// Reads a network, whatever the bytes.
///
/// # Errors
/// [`ConvertError`]; of a node, its name and its operator.
pub fn read(bytes: &[u8]) -> Result<Network, ConvertError> {
    if bytes.len() > MAX_BYTES {
        return Err(ConvertError::Size);
    }
    bounded(bytes, &[8], false, MAX_OPERATOR_SETS)?;
    let model = Model::decode(bytes).map_err(format)?;
    let known = model.opset_import.iter().find(|set| matches!(set.domain.as_str(), "" | "ai.onnx"));
    match known {
        Some(set) if OPSETS.contains(&set.version) => (),
        Some(set) => return Err(ConvertError::Format(format!("version {} of ONNX's operators is not 7 to 25", set.version))),
        None => return Err(ConvertError::Format("it names no version of ONNX's operators".to_owned())),
    }
    for list in [1, 5, 11, 12] {
        bounded(&model.graph, &[list], false, MAX_ENTRIES)?;
    }
    let graph = Graph::decode(model.graph.as_slice()).map_err(format)?;
    let small: usize = [&graph.node, &graph.input, &graph.output].into_iter().flatten().map(Vec::len).sum();
    if small > MAX_NODE_BYTES {
        return Err(ConvertError::Size);
    }
    for constant in &graph.initializer {
        bounded(constant, &[1, 7], true, MAX_NUMBERS)?;
    }
    let mut constants = BTreeMap::new();
    for constant in all::<Constant>(&graph.initializer)? {
        constants.insert(constant.name.clone(), constant);
    }
    let (name, input, batch) = only_input(&all(&graph.input)?, &constants)?;
    let mut reader = Reader::new(name, input, batch, constants);
    let nodes: Vec<Node> = all(&graph.node)?;
    for (number, node) in nodes.iter().enumerate() {
        let why = match reader.node(node) {
            Ok(()) => continue,
            Err(why) => why,
        };
        let node_name = if node.name.is_empty() { number.to_string() } else { node.name.clone() };
        return Err(ConvertError::Node { node: node_name, operator: node.op_type.clone(), why });
    }
    let outputs: Vec<Value> = all(&graph.output)?;
    let [output] = outputs.as_slice() else { return Err(ConvertError::Format("it has not one output".to_owned())) };
    let (layers, input) = reader.finish(&output.name).map_err(ConvertError::Format)?;
    Ok(Network::new(&input, layers)?)
}

/// Refuses a message whose lists are longer than they may be, before it is decoded.
fn bounded(bytes: &[u8], lists: &[u32], packed: bool, most: usize) -> Result<(), ConvertError> {
    if wire::entries(bytes, lists, packed).map_err(format)? > most { Err(ConvertError::Size) } else { Ok(()) }
}

fn format(error: prost::DecodeError) -> ConvertError {
    ConvertError::Format(error.to_string())
}

fn all<M: Message + Default>(entries: &[Vec<u8>]) -> Result<Vec<M>, ConvertError> {
    entries.iter().map(|bytes| M::decode(bytes.as_slice()).map_err(format)).collect()
}

/// The one input that is no weight: its name, its shape without the first dimension, and that.
fn only_input(inputs: &[Value], constants: &BTreeMap<String, Constant>) -> Result<(String, Vec<usize>, i64), ConvertError> {
    let refused = |why: &str| ConvertError::Format(why.to_owned());
    let mut open = inputs.iter().filter(|value| !constants.contains_key(&value.name));
    let (Some(input), None) = (open.next(), open.next()) else { return Err(refused("it has not one input")) };
    let tensor = input.r#type.as_ref().and_then(|of| of.tensor.as_ref()).ok_or_else(|| refused("its input has no type"))?;
    if tensor.elem_type != FLOAT {
        return Err(refused("its input is not float"));
    }
    let shape = tensor.shape.as_ref().map(|shape| shape.dim.iter().map(|dim| dim.value).collect::<Vec<i64>>());
    let Some((batch, dims)) = shape.as_deref().and_then(<[i64]>::split_first) else { return Err(refused("its input has no shape")) };
    let dims: Option<Vec<usize>> = dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let dims = dims
        .filter(|dims| matches!(dims.len(), 1 | 3) && volume(dims).is_some())
        .ok_or_else(|| refused("its input is not [N, values] or [N, C, H, W] of known sizes"))?;
    Ok((input.name.clone(), dims, *batch))
}

/// Elements of a shape: at least one, at most [`crate::MAX_VALUES`].
fn volume(dims: &[usize]) -> Option<usize> {
    let product = dims.iter().try_fold(1_usize, |n, dim| n.checked_mul(*dim));
    product.filter(|n| (1..=crate::MAX_VALUES).contains(n))
}

/// Whether a layer has weights that a sum can be added to.
fn takes_bias(layer: Option<&mut Layer>) -> Option<&mut Vec<f32>> {
    match layer {
        Some(Layer::Linear { bias, .. }) => Some(bias),
        _ => None,
    }
}
