//! What a proof says: in this context, these weights turned these inputs into these outputs.
//!
//! ```text
//! context   = SHA-256("cairn/proof ctx " || chain32 || u64 job || u8 length || prover || program || u64 nonce)    big endian
//! statement = Poseidon(Statement, [context[..16], context[16..], weights or 0, input_1, output_1, .., input_n, output_n])
//! ```
//! The statement is the only public input of every circuit. It is computed by the verifier from what the chain knows, never taken
//! from the prover, so that a proof copied by somebody else, for another job or on another chain, is of another statement.
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, PrimeField};
use sha2::{Digest, Sha256};

use crate::{
    ProofError,
    poseidon::{Domain, hash},
};

/// Runs of a program that one proof may hold.
pub const MAX_RUNS: usize = 64;
const TAG: &[u8; 16] = b"cairn/proof ctx ";

/// A commitment or another field element: 32 bytes, big endian, below the modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element([u8; 32]);

impl Element {
    /// Takes the canonical encoding alone: the modulus and what is above it would be second names of small numbers.
    ///
    /// # Errors
    /// [`ProofError::Element`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| ProofError::Element)?;
        let element = Self(bytes);
        if Self::from(Fr::from_be_bytes_mod_order(&bytes)) == element { Ok(element) } else { Err(ProofError::Element) }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> Fr {
        Fr::from_be_bytes_mod_order(&self.0)
    }
}

impl From<Fr> for Element {
    fn from(value: Fr) -> Self {
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().zip(value.into_bigint().to_bytes_be()) {
            *place = byte;
        }
        Self(bytes)
    }
}

/// For whom and for what a proof was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The chain id, hashed to 32 bytes.
    pub chain: [u8; 32],
    /// The job's number.
    pub job: u64,
    /// The account that is to be paid for the proof, 1 to 32 bytes.
    pub prover: Vec<u8>,
    /// The program's content hash.
    pub program: [u8; 32],
    /// Tells several proofs of one job apart.
    pub nonce: u64,
}

impl Context {
    /// The hash of the context as two field elements of 128 bits, so that nothing of it is lost.
    ///
    /// # Errors
    /// [`ProofError::Prover`].
    pub fn limbs(&self) -> Result<[Fr; 2], ProofError> {
        let length = u8::try_from(self.prover.len()).ok().filter(|length| (1..=32).contains(length)).ok_or(ProofError::Prover)?;
        let digest = Sha256::new()
            .chain_update(TAG)
            .chain_update(self.chain)
            .chain_update(self.job.to_be_bytes())
            .chain_update([length])
            .chain_update(&self.prover)
            .chain_update(self.program)
            .chain_update(self.nonce.to_be_bytes())
            .finalize();
        let (high, low) = digest.split_at(16);
        Ok([Fr::from_be_bytes_mod_order(high), Fr::from_be_bytes_mod_order(low)])
    }
}

/// One run of the program: the commitments to what went in and what came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Commitment to the input.
    pub input: Element,
    /// Commitment to the output.
    pub output: Element,
}

/// What a proof says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// For whom and for what.
    pub context: Context,
    /// Commitment to the weights; `None` where they are constants of the circuit.
    pub weights: Option<Element>,
    /// The runs, in order; none where the proof is of the weights alone.
    pub runs: Vec<Run>,
}

impl Statement {
    /// The public input.
    ///
    /// # Errors
    /// [`ProofError::Runs`], [`ProofError::Prover`].
    pub fn input(&self) -> Result<Fr, ProofError> {
        if self.runs.len() > MAX_RUNS {
            return Err(ProofError::Runs);
        }
        let [high, low] = self.context.limbs()?;
        let weights = self.weights.map_or(Fr::ZERO, |weights| weights.value());
        let mut elements = vec![high, low, weights];
        elements.extend(self.runs.iter().flat_map(|run| [run.input.value(), run.output.value()]));
        Ok(hash(Domain::Statement, &elements))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        let context = Context { chain: [1; 32], job: 7, prover: vec![2; 20], program: [3; 32], nonce: 0 };
        let run = Run { input: Fr::from(11u64).into(), output: Fr::from(12u64).into() };
        Statement { context, weights: Some(Fr::from(10u64).into()), runs: vec![run] }
    }

    #[test]
    fn every_part_changes_the_input() {
        let changes: [fn(&mut Statement); 11] = [
            |_| (),
            |s| s.context.chain[31] = 2,
            |s| s.context.job = 8,
            |s| s.context.prover[0] = 3,
            |s| s.context.prover.truncate(19),
            |s| s.context.program[0] = 4,
            |s| s.context.nonce = 1,
            |s| s.weights = None,
            |s| s.runs[0].input = Fr::from(12u64).into(),
            |s| s.runs[0].output = Fr::from(13u64).into(),
            |s| s.runs.push(s.runs[0]),
        ];
        let mut seen = Vec::new();
        for change in changes {
            let mut changed = statement();
            change(&mut changed);
            let input = changed.input().expect("a statement");
            assert!(!seen.contains(&input));
            seen.push(input);
        }
    }

    #[test]
    fn bounds_of_runs_and_addresses() {
        let with_runs = |n: usize| Statement { runs: vec![statement().runs[0]; n], ..statement() }.input();
        assert!(with_runs(0).is_ok() && with_runs(MAX_RUNS).is_ok());
        assert_eq!(with_runs(MAX_RUNS + 1), Err(ProofError::Runs));
        let with_prover = |n: usize| Statement { context: Context { prover: vec![9; n], ..statement().context }, ..statement() }.input();
        assert_eq!(with_prover(0), Err(ProofError::Prover));
        assert!(with_prover(1).is_ok() && with_prover(32).is_ok());
        assert_eq!(with_prover(33), Err(ProofError::Prover));
    }

    /// Checklist row 2: r, r + 1 and 2^256 - 1 are no elements, r - 1 is.
    #[test]
    fn only_canonical_elements() {
        let mut modulus = Fr::MODULUS.to_bytes_be();
        assert_eq!(Element::decode(&modulus), Err(ProofError::Element));
        modulus[31] += 1;
        assert_eq!(Element::decode(&modulus), Err(ProofError::Element));
        modulus[31] -= 2;
        let last = Element::decode(&modulus).expect("r - 1");
        assert_eq!(Element::from(last.value()), last);
        assert_eq!(Element::decode(&[255; 32]), Err(ProofError::Element));
        assert_eq!(Element::decode(&[0; 31]), Err(ProofError::Element));
        assert_eq!(Element::decode(&[0; 33]), Err(ProofError::Element));
        assert!(Element::decode(&[0; 32]).is_ok());
    }
}
