//! `cairnd chain-info`: what wallets and registries want to know of the chain of this home.
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use cairn_kernel::Router;
use clap::Args;
use serde_json::Value;

use super::home::{Home, write_json};
use crate::chain_info::{ChainInfo, LOGO};

/// What wallets and registries are told of the chain of this home. Addresses, name and kind of the network are the settings `[public]` of
/// app.toml; a running node serves the same below /cairn/chain-info/.
#[derive(Debug, Args)]
pub(crate) struct ChainInfoArgs {
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Form {
    /// Print Keplr's ChainInfo, for experimentalSuggestChain.
    #[arg(long)]
    keplr: bool,
    /// Print chain.json of the Cosmos chain registry.
    #[arg(long)]
    chain: bool,
    /// Print assetlist.json of the Cosmos chain registry.
    #[arg(long)]
    assets: bool,
    /// Print the picture, SVG.
    #[arg(long)]
    logo: bool,
    /// Write all of them into a folder, laid out as the chain registry is.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl ChainInfoArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let info = read(home)?;
        match self.form {
            Form { out: Some(folder), .. } => {
                let folder = write(&info, &folder)?;
                println!("wrote keplr.json, chain.json, assetlist.json and images/cairn.svg to {}", folder.display());
            }
            Form { keplr: true, .. } => print(&info.keplr())?,
            Form { chain: true, .. } => print(&info.chain())?,
            Form { assets: true, .. } => print(&info.assets())?,
            Form { .. } => print!("{LOGO}"),
        }
        Ok(())
    }
}

fn read(home: &Home) -> Result<ChainInfo> {
    let config = home.load_config()?;
    let genesis = home.genesis()?;
    let chain_id = genesis.get("chain_id").and_then(Value::as_str).context("genesis.json names no chain_id")?;
    let mut router = Router::default();
    crate::modules::all().iter().for_each(|module| module.routes(&mut router));
    let paths: Vec<&str> = router.query_paths().collect();
    Ok(ChainInfo::new(chain_id, &config.public()?, config.gas_price()?, |path| paths.contains(&path)))
}

fn print(value: &Value) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Writes every form below `root` and returns the chain's folder.
fn write(info: &ChainInfo, root: &Path) -> Result<PathBuf> {
    let folder = root.join(info.registry_folder());
    let pictures = folder.join("images");
    fs::create_dir_all(&pictures).with_context(|| format!("cannot create {}", pictures.display()))?;
    for (name, value) in [("keplr.json", info.keplr()), ("chain.json", info.chain()), ("assetlist.json", info.assets())] {
        write_json(&folder.join(name), &value)?;
    }
    let logo = pictures.join("cairn.svg");
    fs::write(&logo, LOGO).with_context(|| format!("cannot write {}", logo.display()))?;
    Ok(folder)
}
