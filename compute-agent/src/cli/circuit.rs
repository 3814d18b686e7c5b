//! Which circuit a command is about.
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cairn_circuits::{Circuit, Kind, Network, network_of};
use cairn_models::ModelFile;
use cairn_verifier::Serves;
use clap::{Args, ValueEnum};

use super::files;

/// How a circuit takes the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Weights {
    /// As constants: everybody may know them, and the key is of this model alone.
    Constant,
    /// As a commitment: they stay with the owner, and the key serves all models of the shape.
    Committed,
    /// The proof that a commitment opens to int8 weights: made once a model, before its committed proofs mean anything.
    Registration,
}

/// A circuit by its model.
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// The model, whose program must be layers of Linear, Requantise and Relu, at the end Argmax.
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    /// How the circuit takes the weights.
    #[arg(long, value_enum, default_value = "constant")]
    pub(crate) weights: Weights,
    /// Runs that one proof holds, 1 to 64; a registration has none.
    #[arg(long, default_value_t = 1)]
    pub(crate) runs: usize,
}

impl Which {
    /// The network and the circuit.
    pub(crate) fn circuit(&self) -> Result<(Network, Circuit)> {
        let network = network(&files::model(&self.model)?, &self.model)?;
        let shape = network.shape().clone();
        let (kind, runs) = match self.weights {
            Weights::Constant => (Kind::Constant(network.clone()), self.runs),
            Weights::Committed => (Kind::Committed(shape), self.runs),
            Weights::Registration => (Kind::Registration(shape), 0),
        };
        Ok((network, Circuit::new(kind, runs).context("no circuit has so many runs")?))
    }
}

impl Which {
    /// What a key of the circuit serves.
    pub(crate) fn serves(&self) -> Result<Serves> {
        let model = files::model(&self.model)?;
        Ok(match self.weights {
            Weights::Constant => Serves::Program(model.id()),
            Weights::Committed | Weights::Registration => Serves::Sizes(network(&model, &self.model)?.shape().sizes()),
        })
    }
}

/// The network of a model, which was read from a file.
pub(crate) fn network(model: &ModelFile, file: &Path) -> Result<Network> {
    network_of(model.program(), model.tensors()).with_context(|| format!("{} cannot be proven", file.display()))
}
