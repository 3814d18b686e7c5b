//! Whether a point of the curve lies in G2, by one multiplication by the 63 bits of the curve's parameter.
//!
//! With psi the endomorphism that twists Frobenius, and x the parameter of the curve, the points of the curve over Fq2 with
//! `[x+1] Q + psi([x] Q) + psi^2([x] Q) = psi^3([2x] Q)` are those of order r (El Housni, Guillevic, Piellard: "Co-factor clearing
//! and subgroup membership testing on pairing-friendly curves", 2022, section 4.3). The library's check multiplies by twice as many bits.
#![allow(clippy::arithmetic_side_effects, reason = "operations of fields and groups cannot overflow")]
use std::sync::LazyLock;

use ark_bn254::{Fq, Fq2, G2Affine, G2Projective};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};

/// The parameter x of the curve BN254.
const PARAMETER: u64 = 4_965_661_367_192_848_881;

/// `(u + 9)^((q - 1) / 3)` and `(u + 9)^((q - 1) / 2)`.
static TWIST: LazyLock<(Fq2, Fq2)> = LazyLock::new(|| {
    let power = |divisor: u64| Fq2::new(Fq::from(9u64), Fq::ONE).pow(quotient(divisor));
    (power(3), power(2))
});

/// `(q - 1) / divisor`, which leaves no remainder.
fn quotient(divisor: u64) -> BigInt<4> {
    (-Fq::ONE * Fq::from(divisor).inverse().unwrap_or(Fq::ONE)).into_bigint()
}

fn conjugate(value: Fq2) -> Fq2 {
    Fq2::new(value.c0, -value.c1)
}

/// The endomorphism, on Jacobian coordinates.
fn psi(point: &G2Projective) -> G2Projective {
    G2Projective::new_unchecked(conjugate(point.x) * TWIST.0, conjugate(point.y) * TWIST.1, conjugate(point.z))
}

/// The endomorphism, on affine coordinates of a point other than infinity.
pub(crate) fn psi_affine(point: &G2Affine) -> G2Affine {
    G2Affine::new_unchecked(conjugate(point.x) * TWIST.0, conjugate(point.y) * TWIST.1)
}

/// Whether a point that lies on the curve lies in the group of order r.
pub(crate) fn holds(point: &G2Affine) -> bool {
    let multiple = point.mul_bigint([PARAMETER]);
    let once = psi(&multiple);
    let twice = psi(&once);
    multiple + point + once + twice == psi(&twice).double()
}

#[cfg(test)]
mod tests {
    use ark_bn254::g2;
    use ark_ec::{CurveConfig, CurveGroup, PrimeGroup, short_weierstrass::SWCurveConfig};
    use ark_ff::BigInteger;
    use ark_std::{
        UniformRand,
        rand::{SeedableRng, rngs::StdRng},
    };

    use super::*;

    fn on_the_curve(random: &mut StdRng) -> G2Affine {
        loop {
            if let Some(point) = G2Affine::get_point_from_x_unchecked(Fq2::rand(random), true) {
                return point;
            }
        }
    }

    #[test]
    fn the_verdict_is_that_of_the_library() {
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..50 {
            let (inside, outside) = (G2Projective::rand(&mut random).into_affine(), on_the_curve(&mut random));
            for point in [inside, outside, outside.clear_cofactor(), (outside + inside).into_affine()] {
                assert_eq!(holds(&point), g2::Config::is_in_correct_subgroup_assuming_on_curve(&point));
            }
            assert!(holds(&inside) && !holds(&outside));
        }
        assert!(holds(&G2Affine::generator()) && holds(&G2Affine::zero()));
    }

    /// Points whose order is a factor of the cofactor, alone and hidden in a point of the group.
    #[test]
    fn points_of_small_order_are_refused() {
        let mut random = StdRng::seed_from_u64(2);
        let order = Fr::MODULUS;
        let mut cofactor = num(g2::Config::COFACTOR);
        let small = 10_069u64;
        cofactor = divided(cofactor, small);
        let point = loop {
            let point = on_the_curve(&mut random).mul_bigint(order).into_affine().mul_bigint(cofactor);
            if point != G2Projective::ZERO {
                break point;
            }
        };
        assert_eq!(point.mul_bigint([small]), G2Projective::ZERO, "of order 10,069");
        for factor in 1..20u64 {
            let torsion = point.mul_bigint([factor]);
            assert!(!holds(&torsion.into_affine()));
            assert!(!holds(&(torsion + G2Projective::generator() * Fr::rand(&mut random)).into_affine()));
        }
    }

    fn num(limbs: &[u64]) -> BigInt<4> {
        BigInt::new(limbs.try_into().expect("four limbs"))
    }

    fn divided(mut value: BigInt<4>, by: u64) -> BigInt<4> {
        let mut rest = 0u128;
        for limb in value.0.iter_mut().rev() {
            let part = (rest << 64) | u128::from(*limb);
            *limb = u64::try_from(part / u128::from(by)).expect("below");
            rest = part % u128::from(by);
        }
        assert!(rest == 0 && value.num_bits() > 0, "a factor of the cofactor");
        value
    }

    use ark_bn254::Fr;
}
