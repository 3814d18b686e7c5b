//! The nodes that are compared: how each is set up and started. What could differ by taste is set alike for all of them.
mod cairn;
mod comet;
mod kvstore;
mod simd;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

pub(crate) use cairn::Cairn;

use crate::{
    account::Account,
    process::{Process, output},
    rpc::Rpc,
    send::Format,
    throughput::Plan,
};

/// How long a node may take to make its first blocks.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// CometBFT with the key-value app that is built into it: what consensus costs without an application.
    Kvstore,
    /// The Cosmos SDK's simulation app of a released ibc-go.
    Simd,
    /// This chain.
    Cairn,
}

/// The programs to run.
#[derive(Debug, Clone, Args)]
pub(crate) struct Programs {
    /// CometBFT, for Cairn and for the key-value app.
    #[arg(long, default_value = "cometbft")]
    pub(crate) cometbft: PathBuf,
    /// An unmodified simd.
    #[arg(long, default_value = "simd")]
    pub(crate) simd: PathBuf,
    /// The node of this chain, built for release.
    #[arg(long, default_value = "cairnd")]
    pub(crate) cairnd: PathBuf,
}

/// A node that can be set up and started.
pub(crate) trait Peer {
    /// Its name in the report, with versions.
    fn label(&self) -> Result<String>;
    /// Writes a home with a single validator, in which `accounts` are funded.
    fn create(&self, home: &Path, base_port: u16, accounts: &[Account], plan: &Plan) -> Result<()>;
    /// The commands that run it, in the order to start them, each with a name.
    fn commands(&self, home: &Path) -> Vec<(&'static str, Command)>;
    /// How its sends are signed; `None` if its transactions are keys and values.
    fn format(&self) -> Option<Format>;
    /// Transactions in each block that nobody sent: what the proposer itself puts there.
    fn own_txs(&self) -> u64 {
        0
    }
}

/// The node of this kind.
pub(crate) fn peer(kind: Kind, programs: &Programs) -> Result<Box<dyn Peer>> {
    Ok(match kind {
        Kind::Kvstore => Box::new(kvstore::Kvstore::new(programs)),
        Kind::Simd => Box::new(simd::Simd::new(programs)?),
        Kind::Cairn => Box::new(Cairn::new(programs)?),
    })
}

/// A running node, stopped when this is dropped.
pub(crate) struct Running {
    pub(crate) processes: Vec<Process>,
    pub(crate) url: String,
}

impl Running {
    /// Starts `peer` in `home` and waits until it makes blocks.
    pub(crate) fn start(peer: &dyn Peer, home: &Path, base_port: u16) -> Result<Self> {
        let mut running = Self { processes: vec![], url: format!("http://127.0.0.1:{base_port}") };
        for (name, command) in peer.commands(home) {
            running.processes.push(Process::start(name, &command, &home.join(format!("{name}.log")))?);
        }
        let (rpc, start) = (Rpc::new(&running.url), Instant::now());
        while !rpc.height().is_ok_and(|height| height >= 2) {
            running.check()?;
            if start.elapsed() > PATIENCE {
                bail!("no blocks after {} s; logs are in {}", PATIENCE.as_secs(), home.display());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(running)
    }
    /// Fails if a process has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.processes.iter_mut().try_for_each(Process::check)
    }
    /// CPU seconds of each process.
    pub(crate) fn cpu(&self) -> Result<Vec<f64>> {
        self.processes.iter().map(Process::cpu).collect()
    }
    /// Stops what was started last first: consensus before its application.
    pub(crate) fn stop(mut self) -> Result<()> {
        while let Some(mut process) = self.processes.pop() {
            process.stop()?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        while let Some(process) = self.processes.pop() {
            drop(process);
        }
    }
}

/// The first of ten ports in a row on the loopback that nobody listens on.
pub(crate) fn free_ports() -> Result<u16> {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (20_000..32_000).step_by(10).find(|base| (*base..base + 10).all(free)).context("no ten free ports in a row below 32000")
}

/// The first line of what `program version` prints.
fn version(program: &Path, argument: &str) -> Result<String> {
    let text = output(Command::new(program).arg(argument))?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}
