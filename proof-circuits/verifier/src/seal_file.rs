//! What proves that a commitment in a program is of weights, as a file.
use serde::{Deserialize, Serialize};

use crate::Sizes;

/// The seal of one operator with private weights, and the proof that its commitment opens to int8 weights. Bytes are lower-case hexadecimal. It tells nothing
/// of the weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealFile {
    /// The operator, from 0.
    pub node: u32,
    /// Sizes of the network.
    pub sizes: Sizes,
    /// Commitment to its weights, 32 bytes.
    pub weights: String,
    /// Name of the key that the proof is under, 32 bytes: of the registration circuit of these sizes.
    pub key: String,
    /// 128 bytes, bound to chain, owner and program.
    pub proof: String,
}
