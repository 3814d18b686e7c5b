//! `cosmos.base.node.v1beta1.Service`, and of `cosmos.base.tendermint.v1beta1.Service` what tells of the node.
use cairn_proto::{
    cosmos::base::{node::v1beta1 as node_api, tendermint::v1beta1 as api},
    tendermint::p2p,
};
use serde_json::json;

use super::{
    Node,
    rpc::{self, RpcError},
};
use crate::api::doors::Refusal;

/// Whose behaviour clients may expect: explorers choose their requests by it, and read it as a semantic version.
pub(crate) const COSMOS_SDK_VERSION: &str = "v0.50.9";

pub(super) fn config(node: &Node, _: node_api::ConfigRequest) -> Result<node_api::ConfigResponse, Refusal> {
    let kept = node.chain.height().saturating_sub(node.chain.earliest_height()).saturating_add(1);
    Ok(node_api::ConfigResponse {
        minimum_gas_price: node.chain.minimum_gas_price(),
        pruning_keep_recent: kept.to_string(),
        pruning_interval: "1".to_owned(),
        halt_height: 0,
    })
}

pub(super) fn status(node: &Node, _: node_api::StatusRequest) -> Result<node_api::StatusResponse, Refusal> {
    let last = super::blocks::header(node, super::blocks::last_height(node)?)?;
    Ok(node_api::StatusResponse {
        earliest_store_height: node.chain.earliest_height(),
        height: node.chain.height(),
        timestamp: last.time,
        app_hash: last.app_hash,
        validator_hash: last.next_validators_hash,
    })
}

pub(super) fn syncing(node: &Node, _: api::GetSyncingRequest) -> Result<api::GetSyncingResponse, Refusal> {
    let status: rpc::Status = node.rpc.call("status", &json!({}))?;
    Ok(api::GetSyncingResponse { syncing: status.sync_info.catching_up })
}

pub(super) fn node_info(node: &Node, _: api::GetNodeInfoRequest) -> Result<api::GetNodeInfoResponse, Refusal> {
    let info = node.rpc.call::<rpc::Status>("status", &json!({}))?.node_info;
    let version = info.protocol_version;
    let default_node_info = p2p::DefaultNodeInfo {
        protocol_version: Some(p2p::ProtocolVersion { p2p: version.p2p, block: version.block, app: version.app }),
        default_node_id: info.id,
        listen_addr: info.listen_addr,
        network: info.network,
        version: info.version,
        channels: info.channels,
        moniker: info.moniker,
        other: Some(p2p::DefaultNodeInfoOther { tx_index: info.other.tx_index, rpc_address: info.other.rpc_address }),
    };
    Ok(api::GetNodeInfoResponse { default_node_info: Some(default_node_info), application_version: Some(version_info()) })
}

/// What this program is.
fn version_info() -> api::VersionInfo {
    api::VersionInfo {
        name: "cairn".to_owned(),
        app_name: "cairnd".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit: option_env!("CAIRN_GIT_COMMIT").unwrap_or_default().to_owned(),
        build_tags: String::new(),
        go_version: String::new(),
        build_deps: Vec::new(),
        cosmos_sdk_version: COSMOS_SDK_VERSION.to_owned(),
    }
}

pub(super) fn abci_query(node: &Node, request: api::AbciQueryRequest) -> Result<api::AbciQueryResponse, Refusal> {
    if request.path.is_empty() {
        return Err(Refusal::invalid("empty query path"));
    }
    // gRPC paths have doors of their own; this one is for the node's special paths.
    if !matches!(request.path.trim_start_matches('/').split('/').next(), Some("app" | "store" | "p2p" | "custom")) {
        let shown: String = request.path.chars().take(128).collect();
        return Err(Refusal::invalid(format!("unsupported ABCI query path: {shown}")));
    }
    if request.height < 0 {
        return Err(Refusal::invalid("cannot query with height < 0; please provide a valid height"));
    }
    let params =
        json!({"path": request.path, "data": hex::encode(&request.data), "height": request.height.to_string(), "prove": request.prove});
    let found = node.rpc.call::<rpc::Query>("abci_query", &params).map_err(RpcError::into_invalid)?.response;
    let op = |o: rpc::ProofOp| api::ProofOp { r#type: o.kind, key: o.key, data: o.data };
    Ok(api::AbciQueryResponse {
        code: found.code,
        log: found.log,
        info: found.info,
        index: found.index,
        key: found.key,
        value: found.value,
        proof_ops: found.proof_ops.map(|p| api::ProofOps { ops: p.ops.into_iter().map(op).collect() }),
        height: found.height,
        codespace: found.codespace,
    })
}
