//! `cairnd export`: the state of a node that is not running, as a genesis file from which a chain goes on.
use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_proto::tendermint::types::ConsensusParams;
use clap::Args;
use serde_json::{Value, json};

use super::{
    check,
    comet::ConsensusKey,
    home::{Home, write_json},
};
use crate::{Elected, Exported};

/// Write the state as a genesis file from which a chain goes on, with the same heights. The node must not be running.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Where to.
    #[arg(long, visible_alias = "output-document")]
    out: PathBuf,
    /// The state after this block instead of the newest; as far back as the setting 'pruning' keeps it.
    #[arg(long)]
    height: Option<u64>,
}

impl ExportArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        let app = check::open(home)?;
        app.latest().context("there is no committed block yet")?;
        let exported = app.export_at(self.height)?;
        write_json(&self.out, &genesis(&exported)?)?;
        println!("wrote the state after block {} to {}", exported.block.height, self.out.display());
        Ok(())
    }
}

/// The genesis file. It keeps the chain's name, which signatures and commitments hold, and begins with the next height; its time is that of the
/// last block, before which nothing may happen.
fn genesis(exported: &Exported) -> Result<Value> {
    let Exported { block, params, validators, app_state } = exported;
    let since = Duration::new(block.time, block.nanos);
    let time = std::time::UNIX_EPOCH.checked_add(since).context("the last block has no time")?;
    Ok(json!({
        "genesis_time": humantime::format_rfc3339_nanos(time).to_string(),
        "chain_id": block.chain_id,
        "initial_height": block.height.checked_add(1).context("there is no next height")?.to_string(),
        "consensus_params": consensus(params),
        "validators": validators.iter().map(validator).collect::<Result<Vec<_>>>()?,
        "app_hash": "",
        "app_state": app_state,
    }))
}

fn consensus(params: &ConsensusParams) -> Value {
    let (block, evidence) = (params.block.unwrap_or_default(), params.evidence.unwrap_or_default());
    let age = evidence.max_age_duration.unwrap_or_default();
    let nanos = i128::from(age.seconds).saturating_mul(1_000_000_000).saturating_add(age.nanos.into());
    let keys = params.validator.clone().unwrap_or_default().pub_key_types;
    let version = params.version.map_or(0, |version| version.app);
    let extensions = params.abci.map_or(0, |abci| abci.vote_extensions_enable_height);
    json!({
        "block": { "max_bytes": block.max_bytes.to_string(), "max_gas": block.max_gas.to_string() },
        "evidence": {
            "max_age_num_blocks": evidence.max_age_num_blocks.to_string(), "max_age_duration": nanos.to_string(),
            "max_bytes": evidence.max_bytes.to_string(),
        },
        "validator": { "pub_key_types": keys },
        "version": { "app": version.to_string() },
        "abci": { "vote_extensions_enable_height": extensions.to_string() },
    })
}

fn validator(elected: &Elected) -> Result<Value> {
    let key: [u8; 32] = elected.key.as_slice().try_into().context("a consensus key has 32 bytes")?;
    Ok(json!({
        "address": hex::encode_upper(ConsensusKey::new(key).address),
        "pub_key": { "type": "tendermint/PubKeyEd25519", "value": BASE64.encode(key) },
        "power": elected.power.to_string(),
        "name": elected.moniker,
    }))
}
