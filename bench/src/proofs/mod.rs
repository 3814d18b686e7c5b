//! Proofs of small networks: sizes, and what setting up, proving and verifying takes, beside gnark and ezkl on the same jobs.
mod job;
mod peers;
mod table;

use std::{path::Path, time::Instant};

use anyhow::Result;
use cairn_circuits::{Circuit, Head, Input, Job, Kind, Layer, LayerShape, Network, Prover, Shape, verify_all};
use cairn_verifier::{Claim, Context, Fr, MAX_RUNS, PreparedKey, ProofError};
use clap::Args;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Serialize;

use crate::{machine::Clock, process::cpu_of, stats::median};
pub(crate) use peers::ProofPeers;
use peers::{Compared, Task};
pub(crate) use table::write;

/// What is proved, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProofsPlan {
    /// Widths of the networks, inputs first.
    #[arg(long, value_delimiter = ',', default_values = ["64x10", "64x32x10", "128x128"])]
    networks: Vec<String>,
    /// Runs of a proof of the committed networks.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8], value_parser = clap::value_parser!(u16).range(1..=MAX_RUNS as i64))]
    runs: Vec<u16>,
    /// Proofs of each kind, of which the median is told.
    #[arg(long, default_value_t = 7)]
    proofs: usize,
}

/// One circuit.
#[derive(Debug, Serialize)]
pub(crate) struct Proved {
    network: String,
    kind: String,
    runs: u16,
    constraints: usize,
    /// Seconds; CPU that of all cores, of proving the mean of a proof.
    set_up: f64,
    set_up_cpu: f64,
    prove: f64,
    prove_cpu: f64,
    prove_each: Vec<f64>,
    verify: f64,
    /// Of a hundred proofs together, on one core as the chain does it, and on all.
    verify_hundred: f64,
    verify_hundred_shared: f64,
    /// Bytes of the registered key and of a proof.
    key: usize,
    proving_key: u64,
    proof: usize,
    /// Cores that other programs used while it was set up and proved.
    others_cores: f64,
    /// The peers on the first of its jobs.
    peers: Vec<Compared>,
}

/// Measures every circuit of the plan, peers right after us on the same job. `work` is an empty folder.
pub(crate) fn measure(plan: &ProofsPlan, peers: &ProofPeers, work: &Path) -> Result<Vec<Proved>> {
    let mut proved = Vec::new();
    for widths in &plan.networks {
        let network = network(widths)?;
        let shape = network.shape().clone();
        let mut kinds = vec![("constant", Kind::Constant(network.clone()), 1)];
        kinds.extend(plan.runs.iter().map(|runs| ("committed", Kind::Committed(shape.clone()), *runs)));
        kinds.push(("registration", Kind::Registration(shape), 0));
        for (name, kind, runs) in kinds {
            eprintln!("proofs: {widths}, {name}, {runs} runs");
            let circuit = Circuit::new(kind, runs.into())?;
            let mut ours = ours(plan, widths, name, circuit.clone(), &network)?;
            if runs > 0 {
                let path = work.join("job.json");
                job::write(&path, &circuit, &job(&network, circuit.runs(), &mut StdRng::seed_from_u64(2)))?;
                let task = Task { widths, runs: circuit.runs(), repetitions: plan.proofs, job: &path, folder: work };
                ours.peers = peers.run(&task)?;
            }
            proved.push(ours);
        }
    }
    Ok(proved)
}

/// A network of made-up weights whose values stay in the middle of int8.
fn network(widths: &str) -> Result<Network> {
    let widths: Vec<usize> = widths.split('x').map(str::parse).collect::<Result<_, _>>()?;
    let mut random = StdRng::seed_from_u64(1);
    let shift = |inputs: usize| 7 + inputs.max(1).ilog2() / 2;
    let layer = |pair: (&usize, &usize)| LayerShape { outputs: *pair.1, shift: shift(*pair.0), relu: true };
    let layers = widths.iter().zip(widths.iter().skip(1)).map(layer).collect();
    let shape = Shape { inputs: widths.first().copied().unwrap_or(0), layers, head: Head::Argmax };
    let mut numbers = |number: usize, layer: &LayerShape| Layer {
        weights: (0..layer.outputs * shape.inputs_of(number)).map(|_| random.r#gen()).collect(),
        biases: vec![0; layer.outputs],
    };
    let layers = shape.layers.iter().enumerate().map(|(number, layer)| numbers(number, layer)).collect();
    Ok(Network::new(shape.clone(), layers)?)
}

fn ours(plan: &ProofsPlan, widths: &str, kind: &str, circuit: Circuit, network: &Network) -> Result<Proved> {
    let runs = circuit.runs();
    let (before, start) = (cpu_of("self")?, Clock::now(vec![])?);
    let (prover, set_up) = timed(|| Prover::for_tests(circuit, [7; 32]))?;
    let set_up_done = cpu_of("self")?;
    let mut random = StdRng::from_entropy();
    let mut made = Vec::new();
    let mut seconds = Vec::new();
    for _ in 0..plan.proofs.max(1) {
        let job = job(network, runs, &mut random);
        let ((statement, proof), took) = timed(|| prover.prove(&job, &mut random))?;
        made.push((statement.input()?, proof));
        seconds.push(took);
    }
    let prove_cpu = (cpu_of("self")? - set_up_done) / seconds.len().max(1) as f64;
    let others_cores = start.until(&Clock::now(vec![])?).others;
    let mut written = Counter(0);
    prover.write(&mut written)?;
    let key = PreparedKey::new(&prover.record().key);
    let claims: Vec<Claim<'_>> = made.iter().cycle().take(100).map(|(input, proof)| Claim { inputs: vec![*input], proof }).collect();
    let singles: Vec<f64> = claims.iter().map(|claim| Ok(timed(|| key.verify(claim))?.1)).collect::<Result<_>>()?;
    let all = |verdicts: Vec<Result<(), ProofError>>| verdicts.into_iter().collect::<Result<Vec<()>, _>>();
    let together: Vec<f64> = (0..5).map(|_| Ok(timed(|| all(key.verify_all(&claims)))?.1)).collect::<Result<_>>()?;
    let shared: Vec<f64> = (0..5).map(|_| Ok(timed(|| all(verify_all(&key, &claims)))?.1)).collect::<Result<_>>()?;
    Ok(Proved {
        network: widths.to_owned(),
        kind: kind.to_owned(),
        runs: u16::try_from(runs)?,
        constraints: prover.constraints(),
        set_up,
        set_up_cpu: set_up_done - before,
        prove: median(&seconds).unwrap_or_default(),
        prove_cpu,
        prove_each: seconds,
        verify: median(&singles).unwrap_or_default(),
        verify_hundred: median(&together).unwrap_or_default(),
        verify_hundred_shared: median(&shared).unwrap_or_default(),
        key: prover.record().key.bytes().len(),
        proving_key: written.0,
        proof: made.first().map_or(0, |(_, proof)| proof.len()),
        others_cores,
        peers: vec![],
    })
}

fn job(network: &Network, runs: usize, random: &mut StdRng) -> Job {
    let mut input = || Input {
        values: (0..network.shape().inputs).map(|_| random.r#gen()).collect(),
        salt: Fr::from(random.r#gen::<u128>()),
        answer_salt: Fr::from(random.r#gen::<u128>()),
    };
    let inputs = (0..runs).map(|_| input()).collect();
    let context = Context { chain: [1; 32], job: 1, prover: vec![2; 20], program: [3; 32], nonce: 0 };
    Job { context, network: network.clone(), weights_salt: Fr::from(random.r#gen::<u128>()), inputs }
}

fn timed<T, E: Into<anyhow::Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, f64)> {
    let start = Instant::now();
    let made = work().map_err(Into::into)?;
    Ok((made, start.elapsed().as_secs_f64()))
}

/// Counts the bytes that are written into it.
struct Counter(u64);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
