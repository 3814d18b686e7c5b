//! Miller loops of many pairs at once, for batches of proofs: the optimal ate pairing of BN254 (Vercauteren, 2009).
//!
//! The points of G2 advance together in affine coordinates, so that a step costs one inversion for all of them, and a line is
//! divided by the ordinate of its point of G1, which leaves 1 as its first coefficient. That divisor lies in the base field, where
//! the final exponentiation makes it 1: what comes out differs from the library's loop by nothing else. A single proof is checked
//! by the library's own loop, which is faster for one.
#![allow(clippy::arithmetic_side_effects, reason = "operations of fields cannot overflow")]
use ark_bn254::{Config, Fq, Fq2, Fq12, Fq12Config, G1Affine, G2Affine};
use ark_ec::models::bn::BnConfig;
use ark_ff::{AdditiveGroup, Field, Fp12Config, batch_inversion};

use crate::subgroup::psi_affine;

/// A point of G1 as lines are evaluated at it: `x / y` and `1 / y`.
struct At {
    quotient: Fq,
    inverse: Fq,
}

/// `1 + slope * -x/y * w + constant / y * w^3`, the line through two points of the twist (or touching it at one) as a function on the curve.
struct Line {
    slope: Fq2,
    constant: Fq2,
}

/// The product of the loops of `left[i]` with `right[i]`. None of the points may be at infinity, and those of the right must be of order r:
/// then no step meets a denominator that is zero.
pub(crate) fn multi_miller_loop(left: &[G1Affine], right: &[G2Affine]) -> Fq12 {
    let at = evaluated(left);
    let mut points = right.to_vec();
    let mut product = Fq12::ONE;
    let digits = Config::ATE_LOOP_COUNT.iter().rev().skip(1);
    for digit in digits {
        product.square_in_place();
        multiply(&mut product, &at, &doubled(&mut points));
        match digit {
            0 => {}
            1 => multiply(&mut product, &at, &added(&mut points, right.iter().copied())),
            _ => multiply(&mut product, &at, &added(&mut points, right.iter().map(|point| -*point))),
        }
    }
    multiply(&mut product, &at, &added(&mut points, right.iter().map(psi_affine)));
    multiply(&mut product, &at, &added(&mut points, right.iter().map(|point| -psi_affine(&psi_affine(point)))));
    product
}

fn evaluated(left: &[G1Affine]) -> Vec<At> {
    let mut inverses: Vec<Fq> = left.iter().map(|point| point.y).collect();
    batch_inversion(&mut inverses);
    left.iter().zip(inverses).map(|(point, inverse)| At { quotient: point.x * inverse, inverse }).collect()
}

/// Doubles every point; the tangents at what they were.
fn doubled(points: &mut [G2Affine]) -> Vec<Line> {
    let mut slopes: Vec<Fq2> = points.iter().map(|point| point.y.double()).collect();
    batch_inversion(&mut slopes);
    let step = |(point, slope): (&mut G2Affine, &Fq2)| {
        let square = point.x.square();
        advance(point, point.x, (square.double() + square) * slope)
    };
    points.iter_mut().zip(&slopes).map(step).collect()
}

/// Adds to every point one of the others; the lines through both.
fn added(points: &mut [G2Affine], others: impl Iterator<Item = G2Affine> + Clone) -> Vec<Line> {
    let mut slopes: Vec<Fq2> = points.iter().zip(others.clone()).map(|(point, other)| point.x - other.x).collect();
    batch_inversion(&mut slopes);
    let step = |((point, other), slope): ((&mut G2Affine, G2Affine), &Fq2)| advance(point, other.x, (point.y - other.y) * slope);
    points.iter_mut().zip(others).zip(&slopes).map(step).collect()
}

/// The third point of the curve on a line through `point` and one with abscissa `other`, mirrored.
fn advance(point: &mut G2Affine, other: Fq2, slope: Fq2) -> Line {
    let line = Line { slope, constant: slope * point.x - point.y };
    let x = slope.square() - point.x - other;
    point.y = slope * (point.x - x) - point.y;
    point.x = x;
    line
}

/// Multiplies the lines at their points of G1 into the product: of the six coefficients over Fq2 of a line the first is 1, and the fourth and
/// fifth are not zero.
fn multiply(product: &mut Fq12, at: &[At], lines: &[Line]) {
    for (at, line) in at.iter().zip(lines) {
        let (fourth, fifth) = (-scaled(line.slope, &at.quotient), scaled(line.constant, &at.inverse));
        let (mut low, mut high) = (product.c0, product.c1);
        low.mul_by_01(&fourth, &fifth);
        high.mul_by_01(&fourth, &fifth);
        Fq12Config::mul_fp6_by_nonresidue_in_place(&mut high);
        product.c0 += high;
        product.c1 += low;
    }
}

/// An element of the quadratic extension times one of the base field.
fn scaled(value: Fq2, factor: &Fq) -> Fq2 {
    Fq2::new(value.c0 * factor, value.c1 * factor)
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
    use ark_ec::{
        AffineRepr, CurveGroup,
        pairing::{MillerLoopOutput, Pairing},
    };
    use ark_std::{
        UniformRand,
        rand::{SeedableRng, rngs::StdRng},
    };

    use super::*;

    fn finished(looped: Fq12) -> Fq12 {
        Bn254::final_exponentiation(MillerLoopOutput(looped)).expect("not zero").0
    }

    #[test]
    fn pairings_are_those_of_the_library() {
        let mut random = StdRng::seed_from_u64(1);
        for count in [0, 1, 2, 3, 5, 8, 33] {
            for _ in 0..8 {
                let left: Vec<G1Affine> = (0..count).map(|_| G1Projective::rand(&mut random).into_affine()).collect();
                let right: Vec<G2Affine> = (0..count).map(|_| G2Projective::rand(&mut random).into_affine()).collect();
                assert_eq!(finished(multi_miller_loop(&left, &right)), Bn254::multi_pairing(&left, &right).0);
            }
        }
    }

    /// Small multiples of the generators, both signs, the same point several times.
    #[test]
    fn special_points_pair_as_in_the_library() {
        let (one, two) = (G1Affine::generator(), G2Affine::generator());
        let multiples = [Fr::ONE, -Fr::ONE, Fr::from(2u64), -Fr::from(2u64), Fr::from(3u64), Fr::from(29_793_968_203_157_093_288u128)];
        let (mut left, mut right) = (vec![one], vec![two]);
        for a in multiples {
            for b in multiples {
                let (p, q) = ((one * a).into_affine(), (two * b).into_affine());
                assert_eq!(finished(multi_miller_loop(&[p], &[q])), Bn254::pairing(p, q).0);
                left.push(p);
                right.push(q);
            }
        }
        assert_eq!(finished(multi_miller_loop(&left, &right)), Bn254::multi_pairing(&left, &right).0);
        assert_eq!(finished(multi_miller_loop(&[one, -one], &[two, two])), Fq12::ONE);
    }
}
