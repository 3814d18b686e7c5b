//! `cairnd genesis validate`: everything that keeps a chain from starting with a genesis file.
use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_proto::tendermint::types::{BlockParams, ConsensusParams};
use clap::Args;
use serde_json::Value;

use super::{
    comet::ConsensusKey,
    genesis::check_chain_id,
    home::{Home, read_json},
};
use crate::{App, Genesis, Settings, Validator};

/// CometBFT's own limit of a block.
const MAX_BLOCK_BYTES: i64 = 104_857_600;

/// Say everything that keeps a chain from starting with the genesis file. Nothing is changed.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// The file, instead of the home's.
    file: Option<std::path::PathBuf>,
}

impl ValidateArgs {
    /// Runs the command; fails if there is a fault.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let path = self.file.unwrap_or_else(|| home.config("genesis.json"));
        let genesis = read_json(&path)?;
        refuse(&faults(&genesis))?;
        println!("a chain can start from {}", path.display());
        Ok(())
    }
}

/// Tells the faults, each in its line, and fails; nothing where there is none.
pub(super) fn refuse(faults: &[String]) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    faults.iter().for_each(|fault| eprintln!("- {fault}"));
    bail!("no chain can start from the genesis file: {} faults", faults.len())
}

/// Everything that is wrong with a genesis file: CometBFT's frame first, then what the modules make of it.
pub(super) fn faults(file: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let genesis = frame(file, &mut faults);
    match examine(&genesis) {
        Ok(found) => faults.extend(found),
        Err(e) => faults.push(format!("app_state cannot be examined: {e:#}")),
    }
    faults
}

fn examine(genesis: &Genesis) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().context("a temporary folder is needed")?;
    Ok(App::open(folder.path(), Settings::default())?.examine(genesis))
}

/// What CometBFT would hand to the application.
fn frame(file: &Value, faults: &mut Vec<String>) -> Genesis {
    let text = |name: &str| file.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let chain_id = text("chain_id");
    if let Err(e) = check_chain_id(&chain_id) {
        faults.push(format!("chain_id: {e}"));
    }
    let time = humantime::parse_rfc3339(&text("genesis_time")).ok();
    let time = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_else(|| {
        faults.push(format!("genesis_time: expected a moment such as 2026-01-31T15:00:00Z, found {:?}", text("genesis_time")));
        std::time::Duration::ZERO
    });
    let initial_height = text("initial_height").parse().ok().filter(|height| *height > 0).unwrap_or_else(|| {
        faults.push(format!("initial_height: expected a number from 1, as text, found {:?}", file.get("initial_height")));
        1
    });
    let params = ConsensusParams { block: Some(block_params(file, faults)), ..ConsensusParams::default() };
    let listed = file.get("validators").and_then(Value::as_array).cloned().unwrap_or_default();
    let validators = listed.iter().enumerate().filter_map(|(place, v)| match validator(v) {
        Ok(found) => Some(found),
        Err(e) => {
            faults.push(format!("validators[{place}]: {e}"));
            None
        }
    });
    let validators = validators.collect();
    let app_state = file.get("app_state").map(ToString::to_string).unwrap_or_default().into_bytes();
    Genesis { chain_id, time: time.as_secs(), nanos: time.subsec_nanos(), initial_height, params, validators, app_state }
}

fn block_params(file: &Value, faults: &mut Vec<String>) -> BlockParams {
    let mut number = |name: &str, good: fn(i64) -> bool, expected: &str| {
        let found = file.pointer(&format!("/consensus_params/block/{name}"));
        let read = found.and_then(Value::as_str).and_then(|text| text.parse().ok()).filter(|n| good(*n));
        read.unwrap_or_else(|| {
            faults.push(format!("consensus_params.block.{name}: expected {expected}, as text, found {}", found.unwrap_or(&Value::Null)));
            -1
        })
    };
    let bytes = |n| n == -1 || (1..=MAX_BLOCK_BYTES).contains(&n);
    BlockParams {
        max_bytes: number("max_bytes", bytes, "1 to 104857600, or -1"),
        max_gas: number("max_gas", |n| n >= -1, "a number from 0, or -1 for no limit"),
    }
}

fn validator(listed: &Value) -> Result<Validator> {
    let at = |path: &str| listed.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let key: Option<[u8; 32]> = BASE64.decode(at("/pub_key/value")).ok().and_then(|key| key.try_into().ok());
    let key = key.filter(|_| at("/pub_key/type") == "tendermint/PubKeyEd25519").context("expected an Ed25519 key in pub_key")?;
    let address = ConsensusKey::new(key).address;
    if !at("/address").is_empty() && !at("/address").eq_ignore_ascii_case(&hex::encode(address)) {
        bail!("address {} is not that of the key, {}", at("/address"), hex::encode_upper(address));
    }
    let power =
        at("/power").parse().ok().filter(|power| *power > 0).with_context(|| format!("power {:?} must be positive", at("/power")))?;
    Ok(Validator { address: address.to_vec(), power })
}
