//! Sizes of a network, and the bounds that follow from them.
use cairn_verifier::{LayerSizes, Sizes};

use crate::NetworkError;

/// The widest layer.
pub const MAX_WIDTH: usize = 1024;
/// The deepest network.
pub const MAX_LAYERS: usize = 8;
/// Bits of a field element into which slots are packed: 2^253 is below the modulus.
const ELEMENT_BITS: u32 = 253;

/// What a network answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Head {
    /// The number of the largest accumulator of the last layer, the lowest of equals.
    Argmax,
    /// The int8 values of the last layer.
    Values,
}

/// Size and activation of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LayerShape {
    /// Outputs.
    pub outputs: usize,
    /// Requantisation divides by `2^shift` and rounds down.
    pub shift: u32,
    /// Whether values below zero become zero.
    pub relu: bool,
}

/// Everything of a network but its weights. A circuit of committed weights is one for all networks of a shape.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Inputs, int8.
    pub inputs: usize,
    /// Layers, first to last. The shift and ReLU of the last one are not applied where the head is `Argmax`.
    pub layers: Vec<LayerShape>,
    /// What it answers.
    pub head: Head,
}

impl Shape {
    /// Checks the sizes.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn check(&self) -> Result<(), NetworkError> {
        if !(1..=MAX_LAYERS).contains(&self.layers.len()) {
            return Err(NetworkError::Layers);
        }
        let widths = std::iter::once(self.inputs).chain(self.layers.iter().map(|layer| layer.outputs));
        if widths.clone().any(|width| !(1..=MAX_WIDTH).contains(&width)) {
            return Err(NetworkError::Width);
        }
        let requantised = (0..self.layers.len()).filter(|number| self.is_requantised(*number));
        if requantised.clone().any(|number| self.layers[number].shift + 1 >= self.committed_bits(number)) {
            return Err(NetworkError::Shift);
        }
        Ok(())
    }

    /// The sizes as the chain knows them.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let layer = |layer: &LayerShape| LayerSizes { outputs: layer.outputs as u32, shift: layer.shift, relu: layer.relu };
        Sizes { inputs: self.inputs as u32, layers: self.layers.iter().map(layer).collect(), values: self.head == Head::Values }
    }

    /// Inputs of a layer.
    #[must_use]
    pub fn inputs_of(&self, layer: usize) -> usize {
        if layer == 0 { self.inputs } else { self.layers[layer - 1].outputs }
    }

    /// Largest magnitude of an input of a layer: 127 after ReLU, else 128.
    #[must_use]
    pub fn magnitude(&self, layer: usize) -> i64 {
        if layer > 0 && self.layers[layer - 1].relu { 127 } else { 128 }
    }

    /// Whether the layer's accumulators become int8.
    #[must_use]
    pub fn is_requantised(&self, layer: usize) -> bool {
        self.head == Head::Values || layer + 1 < self.layers.len()
    }

    /// Bits of an accumulator of a layer with any int8 weights and a bias in `[-2^(bits - 2), 2^(bits - 2))`: products and bias
    /// take at most half of the range each.
    #[must_use]
    pub fn committed_bits(&self, layer: usize) -> u32 {
        let products = self.inputs_of(layer) as i64 * 128 * self.magnitude(layer);
        let bits = 64 - (products as u64 - 1).leading_zeros();
        bits + 2
    }

    /// Rows of a layer whose accumulators share a field element.
    #[must_use]
    pub fn slots(bits: u32) -> usize {
        (ELEMENT_BITS / bits) as usize
    }
}
