//! `cairnd compute circuits|register-circuit|retire-circuit`: keys under which results are proven.
use std::path::PathBuf;

use anyhow::{Context, Result};
use cairn_compute::{RecordFile, key_registration};
use cairn_proto::{
    cairn::compute::v1::{
        Circuit, CircuitLayer, CircuitSizes, MsgRegisterCircuitResponse, MsgRetireCircuit, QueryCircuitsRequest, QueryCircuitsResponse,
    },
    pack,
};
use clap::Args;
use serde_json::json;

use super::{
    Hash,
    send::{read, send, told},
    show::all,
};
use crate::cli::{dispute::word, home::Home, job::Sender, output::Output, rpc::Rpc};

/// Register a key under which results are proven. What it costs is burnt; `cairnd compute params` tells it.
#[derive(Debug, Args)]
pub(crate) struct CircuitArgs {
    /// The key's record, a JSON file that 'cairn-agent ceremony' wrote. It is checked before anything is paid.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    #[command(flatten)]
    sender: Sender,
}

pub(super) fn register(rpc: &Rpc, home: &Home, args: &CircuitArgs, output: Output) -> Result<()> {
    let name = args.record.display();
    let file: RecordFile = serde_json::from_slice(&read(&args.record)?)
        .with_context(|| format!("{name} is no record of a key: 'cairn-agent ceremony key' and 'ceremony alone' write one"))?;
    let message = key_registration(&file, args.sender.entry(home)?.address.to_string()).with_context(|| format!("{name} is refused"))?;
    let (height, done): (_, MsgRegisterCircuitResponse) = send(rpc, home, &args.sender, |_| pack(&message))?;
    let id = hex::encode(done.key_id);
    let program = file.program.as_deref().unwrap_or("HEX");
    let next = format!("cairnd compute post --program {program} --proven --key {id} --input-root HEX --price AMOUNT --from NAME");
    told(output, &json!({ "key": id, "height": height }), if file.runs > 0 { &next } else { "" })
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

/// Sizes: inputs, then each layer's outputs with the bits that it shifts by and whether it has a ReLU.
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
    fn sizes_are_shown_in_words() {
        let layer = |outputs, shift, relu| CircuitLayer { outputs, shift, relu };
        let sizes = CircuitSizes { inputs: 64, layers: vec![layer(32, 9, true), layer(10, 0, false)], values: false };
        assert_eq!(in_words(&sizes), "64,32:9:relu,10");
        assert_eq!(in_words(&CircuitSizes { values: true, layers: vec![layer(2, 3, false)], ..sizes }), "64,2:3 values");
    }

    #[test]
    fn a_row_tells_whom_one_trusts() {
        let mut circuit = Circuit { key_id: vec![1], program_id: vec![2], runs: 4, ..Circuit::default() };
        circuit.set_trust(cairn_proto::cairn::compute::v1::Trust::SingleParty);
        assert_eq!(row(&circuit), ["01", "program 02", "4", "single party", "no"]);
        let layers = vec![CircuitLayer { outputs: 3, shift: 0, relu: false }];
        let sizes = CircuitSizes { inputs: 2, layers, values: true };
        let shared = Circuit { sizes: Some(sizes), retired: true, ..circuit };
        assert_eq!(row(&shared)[1..], ["2,3 values", "4", "single party", "yes"]);
    }
}
