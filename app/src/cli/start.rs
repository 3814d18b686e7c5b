//! `cairnd start`: the application, its front doors, and the CometBFT that drives it.
use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    net::TcpListener,
    process::Child,
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep, timeout},
};

use super::{
    backup, comet,
    home::{Home, SNAPSHOTS, chain_id},
};
use crate::{
    App, BeaconKeys, Exit, Settings, Shutdown, Snapshotting,
    abci::{Endpoint, Limits, Node, Server},
    admin::{Admin, Door},
    api::{self, Front},
    config::{Config, StateSync},
    health::Health,
    logging::{Format, Levels},
    metrics::Metrics,
    upgrades::Upgrade,
};

/// A CometBFT that ran this long before it ended is started again; one that ends sooner, three times in a row, is not.
const STEADY: Duration = Duration::from_secs(20);
/// How long CometBFT may take to stop when it is asked to; then it is killed.
const COMET_GRACE: Duration = Duration::from_secs(4);
/// How long the whole node may take to stop: then the process ends as it is, which is safe at any moment.
const GRACE: Duration = Duration::from_secs(9);

/// Run the node: the application with its front doors, and CometBFT as a child.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Do not run CometBFT; the operator does.
    #[arg(long)]
    external: bool,
    /// What is logged, such as info,consensus=debug; in place of log.level in app.toml. 'cairnd log-level' changes it while the node runs.
    #[arg(long, value_name = "LEVELS")]
    log_level: Option<String>,
    /// How messages are written; in place of log.json in app.toml. CometBFT writes its own in the same way.
    #[arg(long, value_enum)]
    log_format: Option<Format>,
    /// Heights at which a planned upgrade is dropped instead of carried out. More than two thirds of the power must do the same.
    #[arg(long, value_name = "HEIGHT", num_args = 1.., value_delimiter = ',')]
    unsafe_skip_upgrades: Vec<u64>,
}

/// The upgrades that this program knows, and the heights at which it carries none out.
struct Upgrades {
    known: Vec<Upgrade>,
    skip: Vec<u64>,
}

impl StartArgs {
    /// Runs the command until SIGINT or SIGTERM; a second one ends it at once.
    pub(crate) fn run(self, home: &Home, upgrades: Vec<Upgrade>) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        // Before all else: a signal that comes while the node gets ready is kept, and obeyed in order.
        let signals = runtime.block_on(async { Signals::new() })?;
        let mut config = home.load_config()?;
        if let Some(levels) = self.log_level {
            config.log.level = levels;
        }
        if let Some(format) = self.log_format {
            config.log.json = format == Format::Json;
        }
        let format = if config.log.json { Format::Json } else { Format::Text };
        let levels = Levels::start(&config.log.level, format).context(Exit::Config)?;
        comet::check_config(home)?;
        home.check_secrets()?;
        comet::check_files(home)?;
        // The child's life hangs on the thread that starts it, so it is started from this one.
        let upgrades = Upgrades { known: upgrades, skip: self.unsafe_skip_upgrades };
        let ended = runtime.block_on(node(home, &config, &levels, upgrades, self.external, signals));
        runtime.shutdown_timeout(Duration::from_secs(3));
        ended
    }
}

async fn node(home: &Home, config: &Config, levels: &Levels, upgrades: Upgrades, external: bool, mut signals: Signals) -> Result<()> {
    let Some(app) = open(home, config, upgrades, &mut signals).await? else { return Ok(()) };
    let height = app.latest().map_or(0, |v| v.height);
    tracing::info!(target: "node", home = %home.path().display(), height, "state opened");
    let (shutdown, metrics) = (Shutdown::default(), Metrics::new(&app, home.data("state")));
    let doors = Doors::bind(home, config, levels, &app, &metrics).await?;
    let mut comet = if external { None } else { Some(Supervisor::start(home, config, &doors.abci, Arc::clone(&metrics))?) };
    let services = api::Services::new(Arc::new(app.clone()), &config.comet.rpc);
    let node = metrics.observe(Node::new(app.clone(), shutdown.clone()).serving(services));
    let served = tokio::spawn(doors.serve(node, shutdown.clone()));
    let ended = watch(&mut comet, signals, &shutdown).await;
    if let Some(comet) = &mut comet {
        comet.stop().await;
    }
    shutdown.request();
    served.await.context("a door ended badly")?;
    tokio::task::spawn_blocking(move || app.stop_snapshots()).await.context("the snapshot that was being taken")?;
    ended?;
    match shutdown.fault() {
        Some(fault) => Err(anyhow!("{fault}").context(shutdown.exit().unwrap_or(Exit::Failure))),
        None => Ok(()),
    }
}

/// Opens the state, which may take long after a crash; `None` if a signal came first.
async fn open(home: &Home, config: &Config, upgrades: Upgrades, signals: &mut Signals) -> Result<Option<App>> {
    let (own, config) = (home.clone(), config.clone());
    let mut opening = tokio::task::spawn_blocking(move || {
        let folder = own.data("state");
        let app = App::open(&folder, settings(&own, &config, upgrades)?)
            .with_context(|| format!("cannot open the state in {}", folder.display()))?;
        check_genesis(&own, &app)?;
        app.ready()?;
        Ok(app)
    });
    tokio::select! {
        opened = &mut opening => opened.context("the state cannot be opened")?.map(Some),
        name = signals.next() => {
            tracing::info!(target: "node", signal = name, "stopping before the state is open");
            // The database is closed in order where it is open in time; what failed in opening it is of no interest any more.
            drop(opening.await);
            Ok(None)
        }
    }
}

/// Where this home's snapshots lie and when they are taken.
fn snapshotting(home: &Home, config: &Config) -> Snapshotting {
    let StateSync { snapshot_interval, snapshot_keep_recent } = config.state_sync;
    Snapshotting { folder: home.data(SNAPSHOTS), interval: snapshot_interval, keep_recent: snapshot_keep_recent }
}

fn settings(home: &Home, config: &Config, upgrades: Upgrades) -> Result<Settings> {
    Ok(Settings {
        store: cairn_store::Options { pruning: config.pruning()?, ..cairn_store::Options::default() },
        minimum_gas_price: config.gas_price()?,
        beacon_keys: beacon_keys(home)?,
        chain_id: Some(home.chain_id().context(Exit::Config)?),
        snapshots: Some(snapshotting(home, config)),
        min_retain_blocks: config.min_retain_blocks,
        query_time: Duration::from_millis(config.queries.time_limit_ms),
        queries_at_once: config.queries.concurrent,
        upgrades: upgrades.known,
        skip_upgrades: upgrades.skip.into_iter().collect(),
        upgrade_info: Some(home.upgrade_info()),
        ..Settings::default()
    })
}

/// Everything that listens, bound and not yet open.
struct Doors {
    /// Where CometBFT finds the application.
    abci: String,
    server: Server,
    front: Front,
    operators: Option<(TcpListener, axum::Router)>,
    admin: Door,
}

impl Doors {
    async fn bind(home: &Home, config: &Config, levels: &Levels, app: &App, metrics: &Arc<Metrics>) -> Result<Self> {
        let abci = home.abci(config);
        let endpoint: Endpoint = abci.parse().context("the setting 'abci'").context(Exit::Config)?;
        let server = Server::bind(&endpoint, Limits::default()).await;
        let server = server.with_context(|| format!("cannot listen for CometBFT at {abci}")).context(Exit::Address)?;
        let health = Health::new(app, metrics, home.data("state"), &config.comet.rpc, config.ready).router();
        let public = config.public().context(Exit::Config)?;
        let doors = api::Config { grpc: config.api.grpc, rest: config.api.rest, public, ..api::Config::default() };
        let front =
            Front::bind_with(&doors, Arc::new(app.clone()), &config.comet.rpc, Some(health.clone())).await.context(Exit::Address)?;
        let operators = if config.metrics.enabled { metrics_port(config).await.map(|listener| (listener, health)) } else { None };
        let admin = admin(levels, app).bind(&home.admin()).await.context(Exit::Address)?;
        let metrics = operators.as_ref().map_or_else(String::new, |_| config.metrics.listen.to_string());
        tracing::info!(target: "node", abci, rest = %config.api.rest, grpc = %config.api.grpc, metrics, "listening");
        Ok(Self { abci, server, front, operators, admin })
    }

    /// Serves all of them until `shutdown`.
    async fn serve(self, node: crate::metrics::Observed<Node>, shutdown: Shutdown) {
        let (until, its) = (shutdown.clone(), shutdown.clone());
        let operators = async move {
            if let Some((listener, router)) = self.operators {
                api::serve_port(listener, router, async move { its.requested().await }).await;
            }
        };
        tokio::join!(
            self.server.serve(node, shutdown.clone()),
            self.front.run(async move { until.requested().await }),
            operators,
            self.admin.run(shutdown)
        );
    }
}

/// The port for metrics. A node without it is worth more than none: that it is taken is told, and no reason to stop.
async fn metrics_port(config: &Config) -> Option<TcpListener> {
    let listen = config.metrics.listen;
    let bound = TcpListener::bind(listen).await;
    bound.inspect_err(|error| tracing::error!(target: "node", %listen, %error, "no port for metrics; see metrics.listen in app.toml")).ok()
}

/// What an operator may do while the node runs.
fn admin(levels: &Levels, app: &App) -> Admin {
    let (levels, app) = (levels.clone(), app.clone());
    let backup = move |request: &Value| backup::asked(app.store(), request);
    Admin::default().on("backup", backup).on("log-level", move |request| {
        if let Some(spec) = request.get("levels").and_then(Value::as_str) {
            let before = levels.spec();
            levels.set(spec)?;
            tracing::warn!(target: "admin", before, now = spec, "other log levels");
        }
        Ok(json!({ "levels": levels.spec() }))
    })
}

/// The home's beacon keys, read again when one is owed that was not there.
fn beacon_keys(home: &Home) -> Result<BeaconKeys> {
    let home = home.clone();
    BeaconKeys::loaded(move || Ok(home.vrf_keys()?.into_iter().map(|found| found.key).collect()))
}

/// The state must have begun with the genesis file: CometBFT reads it once and would not notice another.
fn check_genesis(home: &Home, app: &App) -> Result<()> {
    match compare_genesis(home, app)? {
        Some(digest) => home.set_genesis_digest(&digest),
        None => Ok(()),
    }
}

/// Compares the state with the genesis file. Gives the file's digest where it is to be noted.
pub(super) fn compare_genesis(home: &Home, app: &App) -> Result<Option<String>> {
    let genesis = home.genesis().context(Exit::Config)?;
    let named = chain_id(&genesis).context(Exit::Config)?;
    let other = |what: String| {
        let text = format!("{what}; restore the right genesis file or choose another --home");
        Err(anyhow!(text).context(Exit::WrongChain))
    };
    let found = api::Chain::chain_id(app);
    if !found.is_empty() && found != named {
        return other(format!("the state is of chain {found}, genesis.json of chain {named}"));
    }
    let digest = hex::encode(Sha256::digest(serde_json::to_vec(&genesis)?));
    match home.genesis_digest()? {
        Some(begun) if app.latest().is_some() && begun != digest => {
            other(format!("the state began with a genesis file of digest {begun}, genesis.json has {digest}"))
        }
        Some(begun) if begun == digest => Ok(None),
        _ => Ok(Some(digest)),
    }
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
    /// The next one. From then on the process ends within [`GRACE`], whatever it is at; a second one ends it at once.
    async fn next(&mut self) -> &'static str {
        let name = self.any().await;
        std::thread::spawn(|| {
            std::thread::sleep(GRACE);
            eprintln!("not all work ended in time; what was not committed is done again at the next start");
            std::process::exit(0);
        });
        name
    }
    async fn any(&mut self) -> &'static str {
        tokio::select! { _ = self.terminate.recv() => "SIGTERM", _ = self.interrupt.recv() => "SIGINT" }
    }
}

/// Returns when the node shall stop: asked by a signal, by a fault of its own, or because CometBFT cannot be kept running.
async fn watch(comet: &mut Option<Supervisor>, mut signals: Signals, shutdown: &Shutdown) -> Result<()> {
    let kept = async {
        match comet {
            Some(comet) => comet.keep().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        name = signals.next() => {
            tracing::info!(target: "node", signal = name, "stopping");
            tokio::spawn(async move {
                signals.any().await;
                std::process::exit(130);
            });
            Ok(())
        }
        () = shutdown.requested() => Ok(()),
        ended = kept => ended,
    }
}

/// CometBFT as a child process.
struct Supervisor {
    home: Home,
    binary: String,
    abci: String,
    json: bool,
    metrics: Arc<Metrics>,
    child: Child,
    started: Instant,
}

impl Supervisor {
    fn start(home: &Home, config: &Config, abci: &str, metrics: Arc<Metrics>) -> Result<Self> {
        let version = comet::version(&config.comet.binary).context(Exit::Comet)?;
        tracing::info!(target: "node", version, "starting CometBFT");
        let (binary, abci, json) = (config.comet.binary.clone(), abci.to_owned(), config.log.json);
        let child = spawn(&binary, home, &abci, json)?;
        metrics.comet_started();
        Ok(Self { home: home.clone(), binary, abci, json, metrics, child, started: Instant::now() })
    }
    /// Starts CometBFT again when it ends; returns when it ends too often.
    async fn keep(&mut self) -> Result<()> {
        let mut short = 0_u32;
        loop {
            let status = self.child.wait().await?;
            short = if self.started.elapsed() < STEADY { short.saturating_add(1) } else { 0 };
            if short >= 3 {
                let text = format!("it ended {short} times within {} s of its start ({status}); its output says why", STEADY.as_secs());
                return Err(anyhow!(text).context(Exit::Comet));
            }
            tracing::warn!(target: "node", %status, "CometBFT ended; starting it again");
            sleep(Duration::from_secs(1)).await;
            self.child = spawn(&self.binary, &self.home, &self.abci, self.json)?;
            self.metrics.comet_started();
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
            tracing::warn!(target: "node", %error, "cannot kill CometBFT");
        }
    }
}

fn spawn(binary: &str, home: &Home, abci: &str, json: bool) -> Result<Child> {
    let mut command = comet::start_command(binary, home.path(), abci);
    if json {
        command.env("CMT_LOG_FORMAT", "json");
    }
    let child = command.stdin(std::process::Stdio::null()).kill_on_drop(true).spawn();
    child.with_context(|| format!("cannot run {binary:?}")).context(Exit::Comet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_from_before_the_state_is_opened_is_kept() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let mut signals = runtime.block_on(async { Signals::new() }).unwrap();
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
        assert_eq!(runtime.block_on(signals.any()), "SIGTERM");
    }
}
