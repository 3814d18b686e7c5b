//! The commands.
mod bench;
mod ceremony;
mod checkup;
mod circuit;
mod config;
mod doctor;
pub(crate) mod files;
mod models;
mod prove;
mod quantise;
mod run;
mod seal;
mod serve;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Computes for a Cairn chain: runs models on any GPU or CPU, proves, and contests wrong results.
#[derive(Debug, Parser)]
#[command(name = "cairn-agent", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Bench(bench::Bench),
    Init(config::Init),
    Doctor(doctor::Doctor),
    Prove(prove::Prove),
    Receipt(serve::Check),
    Serve(serve::Serve),
    Verify(prove::Verify),
    #[command(subcommand)]
    Ceremony(ceremony::CeremonyCommand),
    #[command(subcommand)]
    Models(models::ModelsCommand),
}

impl Cli {
    /// The command line with the settings of the home's `agent.toml`; ends the program where the words are wrong.
    ///
    /// # Errors
    /// A file that says what is no setting.
    pub fn load() -> Result<Self> {
        Ok(Self::parse_from(config::completed(std::env::args_os().collect())?))
    }

    /// Does what was asked for.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Run(command) => command.run(),
            Command::Bench(command) => command.run(),
            Command::Init(command) => command.run(),
            Command::Doctor(command) => command.run(),
            Command::Prove(command) => command.run(),
            Command::Receipt(command) => command.run(),
            Command::Serve(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Ceremony(command) => command.run(),
            Command::Models(command) => command.run(),
        }
    }
}

/// Runs as a provider that falsifies one node of every program, to show what becomes of it.
#[derive(Debug, Parser)]
#[command(name = "cairn-liar", version)]
pub struct Liar {
    #[command(flatten)]
    run: run::Run,
    /// The node, from 0.
    #[arg(long, default_value_t = 0)]
    node_number: usize,
}

impl Liar {
    /// Lies until it is stopped.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub fn run(self) -> Result<()> {
        self.run.run_on(|device| Box::new(crate::liar::Liar::new(device, self.node_number)))
    }
}
