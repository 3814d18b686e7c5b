//! JSON-RPC over HTTP to a node that is trusted for its answers, not for their size or speed.
use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use prost::Message;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Answer, Error};
use crate::metrics::Metrics;

/// A node that answers with more is broken.
const MAX_REPLY: usize = 32 << 20;
/// Questions at once; more wait their turn.
const AT_ONCE: usize = 64;
const CONNECT: Duration = Duration::from_secs(3);
/// From asking, after the wait for a turn, to the whole answer.
const ANSWER: Duration = Duration::from_secs(10);

/// One node's RPC.
pub(crate) struct Rpc {
    client: Client,
    url: String,
    turns: Semaphore,
    metrics: Arc<Metrics>,
}

#[derive(Deserialize)]
struct Reply<T> {
    result: Option<T>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct AbciQuery {
    response: Response,
}

/// Fields that CometBFT writes with their zero value or leaves out.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Response {
    code: u64,
    codespace: String,
    log: String,
    /// Base64, or null for no bytes.
    value: Option<String>,
    height: String,
}

impl Rpc {
    /// For the node at `url`.
    pub(crate) fn new(url: String, metrics: Arc<Metrics>) -> Result<Self, reqwest::Error> {
        let client = Client::builder().connect_timeout(CONNECT).timeout(ANSWER).build()?;
        Ok(Self { client, url, turns: Semaphore::new(AT_ONCE), metrics })
    }
    /// Asks one of the chain's gRPC queries at the newest height.
    pub(super) async fn ask<R: Message + Default>(&self, path: &str, request: &impl Message) -> Result<Answer<R>, Error> {
        let params = json!({ "path": path, "data": hex::encode(request.encode_to_vec()), "height": "0", "prove": false });
        let asked: AbciQuery = self.call("abci_query", params).await?;
        let response = asked.response;
        if response.code != 0 {
            return Err(Error::Refused { code: response.code, codespace: response.codespace, log: response.log });
        }
        let bytes = BASE64.decode(response.value.unwrap_or_default()).map_err(|e| Error::Unreachable(format!("{path}: {e}")))?;
        let value = R::decode(&*bytes).map_err(|e| Error::Unreachable(format!("{path}: {e}")))?;
        let height = number(&response.height)?;
        Ok(Answer { height, value })
    }
    /// The height of the node's last block.
    pub(super) async fn height(&self) -> Result<u64, Error> {
        let status: Value = self.call("status", json!({})).await?;
        let height = status.pointer("/sync_info/latest_block_height").and_then(Value::as_str);
        number(height.unwrap_or_default())
    }
    async fn call<T: for<'a> Deserialize<'a>>(&self, method: &str, params: Value) -> Result<T, Error> {
        let _turn = self.turns.acquire().await.map_err(|e| Error::Unreachable(e.to_string()))?;
        let reply = self.post(method, params).await;
        self.metrics.asked(reply.is_ok());
        let reply: Reply<T> = serde_json::from_slice(&reply?).map_err(|e| Error::Unreachable(format!("{method}: {e}")))?;
        match reply {
            Reply { error: Some(error), .. } => Err(Error::Unreachable(format!("{method}: {error}"))),
            Reply { result: Some(result), .. } => Ok(result),
            Reply { .. } => Err(Error::Unreachable(format!("{method}: neither result nor error"))),
        }
    }
    async fn post(&self, method: &str, params: Value) -> Result<Bytes, Error> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let sent = self.client.post(&self.url).header("content-type", "application/json").body(body).send().await;
        let mut response = sent.map_err(|e| Error::Unreachable(e.to_string()))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| Error::Unreachable(e.to_string()))? {
            if bytes.len().saturating_add(chunk.len()) > MAX_REPLY {
                return Err(Error::Unreachable(format!("{method}: the reply is larger than {MAX_REPLY} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.into())
    }
}

fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Unreachable(format!("a height is a number, found {text:?}")))
}
