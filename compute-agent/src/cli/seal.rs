//! `cairn-agent models seal`.
use std::{fs::File, io::BufReader, path::PathBuf};

use anyhow::{Context, Result, bail};
use ark_bn254::Fr;
use ark_ff::UniformRand;
use cairn_circuits::{Circuit, Job, Kind, Network, Prover};
use cairn_kernel::{Address, chain32};
use cairn_models::{Card, ModelFile};
use cairn_program::{Graph, Kind as Numbers, Node, Op, Operand};
use cairn_verifier::{Context as Bound, SealFile};
use clap::Args;
use rand::rngs::OsRng;
use serde_json::json;

use super::{
    circuit::network,
    files::{self, For},
};
use crate::proofs::{salt_of, salt_text, weights_element};

/// Keep a small model's weights to yourself: write a program that pins a commitment to them, and the proof that registering it takes.
///
/// The model's file and the salt stay with you: an agent that finds both in its folder of private networks runs and proves the program. The key is of the
/// registration circuit of the model's sizes ('cairn-agent ceremony .. --weights registration'), and registered on the chain.
#[derive(Debug, Args)]
pub(crate) struct Seal {
    /// The model, whose program must be layers of Linear, Requantise and Relu, at the end Argmax.
    model: PathBuf,
    /// Salt of the commitment: read where it is there, drawn and written where it is not. [default: beside the model, NAME.salt]
    #[arg(long, value_name = "FILE")]
    salt: Option<PathBuf>,
    /// The proving key of the registration circuit.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Chain that the program is registered on.
    #[arg(long, value_name = "ID")]
    chain_id: String,
    /// Account that registers it; nobody else can by this seal.
    #[arg(long, value_name = "ADDRESS")]
    owner: String,
    /// The public model's file to write (.safetensors): graph and card without weights.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The seal to write, for 'cairnd compute register-program --seal'.
    #[arg(long, value_name = "FILE")]
    seal: PathBuf,
}

impl Seal {
    pub(crate) fn run(self) -> Result<()> {
        files::is_free(&self.out)?;
        files::is_free(&self.seal)?;
        let private = files::model(&self.model)?;
        let network = network(&private, &self.model)?;
        let owner = Address::parse(&self.owner).map_err(|error| anyhow::anyhow!("--owner: {error}"))?;
        let circuit = Circuit::new(Kind::Registration(network.shape().clone()), 0)?;
        let file = File::open(&self.key).with_context(|| format!("cannot read {}", self.key.display()))?;
        let prover = Prover::read(circuit, &mut BufReader::new(file)).with_context(|| self.key.display().to_string())?;
        let salt = self.salt()?;
        let public = sealed(&private, &network, salt)?;
        let context = Bound { chain: chain32(&self.chain_id), job: 0, prover: owner.as_bytes().to_vec(), program: public.id(), nonce: 0 };
        eprintln!("proving {} constraints", prover.constraints());
        let weights = weights_element(salt, &network);
        let job = Job { context, network: network.clone(), weights_salt: salt, inputs: Vec::new() };
        let (_, proof) = prover.prove(&job, &mut OsRng)?;
        let seal = SealFile {
            node: 0,
            sizes: network.shape().sizes(),
            weights: hex::encode(weights.bytes()),
            key: hex::encode(prover.record().id()),
            proof: hex::encode(proof),
        };
        let bytes = public.write()?;
        files::create(&self.out, For::Everybody, |out| Ok(out.write_all(&bytes)?))?;
        files::create(&self.seal, For::Everybody, |out| files::json(out, &seal))?;
        let report = json!({ "program": hex::encode(public.id()), "model": self.out, "seal": self.seal, "key": seal.key });
        println!("{report:#}");
        Ok(())
    }

    /// The salt, which is never written over: a commitment whose salt is lost is of no use.
    fn salt(&self) -> Result<Fr> {
        let path = self.salt.clone().unwrap_or_else(|| self.model.with_extension("salt"));
        if path.exists() {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            return salt_of(text.trim()).with_context(|| path.display().to_string());
        }
        let salt = Fr::rand(&mut OsRng);
        files::create(&path, For::Owner, |out| Ok(writeln!(out, "{}", salt_text(salt))?))?;
        eprintln!("wrote {}: keep it, and to yourself", path.display());
        Ok(salt)
    }
}

/// A program of one operator that pins a commitment to a network's weights.
fn sealed(private: &ModelFile, network: &Network, salt: Fr) -> Result<ModelFile> {
    let sizes = network.shape().sizes();
    let circuit = sizes.sealed(&weights_element(salt, network));
    let kind = if sizes.values { Numbers::I8 } else { Numbers::I32 };
    let input = private.program().graph().input.clone();
    if input.kind != Numbers::I8 {
        bail!("the program of a private network takes int8");
    }
    let nodes = vec![Node { op: Op::Sealed { circuit, outputs: sizes.outputs(), kind }, operands: vec![Operand::Input] }];
    let card = Card { description: "private weights; a commitment to them is part of the program".to_owned(), ..private.card().clone() };
    ModelFile::new(card, Graph::new(input, Vec::new(), nodes), Vec::new()).context("no program is made of it")
}
