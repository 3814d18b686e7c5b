//! `cairn-gateway`: serves content, checks its configuration, collects what nothing references.
use std::{io::IsTerminal, net::SocketAddr, path::PathBuf, process::ExitCode, time::SystemTime};

use anyhow::{Context, Result, ensure};
use cairn_gateway::{Config, Gateway, serve};
use clap::{Parser, Subcommand, ValueEnum};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

/// Keeps the content of jobs and assets by hash, and gives it to those whom the chain admits.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Configuration file (TOML); flags override it
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Where to accept connections, such as 127.0.0.1:8780
    #[arg(long, global = true)]
    listen: Option<SocketAddr>,
    /// The node's CometBFT RPC, such as http://127.0.0.1:26657
    #[arg(long, global = true)]
    node: Option<String>,
    /// Where content lies: a folder, or s3://bucket/prefix
    #[arg(long, global = true)]
    store: Option<String>,
    /// The name by which clients know this gateway
    #[arg(long, global = true)]
    domain: Option<String>,
    /// How to write logs, to standard error; RUST_LOG sets what is logged
    #[arg(long, global = true, default_value = "text")]
    log: Log,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Log {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default)
    Serve,
    /// Check the configuration, the store and the node, and say what was found
    Check,
    /// Remove what is old and named by nothing on the chain
    Gc {
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
        /// No gateway uses the store now; needed for a bucket, which has no lock
        #[arg(long)]
        offline: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logs(arguments.log);
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cairn-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn logs(log: Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match log {
        Log::Text => logs.init(),
        Log::Json => logs.json().init(),
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> Result<()> {
    let config = configure(&arguments)?;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => run_server(config).await,
        Command::Check => check(config).await,
        Command::Gc { dry_run, offline } => collect(config, dry_run, offline).await,
    }
}

fn configure(arguments: &Arguments) -> Result<Config> {
    let mut config = arguments.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    if let Some(listen) = arguments.listen {
        config.listen = listen;
    }
    let texts = [(&arguments.node, &mut config.node), (&arguments.store, &mut config.store), (&arguments.domain, &mut config.domain)];
    for (given, set) in texts {
        if let Some(given) = given {
            set.clone_from(given);
        }
    }
    Ok(config)
}

async fn run_server(config: Config) -> Result<()> {
    let listen = config.listen;
    let (store, node, domain) = (config.store.clone(), config.node_url(), config.domain());
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listen: cannot accept connections on {listen}"))?;
    let gateway = Gateway::open(config).await?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tracing::info!(listen = %listener.local_addr()?, store, node, domain, "serving");
    serve(listener, gateway, async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
    .await;
    tracing::info!("stopped");
    Ok(())
}

async fn check(config: Config) -> Result<()> {
    let (store, node, domain) = (config.store.clone(), config.node_url(), config.domain());
    let gateway = Gateway::open(config).await?;
    println!("store   {store}: can be written and read");
    println!("domain  {domain}: stands in the texts that clients sign");
    let height = gateway.height().await.with_context(|| format!("node: {node} does not answer"))?;
    println!("node    {node}: at height {height}");
    Ok(())
}

async fn collect(config: Config, dry_run: bool, offline: bool) -> Result<()> {
    let gateway = Gateway::open(config).await?;
    let alone = gateway.collects_beside() || dry_run || offline;
    ensure!(alone, "gc: a bucket has no lock: stop the gateway and add --offline, or let the gateway collect by itself (collect.every)");
    let report = gateway.collect(SystemTime::now(), dry_run).await?;
    let verb = if dry_run { "would remove" } else { "removed" };
    println!(
        "{verb} {} manifests, {} contents ({} bytes), {} half-written files",
        report.manifests, report.contents, report.bytes, report.staged
    );
    Ok(())
}
