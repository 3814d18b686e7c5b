//! Proofs: 128 bytes, A (G1), B (G2), C (G1) compressed.
use ark_bn254::Bn254;
use ark_ec::AffineRepr;
use ark_serialize::CanonicalSerialize;

use crate::{
    ProofError,
    key::{in_g1, in_g2},
};

/// Length of a proof.
pub const PROOF_BYTES: usize = 128;

/// A proof whose points were checked. Its bytes name nothing: whoever holds a proof can make others of the same statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof(pub(crate) ark_groth16::Proof<Bn254>);

impl Proof {
    /// Decodes a proof.
    ///
    /// # Errors
    /// [`ProofError::Length`], [`ProofError::Point`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() != PROOF_BYTES {
            return Err(ProofError::Length);
        }
        let (a, rest) = bytes.split_at_checked(32).ok_or(ProofError::Length)?;
        let (b, c) = rest.split_at_checked(64).ok_or(ProofError::Length)?;
        let a = in_g1(a).filter(|point| !point.is_zero()).ok_or(ProofError::Point("A"))?;
        let b = in_g2(b).filter(|point| !point.is_zero()).ok_or(ProofError::Point("B"))?;
        let c = in_g1(c).filter(|point| !point.is_zero()).ok_or(ProofError::Point("C"))?;
        Ok(Self(ark_groth16::Proof { a, b, c }))
    }

    /// Encodes what a prover made.
    ///
    /// # Errors
    /// [`ProofError::Length`] should the library change its encoding.
    pub fn encode(proof: &ark_groth16::Proof<Bn254>) -> Result<[u8; PROOF_BYTES], ProofError> {
        let mut bytes = Vec::with_capacity(PROOF_BYTES);
        proof.serialize_compressed(&mut bytes).map_err(|_| ProofError::Length)?;
        bytes.try_into().map_err(|_| ProofError::Length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::proof_of;

    #[test]
    fn only_whole_canonical_points() {
        let good = proof_of(3).0;
        assert!(Proof::decode(&good).is_ok());
        for length in 0..PROOF_BYTES {
            assert_eq!(Proof::decode(&good[..length]), Err(ProofError::Length));
        }
        assert_eq!(Proof::decode(&[&good[..], &[0]].concat()), Err(ProofError::Length));
        for (at, length, name) in [(0, 32, "A"), (32, 64, "B"), (96, 32, "C")] {
            let mut infinity = good;
            infinity[at..at + length].fill(0);
            infinity[at + length - 1] = 0x40;
            assert_eq!(Proof::decode(&infinity), Err(ProofError::Point(name)));
            let mut large = good;
            large[at..at + length].fill(255);
            assert_eq!(Proof::decode(&large), Err(ProofError::Point(name)));
        }
    }

    /// Whatever the bytes: a verdict, never a panic; and what is taken has one encoding.
    #[test]
    fn any_bytes() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        for _ in 0..200 {
            let bytes: [u8; PROOF_BYTES] = std::array::from_fn(|_| next());
            if let Ok(proof) = Proof::decode(&bytes) {
                assert_eq!(Proof::encode(&proof.0).expect("128 bytes"), bytes);
            }
        }
    }
}
