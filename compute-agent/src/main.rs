//! `cairn-agent`: runs models, proves, and contests wrong results.
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cairn_agent::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
