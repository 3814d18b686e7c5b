//! `cairn-agent`: runs models, proves, and contests wrong results.
use std::process::ExitCode;

fn main() -> ExitCode {
    match cairn_agent::cli::Cli::load().and_then(cairn_agent::cli::Cli::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
