//! `cairnd`: the node, its tools and the client commands.
use std::process::ExitCode;

fn main() -> ExitCode {
    match cairn_app::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
