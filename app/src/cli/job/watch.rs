//! `cairnd job status` and `cairnd job watch`: how far a job is, and the requester's duties done in time.
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use cairn_proto::cairn::annotation::v1::{
    Job, JobState, JobStatus, QueryJobProgressRequest, QueryJobProgressResponse, QueryJobRequest, QueryJobResponse, SettleStep, Settlement,
};
use serde_json::{Value, json};

use super::duties::Duties;
use crate::{
    api::json::Dialect,
    cli::{home::Home, keyring::AccountKey, output::Output, rpc::Rpc, sign::TxOptions},
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
    if let Some(stage) = job.stage {
        add("verifies the drafts of job", json!(stage.parent));
    }
    if status.stage > 0 {
        add("drafts", json!(status.drafts));
        add("verified in job", json!(status.stage));
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

/// Follows a job. Without a key until its result is published; with the key of its requester, and its name, to its end, and what the
/// requester has to do meanwhile is done in time.
pub(crate) fn watch(rpc: &Rpc, home: &Home, number: u64, key: Option<&(AccountKey, String)>) -> Result<()> {
    let (posted, _) = job(rpc, number)?; // a node that is not there is told at once
    let mut duties = key.map(|(key, name)| Duties::new(rpc, home, (key, name), TxOptions::default(), &posted)).transpose()?;
    let rpc = &rpc.patient();
    let (mut followed, mut stage) = (Followed::default(), None::<(u64, Followed)>);
    loop {
        let now = progress(rpc, number)?;
        followed.tell(rpc, "", &now)?;
        match (now.state(), &mut duties) {
            (JobState::Closed | JobState::Cancelled, _) | (JobState::Appeal, None) => return end(rpc, number, duties.as_ref()),
            (JobState::Gold, Some(duties)) => duties.open(rpc, &posted)?,
            (JobState::Verifying, duties) => {
                let (_, status) = job(rpc, number)?;
                if status.stage > 0 {
                    let (stage, followed) = stage.get_or_insert_with(|| (status.stage, Followed::default()));
                    followed.tell(rpc, &format!("job {stage}, which verifies: "), &progress(rpc, *stage)?)?;
                }
                if let Some(duties) = duties {
                    duties.verify(rpc, &posted, &status)?;
                }
            }
            _ => {}
        }
        sleep(Duration::from_secs(1));
    }
}

/// What was told last, and when.
#[derive(Default)]
struct Followed(Option<(QueryJobProgressResponse, Instant)>);

impl Followed {
    /// Tells of a job where there is news.
    fn tell(&mut self, rpc: &Rpc, who: &str, now: &QueryJobProgressResponse) -> Result<()> {
        if is_news(self.0.as_ref(), now) {
            println!("{:>6}  {who}{}", rpc.height()?, line(now));
            self.0 = Some((now.clone(), Instant::now()));
        }
        Ok(())
    }
}

/// Another state or step at once, other numbers after a while.
fn is_news(last: Option<&(QueryJobProgressResponse, Instant)>, now: &QueryJobProgressResponse) -> bool {
    last.is_none_or(|(before, told)| {
        (before.state, before.step) != (now.state, now.step) || (line(before) != line(now) && told.elapsed() >= LULL)
    })
}

fn end(rpc: &Rpc, number: u64, duties: Option<&Duties<'_>>) -> Result<()> {
    let (_, status) = job(rpc, number)?;
    if status.asset_id > 0 {
        println!("published as data set asset {}", status.asset_id);
    }
    if status.state() == JobState::Appeal {
        println!("annotators may appeal until block {}; what is left of the escrow comes back after that", status.appeal_deadline);
    }
    if let Some(duties) = duties {
        duties.withdraw(rpc)?;
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
