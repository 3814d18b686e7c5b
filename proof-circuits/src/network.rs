//! Quantised networks, and their reference execution in plain integers.
use crate::{Head, LayerShape, Shape};

/// Why a network is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not 1 to [`crate::MAX_LAYERS`] layers.
    #[error("a network has 1 to {} layers", crate::MAX_LAYERS)]
    Layers,
    /// A layer or the input that is empty or over [`crate::MAX_WIDTH`].
    #[error("a layer has 1 to {} values", crate::MAX_WIDTH)]
    Width,
    /// A shift that leaves nothing of the accumulator but its sign.
    #[error("the shift of a layer leaves nothing of its accumulator")]
    Shift,
    /// A list of weights or biases of another length than the sizes say.
    #[error("a layer has inputs x outputs weights and a bias an output")]
    Count,
    /// A bias that the bound on accumulators does not allow.
    #[error("a bias lies outside the bound that keeps accumulators from overflowing")]
    Bias,
    /// An input of another length than the network's.
    #[error("an input has as many values as the network takes")]
    Input,
}

/// Weights and biases of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Output by output, `outputs x inputs`.
    pub weights: Vec<i8>,
    /// One an output, in units of the accumulator.
    pub biases: Vec<i32>,
}

/// A network: its shape and its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    shape: Shape,
    layers: Vec<Layer>,
}

/// What a network answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Head `Argmax`.
    Class(u32),
    /// Head `Values`.
    Values(Vec<i8>),
}

impl Answer {
    /// The answer as the output of a program has it: the class, or the values.
    #[must_use]
    pub fn elements(&self) -> Vec<i32> {
        match self {
            Self::Class(class) => vec![class.cast_signed()], // a class is below 1,024
            Self::Values(values) => values.iter().copied().map(i32::from).collect(),
        }
    }

    /// The bytes of that output: four of the class, little endian, or one a value.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Class(class) => class.to_le_bytes().to_vec(),
            Self::Values(values) => values.iter().map(|value| value.cast_unsigned()).collect(),
        }
    }
}

impl Network {
    /// Takes a network whose sizes and biases keep within their bounds.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn new(shape: Shape, layers: Vec<Layer>) -> Result<Self, NetworkError> {
        shape.check()?;
        if layers.len() != shape.layers.len() {
            return Err(NetworkError::Layers);
        }
        for (number, layer) in layers.iter().enumerate() {
            let outputs = shape.layers[number].outputs;
            if layer.weights.len() != outputs * shape.inputs_of(number) || layer.biases.len() != outputs {
                return Err(NetworkError::Count);
            }
            let bound = 1i64 << (shape.committed_bits(number) - 2);
            if layer.biases.iter().any(|bias| !(-bound..bound).contains(&i64::from(*bias))) {
                return Err(NetworkError::Bias);
            }
        }
        Ok(Self { shape, layers })
    }

    /// The network of this shape whose numbers are all zero.
    ///
    /// # Errors
    /// As [`Shape::check`].
    pub fn zero(shape: &Shape) -> Result<Self, NetworkError> {
        let layer = |(number, layer): (usize, &LayerShape)| Layer {
            weights: vec![0; layer.outputs * shape.inputs_of(number)],
            biases: vec![0; layer.outputs],
        };
        shape.check()?;
        Self::new(shape.clone(), shape.layers.iter().enumerate().map(layer).collect())
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its layers.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Bits that hold every accumulator of the layer, whatever the input: from the weights themselves.
    #[must_use]
    pub fn exact_bits(&self, layer: usize) -> u32 {
        let inputs = self.shape.inputs_of(layer);
        let rows = self.layers[layer].weights.chunks(inputs).zip(&self.layers[layer].biases);
        let magnitude = |(weights, bias): (&[i8], &i32)| {
            let products: i64 = weights.iter().map(|weight| i64::from(*weight).abs() * self.shape.magnitude(layer)).sum();
            products + i64::from(*bias).abs()
        };
        let largest = rows.map(magnitude).max().unwrap_or(0) as u64;
        let needed = 65 - largest.leading_zeros();
        let shift = self.shape.layers[layer].shift;
        if self.shape.is_requantised(layer) { needed.max(shift + 2) } else { needed }
    }

    /// Runs the network: every accumulator of every layer, and the answer. This is the definition that circuits and devices are
    /// compared with.
    ///
    /// # Errors
    /// [`NetworkError::Input`].
    pub fn run(&self, input: &[i8]) -> Result<Answer, NetworkError> {
        if input.len() != self.shape.inputs {
            return Err(NetworkError::Input);
        }
        let mut values: Vec<i8> = input.to_vec();
        let mut sums = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            sums = accumulate(layer, &values);
            if self.shape.is_requantised(number) {
                values = sums.iter().map(|sum| requantise(*sum, &self.shape.layers[number])).collect();
            }
        }
        Ok(match self.shape.head {
            Head::Values => Answer::Values(values),
            Head::Argmax => Answer::Class(argmax(&sums)),
        })
    }
}

/// `W x + b` in i32: exact, since 1,024 products of 2^14 and a bias below 2^25 stay below 2^31.
pub(crate) fn accumulate(layer: &Layer, input: &[i8]) -> Vec<i32> {
    let product = |(weight, value): (&i8, &i8)| i32::from(*weight) * i32::from(*value);
    let row = |(weights, bias): (&[i8], &i32)| bias + weights.iter().zip(input).map(product).sum::<i32>();
    layer.weights.chunks(input.len()).zip(&layer.biases).map(row).collect()
}

/// Divides by `2^shift` rounding down, saturates to int8, and drops what is below zero where the layer has ReLU.
pub(crate) fn requantise(sum: i32, layer: &LayerShape) -> i8 {
    let lowest = if layer.relu { 0 } else { i32::from(i8::MIN) };
    (sum >> layer.shift).clamp(lowest, i32::from(i8::MAX)) as i8
}

/// The lowest number among the largest.
pub(crate) fn argmax(sums: &[i32]) -> u32 {
    let mut best = 0;
    for (number, sum) in sums.iter().enumerate() {
        if *sum > sums[best] {
            best = number;
        }
    }
    best as u32
}
