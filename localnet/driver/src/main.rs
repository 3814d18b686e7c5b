//! `cairn-driver`: prepares and runs the main job on a network.
use std::process::ExitCode;

use clap::Parser;

use cairn_driver::{accounts::AccountsArgs, digits::DigitsArgs, run::RunArgs};

/// Runs the main job of Cairn on a network, as its users would.
#[derive(Debug, Parser)]
#[command(name = "cairn-driver", version)]
enum Cli {
    Digits(DigitsArgs),
    Accounts(AccountsArgs),
    Run(RunArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Cli::parse() {
        Cli::Digits(args) => args.run(),
        Cli::Accounts(args) => args.run(),
        Cli::Run(args) => args.run().await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
