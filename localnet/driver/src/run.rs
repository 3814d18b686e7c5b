//! The main job from posting to withdrawn income, told as it happens.
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use cairn_kernel::BASE_DENOM;
use cairn_proto::{
    cairn::annotation::v1::{
        Job, JobState, MsgWithdrawEarnings, QueryEarningsRequest, QueryEarningsResponse, QueryJobRequest, QueryJobResponse,
        QueryWorkersRequest, QueryWorkersResponse, Worker,
    },
    cosmos::base::query::v1beta1::PageRequest,
};
use clap::Args;
use sha2::{Digest, Sha256};
use tokio::{process::Command, sync::watch, task::JoinSet, time::sleep};

use crate::{
    accounts::{self, Account},
    annotator::{Annotator, Tick, Truths},
    chain::{Chain, Signer},
    compute,
    crew::{Member, crew},
    gateway::Gateway,
    ledger, license,
    report::{self, ExportedLabel, ExportedTask, Report},
    skill::Sheet,
};

/// The passphrase of the client home of a local network. Its accounts hold play money.
pub const PASSPHRASE: &str = "cairn-local";

/// Run the main job: post, label, settle, license, withdraw; print the closing table.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// RPC of a node; several are tried in turn.
    #[arg(long = "node", required = true)]
    pub nodes: Vec<String>,
    /// The gateway.
    #[arg(long)]
    pub gateway: String,
    /// The accounts of the run.
    #[arg(long)]
    pub accounts: PathBuf,
    /// The folder that 'cairn-driver digits' wrote.
    #[arg(long)]
    pub job: PathBuf,
    /// The requester's home, whose keyring holds the keys 'requester' and, for the calls of the model, 'buyer'.
    #[arg(long)]
    pub home: PathBuf,
    /// Where openings and the report are kept.
    #[arg(long)]
    pub out: PathBuf,
    /// The program 'cairnd'.
    #[arg(long, default_value = "cairnd")]
    pub cairnd: PathBuf,
    /// The program 'cairn-agent': then the main job goes on with a model; without it, it ends with the withdrawals.
    #[arg(long)]
    pub agent: Option<PathBuf>,
    /// Where the agent that sells calls serves its metrics.
    #[arg(long, value_name = "ADDR", requires = "agent")]
    pub agent_metrics: Option<SocketAddr>,
    /// Go on with this job instead of posting one.
    #[arg(long)]
    pub resume: Option<u64>,
    /// The annotators err by tables drawn with this seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl RunArgs {
    /// Runs the command; fails if a check of the closing table does.
    pub async fn run(self) -> Result<()> {
        let report = main_job(&self).await?;
        print!("{}", report.table());
        let failed = report.checks.iter().filter(|(_, held)| !held).count();
        if failed > 0 {
            bail!("{failed} checks failed");
        }
        Ok(())
    }
    /// Runs `cairnd` for the requester and returns what it prints; what it tells on the way and its errors are shown as they come.
    pub(crate) async fn cairnd(&self, args: &[&str]) -> Result<String> {
        let node = self.nodes.first().context("no node is named")?;
        let mut command = Command::new(&self.cairnd);
        command.args(args).arg("--home").arg(&self.home).args(["--node", node]).env("CAIRN_PASSPHRASE", PASSPHRASE);
        // `output` would swallow the errors.
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let out = child.with_context(|| format!("cannot run {}", self.cairnd.display()))?.wait_with_output().await?;
        if !out.status.success() {
            bail!("'cairnd {}' failed", args.join(" "));
        }
        Ok(String::from_utf8(out.stdout)?)
    }
}

pub(crate) fn say(text: impl std::fmt::Display) {
    println!("\n== {text}");
}

/// Runs the main job and returns what came out. The report is also written to `report.json`.
pub async fn main_job(args: &RunArgs) -> Result<Report> {
    std::fs::create_dir_all(&args.out)?;
    let chain = Chain::connect(&args.nodes).await?;
    let accounts = accounts::load(&args.accounts)?;
    let before = ledger::read(&chain).await?;
    say(format_args!("chain {} at height {}; supply {}", chain.id(), before.height, ledger::show(&before.supply)));

    let number = match args.resume {
        Some(job) => job,
        None => {
            say("the requester posts a job: items hashed and uploaded, gold committed, escrow paid");
            post(args).await?
        }
    };
    let job = Arc::new(job(&chain, number).await?.0);
    say(format_args!("job {number}: {} tasks, {} labels each; fourteen annotators go to work", job.tasks, job.overlap_max));
    let truths = report::truths(&args.job.join("truth.csv"))?;
    label(args, &chain, &accounts, &job, &known(&args.job.join("items"), &truths)?).await?;

    let (_, status) = self::job(&chain, number).await?;
    say(format_args!("job {number} is settled: data set asset {}, digest {}", status.asset_id, digest(&status)));
    say("everybody withdraws: pay and bonds of the annotators");
    withdraw_earnings(&chain, &accounts).await?;
    let income = license::sell(&chain, &accounts, status.asset_id).await?;
    say(format_args!("the result may be appealed until height {}; then the job closes and refunds its requester", status.appeal_deadline));
    closed(&chain, number).await?;
    withdraw_earnings(&chain, &accounts).await?;

    let mut report = closing(args, &chain, &job, status.asset_id, &truths).await?;
    report.checks = report.judged();
    report.checks.push(income);
    if let Some(agent) = &args.agent {
        let (items, asset) = (args.job.join("items"), status.asset_id);
        let place = compute::Place { args, agent, items: &items, out: &args.out, asset, truths: &truths };
        report.checks.extend(compute::go_on(&place, &chain, &accounts).await?);
    }
    report.checks.extend(books(&chain, &before).await?);
    std::fs::write(args.out.join("report.json"), serde_json::to_vec_pretty(&report)?)?;
    Ok(report)
}

async fn post(args: &RunArgs) -> Result<u64> {
    let (description, items) = (args.job.join("job.toml"), args.job.join("items"));
    let paths = [description.to_str().context("a path is not UTF-8")?, items.to_str().context("a path is not UTF-8")?];
    let command = ["job", "post", paths[0], paths[1], "--gateway", &args.gateway, "--from", "requester", "--yes", "--output", "json"];
    let posted: serde_json::Value = serde_json::from_str(&args.cairnd(&command).await?)?;
    posted.get("job").and_then(serde_json::Value::as_u64).context("'cairnd job post' names no job")
}

/// A job and where it stands.
pub async fn job(chain: &Chain, number: u64) -> Result<(Job, cairn_proto::cairn::annotation::v1::JobStatus)> {
    let answer: QueryJobResponse = chain.query("/cairn.annotation.v1.Query/Job", &QueryJobRequest { job: number }).await?;
    Ok((answer.job.context("the job is empty")?, answer.status.context("the job has no status")?))
}

fn digest(status: &cairn_proto::cairn::annotation::v1::JobStatus) -> String {
    status.settlement.as_ref().map(|s| hex::encode(&s.digest)).unwrap_or_default()
}

/// Items by the hash of their content: what the annotators' hands know.
fn known(folder: &Path, truths: &BTreeMap<String, String>) -> Result<Truths> {
    let mut out = BTreeMap::new();
    for (number, (name, class)) in (0_u64..).zip(truths) {
        let content = std::fs::read(folder.join(name)).with_context(|| format!("cannot read item {name}"))?;
        out.insert(Sha256::digest(content).into(), (number, class.parse::<u16>()?));
    }
    Ok(Arc::new(out))
}

/// Lets the crew work until the result is published; the requester's own program watches it and opens the gold.
async fn label(args: &RunArgs, chain: &Chain, accounts: &[Account], job: &Arc<Job>, truths: &Truths) -> Result<()> {
    let first = tick(chain, job.id).await?;
    let (send, receive) = watch::channel(first);
    let mut crew_at_work = JoinSet::new();
    for (number, member) in (0_u64..).zip(crew()) {
        let worker = annotator(args, chain, accounts, job, truths, number, &member).await?;
        crew_at_work.spawn(worker.work(receive.clone()));
    }
    drop(receive);
    let mut attempts: usize = 0;
    let mut watcher = watcher(args, job.id, attempts)?;
    loop {
        sleep(Duration::from_millis(300)).await;
        if let Some(status) = watcher.try_wait()? {
            // Its node was killed, perhaps: the gold must be opened in time, so it is started again and asks the next one.
            eprintln!("  the requester's watch ended with {status}; starting it again");
            sleep(Duration::from_secs(1)).await;
            attempts = attempts.saturating_add(1);
            watcher = self::watcher(args, job.id, attempts)?;
        }
        if let Ok(now) = tick(chain, job.id).await {
            send.send_if_modified(|old| std::mem::replace(old, now) != now);
            if matches!(now.state, JobState::Appeal | JobState::Closed | JobState::Cancelled) {
                break; // the watch would go on until the refund, for which the run does not wait yet
            }
            if now.state == JobState::Quarantine {
                bail!("job {} is in quarantine: see 'cairnd job status {}'", job.id, job.id);
            }
        }
    }
    drop(send);
    while let Some(ended) = crew_at_work.join_next().await {
        ended??;
    }
    Ok(())
}

async fn tick(chain: &Chain, number: u64) -> Result<Tick> {
    Ok(Tick { height: chain.height().await?, state: job(chain, number).await?.1.state() })
}

fn watcher(args: &RunArgs, job: u64, attempt: usize) -> Result<tokio::process::Child> {
    let node = args.nodes.iter().cycle().nth(attempt).context("no node is named")?;
    let mut command = Command::new(&args.cairnd);
    command.args(["job", "watch", &job.to_string(), "--from", "requester", "--node", node]).arg("--home").arg(&args.home);
    Ok(command.env("CAIRN_PASSPHRASE", PASSPHRASE).stdin(Stdio::null()).kill_on_drop(true).spawn()?)
}

async fn annotator(
    args: &RunArgs,
    chain: &Chain,
    accounts: &[Account],
    job: &Arc<Job>,
    truths: &Truths,
    number: u64,
    member: &Member,
) -> Result<Annotator> {
    let key = accounts::named(accounts, &member.name)?.key()?;
    let signer = Signer::new(chain.clone(), key)?;
    let (url, address, key) = (args.gateway.clone(), signer.address().to_owned(), accounts::named(accounts, &member.name)?.key()?);
    let gateway = tokio::task::spawn_blocking(move || Gateway::sign_in(&url, &address, key)).await??;
    let classes = u16::try_from(job.classes.len())?;
    let sheet = Sheet::new(member.habit, classes, args.seed, number);
    let journal = args.out.join(format!("openings-{}-{}.json", job.id, member.name));
    Annotator::new(member.name.clone(), chain.clone(), signer, gateway, Arc::clone(job), sheet, Arc::clone(truths), journal)
}

/// Waits until the job's escrow is empty.
async fn closed(chain: &Chain, number: u64) -> Result<()> {
    // A node that was killed answers again, or another one does.
    while !tick(chain, number).await.is_ok_and(|t| matches!(t.state, JobState::Closed | JobState::Cancelled)) {
        sleep(Duration::from_millis(300)).await;
    }
    Ok(())
}

/// Everybody takes what is due.
async fn withdraw_earnings(chain: &Chain, accounts: &[Account]) -> Result<()> {
    for account in accounts {
        let request = QueryEarningsRequest { account: account.address.clone() };
        let earnings: QueryEarningsResponse = chain.query("/cairn.annotation.v1.Query/Earnings", &request).await?;
        if earnings.claimable.is_empty() {
            continue;
        }
        let before = ledger::balance(chain, &account.address, BASE_DENOM).await?;
        let signer = Signer::new(chain.clone(), account.key()?)?;
        signer.send(&MsgWithdrawEarnings { account: account.address.clone(), ..MsgWithdrawEarnings::default() }).await?;
        let after = ledger::balance(chain, &account.address, BASE_DENOM).await?;
        println!("  {:<10} {before:>14} -> {after:>14} ucairn", account.name);
    }
    Ok(())
}

/// The closing table from the exported result, as its requester would read it.
async fn closing(args: &RunArgs, chain: &Chain, job: &Job, asset: u64, truths: &BTreeMap<String, String>) -> Result<Report> {
    let text = args.cairnd(&["job", "export", &job.id.to_string(), "--format", "jsonl"]).await?;
    std::fs::write(args.out.join("labels.jsonl"), &text)?;
    let tasks = text.lines().map(serde_json::from_str).collect::<Result<Vec<ExportedTask>, _>>()?;
    let text = args.cairnd(&["job", "export", &job.id.to_string(), "--format", "labels"]).await?;
    let labels = csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<Vec<ExportedLabel>, _>>()?;
    let pagination = Some(PageRequest { limit: 1_000, ..PageRequest::default() });
    let workers: QueryWorkersResponse =
        chain.query("/cairn.annotation.v1.Query/Workers", &QueryWorkersRequest { job: job.id, pagination }).await?;
    let accounts = accounts::load(&args.accounts)?;
    let mut crew_at_work: Vec<(Member, Worker)> = Vec::new();
    for member in crew() {
        let address = &accounts::named(&accounts, &member.name)?.address;
        if let Some(worker) = workers.workers.iter().find(|w| w.annotator == *address) {
            crew_at_work.push((member, worker.clone()));
        }
    }
    let (inferred_right, majority_right) = report::accuracy(&tasks, truths, &job.classes);
    let rows = report::rows(&crew_at_work, (&tasks, &labels), truths, &job.classes)?;
    Ok(Report { job: job.id, asset, tasks: tasks.len(), inferred_right, majority_right, rows, checks: vec![] })
}

/// Whether supply and balances add up to the unit.
async fn books(chain: &Chain, before: &ledger::Books) -> Result<Vec<(String, bool)>> {
    let after = ledger::read(chain).await?;
    let moved = ledger::movement(chain, before.height, after.height).await?;
    let faults = ledger::unexplained(&before.supply, &after.supply, &moved);
    faults.iter().for_each(|f| eprintln!("  {f}"));
    let mut checks = vec![(
        format!(
            "supply changed only by mint and burn events (minted {}, burnt {})",
            ledger::show(&moved.minted),
            ledger::show(&moved.burnt)
        ),
        faults.is_empty(),
    )];
    for (denom, supply) in &after.supply {
        let held = ledger::held(chain, denom, after.height).await?;
        checks.push((format!("all balances of {denom} add up to its supply ({held})"), held == *supply));
    }
    Ok(checks)
}
