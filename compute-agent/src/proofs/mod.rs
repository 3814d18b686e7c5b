//! Proofs as files: what a proof says, what opens its commitments, and the key it is checked with.
//!
//! All are JSON; bytes are lower-case hexadecimal. A **proof** may be given to anybody. An **opening** tells inputs, answers and salts, and is for whom they
//! concern: the commitments in a proof hide them from everybody else.
mod opening;
mod proof;
mod record;

pub use opening::{Opening, OpeningError, RunOpening, salt_of, salt_text, weights_element};
pub use proof::{ProofFile, ProofFileError, RunFile, chain_digest};
pub use record::{RecordError, RecordFile, in_words};
