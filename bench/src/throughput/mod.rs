//! Committed sends per second of each node, taken in turns under the same load.
mod load;
mod window;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::{
    account::{Account, accounts, in_parallel},
    machine::load_average,
    peer::{Kind, Peer, Programs, Running, free_ports, peer},
    process::output,
    rpc::Rpc,
    send::Signer,
};
use load::Load;

/// How CometBFT indexes transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Indexer {
    /// By hash and events, in its own database: what CometBFT and the SDK start with.
    Kv,
    /// Not at all.
    Null,
}

impl Indexer {
    /// As `config.toml` has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Null => "null",
        }
    }
}

/// How a batch of transactions is handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// The node answers before it has checked the transaction.
    Async,
    /// The node answers with what the check said.
    Sync,
}

impl Mode {
    /// The end of the method's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Async => "async",
            Self::Sync => "sync",
        }
    }
}

/// The load, and the settings that all nodes share.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Plan {
    /// Funded accounts; each sends to the next one, in turns.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) accounts: usize,
    /// Transactions that are signed before the load begins.
    #[arg(long, default_value_t = 300_000)]
    pub(crate) txs: usize,
    /// Connections that hand them in.
    #[arg(long, default_value_t = 4)]
    pub(crate) connections: usize,
    /// Transactions in a request.
    #[arg(long, default_value_t = 100)]
    pub(crate) batch: usize,
    /// How they are handed in.
    #[arg(long, value_enum, default_value_t = Mode::Async)]
    pub(crate) mode: Mode,
    /// The load waits while more transactions than this are in the mempool.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) backlog: u64,
    /// Seconds under load before measuring begins.
    #[arg(long, default_value_t = 5)]
    pub(crate) warm_up: u64,
    /// Seconds that are measured at the least.
    #[arg(long, default_value_t = 15)]
    pub(crate) seconds: u64,
    /// Blocks that are measured at the least.
    #[arg(long, default_value_t = 5)]
    pub(crate) blocks: u64,
    /// Times that each node is measured, each time from a new chain.
    #[arg(long, default_value_t = 5)]
    pub(crate) repetitions: usize,
    /// CometBFT's pause after a commit, in milliseconds.
    #[arg(long, default_value_t = 500)]
    pub(crate) timeout_commit_ms: u64,
    /// Bytes that a block may hold.
    #[arg(long, default_value_t = 4 << 20)]
    pub(crate) max_block_bytes: u64,
    /// Transactions that the mempool may hold.
    #[arg(long, default_value_t = 50_000)]
    pub(crate) mempool: usize,
    /// CometBFT's index of transactions.
    #[arg(long, value_enum, default_value_t = Indexer::Kv)]
    pub(crate) indexer: Indexer,
}

/// One measurement of one node.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Run {
    /// Which repetition, from 1.
    pub(crate) repetition: usize,
    /// Committed transactions with code 0 a second.
    pub(crate) per_second: f64,
    /// Committed transactions with code 0 in the measured blocks.
    pub(crate) committed: u64,
    /// Those with another code.
    pub(crate) failed: u64,
    /// Measured blocks.
    pub(crate) blocks: u64,
    /// Seconds that they took, by their headers.
    pub(crate) seconds: f64,
    /// Transactions in the mempool, on average: near 0 the load may have been the limit, not the node.
    pub(crate) waiting: f64,
    /// Transactions that the node would not take, and why the first of them.
    pub(crate) refused: u64,
    pub(crate) refusal: Option<String>,
    /// By process: cores in use, and CPU for a committed transaction.
    pub(crate) processes: BTreeMap<&'static str, Cost>,
    /// Cores that other programs used meanwhile.
    pub(crate) others_cores: f64,
    /// Load average before the load began.
    pub(crate) load_average: f64,
}

/// What a process costs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cost {
    /// Seconds of CPU in the measured time.
    pub(crate) cpu_seconds: f64,
    /// Seconds of CPU a second.
    pub(crate) cores: f64,
    /// Microseconds of CPU for each committed transaction.
    pub(crate) micros_per_tx: f64,
    /// Most memory at any time, in bytes; not known of the load generator.
    pub(crate) peak_memory: Option<u64>,
}

/// All measurements of one node.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Series {
    /// The node with its versions.
    pub(crate) node: String,
    /// Bytes of a transaction.
    pub(crate) tx_bytes: usize,
    /// Its measurements.
    pub(crate) runs: Vec<Run>,
}

/// A node with its home as it is before the first block, and its load.
struct Contender {
    peer: Box<dyn Peer>,
    template: PathBuf,
    port: u16,
    load: Option<Load>,
    series: Series,
}

/// Measures the nodes of these kinds in turns, in folders below `work`.
pub(crate) fn measure(plan: &Plan, kinds: &[Kind], programs: &Programs, work: &Path) -> Result<Vec<Series>> {
    if plan.connections == 0 || plan.batch == 0 || !plan.accounts.is_multiple_of(plan.connections) {
        bail!("the number of accounts, {}, must be a multiple of the number of connections, {}", plan.accounts, plan.connections);
    }
    let accounts = accounts(plan.accounts)?;
    let mut contenders = kinds.iter().map(|kind| Contender::new(*kind, programs, &accounts, plan, work)).collect::<Result<Vec<_>>>()?;
    for repetition in 1..=plan.repetitions {
        for contender in &mut contenders {
            let home = work.join("run");
            contender.run(repetition, &home, &accounts, plan).with_context(|| contender.series.node.clone())?;
            fs::remove_dir_all(home)?;
        }
    }
    Ok(contenders.into_iter().map(|c| c.series).collect())
}

impl Contender {
    fn new(kind: Kind, programs: &Programs, accounts: &[Account], plan: &Plan, work: &Path) -> Result<Self> {
        let peer = peer(kind, programs)?;
        let (template, port) = (work.join(format!("{kind:?}").to_lowercase()), free_ports()?);
        let node = peer.label()?;
        eprintln!("setting up {node}");
        peer.create(&template, port, accounts, plan)?;
        let series = Series { node, tx_bytes: 0, runs: vec![] };
        Ok(Self { peer, template, port, load: None, series })
    }

    fn run(&mut self, repetition: usize, home: &Path, accounts: &[Account], plan: &Plan) -> Result<()> {
        output(Command::new("cp").arg("-a").arg(&self.template).arg(home))?;
        let load_average = load_average()?;
        let mut node = Running::start(self.peer.as_ref(), home, self.port)?;
        if self.load.is_none() {
            let txs = self.transactions(&Rpc::new(&node.url), accounts, plan)?;
            self.series.tx_bytes = txs.last().map_or(0, Vec::len);
            self.load = Some(Load::new(&txs, plan));
        }
        let load = self.load.as_ref().context("there is no load")?;
        let measured = load.drive(&mut node, plan, self.peer.own_txs())?;
        node.stop()?;
        let run = Run { repetition, load_average, ..measured };
        eprintln!(
            "{} {repetition}/{}: {:.0} committed/s ({} in {} blocks, {:.1} s), {:.0} waiting, other programs {:.2} cores",
            self.series.node, plan.repetitions, run.per_second, run.committed, run.blocks, run.seconds, run.waiting, run.others_cores
        );
        self.series.runs.push(run);
        Ok(())
    }

    /// Transaction x is account (x modulo accounts)'s next one. Since each chain starts from the same genesis, they fit every repetition.
    fn transactions(&self, rpc: &Rpc, accounts: &[Account], plan: &Plan) -> Result<Vec<Vec<u8>>> {
        let Some(format) = self.peer.format() else { return in_parallel(plan.txs, key_value) };
        let addresses = accounts.iter().map(|a| a.text(format.prefix)).collect::<Result<Vec<_>>>()?;
        let numbers = rpc.account_numbers(&addresses)?;
        let signer = Signer::new(format);
        let at = |n: usize| accounts.get(n % accounts.len()).context("there are no accounts");
        in_parallel(plan.txs, |x| {
            let number = numbers.get(x % accounts.len()).context("an account has no number")?;
            signer.send(at(x)?, at(x + 1)?, *number, u64::try_from(x / accounts.len())?)
        })
    }
}

/// Bytes of a key-value transaction: as many as a send has.
const KEY_VALUE: usize = 320;

fn key_value(x: usize) -> Result<Vec<u8>> {
    let key = format!("key{x}=");
    let value = "v".repeat(KEY_VALUE.saturating_sub(key.len()));
    Ok((key + &value).into_bytes())
}
