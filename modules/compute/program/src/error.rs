//! Why a program is refused.

/// What is wrong with a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More bytes than a program may have.
    #[error("a program has at most {most} bytes, found {found}")]
    Size {
        /// The most allowed.
        most: usize,
        /// Bytes found.
        found: usize,
    },
    /// The bytes are not the one encoding of a program.
    #[error("this is not the encoding of a program")]
    Encoding,
    /// A version that is not known here.
    #[error("version {0} of programs is unknown")]
    Version(u16),
    /// No nodes, or too many nodes or weights.
    #[error("a program has 1 to 4,096 nodes and at most 4,096 weights, found {nodes} and {weights}")]
    Count {
        /// Nodes found.
        nodes: usize,
        /// Weights found.
        weights: usize,
    },
    /// A tensor's shape outside the limits.
    #[error("a tensor has 1 to 4 dimensions of at least 1 and at most 2^24 elements")]
    Shape,
    /// A node is refused.
    #[error("node {node}: {fault}")]
    Node {
        /// The node.
        node: u32,
        /// What is wrong.
        fault: &'static str,
    },
}
