//! The front doors: gRPC and REST over the chain's one query router. They translate and decide nothing.
//!
//! No service has code of its own, except those that only CometBFT can answer (`comet`).
pub mod json;

use cairn_kernel::Error;

/// What the chain answers to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The encoded response message.
    pub value: Vec<u8>,
    /// The height of the state that was read.
    pub height: u64,
}

/// What the front doors need of the application.
pub trait Chain: Send + Sync + 'static {
    /// The chain id of genesis; empty before it.
    fn chain_id(&self) -> String;

    /// The last committed height; 0 before the first.
    fn height(&self) -> u64;

    /// The oldest height that queries can still ask for.
    fn earliest_height(&self) -> u64;

    /// Fees below this are refused by this node, as coins: `0.001ucairn`. Empty if it asks none.
    fn minimum_gas_price(&self) -> String;

    /// Every query path that [`Chain::query`] answers: `/cosmos.bank.v1beta1.Query/Balance`. REST offers these and no others.
    fn query_paths(&self) -> Vec<String>;

    /// Answers one query from the state after `height`, or the last one. Blocks, and may run beside others.
    ///
    /// # Errors
    /// As the handler; `sdk/26` for a height that is not kept.
    fn query(&self, path: &str, data: &[u8], height: Option<u64>) -> Result<Answer, Error>;

    /// Runs a transaction (`TxRaw`) on the last state and drops what it wrote. The answer is an encoded
    /// `cosmos.tx.v1beta1.SimulateResponse`.
    ///
    /// # Errors
    /// If the transaction would fail; the log ends in `with gas used: '<n>'`, which clients show.
    fn simulate(&self, tx: &[u8]) -> Result<Vec<u8>, Error>;
}
