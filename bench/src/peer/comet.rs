//! What is set alike in every node's `config/config.toml` and in the consensus part of every genesis file.
use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use toml_edit::{DocumentMut, Item, value};

use crate::throughput::Plan;

/// Writes the settings of `plan` into the home's configuration. RPC listens on `base_port`, peers on the next one; nobody is called.
pub(super) fn configure(home: &Path, base_port: u16, plan: &Plan) -> Result<()> {
    let path = home.join("config/config.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut doc: DocumentMut = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
    let peers = base_port.checked_add(1).context("the ports end at 65535")?;
    let size = i64::try_from(plan.mempool)?;
    let settings: [(&str, &str, Item); 14] = [
        ("rpc", "laddr", value(format!("tcp://127.0.0.1:{base_port}"))),
        ("rpc", "pprof_laddr", value("")),
        ("rpc", "max_request_batch_size", value(0)),
        ("p2p", "laddr", value(format!("tcp://127.0.0.1:{peers}"))),
        ("p2p", "pex", value(false)),
        ("mempool", "size", value(size)),
        ("mempool", "cache_size", value(size * 2)),
        ("mempool", "max_txs_bytes", value(1_i64 << 30)),
        ("mempool", "recheck", value(true)),
        ("consensus", "timeout_propose", value("3s")),
        ("consensus", "timeout_commit", value(format!("{}ms", plan.timeout_commit_ms))),
        ("consensus", "skip_timeout_commit", value(false)),
        ("tx_index", "indexer", value(plan.indexer.as_str())),
        ("instrumentation", "prometheus", value(false)),
    ];
    for (table, key, item) in settings {
        let table = doc.get_mut(table).and_then(Item::as_table_like_mut).with_context(|| format!("config.toml has no [{table}]"))?;
        table.insert(key, item);
    }
    fs::write(&path, doc.to_string()).with_context(|| format!("cannot write {}", path.display()))
}

/// The limits of blocks, as a genesis file has them.
pub(super) fn block_params(plan: &Plan) -> Value {
    json!({ "max_bytes": plan.max_block_bytes.to_string(), "max_gas": "-1" })
}
