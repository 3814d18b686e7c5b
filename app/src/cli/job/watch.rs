//! `cairnd job status` and `cairnd job watch`: how far a job is, and the requester's duties done in time.
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use cairn_proto::cairn::annotation::v1::{
    Job, JobState, JobStatus, QueryEarningsRequest, QueryEarningsResponse, QueryJobProgressRequest, QueryJobProgressResponse,
    QueryJobRequest, QueryJobResponse, SettleStep, Settlement,
};
use serde_json::{Value, json};

use super::{gold, record::Record};
use crate::{
    api::json::Dialect,
    cli::{
        home::Home,
        keyring::AccountKey,
        output::Output,
        rpc::{Refused, Rpc},
        sign::TxOptions,
    },
};

/// Between two lines that tell of nothing but more labels.
const LULL: Duration = Duration::from_secs(3);

fn ask(rpc: &Rpc, job: u64) -> Result<QueryJobResponse> {
    rpc.ask("/cairn.annotation.v1.Query/Job", &QueryJobRequest { job })
}

/// A job and where it stands.
pub(crate) fn job(rpc: &Rpc, job: u64) -> Result<(Job, JobStatus)> {
    let found = ask(rpc, job)?;
    Ok((found.job.context("the job is empty")?, found.status.context("the job has no status")?))
}

fn progress(rpc: &Rpc, job: u64) -> Result<QueryJobProgressResponse> {
    rpc.ask("/cairn.annotation.v1.Query/JobProgress", &QueryJobProgressRequest { job })
}

/// `JOB_STATE_OPEN` as `open`.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', " ")
}

/// What matters of a job, or with JSON everything that the chain tells.
pub(crate) fn status(rpc: &Rpc, number: u64, output: Output) -> Result<()> {
    let (found, far) = (ask(rpc, number)?, progress(rpc, number)?);
    if output == Output::Json {
        let show = |name: &str, bytes: Vec<u8>| Dialect::cairn().encode_bytes(name, &bytes);
        return output.value(&json!({
            "job": show("cairn.annotation.v1.QueryJobResponse", prost::Message::encode_to_vec(&found))?,
            "progress": show("cairn.annotation.v1.QueryJobProgressResponse", prost::Message::encode_to_vec(&far))?,
        }));
    }
    let (job, status) = (found.job.context("the job is empty")?, found.status.context("the job has no status")?);
    output.value(&summary(&job, &status, &far))
}

/// The outline that people read.
fn summary(job: &Job, status: &JobStatus, far: &QueryJobProgressResponse) -> Value {
    let denom = job.price.as_ref().map_or("", |p| p.denom.as_str());
    let money = |amount: &str| format!("{}{denom}", if amount.is_empty() { "0" } else { amount });
    let escrow = status.escrow.clone().unwrap_or_default();
    let mut out = json!({
        "job": job.id,
        "title": job.title,
        "requester": job.requester,
        "progress": line(far),
        "tasks": job.tasks,
        "labels a task": job.overlap_max,
        "classes": job.classes.join(", "),
        "price of a label": money(job.price.as_ref().map_or("", |p| p.amount.as_str())),
        "gateways": job.content_addresses.join(", "),
        "posted at": job.posted_height,
        "commits until": job.commit_deadline,
        "paid in": money(&escrow.in_total),
        "paid out": { "annotators": money(&escrow.claimable), "requester": money(&escrow.refunded), "burnt": money(&escrow.burnt), "pool": money(&escrow.pool) },
    });
    let mut add = |key: &str, value: Value| drop(out.as_object_mut().map(|map| map.insert(key.to_owned(), value)));
    if let Some(settlement) = status.settlement.as_ref().filter(|s| !s.digest.is_empty()) {
        add("settlement", verdict(settlement));
    }
    if status.asset_id > 0 {
        add("data set asset", json!(status.asset_id));
    }
    out
}

fn verdict(settlement: &Settlement) -> Value {
    json!({
        "digest": hex::encode(&settlement.digest),
        "model": format!("{}, {} passes", settlement.model, settlement.passes),
        "gold": format!("{}, {} answers void", word(settlement.gold().as_str_name(), "GOLD_VERDICT_"), settlement.gold_void),
        "annotators paid": settlement.workers_paid,
        "annotators left out by the gate": settlement.workers_gated,
    })
}

/// One line for people: where the job stands and what it waits for.
fn line(p: &QueryJobProgressResponse) -> String {
    let state = word(p.state().as_str_name(), "JOB_STATE_");
    let percent = |part: u64, whole: u64| part.saturating_mul(100).checked_div(whole).unwrap_or(0);
    let labels = format!(
        "labels {}/{} ({} %), committed {}, leased {}, {} {}",
        p.labels_accepted,
        p.labels_wanted,
        percent(p.labels_accepted, p.labels_wanted),
        p.labels_committed,
        p.labels_leased,
        p.workers,
        if p.workers == 1 { "annotator" } else { "annotators" },
    );
    let step = word(p.step().as_str_name(), "SETTLE_STEP_");
    match p.step() {
        SettleStep::Unspecified | SettleStep::Close => format!("{state}: {labels}"),
        _ if p.step_total == 0 => format!("{state}: {labels}; {step}"),
        _ => format!("{state}: {labels}; {step} {}/{}", p.step_done, p.step_total),
    }
}

/// Follows a job until its result is published, or to its end. Where this home posted it and a key is given with its name, the gold is opened as soon as the chain asks for it.
pub(crate) fn watch(rpc: &Rpc, home: &Home, number: u64, key: Option<&(AccountKey, String)>) -> Result<()> {
    let record = |rpc: &Rpc| Record::need(home, &rpc.chain_id()?, &job(rpc, number)?.0.manifest_root);
    if key.is_some() {
        record(rpc)?; // told at once, not when the gold is asked for
    }
    job(rpc, number)?; // and so is a node that is not there
    let rpc = &rpc.patient();
    let mut last: Option<(QueryJobProgressResponse, Instant)> = None;
    loop {
        let now = progress(rpc, number)?;
        if is_news(last.as_ref(), &now) {
            println!("{:>6}  {}", rpc.height()?, line(&now));
            last = Some((now.clone(), Instant::now()));
        }
        match now.state() {
            JobState::Appeal | JobState::Closed | JobState::Cancelled => return end(rpc, number, key),
            JobState::Gold => {
                if let Some((key, _)) = key {
                    match gold::open(rpc, record(rpc)?, number, key, &TxOptions::default()) {
                        Err(error) if !error.is::<Refused>() => eprintln!("{error:#}; trying again"),
                        other => other?,
                    }
                }
            }
            _ => {}
        }
        sleep(Duration::from_secs(1));
    }
}

/// Another state or step at once, other numbers after a while.
fn is_news(last: Option<&(QueryJobProgressResponse, Instant)>, now: &QueryJobProgressResponse) -> bool {
    last.is_none_or(|(before, told)| {
        (before.state, before.step) != (now.state, now.step) || (line(before) != line(now) && told.elapsed() >= LULL)
    })
}

fn end(rpc: &Rpc, number: u64, key: Option<&(AccountKey, String)>) -> Result<()> {
    let (_, status) = job(rpc, number)?;
    if status.asset_id > 0 {
        println!("published as data set asset {}", status.asset_id);
    }
    if status.state() == JobState::Appeal {
        println!("annotators may appeal until block {}; what is left of the escrow comes back after that", status.appeal_deadline);
    }
    if let Some((key, name)) = key {
        let request = QueryEarningsRequest { account: key.address().to_string() };
        let earnings: QueryEarningsResponse = rpc.ask("/cairn.annotation.v1.Query/Earnings", &request)?;
        for coin in earnings.claimable {
            println!("{}{} are yours to withdraw: 'cairnd tx annotation withdraw-earnings --from {name}'", coin.amount, coin.denom);
        }
    }
    if status.labels > 0 {
        println!("results: 'cairnd job export {number} --out labels.jsonl'");
    } else {
        println!("it ended without a label");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far(state: JobState, step: SettleStep, done: u64, total: u64) -> QueryJobProgressResponse {
        QueryJobProgressResponse {
            state: state.into(),
            step: step.into(),
            step_done: done,
            step_total: total,
            labels_wanted: 8,
            labels_accepted: 4,
            workers: 1,
            ..QueryJobProgressResponse::default()
        }
    }

    #[test]
    fn a_line_names_what_the_job_waits_for() {
        let labels = "labels 4/8 (50 %), committed 0, leased 0, 1 annotator";
        assert_eq!(line(&far(JobState::Open, SettleStep::Unspecified, 0, 0)), format!("open: {labels}"));
        assert_eq!(line(&far(JobState::Gold, SettleStep::AwaitGold, 0, 0)), format!("gold: {labels}; await gold"));
        assert_eq!(line(&far(JobState::Infer, SettleStep::Infer, 2, 9)), format!("infer: {labels}; infer 2/9"));
        assert_eq!(line(&far(JobState::Closed, SettleStep::Close, 0, 0)), format!("closed: {labels}"));
    }

    #[test]
    fn another_state_is_told_at_once_and_more_labels_after_a_while() {
        let open = far(JobState::Open, SettleStep::Unspecified, 0, 0);
        let more = QueryJobProgressResponse { labels_accepted: 5, ..open.clone() };
        assert!(is_news(None, &open));
        let told = Some((open.clone(), Instant::now()));
        assert!(!is_news(told.as_ref(), &open) && !is_news(told.as_ref(), &more));
        assert!(is_news(told.as_ref(), &far(JobState::Revealing, SettleStep::Unspecified, 0, 0)));
        let long_ago = Instant::now().checked_sub(LULL).map(|then| (open.clone(), then));
        assert!(is_news(long_ago.as_ref(), &more) && !is_news(long_ago.as_ref(), &open));
    }

    #[test]
    fn a_summary_shows_money_with_its_denomination_and_the_digest_of_a_settled_job() {
        let price = cairn_proto::cosmos::base::v1beta1::Coin { denom: "ucairn".into(), amount: "5".into() };
        let job = Job { id: 7, price: Some(price), ..Job::default() };
        let mut status = JobStatus::default();
        let shown = summary(&job, &status, &QueryJobProgressResponse::default());
        assert_eq!((shown.pointer("/price of a label").unwrap(), shown.get("settlement")), (&json!("5ucairn"), None));
        status.settlement = Some(Settlement { digest: vec![1, 255], ..Settlement::default() });
        let shown = summary(&job, &status, &QueryJobProgressResponse::default());
        assert_eq!(shown.pointer("/settlement/digest").unwrap(), "01ff");
    }
}
