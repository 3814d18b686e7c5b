//! What the doctor finds in the home: settings, genesis, keys, state.
use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::Finding;
use crate::{
    App, Exit, Settings, admin,
    cli::{
        beacon,
        comet::{self, ConsensusKey},
        home::Home,
        rpc::Rpc,
        start,
    },
    config::Config,
};

pub(super) fn examine(home: &Home, config: &Config, running: bool) -> Vec<Finding> {
    vec![
        settings(config),
        Finding::of("CometBFT's settings", comet::check_config(home).map(|_| "readable".to_owned()), "correct the line that is named"),
        genesis(home),
        secrets(home),
        keys(home),
        state(home, running),
        door(home, running),
    ]
}

fn settings(config: &Config) -> Finding {
    Finding::ok("settings", format!("pruning {}, minimum gas price {}", config.pruning, config.minimum_gas_price))
}

fn genesis(home: &Home) -> Finding {
    let read = home.genesis().and_then(|genesis| {
        let chain = genesis.get("chain_id").and_then(Value::as_str).context("genesis.json names no chain_id")?;
        Ok(format!("of chain {chain}"))
    });
    Finding::of("genesis", read, "put the genesis file of the chain into config/genesis.json")
}

fn secrets(home: &Home) -> Finding {
    match home.check_secrets().and_then(|()| home.secrets()) {
        Ok(files) => Finding::ok("secrets", format!("{} files, readable by their owner only", files.len())),
        Err(error) => {
            let said = format!("{error:#}");
            let fix = said.split_once("; run: ").map_or("make the files readable by their owner only", |(_, command)| command);
            Finding::fault("secrets", said.split("; run: ").next().unwrap_or_default(), format!("run: {fix}"))
        }
    }
}

fn keys(home: &Home) -> Finding {
    let read = ConsensusKey::load(home).and_then(|key| {
        let node = comet::node_id(home)?;
        Ok(format!("validator {}, node {node}", hex::encode_upper(key.address)))
    });
    Finding::of("keys", read, "restore config/priv_validator_key.json and config/node_key.json from their backup")
}

/// Whether the state opens with this program and began with this genesis file. Not looked at while its node runs.
fn state(home: &Home, running: bool) -> Finding {
    let folder = home.data("state");
    if !folder.exists() {
        return Finding::ok("state", "none yet; it begins with the genesis file");
    }
    let opened = App::open(&folder, Settings::default()).map_err(anyhow::Error::from).and_then(|app| {
        start::compare_genesis(home, &app)?;
        Ok(app.latest().map_or_else(|| "no block yet".to_owned(), |v| format!("at height {}", v.height)))
    });
    match opened {
        Err(error) if Exit::of(&error) == Exit::Locked && running => Finding::ok("state", "in use by the running node"),
        Err(error) => {
            let fix = match Exit::of(&error) {
                Exit::Locked => "another process has this home: stop it, or choose another --home",
                Exit::Schema => "run the cairnd that wrote it, or a newer one",
                Exit::WrongChain => "restore the genesis file that it began with, or choose another --home",
                Exit::DiskFull => "make room on the disk",
                _ => "restore a backup, or delete 'data' and sync anew; keep data/priv_validator_state.json",
            };
            Finding::fault("state", format!("{error:#}"), fix)
        }
        Ok(found) => Finding::ok("state", found),
    }
}

/// Whether the running node answers its operator.
fn door(home: &Home, running: bool) -> Finding {
    match admin::ask(&home.admin(), &json!({ "do": "log-level" })) {
        Ok(answer) => {
            let levels = answer.get("levels").and_then(Value::as_str).unwrap_or_default().to_owned();
            Finding::ok("admin socket", format!("answers; log levels {levels}"))
        }
        Err(error) if running => {
            let fix = "is the CometBFT that answers another home's? stop it, or set comet.rpc in config/app.toml to that of this home";
            Finding::fault("admin socket", format!("{error:#}"), fix)
        }
        Err(_) => Finding::skipped("admin socket", "the node is not running"),
    }
}

/// Whether the keys with which this node would take part in the beacon are those that the chain wants: a running node's, else genesis's.
pub(super) fn beacon_key(home: &Home, rpc: &Rpc) -> Finding {
    let fix = "restore the key's file in config from its backup, or every block that this validator proposes with it is refused";
    Finding::of("beacon key", registered(home, rpc), fix)
}

fn registered(home: &Home, rpc: &Rpc) -> Result<String> {
    let held: Vec<[u8; 32]> = home.vrf_keys()?.iter().map(|found| *found.key.public().as_bytes()).collect();
    let own = ConsensusKey::load(home)?.address;
    let (wanted, by) = match beacon::validator(rpc, &own) {
        Ok(record) => (record.map(|v| [Some(v.vrf_key), v.next.map(|next| next.vrf_key)]), "the chain"),
        Err(_) => (genesis_key(home, &own)?.map(|key| [Some(key), None]), "genesis"),
    };
    let Some(wanted) = wanted else {
        return Ok(
            if held.is_empty() { "none is needed: this node is no validator" } else { "present; this node is no validator" }.to_owned()
        );
    };
    for key in wanted.into_iter().flatten() {
        if !held.iter().any(|held| *held == *key) {
            bail!("{by} names key {} for this validator, which is not in config", hex::encode(key));
        }
    }
    Ok(format!("what {by} names is here"))
}

/// The beacon key that genesis names for a validator.
fn genesis_key(home: &Home, address: &[u8; 20]) -> Result<Option<Vec<u8>>> {
    let genesis = home.genesis()?;
    let name = BASE64.encode(address);
    let validators = genesis.pointer("/app_state/beacon/validators").and_then(Value::as_array);
    let mine = validators.into_iter().flatten().find(|v| v.get("address").and_then(Value::as_str) == Some(&name));
    let text = mine.and_then(|v| v.get("vrf_key")).and_then(Value::as_str);
    text.map(|text| BASE64.decode(text).context("genesis.json: a vrf_key is not base64")).transpose()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::Status;
    use super::*;

    #[test]
    fn files_are_looked_at_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        home.ensure_vrf_key().unwrap();
        let status = |findings: Vec<Finding>, name| findings.into_iter().find(|f| f.check == name).unwrap().status;
        let look = |name| status(examine(&home, &Config::default(), false), name);
        assert_eq!((look("genesis"), look("keys"), look("CometBFT's settings")), (Status::Fault, Status::Fault, Status::Fault));
        assert_eq!((look("secrets"), look("state"), look("admin socket")), (Status::Ok, Status::Ok, Status::Skipped));
        std::fs::set_permissions(home.config("vrf_key"), std::fs::Permissions::from_mode(0o644)).unwrap();
        let loose = secrets(&home);
        assert_eq!((loose.status, loose.fix.starts_with("run: chmod 600 '")), (Status::Fault, true));
        std::fs::write(home.config("genesis.json"), r#"{"chain_id": "cairn-x-1"}"#).unwrap();
        assert_eq!(genesis(&home).found, "of chain cairn-x-1");
        assert_eq!(door(&home, true).status, Status::Fault);
    }

    #[test]
    fn a_state_in_use_is_no_fault_of_the_node_that_uses_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        std::fs::create_dir_all(home.path().join("config")).unwrap();
        std::fs::write(home.config("genesis.json"), r#"{"chain_id": "cairn-x-1"}"#).unwrap();
        let app = App::open(&home.data("state"), Settings::default()).unwrap();
        assert_eq!(state(&home, true).found, "in use by the running node");
        let other = state(&home, false);
        assert_eq!((other.status, other.fix.contains("another process")), (Status::Fault, true));
        drop(app);
        assert_eq!(state(&home, false).found, "no block yet");
        std::fs::write(home.data("state/CURRENT"), "MANIFEST-999999\n").unwrap();
        assert_eq!(state(&home, false).status, Status::Fault);
    }
}
