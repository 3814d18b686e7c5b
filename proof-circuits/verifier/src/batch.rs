//! Many proofs under one key at once: a random combination of their equations.
//!
//! The work comes in pieces that depend on nothing but their own claims ([`Batch::new`] decodes, [`Batch::part`] loops), so that a
//! caller with threads can share it out; [`PreparedKey::verify_all`] does one after the other. The verdict is the same.
#![allow(clippy::arithmetic_side_effects, reason = "operations of fields and groups cannot overflow")]
use std::ops::Range;

use ark_bn254::{Bn254, Fq12, Fr, G1Affine, G1Projective, G2Affine, g1};
use ark_ec::{
    CurveGroup, VariableBaseMSM,
    pairing::{MillerLoopOutput, Pairing},
    scalar_mul::glv::GLVConfig,
};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use sha2::{Digest, Sha256};

use crate::{Claim, PreparedKey, Proof, ProofError, miller::multi_miller_loop};

const TAG: &[u8; 16] = b"cairn/batch of p";

/// The decoded proof of a claim, or why there is none.
pub type Decoded = Result<Proof, ProofError>;

/// Claims under one key, their proofs decoded.
pub struct Batch<'a> {
    key: &'a PreparedKey,
    claims: &'a [Claim<'a>],
    decoded: Vec<Decoded>,
    /// Claims whose proofs are points, with their coefficients.
    sound: Vec<(usize, Coefficient)>,
}

/// The Miller loops of some of the claims.
#[derive(Debug, Clone)]
pub struct Part(Fq12);

/// `low + lambda high`, 128 bits of a hash in two halves: with the endomorphism of G1 a product by it takes 64 doublings. Different
/// halves are different coefficients, as no combination of lambda and 1 by numbers of 65 bits is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Coefficient {
    low: u64,
    high: u64,
}

impl Coefficient {
    fn scalar(self) -> Fr {
        Fr::from(self.low) + Fr::from(self.high) * g1::Config::LAMBDA
    }
}

impl PreparedKey {
    /// As [`PreparedKey::verify`] for each of them, in order, several times as fast: a random combination of all equations
    /// is checked, and where it does not hold, each of them.
    ///
    /// The coefficients are 128 bits of a hash of the key and of every proof and input, so that nobody can choose proofs whose
    /// faults cancel; the verdicts are those of single verification but for a chance of 2^-128.
    #[must_use]
    pub fn verify_all(&self, claims: &[Claim<'_>]) -> Vec<Result<(), ProofError>> {
        let batch = Batch::new(self, claims, claims.iter().map(|claim| self.decode(claim)).collect());
        let part = batch.part(0..batch.len());
        batch.verdicts(&[part])
    }
}

impl<'a> Batch<'a> {
    /// A batch of claims with their decoded proofs, as many and in the same order.
    #[must_use]
    pub fn new(key: &'a PreparedKey, claims: &'a [Claim<'a>], decoded: Vec<Decoded>) -> Self {
        let sound: Vec<usize> = decoded.iter().enumerate().filter(|(_, proof)| proof.is_ok()).map(|(number, _)| number).collect();
        let weights = coefficients(key, sound.iter().filter_map(|number| claims.get(*number)));
        Self { key, claims, decoded, sound: sound.into_iter().zip(weights).collect() }
    }

    /// How many claims have a proof that is looped over.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sound.len()
    }

    /// Whether no claim has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sound.is_empty()
    }

    /// The loops of some of the claims: product of e(r_i A_i, B_i).
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Part {
        let proofs: Vec<(&Proof, Coefficient)> = self.proofs().skip(range.start).take(range.len()).collect();
        let left = scaled(&proofs);
        let right: Vec<G2Affine> = proofs.iter().map(|(proof, _)| proof.0.b).collect();
        Part(multi_miller_loop(&left, &right))
    }

    /// What each claim comes to, given the parts of all of them.
    #[must_use]
    pub fn verdicts(&self, parts: &[Part]) -> Vec<Result<(), ProofError>> {
        let all_hold = self.len() > 1 && self.holds(parts);
        let verdict = |(claim, proof): (&Claim<'_>, &Decoded)| match proof {
            Err(error) => Err(*error),
            Ok(_) if all_hold => Ok(()),
            Ok(proof) => self.key.equation(&claim.inputs, proof),
        };
        self.claims.iter().zip(&self.decoded).map(verdict).collect()
    }

    fn proofs(&self) -> impl Iterator<Item = (&Proof, Coefficient)> {
        self.sound.iter().filter_map(|(number, weight)| Some((self.decoded.get(*number)?.as_ref().ok()?, *weight)))
    }

    /// sum r_i (e(A_i, B_i) - e(I_i, gamma) - e(C_i, delta)) - (sum r_i) e(alpha, beta) = 0.
    fn holds(&self, parts: &[Part]) -> bool {
        let key = &self.key.inner.vk;
        let weights: Vec<Fr> = self.sound.iter().map(|(_, weight)| weight.scalar()).collect();
        let total: Fr = weights.iter().sum();
        let mut inputs = vec![Fr::ZERO; key.gamma_abc_g1.len()];
        if let Some(constant) = inputs.first_mut() {
            *constant = total;
        }
        for ((number, _), weight) in self.sound.iter().zip(&weights) {
            let given = self.claims.get(*number).map_or(&[][..], |claim| &claim.inputs);
            for (sum, input) in inputs.iter_mut().skip(1).zip(given) {
                *sum += *input * weight;
            }
        }
        let outs: Vec<G1Affine> = self.proofs().map(|(proof, _)| proof.0.c).collect();
        let (Ok(bound), Ok(out)) = (G1Projective::msm(&key.gamma_abc_g1, &inputs), G1Projective::msm(&outs, &weights)) else {
            return false;
        };
        let left = G1Projective::normalize_batch(&[key.alpha_g1 * -total, -bound, -out]);
        let rest = Bn254::multi_miller_loop(left, [key.beta_g2, key.gamma_g2, key.delta_g2]).0;
        let looped = parts.iter().fold(rest, |product, part| product * part.0);
        Bn254::final_exponentiation(MillerLoopOutput(looped)).is_some_and(|value| value.0 == Fq12::ONE)
    }
}

/// Each A by its coefficient: both halves run together over the sums of the point and its image under the endomorphism.
fn scaled(proofs: &[(&Proof, Coefficient)]) -> Vec<G1Affine> {
    let points: Vec<(G1Affine, G1Affine)> =
        proofs.iter().map(|(proof, _)| (proof.0.a, g1::Config::endomorphism_affine(&proof.0.a))).collect();
    let sums: Vec<G1Projective> = points.iter().map(|(point, image)| *point + image).collect();
    let sums = G1Projective::normalize_batch(&sums);
    let product = |(((point, image), sum), weight): ((&(G1Affine, G1Affine), &G1Affine), Coefficient)| {
        (0..u64::BITS).rev().map(|bit| (weight.low >> bit & 1, weight.high >> bit & 1)).fold(G1Projective::ZERO, |product, bits| {
            let doubled = product.double();
            match bits {
                (0, 0) => doubled,
                (_, 0) => doubled + point,
                (0, _) => doubled + image,
                _ => doubled + sum,
            }
        })
    };
    let products: Vec<G1Projective> = points.iter().zip(&sums).zip(proofs.iter().map(|(_, weight)| *weight)).map(product).collect();
    G1Projective::normalize_batch(&products)
}

/// Coefficients that depend on everything that is combined; never zero.
fn coefficients<'a>(key: &PreparedKey, claims: impl Iterator<Item = &'a Claim<'a>> + Clone) -> Vec<Coefficient> {
    let count = claims.clone().count();
    let mut transcript = Sha256::new().chain_update(TAG).chain_update(key.digest).chain_update((count as u64).to_be_bytes());
    for claim in claims {
        transcript.update((claim.inputs.len() as u64).to_be_bytes());
        for input in &claim.inputs {
            transcript.update(input.into_bigint().to_bytes_be());
        }
        transcript.update(claim.proof);
    }
    let seed = transcript.finalize();
    let coefficient = |number: u64| {
        let digest = Sha256::new().chain_update(seed).chain_update(number.to_be_bytes()).finalize();
        let half =
            |from: usize| digest.get(from..).and_then(|bytes| bytes.first_chunk::<8>()).map_or(1, |bytes| u64::from_be_bytes(*bytes));
        Coefficient { low: half(0).max(1), high: half(8) }
    };
    (0..count as u64).map(coefficient).collect()
}

#[cfg(test)]
mod tests {
    use ark_ec::AffineRepr;

    use super::*;
    use crate::VerifyingKey;
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
        let of = |key: &PreparedKey, made: &[([u8; 128], Vec<Fr>)]| coefficients(key, borrowed(made).iter());
        let before = of(&key, &made);
        assert!(before.iter().all(|weight| weight.scalar() != Fr::ZERO));
        let mut proof = made.clone();
        proof[2].0[5] ^= 1;
        let mut input = made.clone();
        input[1].1[1] += Fr::ONE;
        let other = PreparedKey { digest: [1; 32], ..prepared() };
        for after in [of(&key, &proof), of(&key, &input), of(&other, &made), of(&key, &made[..2])] {
            assert!(before.iter().zip(&after).all(|(a, b)| a != b));
        }
    }

    /// However the work is shared out, the verdicts are the same; a part of other claims spoils the sum.
    #[test]
    fn parts_add_up() {
        let key = prepared();
        let made = claims(0..7);
        let batch_claims = borrowed(&made);
        let decoded = || batch_claims.iter().map(|claim| key.decode(claim)).collect();
        let batch = Batch::new(&key, &batch_claims, decoded());
        assert!(batch.len() == 7 && !batch.is_empty());
        for cuts in [vec![0..7, 7..7], vec![0..3, 3..7], vec![5..7, 0..1, 1..5], vec![0..0, 0..7, 7..9]] {
            let parts: Vec<Part> = cuts.into_iter().map(|range| batch.part(range)).collect();
            assert!(batch.holds(&parts));
            assert!(batch.verdicts(&parts).iter().all(Result::is_ok));
        }
        assert!(!batch.holds(&[batch.part(0..6)]));
        assert!(batch.verdicts(&[]).iter().all(Result::is_ok), "one by one, then");
    }

    #[test]
    fn coefficients_scale_points() {
        let key = prepared();
        let made = claims(3..6);
        let batch_claims = borrowed(&made);
        let batch = Batch::new(&key, &batch_claims, batch_claims.iter().map(|claim| key.decode(claim)).collect());
        let proofs: Vec<(&Proof, Coefficient)> = batch.proofs().collect();
        for ((proof, weight), product) in proofs.iter().zip(scaled(&proofs)) {
            assert_eq!(proof.0.a * weight.scalar(), product.into_group());
        }
    }
}
