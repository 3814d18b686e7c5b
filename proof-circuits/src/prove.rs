//! The proof itself (Groth16, section 3.2): with the key's points sorted out beforehand and the sums side by side.
use ark_bn254::{Bn254, Fr, G1Projective, G2Projective, g1, g2};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::PrimeField;
use ark_groth16::{
    Proof, ProvingKey,
    r1cs_to_qap::{LibsnarkReduction, R1CSToQAP},
};
use ark_poly::GeneralEvaluationDomain;
use ark_relations::utils::matrix::Matrix;

use crate::{cs::INSTANCE, msm::Query};

/// The points of a proving key as the prover multiplies them.
pub(crate) struct Points {
    a: Query<g1::Config>,
    b_g1: Query<g1::Config>,
    b_g2: Query<g2::Config>,
    h: Query<g1::Config>,
    l: Query<g1::Config>,
}

impl Points {
    pub(crate) fn new(key: &ProvingKey<Bn254>) -> Self {
        Self {
            a: Query::new(&key.a_query, 0),
            b_g1: Query::new(&key.b_g1_query, 0),
            b_g2: Query::new(&key.b_g2_query, 0),
            h: Query::new(&key.h_query, 0),
            l: Query::new(&key.l_query, INSTANCE),
        }
    }
}

/// A proof for the values of all variables; `r` and `s` must be fresh and uniform, they are what hides the witness.
pub(crate) fn prove(
    key: &ProvingKey<Bn254>,
    points: &Points,
    matrices: &[Matrix<Fr>; 3],
    values: &[Fr],
    (r, s): (Fr, Fr),
) -> Result<Proof<Bn254>, ark_relations::gr1cs::SynthesisError> {
    let scalars: Vec<_> = values.iter().map(|value| value.into_bigint()).collect();
    let quotient = || {
        let rows = matrices[0].len();
        let h = LibsnarkReduction::witness_map_from_matrices::<Fr, GeneralEvaluationDomain<Fr>>(matrices, INSTANCE, rows, values)?;
        let h: Vec<_> = h.into_iter().map(|value| value.into_bigint()).collect();
        Ok(points.h.sum(&h))
    };
    let sides = || rayon::join(|| points.b_g2.sum(&scalars), || points.b_g1.sum(&scalars));
    let others = || rayon::join(|| points.a.sum(&scalars), || points.l.sum(&scalars));
    let (((b, b_g1), (a, l)), h) = rayon::join(|| rayon::join(sides, others), quotient);
    let (h, delta): (G1Projective, G1Projective) = (h?, key.delta_g1.into_group());
    let a = a + key.vk.alpha_g1 + delta * r;
    let b: G2Projective = b + key.vk.beta_g2 + key.vk.delta_g2 * s;
    let b_g1 = b_g1 + key.beta_g1 + delta * s;
    let c = a * s + b_g1 * r - delta * (r * s) + l + h;
    Ok(Proof { a: a.into_affine(), b: b.into_affine(), c: c.into_affine() })
}
