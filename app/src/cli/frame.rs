//! CometBFT's part of a genesis file, read as CometBFT reads it: whole numbers are texts, and what is of another type stops a node at its start.
use std::{str::FromStr, time::UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use cairn_proto::{
    Duration,
    tendermint::types::{AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams},
};
use serde_json::Value;

use super::{comet::ConsensusKey, genesis::check_chain_id};
use crate::{Genesis, Validator, api::json::expected};

const NANOS: i64 = 1_000_000_000;
/// CometBFT's bound of all voting power (`types.MaxTotalVotingPower`).
const MAX_TOTAL_POWER: u64 = i64::MAX.unsigned_abs() / 8;

/// What CometBFT would hand to the application, and everything for which it would not: of what is wrong stands something that is not.
pub(super) fn read(file: &Value) -> (Genesis, Vec<String>) {
    let mut reader = Reader { file, faults: Vec::new() };
    let genesis = reader.genesis();
    (genesis, reader.faults)
}

/// Reads values at their names, such as `validators[0].power`, and notes the faults.
struct Reader<'a> {
    file: &'a Value,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    /// What stands at a name; JSON's null where nothing does, as in Go.
    fn at(&self, name: &str) -> &'a Value {
        let path = name.replace(']', "").replace(['.', '['], "/");
        self.file.pointer(&format!("/{path}")).unwrap_or(&Value::Null)
    }

    fn fault(&mut self, name: &str, what: &str) {
        let fault = expected(what, self.at(name));
        self.faults.push(format!("{name}: {fault}"));
    }

    fn is_object(&mut self, name: &str) -> bool {
        let is = self.at(name).is_object();
        if !is {
            self.fault(name, "an object");
        }
        is
    }

    fn text(&mut self, name: &str) -> &'a str {
        match self.at(name) {
            Value::Null => "",
            Value::String(text) => text,
            _ => {
                self.fault(name, "a text");
                ""
            }
        }
    }

    fn list(&mut self, name: &str) -> &'a [Value] {
        match self.at(name) {
            Value::Null => &[],
            Value::Array(values) => values,
            _ => {
                self.fault(name, "a list");
                &[]
            }
        }
    }

    /// A number as Go's JSON has it in a text: no sign before a positive one, no zeros before it.
    fn number<N: FromStr + ToString>(&mut self, name: &str, what: &str, good: fn(&N) -> bool) -> Option<N> {
        let text = self.at(name).as_str().unwrap_or_default();
        let number = text.parse().ok().filter(|number: &N| number.to_string() == text && good(number));
        if number.is_none() {
            self.fault(name, what);
        }
        number
    }

    fn any_number<N: FromStr + ToString + Default>(&mut self, name: &str) -> N {
        self.number(name, "a whole number of 64 bits as text, such as \"100\"", |_| true).unwrap_or_default()
    }

    fn positive(&mut self, name: &str) -> Option<u64> {
        self.number(name, "a number from 1 as text, such as \"100\"", |number: &i64| *number > 0).map(i64::unsigned_abs)
    }

    fn genesis(&mut self) -> Genesis {
        if !self.file.is_object() {
            self.faults.push(format!("the file: {}", expected("an object", self.file)));
        }
        let chain_id = self.text("chain_id").to_owned();
        if let Err(e) = check_chain_id(&chain_id) {
            self.faults.push(format!("chain_id: {e}"));
        }
        let time = humantime::parse_rfc3339(self.text("genesis_time")).ok();
        let time = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_else(|| {
            self.fault("genesis_time", "a moment such as 2026-01-31T15:00:00Z");
            std::time::Duration::ZERO
        });
        let initial_height = self.positive("initial_height").unwrap_or(1);
        if hex::decode(self.text("app_hash")).is_err() {
            self.fault("app_hash", "nothing, or hexadecimal digits");
        }
        Genesis {
            chain_id,
            time: time.as_secs(),
            nanos: time.subsec_nanos(),
            initial_height,
            params: self.params(),
            validators: self.validators(),
            app_state: self.file.get("app_state").map(ToString::to_string).unwrap_or_default().into_bytes(),
        }
    }

    fn params(&mut self) -> ConsensusParams {
        for part in ["", ".block", ".evidence", ".validator", ".version", ".abci"] {
            self.is_object(&format!("consensus_params{part}"));
        }
        let age: i64 = self.any_number("consensus_params.evidence.max_age_duration");
        ConsensusParams {
            block: Some(BlockParams {
                max_bytes: self.any_number("consensus_params.block.max_bytes"),
                max_gas: self.any_number("consensus_params.block.max_gas"),
            }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: self.any_number("consensus_params.evidence.max_age_num_blocks"),
                max_age_duration: Some(Duration {
                    seconds: age.wrapping_div(NANOS),
                    nanos: i32::try_from(age.wrapping_rem(NANOS)).unwrap_or_default(),
                }),
                max_bytes: self.any_number("consensus_params.evidence.max_bytes"),
            }),
            validator: Some(ValidatorParams { pub_key_types: self.key_types() }),
            version: Some(VersionParams { app: self.any_number("consensus_params.version.app") }),
            abci: Some(AbciParams {
                vote_extensions_enable_height: self.any_number("consensus_params.abci.vote_extensions_enable_height"),
            }),
        }
    }

    fn key_types(&mut self) -> Vec<String> {
        let name = "consensus_params.validator.pub_key_types";
        (0..self.list(name).len()).map(|place| self.text(&format!("{name}[{place}]")).to_owned()).collect()
    }

    fn validators(&mut self) -> Vec<Validator> {
        let mut found: Vec<Validator> = Vec::new();
        for place in 0..self.list("validators").len() {
            let name = format!("validators[{place}]");
            let Some(validator) = self.validator(&name) else { continue };
            if found.iter().any(|other| other.address == validator.address) {
                self.faults.push(format!("{name}: the key is an earlier one's too"));
            } else {
                found.push(validator);
            }
        }
        let total = found.iter().fold(0_u64, |total, validator| total.saturating_add(validator.power));
        if total > MAX_TOTAL_POWER {
            self.faults.push(format!("validators: their powers come to {total}, at most {MAX_TOTAL_POWER} are possible"));
        }
        found
    }

    fn validator(&mut self, name: &str) -> Option<Validator> {
        if !self.is_object(name) {
            return None;
        }
        self.text(&format!("{name}.name"));
        let power = self.positive(&format!("{name}.power"));
        let address = self.text(&format!("{name}.address"));
        let is_ed25519 = self.at(&format!("{name}.pub_key.type")) == "tendermint/PubKeyEd25519";
        let key = self.at(&format!("{name}.pub_key.value")).as_str().and_then(|key| BASE64.decode(key).ok()?.try_into().ok());
        let Some(key) = key.filter(|_| is_ed25519) else {
            self.fault(&format!("{name}.pub_key"), "an Ed25519 key");
            return None;
        };
        let own = ConsensusKey::new(key).address;
        if !address.is_empty() && !address.eq_ignore_ascii_case(&hex::encode(own)) {
            self.fault(&format!("{name}.address"), &format!("that of the key, {}", hex::encode_upper(own)));
        }
        Some(Validator { address: own.to_vec(), power: power? })
    }
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
