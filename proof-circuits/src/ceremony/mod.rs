//! How a key is made so that nobody can forge, unless everybody who took part colluded.
//!
//! * Phase 1 belongs to no circuit: the powers of a secret number that many drew together. They are read from the `.ptau` files
//!   that public ceremonies published ([`Powers`]).
//! * Phase 2 begins with the key that follows from them ([`initial_key`]), whose `delta` is one. Each contributor multiplies it by a
//!   secret number of his own ([`Ceremony::contribute`]), proves that he knows it, and forgets it.
//! * The last one is a public beacon that nobody could foresee ([`Ceremony::close`]).
//!
//! Whoever has the powers, the circuit and the ceremony file can verify it all ([`Ceremony::verify`]). One honest contributor is
//! enough (Bowe, Gabizon, Miers, 2017; Kohlweiss, Maller, Siim, Volkhov, 2021).
mod initial;
mod powers;
mod practice;
mod transcript;

pub use initial::{initial_key, powers_needed};
pub use powers::Powers;
pub use transcript::{Beacon, Ceremony, Contribution, MAX_CONTRIBUTIONS, MAX_NAME};

/// Why a ceremony is refused.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// A file that is not of the format, and what of it.
    #[error("the file is not what it should be: {0}")]
    Format(&'static str),
    /// A file that cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Powers that are not those of one number.
    #[error("the powers are not those of one secret number: {0}")]
    Powers(&'static str),
    /// Too few powers for the circuit.
    #[error("the circuit needs 2^{needed} powers, the file has 2^{got}")]
    TooFew {
        /// What the circuit needs.
        needed: u32,
        /// What there is.
        got: u32,
    },
    /// A contribution whose proof does not hold.
    #[error("contribution {0} does not prove that its author knows what he multiplied with")]
    Contribution(usize),
    /// A beacon that is not the last one or does not follow from its value.
    #[error("the beacon is not the last contribution, or not what follows from its value")]
    Beacon,
    /// A key that does not follow from the initial one and the contributions.
    #[error("the key does not follow from the contributions: {0}")]
    Key(&'static str),
    /// The ceremony is over or full.
    #[error("nothing can be added: the ceremony was closed, or has {MAX_CONTRIBUTIONS} contributions")]
    Over,
    /// A circuit that is none.
    #[error(transparent)]
    Prove(#[from] crate::ProveError),
}
