//! Networks of f32 as files: a `.safetensors` with `F32` tensors, and the layers in the metadata's entry `cairn.net` as JSON:
//! ```text
//! {"version": 1, "input": [8, 8, 1], "classes": ["0", ..], "layers": [
//!   {"kind": "conv2d", "weights": "conv.weight", "bias": "conv.bias", "window": [3, 3], "stride": [1, 1], "padding": [1, 1]},
//!   {"kind": "relu"}, {"kind": "max_pool", "window": [2, 2], "stride": [2, 2]}, {"kind": "flatten"},
//!   {"kind": "linear", "weights": "head.weight", "bias": "head.bias"}]}
//! ```
//! Weights of linear layers are `[outputs, inputs]`, of convolutions `[O, kh, kw, C]`; a bias may be left out.
use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::{Layer, MAX_FILE_BYTES, MAX_LAYERS, Network, NetworkError, tensors};

/// Why a file is no network that can be quantised.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// Over the bounds of files and headers.
    #[error("the file, its header or its graph is too large")]
    Size,
    /// Bytes that are not of the format.
    #[error("the file is not understood: {0}")]
    Format(String),
    /// A layer of a safetensors file.
    #[error("layer {number}: {why}")]
    Layer {
        /// Its place, from 0.
        number: usize,
        /// What is wrong.
        why: String,
    },
    /// A node of an ONNX graph.
    #[error("node {node} ({operator}): {why}")]
    Node {
        /// Its name, or its place from 0 where it has none.
        node: String,
        /// Its operator.
        operator: String,
        /// What is wrong.
        why: String,
    },
    /// Layers that do not fit.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

const ENTRY: &str = "cairn.net";
const VERSION: u16 = 1;
/// The largest header.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// A network with the names of what it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The network.
    pub network: Network,
    /// Names of its outputs; empty where they have none.
    pub classes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    version: u16,
    input: Vec<usize>,
    #[serde(default)]
    classes: Vec<String>,
    layers: Vec<Described>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Described {
    Linear { weights: String, bias: Option<String> },
    Conv2d { weights: String, bias: Option<String>, window: [u16; 2], stride: [u16; 2], padding: [u16; 2] },
    Relu,
    MaxPool { window: [u16; 2], stride: [u16; 2] },
    AveragePool { window: [u16; 2], stride: [u16; 2] },
    Flatten,
}

impl Named {
    /// Reads a file, whatever its bytes.
    ///
    /// # Errors
    /// [`ConvertError`]; where a layer is at fault, it is named.
    pub fn read(bytes: &[u8]) -> Result<Self, ConvertError> {
        let header = tensors::header_bytes(bytes);
        if bytes.len() > MAX_FILE_BYTES || header > MAX_HEADER_BYTES {
            return Err(ConvertError::Size);
        }
        let format = |error: safetensors::SafeTensorError| ConvertError::Format(error.to_string());
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(format)?;
        let text = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
        let text = text.ok_or_else(|| ConvertError::Format(format!("its metadata has no entry `{ENTRY}`")))?;
        let entry: Entry = serde_json::from_str(text).map_err(|error| ConvertError::Format(error.to_string()))?;
        if entry.version != VERSION {
            return Err(ConvertError::Format(format!("version {} is not {VERSION}", entry.version)));
        }
        if entry.layers.len() > MAX_LAYERS {
            return Err(NetworkError::Layers(entry.layers.len()).into());
        }
        let mut file = Tensors { file: SafeTensors::deserialize(bytes).map_err(format)?, copied: 0 };
        let layer = |(number, described): (usize, Described)| described.layer(&mut file).map_err(|why| ConvertError::Layer { number, why });
        let layers = entry.layers.into_iter().enumerate().map(layer).collect::<Result<_, _>>()?;
        let net = Network::new(&entry.input, layers)?;
        if !entry.classes.is_empty() && entry.classes.len() != net.outputs() {
            return Err(ConvertError::Format("it has another number of classes than of outputs".to_owned()));
        }
        Ok(Self { network: net, classes: entry.classes })
    }

    /// The file's bytes: tensors `l0.weight`, `l0.bias` and so on by layer.
    ///
    /// # Errors
    /// [`ConvertError::Format`] where the library refuses.
    pub fn write(&self) -> Result<Vec<u8>, ConvertError> {
        let mut data: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
        let layers = self
            .network
            .layers()
            .iter()
            .enumerate()
            .map(|(number, layer)| Described::of(&self.network, number, layer, &mut data))
            .collect();
        let entry = Entry { version: VERSION, input: self.network.input().to_vec(), classes: self.classes.clone(), layers };
        let text = serde_json::to_string(&entry).map_err(|error| ConvertError::Format(error.to_string()))?;
        let format = |error: safetensors::SafeTensorError| ConvertError::Format(error.to_string());
        let views =
            data.iter().map(|(name, (shape, bytes))| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(format)?)));
        let views = views.collect::<Result<Vec<_>, ConvertError>>()?;
        safetensors::serialize(views, Some(std::iter::once((ENTRY.to_owned(), text)).collect())).map_err(format)
    }
}

impl Described {
    fn layer(self, file: &mut Tensors<'_>) -> Result<Layer, String> {
        Ok(match self {
            Self::Linear { weights, bias } => {
                let (shape, weights) = file.tensor(&weights)?;
                let [outputs, _] = shape[..] else { return Err("its weights are not [outputs, inputs]".to_owned()) };
                Layer::Linear { weights, bias: file.or_zeros(bias, outputs)? }
            }
            Self::Conv2d { weights, bias, window, stride, padding } => {
                let (shape, weights) = file.tensor(&weights)?;
                let fits = shape.len() == 4 && shape[1..3] == window.map(usize::from);
                if !fits {
                    return Err("its weights are not [O, kh, kw, C] of its window".to_owned());
                }
                Layer::Conv2d { weights, bias: file.or_zeros(bias, shape[0])?, window, stride, padding }
            }
            Self::Relu => Layer::Relu,
            Self::MaxPool { window, stride } => Layer::MaxPool { window, stride },
            Self::AveragePool { window, stride } => Layer::AveragePool { window, stride },
            Self::Flatten => Layer::Flatten,
        })
    }

    fn of(net: &Network, number: usize, layer: &Layer, data: &mut BTreeMap<String, (Vec<usize>, Vec<u8>)>) -> Self {
        let mut put = |what: &str, shape: Vec<usize>, values: &[f32]| {
            let name = format!("l{number}.{what}");
            data.insert(name.clone(), (shape, values.iter().flat_map(|value| value.to_le_bytes()).collect()));
            name
        };
        match layer {
            Layer::Linear { weights, bias } => {
                let weights = put("weight", vec![bias.len(), net.shape(number)[0]], weights);
                Self::Linear { weights, bias: Some(put("bias", vec![bias.len()], bias)) }
            }
            Layer::Conv2d { weights, bias, window, stride, padding } => {
                let shape = vec![bias.len(), window[0].into(), window[1].into(), net.shape(number)[2]];
                let weights = put("weight", shape, weights);
                let bias = Some(put("bias", vec![bias.len()], bias));
                Self::Conv2d { weights, bias, window: *window, stride: *stride, padding: *padding }
            }
            Layer::Relu => Self::Relu,
            Layer::MaxPool { window, stride } => Self::MaxPool { window: *window, stride: *stride },
            Layer::AveragePool { window, stride } => Self::AveragePool { window: *window, stride: *stride },
            Layer::Flatten => Self::Flatten,
        }
    }
}

/// A file's tensors, and how much of them was copied: layers may name one again and again, and each has a copy.
struct Tensors<'a> {
    file: SafeTensors<'a>,
    /// Bytes, at most [`MAX_FILE_BYTES`].
    copied: usize,
}

impl Tensors<'_> {
    /// A tensor's shape, no dimension of which is 0, and its values.
    fn tensor(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
        let view = self.file.tensor(name).map_err(|error| format!("`{name}`: {error}"))?;
        if view.dtype() != Dtype::F32 || view.data().is_empty() {
            return Err(format!("`{name}` is not F32, or empty"));
        }
        self.copied = self.copied.saturating_add(view.data().len());
        if self.copied > MAX_FILE_BYTES {
            return Err(format!("with `{name}` the layers so far have more than {MAX_FILE_BYTES} bytes of weights"));
        }
        let values = view.data().as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
        Ok((view.shape().to_vec(), values))
    }

    /// A bias of one number an output, each of which has weights.
    fn or_zeros(&mut self, name: Option<String>, outputs: usize) -> Result<Vec<f32>, String> {
        let Some(name) = name else { return Ok(vec![0.0; outputs]) };
        match self.tensor(&name)? {
            (shape, values) if shape == [outputs] => Ok(values),
            _ => Err(format!("`{name}` has not one number an output")),
        }
    }
}
