//! The equation of Groth16 (Groth, Eurocrypt 2016): e(A, B) = e(alpha, beta) e(I, gamma) e(C, delta), one by one or many at once.
#![allow(clippy::arithmetic_side_effects, reason = "operations of fields and groups cannot overflow")]
use ark_bn254::{Bn254, Fr, G1Projective};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};
use ark_ff::AdditiveGroup;
use ark_groth16::PreparedVerifyingKey;
use sha2::{Digest, Sha256};

use crate::{Proof, ProofError, VerifyingKey, multiples::Multiples};

/// A key made ready for many verifications (about 1 ms; 40 KB and 60 KB an input).
pub struct PreparedKey {
    pub(crate) inner: PreparedVerifyingKey<Bn254>,
    pub(crate) digest: [u8; 32],
    pub(crate) multiples: Vec<Multiples>,
}

/// One statement with its proof, as it comes from outside.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The inputs, as many as the key takes.
    pub inputs: Vec<Fr>,
    /// The bytes of the proof.
    pub proof: &'a [u8],
}

impl PreparedKey {
    /// Prepares a key.
    #[must_use]
    pub fn new(key: &VerifyingKey) -> Self {
        let multiples = key.inner.gamma_abc_g1.iter().skip(1).map(Multiples::new).collect();
        Self { inner: ark_groth16::prepare_verifying_key(&key.inner), digest: Sha256::digest(key.bytes()).into(), multiples }
    }

    /// Whether the proof proves the statement. The number of inputs is checked here: the library pairs off as many as there are
    /// and would take one too many, and one too few as zero.
    ///
    /// # Errors
    /// [`ProofError`]; `False` where the proof is well-formed but does not hold.
    pub fn verify(&self, claim: &Claim<'_>) -> Result<(), ProofError> {
        self.equation(&claim.inputs, &self.decode(claim)?)
    }

    /// Decodes the proof of a claim and counts its inputs.
    ///
    /// # Errors
    /// Those of [`Proof::decode`]; `Inputs`.
    pub fn decode(&self, claim: &Claim<'_>) -> Result<Proof, ProofError> {
        let (expected, got) = (self.inner.vk.gamma_abc_g1.len() - 1, claim.inputs.len());
        if expected == got { Proof::decode(claim.proof) } else { Err(ProofError::Inputs { expected, got }) }
    }

    /// The equation of one proof.
    pub(crate) fn equation(&self, inputs: &[Fr], proof: &Proof) -> Result<(), ProofError> {
        let constant = self.inner.vk.gamma_abc_g1.first().map_or(G1Projective::ZERO, |point| point.into_group());
        let bound = inputs.iter().zip(&self.multiples).fold(constant, |sum, (input, multiples)| sum + multiples.times(input));
        let looped = Bn254::multi_miller_loop(
            [proof.0.a, bound.into_affine(), proof.0.c],
            [proof.0.b.into(), self.inner.gamma_g2_neg_pc.clone(), self.inner.delta_g2_neg_pc.clone()],
        );
        let holds = Bn254::final_exponentiation(looped).is_some_and(|value| value.0 == self.inner.alpha_g1_beta_g2);
        if holds { Ok(()) } else { Err(ProofError::False) }
    }
}

#[cfg(test)]
mod tests {
    use ark_ff::Field;
    use ark_std::rand::{SeedableRng, rngs::StdRng};

    use super::*;
    use crate::testing::{keys, proof_of};

    fn prepared() -> PreparedKey {
        PreparedKey::new(&VerifyingKey::new(&keys().1).expect("a key"))
    }

    #[test]
    fn a_proof_holds_for_its_inputs_alone() {
        let (proof, inputs) = proof_of(5);
        let key = prepared();
        assert_eq!(key.verify(&Claim { inputs: inputs.clone(), proof: &proof }), Ok(()));
        for at in 0..inputs.len() {
            let mut wrong = inputs.clone();
            wrong[at] += Fr::ONE;
            assert_eq!(key.verify(&Claim { inputs: wrong, proof: &proof }), Err(ProofError::False));
        }
    }

    /// Checklist row 1: the library would take these.
    #[test]
    fn the_number_of_inputs_is_checked() {
        let (proof, inputs) = proof_of(5);
        let key = prepared();
        for count in [0, 1, 3] {
            let mut changed = inputs.clone();
            changed.resize(count, Fr::ZERO);
            let expected = Err(ProofError::Inputs { expected: 2, got: count });
            assert_eq!(key.verify(&Claim { inputs: changed.clone(), proof: &proof }), expected);
            assert_eq!(key.verify_all(&[Claim { inputs: changed, proof: &proof }]), [expected]);
        }
        let (zero_proof, zero_inputs) = proof_of(0);
        assert_eq!(zero_inputs[1], Fr::ZERO);
        let inner = ark_groth16::prepare_verifying_key(&keys().1);
        let parsed = Proof::decode(&zero_proof).expect("a proof").0;
        let library = ark_groth16::Groth16::<Bn254>::verify_proof(&inner, &parsed, &zero_inputs[..1]);
        assert!(library.expect("no check"), "why the check is ours");
    }

    #[test]
    fn mutated_proofs_are_refused() {
        let (proof, inputs) = proof_of(5);
        let key = prepared();
        for at in 0..proof.len() {
            for bit in [1, 0x80] {
                let mut changed = proof;
                changed[at] ^= bit;
                assert!(key.verify(&Claim { inputs: inputs.clone(), proof: &changed }).is_err(), "{at}");
            }
        }
    }

    /// Checklist row 7: another proof of the same statement verifies, so that its bytes are no name of anything.
    #[test]
    fn proofs_can_be_made_anew() {
        let (proof, inputs) = proof_of(5);
        let parsed = Proof::decode(&proof).expect("a proof").0;
        let other = ark_groth16::Groth16::<Bn254>::rerandomize_proof(&keys().1, &parsed, &mut StdRng::seed_from_u64(1));
        let other = Proof::encode(&other).expect("bytes");
        assert_ne!(other, proof);
        assert_eq!(prepared().verify(&Claim { inputs, proof: &other }), Ok(()));
    }
}
