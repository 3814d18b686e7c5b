//! Proofs as files: what a proof says, and what opens its commitments.
//!
//! All are JSON; bytes are lower-case hexadecimal. A **proof** may be given to anybody. An **opening** tells inputs, answers and salts, and is for whom they
//! concern: the commitments in a proof hide them from everybody else.
mod opening;
mod proof;
mod salted;

pub use opening::{Opening, OpeningError, RunOpening, salt_of, salt_text, weights_element};
pub use proof::{ProofFile, ProofFileError, RunFile};
pub use salted::{SaltedError, SaltedInputs};
