//! The command line of `cairnd`: node, tools and client in one program.
mod about;
mod add_account;
mod annotate;
mod arena;
mod asset;
mod backup;
mod beacon;
mod bounds;
mod chain_info;
mod check;
mod comet;
mod compute;
mod dispute;
mod doctor;
mod dynamic;
mod export;
mod frame;
mod gateway;
mod genesis;
mod gentx;
mod gov;
mod home;
mod init;
mod job;
mod jury;
mod keyring;
mod keys;
mod license;
mod log_level;
mod output;
mod prune;
mod reply;
mod rollback;
mod rpc;
mod sign;
mod snapshots;
mod staked;
mod start;
mod statesync;
mod status;
mod transact;
mod upgrade;
mod validate;
mod vault;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use cairn_kernel::{Address, Router};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use dynamic::Tree;
use home::Home;
use output::Output;

use crate::{Exit, upgrades::Upgrade};

/// The node, the tools and the client of the Cairn chain.
#[derive(Debug, Parser)]
#[command(name = "cairnd", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Where help lists the options that every command takes.
const COMMON: &str = "Common options";

/// Options that every command takes.
#[derive(Debug, Args)]
struct Global {
    /// The folder of keys, configuration and data.
    #[arg(long, global = true, env = "CAIRN_HOME", default_value_os_t = default_home(), help_heading = COMMON)]
    home: PathBuf,
    /// The RPC of the node that client commands ask. Without it, that of the home's app.toml, else http://127.0.0.1:26657.
    #[arg(long, global = true, env = "CAIRN_NODE", help_heading = COMMON)]
    node: Option<String>,
    /// The form of what is printed.
    #[arg(long, short, global = true, value_enum, default_value_t = Output::Text, help_heading = COMMON)]
    output: Output,
}

/// What a supervisor names to the program that it runs, else a folder of the user's.
fn default_home() -> PathBuf {
    if let Some(home) = std::env::var_os("DAEMON_HOME") {
        return PathBuf::from(home);
    }
    std::env::home_dir().unwrap_or_else(|| PathBuf::from(".")).join(".cairn")
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Testnet(init::TestnetArgs),
    Start(start::StartArgs),
    /// Account keys, each in an encrypted file below the home.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The genesis file of a chain that has not started.
    #[command(subcommand)]
    Genesis(GenesisCommand),
    /// Annotation jobs from the requester's side.
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Work on a job as an annotator: claim, fetch, commit, reveal.
    #[command(subcommand)]
    Annotate(annotate::AnnotateCommand),
    /// Arenas: open one, take part, score, claim.
    #[command(subcommand)]
    Arena(arena::ArenaCommand),
    /// Judge disputes as a juror: join, vote, reveal, watch.
    #[command(subcommand)]
    Jury(jury::JuryCommand),
    /// Ordered computation: programs, providers with bonds, jobs whose results anybody may contest.
    #[command(subcommand)]
    Compute(compute::ComputeCommand),
    /// Contests of computed results: claims, matches, and the moves they await.
    #[command(subcommand)]
    Dispute(dispute::DisputeCommand),
    /// Assets from their owner's side: seal content, publish it.
    #[command(subcommand)]
    Asset(asset::AssetCommand),
    /// Licences: buy one, open its content, grant keys, report bad ones.
    #[command(subcommand)]
    License(license::LicenseCommand),
    /// The keys of this validator's share in the chain's randomness: see them, rotate them.
    #[command(subcommand)]
    Beacon(beacon::BeaconCommand),
    /// Governance: draft a proposal, submit it, deposit, vote, see how it stands.
    #[command(subcommand)]
    Gov(gov::GovCommand),
    /// Truth inference outside of consensus.
    #[command(subcommand)]
    Truth(TruthCommand),
    /// Snapshots of the state, from which other nodes start.
    #[command(subcommand)]
    Snapshots(snapshots::SnapshotsCommand),
    #[command(name = "statesync-config")]
    StateSync(statesync::StateSyncArgs),
    Backup(backup::BackupArgs),
    Prune(prune::PruneArgs),
    Rollback(rollback::RollbackArgs),
    ChainInfo(chain_info::ChainInfoArgs),
    Status(status::StatusArgs),
    Doctor(doctor::DoctorArgs),
    LogLevel(log_level::LogLevelArgs),
    Check(check::CheckArgs),
    Export(export::ExportArgs),
    PreUpgrade(upgrade::PreUpgradeArgs),
}

#[derive(Debug, Subcommand)]
enum GenesisCommand {
    #[command(visible_alias = "add-genesis-account")]
    AddAccount(add_account::AddAccountArgs),
    /// Name the account that operates the validator of this home: it may rotate the beacon key.
    SetOperator {
        /// The account.
        address: Address,
    },
    Gentx(Box<gentx::GentxArgs>),
    #[command(visible_alias = "collect-gentxs")]
    Collect(gentx::CollectArgs),
    #[command(visible_alias = "validate-genesis")]
    Validate(validate::ValidateArgs),
}

#[derive(Debug, Subcommand)]
enum TruthCommand {
    Replay(crate::truth::ReplayArgs),
}

/// The messages and the queries that the modules serve.
fn trees() -> (Tree, Tree) {
    let mut router = Router::default();
    crate::modules::all().iter().for_each(|m| m.routes(&mut router));
    let messages = Tree::new("Msg", |m| router.response_url(&format!("/{}", m.input().full_name())).is_ok());
    let paths: Vec<&str> = router.query_paths().collect();
    let queries = Tree::new("Query", |m| paths.contains(&format!("/{}/{}", m.parent_service().full_name(), m.name()).as_str()));
    (messages, queries)
}

/// The whole command line.
fn root(messages: &Tree, queries: &Tree) -> clap::Command {
    Cli::command().subcommand(messages.command(transact::command())).subcommand(queries.command(transact::query_command()))
}

/// Runs the command line of this process, a program that knows `upgrades`, to its end.
#[must_use]
pub fn main(upgrades: Vec<Upgrade>) -> ExitCode {
    match run(upgrades) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", line(error.chain().map(ToString::to_string)));
            ExitCode::from(Exit::of(&error).code())
        }
    }
}

/// An error and its causes in one line. Some errors tell their cause themselves; it is not told again.
fn line(chain: impl Iterator<Item = String>) -> String {
    chain.reduce(|told, cause| if told.ends_with(&cause) { told } else { format!("{told}: {cause}") }).unwrap_or_default()
}

fn run(upgrades: Vec<Upgrade>) -> Result<()> {
    let (messages, queries) = trees();
    let matches = root(&messages, &queries).get_matches();
    let global = Global::from_arg_matches(&matches)?;
    let home = Home::new(global.home);
    let node = global.node.unwrap_or_else(|| home.rpc());
    match matches.subcommand() {
        Some(("tx", inner)) => transact::tx(&messages, inner, &node, &home, global.output),
        Some(("query", inner)) => transact::query(&queries, inner, &node, global.output),
        _ => Cli::from_arg_matches(&matches)?.run(home, node, upgrades),
    }
}

impl Cli {
    fn run(self, home: Home, node: String, upgrades: Vec<Upgrade>) -> Result<()> {
        let output = self.global.output;
        match self.command {
            Command::Init(args) => args.run(&home),
            Command::Testnet(args) => args.run(),
            Command::Start(args) => args.run(&home, upgrades),
            Command::Keys(command) => command.run(&home, output),
            Command::Genesis(command) => command.run(&home),
            Command::Beacon(command) => command.run(&home, &node, output),
            Command::Annotate(command) => command.run(&home, &node, output),
            Command::Arena(command) => command.run(&home, &node, output),
            Command::Job(command) => command.run(&home, &node, output),
            Command::Jury(command) => command.run(&home, &node, output),
            Command::Compute(command) => command.run(&home, &node, output),
            Command::Dispute(command) => command.run(&node, output),
            Command::Asset(command) => command.run(&home, &node, output),
            Command::License(command) => command.run(&home, &node, output),
            Command::Gov(command) => command.run(&home, &node, output),
            Command::Truth(TruthCommand::Replay(args)) => args.run(output == Output::Json, output::stdout()),
            Command::Snapshots(command) => command.run(&home, output),
            Command::StateSync(args) => args.run(&home),
            Command::Backup(args) => args.run(&home, output),
            Command::Prune(args) => args.run(&home),
            Command::Rollback(args) => args.run(&home),
            Command::ChainInfo(args) => args.run(&home),
            Command::Status(args) => args.run(&node),
            Command::Doctor(args) => args.run(&home, output),
            Command::LogLevel(args) => args.run(&home, output),
            Command::Check(args) => args.run(&home),
            Command::Export(args) => args.run(&home),
            Command::PreUpgrade(args) => args.run(&home, upgrades),
        }
    }
}

impl GenesisCommand {
    fn run(self, home: &Home) -> Result<()> {
        // A file may be examined while a chain runs that began with it.
        if !matches!(self, Self::Validate(_)) && check::has_blocks(home)? {
            bail!("the chain of {} has started: its genesis is settled", home.path().display());
        }
        match self {
            Self::AddAccount(args) => change(home, |genesis| args.add(home, genesis)),
            Self::SetOperator { address } => change(home, |genesis| {
                genesis::set_operator(genesis, &comet::ConsensusKey::load(home)?.address, &address)?;
                Ok(format!("{address} operates the validator of {}", home.path().display()))
            }),
            Self::Gentx(args) => args.run(home),
            Self::Collect(args) => args.run(home),
            Self::Validate(args) => args.run(home),
        }
    }
}

/// Changes the genesis file of a home and says what was done.
fn change(home: &Home, work: impl FnOnce(&mut serde_json::Value) -> Result<String>) -> Result<()> {
    let mut genesis = home.genesis()?;
    let done = work(&mut genesis)?;
    home::write_json(&home.config("genesis.json"), &genesis)?;
    println!("{done}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `check` on every command that has no further ones below it, with its path.
    fn leaves(command: &clap::Command, path: &str, check: &mut impl FnMut(&str, &clap::Command)) {
        let path = format!("{path} {}", command.get_name());
        if !command.has_subcommands() {
            check(&path, command);
        }
        command.get_subcommands().for_each(|c| leaves(c, &path, check));
    }

    #[test]
    fn no_argument_of_any_command_meets_a_common_option() {
        let (messages, queries) = trees();
        let mut root = root(&messages, &queries);
        root.build();
        let mut count = 0;
        leaves(&root, "", &mut |_, _| count += 1);
        assert!(count > 100, "{count} commands");
        // Here `version` and `height` are fields and stay what they are.
        let common = ["--node", "http://x", "--height", "7", "-o", "json"];
        let args = [&["cairnd", "query", "licensing", "check-access", "2", "cairn1x", "--version", "3"], &common[..]].concat();
        let matches = self::root(&messages, &queries).try_get_matches_from(args).unwrap();
        let (_, inner) = matches.subcommand().unwrap();
        let (method, inner) = queries.find(inner).unwrap();
        assert_eq!(method.request(inner, None).unwrap().get("version").unwrap(), "3");
        let args = [&["cairnd", "query", "beacon", "beacon", "9"], &common[..]].concat();
        let matches = self::root(&messages, &queries).try_get_matches_from(args).unwrap();
        let (_, inner) = matches.subcommand().unwrap();
        let (method, inner) = queries.find(inner).unwrap();
        assert_eq!(method.request(inner, None).unwrap().get("height").unwrap(), "9");
        assert_eq!(inner.get_one::<String>("height").unwrap(), "7");
    }

    #[test]
    fn a_cause_is_told_once() {
        let line = |chain: &[&str]| super::line(chain.iter().map(ToString::to_string));
        assert_eq!(line(&["cannot read a: no such file", "no such file"]), "cannot read a: no such file");
        assert_eq!(line(&["cannot post", "cannot read a", "no such file"]), "cannot post: cannot read a: no such file");
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        let (messages, queries) = trees();
        leaves(&root(&messages, &queries), "", &mut |path, command| {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.starts_with("cosmos.") && !about.starts_with("cairn."), "{path}: {about:?}");
        });
    }
}
