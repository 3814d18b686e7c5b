//! `cairn-agent run`.
use std::{
    io::IsTerminal,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use cairn_client::{Chain, Gateway, Signer, keys};
use cairn_device::Executor;
use clap::{ArgAction, Args};

use crate::run::{Agent, Ask, Node, Settings, Vault, World, serve_metrics};

/// MiB whose bytes a number of 64 bits holds with room to spare.
const MAX_MIB: u64 = 1 << 40;

/// Run as a provider and watcher: take jobs that pay, deliver their results, run others' results again, contest what is wrong.
///
/// The account needs a bond to take jobs (`cairnd compute bond`) and coins to contest. What was begun goes on after a restart, wherever it was stopped, and whatever the options
/// are then: jobs that were taken are delivered, asks opened, and audits done that the account is drawn for, for each of which silence costs a part of the bond.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// RPC of a node; several are tried in turn.
    #[arg(long = "node", env = "CAIRN_NODE", required = true, value_delimiter = ',', value_name = "URL")]
    pub(super) nodes: Vec<String>,
    /// The account's key: a file with its words, or 64 hexadecimal digits, that nobody else may read.
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// Where journal and content are kept.
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// Proving keys, as 'cairn-agent ceremony' writes them, under any names. [default: keys in --home]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Networks whose weights are yours alone: NAME.safetensors with NAME.salt, as 'cairn-agent models seal' writes them. [default: private in --home]
    #[arg(long, value_name = "DIR")]
    private: Option<PathBuf>,
    /// The device: `flex`, `wgpu`, `wgpu:N`, `reference`. It is tested before anything is run on it.
    #[arg(long, default_value = "flex")]
    device: String,
    /// Take no new jobs, and make no asks. Audits are done all the same.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
    pub(super) no_jobs: bool,
    /// Do not run others' results again, but for audits that the account is drawn for.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
    no_watch: bool,
    /// Of 10,000 results of others, how many are run again.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    sample_bps: u32,
    /// Least price of a job, in ucairn per 10^9 multiplications.
    #[arg(long, default_value_t = 1_000)]
    giga_mac_price: u128,
    /// Jobs at a time.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Ask for jobs in the auctions of this class of hardware ('cairnd compute classes' lists them), once one bids there that could be done.
    #[arg(long, requires_all = ["ask", "ceiling"], value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    class: Option<u64>,
    /// The least that is taken for a job of the class, in ucairn. Sealed until asks are opened.
    #[arg(long, requires = "class", value_name = "AMOUNT")]
    ask: Option<u128>,
    /// What is paid at most for a job of the class, in ucairn. Public, so let it be a round amount that does not tell the ask. The bond is locked for it, once for
    /// each place.
    #[arg(long, requires = "class", value_name = "AMOUNT")]
    ceiling: Option<u128>,
    /// Jobs from one auction, at most; of `--jobs`, and as the bond covers them.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    places: u32,
    /// The longest run of a job, in seconds.
    #[arg(long, default_value_t = 600)]
    run_seconds: u64,
    /// The largest model or inputs that are fetched, in MiB.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=MAX_MIB))]
    content_mib: u64,
    /// Room for models and inputs that were fetched, in MiB: those that were longest not used go first, never what something is owed for.
    #[arg(long, default_value_t = 8192, value_parser = clap::value_parser!(u64).range(1..=MAX_MIB))]
    kept_mib: u64,
    /// A gateway that has inputs of jobs (`cairn:content/..`); the account's key signs in to it.
    #[arg(long, env = "CAIRN_GATEWAY", value_name = "URL")]
    pub(super) gateway: Option<String>,
    /// A requester whose jobs are taken though their inputs are given only to who has taken them: where they are not what the job says, nothing can be delivered,
    /// which costs a part of the bond. `all`: everybody's.
    #[arg(long, value_delimiter = ',', value_name = "ADDRESS", requires = "gateway")]
    trust: Vec<String>,
    /// Serve `/metrics` for Prometheus and `/healthz`, which fails when no new height was seen for two minutes.
    #[arg(long, value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    /// Read `file://` URIs too: for networks on one machine.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = ArgAction::Set)]
    files: bool,
}

impl Run {
    pub(crate) fn run(self) -> Result<()> {
        self.run_on(|device| device)
    }

    /// Runs on what `wrap` makes of the device.
    pub(crate) fn run_on(self, wrap: impl FnOnce(Box<dyn Executor>) -> Box<dyn Executor>) -> Result<()> {
        log();
        let settings = self.settings()?;
        let key = keys::from_file(&self.key)?;
        let device = cairn_device::open(&self.device).with_context(|| format!("cannot use the device {}", self.device))?;
        if !device.reproducible() {
            bail!("{} does not compute as the referee does: see 'cairn-agent doctor'", self.device);
        }
        let device = wrap(device);
        tracing::info!(device = device.name(), "the device computes as the referee does");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let chain = runtime.block_on(Chain::connect(&self.nodes)).context("no node answers")?;
        let signer = Signer::new(chain.clone(), key)?;
        tracing::info!(chain = chain.id(), account = signer.address(), "connected");
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        runtime.spawn(async move {
            stopped().await;
            told.store(true, Ordering::SeqCst);
        });
        let gateway = match &self.gateway {
            Some(url) => Some(Gateway::new(url, signer.address(), keys::from_file(&self.key)?)),
            None => None,
        };
        let node = Node::new(runtime.handle().clone(), chain, signer, gateway, self.files);
        let [keys, private] = self.folders();
        let vault = Vault::open(&keys, &private)?;
        tracing::info!(keys = vault.keys().count(), networks = vault.networks(), "proving keys and private networks");
        let mut agent = Agent::open(node, Arc::from(device), settings, vault, &self.home)?;
        if let Some(listen) = self.metrics {
            let at = runtime.block_on(serve_metrics(agent.metrics(), listen)).with_context(|| format!("cannot listen on {listen}"))?;
            tracing::info!(%at, "metrics");
        }
        self.greet(&mut agent);
        let mut last = 0;
        while !stop.load(Ordering::SeqCst) {
            // A height that nobody tells is looked for again; the chain's own clocks are heights.
            if let Ok(height) = agent.world().height()
                && height > last
            {
                last = height;
                agent.step()?;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        tracing::info!("stopped; what is begun goes on at the next start");
        runtime.shutdown_background();
        Ok(())
    }

    /// Where proving keys and private networks lie.
    pub(super) fn folders(&self) -> [PathBuf; 2] {
        let folder = |given: &Option<PathBuf>, name| given.clone().unwrap_or_else(|| self.home.join(name));
        [folder(&self.keys, "keys"), folder(&self.private, "private")]
    }

    /// What the agent does by itself.
    pub(super) fn settings(&self) -> Result<Settings> {
        Ok(Settings {
            provide: !self.no_jobs,
            watch: !self.no_watch,
            sample_bps: self.sample_bps,
            giga_mac_price: self.giga_mac_price,
            jobs: self.jobs,
            content_bytes: self.content_mib << 20,
            kept_bytes: self.kept_mib << 20,
            run_limit: Duration::from_secs(self.run_seconds),
            trust: self.trust.clone(),
            ask: self.ask()?,
            ..Settings::default()
        })
    }

    fn ask(&self) -> Result<Option<Ask>> {
        let (Some(class), Some(price), Some(ceiling), false) = (self.class, self.ask, self.ceiling, self.no_jobs) else { return Ok(None) };
        if price == 0 || price > ceiling {
            bail!("an ask is more than 0 and at most its ceiling, found {price} under {ceiling}");
        }
        Ok(Some(Ask { class, price, ceiling, places: self.places }))
    }

    fn greet(&self, agent: &mut Agent<Node>) {
        if self.no_jobs {
            return;
        }
        match agent.world().provider() {
            Ok(Some(provider)) => tracing::info!(bond = provider.bond.map(|coin| coin.amount), "a provider"),
            Ok(None) => tracing::warn!("no bond yet, so no jobs are taken: 'cairnd compute bond' puts one up"),
            Err(error) => tracing::warn!(%error, "the chain does not tell the bond"),
        }
    }
}

/// Tells what happens on standard error, as `RUST_LOG` says, or what is worth knowing.
pub(super) fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).init();
}

/// Until SIGTERM or Ctrl-C.
pub(super) async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut term) => tokio::select! {
            _ = term.recv() => (),
            _ = tokio::signal::ctrl_c() => (),
        },
        Err(_) => {
            let _ended = tokio::signal::ctrl_c().await;
        }
    }
}
