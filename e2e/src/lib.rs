//! Real networks for tests: unmodified CometBFT, `cairnd` and `cairn-gateway` as processes on loopback, each stopped by its own id.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot set up its network must end loudly"
)]

mod cosmos_cli;
pub mod cosmovisor;
pub mod evidence;
mod join;
mod network;
mod operators;
mod ports;
mod process;
pub mod questions;
pub mod simd;
pub mod twins;
mod wait;

pub use cosmos_cli::CosmosCli;
pub use cosmovisor::Cosmovisor;
pub use join::configure;
pub use network::{Network, Options};
pub use process::Process;
pub use simd::Simd;
pub use wait::until;

use std::path::{Path, PathBuf};

/// The repository as cargo names it when it runs the test: a build folder that several check-outs share may hold a test built in another one.
#[must_use]
pub fn root() -> PathBuf {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&folder).parent().expect("e2e lies in the repository").to_owned()
}

/// The folder that holds the programs under test: that of the test itself, two levels up.
#[must_use]
pub fn programs() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it lies");
    test.ancestors().nth(2).expect("a test lies in target/<profile>/deps").to_owned()
}

/// A program built with this repository. The Makefile builds them before the tests.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let path = programs().join(name);
    assert!(path.exists(), "{} is not built; run the tests with 'make test'", path.display());
    path
}
