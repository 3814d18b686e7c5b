//! The key with which phase 2 begins: `gamma` and `delta` are one.
use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{
    AffineRepr, CurveGroup,
    short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::PrimeField;
use ark_groth16::{ProvingKey, VerifyingKey};
use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
use rayon::prelude::*;

use super::{CeremonyError, Powers};
use crate::{
    Circuit,
    cs::{INSTANCE, Row, Terms},
    msm,
    prover::constraints,
};

/// A column of a matrix: factors of rows.
type Column = Vec<(Fr, usize)>;

/// How many powers the key of a circuit takes, a power of two.
///
/// # Errors
/// [`CeremonyError::Prove`].
pub fn powers_needed(circuit: &Circuit) -> Result<usize, CeremonyError> {
    Ok((constraints(circuit)?.0.len() + INSTANCE).next_power_of_two())
}

/// The key of a circuit that follows from powers of tau alone.
///
/// With `L_r` the Lagrange polynomials of the rows, `A_v = sum a_rv L_r(tau)` and so on (Groth16, section 3.2); for the two
/// instance variables `A_v` has one term more, that of the row that the library adds for each of them.
///
/// # Errors
/// [`CeremonyError`].
pub fn initial_key(circuit: &Circuit, powers: &Powers) -> Result<ProvingKey<Bn254>, CeremonyError> {
    let (rows, variables) = constraints(circuit)?;
    let domain: GeneralEvaluationDomain<Fr> =
        EvaluationDomain::new(rows.len() + INSTANCE).ok_or(CeremonyError::Format("a circuit too large"))?;
    let size = domain.size();
    if powers.size() < size {
        return Err(CeremonyError::TooFew { needed: size.ilog2(), got: powers.size().ilog2() });
    }
    let of = |points: &[G1Affine]| lagrange(&domain, &points[..size]);
    let (tau, alpha, beta) = (of(&powers.tau_g1), of(&powers.alpha), of(&powers.beta));
    let tau_g2 = lagrange(&domain, &powers.tau_g2[..size]);
    let mut a = columns(&rows, variables, |row| &row.a);
    for (variable, column) in a.iter_mut().take(INSTANCE).enumerate() {
        column.push((Fr::from(1u64), rows.len() + variable));
    }
    let (b, c) = (columns(&rows, variables, |row| &row.b), columns(&rows, variables, |row| &row.c));
    let in_g1 = |columns: &[Column], points: &[G1Affine]| -> Vec<G1Projective> {
        columns.par_iter().map(|column| combine(column, points)).collect()
    };
    let joint: Vec<G1Projective> =
        in_g1(&a, &beta).into_iter().zip(in_g1(&b, &alpha)).zip(in_g1(&c, &tau)).map(|((a, b), c)| a + b + c).collect();
    let b_g2: Vec<G2Projective> = b.par_iter().map(|column| combine(column, &tau_g2)).collect();
    let joint = G1Projective::normalize_batch(&joint);
    let difference = |i: usize| powers.tau_g1[i + size].into_group() - powers.tau_g1[i];
    let vk = VerifyingKey {
        alpha_g1: powers.alpha[0],
        beta_g2: powers.beta_g2,
        gamma_g2: G2Affine::generator(),
        delta_g2: G2Affine::generator(),
        gamma_abc_g1: joint[..INSTANCE].to_vec(),
    };
    Ok(ProvingKey {
        vk,
        beta_g1: powers.beta[0],
        delta_g1: G1Affine::generator(),
        a_query: G1Projective::normalize_batch(&in_g1(&a, &tau)),
        b_g1_query: G1Projective::normalize_batch(&in_g1(&b, &tau)),
        b_g2_query: G2Projective::normalize_batch(&b_g2),
        h_query: G1Projective::normalize_batch(&(0..size - 1).map(difference).collect::<Vec<_>>()),
        l_query: joint[INSTANCE..].to_vec(),
    })
}

fn columns(rows: &[Row], variables: usize, of: impl Fn(&Row) -> &Terms) -> Vec<Column> {
    let mut columns = vec![Column::new(); variables];
    for (number, row) in rows.iter().enumerate() {
        for (factor, variable) in of(row) {
            columns[*variable].push((*factor, number));
        }
    }
    columns
}

/// `L_r(tau)` for every row from `tau^i`: the inverse transform, in the group.
fn lagrange<P: SWCurveConfig<ScalarField = Fr>>(domain: &GeneralEvaluationDomain<Fr>, powers: &[Affine<P>]) -> Vec<Affine<P>> {
    let mut points: Vec<Projective<P>> = powers.iter().map(|point| (*point).into()).collect();
    domain.ifft_in_place(&mut points);
    Projective::normalize_batch(&points)
}

/// `sum factor * points[row]` of a column.
fn combine<P: SWCurveConfig<ScalarField = Fr>>(column: &Column, points: &[Affine<P>]) -> Projective<P> {
    let picked: Vec<Affine<P>> = column.iter().map(|(_, row)| points[*row]).collect();
    let factors: Vec<_> = column.iter().map(|(factor, _)| factor.into_bigint()).collect();
    msm::Query::new(&picked, 0).sum(&factors)
}
