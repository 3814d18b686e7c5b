//! The equation of Groth16 (Groth, Eurocrypt 2016): e(A, B) = e(alpha, beta) e(I, gamma) e(C, delta), one by one or many at once.
#![allow(clippy::arithmetic_side_effects, reason = "operations of fields and groups cannot overflow")]
use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM, pairing::Pairing};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use ark_groth16::PreparedVerifyingKey;
use sha2::{Digest, Sha256};

use crate::{Proof, ProofError, VerifyingKey};

const TAG: &[u8; 16] = b"cairn/batch of p";

/// A key made ready for many verifications (about 0.7 ms and 40 KB).
pub struct PreparedKey {
    inner: PreparedVerifyingKey<Bn254>,
    digest: [u8; 32],
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
        Self { inner: ark_groth16::prepare_verifying_key(&key.inner), digest: Sha256::digest(key.bytes()).into() }
    }

    /// Whether the proof proves the statement. The number of inputs is checked here: the library pairs off as many as there are
    /// and would take one too many, and one too few as zero.
    ///
    /// # Errors
    /// [`ProofError`]; `False` where the proof is well-formed but does not hold.
    pub fn verify(&self, claim: &Claim<'_>) -> Result<(), ProofError> {
        self.equation(&claim.inputs, &self.parsed(claim)?)
    }

    /// As [`PreparedKey::verify`] for each of them, in order, several times as fast: a random combination of all equations
    /// is checked, and where it does not hold, each of them.
    ///
    /// The coefficients are 128 bits of a hash of the key and of every proof and input, so that nobody can choose proofs whose
    /// faults cancel; the verdicts are those of single verification but for a chance of 2^-128.
    #[must_use]
    pub fn verify_all(&self, claims: &[Claim<'_>]) -> Vec<Result<(), ProofError>> {
        let parsed: Vec<_> = claims.iter().map(|claim| self.parsed(claim)).collect();
        let sound: Vec<(&Claim<'_>, &Proof)> =
            claims.iter().zip(&parsed).filter_map(|(claim, proof)| proof.as_ref().ok().map(|proof| (claim, proof))).collect();
        let all_hold = sound.len() > 1 && self.combined(&sound);
        let verdict = |(claim, proof): (&Claim<'_>, &Result<Proof, ProofError>)| match proof {
            Err(error) => Err(*error),
            Ok(_) if all_hold => Ok(()),
            Ok(proof) => self.equation(&claim.inputs, proof),
        };
        claims.iter().zip(&parsed).map(verdict).collect()
    }

    fn parsed(&self, claim: &Claim<'_>) -> Result<Proof, ProofError> {
        let (expected, got) = (self.inner.vk.gamma_abc_g1.len() - 1, claim.inputs.len());
        if expected == got { Proof::decode(claim.proof) } else { Err(ProofError::Inputs { expected, got }) }
    }

    fn equation(&self, inputs: &[Fr], proof: &Proof) -> Result<(), ProofError> {
        let points = &self.inner.vk.gamma_abc_g1;
        let constant = points.first().map_or(G1Projective::ZERO, |point| point.into_group());
        let bound = inputs.iter().zip(points.iter().skip(1)).fold(constant, |sum, (input, point)| sum + *point * input);
        let looped = Bn254::multi_miller_loop(
            [proof.0.a, bound.into_affine(), proof.0.c],
            [proof.0.b.into(), self.inner.gamma_g2_neg_pc.clone(), self.inner.delta_g2_neg_pc.clone()],
        );
        let holds = Bn254::final_exponentiation(looped).is_some_and(|value| value.0 == self.inner.alpha_g1_beta_g2);
        if holds { Ok(()) } else { Err(ProofError::False) }
    }

    /// sum r_i (e(A_i, B_i) - e(I_i, gamma) - e(C_i, delta)) - (sum r_i) e(alpha, beta) = 0.
    fn combined(&self, claims: &[(&Claim<'_>, &Proof)]) -> bool {
        let key = &self.inner.vk;
        let weights = self.coefficients(claims);
        let total: Fr = weights.iter().sum();
        let mut inputs = vec![Fr::ZERO; key.gamma_abc_g1.len()];
        if let Some(constant) = inputs.first_mut() {
            *constant = total;
        }
        for ((claim, _), weight) in claims.iter().zip(&weights) {
            for (sum, input) in inputs.iter_mut().skip(1).zip(&claim.inputs) {
                *sum += *input * weight;
            }
        }
        let outs: Vec<G1Affine> = claims.iter().map(|(_, proof)| proof.0.c).collect();
        let (Ok(bound), Ok(out)) = (G1Projective::msm(&key.gamma_abc_g1, &inputs), G1Projective::msm(&outs, &weights)) else {
            return false;
        };
        let mut left: Vec<G1Projective> =
            claims.iter().zip(&weights).map(|((_, proof), weight)| proof.0.a.mul_bigint(half(weight))).collect();
        left.extend([key.alpha_g1 * -total, -bound, -out]);
        let mut right: Vec<G2Affine> = claims.iter().map(|(_, proof)| proof.0.b).collect();
        right.extend([key.beta_g2, key.gamma_g2, key.delta_g2]);
        let looped = Bn254::multi_miller_loop(G1Projective::normalize_batch(&left), right);
        Bn254::final_exponentiation(looped).is_some_and(|value| value.0 == <Bn254 as Pairing>::TargetField::ONE)
    }

    /// 128-bit coefficients that depend on everything that is combined; never zero.
    fn coefficients(&self, claims: &[(&Claim<'_>, &Proof)]) -> Vec<Fr> {
        let mut transcript = Sha256::new().chain_update(TAG).chain_update(self.digest).chain_update((claims.len() as u64).to_be_bytes());
        for (claim, _) in claims {
            transcript.update((claim.inputs.len() as u64).to_be_bytes());
            for input in &claim.inputs {
                transcript.update(input.into_bigint().to_bytes_be());
            }
            transcript.update(claim.proof);
        }
        let seed = transcript.finalize();
        let coefficient = |number: u64| {
            let digest = Sha256::new().chain_update(seed).chain_update(number.to_be_bytes()).finalize();
            let value = digest.first_chunk::<16>().map_or(1, |bytes| u128::from_be_bytes(*bytes));
            Fr::from(value.max(1))
        };
        (0..claims.len() as u64).map(coefficient).collect()
    }
}

/// The two lower limbs: a coefficient has no more.
fn half(weight: &Fr) -> impl AsRef<[u64]> {
    let [low, high, ..] = weight.into_bigint().0;
    [low, high]
}

#[cfg(test)]
mod tests {
    use ark_std::rand::{SeedableRng, rngs::StdRng};

    use super::*;
    use crate::testing::{keys, proof_of};

    fn prepared() -> PreparedKey {
        PreparedKey::new(&VerifyingKey::new(&keys().1).expect("a key"))
    }

    fn claims(of: std::ops::Range<u64>) -> Vec<([u8; 128], Vec<Fr>)> {
        of.map(proof_of).collect()
    }

    fn borrowed(made: &[([u8; 128], Vec<Fr>)]) -> Vec<Claim<'_>> {
        made.iter().map(|(proof, inputs)| Claim { inputs: inputs.clone(), proof }).collect()
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

    #[test]
    fn a_batch_has_the_verdicts_of_single_proofs() {
        let key = prepared();
        let mut made = claims(0..24);
        assert!(key.verify_all(&borrowed(&made)).iter().all(Result::is_ok));
        made[7].1[0] += Fr::ONE;
        made[11].0[0] ^= 1;
        made[13].1.pop();
        let swapped = made[20].0;
        made[20].0 = made[21].0;
        made[21].0 = swapped;
        let batch = borrowed(&made);
        let singles: Vec<_> = batch.iter().map(|claim| key.verify(claim)).collect();
        assert_eq!(key.verify_all(&batch), singles);
        assert_eq!(singles.iter().filter(|verdict| verdict.is_err()).count(), 5);
        assert!(key.verify_all(&[]).is_empty());
    }

    /// Faults that would cancel under equal coefficients: C_1 + D and C_2 - D.
    #[test]
    fn faults_do_not_cancel() {
        let key = prepared();
        let mut made = claims(3..5);
        let shift = G1Affine::generator();
        for (number, sign) in [(0, Fr::ONE), (1, -Fr::ONE)] {
            let mut proof = Proof::decode(&made[number].0).expect("a proof").0;
            proof.c = (proof.c.into_group() + shift * sign).into_affine();
            made[number].0 = Proof::encode(&proof).expect("bytes");
        }
        assert_eq!(key.verify_all(&borrowed(&made)), [Err(ProofError::False), Err(ProofError::False)]);
    }

    /// Checklist row 12: each part of what is combined changes every coefficient.
    #[test]
    fn coefficients_depend_on_everything() {
        let key = prepared();
        let made = claims(3..6);
        let of = |key: &PreparedKey, made: &[([u8; 128], Vec<Fr>)]| {
            let claims = borrowed(made);
            let proofs: Vec<Proof> = made.iter().map(|_| Proof::decode(&proof_of(3).0).expect("a proof")).collect();
            key.coefficients(&claims.iter().zip(&proofs).collect::<Vec<_>>())
        };
        let before = of(&key, &made);
        assert!(before.iter().all(|weight| *weight != Fr::ZERO));
        let mut proof = made.clone();
        proof[2].0[5] ^= 1;
        let mut input = made.clone();
        input[1].1[1] += Fr::ONE;
        let other = PreparedKey { digest: [1; 32], ..prepared() };
        for after in [of(&key, &proof), of(&key, &input), of(&other, &made), of(&key, &made[..2])] {
            assert!(before.iter().zip(&after).all(|(a, b)| a != b));
        }
    }
}
