//! What stands on the command line, read as the field that it is for: each refusal says what was given, what is expected, and an example.
use anyhow::{Context, Result, bail};
use clap::{Arg, ArgAction, ArgMatches};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind};
use serde_json::{Value, json};

use super::{enum_names, id, is_coin};
use crate::cli::genesis::{parse_coin, parse_coins};

/// Messages nested as JSON text are no larger than this.
const MAX_FILE: u64 = 16 << 20;
/// Most characters of what was given that a refusal repeats.
const SHOWN: usize = 60;

pub(super) fn page_args() -> Vec<Arg> {
    let text = |name: &'static str, help: &'static str| Arg::new(format!("page_{name}")).long(name).help(help);
    vec![
        text("limit", "Entries wanted").value_name("NUMBER"),
        text("offset", "Entries to pass over").value_name("NUMBER"),
        text("page-key", "next_key of the page before, base64").value_name("BYTES"),
        text("count-total", "Count all entries").action(ArgAction::SetTrue),
        text("reverse", "From the last entry to the first").action(ArgAction::SetTrue),
    ]
}

pub(super) fn page(matches: &ArgMatches) -> Value {
    let text = |name: &str| matches.get_one::<String>(name).map_or(Value::Null, |s| json!(s));
    json!({
        "limit": text("page_limit"), "offset": text("page_offset"), "key": text("page_page-key"),
        "count_total": matches.get_flag("page_count-total"), "reverse": matches.get_flag("page_reverse"),
    })
}

pub(super) fn argument(field: &FieldDescriptor, matches: &ArgMatches) -> Result<Option<Value>> {
    if matches!(field.kind(), Kind::Bool) && !field.is_list() {
        return Ok(matches.get_flag(&id(field)).then_some(Value::Bool(true)));
    }
    let Some(values) = matches.get_many::<String>(&id(field)) else { return Ok(None) };
    let values: Vec<&String> = values.collect();
    match field.kind() {
        Kind::Message(m) if field.is_list() && is_coin(&m) => {
            let coins = parse_coins(values.first().map_or("", |s| s.as_str()))?;
            Ok(Some(coins.iter().map(|c| json!({ "denom": c.denom, "amount": c.amount.to_string() })).collect()))
        }
        _ if field.is_list() => Ok(Some(Value::Array(values.into_iter().map(|v| scalar(field, v)).collect::<Result<_>>()?))),
        _ => values.first().map(|v| scalar(field, v)).transpose(),
    }
}

fn scalar(field: &FieldDescriptor, text: &str) -> Result<Value> {
    match field.kind() {
        Kind::Message(m) if is_coin(&m) => {
            let coin = parse_coin(text)?;
            Ok(json!({ "denom": coin.denom, "amount": coin.amount.to_string() }))
        }
        Kind::Message(m) => {
            let bytes = if let Some(path) = text.strip_prefix('@') { read_file(path)? } else { text.as_bytes().to_vec() };
            serde_json::from_slice(&bytes).with_context(|| {
                format!("expected {} as JSON, such as {{\"field\": \"value\"}}, or @file; found {}; see --help", m.name(), quoted(text))
            })
        }
        Kind::Enum(e) => Ok(json!(enum_value(&e, text)?)),
        Kind::Bytes => Ok(json!(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes(text)?))),
        Kind::Uint32 | Kind::Fixed32 if text.parse::<u32>().is_err() => bail!(not_a_number(text, u32::MAX.into())),
        Kind::Uint64 | Kind::Fixed64 if text.parse::<u64>().is_err() => bail!(not_a_number(text, u64::MAX)),
        _ => Ok(json!(text)),
    }
}

fn not_a_number(text: &str, most: u64) -> String {
    format!("expected a whole number from 0 to {most}, such as 100; found {}", quoted(text))
}

/// What was given, cut where it is long.
fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() { format!("{cut:?}..") } else { format!("{cut:?}") }
}

/// A full name, or its end in any case: `dataset` for `ASSET_KIND_DATASET`.
fn enum_value(e: &EnumDescriptor, text: &str) -> Result<String> {
    let wanted = text.to_ascii_uppercase().replace('-', "_");
    let names = enum_names(e);
    let fits = |n: &&String| **n == wanted || n.ends_with(&format!("_{wanted}"));
    let found = names.iter().find(|n| **n == wanted).or_else(|| names.iter().find(fits));
    found.cloned().with_context(|| format!("expected one of {}; found {}", names.join(", "), quoted(text)))
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    if let Some(path) = text.strip_prefix('@') {
        return read_file(path);
    }
    let bare = text.strip_prefix("0x").unwrap_or(text);
    if let Ok(raw) = hex::decode(bare) {
        return Ok(raw);
    }
    crate::api::json::decode_base64(text)
        .with_context(|| format!("expected hexadecimal such as 0x0a1b, base64 such as Chs=, or @file; found {}", quoted(text)))
}

fn read_file(path: &str) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {path}"))?.len();
    if size > MAX_FILE {
        bail!("{path} has {size} bytes; at most {MAX_FILE} are read");
    }
    std::fs::read(path).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json::Dialect;

    #[test]
    fn enums_and_bytes_are_read_in_the_forms_people_use() {
        let status = Dialect::cairn().pool().get_enum_by_name("cosmos.staking.v1beta1.BondStatus").unwrap();
        assert_eq!(enum_value(&status, "bonded").unwrap(), "BOND_STATUS_BONDED");
        assert!(enum_value(&status, "bond").is_err());
        assert_eq!(bytes("0xff00").unwrap(), [255, 0]);
        assert_eq!(bytes("/wA=").unwrap(), [255, 0]);
        assert!(bytes("@/no/such/file").is_err() && bytes("%").is_err());
    }

    #[test]
    fn a_refusal_says_what_is_expected_and_what_was_given() {
        let message = Dialect::cairn().pool().get_message_by_name("cairn.licensing.v1.MsgBuyLicense").unwrap();
        let refused = |name: &str, text: &str| scalar(&message.get_field_by_name(name).unwrap(), text).unwrap_err().to_string();
        assert_eq!(refused("periods", "-1"), "expected a whole number from 0 to 4294967295, such as 100; found \"-1\"");
        assert_eq!(refused("periods", "4294967296"), "expected a whole number from 0 to 4294967295, such as 100; found \"4294967296\"");
        assert_eq!(scalar(&message.get_field_by_name("periods").unwrap(), "0").unwrap(), json!("0"));
        assert!(refused("signing_key", "{").contains("expected SigningKey as JSON"));
        assert!(refused("public_key", "%").contains("such as 0x0a1b"));
        assert!(refused("payment", "5").contains("such as 1000ucairn; found \"5\""));
        assert_eq!(quoted(&"x".repeat(70)), format!("\"{}\"..", "x".repeat(60)));
    }
}
