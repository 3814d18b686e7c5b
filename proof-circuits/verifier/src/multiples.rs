//! Multiples of a point of the key, so that an input costs 64 additions and no doublings.
#![allow(clippy::arithmetic_side_effects, reason = "operations of groups cannot overflow")]
use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, PrimeField};

/// Bits of a digit.
const WINDOW: u32 = 4;
/// Multiples of one place: 1 to 15 times 16^place.
const DIGITS: usize = 15;

/// For each of the 64 places of a scalar in base 16, the point times every digit but zero.
pub(crate) struct Multiples(Vec<G1Affine>);

impl Multiples {
    /// The table of a point.
    pub(crate) fn new(point: &G1Affine) -> Self {
        let mut table = Vec::new();
        let mut base = point.into_group();
        for _ in 0..Fr::MODULUS_BIT_SIZE.div_ceil(WINDOW) {
            let mut multiple = G1Projective::ZERO;
            for _ in 0..DIGITS {
                multiple += base;
                table.push(multiple);
            }
            base += multiple;
        }
        Self(G1Projective::normalize_batch(&table))
    }

    /// The point times a scalar.
    pub(crate) fn times(&self, scalar: &Fr) -> G1Projective {
        let limbs = scalar.into_bigint().0;
        let digits = limbs.iter().flat_map(|limb| (0..u64::BITS / WINDOW).map(move |place| (limb >> (place * WINDOW)) as usize & DIGITS));
        let places = self.0.chunks_exact(DIGITS);
        digits.zip(places).fold(G1Projective::ZERO, |sum, (digit, place)| {
            digit.checked_sub(1).and_then(|digit| place.get(digit)).map_or(sum, |multiple| sum + multiple)
        })
    }
}

#[cfg(test)]
mod tests {
    use ark_ff::Field;
    use ark_std::{UniformRand, rand::SeedableRng, rand::rngs::StdRng};

    use super::*;

    #[test]
    fn multiples_are_those_of_the_library() {
        let mut random = StdRng::seed_from_u64(1);
        let point = G1Projective::rand(&mut random).into_affine();
        let table = Multiples::new(&point);
        let drawn: Vec<Fr> = (0..20).map(|_| Fr::rand(&mut random)).collect();
        for scalar in [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(15u64), Fr::from(16u64), Fr::from(u128::MAX)].into_iter().chain(drawn) {
            assert_eq!(table.times(&scalar), point * scalar);
        }
    }
}
