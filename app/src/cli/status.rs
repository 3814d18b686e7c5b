//! `cairnd status`: where a node stands.
use anyhow::Result;
use cairn_proto::{
    cairn::annotation::v1::{QueryJobsRequest, QueryJobsResponse},
    cosmos::base::query::v1beta1::PageRequest,
};
use clap::Args;
use serde_json::{Value, json};

use super::{output::Output, rpc::Rpc};

/// Where a node stands: chain, height, peers, and what runs on it. Always JSON, with CometBFT's node_info, sync_info and validator_info, which
/// supervisors read.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {}

impl StatusArgs {
    /// Runs the command.
    pub(crate) fn run(self, node: &str) -> Result<()> {
        let rpc = Rpc::new(node);
        let status = rpc.status()?;
        let at = |p: &str| status.pointer(p).cloned().unwrap_or(Value::Null);
        let peers = rpc.call("net_info", json!({}))?;
        let validators = rpc.call("validators", json!({}))?;
        let request = QueryJobsRequest {
            pagination: Some(PageRequest { limit: 1, count_total: true, ..PageRequest::default() }),
            ..QueryJobsRequest::default()
        };
        // A node that is between two programs has a height all the same.
        let jobs = rpc.ask::<QueryJobsResponse>("/cairn.annotation.v1.Query/Jobs", &request).ok().and_then(|found| found.pagination);
        Output::Json.value(&json!({
            "chain_id": at("/node_info/network"),
            "node_id": at("/node_info/id"),
            "moniker": at("/node_info/moniker"),
            "height": at("/sync_info/latest_block_height"),
            "block_time": at("/sync_info/latest_block_time"),
            "app_hash": at("/sync_info/latest_app_hash"),
            "catching_up": at("/sync_info/catching_up"),
            "peers": peers.get("n_peers").cloned().unwrap_or(Value::Null),
            "validators": validators.get("total").cloned().unwrap_or(Value::Null),
            "voting_power": at("/validator_info/voting_power"),
            "cometbft": at("/node_info/version"),
            "jobs": jobs.map(|page| page.total),
            "node_info": at("/node_info"),
            "sync_info": at("/sync_info"),
            "validator_info": at("/validator_info"),
        }))
    }
}
