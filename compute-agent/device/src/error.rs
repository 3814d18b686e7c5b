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
    /// It would take more memory than it may.
    #[error("running this takes {need} bytes of {whose}, at most {limit} are allowed")]
    Memory {
        /// Whose memory.
        whose: &'static str,
        /// Bytes it would take.
        need: u64,
        /// Bytes it may take.
        limit: u64,
    },
    /// A device failed, or gave something that is no tensor of the type it should be.
    #[error("device {name}: {what}")]
    Device {
        /// The device.
        name: String,
        /// What it said.
        what: String,
    },
    /// A sample for tests is not what it should be.
    #[error("sample {name} is no program with weights and inputs")]
    Sample {
        /// The sample.
        name: String,
        /// Why the program is refused, if it is.
        #[source]
        fault: Option<cairn_program::Error>,
    },
}
