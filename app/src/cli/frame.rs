//! CometBFT's part of a genesis file, read as CometBFT reads it: whole numbers are texts, and what is of another type stops a node at its start.
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_proto::{
    Duration,
    tendermint::types::{AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams},
};
use serde_json::{Map, Value};

use super::{comet::ConsensusKey, genesis::check_chain_id};
use crate::{Genesis, Validator};

const NANOS: i64 = 1_000_000_000;
/// CometBFT's bound of all voting power (`types.MaxTotalVotingPower`).
const MAX_TOTAL_POWER: u64 = i64::MAX.unsigned_abs() / 8;

/// What CometBFT would hand to the application, and everything for which it would not: of what is wrong stands something that is not.
pub(super) fn read(file: &Value) -> (Genesis, Vec<String>) {
    let mut reader = Reader::default();
    let nothing = Map::new();
    let file = reader.object("the file", file, &nothing);
    let genesis = reader.genesis(file, &nothing);
    (genesis, reader.faults)
}

/// Reads values at their names, and notes the faults.
#[derive(Default)]
struct Reader {
    faults: Vec<String>,
}

impl Reader {
    fn fault(&mut self, at: &str, expected: &str, found: Option<&Value>) {
        let found = found.map_or_else(|| "nothing".to_owned(), |found| brief(&found.to_string()));
        self.faults.push(format!("{at}: expected {expected}, found {found}"));
    }

    fn object<'a>(&mut self, at: &str, found: &'a Value, nothing: &'a Map<String, Value>) -> &'a Map<String, Value> {
        found.as_object().unwrap_or_else(|| {
            self.fault(at, "an object", Some(found));
            nothing
        })
    }

    fn part<'a>(&mut self, whole: &'a Map<String, Value>, at: &str, nothing: &'a Map<String, Value>) -> &'a Map<String, Value> {
        self.object(at, value(whole, at).unwrap_or(&Value::Null), nothing)
    }

    fn text<'a>(&mut self, whole: &'a Map<String, Value>, at: &str) -> &'a str {
        match value(whole, at) {
            None | Some(Value::Null) => "",
            Some(Value::String(text)) => text,
            other => {
                self.fault(at, "a text", other);
                ""
            }
        }
    }

    fn number<N: FromStr + ToString + Default>(&mut self, whole: &Map<String, Value>, at: &str) -> N {
        let found = value(whole, at);
        found.and_then(Value::as_str).and_then(number).unwrap_or_else(|| {
            self.fault(at, "a whole number of 64 bits as text, such as \"100\"", found);
            N::default()
        })
    }

    fn list<'a>(&mut self, whole: &'a Map<String, Value>, at: &str) -> &'a [Value] {
        match value(whole, at) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(values)) => values,
            other => {
                self.fault(at, "a list", other);
                &[]
            }
        }
    }

    fn genesis(&mut self, file: &Map<String, Value>, nothing: &Map<String, Value>) -> Genesis {
        let chain_id = self.text(file, "chain_id").to_owned();
        if let Err(e) = check_chain_id(&chain_id) {
            self.faults.push(format!("chain_id: {e}"));
        }
        let time = humantime::parse_rfc3339(self.text(file, "genesis_time")).ok();
        let time = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_else(|| {
            self.fault("genesis_time", "a moment such as 2026-01-31T15:00:00Z", file.get("genesis_time"));
            std::time::Duration::ZERO
        });
        let mut initial_height = self.number(file, "initial_height");
        if !(1..=i64::MAX).contains(&initial_height) {
            self.fault("initial_height", "a number from 1", file.get("initial_height"));
            initial_height = 1;
        }
        if hex::decode(self.text(file, "app_hash")).is_err() {
            self.fault("app_hash", "nothing, or hexadecimal digits", file.get("app_hash"));
        }
        Genesis {
            chain_id,
            time: time.as_secs(),
            nanos: time.subsec_nanos(),
            initial_height: initial_height.unsigned_abs(),
            params: self.params(file, nothing),
            validators: self.validators(file),
            app_state: file.get("app_state").map(ToString::to_string).unwrap_or_default().into_bytes(),
        }
    }

    fn params(&mut self, file: &Map<String, Value>, nothing: &Map<String, Value>) -> ConsensusParams {
        let params = self.part(file, "consensus_params", nothing);
        let block = self.part(params, "consensus_params.block", nothing);
        let evidence = self.part(params, "consensus_params.evidence", nothing);
        let validator = self.part(params, "consensus_params.validator", nothing);
        let version = self.part(params, "consensus_params.version", nothing);
        let abci = self.part(params, "consensus_params.abci", nothing);
        let age: i64 = self.number(evidence, "consensus_params.evidence.max_age_duration");
        ConsensusParams {
            block: Some(BlockParams {
                max_bytes: self.number(block, "consensus_params.block.max_bytes"),
                max_gas: self.number(block, "consensus_params.block.max_gas"),
            }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: self.number(evidence, "consensus_params.evidence.max_age_num_blocks"),
                max_age_duration: Some(Duration {
                    seconds: age.wrapping_div(NANOS),
                    nanos: i32::try_from(age.wrapping_rem(NANOS)).unwrap_or_default(),
                }),
                max_bytes: self.number(evidence, "consensus_params.evidence.max_bytes"),
            }),
            validator: Some(ValidatorParams { pub_key_types: self.key_types(validator) }),
            version: Some(VersionParams { app: self.number(version, "consensus_params.version.app") }),
            abci: Some(AbciParams {
                vote_extensions_enable_height: self.number(abci, "consensus_params.abci.vote_extensions_enable_height"),
            }),
        }
    }

    fn key_types(&mut self, validator: &Map<String, Value>) -> Vec<String> {
        let at = "consensus_params.validator.pub_key_types";
        let mut found = Vec::new();
        for listed in self.list(validator, at) {
            match listed {
                Value::String(kind) => found.push(kind.clone()),
                other => self.fault(at, "texts", Some(other)),
            }
        }
        found
    }

    fn validators(&mut self, file: &Map<String, Value>) -> Vec<Validator> {
        let mut found: Vec<Validator> = Vec::new();
        for (place, listed) in self.list(file, "validators").iter().enumerate() {
            match validator(listed) {
                Ok(validator) if found.iter().any(|other| other.address == validator.address) => {
                    self.faults.push(format!("validators[{place}]: the key is an earlier one's too"));
                }
                Ok(validator) => found.push(validator),
                Err(e) => self.faults.push(format!("validators[{place}]: {e}")),
            }
        }
        let total = found.iter().fold(0_u64, |total, validator| total.saturating_add(validator.power));
        if total > MAX_TOTAL_POWER {
            self.faults.push(format!("validators: their powers come to {total}, at most {MAX_TOTAL_POWER} are possible"));
        }
        found
    }
}

/// What stands under the last name of a path.
fn value<'a>(whole: &'a Map<String, Value>, at: &str) -> Option<&'a Value> {
    whole.get(at.rsplit('.').next().unwrap_or(at))
}

/// A number as Go's JSON has it: no sign before a positive one, no zeros before it.
fn number<N: FromStr + ToString>(text: &str) -> Option<N> {
    text.parse().ok().filter(|number: &N| number.to_string() == text)
}

/// At most the beginning of what was found: a file may hold anything.
fn brief(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}..", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn validator(listed: &Value) -> Result<Validator> {
    let text = |path: &str| match listed.pointer(path) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => bail!("expected a text in {}, found {}", path.trim_start_matches('/'), brief(&other.to_string())),
    };
    let key: Option<[u8; 32]> = BASE64.decode(text("/pub_key/value")?).ok().and_then(|key| key.try_into().ok());
    let key = key.filter(|_| text("/pub_key/type").is_ok_and(|kind| kind == "tendermint/PubKeyEd25519"));
    let own = ConsensusKey::new(key.context("expected an Ed25519 key in pub_key")?).address;
    let address = text("/address")?;
    if !address.is_empty() && !address.eq_ignore_ascii_case(&hex::encode(own)) {
        bail!("address {address} is not that of the key, {}", hex::encode_upper(own));
    }
    let _name = text("/name")?;
    let power = text("/power")?;
    let power =
        number(power).filter(|power: &i64| *power > 0).with_context(|| format!("power {:?} must be a positive number", brief(power)))?;
    Ok(Validator { address: own.to_vec(), power: power.unsigned_abs() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        let key = ConsensusKey::new([7; 32]);
        json!({
            "genesis_time": "2026-01-31T15:00:00Z",
            "chain_id": "cairn-1",
            "initial_height": "1",
            "consensus_params": {
                "block": { "max_bytes": "4194304", "max_gas": "-1" },
                "evidence": { "max_age_num_blocks": "302400", "max_age_duration": "604800000000001", "max_bytes": "1048576" },
                "validator": { "pub_key_types": ["ed25519"] },
                "version": { "app": "1" },
                "abci": { "vote_extensions_enable_height": "0" }
            },
            "validators": [{
                "address": hex::encode_upper(key.address), "name": "a", "power": "10",
                "pub_key": { "type": "tendermint/PubKeyEd25519", "value": BASE64.encode([7; 32]) }
            }],
            "app_hash": "",
            "app_state": {}
        })
    }

    /// The faults of the file with something else at a place.
    fn faults(at: &str, other: Value) -> Vec<String> {
        let mut file = good();
        *file.pointer_mut(at).unwrap() = other;
        read(&file).1
    }

    #[test]
    fn a_good_file_is_read_whole() {
        let (genesis, none) = read(&good());
        assert_eq!(none, [""; 0]);
        assert_eq!((genesis.chain_id.as_str(), genesis.initial_height, genesis.time), ("cairn-1", 1, 1_769_871_600));
        let params = genesis.params;
        assert_eq!(params.block.unwrap(), BlockParams { max_bytes: 4_194_304, max_gas: -1 });
        assert_eq!(params.evidence.unwrap().max_age_duration.unwrap(), Duration { seconds: 604_800, nanos: 1 });
        assert_eq!(params.validator.unwrap().pub_key_types, ["ed25519"]);
        assert_eq!((params.version.unwrap().app, params.abci.unwrap().vote_extensions_enable_height), (1, 0));
        assert_eq!(genesis.validators, [Validator { address: ConsensusKey::new([7; 32]).address.to_vec(), power: 10 }]);
        for (at, none) in
            [("/validators", json!(null)), ("/validators", json!([])), ("/app_hash", json!(null)), ("/validators/0/address", json!(""))]
        {
            assert_eq!(faults(at, none), [""; 0], "{at}");
        }
    }

    #[test]
    fn whatever_comet_cannot_read_is_told_by_its_name() {
        let numbers =
            ["/consensus_params/block/max_bytes", "/consensus_params/block/max_gas", "/consensus_params/evidence/max_age_num_blocks"];
        let more = ["/consensus_params/evidence/max_age_duration", "/consensus_params/evidence/max_bytes", "/consensus_params/version/app"];
        let last = ["/consensus_params/abci/vote_extensions_enable_height", "/initial_height", "/validators/0/power"];
        for at in numbers.iter().chain(&more).chain(&last) {
            let bad = [
                json!(null),
                json!(""),
                json!(5),
                json!(1.5),
                json!("1e3"),
                json!("+5"),
                json!("007"),
                json!("\u{0}x"),
                json!(true),
                json!([]),
                json!({}),
            ];
            for other in bad.into_iter().chain([json!("99999999999999999999"), json!("-9999999999999999999"), json!("5 ")]) {
                assert!(!faults(at, other.clone()).is_empty(), "{at} {other}");
            }
        }
        for at in ["", "/consensus_params", "/consensus_params/block", "/consensus_params/evidence", "/consensus_params/version"] {
            for other in [json!(null), json!(""), json!([]), json!(-1), json!("0"), json!(true), json!({})] {
                assert!(!faults(at, other.clone()).is_empty(), "{at} {other}");
            }
        }
        for (at, other) in [
            ("/consensus_params/validator", json!(true)),
            ("/consensus_params/validator/pub_key_types", json!(1.5)),
            ("/consensus_params/validator/pub_key_types", json!({})),
            ("/consensus_params/validator/pub_key_types/0", json!({})),
            ("/consensus_params/abci", json!({})),
            ("/validators", json!("922")),
            ("/validators", json!({})),
            ("/validators/0", json!("a")),
            ("/validators/0/address", json!([])),
            ("/validators/0/address", json!("00")),
            ("/validators/0/name", json!({})),
            ("/validators/0/power", json!("0")),
            ("/validators/0/power", json!("-1")),
            ("/validators/0/power", json!("1152921504606846976")),
            ("/validators/0/pub_key/type", json!("tendermint/PubKeySecp256k1")),
            ("/validators/0/pub_key/value", json!("AA==")),
            ("/initial_height", json!("0")),
            ("/initial_height", json!("-1")),
            ("/app_hash", json!("x")),
            ("/genesis_time", json!("yesterday")),
            ("/genesis_time", json!("1969-12-31T23:59:59Z")),
            ("/chain_id", json!("cairn")),
        ] {
            let found = faults(at, other.clone());
            let last = at.rsplit('/').find(|name| name.parse::<u8>().is_err()).unwrap();
            assert!(found.len() == 1 && (found[0].contains(last) || at.contains("validators/0")), "{at} {other}: {found:?}");
        }
        assert_eq!(faults("/validators/0/power", json!("1152921504606846975")), [""; 0]);
    }

    #[test]
    fn one_key_is_one_validators() {
        let mut file = good();
        let twice = file["validators"][0].clone();
        file["validators"].as_array_mut().unwrap().push(twice);
        assert_eq!(read(&file).1, ["validators[1]: the key is an earlier one's too"]);
    }

    #[test]
    fn what_was_found_is_shown_in_brief() {
        let found = faults("/initial_height", json!("9".repeat(1 << 20)));
        assert!(found.iter().all(|fault| fault.len() < 200), "{}", found[0].len());
    }
}
