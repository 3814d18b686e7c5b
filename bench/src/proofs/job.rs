//! The job that peers prove: our network, inputs and salts, and the statement that our own prover makes of them.
use std::{fs, path::Path};

use anyhow::Result;
use cairn_circuits::{Answer, Circuit, Job, Kind};
use cairn_verifier::{
    Element, Fr,
    poseidon::{FULL_ROUNDS, constants},
};
use serde_json::{Value, json};

/// Bits of a field element into which slots are packed.
const ELEMENT_BITS: u32 = 253;

/// Writes a job for `bench/gnark` and `bench/ezkl`: integers, and field elements as 64 hexadecimal digits.
pub(super) fn write(path: &Path, circuit: &Circuit, job: &Job) -> Result<()> {
    Ok(fs::write(path, serde_json::to_vec(&described(circuit, job)?)?)?)
}

fn described(circuit: &Circuit, job: &Job) -> Result<Value> {
    let constant = matches!(circuit.kind(), Kind::Constant(_));
    let (network, shape) = (&job.network, circuit.shape());
    let numbered = network.layers().iter().zip(&shape.layers).enumerate();
    let layers: Vec<Value> = numbered
        .map(|(number, (layer, size))| {
            let bits = if constant { network.exact_bits(number) } else { shape.committed_bits(number) };
            json!({"outputs": size.outputs, "shift": size.shift, "relu": size.relu, "bits": bits, "weights": layer.weights, "biases": layer.biases})
        })
        .collect();
    let mut runs = Vec::new();
    for input in &job.inputs {
        let Answer::Class(class) = network.run(&input.values)? else { anyhow::bail!("peers prove classes alone") };
        runs.push(json!({"values": input.values, "salt": hex(input.salt), "answer_salt": hex(input.answer_salt), "class": class}));
    }
    let rows = |rows: &[[Fr; 9]]| rows.iter().map(|row| row.iter().map(|one| hex(*one)).collect()).collect::<Vec<Vec<String>>>();
    Ok(json!({
        "constant": constant,
        "inputs": shape.inputs,
        "element_bits": ELEMENT_BITS,
        "layers": layers,
        "weights_salt": hex(job.weights_salt),
        "context": job.context.limbs()?.map(hex),
        "runs": runs,
        "statement": hex(circuit.statement(job)?.input()?),
        "poseidon": {"full_rounds": FULL_ROUNDS, "rounds": rows(&constants().rounds), "mds": rows(&constants().mds)},
    }))
}

fn hex(value: Fr) -> String {
    hex::encode(Element::from(value).bytes())
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_job_holds_what_a_peer_needs() {
        let network = super::super::network("6x4x3").unwrap();
        let job = super::super::job(&network, 2, &mut StdRng::seed_from_u64(1));
        let circuit = Circuit::new(Kind::Committed(network.shape().clone()), 2).unwrap();
        let made = described(&circuit, &job).unwrap();
        assert_eq!(made["constant"], false);
        assert_eq!(made["layers"][0]["weights"].as_array().unwrap().len(), 24);
        assert_eq!(made["layers"][1]["bits"], network.shape().committed_bits(1));
        assert_eq!(made["runs"].as_array().unwrap().len(), 2);
        assert_eq!(made["statement"].as_str().unwrap().len(), 64);
        assert_eq!(made["poseidon"]["rounds"].as_array().unwrap().len(), 71);
    }
}
