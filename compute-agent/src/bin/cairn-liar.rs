//! `cairn-liar`: `cairn-agent run` with a device that falsifies one node. For local networks and tests: it loses its bond.
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cairn_agent::cli::Liar::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
