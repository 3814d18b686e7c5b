//! CometBFT's JSON-RPC, as far as a load generator needs it.
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_proto::{
    cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse},
    unpack,
};
use prost::Message;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The results of a block of transactions are large.
const MAX_REPLY: u64 = 256 << 20;
/// Account queries in one request.
const QUERIES: usize = 100;
/// Block headers that CometBFT gives at a time.
const HEADERS: u64 = 20;

/// A node's RPC, over a connection that stays open.
pub(crate) struct Rpc {
    url: String,
    agent: ureq::Agent,
}

/// A committed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) height: u64,
    /// When the validator voted on it, by the node's clock, which is ours.
    pub(crate) time: SystemTime,
    /// Transactions in it.
    pub(crate) txs: u64,
}

/// What a block did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Transactions with code 0.
    pub(crate) succeeded: u64,
    /// Code and log of the others.
    pub(crate) failed: Vec<(u32, String)>,
    /// Events of transactions that succeeded, then those of the block.
    pub(crate) events: Vec<Event>,
}

/// An event as CometBFT tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    attributes: Vec<Attribute>,
}

#[derive(Debug, Deserialize)]
struct Attribute {
    key: String,
    value: String,
}

impl Event {
    /// The attribute `key`, which typed events write as JSON; numbers of 64 bits are text in it.
    pub(crate) fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        let found = self.attributes.iter().find(|a| a.key == key).with_context(|| format!("{} has no {key}", self.kind))?;
        serde_json::from_str(&found.value).with_context(|| format!("{key} of {}: {}", self.kind, found.value))
    }
    /// A number of 64 bits.
    pub(crate) fn number(&self, key: &str) -> Result<u64> {
        Ok(self.get::<String>(key)?.parse()?)
    }
}

#[derive(Deserialize)]
struct Reply<T> {
    #[serde(default)]
    id: u64,
    result: Option<T>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: String,
}

impl<T> Reply<T> {
    fn into_result(self) -> Result<T> {
        if let Some(Refusal { message, data }) = self.error {
            bail!("{message} {data}");
        }
        self.result.context("the reply has neither a result nor an error")
    }
}

impl Rpc {
    /// For the node at `url`, `http://127.0.0.1:<port>`.
    pub(crate) fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).http_status_as_error(false);
        Self { url: url.to_owned(), agent: config.build().into() }
    }

    /// Sends a request, or a batch of them, and gives the reply's bytes.
    pub(crate) fn post(&self, body: &[u8]) -> Result<Vec<u8>> {
        let mut reply = self.agent.post(&self.url).header("content-type", "application/json").send(body)?;
        Ok(reply.body_mut().with_config().limit(MAX_REPLY).read_to_vec()?)
    }

    fn call<T: DeserializeOwned>(&self, method: &str, params: &Value) -> Result<T> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let bytes = self.post(&serde_json::to_vec(&body)?)?;
        let reply: Reply<T> = serde_json::from_slice(&bytes).with_context(|| format!("the reply to {method}"))?;
        reply.into_result().with_context(|| method.to_owned())
    }

    /// Height of the newest block.
    pub(crate) fn height(&self) -> Result<u64> {
        let status: Value = self.call("status", &json!({}))?;
        let height = status.pointer("/sync_info/latest_block_height").and_then(Value::as_str);
        Ok(height.context("status has no height")?.parse()?)
    }

    /// Height of the newest block that the application has committed: its results are there.
    pub(crate) fn committed(&self) -> Result<u64> {
        let info: Value = self.call("abci_info", &json!({}))?;
        let height = info.pointer("/response/last_block_height").and_then(Value::as_str);
        Ok(height.context("abci_info has no height")?.parse()?)
    }

    /// Transactions that wait in the mempool.
    pub(crate) fn waiting(&self) -> Result<u64> {
        #[derive(Deserialize)]
        struct Waiting {
            total: String,
        }
        Ok(self.call::<Waiting>("num_unconfirmed_txs", &json!({}))?.total.parse()?)
    }

    /// The headers of the blocks `from` to `to`, both included, lowest first.
    pub(crate) fn headers(&self, from: u64, to: u64) -> Result<Vec<Header>> {
        let mut all = vec![];
        let mut low = from;
        while low <= to {
            let high = to.min(low + HEADERS - 1);
            let found: Metas = self.call("blockchain", &json!({ "minHeight": low.to_string(), "maxHeight": high.to_string() }))?;
            for meta in found.block_metas {
                let time = humantime::parse_rfc3339(&meta.header.time)?;
                all.push(Header { height: meta.header.height.parse()?, time, txs: meta.num_txs.parse()? });
            }
            low = high + 1;
        }
        all.sort_unstable_by_key(|h| h.height);
        Ok(all)
    }

    /// What the chain did in a block: the code and log of each transaction that failed, and all events in their order.
    pub(crate) fn done(&self, height: u64) -> Result<Done> {
        #[derive(Deserialize)]
        struct Results {
            txs_results: Option<Vec<TxResult>>,
            finalize_block_events: Option<Vec<Event>>,
        }
        #[derive(Deserialize)]
        struct TxResult {
            #[serde(default)]
            code: u32,
            #[serde(default)]
            log: String,
            events: Option<Vec<Event>>,
        }
        let results: Results = self.call("block_results", &json!({ "height": height.to_string() }))?;
        let mut done = Done::default();
        for result in results.txs_results.unwrap_or_default() {
            if result.code == 0 {
                done.succeeded += 1;
                done.events.extend(result.events.unwrap_or_default());
            } else {
                done.failed.push((result.code, result.log));
            }
        }
        done.events.extend(results.finalize_block_events.unwrap_or_default());
        Ok(done)
    }

    /// The account numbers that the chain gave to `addresses`, in their order.
    pub(crate) fn account_numbers(&self, addresses: &[String]) -> Result<Vec<u64>> {
        let mut numbers = vec![];
        for part in addresses.chunks(QUERIES) {
            let queries: Vec<Value> = part.iter().zip(0..).map(|(address, id)| account_query(address, id)).collect();
            let bytes = self.post(&serde_json::to_vec(&queries)?)?;
            let mut replies: Vec<Reply<Answer>> = replies(&bytes)?;
            replies.sort_unstable_by_key(|reply| reply.id);
            for reply in replies {
                numbers.push(reply.into_result()?.response.account()?.account_number);
            }
        }
        if numbers.len() != addresses.len() {
            bail!("asked for {} accounts, the node answered for {}", addresses.len(), numbers.len());
        }
        Ok(numbers)
    }
}

fn account_query(address: &str, id: u64) -> Value {
    let data = hex::encode(QueryAccountRequest { address: address.to_owned() }.encode_to_vec());
    let params = json!({ "path": "/cosmos.auth.v1beta1.Query/Account", "data": data });
    json!({ "jsonrpc": "2.0", "id": id, "method": "abci_query", "params": params })
}

#[derive(Deserialize)]
struct Answer {
    response: QueryResponse,
}

#[derive(Deserialize)]
struct QueryResponse {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    log: String,
    #[serde(default)]
    value: Option<String>,
}

impl QueryResponse {
    fn account(self) -> Result<BaseAccount> {
        if self.code != 0 {
            bail!("the account query was refused with code {}: {}", self.code, self.log);
        }
        let bytes = BASE64.decode(self.value.unwrap_or_default())?;
        let any = QueryAccountResponse::decode(&*bytes)?.account.context("the reply holds no account")?;
        Ok(unpack(&any)?)
    }
}

#[derive(Deserialize)]
struct Metas {
    block_metas: Vec<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    header: MetaHeader,
    num_txs: String,
}

#[derive(Deserialize)]
struct MetaHeader {
    height: String,
    time: String,
}

/// Requests that hand in `txs`, as the body of one post.
pub(crate) fn broadcast<'a>(txs: impl Iterator<Item = &'a [u8]>, mode: &str) -> Vec<u8> {
    let requests: Vec<String> = txs
        .zip(0..)
        .map(|(tx, id)| {
            let tx = BASE64.encode(tx);
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"broadcast_tx_{mode}","params":{{"tx":"{tx}"}}}}"#)
        })
        .collect();
    format!("[{}]", requests.join(",")).into_bytes()
}

/// The replies to a batch. CometBFT answers a batch of one with no list.
fn replies<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<Reply<T>>> {
    let start = || String::from_utf8_lossy(bytes).chars().take(300).collect::<String>();
    if bytes.first() == Some(&b'{') {
        return Ok(vec![serde_json::from_slice(bytes).with_context(start)?]);
    }
    serde_json::from_slice(bytes).with_context(start)
}

/// Why the node refused transactions of a batch: their number, and the first one's reason.
pub(crate) fn refusals(reply: &[u8]) -> Result<(u64, Option<String>)> {
    #[derive(Deserialize)]
    struct Taken {
        code: u32,
        #[serde(default)]
        log: String,
    }
    let (mut count, mut first) = (0, None);
    for reply in replies::<Taken>(reply)? {
        let why = match reply.into_result() {
            Ok(Taken { code: 0, .. }) => continue,
            Ok(Taken { code, log }) => format!("code {code}: {log}"),
            Err(error) => error.to_string(),
        };
        count += 1;
        first.get_or_insert(why);
    }
    Ok((count, first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_json_with_each_transaction() {
        let body = broadcast([b"ab".as_slice(), b"cd"].into_iter(), "async");
        let value: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value.pointer("/1/params/tx").unwrap(), &BASE64.encode("cd"));
        assert_eq!(value.pointer("/1/id").unwrap(), 1);
        assert_eq!(value.pointer("/0/method").unwrap(), "broadcast_tx_async");
    }

    #[test]
    fn attributes_of_typed_events_are_json() {
        let event: Event = serde_json::from_str(
            r#"{"type":"cairn.annotation.v1.EventLeaseGranted","attributes":[{"key":"lease","value":"\"7\"","index":true},
                {"key":"buckets","value":"[1,2]"},{"key":"tasks","value":"40"}]}"#,
        )
        .unwrap();
        assert_eq!(event.number("lease").unwrap(), 7);
        assert_eq!(event.get::<Vec<u32>>("buckets").unwrap(), [1, 2]);
        assert_eq!(event.get::<u32>("tasks").unwrap(), 40);
        assert!(event.number("job").is_err());
    }

    #[test]
    fn refusals_are_counted_with_the_first_reason() {
        let reply = br#"[{"id":0,"result":{"code":0,"log":""}},{"id":1,"result":{"code":32,"log":"account sequence mismatch"}},
            {"id":2,"error":{"code":-32603,"message":"Internal error","data":"mempool is full"}}]"#;
        let (count, first) = refusals(reply).unwrap();
        assert_eq!((count, first.unwrap().as_str()), (2, "code 32: account sequence mismatch"));
        assert_eq!(refusals(br#"[{"id":0,"result":{"code":0}}]"#).unwrap(), (0, None));
        assert_eq!(refusals(br#"{"id":0,"result":{"code":0}}"#).unwrap(), (0, None));
        assert!(refusals(b"<html>").is_err());
    }
}
