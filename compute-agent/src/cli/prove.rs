//! `cairn-agent prove` and `cairn-agent verify`.
use std::{fs::File, io::BufReader, path::PathBuf, time::Instant};

use anyhow::{Context, Result, bail};
use ark_bn254::Fr;
use ark_ff::UniformRand;
use cairn_circuits::{Input, Job, Prover};
use cairn_kernel::{Address, chain32};
use cairn_verifier::{Context as Bound, RecordFile};
use clap::Args;
use rand::rngs::OsRng;

use super::{
    circuit::Which,
    files::{self, For},
};
use crate::proofs::{Opening, ProofFile, salt_of};

/// Prove that a small network turned inputs into answers.
#[derive(Debug, Args)]
pub(crate) struct Prove {
    #[command(flatten)]
    which: Which,
    /// The proving key (`cairn-agent ceremony key` or `alone`).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The inputs: a JSON list of lists of int8, one a run.
    #[arg(long, value_name = "FILE")]
    inputs: PathBuf,
    /// Chain that the proof is for.
    #[arg(long, value_name = "ID")]
    chain_id: String,
    /// Job on that chain; 0: none.
    #[arg(long, default_value_t = 0)]
    job: u64,
    /// Whose proof it is; nobody else can use it.
    #[arg(long, value_name = "ADDRESS")]
    prover: String,
    /// What else it is bound to.
    #[arg(long, default_value_t = 0)]
    nonce: u64,
    /// Salt of the commitment to the weights, 32 bytes in hexadecimal, as it was registered; without it a new one.
    #[arg(long, value_name = "HEX")]
    weights_salt: Option<String>,
    /// The proof, for anybody.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What opens its commitments: inputs, answers, salts. Only for whom they concern.
    #[arg(long, value_name = "FILE")]
    opening: PathBuf,
}

impl Prove {
    pub(crate) fn run(self) -> Result<()> {
        let (network, circuit) = self.which.circuit()?;
        let program = files::model(&self.which.model)?.id();
        let prover_address = Address::parse(&self.prover).map_err(|error| anyhow::anyhow!("--prover: {error}"))?;
        let file = File::open(&self.key).with_context(|| format!("cannot read {}", self.key.display()))?;
        let prover = Prover::read(circuit, &mut BufReader::new(file)).with_context(|| self.key.display().to_string())?;
        let inputs: Vec<Vec<i8>> = files::read_json(&self.inputs)?;
        if inputs.len() != prover.circuit().runs() {
            bail!("the circuit has {} runs, {} has {} inputs", prover.circuit().runs(), self.inputs.display(), inputs.len());
        }
        let context =
            Bound { chain: chain32(&self.chain_id), job: self.job, prover: prover_address.as_bytes().to_vec(), program, nonce: self.nonce };
        let weights_salt = self.weights_salt.as_deref().map_or_else(|| Ok(Fr::rand(&mut OsRng)), salt_of)?;
        let run = |values| Input { values, salt: Fr::rand(&mut OsRng), answer_salt: Fr::rand(&mut OsRng) };
        let job = Job { context, network, weights_salt, inputs: inputs.into_iter().map(run).collect() };
        eprintln!("proving {} constraints", prover.constraints());
        let started = Instant::now();
        let (statement, proof) = prover.prove(&job, &mut OsRng)?;
        let took = started.elapsed();
        let opening = Opening::of(&job, statement.weights.is_some()).context("an input is not of the network")?;
        let out = ProofFile::of(prover.record(), &self.chain_id, &prover_address, &statement, &proof);
        files::create(&self.opening, For::Owner, |file| files::json(file, &opening))?;
        files::create(&self.out, For::Everybody, |file| files::json(file, &out))?;
        println!("proved in {:.3} s, key {}", took.as_secs_f64(), out.key);
        for (number, run) in opening.runs.iter().enumerate() {
            match (run.class, &run.values) {
                (Some(class), _) => println!("  run {number}: class {class}"),
                (_, values) => println!("  run {number}: {:?}", values.as_deref().unwrap_or_default()),
            }
        }
        println!("wrote {} and {}", self.out.display(), self.opening.display());
        Ok(())
    }
}

/// Check a proof, and what it says.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The proof.
    proof: PathBuf,
    /// The record of its key: as registered on the chain, not as the prover gives it.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// What opens its commitments: then inputs and answers are checked too.
    #[arg(long, value_name = "FILE")]
    opening: Option<PathBuf>,
}

impl Verify {
    pub(crate) fn run(self) -> Result<()> {
        let file: ProofFile = files::read_json(&self.proof)?;
        let record = files::read_json::<RecordFile>(&self.record)?.record().with_context(|| self.record.display().to_string())?;
        let statement = file.verify(&record).context("the proof is refused")?;
        println!("the proof holds: program {} of {} runs", file.program, file.runs.len());
        println!("  for job {} on {}, by {}, nonce {}", file.job, file.chain_id, file.prover, file.nonce);
        println!("  key {}: {}", file.key, record.provenance);
        if let Some(path) = &self.opening {
            let opening: Opening = files::read_json(path)?;
            opening.check(&statement).context("the proof says something else than the opening")?;
            println!("  its commitments open to the inputs and answers of {}", path.display());
        }
        Ok(())
    }
}
