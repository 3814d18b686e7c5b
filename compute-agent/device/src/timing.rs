//! What an operator takes on a device.
use std::{
    fmt,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use cairn_program::{Graph, Kind, Node, Op, Operand, Orientation, TensorType, testing::Dice};

use crate::{Error, Executor, Sample, ops::operator};

/// What an operator took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// The operator.
    pub operator: &'static str,
    /// Multiplications, or steps of about their cost.
    pub macs: u64,
    /// Elements of the output.
    pub elements: u64,
    /// The first time, with its kernels compiled and everything carried to the device and back.
    pub first: Duration,
    /// The fastest of the times after it, with everything carried to the device and back.
    pub warm: Duration,
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operator, macs, elements, first, warm } = self;
        write!(f, "{operator:<11} {macs:>10} macs {elements:>8} elements, first {first:>9.1?}, then {warm:>9.1?}")
    }
}

/// Runs a program of each public operator so many times after a first.
///
/// # Errors
/// As [`Executor::execute`].
pub fn time_operators(executor: &dyn Executor, times: u32) -> Result<Vec<Timing>, Error> {
    let mut dice = Dice::new(1);
    let time = |(op, shapes)| one(executor, op, shapes, times, &mut dice);
    programs().into_iter().map(time).collect()
}

fn one(executor: &dyn Executor, op: Op, shapes: Vec<TensorType>, times: u32, dice: &mut Dice) -> Result<Timing, Error> {
    let name = operator(&op);
    let operands = std::iter::once(Operand::Input).chain((0..).map(Operand::Weight)).take(shapes.len()).collect();
    let graph = Graph::new(shapes[0].clone(), shapes[1..].to_vec(), vec![Node { op, operands }]);
    let sample = Sample::random(name, graph, 1, dice)?;
    let run = || {
        let start = Instant::now();
        executor.run(&sample.program, &sample.weights, &sample.inputs, &mut |_| ControlFlow::Continue(()))?;
        Ok::<_, Error>(start.elapsed())
    };
    let first = run()?;
    let mut warm = first;
    for _ in 0..times {
        warm = warm.min(run()?);
    }
    let elements = sample.program.output_shape().and_then(|shape| shape.elements().ok()).unwrap_or(0);
    Ok(Timing { operator: name, macs: sample.program.macs(), elements: elements.into(), first, warm })
}

/// Each operator with the types of its operands: layers of a network of some hundred thousand values.
fn programs() -> Vec<(Op, Vec<TensorType>)> {
    let bytes = |dims: &[u32]| TensorType::new(Kind::I8, dims);
    let words = |dims: &[u32]| TensorType::new(Kind::I32, dims);
    let image = || bytes(&[64, 64, 16]);
    let (window, stride) = ([2, 2], [2, 2]);
    vec![
        (Op::Linear, vec![bytes(&[64, 512]), bytes(&[256, 512]), words(&[256])]),
        (Op::MatMul { right: Orientation::Transposed }, vec![bytes(&[8, 128, 64]), bytes(&[8, 128, 64])]),
        (Op::Conv2d { stride: [1, 1], padding: [1, 1] }, vec![bytes(&[32, 32, 16]), bytes(&[32, 3, 3, 16]), words(&[32])]),
        (Op::MaxPool { window, stride }, vec![image()]),
        (Op::SumPool { window, stride }, vec![image()]),
        (Op::Add, vec![image(), image()]),
        (Op::Relu, vec![image()]),
        (Op::Requantise { multiplier: 20_000, shift: 20 }, vec![words(&[64, 64, 16])]),
        (Op::Embed, vec![bytes(&[256]), bytes(&[256, 256])]),
        (Op::Table, vec![image(), bytes(&[256])]),
        (Op::Softmax { causal: true }, vec![bytes(&[4, 128, 128]), words(&[256])]),
        (Op::LayerNorm, vec![bytes(&[256, 256]), bytes(&[256]), bytes(&[256])]),
        (Op::Argmax, vec![words(&[512, 128])]),
        (Op::Transpose { perm: vec![2, 0, 1] }, vec![image()]),
        (Op::Reshape { dims: vec![65_536] }, vec![image()]),
        (Op::Slice { axis: 1, start: 16, len: 32 }, vec![image()]),
        (Op::Concat { axis: 2 }, vec![image(), image()]),
    ]
}
