//! What is counted, as Prometheus reads it.
use std::collections::BTreeSet;

use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    Event, EventAttribute, ExecTxResult, RequestCheckTx, RequestFinalizeBlock, RequestProcessProposal, ResponseCheckTx,
    ResponseFinalizeBlock, ResponseProcessProposal,
};

use super::*;
use crate::Settings;

/// Refuses every check, accepts every proposal, and fails a hook in each block.
#[derive(Clone)]
struct Node;

impl Application for Node {
    fn check_tx(&self, _: RequestCheckTx) -> ResponseCheckTx {
        ResponseCheckTx { code: 13, codespace: "sdk".to_owned(), ..Default::default() }
    }
    fn process_proposal(&self, _: RequestProcessProposal) -> ResponseProcessProposal {
        ResponseProcessProposal { status: 1 }
    }
    fn finalize_block(&self, r: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        let attribute = |key: &str, value: &str| EventAttribute { key: key.to_owned(), value: value.to_owned(), index: true };
        let failed = vec![attribute("module", "rewards"), attribute("hook", "end_block")];
        ResponseFinalizeBlock {
            tx_results: r
                .txs
                .iter()
                .map(|tx| ExecTxResult { gas_used: 1_000, code: u32::from(tx.len() > 3), ..Default::default() })
                .collect(),
            events: vec![Event { r#type: "hook_failed".to_owned(), attributes: failed }],
            ..Default::default()
        }
    }
}

fn metrics(folder: &std::path::Path) -> Arc<Metrics> {
    Metrics::new(&App::open(folder, Settings::default()).unwrap(), folder.to_owned())
}

#[test]
fn calls_are_counted_and_answers_pass_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = metrics(folder.path());
    let node = metrics.observe(Node);
    assert_eq!(node.check_tx(RequestCheckTx::default()).code, 13);
    node.check_tx(RequestCheckTx { r#type: 1, ..Default::default() });
    node.process_proposal(RequestProcessProposal::default());
    let done = node.finalize_block(RequestFinalizeBlock { txs: vec!["abc".into(), "abcd".into()], ..Default::default() });
    assert_eq!(done.tx_results.len(), 2);
    node.commit();
    let text = metrics.render(Format::Text);
    for line in [
        "cairn_checks_total{kind=\"new\",codespace=\"sdk\",code=\"13\"} 1",
        "cairn_checks_total{kind=\"recheck\",codespace=\"sdk\",code=\"13\"} 1",
        "cairn_checks_total{kind=\"new\",codespace=\"\",code=\"0\"} 0",
        "cairn_proposals_total{outcome=\"accepted\"} 1",
        "cairn_txs_total{codespace=\"\",code=\"0\"} 1",
        "cairn_txs_total{codespace=\"\",code=\"1\"} 1",
        "cairn_hook_failures_total{module=\"rewards\",hook=\"end_block\"} 1",
        "cairn_hook_failures_total{module=\"bank\",hook=\"begin_block\"} 0",
        "cairn_block_gas_sum 2000.0",
        "cairn_block_bytes_sum 7.0",
        "cairn_abci_seconds_count{method=\"finalize_block\"} 1",
        "cairn_abci_seconds_count{method=\"commit\"} 1",
        "cairn_app_hash_known 0",
        "cairn_queries_total{outcome=\"late\"} 0",
        "cairn_jobs{state=\"open\"} 0",
        "cairn_cases{state=\"commit\"} 0",
        "cairn_compute_jobs{state=\"contested\"} 0",
        "cairn_compute_ucairn{of=\"escrow\"} 0",
        "cairn_queue_overdue{queue=\"annotation\"} 0",
        "cairn_state_writes_stopped 0",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
}

#[test]
fn the_older_format_has_one_heading_for_each_name_and_no_name_twice() {
    let folder = tempfile::tempdir().unwrap();
    let text = metrics(folder.path()).render(Format::Text);
    let mut headed = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(headed.insert(name.to_owned()), "{name} twice");
            assert!(text.contains(&format!("# HELP {name} ")), "{name} without help");
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).filter(|base| headed.contains(*base));
            assert!(headed.contains(base.unwrap_or(name)), "{name} without a heading");
        }
    }
}
