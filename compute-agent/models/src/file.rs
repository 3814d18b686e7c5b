//! A model as one file: the program, its weights, and what people want to know of it.
//!
//! The file is a `.safetensors`: tensors `w0`, `w1`, .. are the program's weights in order (`I8` or `I32`, row-major), and the only entry of its metadata,
//! `cairn.model`, is JSON:
//! ```text
//! {"version": 1, "graph": "<hexadecimal of the canonical graph>", "card": {"name": .., "description": .., "license": .., "classes": [..], "input": {..}}}
//! ```
//! A model has exactly one file, so that the file's hash names it: what is read and written again has the same bytes, else it is refused.
use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    path::Path,
};

use cairn_program::{Graph, Program, Tensor, Weights};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::tensors;

/// The largest file that is read.
pub const MAX_FILE_BYTES: usize = 1 << 30;
/// The largest header: graph, names of tensors, card.
const MAX_HEADER_BYTES: u64 = 1 << 20;
/// The longest text of a card, and the most classes.
const MAX_TEXT: usize = 4_096;
const VERSION: u16 = 1;
const ENTRY: &str = "cairn.model";

/// Why a file is no model.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not to be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Over [`MAX_FILE_BYTES`], or its header over a megabyte.
    #[error("the file or its header is too large")]
    Size,
    /// Not a safetensors file.
    #[error("no safetensors file: {0}")]
    Format(String),
    /// Without a model in its metadata, or one of another version.
    #[error("its metadata has no model: {0}")]
    Metadata(String),
    /// A graph that is none.
    #[error("its graph is refused: {0}")]
    Graph(#[from] cairn_program::Error),
    /// Weights other than the graph's.
    #[error("weight {0} is missing, superfluous, or not of the graph's type")]
    Weight(usize),
    /// A card with too much in it.
    #[error("a text of the card has more than 4,096 bytes, or it has more than 4,096 classes")]
    Card,
    /// A file that would be written otherwise.
    #[error("the file is not in its one form; `cairn-agent models inspect --rewrite` writes it so")]
    Form,
}

/// A file's bytes, of which there are at most so many; of a larger one nothing is read, nor more than that where it grows meanwhile or tells no size.
///
/// # Errors
/// As the system tells; [`ErrorKind::FileTooLarge`].
pub fn read_file(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let (file, most) = (File::open(path)?, most as u64);
    let too_large = || io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes"));
    let told = file.metadata()?.len();
    if told > most {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(told).unwrap_or(0));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// How numbers become the program's int8 input: `round(x / scale)`, cut to int8.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantised {
    /// What one step of the input stands for.
    pub scale: f32,
}

/// What people want to know of a model. Nothing that is computed depends on it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// An SPDX expression.
    pub license: String,
    /// What the numbers that it answers mean, in order; empty where they mean no classes.
    pub classes: Vec<String>,
    /// How numbers become its input, where they do.
    pub input: Option<Quantised>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    version: u16,
    graph: String,
    card: Card,
}

/// A model.
#[derive(Debug, Clone)]
pub struct ModelFile {
    card: Card,
    program: Program,
    weights: Weights,
}

impl ModelFile {
    /// Of a graph and its weights.
    ///
    /// # Errors
    /// [`FileError::Graph`], [`FileError::Weight`], [`FileError::Card`].
    pub fn new(card: Card, graph: Graph, tensors: Vec<Tensor>) -> Result<Self, FileError> {
        let texts = [&card.name, &card.description, &card.license].into_iter().chain(&card.classes);
        let finite = card.input.is_none_or(|input| input.scale.is_finite() && input.scale > 0.0);
        if card.classes.len() > MAX_TEXT || texts.into_iter().any(|text| text.len() > MAX_TEXT) || !finite {
            return Err(FileError::Card);
        }
        let program = Program::check(graph)?;
        let types = &program.graph().weights;
        let wrong = (0..types.len().max(tensors.len())).find(|n| tensors.get(*n).map(|tensor| &tensor.shape) != types.get(*n));
        if let Some(number) = wrong {
            return Err(FileError::Weight(number));
        }
        let weights = Weights::new(&program, tensors).ok_or(FileError::Weight(0))?;
        Ok(Self { card, program, weights })
    }

    /// Reads the file at a path.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Self::read(&read_file(path, MAX_FILE_BYTES)?)
    }

    /// Reads a file, whatever its bytes.
    ///
    /// # Errors
    /// [`FileError`] other than `Io`.
    pub fn read(bytes: &[u8]) -> Result<Self, FileError> {
        let model = Self::read_loosely(bytes)?;
        if model.write()? == bytes { Ok(model) } else { Err(FileError::Form) }
    }

    /// Reads a file that may be written in another form than its one.
    ///
    /// # Errors
    /// [`FileError`] other than `Io` and `Form`.
    pub fn read_loosely(bytes: &[u8]) -> Result<Self, FileError> {
        let header = tensors::header_bytes(bytes);
        if bytes.len() > MAX_FILE_BYTES || header > MAX_HEADER_BYTES {
            return Err(FileError::Size);
        }
        let format = |error: safetensors::SafeTensorError| FileError::Format(error.to_string());
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(format)?;
        let text = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
        let text = text.ok_or_else(|| FileError::Metadata(format!("no entry `{ENTRY}`")))?;
        let entry: Entry = serde_json::from_str(text).map_err(|error| FileError::Metadata(error.to_string()))?;
        if entry.version != VERSION {
            return Err(FileError::Metadata(format!("version {} is not {VERSION}", entry.version)));
        }
        let graph = hex::decode(&entry.graph).map_err(|_| FileError::Metadata("the graph is not hexadecimal".to_owned()))?;
        let graph = Graph::decode(&graph)?;
        let file = SafeTensors::deserialize(bytes).map_err(format)?;
        if file.len() > graph.weights.len() {
            return Err(FileError::Weight(graph.weights.len()));
        }
        let tensor = |(number, shape): (usize, &cairn_program::TensorType)| {
            tensors::read(&file, &name(number), shape).ok_or(FileError::Weight(number))
        };
        let tensors = graph.weights.iter().enumerate().map(tensor).collect::<Result<_, _>>()?;
        Self::new(entry.card, graph, tensors)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// [`FileError::Size`]; [`FileError::Format`] where the library refuses.
    pub fn write(&self) -> Result<Vec<u8>, FileError> {
        let entry = Entry { version: VERSION, graph: hex::encode(self.program.encoded()), card: self.card.clone() };
        let text = serde_json::to_string(&entry).map_err(|error| FileError::Metadata(error.to_string()))?;
        let named = (0..).zip(self.weights.tensors()).map(|(number, tensor)| (name(number), tensor)).collect();
        let out = tensors::write(named, Some((ENTRY, text))).map_err(|error| FileError::Format(error.to_string()))?;
        let header = tensors::header_bytes(&out);
        if out.len() > MAX_FILE_BYTES || header > MAX_HEADER_BYTES { Err(FileError::Size) } else { Ok(out) }
    }

    /// SHA-256 of the file, by which it is found.
    ///
    /// # Errors
    /// As [`ModelFile::write`].
    pub fn content_hash(&self) -> Result<[u8; 32], FileError> {
        Ok(Sha256::digest(self.write()?).into())
    }

    /// What people want to know of it.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }
    /// What it computes.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }
    /// Its weights, one by one.
    #[must_use]
    pub fn tensors(&self) -> &[Tensor] {
        self.weights.tensors()
    }
    /// Its weights as a run takes them.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }
    /// The program's name on the chain: a hash of graph and weights.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        self.program.id(&self.weights.root())
    }
}

fn name(number: usize) -> String {
    format!("w{number}")
}

#[cfg(test)]
mod tests {
    use cairn_program::testing::{Dice, every_operator, weights};

    use super::*;

    fn models() -> Vec<ModelFile> {
        let mut dice = Dice::new(7);
        let mut model = |graph: Graph| {
            let program = Program::check(graph.clone()).expect("a program");
            let tensors = weights(&program, &mut dice).expect("weights").tensors().to_vec();
            let card = Card {
                name: "m".into(),
                classes: vec!["0".into(), "1".into()],
                input: Some(Quantised { scale: 0.125 }),
                ..Card::default()
            };
            ModelFile::new(card, graph, tensors).expect("a model")
        };
        every_operator().into_iter().map(|(_, graph)| model(graph)).collect()
    }

    #[test]
    fn a_model_has_one_file() {
        for model in models() {
            let file = model.write().expect("a file");
            let again = ModelFile::read(&file).expect("a model");
            assert_eq!((again.card(), again.program().graph(), again.tensors()), (model.card(), model.program().graph(), model.tensors()));
            assert_eq!((again.id(), again.content_hash().ok()), (model.id(), model.content_hash().ok()));
        }
    }

    #[test]
    fn any_other_bytes_are_refused() {
        let file = models().iter().map(|model| model.write().expect("a file")).min_by_key(Vec::len).expect("a model");
        for length in 0..file.len() {
            assert!(ModelFile::read(&file[..length]).is_err(), "cut at {length}");
        }
        assert!(ModelFile::read(&[&file[..], &[0]].concat()).is_err(), "longer");
        let header = 8 + u64::from_le_bytes(*file.first_chunk().expect("a head")) as usize;
        for at in 0..header {
            for bit in [1, 0x20, 0x80] {
                let mut changed = file.clone();
                changed[at] ^= bit;
                let read = ModelFile::read(&changed);
                assert!(read.as_ref().is_err() || read.is_ok_and(|model| model.write().ok().as_ref() == Some(&changed)), "{at}");
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model");
        std::fs::write(&path, &file).expect("written");
        assert_eq!(ModelFile::open(&path).expect("a model").content_hash().expect("a hash"), <[u8; 32]>::from(Sha256::digest(&file)));
        assert_eq!(read_file(&path, file.len()).expect("as many as it may have"), file);
        assert_eq!(read_file(&path, file.len() - 1).map_err(|error| error.kind()), Err(ErrorKind::FileTooLarge));
        assert_eq!(read_file(Path::new("/dev/zero"), 10).map_err(|error| error.kind()), Err(ErrorKind::FileTooLarge));
        assert!(matches!(ModelFile::open(&folder.path().join("none")), Err(FileError::Io(_))));
        let mut huge = file;
        huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(ModelFile::read(&huge), Err(FileError::Size)));
    }

    #[test]
    fn weights_of_another_type_are_named() {
        let model = models().into_iter().find(|model| model.tensors().len() > 1).expect("a model with two weights");
        let graph = model.program().graph().clone();
        let of = |tensors: Vec<Tensor>| ModelFile::new(Card::default(), graph.clone(), tensors);
        let tensors = model.tensors().to_vec();
        assert!(matches!(of(tensors[..1].to_vec()), Err(FileError::Weight(1))));
        assert!(matches!(of([&tensors[..], &tensors[..1]].concat()), Err(FileError::Weight(n)) if n == tensors.len()));
        let card = |change: fn(&mut Card)| {
            let mut card = Card::default();
            change(&mut card);
            ModelFile::new(card, graph.clone(), tensors.clone())
        };
        assert!(card(|_| ()).is_ok());
        assert!(matches!(card(|c| c.name = "x".repeat(4_097)), Err(FileError::Card)));
        assert!(matches!(card(|c| c.classes = vec![String::new(); 4_097]), Err(FileError::Card)));
        assert!(matches!(card(|c| c.input = Some(Quantised { scale: f32::NAN })), Err(FileError::Card)));
    }
}
