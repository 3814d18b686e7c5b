//! Why a key or a proof is refused.

/// A verification key that cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes have a length that no key has.
    #[error("a key of this length does not exist; with n inputs it has 264 + 32 n bytes")]
    Length,
    /// Fewer inputs than one or more than [`crate::MAX_INPUTS`].
    #[error("a key has 1 to {} inputs", crate::MAX_INPUTS)]
    Inputs,
    /// A point that is not on the curve, not in its subgroup or not encoded canonically.
    #[error("{0} is not the canonical encoding of a point of the group")]
    Point(&'static str),
    /// The point at infinity where it would make proofs forgeable or an input free.
    #[error("{0} is the point at infinity")]
    Identity(&'static str),
    /// `delta = gamma`: a proof of a false statement can be written down.
    #[error("delta equals gamma: whoever likes can prove anything under this key")]
    DeltaIsGamma,
    /// `delta` is the generator: nobody contributed to the second phase.
    #[error("delta is the generator: the second phase of the set-up was skipped")]
    DeltaIsGenerator,
    /// Two inputs are bound by the same or opposite points, so that one can be exchanged for the other.
    #[error("two inputs of the key are bound by the same point")]
    EqualInputs,
    /// The provenance's bytes are not those of one.
    #[error("the provenance of the key is malformed")]
    Provenance,
}

/// A proof that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not [`crate::PROOF_BYTES`] bytes.
    #[error("a proof has {} bytes", crate::PROOF_BYTES)]
    Length,
    /// A point that is not on the curve, not in its subgroup, at infinity or not encoded canonically.
    #[error("{0} is not the canonical encoding of a point of the group other than infinity")]
    Point(&'static str),
    /// An input of 32 bytes that is the modulus or more.
    #[error("a field element is not below the modulus")]
    Element,
    /// Another number of inputs than the key has.
    #[error("the key takes {expected} inputs, {got} were given")]
    Inputs {
        /// What the key takes.
        expected: usize,
        /// What was given.
        got: usize,
    },
    /// More runs than [`crate::MAX_RUNS`].
    #[error("a statement has at most {} runs", crate::MAX_RUNS)]
    Runs,
    /// A prover's address that is empty or over 32 bytes.
    #[error("an address has 1 to 32 bytes")]
    Prover,
    /// The equation of the pairings does not hold.
    #[error("the proof does not verify")]
    False,
}
