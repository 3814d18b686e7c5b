//! `cairnd compute circuits|register-circuit|retire-circuit`: keys under which results are proven.
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use cairn_proto::{
    cairn::compute::v1::{
        Circuit, CircuitLayer, CircuitSizes, MsgRegisterCircuit, MsgRegisterCircuitResponse, MsgRetireCircuit, QueryCircuitsRequest,
        QueryCircuitsResponse,
    },
    pack,
};
use clap::{ArgGroup, Args};
use serde::Deserialize;
use serde_json::json;

use super::{
    Hash, parse_hash,
    send::{read, send, told},
    show::all,
};
use crate::cli::{dispute::word, home::Home, job::Sender, output::Output, rpc::Rpc};

/// Register a key under which results are proven. What it costs is burnt; `cairnd compute params` tells it.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("of").required(true)))]
pub(crate) struct CircuitArgs {
    /// The key's record, a JSON file that 'cairn-agent ceremony' wrote.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// Runs that a proof under it holds; 0 where it proves that a commitment opens to weights.
    #[arg(long, default_value_t = 1)]
    runs: u32,
    /// Your program, whose weights are constants of the circuit.
    #[arg(long, value_name = "HEX", value_parser = parse_hash, group = "of")]
    program: Option<Hash>,
    /// Of a network with private weights: its inputs, then each layer's outputs with the bits that it shifts by and 'relu' where it has one:
    /// 64,32:9:relu,10.
    #[arg(long, value_parser = parse_sizes, group = "of")]
    sizes: Option<CircuitSizes>,
    /// Such a network answers the values of its last layer, not the number of the largest.
    #[arg(long, conflicts_with = "program")]
    values: bool,
    #[command(flatten)]
    sender: Sender,
}

/// Inputs and layers of a network in words.
fn parse_sizes(text: &str) -> Result<CircuitSizes> {
    let (inputs, layers) = text.split_once(',').context("inputs and at least one layer are expected, such as 64,32:9:relu,10")?;
    let number = |text: &str| text.parse::<u32>().with_context(|| format!("a whole number is expected, found {text:?}"));
    let layer = |text: &str| {
        let mut parts = text.split(':');
        let outputs = number(parts.next().unwrap_or_default())?;
        let shift = parts.next().map_or(Ok(0), number)?;
        let relu = match (parts.next(), parts.next()) {
            (None, _) => false,
            (Some("relu"), None) => true,
            _ => bail!("a layer is OUTPUTS, OUTPUTS:SHIFT or OUTPUTS:SHIFT:relu, found {text:?}"),
        };
        Ok(CircuitLayer { outputs, shift, relu })
    };
    let layers = layers.split(',').map(layer).collect::<Result<_>>()?;
    Ok(CircuitSizes { inputs: number(inputs)?, layers, values: false })
}

/// A key's record as a file holds it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordFile {
    id: String,
    circuit: String,
    provenance: String,
    key: String,
}

impl RecordFile {
    fn message(&self, registrar: String, args: &CircuitArgs) -> Result<MsgRegisterCircuit> {
        let bytes = |text: &str, name: &str| hex::decode(text).with_context(|| format!("{name} of the record is not hexadecimal"));
        Ok(MsgRegisterCircuit {
            registrar,
            circuit: bytes(&self.circuit, "circuit")?,
            provenance: bytes(&self.provenance, "provenance")?,
            key: bytes(&self.key, "key")?,
            runs: args.runs,
            program_id: args.program.map(Vec::from).unwrap_or_default(),
            sizes: args.sizes.clone().map(|sizes| CircuitSizes { values: args.values, ..sizes }),
        })
    }
}

pub(super) fn register(rpc: &Rpc, home: &Home, args: &CircuitArgs, output: Output) -> Result<()> {
    let expected = r#"a record is JSON such as {"id": "..", "circuit": "..", "provenance": "..", "key": ".."}"#;
    let record: RecordFile = serde_json::from_slice(&read(&args.record)?).context(expected)?;
    let message = record.message(args.sender.entry(home)?.address.to_string(), args)?;
    let (height, done): (_, MsgRegisterCircuitResponse) = send(rpc, home, &args.sender, |_| pack(&message))?;
    let id = hex::encode(done.key_id);
    if id != record.id.to_lowercase() {
        bail!("the key is registered as {id}, its record names itself {}: whoever made the record named it wrongly", record.id);
    }
    let next = format!("cairnd compute post --program HEX --proven --key {id} --input-root HEX --price AMOUNT --from NAME");
    told(output, &json!({ "key": id, "height": height }), if args.runs > 0 { &next } else { "" })
}

pub(super) fn retire(rpc: &Rpc, home: &Home, key: &Hash, program: Option<Hash>, sender: &Sender, output: Output) -> Result<()> {
    let program_id = program.map(Vec::from).unwrap_or_default();
    let message = |registrar| pack(&MsgRetireCircuit { registrar, key_id: key.to_vec(), program_id });
    let (height, ()) = send(rpc, home, sender, message)?;
    told(output, &json!({ "retired": hex::encode(key), "height": height }), "jobs that name it run on; new ones need another")
}

pub(super) fn list(rpc: &Rpc, program: Option<Hash>, output: Output) -> Result<()> {
    let program_id = program.map(hex::encode).unwrap_or_default();
    let found = all(|pagination| {
        let request = QueryCircuitsRequest { program_id: program_id.clone(), pagination };
        let answer: QueryCircuitsResponse = rpc.ask("/cairn.compute.v1.Query/Circuits", &request)?;
        Ok((answer.circuits, answer.pagination))
    })?;
    output.table(&["key", "of", "runs", "trust", "retired"], &found.iter().map(row).collect::<Vec<_>>())
}

fn row(circuit: &Circuit) -> Vec<String> {
    let of = circuit.sizes.as_ref().map_or_else(|| format!("program {}", hex::encode(&circuit.program_id)), in_words);
    let retired = if circuit.retired { "yes" } else { "no" };
    vec![hex::encode(&circuit.key_id), of, circuit.runs.to_string(), word(circuit.trust().as_str_name(), "TRUST_"), retired.to_owned()]
}

/// Sizes as [`parse_sizes`] takes them.
fn in_words(sizes: &CircuitSizes) -> String {
    let layer = |layer: &CircuitLayer| match (layer.shift, layer.relu) {
        (0, false) => format!(",{}", layer.outputs),
        (shift, false) => format!(",{}:{shift}", layer.outputs),
        (shift, true) => format!(",{}:{shift}:relu", layer.outputs),
    };
    let layers: String = sizes.layers.iter().map(layer).collect();
    format!("{}{layers}{}", sizes.inputs, if sizes.values { " values" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_shown() {
        for text in ["64,10", "64,32:9:relu,10", "1,2:3", "4,5:0:relu"] {
            assert_eq!(in_words(&parse_sizes(text).unwrap()), text);
        }
        let found = parse_sizes("64,32:9:relu,10").unwrap();
        let layer = |outputs, shift, relu| CircuitLayer { outputs, shift, relu };
        assert_eq!(found, CircuitSizes { inputs: 64, layers: vec![layer(32, 9, true), layer(10, 0, false)], values: false });
        for bad in ["", "64", "64,", ",10", "a,10", "64,10:relu", "64,10:1:tanh", "64,10:1:relu:2", "64,-1", "64,10,"] {
            assert!(parse_sizes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_row_tells_whom_one_trusts() {
        let mut circuit = Circuit { key_id: vec![1], program_id: vec![2], runs: 4, ..Circuit::default() };
        circuit.set_trust(cairn_proto::cairn::compute::v1::Trust::SingleParty);
        assert_eq!(row(&circuit), ["01", "program 02", "4", "single party", "no"]);
        let sizes = CircuitSizes { values: true, ..parse_sizes("2,3").unwrap() };
        let shared = Circuit { sizes: Some(sizes), retired: true, ..circuit };
        assert_eq!(row(&shared)[1..], ["2,3 values", "4", "single party", "yes"]);
    }
}
