//! Models: files, quantisation, conversion, training.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "runs where models are made, never on a validator; what comes from outside is bounded where it is read"
)]
mod accuracy;
mod file;
mod inputs;
mod netfile;
mod network;
pub mod onnx;
mod pictures;
mod quantise;
mod tensors;
mod train;
mod transformer;

pub use accuracy::{Accuracy, AnswerError, answers, inputs};
pub use file::{Card, FileError, MAX_FILE_BYTES, ModelFile, Quantised, read_file};
pub use inputs::{InputsError, read_inputs, read_salts, write_inputs, write_salted};
pub use netfile::{ConvertError, Named};
pub use network::{Layer, MAX_LAYERS, MAX_VALUES, Network, NetworkError};
pub use pictures::{Picture, PictureError, Pictures, picture};
pub use quantise::{Answer, Form, Integers, QuantiseError, quantise, steps};
pub use train::{Design, Training, train};
pub use transformer::{Learning, SYMBOLS, Sizes, Transformer};
