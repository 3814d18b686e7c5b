//! Small networks as programs and back: which programs a circuit can prove.
//!
//! A layer of a [`Network`] is `Linear` with a bias, then `Requantise` and `Relu`; the head `Argmax` is the operator of that name. Going back, `Relu` may stand
//! on either side of `Requantise` (rounding down and cutting at zero commute), the multiplier may be any power of two that the shift takes back, and
//! `Reshape` may stand anywhere, as it leaves the elements where they are.
use cairn_program::{Graph, Kind, Node, Op, Operand, Program, Tensor, TensorType};

use crate::{Head, Layer, LayerShape, Network, NetworkError, Shape};

/// Why no circuit proves a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BridgeError {
    /// The program is not checked, or its weights are not of its types.
    #[error("the weights are not of the program's types")]
    Weights,
    /// A node that no circuit computes, or not there.
    #[error("node {node} cannot be proven: {why}")]
    Node {
        /// Its place, from 0.
        node: usize,
        /// What of it.
        why: &'static str,
    },
    /// The layers are too many, too wide, or a bias is out of bounds.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// The program that computes what a network does, and its weights: of each layer its weights `[outputs, inputs]` and its biases.
#[must_use]
pub fn program_of(network: &Network) -> (Graph, Vec<Tensor>) {
    let (shape, mut nodes, mut tensors) = (network.shape(), Vec::new(), Vec::new());
    let mut x = Operand::Input;
    for (number, (layer, sizes)) in network.layers().iter().zip(&shape.layers).enumerate() {
        let rows = TensorType::new(Kind::I8, &[sizes.outputs as u32, shape.inputs_of(number) as u32]);
        let weight = Operand::Weight(tensors.len() as u32);
        let bias = Operand::Weight(tensors.len() as u32 + 1);
        tensors.extend(Tensor::new(rows, layer.weights.iter().map(|w| i32::from(*w)).collect()));
        tensors.extend(Tensor::new(TensorType::new(Kind::I32, &[sizes.outputs as u32]), layer.biases.clone()));
        let mut add = |op, operands| {
            nodes.push(Node { op, operands });
            Operand::Node(nodes.len() as u32 - 1)
        };
        x = add(Op::Linear, vec![x, weight, bias]);
        if shape.is_requantised(number) {
            x = add(Op::Requantise { multiplier: 1, shift: sizes.shift as u8 }, vec![x]);
            if sizes.relu {
                x = add(Op::Relu, vec![x]);
            }
        } else {
            x = add(Op::Argmax, vec![x]);
        }
    }
    let input = TensorType::new(Kind::I8, &[shape.inputs as u32]);
    (Graph::new(input, tensors.iter().map(|tensor| tensor.shape.clone()).collect(), nodes), tensors)
}

/// The network that a program is, by which a circuit proves it.
///
/// # Errors
/// [`BridgeError`], which names the first node that no circuit has.
pub fn network_of(program: &Program, weights: &[Tensor]) -> Result<Network, BridgeError> {
    let graph = program.graph();
    let typed = weights.len() == graph.weights.len() && weights.iter().zip(&graph.weights).all(|(tensor, shape)| tensor.shape == *shape);
    if !typed {
        return Err(BridgeError::Weights);
    }
    let mut reader = Reader { weights, layers: Vec::new(), shapes: Vec::new(), stage: Stage::Values, relu: false, head: Head::Values };
    for (number, node) in graph.nodes.iter().enumerate() {
        let place = |why| BridgeError::Node { node: number, why };
        let before = if number == 0 { Operand::Input } else { Operand::Node(number as u32 - 1) };
        if node.operands.first() != Some(&before) {
            return Err(place("its first operand is not what the node before it computes"));
        }
        reader.node(node).map_err(place)?;
    }
    let last = BridgeError::Node { node: graph.nodes.len() - 1, why: "the last layer ends in int8 values or their largest" };
    if !matches!(reader.stage, Stage::Values | Stage::Answered) || reader.layers.is_empty() {
        return Err(last);
    }
    let inputs = graph.input.elements().map_err(|_| BridgeError::Weights)? as usize;
    if graph.input.kind != Kind::I8 {
        return Err(BridgeError::Node { node: 0, why: "its input is not int8" });
    }
    let shape = Shape { inputs, layers: reader.shapes, head: reader.head };
    Ok(Network::new(shape, reader.layers)?)
}

/// What the nodes so far left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// int8 values.
    Values,
    /// Accumulators of the layer that came last.
    Sums,
    /// The class.
    Answered,
}

struct Reader<'a> {
    weights: &'a [Tensor],
    layers: Vec<Layer>,
    shapes: Vec<LayerShape>,
    stage: Stage,
    /// Whether the accumulators went through `Relu` already.
    relu: bool,
    head: Head,
}

impl Reader<'_> {
    fn node(&mut self, node: &Node) -> Result<(), &'static str> {
        match (&node.op, self.stage) {
            (_, Stage::Answered) => return Err("nothing comes after the answer"),
            (Op::Reshape { .. }, _) => (),
            (Op::Linear, Stage::Values) => self.linear(node)?,
            (Op::Relu, Stage::Sums) => self.relu = true,
            (Op::Relu, Stage::Values) => self.shapes.last_mut().ok_or("no layer comes before it")?.relu = true,
            (Op::Requantise { multiplier, shift }, Stage::Sums) => self.requantise(*multiplier, *shift)?,
            (Op::Argmax, Stage::Sums) if !self.relu => {
                self.stage = Stage::Answered;
                self.head = Head::Argmax;
            }
            _ => return Err("circuits have linear layers with Requantise and Relu, and Argmax of the last accumulators"),
        }
        Ok(())
    }

    fn linear(&mut self, node: &Node) -> Result<(), &'static str> {
        let weight = |operand: Option<&Operand>| match operand {
            Some(Operand::Weight(number)) => self.weights.get(*number as usize),
            _ => None,
        };
        let rows = weight(node.operands.get(1)).ok_or("its weights are not weights of the program")?;
        let outputs = rows.shape.dims.first().copied().unwrap_or(0) as usize;
        let biases = match node.operands.get(2) {
            None => vec![0; outputs],
            bias => weight(bias).ok_or("its biases are not weights of the program")?.values.clone(),
        };
        let weights = rows.values.iter().map(|value| i8::try_from(*value)).collect::<Result<Vec<_>, _>>();
        self.layers.push(Layer { weights: weights.map_err(|_| "its weights are not int8")?, biases });
        self.shapes.push(LayerShape { outputs, shift: 0, relu: false });
        (self.stage, self.relu) = (Stage::Sums, false);
        Ok(())
    }

    fn requantise(&mut self, multiplier: i32, shift: u8) -> Result<(), &'static str> {
        let doubled = multiplier.trailing_zeros();
        if multiplier != 1 << doubled || u32::from(shift) < doubled {
            return Err("its multiplier is not a power of two up to that of its shift");
        }
        let layer = self.shapes.last_mut().ok_or("no layer comes before it")?;
        (layer.shift, layer.relu) = (u32::from(shift) - doubled, self.relu);
        self.stage = Stage::Values;
        Ok(())
    }
}
