//! Names of circuits, which their keys carry and programs with private weights pin.
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Element;

const TAG: &[u8; 16] = b"cairn/circuit v1";
const SEALED: &[u8; 16] = b"cairn/sealed v1 ";

/// How a circuit takes the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitKind {
    /// As constants.
    Constant = 0,
    /// As a commitment.
    Committed = 1,
    /// It proves that a commitment opens to weights. No runs.
    Registration = 2,
}

/// Sizes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerSizes {
    /// Outputs.
    pub outputs: u32,
    /// Requantisation divides by 2 to this.
    pub shift: u32,
    /// Whether values below zero become zero.
    pub relu: bool,
}

/// Sizes of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Inputs, int8.
    pub inputs: u32,
    /// First to last.
    pub layers: Vec<LayerSizes>,
    /// Whether it answers the int8 values of its last layer, and not the number of the largest.
    pub values: bool,
}

impl Sizes {
    /// The digest of a circuit of so many runs: SHA-256 of
    /// `"cairn/circuit v1" || u8 kind || u32 runs || u8 values || u32 inputs || u32 layers || (u32 outputs, u32 shift, u8 relu) ..`, and for
    /// constant weights of `constants`, all weights (i8) and biases (i32) layer by layer. Integers are big endian.
    #[must_use]
    pub fn digest(&self, kind: CircuitKind, runs: u32, constants: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new().chain_update(TAG).chain_update([kind as u8]).chain_update(runs.to_be_bytes());
        hash.update([u8::from(self.values)]);
        hash.update(self.inputs.to_be_bytes());
        hash.update(u32::try_from(self.layers.len()).unwrap_or(u32::MAX).to_be_bytes());
        for layer in &self.layers {
            hash.update(layer.outputs.to_be_bytes());
            hash.update(layer.shift.to_be_bytes());
            hash.update([u8::from(layer.relu)]);
        }
        hash.update(constants);
        hash.finalize().into()
    }

    /// What a program with private weights says of them: SHA-256 of `"cairn/sealed v1 "`, the digest of the circuit of committed weights and one run,
    /// and the commitment.
    #[must_use]
    pub fn sealed(&self, weights: &Element) -> [u8; 32] {
        let circuit = self.digest(CircuitKind::Committed, 1, &[]);
        Sha256::new().chain_update(SEALED).chain_update(circuit).chain_update(weights.bytes()).finalize().into()
    }

    /// Elements of an answer.
    #[must_use]
    pub fn outputs(&self) -> u32 {
        if self.values { self.layers.last().map_or(0, |layer| layer.outputs) } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_a_circuit_changes_its_digest() {
        let sizes = Sizes { inputs: 4, layers: vec![LayerSizes { outputs: 2, shift: 3, relu: true }], values: true };
        let layer = |outputs, shift, relu| Sizes { layers: vec![LayerSizes { outputs, shift, relu }], ..sizes.clone() };
        let others = [
            Sizes { inputs: 5, ..sizes.clone() },
            Sizes { values: false, ..sizes.clone() },
            Sizes { layers: vec![], ..sizes.clone() },
            layer(3, 3, true),
            layer(2, 4, true),
            layer(2, 3, false),
        ];
        let mut seen: Vec<[u8; 32]> = others.iter().map(|other| other.digest(CircuitKind::Committed, 1, &[])).collect();
        seen.push(sizes.digest(CircuitKind::Committed, 1, &[]));
        seen.push(sizes.digest(CircuitKind::Committed, 2, &[]));
        seen.push(sizes.digest(CircuitKind::Registration, 1, &[]));
        seen.push(sizes.digest(CircuitKind::Constant, 1, &[1]));
        seen.push(sizes.digest(CircuitKind::Constant, 1, &[2]));
        assert!(seen.iter().enumerate().all(|(at, digest)| !seen[..at].contains(digest)));
        assert_eq!((sizes.outputs(), others[1].outputs(), others[2].outputs()), (2, 1, 0));
        let weights = Element::decode(&[1; 32]).expect("an element");
        assert_ne!(sizes.sealed(&weights), others[0].sealed(&weights));
        assert_ne!(sizes.sealed(&weights), sizes.sealed(&Element::decode(&[2; 32]).expect("an element")));
    }
}
