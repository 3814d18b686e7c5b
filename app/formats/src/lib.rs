//! Files in and out of annotation jobs: folders and lists of items that become a job, results that leave it in the formats people's tools
//! read. It knows neither chain nor gateway; the specification, with an example of each format, is `README.md`.
#![allow(clippy::float_arithmetic, reason = "formats of others hold probabilities and percentages as decimal fractions")]

mod answer;
mod error;
pub mod export;
mod form;
pub mod import;
mod model;
mod pseudonym;
mod sniff;

pub use answer::Fields;
pub use error::{Error, Problems, Result};
pub use form::composed;
pub use model::{Answer, BoxShape, Item, ItemKind, Job, JobKind, Label, Polygon, Size, Span, share};
pub use pseudonym::Pseudonyms;
pub use sniff::{Media, picture_size, sniff};
