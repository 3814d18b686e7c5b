//! What `cairnd compute` shows of programs, providers and jobs.
use anyhow::{Context, Result};
use cairn_kernel::Address;
use cairn_proto::{
    cairn::compute::v1::{
        Auction, Class, Job, JobOutcome, JobState, Program, Provider, QueryClassRequest, QueryClassResponse, QueryClassesRequest,
        QueryClassesResponse, QueryJobRequest, QueryJobResponse, QueryJobsRequest, QueryJobsResponse, QueryParamsRequest,
        QueryParamsResponse, QueryProgramRequest, QueryProgramResponse, QueryProgramsRequest, QueryProgramsResponse, QueryProviderRequest,
        QueryProviderResponse, QueryProvidersRequest, QueryProvidersResponse, Trust,
    },
    cosmos::base::{
        query::v1beta1::{PageRequest, PageResponse},
        v1beta1::Coin,
    },
};
use prost::{Message, Name};
use serde_json::{Value, json};

use crate::{
    api::json::Dialect,
    cli::{dispute::word, output::Output, rpc::Rpc},
};

/// All entries of a list, page by page.
pub(super) fn all<T>(mut ask: impl FnMut(Option<PageRequest>) -> Result<(Vec<T>, Option<PageResponse>)>) -> Result<Vec<T>> {
    let (mut found, mut key) = (Vec::new(), Vec::new());
    loop {
        let (entries, page) = ask(Some(PageRequest { key, limit: 500, ..PageRequest::default() }))?;
        found.extend(entries);
        key = page.map(|page| page.next_key).unwrap_or_default();
        if key.is_empty() {
            return Ok(found);
        }
    }
}

/// One thing: for programs all that the chain tells, for people an outline.
fn one<M: Message + Name>(thing: &M, outline: impl FnOnce(&M) -> Value, output: Output) -> Result<()> {
    match output {
        Output::Json => output.value(&Dialect::cairn().encode_bytes(&M::full_name(), &thing.encode_to_vec())?),
        Output::Text => output.value(&outline(thing)),
    }
}

pub(super) fn programs(rpc: &Rpc, output: Output) -> Result<()> {
    let found = all(|pagination| {
        let answer: QueryProgramsResponse = rpc.ask("/cairn.compute.v1.Query/Programs", &QueryProgramsRequest { pagination })?;
        Ok((answer.programs, answer.pagination))
    })?;
    output.table(&["program", "nodes", "multiplications", "model's part", "paid to"], &found.iter().map(program_row).collect::<Vec<_>>())
}

fn program_row(program: &Program) -> Vec<String> {
    vec![hex::encode(&program.id), program.nodes.to_string(), program.macs.to_string(), percent(program.model_bps), paid_to(program)]
}

fn paid_to(program: &Program) -> String {
    if program.asset_id > 0 { format!("asset {}", program.asset_id) } else { program.owner.clone() }
}

pub(super) fn program(rpc: &Rpc, id: &[u8], output: Output) -> Result<()> {
    let request = QueryProgramRequest { program_id: hex::encode(id) };
    let answer: QueryProgramResponse = rpc.ask("/cairn.compute.v1.Query/Program", &request)?;
    one(&answer.program.context("the program is empty")?, program_outline, output)
}

fn program_outline(program: &Program) -> Value {
    json!({
        "program": hex::encode(&program.id),
        "owner": program.owner,
        "paid to": paid_to(program),
        "model's part": percent(program.model_bps),
        "nodes": program.nodes,
        "multiplications of a run": program.macs,
        "bytes of the graph": program.graph.len(),
        "weights' root": hex::encode(&program.weights_root),
        "weights at": program.uri,
    })
}

pub(super) fn providers(rpc: &Rpc, output: Output) -> Result<()> {
    let found = all(|pagination| {
        let answer: QueryProvidersResponse = rpc.ask("/cairn.compute.v1.Query/Providers", &QueryProvidersRequest { pagination })?;
        Ok((answer.providers, answer.pagination))
    })?;
    let rows: Vec<_> = found.iter().map(provider_row).collect();
    output.table(&["provider", "bond", "locked", "paid", "late", "wrong", "leaves"], &rows)
}

fn provider_row(provider: &Provider) -> Vec<String> {
    let leaves = if provider.leaves > 0 { provider.leaves.to_string() } else { String::new() };
    let [paid, late, wrong] = [provider.paid, provider.late, provider.wrong].map(|count| count.to_string());
    vec![provider.account.clone(), money(provider.bond.as_ref()), money(provider.locked.as_ref()), paid, late, wrong, leaves]
}

pub(super) fn provider(rpc: &Rpc, account: &Address, output: Output) -> Result<()> {
    let request = QueryProviderRequest { account: account.to_string() };
    let answer: QueryProviderResponse = rpc.ask("/cairn.compute.v1.Query/Provider", &request)?;
    one(&answer.provider.context("the provider is empty")?, provider_outline, output)
}

fn provider_outline(provider: &Provider) -> Value {
    json!({
        "provider": provider.account,
        "bond": money(provider.bond.as_ref()),
        "locked by running jobs": money(provider.locked.as_ref()),
        "jobs": { "paid": provider.paid, "late": provider.late, "wrong": provider.wrong },
        "leaves": if provider.leaves > 0 { format!("bond returns after block {}", provider.leaves) } else { "no".to_owned() },
    })
}

pub(super) fn jobs(rpc: &Rpc, state: Option<JobState>, output: Output) -> Result<()> {
    let state = i32::from(state.unwrap_or_default());
    let found = all(|pagination| {
        let answer: QueryJobsResponse = rpc.ask("/cairn.compute.v1.Query/Jobs", &QueryJobsRequest { state, pagination })?;
        Ok((answer.jobs, answer.pagination))
    })?;
    let rows: Vec<_> = found.iter().map(job_row).collect();
    output.table(&["job", "state", "until", "price", "runs", "provider", "program"], &rows)
}

fn job_row(job: &Job) -> Vec<String> {
    let state = if job.state() == JobState::Closed { outcome(job) } else { state(job) };
    let until = if job.due > 0 { job.due.to_string() } else { String::new() };
    let program = hex::encode(&job.program_id);
    vec![job.id.to_string(), state, until, money(job.price.as_ref()), job.runs.to_string(), job.provider.clone(), program]
}

pub(super) fn classes(rpc: &Rpc, output: Output) -> Result<()> {
    let found = all(|pagination| {
        let answer: QueryClassesResponse = rpc.ask("/cairn.compute.v1.Query/Classes", &QueryClassesRequest { pagination })?;
        Ok((answer.classes, answer.pagination))
    })?;
    let mut rows = Vec::new();
    for class in &found {
        let request = QueryClassRequest { class_id: class.id };
        let answer: QueryClassResponse = rpc.ask("/cairn.compute.v1.Query/Class", &request)?;
        rows.push(class_row(class, answer.auction.as_ref()));
    }
    output.table(&["class", "name", "giga-MACs/s", "epoch", "last price", "auction"], &rows)
}

fn class_row(class: &Class, auction: Option<&Auction>) -> Vec<String> {
    let last = class.prices.last().map(|price| format!("{price}ucairn")).unwrap_or_default();
    let stands = match auction {
        None if class.closed => "closed".to_owned(),
        None => format!("epoch {} begins with the next offer", class.epoch.saturating_add(1)),
        Some(auction) if auction.cleared => format!("{} trades are being settled", auction.trades),
        Some(auction) => format!("sealed until block {}, opened until block {}", auction.bid_until, auction.open_until),
    };
    vec![class.id.to_string(), class.name.clone(), class.giga_macs.to_string(), class.epoch.to_string(), last, stands]
}

/// The job of a number.
pub(super) fn ask_job(rpc: &Rpc, job_id: u64) -> Result<Job> {
    let answer: QueryJobResponse = rpc.ask("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id })?;
    answer.job.context("the job is empty")
}

pub(super) fn job(rpc: &Rpc, number: u64, output: Output) -> Result<()> {
    one(&ask_job(rpc, number)?, job_outline, output)
}

fn job_outline(job: &Job) -> Value {
    let mut shown = json!({
        "job": job.id,
        "stands": standing(job),
        "requester": job.requester,
        "program": hex::encode(&job.program_id),
        "inputs' root": hex::encode(&job.input_root),
        "inputs at": job.uri,
        "runs": job.runs,
        "price": money(job.price.as_ref()),
    });
    let mut add = |key: &str, value: Value| drop(shown.as_object_mut().map(|map| map.insert(key.to_owned(), value)));
    if !job.provider.is_empty() {
        add("provider", json!(job.provider));
        add("locked of its bond", json!(money(job.locked.as_ref())));
    }
    if !job.failed.is_empty() {
        add("failed by", json!(job.failed));
    }
    if !job.keys.is_empty() {
        add("keys", json!(job.keys.iter().map(hex::encode).collect::<Vec<_>>()));
    }
    add("whom to trust", json!(trusted(job.trust())));
    if !job.trace_root.is_empty() {
        add("root of the result's trace", json!(hex::encode(&job.trace_root)));
    }
    if !job.outputs.is_empty() {
        add("outputs", json!(job.outputs.iter().map(hex::encode).collect::<Vec<_>>()));
    }
    if job.case_id > 0 {
        add("case", json!(job.case_id));
    }
    shown
}

/// On whom it hangs that a result is right.
fn trusted(trust: Trust) -> &'static str {
    match trust {
        Trust::Referee => "one honest watcher: anybody may contest the result, and the chain computes what is in doubt",
        Trust::Ceremony => "one honest party among those who made the key that checks its proofs",
        Trust::SingleParty => "the one party that made the key that checks its proofs",
        Trust::TestKey => "nobody: the key that checks its proofs is from a seed that everybody knows",
        Trust::Majority => "most of the providers that run it",
        Trust::Enclave => "the maker of an enclave's hardware, and whoever allowed its code",
        Trust::Unspecified => "unknown",
    }
}

pub(super) fn params(rpc: &Rpc, output: Output) -> Result<()> {
    let answer: QueryParamsResponse = rpc.ask("/cairn.compute.v1.Query/Params", &QueryParamsRequest {})?;
    let params = answer.params.context("the settings are empty")?;
    output.value(&Dialect::cairn().encode_bytes("cairn.compute.v1.Params", &params.encode_to_vec())?)
}

/// Where a job stands and what comes next, in a line.
pub(super) fn standing(job: &Job) -> String {
    let due = job.due;
    match job.state() {
        JobState::Open if job.redundancy > 0 => {
            format!("open: {} of {} providers have taken it; refunded after block {due} unless all have", job.members.len(), job.redundancy)
        }
        JobState::Open => format!("open: waits for a provider until block {due}, then it is refunded"),
        JobState::Auction => format!("auction: looks for a provider in class {} until block {due}, then it is refunded", job.class_id),
        JobState::Commit => format!("commit: its {} providers seal their roots until block {due}", job.redundancy),
        JobState::Reveal => format!("reveal: its {} providers open their roots until block {due}", job.redundancy),
        JobState::Deliver => format!("deliver: one of those who agree delivers the outputs until block {due}, then they are paid"),
        JobState::Running => format!("running: {} delivers until block {due}, or loses a part of its bond", job.provider),
        JobState::Window => format!("window: the result may be contested until block {due}, then it is paid"),
        JobState::Contested => {
            format!("contested: case {0} decides ('cairnd dispute show {0}'), by block {due} at the latest", job.case_id)
        }
        JobState::Closed => format!("closed: {}", ended(job.outcome())),
        JobState::Unspecified => state(job),
    }
}

fn ended(outcome: JobOutcome) -> &'static str {
    match outcome {
        JobOutcome::Paid => "the result stands and was paid",
        JobOutcome::Wrong => "the result was wrong or not defended; the price went back",
        JobOutcome::Expired => "nobody took it in time; the price went back",
        JobOutcome::Cancelled => "the requester took it back",
        JobOutcome::Poison => "as many providers as may failed to deliver; the price went back",
        JobOutcome::NoMajority => "no result had most of its providers; the price went back",
        JobOutcome::Unspecified => "nobody knows how",
    }
}

fn state(job: &Job) -> String {
    word(job.state().as_str_name(), "JOB_STATE_")
}

fn outcome(job: &Job) -> String {
    word(job.outcome().as_str_name(), "JOB_OUTCOME_")
}

fn money(coin: Option<&Coin>) -> String {
    coin.map(|coin| format!("{}{}", coin.amount, coin.denom)).unwrap_or_default()
}

/// Basis points as people read them.
fn percent(bps: u32) -> String {
    let (whole, part) = (bps / 100, bps % 100);
    if part == 0 { format!("{whole} %") } else { format!("{whole}.{part:02} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coin(amount: &str) -> Option<Coin> {
        Some(Coin { denom: "ucairn".into(), amount: amount.into() })
    }

    #[test]
    fn a_line_says_where_a_job_stands_and_what_comes_next() {
        let mut job = Job { id: 4, due: 90, provider: "cairn1p".into(), case_id: 6, ..Job::default() };
        let cases = [
            (JobState::Open, "open: waits for a provider until block 90, then it is refunded"),
            (JobState::Commit, "commit: its 0 providers seal their roots until block 90"),
            (JobState::Deliver, "deliver: one of those who agree delivers the outputs until block 90, then they are paid"),
            (JobState::Auction, "auction: looks for a provider in class 0 until block 90, then it is refunded"),
            (JobState::Running, "running: cairn1p delivers until block 90, or loses a part of its bond"),
            (JobState::Window, "window: the result may be contested until block 90, then it is paid"),
            (JobState::Contested, "contested: case 6 decides ('cairnd dispute show 6'), by block 90 at the latest"),
            (JobState::Closed, "closed: nobody knows how"),
        ];
        for (state, line) in cases {
            job.set_state(state);
            assert_eq!(standing(&job), line);
        }
        job.set_outcome(JobOutcome::Poison);
        assert_eq!(standing(&job), "closed: as many providers as may failed to deliver; the price went back");
    }

    #[test]
    fn rows_show_open_jobs_by_state_and_closed_ones_by_outcome() {
        let mut job = Job { id: 4, due: 90, runs: 2, price: coin("5"), program_id: vec![1, 255], ..Job::default() };
        job.set_state(JobState::Open);
        assert_eq!(job_row(&job), ["4", "open", "90", "5ucairn", "2", "", "01ff"]);
        (job.due, job.provider) = (0, "cairn1p".into());
        job.set_state(JobState::Closed);
        job.set_outcome(JobOutcome::Paid);
        assert_eq!(job_row(&job), ["4", "paid", "", "5ucairn", "2", "cairn1p", "01ff"]);
    }

    #[test]
    fn an_outline_tells_the_result_only_where_there_is_one_and_always_whom_to_trust() {
        let mut job = Job { id: 4, ..Job::default() };
        let bare = job_outline(&job);
        assert!(bare.get("provider").is_none() && bare.get("outputs").is_none() && bare.get("case").is_none());
        assert_eq!(bare["whom to trust"], "unknown");
        (job.provider, job.trace_root, job.outputs, job.case_id) = ("cairn1p".into(), vec![7; 32], vec![vec![1, 2]], 3);
        let full = job_outline(&job);
        assert_eq!((&full["outputs"][0], &full["case"]), (&json!("0102"), &json!(3)));
        job.keys = vec![vec![9]];
        job.set_trust(Trust::TestKey);
        let proven = job_outline(&job);
        assert!(proven["keys"] == json!(["09"]) && proven["whom to trust"].as_str().unwrap().starts_with("nobody"));
    }

    #[test]
    fn programs_and_providers_have_rows() {
        let program = Program { id: vec![9], owner: "cairn1o".into(), model_bps: 2_505, macs: 7, nodes: 3, ..Program::default() };
        assert_eq!(program_row(&program), ["09", "3", "7", "25.05 %", "cairn1o"]);
        assert_eq!(paid_to(&Program { asset_id: 8, ..program }), "asset 8");
        let provider = Provider { account: "cairn1p".into(), bond: coin("9"), locked: coin("0"), paid: 2, ..Provider::default() };
        assert_eq!(provider_row(&provider), ["cairn1p", "9ucairn", "0ucairn", "2", "0", "0", ""]);
        assert_eq!(percent(2_500), "25 %");
    }

    #[test]
    fn classes_tell_what_their_auction_takes_until_when() {
        let class =
            Class { id: 2, name: "laptops".into(), giga_macs: 9, epoch: 3, prices: vec!["5".into(), "7".into()], ..Class::default() };
        assert_eq!(class_row(&class, None), ["2", "laptops", "9", "3", "7ucairn", "epoch 4 begins with the next offer"]);
        let mut auction = Auction { bid_until: 20, open_until: 30, trades: 4, ..Auction::default() };
        assert_eq!(class_row(&class, Some(&auction))[5], "sealed until block 20, opened until block 30");
        auction.cleared = true;
        assert_eq!(class_row(&class, Some(&auction))[5], "4 trades are being settled");
        assert_eq!(class_row(&Class { closed: true, ..class }, None)[5], "closed");
    }

    #[test]
    fn lists_are_read_to_their_last_page() {
        let mut asked = Vec::new();
        let found = all(|page| {
            let key = page.unwrap().key;
            asked.push(key.clone());
            let next_key = if asked.len() < 3 { vec![u8::try_from(asked.len()).unwrap()] } else { vec![] };
            Ok((vec![asked.len()], Some(PageResponse { next_key, total: 0 })))
        });
        assert_eq!(found.unwrap(), [1, 2, 3]);
        assert_eq!(asked, [vec![], vec![1], vec![2]]);
    }
}
