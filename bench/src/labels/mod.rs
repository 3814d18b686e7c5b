//! Labels a second through the whole path of a job (claim, commit, reveal) on one validator, and block times while it settles.
mod crew;
mod post;

use std::{
    collections::BTreeMap,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use cairn_annotation::formats;
use clap::Args;
use serde::Serialize;

use crate::{
    account::{Account, accounts, in_parallel},
    machine::Clock,
    peer::{Cairn, Peer, Programs, Running, free_ports},
    rpc::{Done, Header, Rpc, broadcast, refusals},
    send::Signer,
    stats::percentile,
    throughput::Plan,
};
use crew::Crew;
use post::Posted;

/// Between two looks at the newest height.
const LOOK: Duration = Duration::from_millis(10);
/// How long a chain may be without a new block.
const PATIENCE: Duration = Duration::from_secs(60);
/// Blocks left out at either end of the measured span, in which the crew begins and its last leases end.
const EDGE: usize = 10;

/// The job and its crew.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct LabelsPlan {
    /// Tasks of the job.
    #[arg(long, default_value_t = 200_000)]
    pub(crate) label_tasks: u32,
    /// Labels of each task.
    #[arg(long, default_value_t = 5)]
    pub(crate) label_overlap: u32,
    /// Classes of each task.
    #[arg(long, default_value_t = 10)]
    pub(crate) label_classes: u16,
    /// Annotators at work at once, each with an account of its own.
    #[arg(long, default_value_t = 1_500)]
    pub(crate) annotators: usize,
    /// Empty blocks that are measured first, to compare those with that settle the job.
    #[arg(long, default_value_t = 100)]
    pub(crate) idle_blocks: usize,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Labels {
    pub(crate) plan: LabelsPlan,
    /// The node with its versions.
    pub(crate) node: String,
    /// Labels revealed and accepted in the measured blocks, a second.
    pub(crate) per_second: f64,
    /// All of the job's labels, and the seconds from its post to its last reveal.
    pub(crate) labels: u64,
    pub(crate) seconds: f64,
    /// Transactions a second in the measured blocks.
    pub(crate) txs_per_second: f64,
    /// Transactions that failed, with the first one's reason.
    pub(crate) failed: u64,
    pub(crate) failure: Option<String>,
    /// Cores in use while labels came in, by process.
    pub(crate) cores: BTreeMap<&'static str, f64>,
    /// Seconds from one block to the next: empty ones, those full of labels, those that settled the job.
    pub(crate) idle: Intervals,
    pub(crate) working: Intervals,
    pub(crate) settling: Intervals,
    /// Blocks from the last reveal to the closed job.
    pub(crate) settled_in: u64,
}

/// Seconds between blocks.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Intervals {
    pub(crate) blocks: usize,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// Measures one job on a new chain in a folder below `work`.
pub(crate) fn measure(plan: &LabelsPlan, shared: &Plan, programs: &Programs, work: &Path) -> Result<Labels> {
    let cairn = Cairn::new(programs)?;
    let (home, port) = (work.join("labels"), free_ports()?);
    let accounts = accounts(plan.annotators + 1)?;
    cairn.create(&home, port, &accounts, shared)?;
    let mut bench = Bench::start(&cairn, &home, port, &accounts)?;

    eprintln!("{} empty blocks", plan.idle_blocks);
    let from = bench.height;
    bench.until(|bench, _| Ok((bench.height - from) as usize >= plan.idle_blocks))?;
    let idle = bench.intervals(from, bench.height)?;

    let mut posted = Posted::new(plan, bench.signer.format())?;
    bench.hand_in(vec![posted.post(0, &accounts)?])?;
    let mut crew = Crew::new(plan, &accounts, bench.signer.format())?;
    bench.until(|_, done| posted.find(done))?;
    crew.job = posted.job;
    let (begun, before) = (bench.height, bench.clock()?);
    bench.hand_in(crew.begin()?)?;
    let mut by_height = BTreeMap::new();
    bench.until(|bench, done| {
        let labels = crew.labels;
        let drafts = crew.follow(done)?;
        by_height.insert(bench.height, (crew.labels - labels, done.succeeded));
        if bench.height % 50 == 0 {
            eprintln!("height {}: {} of {} labels", bench.height, crew.labels, plan.all());
        }
        bench.hand_in(drafts)?;
        posted.is_gold(done)
    })?;
    let (revealed, cores) = (bench.height, before.until(&bench.clock()?));
    let seconds = bench.seconds(begun, revealed)?;

    bench.hand_in(posted.open()?)?;
    bench.until(|_, done| posted.is_closed(done))?;
    let settling = bench.intervals(revealed, bench.height)?;
    eprintln!("settled in {} blocks; p99 of block time {:.2} s, of empty blocks {:.2} s", bench.height - revealed, settling.p99, idle.p99);

    let inner: Vec<(u64, (u64, u64))> = by_height.into_iter().collect();
    let inner = inner.get(EDGE..inner.len().saturating_sub(EDGE)).filter(|i| i.len() > 1).context("the job is too small to measure")?;
    let (first, last) = inner.first().zip(inner.last()).context("nothing was measured")?;
    let span = bench.seconds(first.0, last.0)?;
    // What a block holds was decided in the span that ends with the next one's header.
    let sum = |f: &dyn Fn(&(u64, u64)) -> u64| inner.iter().rev().skip(1).map(|(_, counts)| f(counts)).sum::<u64>() as f64;
    let labels = Labels {
        plan: plan.clone(),
        node: cairn.label()?,
        per_second: sum(&|c| c.0) / span,
        labels: crew.labels,
        seconds,
        txs_per_second: sum(&|c| c.1) / span,
        failed: bench.failed,
        failure: bench.failure.clone(),
        cores: bench
            .node
            .processes
            .iter()
            .map(|p| p.name)
            .zip(cores.measured)
            .chain([("load", cores.own), ("others", cores.others)])
            .collect(),
        idle,
        working: bench.intervals(first.0, last.0)?,
        settling,
        settled_in: bench.height - revealed,
    };
    bench.node.stop()?;
    std::fs::remove_dir_all(home)?;
    Ok(labels)
}

impl LabelsPlan {
    /// Labels of the whole job.
    fn all(&self) -> u64 {
        u64::from(self.label_tasks) * u64::from(self.label_overlap)
    }
    fn buckets(&self) -> Result<formats::Buckets> {
        formats::Buckets::new(self.label_tasks, post::BUCKET).context("a job needs tasks")
    }
}

/// A message of an account, to be signed.
struct Draft {
    account: usize,
    message: cairn_proto::Any,
    gas: u64,
}

/// The chain under load.
struct Bench<'a> {
    node: Running,
    rpc: Rpc,
    signer: Signer,
    accounts: &'a [Account],
    numbers: Vec<u64>,
    sequences: Vec<u64>,
    /// The newest height that was looked at.
    height: u64,
    failed: u64,
    failure: Option<String>,
}

impl<'a> Bench<'a> {
    fn start(cairn: &Cairn, home: &Path, port: u16, accounts: &'a [Account]) -> Result<Self> {
        let node = Running::start(cairn, home, port)?;
        let rpc = Rpc::new(&node.url);
        let signer = Signer::new(cairn.format().context("sends have no format")?);
        let addresses = accounts.iter().map(|a| a.text(signer.prefix())).collect::<Result<Vec<_>>>()?;
        let (numbers, height) = (rpc.account_numbers(&addresses)?, rpc.committed()?);
        Ok(Self { node, rpc, signer, accounts, numbers, sequences: vec![0; accounts.len()], height, failed: 0, failure: None })
    }

    fn clock(&self) -> Result<Clock> {
        Clock::now(self.node.cpu()?)
    }

    /// Follows the chain block by block until `enough`.
    fn until(&mut self, mut enough: impl FnMut(&mut Self, &Done) -> Result<bool>) -> Result<()> {
        let mut moved = Instant::now();
        loop {
            let newest = self.rpc.committed()?;
            if newest <= self.height {
                self.node.check()?;
                ensure!(moved.elapsed() < PATIENCE, "no new block for {} s at height {newest}", PATIENCE.as_secs());
                thread::sleep(LOOK);
                continue;
            }
            moved = Instant::now();
            self.height += 1;
            let done = self.rpc.done(self.height)?;
            self.failed += u64::try_from(done.failed.len())?;
            if let Some((code, log)) = done.failed.first() {
                self.failure.get_or_insert_with(|| format!("code {code}: {log}"));
            }
            if enough(self, &done)? {
                return Ok(());
            }
        }
    }

    /// Signs and hands in, each account's in their order.
    fn hand_in(&mut self, drafts: Vec<Draft>) -> Result<()> {
        let mut numbered = Vec::with_capacity(drafts.len());
        for Draft { account, message, gas } in drafts {
            let next = self.sequences.get_mut(account).context("there is no such account")?;
            numbered.push((account, message, gas, *next));
            *next += 1;
        }
        let txs = in_parallel(numbered.len(), |n| {
            let (account, message, gas, sequence) = numbered.get(n).context("there is no such draft")?;
            let (from, number) = self.accounts.get(*account).zip(self.numbers.get(*account)).context("there is no such account")?;
            Ok(self.signer.sign(from, *number, *sequence, vec![message.clone()], *gas))
        })?;
        for batch in txs.chunks(100) {
            if let (_, Some(reason)) = refusals(&self.rpc.post(&broadcast(batch.iter().map(Vec::as_slice), "async"))?)? {
                bail!("the node refused a transaction: {reason}");
            }
        }
        Ok(())
    }

    /// Seconds between the headers of two heights.
    fn seconds(&self, from: u64, to: u64) -> Result<f64> {
        let time = |height| -> Result<_> { Ok(self.rpc.headers(height, height)?.first().context("the node lacks a header")?.time) };
        Ok(time(to)?.duration_since(time(from)?)?.as_secs_f64())
    }

    fn intervals(&self, from: u64, to: u64) -> Result<Intervals> {
        let headers = self.rpc.headers(from, to)?;
        let between = |pair: &[Header]| match pair {
            [a, b] => b.time.duration_since(a.time).ok().map(|d| d.as_secs_f64()),
            _ => None,
        };
        let seconds: Vec<f64> = headers.windows(2).filter_map(between).collect();
        let at = |percent| percentile(&seconds, percent).unwrap_or_default();
        Ok(Intervals { blocks: seconds.len(), p50: at(50), p99: at(99), max: at(100) })
    }
}
