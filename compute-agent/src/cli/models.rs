//! `cairn-agent models`: trains, quantises, inspects, runs and rates models.
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use ark_bn254::Fr;
use ark_ff::UniformRand;
use cairn_device::{FLEX, Need, open};
use cairn_models::{
    Accuracy, Answer, Card, Design, Form, MAX_FILE_BYTES, ModelFile, Named, Picture, Pictures, Training, answers, inputs, picture,
    quantise, read_file, train, write_inputs,
};
use clap::{Args, Subcommand, ValueEnum};
use rand::rngs::OsRng;
use serde_json::{Value, json};

use super::{
    files::{self, For},
    quantise::{Quantise, count_as},
    seal::Seal,
};
use crate::proofs::SaltedInputs;

/// Train, quantise, inspect, run, rate and seal models.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    Train(Train),
    Quantise(Quantise),
    Inspect(Inspect),
    Run(Run),
    Inputs(Prepare),
    Accuracy(Rate),
    Seal(Seal),
}

/// What kind of network is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// One hidden layer of 32 values; circuits prove it.
    Mlp,
    /// Two convolutions with pools.
    Cnn,
}

/// Labelled pictures.
#[derive(Debug, Args)]
pub(crate) struct Labelled {
    /// The folder of a job's items: grey PNG pictures of one size.
    #[arg(long)]
    items: PathBuf,
    /// Their labels: JSON Lines with `item` and `class`, as `cairnd job export` writes them.
    #[arg(long)]
    labels: PathBuf,
}

/// Train a network on labelled pictures, quantise it, and write the model; prints accuracy on pictures held out, before and after.
#[derive(Debug, Args)]
pub(crate) struct Train {
    #[command(flatten)]
    labelled: Labelled,
    /// The kind of network.
    #[arg(long, value_enum, default_value = "mlp")]
    kind: Kind,
    /// The model's file to write (.safetensors).
    #[arg(long)]
    out: PathBuf,
    /// Also write the network of floats, which `models quantise` takes (.safetensors).
    #[arg(long)]
    network: Option<PathBuf>,
    /// Its name.
    #[arg(long, default_value = "pictures")]
    name: String,
    /// Its licence, an SPDX expression.
    #[arg(long, default_value = "")]
    license: String,
    /// The part of each class that is held out.
    #[arg(long, default_value_t = 0.3)]
    held_out: f64,
    /// What weights, order and held out pictures are drawn with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often each picture is seen.
    #[arg(long)]
    epochs: Option<usize>,
}

/// Print what a model's file holds: its hash, its program's id, its card and what running it takes.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The file.
    model: PathBuf,
    /// Write the file in its one form, where it is not.
    #[arg(long)]
    rewrite: bool,
}

/// Ask a model for the classes of pictures.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The model's file.
    model: PathBuf,
    /// Grey PNG pictures.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// The device: reference, flex, wgpu, wgpu:0 ..
    #[arg(long, default_value = FLEX)]
    device: String,
}

/// Write pictures as the inputs of a job, one a run, and print what the job is posted with.
#[derive(Debug, Args)]
pub(crate) struct Prepare {
    /// The model's file.
    model: PathBuf,
    /// Grey PNG pictures.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// The file of inputs to write (.safetensors).
    #[arg(long)]
    out: PathBuf,
    /// For a proven job: the chain sees commitments alone, whose salts are in the file, which nobody else may read. Give it to the provider.
    #[arg(long)]
    salted: bool,
}

/// Print how often a model is right on labelled pictures.
#[derive(Debug, Args)]
pub(crate) struct Rate {
    /// The model's file.
    model: PathBuf,
    #[command(flatten)]
    labelled: Labelled,
    /// The device: reference, flex, wgpu, wgpu:0 ..
    #[arg(long, default_value = FLEX)]
    device: String,
}

impl ModelsCommand {
    /// Does what was asked for.
    ///
    /// # Errors
    /// What went wrong, for people.
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Train(command) => command.run(),
            Self::Quantise(command) => command.run(),
            Self::Inspect(command) => command.run(),
            Self::Run(command) => command.run(),
            Self::Inputs(command) => command.run(),
            Self::Accuracy(command) => command.run(),
            Self::Seal(command) => command.run(),
        }
    }
}

impl Labelled {
    pub(crate) fn read(&self) -> Result<Pictures> {
        Ok(Pictures::read(&self.items, &self.labels)?)
    }
}

impl Train {
    fn run(self) -> Result<()> {
        files::is_free(&self.out)?;
        let pictures = self.labelled.read()?;
        let (seen, held) = pictures.split(self.held_out, self.seed);
        ensure!(!seen.is_empty() && !held.is_empty(), "training needs pictures to learn from and pictures held out");
        let (design, form) = match self.kind {
            Kind::Mlp => (Design::Mlp, Form::Provable),
            Kind::Cnn => (Design::Cnn, Form::Fine),
        };
        let usual = Training::of(design, self.seed);
        let training = Training { epochs: self.epochs.unwrap_or(usual.epochs), ..usual };
        let network = train(&seen, pictures.size, pictures.classes.len(), training, &mut |epoch, loss| {
            if epoch % 10 == 9 {
                eprintln!("epoch {}: mean loss {loss:.4}", epoch + 1);
            }
        })?;
        let examples: Vec<Vec<f32>> = seen.iter().map(|picture| picture.pixels.clone()).collect();
        let description = format!("{:?} trained on {} pictures of {} classes", self.kind, seen.len(), pictures.classes.len());
        if let Some(path) = &self.network {
            let bytes = Named { network: network.clone(), classes: pictures.classes.clone() }.write()?;
            files::create(path, For::Everybody, |out| Ok(out.write_all(&bytes)?))?;
        }
        let card = Card { name: self.name, description, license: self.license, classes: pictures.classes, input: None };
        let model = quantise(&network, &examples, form, Answer::Class)?.file(card)?;
        let (before, after) = (Accuracy::of_floats(&network, &held), rate(&model, &held, FLEX)?);
        let bytes = model.write()?;
        files::create(&self.out, For::Everybody, |out| Ok(out.write_all(&bytes)?))?;
        let items: Vec<&str> = held.iter().map(|picture| picture.item.as_str()).collect();
        let report = json!({
            "model": self.out, "hash": hex::encode(model.content_hash()?), "program": hex::encode(model.id()),
            "learnt_from": seen.len(), "held_out": {"floats": part(before), "integers": part(after), "items": items},
        });
        eprintln!("on {} pictures held out: {before} as floats, {after} as integers", held.len());
        println!("{report:#}");
        Ok(())
    }
}

pub(crate) fn part(accuracy: Accuracy) -> Value {
    json!({"right": accuracy.right, "of": accuracy.all})
}

pub(crate) fn rate(model: &ModelFile, pictures: &[Picture], device: &str) -> Result<Accuracy> {
    Ok(Accuracy::of_model(model, pictures, &*open(device)?)?)
}

impl Inspect {
    fn run(self) -> Result<()> {
        let model = if self.rewrite {
            let bytes = read_file(&self.model, MAX_FILE_BYTES).with_context(|| self.model.display().to_string())?;
            ModelFile::read_loosely(&bytes)?
        } else {
            files::model(&self.model)?
        };
        if self.rewrite {
            let bytes = model.write()?;
            files::replace(&self.model, For::Everybody, |out| Ok(out.write_all(&bytes)?))?;
        }
        let (program, card) = (model.program(), model.card());
        let need = Need::of(program, 1);
        let report = json!({
            "hash": hex::encode(model.content_hash()?), "program": hex::encode(model.id()),
            "graph": hex::encode(program.encoded()), "weights_root": hex::encode(model.weights().root()), "card": card, "nodes": program.nodes(), "macs": program.macs(),
            "input": program.graph().input.dims, "output": program.output_shape().map(|shape| &shape.dims),
            "bytes": {"machine": need.host, "device": need.fixed.saturating_add(need.run)},
        });
        println!("{report:#}");
        Ok(())
    }
}

impl Run {
    fn run(self) -> Result<()> {
        let model = files::model(&self.model)?;
        let inputs = self.pictures.iter().map(|path| Ok(picture(path)?.1)).collect::<Result<Vec<_>>>()?;
        let device = open(&self.device)?;
        for (path, answer) in self.pictures.iter().zip(answers(&model, &inputs, &*device)?) {
            match model.card().classes.get(answer) {
                Some(class) => println!("{} {class}", path.display()),
                None => println!("{} {answer}", path.display()),
            }
        }
        Ok(())
    }
}

impl Prepare {
    fn run(self) -> Result<()> {
        let model = files::model(&self.model)?;
        let pictures = self.pictures.iter().map(|path| Ok(picture(path)?.1)).collect::<Result<Vec<_>>>()?;
        let inputs = inputs(&model, &pictures)?;
        let runs = inputs.runs();
        let (bytes, root, whom) = if self.salted {
            let salts = (0..runs).map(|_| Fr::rand(&mut OsRng)).collect();
            let salted = SaltedInputs::new(inputs, salts)?;
            (salted.write()?, salted.root(), For::Owner)
        } else {
            (write_inputs(inputs.tensors())?, inputs.root(), For::Everybody)
        };
        files::create(&self.out, whom, |out| Ok(out.write_all(&bytes)?))?;
        let report = json!({ "inputs": self.out, "runs": runs, "input_root": hex::encode(root), "program": hex::encode(model.id()) });
        println!("{report:#}");
        Ok(())
    }
}

impl Rate {
    fn run(self) -> Result<()> {
        let model = files::model(&self.model)?;
        let mut pictures = self.labelled.read()?;
        count_as(&mut pictures, &model.card().classes)?;
        let found = rate(&model, &pictures.all, &self.device)?;
        eprintln!("{found}");
        println!("{}", part(found));
        Ok(())
    }
}
