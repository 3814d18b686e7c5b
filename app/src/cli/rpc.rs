//! What the client commands ask a node: CometBFT's JSON-RPC, with the chain's queries through `abci_query`.
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_kernel::Address;
use cairn_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use prost::{Message, Name};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Replies are small; a node that sends more is broken or hostile.
const MAX_REPLY: u64 = 64 << 20;
/// How long a command that waits for the chain outlasts a node that does not answer: a restart must not cost a bond.
const PATIENCE: Duration = Duration::from_secs(600);

/// What CometBFT says of a transaction that it has already.
const IN_CACHE: &str = "tx already exists in cache";

/// A node's RPC.
pub(crate) struct Rpc {
    url: String,
    agent: ureq::Agent,
    /// How long a question that failed is asked again.
    patience: Duration,
}

/// A query or transaction that the chain refused: it had no effect and will have none. Shown without the frame that gRPC and the SDK put around the reason.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl Refused {
    /// With the chain's text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// Whether it was refused only because another transaction of its account stands before it.
    pub(crate) fn out_of_turn(&self) -> bool {
        self.0.contains("incorrect account sequence")
    }
    fn not_found(&self) -> bool {
        self.0.contains("code = NotFound")
    }
}
impl std::error::Error for Refused {}
impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.split_once(" desc = ").map_or(self.0.as_str(), |(_, text)| text);
        let text = text.strip_prefix("failed to execute message; message index: 0: ").unwrap_or(text);
        f.write_str(text.rsplit_once(" with gas used: ").map_or(text, |(text, _)| text))
    }
}

/// What became of a transaction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Upper-case hexadecimal.
    pub(crate) hash: String,
    /// The block it is in; 0 if it was refused before.
    pub(crate) height: u64,
    /// 0 is success.
    pub(crate) code: u32,
    /// Who refused.
    pub(crate) codespace: String,
    /// Why.
    pub(crate) log: String,
    /// Gas it used.
    pub(crate) gas_used: u64,
    /// As the node tells it.
    pub(crate) raw: Value,
}

impl Rpc {
    /// For the node at `url`, such as `http://127.0.0.1:26657`.
    #[must_use]
    pub(crate) fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).http_status_as_error(false).build();
        let url = url.trim_end_matches('/').replacen("tcp://", "http://", 1);
        Self { url, agent: config.into(), patience: Duration::ZERO }
    }
    /// The same node, for a command that waits: questions that it does not answer are asked again. Transactions are not.
    #[must_use]
    pub(crate) fn patient(&self) -> Self {
        Self { url: self.url.clone(), agent: self.agent.clone(), patience: PATIENCE }
    }
    /// Calls a JSON-RPC method.
    pub(crate) fn call(&self, method: &str, params: Value) -> Result<Value> {
        let question = matches!(method, "status" | "abci_query");
        let start = Instant::now();
        let mut told = false;
        loop {
            match self.attempt(method, &params) {
                Err(error) if question && start.elapsed() < self.patience => {
                    if !told {
                        eprintln!("{error:#}; trying again");
                        told = true;
                    }
                    std::thread::sleep(Duration::from_secs(1));
                }
                other => return other,
            }
        }
    }
    fn attempt(&self, method: &str, params: &Value) -> Result<Value> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let sent = self.agent.post(&self.url).header("content-type", "application/json").send(body.as_bytes());
        let mut response =
            sent.with_context(|| format!("no node answers at {}; start one with 'cairnd start', or name another with --node", self.url))?;
        let bytes = response.body_mut().with_config().limit(MAX_REPLY).read_to_vec()?;
        let reply: Value = serde_json::from_slice(&bytes).with_context(|| format!("{} does not speak CometBFT's RPC", self.url))?;
        if let Some(error) = reply.get("error") {
            let text = |k: &str| error.get(k).and_then(Value::as_str).unwrap_or("").to_owned();
            bail!("{method}: {} {}", text("message"), text("data"));
        }
        reply.get("result").cloned().with_context(|| format!("{} does not speak CometBFT's RPC: its reply has no result", self.url))
    }
    /// CometBFT's `status`.
    pub(crate) fn status(&self) -> Result<Value> {
        self.call("status", json!({}))
    }
    /// The newest height.
    pub(crate) fn height(&self) -> Result<u64> {
        let status = self.status()?;
        let text = status.pointer("/sync_info/latest_block_height").and_then(Value::as_str).context("status names no height")?;
        Ok(text.parse()?)
    }
    /// Asks a query path of the chain, at the newest height if `height` is `None`.
    pub(crate) fn query(&self, path: &str, data: &[u8], height: Option<u64>) -> Result<Vec<u8>> {
        let params = json!({ "path": path, "data": hex::encode(data), "height": height.unwrap_or(0).to_string(), "prove": false });
        let result = self.call("abci_query", params)?;
        let response = result.get("response").context("the reply has no response")?;
        let code = response.get("code").and_then(Value::as_u64).unwrap_or(0);
        if code != 0 {
            return Err(Refused::new(response.get("log").and_then(Value::as_str).unwrap_or("the query was refused")).into());
        }
        let value = response.get("value").and_then(Value::as_str).unwrap_or("");
        BASE64.decode(value).context("the reply's value is not base64")
    }
    /// Asks a query with typed request and response.
    pub(crate) fn ask<R: Message + Default>(&self, path: &str, request: &impl Message) -> Result<R> {
        let bytes = self.query(path, &request.encode_to_vec(), None)?;
        R::decode(&*bytes).context("the reply is not what the query declares")
    }
    /// The chain's name.
    pub(crate) fn chain_id(&self) -> Result<String> {
        let status = self.status()?;
        Ok(status.pointer("/node_info/network").and_then(Value::as_str).context("status names no network")?.to_owned())
    }
    /// Number and next sequence of an account.
    pub(crate) fn account(&self, address: &Address) -> Result<BaseAccount> {
        let request = QueryAccountRequest { address: address.to_string() };
        let answer: Result<QueryAccountResponse> = self.ask("/cosmos.auth.v1beta1.Query/Account", &request);
        let any = match answer {
            Err(e) if e.downcast_ref().is_some_and(Refused::not_found) => {
                bail!("account {address} is not on the chain yet; it must receive coins first")
            }
            other => other?.account.context("the reply holds no account")?,
        };
        if any.type_url != BaseAccount::type_url() {
            bail!("{address} is a {}, which cannot sign", any.type_url);
        }
        Ok(BaseAccount::decode(&*any.value)?)
    }
    /// Hands in a transaction; an error of CheckTx comes back as an [`Outcome`] of height 0. One that the node has already, as when two
    /// commands of one account send the same at once, is accepted.
    pub(crate) fn broadcast(&self, tx: &[u8]) -> Result<Outcome> {
        match self.call("broadcast_tx_sync", json!({ "tx": BASE64.encode(tx) })) {
            Ok(result) => Ok(outcome(&result, &result)),
            Err(error) if error.to_string().contains(IN_CACHE) => {
                let known = json!({ "hash": hex::encode_upper(Sha256::digest(tx)) });
                Ok(outcome(&known, &known))
            }
            Err(error) => Err(error),
        }
    }
    /// Waits until the transaction is in a block.
    pub(crate) fn wait(&self, hash: &str, patience: Duration) -> Result<Outcome> {
        let raw = BASE64.encode(hex::decode(hash)?);
        let start = Instant::now();
        loop {
            match self.call("tx", json!({ "hash": raw, "prove": false })) {
                Ok(found) => return Ok(outcome(&found, found.get("tx_result").unwrap_or(&Value::Null))),
                Err(e) if start.elapsed() > patience => {
                    return Err(e).with_context(|| {
                        format!("transaction {hash} was accepted but is in no block after {patience:?}; look again later")
                    });
                }
                Err(_) => std::thread::sleep(Duration::from_millis(250)),
            }
        }
    }
}

fn outcome(outer: &Value, result: &Value) -> Outcome {
    let text = |v: &Value, k: &str| v.get(k).and_then(Value::as_str).unwrap_or("").to_owned();
    Outcome {
        hash: text(outer, "hash"),
        height: text(outer, "height").parse().unwrap_or(0),
        code: result.get("code").and_then(Value::as_u64).and_then(|c| u32::try_from(c).ok()).unwrap_or(0),
        codespace: text(result, "codespace"),
        log: text(result, "log"),
        gas_used: text(result, "gas_used").parse().unwrap_or(0),
        raw: outer.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_its_reason_alone() {
        let show = |text: &str| Refused(text.to_owned()).to_string();
        let log = "rpc error: code = Unknown desc = failed to execute message; message index: 0: no coins: invalid coins with gas used: '9': unknown request";
        assert_eq!(show(log), "no coins: invalid coins");
        assert_eq!(show("rpc error: code = NotFound desc = no job 9: key not found"), "no job 9: key not found");
        assert_eq!(show("unknown query path: unknown request"), "unknown query path: unknown request");
        let log = "account sequence mismatch, expected 5, got 4: incorrect account sequence with gas used: '9'";
        assert!(Refused::new(log).out_of_turn() && !Refused::new("no coins: invalid coins").out_of_turn());
    }
}
