//! `cairnd start`: the application, its front doors, and the CometBFT that drives it.
use std::{io::IsTerminal, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep, timeout},
};
use tracing_subscriber::{EnvFilter, fmt};

use super::{
    comet,
    home::{Home, SNAPSHOTS, chain_id},
};
use crate::{
    App, BeaconKeys, Settings, Shutdown, Snapshotting,
    abci::{Endpoint, Limits, Node, Server},
    api::{self, Front},
    config::{Config, Log, StateSync},
};

/// A CometBFT that ran this long before it ended is started again; one that ends sooner, three times in a row, is not.
const STEADY: Duration = Duration::from_secs(20);
/// How long CometBFT may take to stop when it is asked to; then it is killed.
const COMET_GRACE: Duration = Duration::from_secs(5);

/// Run the node: the application with its front doors, and CometBFT as a child.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Do not run CometBFT; the operator does.
    #[arg(long)]
    external: bool,
}

impl StartArgs {
    /// Runs the command until SIGINT or SIGTERM; a second one ends it at once.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let config = home.load_config()?;
        init_log(&config.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        // The child's life hangs on the thread that starts it, so it is started from this one.
        let ended = runtime.block_on(self.node(home, &config));
        runtime.shutdown_timeout(Duration::from_secs(3));
        ended
    }

    async fn node(&self, home: &Home, config: &Config) -> Result<()> {
        let genesis = home.genesis()?;
        let settings = Settings {
            store: cairn_store::Options { pruning: config.pruning()?, ..cairn_store::Options::default() },
            minimum_gas_price: config.gas_price()?,
            beacon_keys: beacon_keys(home)?,
            chain_id: Some(chain_id(&genesis)?.to_owned()),
            snapshots: Some(snapshotting(home, config)),
            min_retain_blocks: config.min_retain_blocks,
            ..Settings::default()
        };
        let shutdown = Shutdown::default();
        let app = App::open(&home.data("state"), settings)
            .with_context(|| format!("cannot open the state in {}", home.data("state").display()))?;
        check_genesis(home, &genesis, &app)?;
        let height = app.latest().map_or(0, |v| v.height);
        tracing::info!(home = %home.path().display(), height, "state opened");

        let abci = home.abci(config);
        let endpoint: Endpoint = abci.parse().context("the setting 'abci'")?;
        let server = Server::bind(&endpoint, Limits::default()).await.with_context(|| format!("cannot listen for CometBFT at {abci}"))?;
        let doors = api::Config { grpc: config.api.grpc, rest: config.api.rest, public: config.public()?, ..api::Config::default() };
        let front = Front::bind(&doors, Arc::new(app.clone()), &config.comet.rpc).await?;
        tracing::info!(abci, rest = %config.api.rest, grpc = %config.api.grpc, "listening");

        let mut comet = if self.external { None } else { Some(Supervisor::start(home, config, &abci)?) };
        let until = shutdown.clone();
        let served = tokio::spawn(server.serve(Node::new(app, shutdown.clone()), shutdown.clone()));
        let fronts = tokio::spawn(front.run(async move { until.requested().await }));
        let ended = watch(&mut comet, &shutdown).await;
        if let Some(comet) = &mut comet {
            comet.stop().await;
        }
        shutdown.request();
        served.await.context("the ABCI server ended badly")?;
        fronts.await.context("the front doors ended badly")?;
        ended?;
        match shutdown.fault() {
            Some(fault) => bail!("{fault}"),
            None => Ok(()),
        }
    }
}

/// Where this home's snapshots lie and when they are taken.
fn snapshotting(home: &Home, config: &Config) -> Snapshotting {
    let StateSync { snapshot_interval, snapshot_keep_recent } = config.state_sync;
    Snapshotting { folder: home.data(SNAPSHOTS), interval: snapshot_interval, keep_recent: snapshot_keep_recent }
}

/// The home's beacon keys, read again when one is owed that was not there.
fn beacon_keys(home: &Home) -> Result<BeaconKeys> {
    let home = home.clone();
    BeaconKeys::loaded(move || Ok(home.vrf_keys()?.into_iter().map(|found| found.key).collect()))
}

/// The state must have begun with the genesis file: CometBFT reads it once and would not notice another.
fn check_genesis(home: &Home, genesis: &Value, app: &App) -> Result<()> {
    let named = chain_id(genesis)?;
    let found = api::Chain::chain_id(app);
    if !found.is_empty() && found != named {
        bail!("the state is of chain {found}, genesis.json of chain {named}; restore the right genesis file or choose another --home");
    }
    let digest = hex::encode(Sha256::digest(serde_json::to_vec(genesis)?));
    match home.genesis_digest()? {
        Some(begun) if app.latest().is_some() && begun != digest => {
            bail!(
                "the state began with a genesis file of digest {begun}, genesis.json has {digest}; restore the right genesis file or choose another --home"
            )
        }
        Some(begun) if begun == digest => Ok(()),
        _ => home.set_genesis_digest(&digest),
    }
}

fn init_log(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.level).with_context(|| format!("log.level {:?}", log.level))?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let set = if log.json { builder.json().try_init() } else { builder.try_init() };
    set.map_err(|e| anyhow::anyhow!("cannot start logging: {e}"))
}

/// Returns when the node shall stop: asked by a signal, by a fault of its own, or because CometBFT cannot be kept running.
async fn watch(comet: &mut Option<Supervisor>, shutdown: &Shutdown) -> Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let asked = async {
        tokio::select! { _ = terminate.recv() => "SIGTERM", _ = interrupt.recv() => "SIGINT" }
    };
    let kept = async {
        match comet {
            Some(comet) => comet.keep().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        name = asked => {
            tracing::info!(signal = name, "stopping");
            tokio::spawn(abort_on_second());
            Ok(())
        }
        () = shutdown.requested() => Ok(()),
        ended = kept => ended,
    }
}

async fn abort_on_second() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else { return };
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    std::process::exit(130);
}

/// CometBFT as a child process.
struct Supervisor {
    home: Home,
    binary: String,
    abci: String,
    child: Child,
    started: Instant,
}

impl Supervisor {
    fn start(home: &Home, config: &Config, abci: &str) -> Result<Self> {
        let version = comet::version(&config.comet.binary)?;
        tracing::info!(version, "starting CometBFT");
        let (binary, abci) = (config.comet.binary.clone(), abci.to_owned());
        let child = spawn(&binary, home, &abci)?;
        Ok(Self { home: home.clone(), binary, abci, child, started: Instant::now() })
    }
    /// Starts CometBFT again when it ends; returns when it ends too often.
    async fn keep(&mut self) -> Result<()> {
        let mut short = 0_u32;
        loop {
            let status = self.child.wait().await?;
            short = if self.started.elapsed() < STEADY { short.saturating_add(1) } else { 0 };
            if short >= 3 {
                bail!("CometBFT ended {short} times within {} s of its start ({status}); its output says why", STEADY.as_secs());
            }
            tracing::warn!(%status, "CometBFT ended; starting it again");
            sleep(Duration::from_secs(1)).await;
            self.child = spawn(&self.binary, &self.home, &self.abci)?;
            self.started = Instant::now();
        }
    }
    /// Asks CometBFT to stop, and kills it if it does not: without its application it ignores SIGTERM.
    async fn stop(&mut self) {
        if let Some(id) = self.child.id() {
            let asked = std::process::Command::new("kill").args(["-TERM", &id.to_string()]).status();
            if asked.is_ok() && timeout(COMET_GRACE, self.child.wait()).await.is_ok() {
                return;
            }
        }
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "cannot kill CometBFT");
        }
    }
}

fn spawn(binary: &str, home: &Home, abci: &str) -> Result<Child> {
    let mut command = comet::start_command(binary, home.path(), abci);
    command.stdin(std::process::Stdio::null()).kill_on_drop(true).spawn().with_context(|| format!("cannot run {binary:?}"))
}
