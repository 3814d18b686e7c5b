//! `cosmos.tx.v1beta1.Service`: transactions sent and found. Trying one out is the chain's own query.
use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use cairn_kernel::Status;
use cairn_proto::{
    Any, Timestamp,
    cosmos::{
        base::{abci::v1beta1::TxResponse, query::v1beta1::PageResponse},
        tx::v1beta1 as api,
    },
    tendermint::abci::{Event, EventAttribute},
};
use prost::{Message, Name};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Node, blocks, page, page_params,
    rpc::{self, RpcError},
};
use crate::{amino::Amino, api::doors::Refusal};

pub(super) fn broadcast(node: &Node, asked: api::BroadcastTxRequest) -> Result<api::BroadcastTxResponse, Refusal> {
    if asked.tx_bytes.is_empty() {
        return Err(Refusal::invalid("invalid empty tx"));
    }
    let method = match api::BroadcastMode::try_from(asked.mode) {
        Ok(api::BroadcastMode::Sync) => "broadcast_tx_sync",
        Ok(api::BroadcastMode::Async) => "broadcast_tx_async",
        _ => return Err(Refusal::invalid("unsupported return type unspecified; supported types: sync, async")),
    };
    let sent: Result<rpc::Broadcast, RpcError> = node.rpc.call(method, &json!({"tx": STANDARD.encode(&asked.tx_bytes)}));
    let tx_response = match sent {
        Ok(r) => TxResponse { code: r.code, codespace: r.codespace, data: r.data, raw_log: r.log, txhash: r.hash, ..TxResponse::default() },
        Err(RpcError::Refused(why)) => not_admitted(&why, &asked.tx_bytes)?,
        Err(down) => return Err(down.into()),
    };
    Ok(api::BroadcastTxResponse { tx_response: Some(tx_response) })
}

/// The code under which clients know why CometBFT's mempool took no notice of a transaction.
fn not_admitted(why: &str, tx: &[u8]) -> Result<TxResponse, Refusal> {
    let text = why.to_lowercase();
    let code = if text.contains("tx already exists in cache") {
        19
    } else if text.contains("mempool is full") {
        20
    } else if text.contains("tx too large") {
        21
    } else {
        return Err(Refusal::new(Status::Unknown, why));
    };
    let txhash = hex::encode_upper(Sha256::digest(tx));
    Ok(TxResponse { code, codespace: "sdk".to_owned(), raw_log: why.to_owned(), txhash, ..TxResponse::default() })
}

pub(super) fn get(node: &Node, asked: api::GetTxRequest) -> Result<api::GetTxResponse, Refusal> {
    if asked.hash.is_empty() {
        return Err(Refusal::invalid("tx hash cannot be empty"));
    }
    let hash = hex::decode(&asked.hash).ok().filter(|h| h.len() == 32);
    let hash = hash.ok_or_else(|| Refusal::invalid("tx hash must be 64 hexadecimal digits"))?;
    let found: Result<rpc::Tx, RpcError> = node.rpc.call("tx", &json!({"hash": STANDARD.encode(hash), "prove": false}));
    let found = found.map_err(|e| match e {
        RpcError::Refused(why) if why.contains("not found") => Refusal::new(Status::NotFound, format!("tx not found: {}", asked.hash)),
        other => other.into(),
    })?;
    let time = block_time(node, found.height)?;
    let tx = api::Tx::decode(found.tx.as_slice()).ok().map(whole);
    Ok(api::GetTxResponse { tx, tx_response: Some(tx_response(found, time)) })
}

pub(super) fn search(node: &Node, asked: api::GetTxsEventRequest) -> Result<api::GetTxsEventResponse, Refusal> {
    #[allow(deprecated, reason = "explorers of older chains ask so")]
    let (events, pagination) = (&asked.events, &asked.pagination);
    if let Some(bad) = events.iter().find(|e| !e.contains('=')) {
        let shown: String = bad.chars().take(128).collect();
        let text = format!("invalid event; event {shown} should be of the format: {{eventType}}.{{eventAttribute}}={{value}}");
        return Err(Refusal::invalid(text));
    }
    let query = if asked.query.is_empty() { events.join(" AND ") } else { asked.query.clone() };
    if query.is_empty() {
        return Err(Refusal::invalid("query cannot be empty"));
    }
    let (offset, limit) = pagination.as_ref().map_or((0, 0), |p| (p.offset, p.limit));
    let (old_page, per_page) = page(offset, if asked.limit == 0 { limit } else { asked.limit });
    let page = if asked.page == 0 { old_page } else { asked.page };
    let order = match api::OrderBy::try_from(asked.order_by) {
        Ok(api::OrderBy::Desc) => "desc",
        _ => "asc",
    };
    let mut params = Map::from_iter(page_params(page, per_page));
    params.extend([("query".to_owned(), json!(query)), ("prove".to_owned(), json!(false)), ("order_by".to_owned(), json!(order))]);
    let found: Result<rpc::Search, RpcError> = node.rpc.call("tx_search", &Value::Object(params));
    let found = found.map_err(|e| match e {
        RpcError::Refused(why) => Refusal::invalid(format!("failed to search for txs: {why}")),
        down => down.into(),
    })?;
    let pagination = pagination.as_ref().map(|_| PageResponse { next_key: Vec::new(), total: found.total_count });
    found_txs(node, found, pagination)
}

fn found_txs(node: &Node, found: rpc::Search, pagination: Option<PageResponse>) -> Result<api::GetTxsEventResponse, Refusal> {
    let mut times = BTreeMap::new();
    let (mut txs, mut tx_responses) = (Vec::new(), Vec::new());
    for tx in found.txs {
        let time = match times.get(&tx.height) {
            Some(known) => String::clone(known),
            None => block_time(node, tx.height)?,
        };
        times.insert(tx.height, time.clone());
        // One entry for each response, even where a block holds bytes that are no transaction.
        txs.push(whole(api::Tx::decode(tx.tx.as_slice()).unwrap_or_default()));
        tx_responses.push(tx_response(tx, time));
    }
    #[allow(deprecated, reason = "explorers of older chains read it")]
    Ok(api::GetTxsEventResponse { txs, tx_responses, pagination, total: found.total_count })
}

pub(super) fn block_with_txs(node: &Node, asked: api::GetBlockWithTxsRequest) -> Result<api::GetBlockWithTxsResponse, Refusal> {
    let last = blocks::last_height(node)?;
    if asked.height < 1 || asked.height > last {
        return Err(Refusal::invalid(format!(
            "requested height {} but height must not be less than 1 or greater than the current height {last}",
            asked.height
        )));
    }
    let found = blocks::block(node, Some(asked.height))?;
    let all: &[Vec<u8>] = found.block.data.as_ref().map_or(&[], |d| d.txs.as_slice());
    let page = asked.pagination.unwrap_or_default();
    let (offset, limit) = (usize::try_from(page.offset).unwrap_or(usize::MAX), if page.limit == 0 { 100 } else { page.limit });
    if offset >= all.len() && !all.is_empty() {
        let text = format!("out of range: cannot paginate {} txs with offset {offset} and limit {limit}", all.len());
        return Err(Refusal::invalid(text));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // Bytes that are no transaction are left out; the block shows them.
    let decode = |tx: &Vec<u8>| api::Tx::decode(tx.as_slice()).ok().map(whole);
    let txs = if page.reverse {
        all.iter().rev().skip(offset).take(limit).filter_map(decode).collect()
    } else {
        all.iter().skip(offset).take(limit).filter_map(decode).collect()
    };
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    Ok(api::GetBlockWithTxsResponse {
        txs,
        block_id: Some(found.id),
        block: Some(found.block),
        pagination: Some(PageResponse { next_key: Vec::new(), total }),
    })
}

pub(super) fn decode(_: &Node, asked: api::TxDecodeRequest) -> Result<api::TxDecodeResponse, Refusal> {
    if asked.tx_bytes.is_empty() {
        return Err(Refusal::invalid("invalid empty tx bytes"));
    }
    let tx = api::Tx::decode(asked.tx_bytes.as_slice()).map_err(|e| Refusal::invalid(format!("{e}: tx parse error")))?;
    Ok(api::TxDecodeResponse { tx: Some(tx) })
}

pub(super) fn encode(_: &Node, asked: api::TxEncodeRequest) -> Result<api::TxEncodeResponse, Refusal> {
    let tx = asked.tx.ok_or_else(|| Refusal::invalid("invalid empty tx"))?;
    // As the SDK does: a part that is there and empty is left out of the bytes.
    let body_bytes = tx.body.unwrap_or_default().encode_to_vec();
    let auth_info_bytes = tx.auth_info.unwrap_or_default().encode_to_vec();
    Ok(api::TxEncodeResponse { tx_bytes: api::TxRaw { body_bytes, auth_info_bytes, signatures: tx.signatures }.encode_to_vec() })
}

pub(super) fn encode_amino(_: &Node, asked: api::TxEncodeAminoRequest) -> Result<api::TxEncodeAminoResponse, Refusal> {
    if asked.amino_json.is_empty() {
        return Err(Refusal::invalid("invalid empty tx json"));
    }
    let amino_binary = Amino::cairn().std_tx_binary(&asked.amino_json).map_err(|e| Refusal::invalid(format!("invalid request {e}")))?;
    Ok(api::TxEncodeAminoResponse { amino_binary })
}

pub(super) fn decode_amino(_: &Node, asked: api::TxDecodeAminoRequest) -> Result<api::TxDecodeAminoResponse, Refusal> {
    if asked.amino_binary.is_empty() {
        return Err(Refusal::invalid("invalid empty tx bytes"));
    }
    let amino_json = Amino::cairn().std_tx_json(&asked.amino_binary).map_err(|e| Refusal::invalid(format!("invalid request {e}")))?;
    Ok(api::TxDecodeAminoResponse { amino_json })
}

/// The transaction with all its parts: explorers take them for granted, and what a proposer adds to a block has none but a body.
fn whole(mut tx: api::Tx) -> api::Tx {
    tx.body.get_or_insert_default();
    tx.auth_info.get_or_insert_default().fee.get_or_insert_default();
    tx
}

/// When the block was made, to the second, as the SDK stamps transactions.
fn block_time(node: &Node, height: i64) -> Result<String, Refusal> {
    let time = blocks::header(node, height)?.time.unwrap_or_default();
    Ok(Timestamp { seconds: time.seconds, nanos: 0 }.to_string())
}

fn tx_response(found: rpc::Tx, timestamp: String) -> TxResponse {
    let result = found.tx_result;
    TxResponse {
        height: found.height,
        txhash: found.hash,
        codespace: result.codespace,
        code: result.code,
        data: hex::encode_upper(result.data),
        raw_log: result.log,
        logs: Vec::new(),
        info: result.info,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        // `Tx` and `TxRaw` have one wire format.
        tx: Some(Any { type_url: api::Tx::type_url(), value: found.tx }),
        timestamp,
        events: result.events.into_iter().map(event).collect(),
    }
}

fn event(event: rpc::Event) -> Event {
    let attribute = |a: rpc::Attribute| EventAttribute { key: a.key, value: a.value, index: a.index };
    Event { r#type: event.kind, attributes: event.attributes.into_iter().map(attribute).collect() }
}
