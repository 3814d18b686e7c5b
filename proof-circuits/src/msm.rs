//! Sums of multiples of fixed points, `sum s_i P_i`, by Pippenger's buckets with additions in affine coordinates.
//!
//! The points of a window are sorted by bucket and each bucket is summed by pairs; the divisions of all pairs of a round share one
//! inversion (Montgomery's trick), so that an addition costs six multiplications, of which mixed coordinates need ten. Digits are
//! signed, so that half of the buckets suffice. What is small, as bits are, falls into few windows by itself.
use ark_bn254::Fr;
use ark_ec::{
    AdditiveGroup, AffineRepr,
    short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::{BigInt, Field, PrimeField};
use rayon::prelude::*;

/// Cost of adding a bucket to the running sums, in additions of points to buckets: 27 multiplications to six.
const BUCKET_COST: usize = 5;

/// Points of a key, without those at infinity: which variable each is multiplied with.
pub(crate) struct Query<P: SWCurveConfig> {
    points: Vec<Affine<P>>,
    variables: Vec<usize>,
}

impl<P: SWCurveConfig> Query<P> {
    /// The points of variables `first..`.
    pub(crate) fn new(points: &[Affine<P>], first: usize) -> Self {
        let kept = points.iter().enumerate().filter(|(_, point)| !point.is_zero());
        let (variables, points) = kept.map(|(number, point)| (first + number, *point)).unzip();
        Self { points, variables }
    }

    /// `sum values_v P_v`.
    pub(crate) fn sum(&self, values: &[BigInt<4>]) -> Projective<P> {
        let used = self.points.iter().zip(&self.variables).filter_map(|(point, variable)| {
            let scalar = values.get(*variable).filter(|scalar| **scalar != BigInt::zero())?;
            Some((*point, *scalar))
        });
        let (points, scalars): (Vec<_>, Vec<_>) = used.unzip();
        sum(&points, &scalars)
    }
}

/// `sum s_i P_i`; no point may be at infinity.
fn sum<P: SWCurveConfig>(points: &[Affine<P>], scalars: &[BigInt<4>]) -> Projective<P> {
    let width = best_width(points.len());
    let windows = windows_of(width);
    let digits: Vec<i16> = scalars.iter().flat_map(|scalar| digits(scalar, width)).collect();
    let window = |number: usize| {
        let of_window = points.iter().zip(digits.iter().skip(number).step_by(windows));
        total(bucketed(of_window, 1 << (width - 1)))
    };
    let totals: Vec<Projective<P>> = (0..windows).into_par_iter().map(window).collect();
    totals.into_iter().rev().fold(Projective::ZERO, |mut sum, total| {
        (0..width).for_each(|_| {
            sum.double_in_place();
        });
        sum + total
    })
}

fn windows_of(width: usize) -> usize {
    (Fr::MODULUS_BIT_SIZE as usize + 1).div_ceil(width)
}

/// The width of windows for which the fewest additions are needed.
fn best_width(points: usize) -> usize {
    (3..=15).min_by_key(|width| windows_of(*width) * (points + (BUCKET_COST << (width - 1)))).unwrap_or(3)
}

/// Signed digits of `width` bits, the lowest first, each in `[-2^(width - 1), 2^(width - 1)]`.
fn digits(scalar: &BigInt<4>, width: usize) -> impl Iterator<Item = i16> {
    let scalar = *scalar;
    let mut carry = 0;
    (0..windows_of(width)).map(move |number| {
        let digit = bits_at(&scalar, number * width, width) as i32 + carry;
        carry = i32::from(digit > 1 << (width - 1));
        (digit - (carry << width)) as i16
    })
}

fn bits_at(scalar: &BigInt<4>, from: usize, width: usize) -> u64 {
    let (limb, shift) = (from / 64, from % 64);
    let low = scalar.0.get(limb).map_or(0, |limb| limb >> shift);
    let high = if shift == 0 { 0 } else { scalar.0.get(limb + 1).map_or(0, |limb| limb << (64 - shift)) };
    (low | high) & ((1 << width) - 1)
}

/// Points sorted by bucket, and how many each bucket has.
struct Buckets<P: SWCurveConfig> {
    points: Vec<Affine<P>>,
    sizes: Vec<usize>,
}

fn bucketed<'a, P: SWCurveConfig>(points: impl Iterator<Item = (&'a Affine<P>, &'a i16)> + Clone, count: usize) -> Buckets<P> {
    let mut sizes = vec![0; count];
    points.clone().filter(|(_, digit)| **digit != 0).for_each(|(_, digit)| sizes[usize::from(digit.unsigned_abs()) - 1] += 1);
    let mut next: Vec<usize> = sizes.iter().scan(0, |from, size| Some(std::mem::replace(from, *from + size))).collect();
    let mut sorted = vec![Affine::identity(); sizes.iter().sum()];
    for (point, digit) in points.filter(|(_, digit)| **digit != 0) {
        let place = &mut next[usize::from(digit.unsigned_abs()) - 1];
        sorted[*place] = if *digit < 0 { -*point } else { *point };
        *place += 1;
    }
    Buckets { points: sorted, sizes }
}

/// `sum number * bucket`, numbers from 1.
fn total<P: SWCurveConfig>(mut buckets: Buckets<P>) -> Projective<P> {
    let mut denominators = Vec::new();
    while buckets.sizes.iter().any(|size| *size > 1) {
        halve(&mut buckets, &mut denominators);
    }
    let (mut running, mut sum) = (Projective::ZERO, Projective::ZERO);
    let mut points = buckets.points.iter().rev();
    for size in buckets.sizes.iter().rev() {
        if *size == 1 {
            running += points.next().unwrap_or(&Affine::identity());
        }
        sum += running;
    }
    sum
}

/// Adds the points of every bucket by pairs.
fn halve<P: SWCurveConfig>(buckets: &mut Buckets<P>, denominators: &mut Vec<P::BaseField>) {
    denominators.clear();
    let mut from = 0;
    for size in &buckets.sizes {
        let pairs = buckets.points[from..from + size].chunks_exact(2);
        denominators.extend(pairs.map(|pair| denominator(&pair[0], &pair[1])));
        from += size;
    }
    invert(denominators);
    let mut inverses = denominators.iter();
    let (mut from, mut kept) = (0, 0);
    for size in &mut buckets.sizes {
        let before = kept;
        for at in (from..from + *size - *size % 2).step_by(2) {
            let added = add(&buckets.points[at], &buckets.points[at + 1], inverses.next());
            if let Some(point) = added {
                buckets.points[kept] = point;
                kept += 1;
            }
        }
        if *size % 2 == 1 {
            buckets.points[kept] = buckets.points[from + *size - 1];
            kept += 1;
        }
        from += *size;
        *size = kept - before;
    }
    buckets.points.truncate(kept);
}

/// What the slope of the line through two points is divided by; zero where they cancel.
fn denominator<P: SWCurveConfig>(a: &Affine<P>, b: &Affine<P>) -> P::BaseField {
    if a.x != b.x {
        b.x - a.x
    } else if a.y == b.y {
        a.y.double()
    } else {
        P::BaseField::ZERO
    }
}

/// The sum of two points with the inverse of their denominator; `None` where it is infinity.
fn add<P: SWCurveConfig>(a: &Affine<P>, b: &Affine<P>, inverse: Option<&P::BaseField>) -> Option<Affine<P>> {
    let inverse = inverse.filter(|inverse| **inverse != P::BaseField::ZERO)?;
    let rise = if a.x == b.x {
        let square = a.x.square();
        square.double() + square + P::COEFF_A
    } else {
        b.y - a.y
    };
    let slope = rise * inverse;
    let x = slope.square() - a.x - b.x;
    Some(Affine::new_unchecked(x, slope * (a.x - x) - a.y))
}

/// Inverts all of them that are not zero by one inversion.
fn invert<F: Field>(values: &mut [F]) {
    let mut products = Vec::with_capacity(values.len());
    let mut product = F::ONE;
    for value in values.iter().filter(|value| **value != F::ZERO) {
        products.push(product);
        product *= value;
    }
    let mut inverse = product.inverse().unwrap_or(F::ONE);
    for (value, before) in values.iter_mut().rev().filter(|value| **value != F::ZERO).zip(products.into_iter().rev()) {
        let next = inverse * *value;
        *value = inverse * before;
        inverse = next;
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{G1Affine, G2Affine};
    use ark_ec::AffineRepr;
    use ark_ff::UniformRand;
    use ark_std::rand::Rng;

    use super::*;
    use crate::tests::random;

    fn plain<P: SWCurveConfig<ScalarField = Fr>>(points: &[Affine<P>], values: &[Fr]) -> Projective<P> {
        points.iter().zip(values).map(|(point, value)| *point * value).sum()
    }

    fn agree<P: SWCurveConfig<ScalarField = Fr>>(points: &[Affine<P>], values: &[Fr]) {
        let scalars: Vec<_> = values.iter().map(|value| value.into_bigint()).collect();
        assert_eq!(Query::new(points, 0).sum(&scalars), plain(points, values), "{}", points.len());
    }

    /// Sizes, small and large scalars, equal and opposite points, infinity, and the ends of the field.
    #[test]
    fn sums_are_those_of_plain_multiplication() {
        let mut random = random(3);
        for count in [0, 1, 2, 3, 17, 300] {
            let mut points: Vec<G1Affine> = (0..count).map(|_| G1Affine::rand(&mut random)).collect();
            let value = |number: usize| match number % 5 {
                0 => Fr::rand(&mut random),
                1 => Fr::from(random.gen_range(0..2u64)),
                2 => -Fr::from(random.gen_range(0..300u64)),
                3 => Fr::from(random.r#gen::<u64>()),
                _ => -Fr::ONE,
            };
            let mut values: Vec<Fr> = (0..count).map(value).collect();
            if count > 10 {
                points[3] = points[4];
                points[5] = -points[4];
                points[6] = G1Affine::identity();
                (values[3], values[5]) = (values[4], values[4]);
                (points[7], values[7]) = (points[4], values[4]);
            }
            agree(&points, &values);
        }
        let points: Vec<G2Affine> = (0..40).map(|_| G2Affine::rand(&mut random)).collect();
        let values: Vec<Fr> = (0..40).map(|_| Fr::rand(&mut random)).collect();
        agree(&points, &values);
    }

    #[test]
    fn everything_may_cancel() {
        let point = G1Affine::generator();
        agree(&[point, -point, point, -point], &[Fr::from(9u64); 4]);
        agree(&[point; 64], &[Fr::ONE; 64]);
        agree(&[point; 7], &[Fr::ZERO; 7]);
    }

    #[test]
    fn digits_are_small_and_add_up() {
        let mut random = random(4);
        for width in 3..=15 {
            for value in [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::rand(&mut random)] {
                let step = Fr::from(2u64).pow([width as u64]);
                let digits: Vec<i16> = digits(&value.into_bigint(), width).collect();
                assert!(digits.iter().all(|digit| digit.unsigned_abs() <= 1 << (width - 1)));
                let sum = digits.iter().rev().fold(Fr::ZERO, |sum, digit| sum * step + crate::commit::field(i64::from(*digit)));
                assert_eq!(sum, value, "{width}");
            }
        }
    }
}
