//! Why a program was not run.

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no device of this name.
    #[error("there is no device {name}; there are: {found}")]
    NoDevice {
        /// The name asked for.
        name: String,
        /// The names there are.
        found: String,
    },
    /// Whoever watches the run ended it.
    #[error("ended by its watcher at node {node} of run {run}")]
    Cancelled {
        /// The run that was on.
        run: u32,
        /// The node that was next.
        node: u32,
    },
    /// Only the owner of its weights can compute a sealed node.
    #[error("node {node} is sealed and its weights are not here")]
    NotPublic {
        /// The node.
        node: u32,
    },
    /// Weights or inputs are of another program.
    #[error("weights or inputs are not of this program: node {node} has no operand")]
    Mismatch {
        /// The first node that misses an operand.
        node: u32,
    },
}
