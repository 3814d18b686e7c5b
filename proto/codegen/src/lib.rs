//! Makes the Rust of `cairn-proto` and its descriptor set from our `.proto` files and the Cosmos contract.

mod output;
mod services;
mod signers;
mod sources;

use std::path::{Path, PathBuf};

use anyhow::Result;
use prost_build::Config;

pub use output::Files;
use services::Routes;
use sources::Sources;

/// The file that lists the generated packages as a tree of modules.
const MODULES: &str = "mod.rs";
/// The merged descriptor set: Cosmos as published, ours with comments.
const DESCRIPTORS: &str = "descriptors.binpb";

/// The folder `proto/` of the checkout in which cargo runs this; several may share a build folder.
pub fn proto_dir() -> PathBuf {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&folder).with_file_name("")
}

/// Generates everything from `proto/cairn/**` and `proto/descriptors/cosmos.binpb`, in memory.
///
/// # Errors
/// A `.proto` file that does not compile, a message without a usable signer, a streaming method.
pub fn generate(proto: &Path) -> Result<Files> {
    let sources = Sources::read(proto)?;
    let routes = Routes::new(&sources.pool)?;
    let dir = tempfile::tempdir()?;
    Config::new()
        .out_dir(dir.path())
        .include_file(MODULES)
        .enable_type_names()
        .type_name_domain(["."], "")
        .service_generator(Box::new(routes))
        .compile_fds(sources.generated)?;
    let mut files = Files::read(dir.path())?;
    files.add(DESCRIPTORS, sources.descriptors);
    Ok(files)
}
