//! CometBFT's JSON-RPC: one blocking call, and the shapes of its answers.
use std::time::Duration;

use cairn_kernel::Status as Code;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tendermint_proto::{
    serializers::{bytes, from_str, nullable},
    v0_38::types as comet,
};

use super::super::doors::Refusal;

/// The largest answer that is read: a page of 100 of the largest transactions.
const MAX_ANSWER: u64 = 256 << 20;

/// A client for one CometBFT node.
pub(super) struct Rpc {
    agent: ureq::Agent,
    url: String,
}

/// Why CometBFT gave no result.
#[derive(Debug)]
pub(super) enum RpcError {
    /// It does not answer, or not as CometBFT.
    Down(String),
    /// It refuses; the text says why.
    Refused(String),
}

impl From<RpcError> for Refusal {
    fn from(error: RpcError) -> Self {
        match error {
            RpcError::Down(why) => {
                tracing::warn!(target: "api", %why, "CometBFT does not answer");
                Self::unavailable("CometBFT does not answer")
            }
            RpcError::Refused(why) => Self::new(Code::Unknown, why),
        }
    }
}

impl RpcError {
    /// The refusal where CometBFT refuses because of what the client asked for.
    pub(super) fn into_invalid(self) -> Refusal {
        match self {
            Self::Refused(why) => Refusal::invalid(why),
            down @ Self::Down(_) => down.into(),
        }
    }
}

#[derive(Deserialize)]
struct Reply<T> {
    result: Option<T>,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
    #[serde(default)]
    data: String,
}

impl Rpc {
    pub(super) fn new(url: &str, timeout: Duration) -> Self {
        let url = url.strip_prefix("tcp://").map_or_else(|| url.to_owned(), |rest| format!("http://{rest}"));
        let config = ureq::Agent::config_builder().timeout_global(Some(timeout)).http_status_as_error(false).max_redirects(0);
        Self { agent: ureq::Agent::new_with_config(config.build()), url }
    }

    /// Calls `method`. Integers among `params` go as text.
    pub(super) fn call<T: DeserializeOwned>(&self, method: &str, params: &Value) -> Result<T, RpcError> {
        let down = |e: &dyn std::fmt::Display| RpcError::Down(format!("{} {method}: {e}", self.url));
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let request = self.agent.post(&self.url).header("content-type", "application/json");
        let mut response = request.send(body).map_err(|e| down(&e))?;
        let answer = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(|e| down(&e))?;
        let reply: Reply<T> = serde_json::from_slice(&answer).map_err(|e| down(&e))?;
        match (reply.result, reply.error) {
            (_, Some(fault)) => Err(RpcError::Refused(if fault.data.is_empty() { fault.message } else { fault.data })),
            (Some(result), None) => Ok(result),
            (None, None) => Err(down(&"neither a result nor an error")),
        }
    }
}

/// Answer to `status`.
#[derive(Deserialize)]
pub(super) struct Status {
    pub(super) node_info: NodeInfo,
    pub(super) sync_info: SyncInfo,
}

#[derive(Deserialize)]
pub(super) struct NodeInfo {
    pub(super) protocol_version: ProtocolVersion,
    pub(super) id: String,
    pub(super) listen_addr: String,
    pub(super) network: String,
    pub(super) version: String,
    #[serde(with = "bytes::hexstring")]
    pub(super) channels: Vec<u8>,
    pub(super) moniker: String,
    pub(super) other: OtherInfo,
}

#[derive(Deserialize)]
pub(super) struct ProtocolVersion {
    #[serde(with = "from_str")]
    pub(super) p2p: u64,
    #[serde(with = "from_str")]
    pub(super) block: u64,
    #[serde(with = "from_str")]
    pub(super) app: u64,
}

#[derive(Deserialize)]
pub(super) struct OtherInfo {
    pub(super) tx_index: String,
    pub(super) rpc_address: String,
}

#[derive(Deserialize)]
pub(super) struct SyncInfo {
    #[serde(with = "from_str")]
    pub(super) latest_block_height: i64,
    pub(super) catching_up: bool,
}

/// Answer to `block`.
#[derive(Deserialize)]
pub(super) struct Block {
    pub(super) block_id: comet::BlockId,
    pub(super) block: comet::Block,
}

/// Answer to `header`.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) header: comet::Header,
}

/// Answer to `validators`.
#[derive(Deserialize)]
pub(super) struct Validators {
    #[serde(with = "from_str")]
    pub(super) block_height: i64,
    pub(super) validators: Vec<comet::Validator>,
    #[serde(with = "from_str")]
    pub(super) total: u64,
}

/// Answer to `tx_search`.
#[derive(Deserialize)]
pub(super) struct Search {
    pub(super) txs: Vec<Tx>,
    #[serde(with = "from_str")]
    pub(super) total_count: u64,
}

/// A transaction in a block: the answer to `tx`.
#[derive(Deserialize)]
pub(super) struct Tx {
    pub(super) hash: String,
    #[serde(with = "from_str")]
    pub(super) height: i64,
    pub(super) tx_result: TxResult,
    #[serde(with = "bytes::base64string")]
    pub(super) tx: Vec<u8>,
}

#[derive(Deserialize)]
pub(super) struct TxResult {
    pub(super) code: u32,
    #[serde(with = "bytes::base64string")]
    pub(super) data: Vec<u8>,
    pub(super) log: String,
    pub(super) info: String,
    #[serde(with = "from_str")]
    pub(super) gas_wanted: i64,
    #[serde(with = "from_str")]
    pub(super) gas_used: i64,
    #[serde(with = "nullable")]
    pub(super) events: Vec<Event>,
    pub(super) codespace: String,
}

#[derive(Deserialize, Default)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(with = "nullable", default)]
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Deserialize, Default)]
pub(super) struct Attribute {
    pub(super) key: String,
    pub(super) value: String,
    #[serde(default)]
    pub(super) index: bool,
}

/// Answer to `broadcast_tx_sync` and `broadcast_tx_async`.
#[derive(Deserialize)]
pub(super) struct Broadcast {
    pub(super) code: u32,
    /// Hexadecimal.
    pub(super) data: String,
    pub(super) log: String,
    pub(super) codespace: String,
    pub(super) hash: String,
}

/// Answer to `abci_query`.
#[derive(Deserialize)]
pub(super) struct Query {
    pub(super) response: QueryResponse,
}

#[derive(Deserialize)]
pub(super) struct QueryResponse {
    pub(super) code: u32,
    pub(super) log: String,
    pub(super) info: String,
    #[serde(with = "from_str")]
    pub(super) index: i64,
    #[serde(with = "bytes::base64string")]
    pub(super) key: Vec<u8>,
    #[serde(with = "bytes::base64string")]
    pub(super) value: Vec<u8>,
    #[serde(rename = "proofOps")]
    pub(super) proof_ops: Option<ProofOps>,
    #[serde(with = "from_str")]
    pub(super) height: i64,
    pub(super) codespace: String,
}

#[derive(Deserialize)]
pub(super) struct ProofOps {
    pub(super) ops: Vec<ProofOp>,
}

#[derive(Deserialize)]
pub(super) struct ProofOp {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(with = "bytes::base64string")]
    pub(super) key: Vec<u8>,
    #[serde(with = "bytes::base64string")]
    pub(super) data: Vec<u8>,
}
