//! `cairn-agent models quantise`: networks of floats, from ONNX or safetensors, as models.
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use cairn_device::FLEX;
use cairn_models::{Accuracy, Answer, Card, Form, MAX_FILE_BYTES, Named, Network, Picture, Pictures, onnx, quantise, read_file};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{
    files::{self, For},
    models::{Labelled, part, rate},
};

/// How sums become int8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scales {
    /// By shifts alone: what circuits prove, where all layers are linear.
    Provable,
    /// By multipliers, which use all of int8.
    Fine,
}

/// Quantise a network from ONNX or safetensors by labelled pictures, and write the model; prints accuracy on pictures held out, before and after.
#[derive(Debug, Args)]
pub(crate) struct Quantise {
    /// The network: .onnx, or .safetensors with its layers in the metadata.
    network: PathBuf,
    #[command(flatten)]
    labelled: Labelled,
    /// How layers are scaled.
    #[arg(long, value_enum, default_value = "fine")]
    scales: Scales,
    /// What white stands for in the network's input; black is 0.
    #[arg(long, default_value_t = 1.0)]
    white: f32,
    /// Names of the network's outputs in order, with commas between; without it those of the file, or those of the labels in order.
    #[arg(long, value_delimiter = ',')]
    classes: Vec<String>,
    /// The model's file to write (.safetensors).
    #[arg(long)]
    out: PathBuf,
    /// Its name.
    #[arg(long, default_value = "pictures")]
    name: String,
    /// Its licence, an SPDX expression.
    #[arg(long, default_value = "")]
    license: String,
    /// The part of each class that is held out; scales are found on the rest.
    #[arg(long, default_value_t = 0.3)]
    held_out: f64,
    /// What held out pictures are drawn with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Quantise {
    pub(crate) fn run(self) -> Result<()> {
        files::is_free(&self.out)?;
        ensure!(self.white.is_normal() && self.white > 0.0, "white is a number above 0");
        let named = self.read()?;
        let mut pictures = self.labelled.read()?;
        let classes = self.classes(&named, &pictures)?;
        count_as(&mut pictures, &classes)?;
        let (seen, held) = pictures.split(self.held_out, self.seed);
        ensure!(!seen.is_empty() && !held.is_empty(), "scales need pictures to be found on, and accuracy pictures held out");
        let scaled = |picture: &Picture| picture.pixels.iter().map(|pixel| pixel * self.white).collect::<Vec<f32>>();
        let examples: Vec<Vec<f32>> = seen.iter().map(scaled).collect();
        let form = if self.scales == Scales::Provable { Form::Provable } else { Form::Fine };
        let mut integers = quantise(&named.network, &examples, form, Answer::Class)?;
        // The card speaks of pictures from 0 to 1.
        integers.scale /= self.white;
        let description = format!("quantised on {} pictures of {} classes", seen.len(), classes.len());
        let card = Card { name: self.name.clone(), description, license: self.license.clone(), classes, input: None };
        let model = integers.file(card)?;
        let originals: Vec<Picture> = held.iter().map(|picture| Picture { pixels: scaled(picture), ..picture.clone() }).collect();
        let (before, after) = (Accuracy::of_floats(&named.network, &originals), rate(&model, &held, FLEX)?);
        let bytes = model.write()?;
        files::create(&self.out, For::Everybody, |out| Ok(out.write_all(&bytes)?))?;
        let report = json!({
            "model": self.out, "hash": hex::encode(model.content_hash()?), "program": hex::encode(model.id()),
            "scaled_on": seen.len(), "held_out": {"floats": part(before), "integers": part(after)},
        });
        eprintln!("on {} pictures held out: {before} as floats, {after} as integers", held.len());
        println!("{report:#}");
        Ok(())
    }

    fn read(&self) -> Result<Named> {
        let name = || self.network.display().to_string();
        let bytes = read_file(&self.network, MAX_FILE_BYTES).with_context(name)?;
        match self.network.extension().and_then(|extension| extension.to_str()) {
            Some("onnx") => Ok(Named { network: onnx::read(&bytes).with_context(name)?, classes: Vec::new() }),
            Some("safetensors") => Named::read(&bytes).with_context(name),
            _ => bail!("{} is neither .onnx nor .safetensors", name()),
        }
    }

    /// The names of the network's outputs.
    fn classes(&self, named: &Named, pictures: &Pictures) -> Result<Vec<String>> {
        let found = [&self.classes, &named.classes, &pictures.classes].into_iter().find(|classes| !classes.is_empty());
        let classes = found.cloned().unwrap_or_default();
        let (outputs, count) = (named.network.outputs(), classes.len());
        ensure!(outputs == count, "the network has {outputs} outputs for {count} classes; --classes names them");
        let size = pictures.size[0] * pictures.size[1];
        ensure!(
            fits(&named.network, pictures.size),
            "the network does not take grey pictures of {size} pixels: its input is {:?}",
            named.network.input()
        );
        Ok(classes)
    }
}

/// Whether a network takes grey pictures of a height and width.
fn fits(network: &Network, [height, width]: [usize; 2]) -> bool {
    network.input() == [height, width, 1] || network.input() == [height * width]
}

/// Numbers the pictures' classes as a model does.
pub(crate) fn count_as(pictures: &mut Pictures, classes: &[String]) -> Result<()> {
    for picture in &mut pictures.all {
        let name = &pictures.classes[picture.class];
        let Some(place) = classes.iter().position(|class| class == name) else { bail!("the model has no class {name:?}") };
        picture.class = place;
    }
    pictures.classes = classes.to_vec();
    Ok(())
}
