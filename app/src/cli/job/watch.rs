//! `cairnd job status` and `cairnd job watch`: how far a job is, and the requester's duties done in time.
use std::{thread::sleep, time::Duration};

use anyhow::{Context, Result};
use cairn_proto::cairn::annotation::v1::{
    JobState, QueryJobProgressRequest, QueryJobProgressResponse, QueryJobRequest, QueryJobResponse, SettleStep,
};
use serde_json::json;

use super::{gold, record::Record};
use crate::{
    api::json::Dialect,
    cli::{home::Home, keyring::AccountKey, output::Output, rpc::Rpc, sign::TxOptions},
};

/// One query of a job.
pub(crate) fn job(rpc: &Rpc, job: u64) -> Result<QueryJobResponse> {
    rpc.ask("/cairn.annotation.v1.Query/Job", &QueryJobRequest { job })
}

fn progress(rpc: &Rpc, job: u64) -> Result<QueryJobProgressResponse> {
    rpc.ask("/cairn.annotation.v1.Query/JobProgress", &QueryJobProgressRequest { job })
}

/// `JOB_STATE_OPEN` as `open`.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', " ")
}

/// Everything the chain tells of a job.
pub(crate) fn status(rpc: &Rpc, number: u64, output: Output) -> Result<()> {
    let dialect = Dialect::cairn();
    let show = |name: &str, bytes: Vec<u8>| dialect.encode_bytes(name, &bytes);
    let whole = prost::Message::encode_to_vec(&job(rpc, number)?);
    let far = prost::Message::encode_to_vec(&progress(rpc, number)?);
    output.value(&json!({
        "job": show("cairn.annotation.v1.QueryJobResponse", whole)?,
        "progress": show("cairn.annotation.v1.QueryJobProgressResponse", far)?,
    }))
}

/// One line for people: where the job stands and what it waits for.
fn line(p: &QueryJobProgressResponse) -> String {
    let state = word(p.state().as_str_name(), "JOB_STATE_");
    let percent = |part: u64, whole: u64| part.saturating_mul(100).checked_div(whole).unwrap_or(0);
    let labels = format!(
        "labels {}/{} ({} %), committed {}, leased {}, {} annotators",
        p.labels_accepted,
        p.labels_wanted,
        percent(p.labels_accepted, p.labels_wanted),
        p.labels_committed,
        p.labels_leased,
        p.workers
    );
    match p.step() {
        SettleStep::Unspecified => format!("{state}: {labels}"),
        step => format!("{state}: {labels}; {} {}/{}", word(step.as_str_name(), "SETTLE_STEP_"), p.step_done, p.step_total),
    }
}

/// Follows a job to its end. Where this home posted it and `key` is given, the gold is opened as soon as the chain asks for it.
pub(crate) fn watch(rpc: &Rpc, home: &Home, number: u64, key: Option<&AccountKey>, options: &TxOptions) -> Result<()> {
    let record = match key {
        Some(_) => Some(Record::need(home, &rpc.chain_id()?, number)?),
        None => None,
    };
    let mut last = String::new();
    loop {
        let now = progress(rpc, number)?;
        let text = line(&now);
        if text != last {
            println!("{:>6}  {text}", rpc.height()?);
            last = text;
        }
        match now.state() {
            JobState::Closed | JobState::Cancelled => return end(rpc, number),
            JobState::Gold => {
                if let (Some(record), Some(key)) = (&record, key) {
                    gold::open(rpc, record, number, key, options)?;
                }
            }
            _ => {}
        }
        sleep(Duration::from_secs(1));
    }
}

fn end(rpc: &Rpc, number: u64) -> Result<()> {
    let found = job(rpc, number)?;
    let status = found.status.context("the job has no status")?;
    if status.asset_id > 0 {
        println!("published as data set asset {}", status.asset_id);
    }
    println!("results: 'cairnd job export {number} --out labels.jsonl'");
    Ok(())
}
